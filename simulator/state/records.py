"""The file of a plant's state: a line of JSON for the version, one for each record, one for the checksum.

A record has one point of the devices of a group, columns as Base64: rows (uint32), bytes as they stand on the
wire, numbers (float64), all little-endian.  The one rule: a file is replaced as a whole or not at all, and
what is not whole is refused, never guessed.
"""

from __future__ import annotations

import binascii
import hashlib
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from simulator.errors import ConfigError, Problem

VERSION = 1
KEY = "modsim_state"
ADVICE = "expected a state as modsim writes it; move the file away to start without it"

Kind = Literal["value", "held", "memory", "table"]
KINDS = ("value", "held", "memory", "table")
Rows = npt.NDArray[np.int64]
Wire = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Record:
    """One point of some devices of a group.

    ``names`` is the template of the group's names.  A ``value`` is what a point was written to, ``held`` the
    same where a generator has to wait ``numbers`` seconds more, ``memory`` what a generator goes on from
    (``numbers``), ``table`` words at addresses no point has: ``wire`` is address and word, high byte first.
    """

    names: str
    kind: Kind
    place: str  # the point, or the table
    form: str  # how the point stands on the wire; a value of another form is of no use
    rows: Rows
    wire: Wire  # (rows, bytes)
    numbers: Numbers = field(default_factory=partial(np.empty, 0, np.float64))

    def line(self) -> bytes:
        """As it stands in the file."""
        facts = {
            "names": self.names,
            "kind": self.kind,
            "place": self.place,
            "form": self.form,
            "rows": b64encode(self.rows.astype("<u4").tobytes()).decode(),
            "wire": b64encode(self.wire.tobytes()).decode(),
            "numbers": b64encode(self.numbers.astype("<f8").tobytes()).decode(),
        }
        return json.dumps(facts, ensure_ascii=False).encode() + b"\n"


def record_of(facts: Any) -> Record:
    """What a line says; raises ValueError."""
    names, kind, place, form, rows, wire, numbers = (
        facts[key] for key in ("names", "kind", "place", "form", "rows", "wire", "numbers")
    )
    if kind not in KINDS or not all(isinstance(each, str) for each in (names, place, form)):
        raise ValueError("a record of no known kind")
    found = np.frombuffer(b64decode(rows, validate=True), "<u4").astype(np.int64)
    data = np.frombuffer(b64decode(wire, validate=True), np.uint8)
    floats = np.frombuffer(b64decode(numbers, validate=True), "<f8").astype(np.float64)
    data = data.reshape(len(found), -1 if len(found) and kind != "memory" else 0)
    if len(floats) != (len(found) if kind in ("held", "memory") else 0):
        raise ValueError("columns of different lengths")
    return Record(names, kind, place, form, found, data, floats)


def digest(lines: Iterable[bytes]) -> str:
    """What tells one set of records from another."""
    found = hashlib.sha256()
    for line in lines:
        found.update(line)
    return found.hexdigest()


def write(path: str, lines: Sequence[bytes], head: dict[str, object]) -> None:
    """Replace the file by these records, on the disk when this returns.  Raises OSError."""
    draft = f"{path}.new"
    with open(draft, "wb") as file:
        file.write(json.dumps({KEY: VERSION, **head}).encode() + b"\n")
        file.writelines(lines)
        file.write(json.dumps({"records": len(lines), "sha256": digest(lines)}).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
    folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(path: str) -> list[Record] | None:
    """The records of a file, None when there is none.

    Raises :class:`~simulator.errors.ConfigError` for a file that is not whole, or of a newer version.
    """
    try:
        with open(path, "rb") as file:
            lines = file.readlines()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _problem(path, 0, f"state cannot be read: {(error.strerror or str(error)).lower()}") from None
    head = _object(lines, 0)
    version = head.get(KEY)
    if not isinstance(version, int):
        raise _problem(path, 1, f"file is no state, {ADVICE}")
    if version > VERSION:
        message = f"state has version {version}, expected at most {VERSION}: a newer modsim has written it"
        raise _problem(path, 1, message)
    tail = _object(lines, -1)
    if len(lines) < 2 or "sha256" not in tail or not lines[-1].endswith(b"\n"):
        raise _problem(path, len(lines), f"state is corrupt: its end is missing, {ADVICE}")
    if tail["sha256"] != digest(lines[1:-1]) or tail.get("records") != len(lines) - 2:
        raise _problem(path, len(lines), f"state is corrupt: its checksum differs, {ADVICE}")
    return [_record(path, number, line) for number, line in enumerate(lines[1:-1], 2)]


def _record(path: str, number: int, line: bytes) -> Record:
    try:
        return record_of(json.loads(line))
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise _problem(path, number, f"state is corrupt: this is no record, {ADVICE}") from None


def _object(lines: list[bytes], place: int) -> dict[str, Any]:
    """A line as a mapping; an empty one when it is none."""
    try:
        found = json.loads(lines[place])
    except (ValueError, IndexError):
        return {}
    return found if isinstance(found, dict) else {}


def _problem(path: str, line: int, message: str) -> ConfigError:
    return ConfigError([Problem(path, line, 1 if line else 0, "", message)])
