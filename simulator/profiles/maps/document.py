"""A register map as a document: the data of a profile, and the place of everything in it.

One rule: a map is read as a profile file is.  What is wrong but readable becomes a problem at its line and
column, and reading goes on; only a file that cannot be cut into rows raises ``ConfigError``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from simulator.documents.wording import suggest
from simulator.documents.yaml import Document, Path, dotted
from simulator.errors import ConfigError, Problem
from simulator.profiles.maps.addresses import Base, sniffed
from simulator.profiles.maps.cells import Cell, Row, Sheet, Unreadable
from simulator.profiles.maps.csv_rows import csv_sheet, has_header
from simulator.profiles.maps.json_rows import json_sheet
from simulator.profiles.maps.rows import Read, read_row, table_cell
from simulator.profiles.maps.xml_rows import xml_sheet
from simulator.protocol.codes import Table

SHEETS: Mapping[str, Callable[[str], Sheet]] = {".csv": csv_sheet, ".json": json_sheet, ".xml": xml_sheet}
SUFFIXES = tuple(SHEETS)
UTF_8 = "utf-8"
HEAD = 65536  # characters in which a header is looked for; recordings beside maps may be large
_BOMS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_DECLARED = re.compile(rb"<\?xml[^>]{0,100}encoding=[\"']([A-Za-z0-9._-]+)")
_NOT_NAME = re.compile(r"[^a-z0-9]+")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SIGNS = {
    "°": "deg",
    "%": "percent",
    "ä": "ae",
    "ö": "oe",
    "ü": "ue",
    "ß": "ss",
    "é": "e",
    "è": "e",
    "µ": "u",
}


class MapDocument(Document):
    """A register map; ``base`` is how its addresses count, ``unused`` the columns that nobody knows."""

    def __init__(self, file: str, sheet: Sheet, base: Base | None = None, device: str | None = None) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.broken: set[Path] = set()
        self.unused = sheet.unused
        self._places: dict[Path, tuple[int, int]] = {(): (1, 1)}
        rows = self._of_device([row for row in sheet.rows if not _is_heading(row)], device)
        names = [row.cells["name"].text for row in rows if "name" in row.cells]
        self._has_labels = not all(
            map(_IDENTIFIER.fullmatch, names)
        )  # made for people: names are made of them
        self.base: Base = _base_of(rows) if base is None else base
        self.data: Any = {key: cell.value for key, cell in sheet.about.items()}
        self._places.update(((key,), (cell.line, cell.column)) for key, cell in sheet.about.items())
        points: dict[str, Any] = {}
        self.data["points"] = points
        for row in rows:
            self._add(row, points)

    def place(self, path: Path, *, key: bool = False) -> tuple[int, int]:
        """Line and column of the cell behind ``path``, of its row, or of the file."""
        for length in range(len(path), -1, -1):
            if path[:length] in self._places:
                return self._places[path[:length]]
        return 1, 1

    def _add(self, row: Row, points: dict[str, Any]) -> None:
        read = read_row(row, self.base)
        name_cell = row.cells.get("name")
        name = _free(_name(name_cell, read, self._has_labels), read.address, points)
        at: Path = ("points", name)
        if (
            name_cell is not None
            and name != name_cell.text.lower()
            and name != name_cell.text
            and "description" not in read.keys
        ):
            read.keys["description"] = name_cell.text
            read.cells["description"] = name_cell
        for key, cell, message in read.wrong:
            self.problems.append(Problem(self.file, cell.line, cell.column, dotted((*at, key)), message))
            self.broken.add((*at, key))
        if read.table is None or read.address is None:
            return
        place = name_cell or read.cells["address"]
        self._places[at] = place.line, place.column
        for key, cell in read.cells.items():
            self._places[(*at, key)] = cell.line, cell.column
        points[name] = read.keys

    def _of_device(self, rows: list[Row], device: str | None) -> list[Row]:
        """The rows of one device; a map of several has to be told which."""
        known = {row.cells["device"].text: row for row in reversed(rows) if "device" in row.cells}
        if device is None:
            if len(known) > 1:
                row = max(known.values(), key=lambda row: (row.line, row.column))
                names = list(reversed(known))
                listed = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
                message = f"map has {len(names)} devices ({listed}), expected one, or to be told which"
                cell = row.cells["device"]
                self.problems.append(Problem(self.file, cell.line, cell.column, "", message))
                return [row for row in rows if row.cells.get("device", _NONE).text in ("", names[0])]
            return rows
        if device not in known:
            hint = suggest(device, known)
            got = f"expected one of {', '.join(list(reversed(known))[:8])}" if known else "the map names none"
            message = f"device {device!r} is not in the map, {got}" + (f"; {hint}" if hint else "")
            self.problems.append(Problem(self.file, 0, 0, "", message))
        return [row for row in rows if row.cells.get("device", _NONE).text in ("", device)]


_NONE = Cell("", 0, 0)


def read_map(
    path: str | os.PathLike[str],
    *,
    columns: Sequence[str] | None = None,
    address_base: Base | None = None,
    device: str | None = None,
    encoding: str = "utf-8",
) -> MapDocument:
    """The register map in a file, whose suffix says the format: .csv, .json or .xml.

    ``columns`` names the columns of a CSV file that has no header, ``address_base`` (0, 1 or "modicon") how
    addresses count when they should not be guessed, ``device`` which device of several.  Raises ConfigError
    for a file that cannot be read at all; other problems are in ``problems``.
    """
    file = os.fspath(path)
    suffix = FilePath(file).suffix.lower()
    if suffix not in SHEETS:
        message = (
            f"file is called {FilePath(file).name!r}, expected {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        )
        raise ConfigError([Problem(file, 0, 0, "", message)])
    return map_of(
        _text(file, encoding), file, suffix, columns=columns, address_base=address_base, device=device
    )


def map_of(
    text: str,
    file: str,
    suffix: str,
    *,
    columns: Sequence[str] | None = None,
    address_base: Base | None = None,
    device: str | None = None,
) -> MapDocument:
    """The register map in a text of the format of ``suffix``; ``file`` is what problems call it."""
    try:
        sheet = csv_sheet(text, columns) if suffix == ".csv" else SHEETS[suffix](text)
    except Unreadable as error:
        raise ConfigError([Problem(file, error.line, error.column, "", str(error))]) from None
    return MapDocument(file, sheet, address_base, device)


def looks_like_map(path: FilePath) -> bool:
    """Whether a file can be read as a register map, right or wrong; of a CSV file only the head is read."""
    if path.suffix == ".csv":
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            return has_header(file.read(HEAD))
    try:
        return bool(read_map(path).data["points"])
    except ConfigError:
        return False


def _text(file: str, encoding: str) -> str:
    try:
        content = FilePath(file).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError([Problem(file, 0, 0, "", f"file cannot be read: {reason}")]) from None
    marked = next((name for mark, name in _BOMS if content.startswith(mark)), None)
    if encoding == UTF_8 and (declared := _DECLARED.match(content)) is not None:
        encoding = declared[1].decode()
    name = marked or ("utf-8-sig" if encoding.lower() in (UTF_8, "utf8") else encoding)
    try:
        return content.decode(name)
    except LookupError:
        message = f"encoding is {encoding!r}, expected one such as utf-8 or cp1252"
        raise ConfigError([Problem(file, 0, 0, "", message)]) from None
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        got = f"file holds the byte 0x{content[error.start]:02X}"
        message = f"{got}, expected {encoding.upper()}, or another encoding such as cp1252 to be named"
        raise ConfigError([Problem(file, line, column, "", message)]) from None


def _is_heading(row: Row) -> bool:
    """A line of a table that only says what the following rows are about."""
    for name in ("address", "reference"):
        if name in row.cells:
            return len(row.cells) == 1 and not any(map(str.isdigit, row.cells[name].text))
    said = [
        name for name, cell in row.cells.items() if name not in ("table", "function", "device") and cell.text
    ]
    return len(said) <= 1 and not {"data_type", "value", "size"}.intersection(said)


def _base_of(rows: Sequence[Row]) -> Base:
    addresses = [
        (row.cells["address"].text, table_cell(row)[0])
        for row in rows
        if "address" in row.cells and "reference" not in row.cells
    ]
    return sniffed(addresses)


def _name(cell: Cell | None, read: Read, has_labels: bool) -> str:
    """A name that formulas can use: a label becomes one, in lower case."""
    if cell is not None:
        if not has_labels and _IDENTIFIER.fullmatch(cell.text):
            return cell.text
        text = cell.text.lower()
        for sign, word in _SIGNS.items():
            text = text.replace(sign, f" {word} " if len(word) > 2 else word)
        name = _NOT_NAME.sub("_", text).strip("_")
        if name:
            return name if name[0].isalpha() else f"p_{name}"
    table = Table.HOLDING_REGISTER if read.table is None else read.table
    bit = f"_{read.keys['bit']}" if "bit" in read.keys else ""
    return f"{table.label}_{read.address}{bit}" if read.address is not None else "point"


def _free(name: str, address: int | None, points: Mapping[str, Any]) -> str:
    """The name, or one with the address or a number behind it when it is taken."""
    if name not in points:
        return name
    if address is not None and f"{name}_{address}" not in points:
        return f"{name}_{address}"
    number = 2
    while f"{name}_{number}" in points:
        number += 1
    return f"{name}_{number}"
