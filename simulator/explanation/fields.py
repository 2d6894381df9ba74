"""A field of a frame, and the walk over its bytes that makes fields.

A walk goes on as long as there are bytes; where they run out it says so in the field that is cut short, and
ends.  What is left over behind the last field is a field too.  Nothing here raises for what bytes hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Value = int | str | bool | None
Meaning = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Field:
    """Some bytes of a frame: where they stand, what they are called, what they mean and who says so.

    ``value`` is the plain value, ``text`` what people read; ``problem`` is "" where nothing is wrong.
    """

    start: int
    raw: bytes
    name: str
    value: Value
    text: str
    clause: str = ""
    problem: str = ""


class Cut(Exception):
    """The bytes have run out; never leaves this package."""


@dataclass(slots=True)
class Walk:
    """Takes field after field from ``data``, which stands at ``base`` of its frame."""

    data: bytes
    base: int = 0
    clause: str = ""
    fields: list[Field] = field(default_factory=list)
    place: int = 0

    @property
    def left(self) -> int:
        """How many bytes are still to be taken."""
        return len(self.data) - self.place

    def number(self, name: str, size: int, meaning: Meaning = str, *, clause: str | None = None) -> int:
        """Take a big-endian number of ``size`` bytes."""
        raw = self._take(name, size)
        value = int.from_bytes(raw, "big")
        self._add(raw, name, value, meaning(value), clause)
        return value

    def byte(self, name: str, meaning: Meaning = str, *, clause: str | None = None) -> int:
        """Take one byte as a number."""
        return self.number(name, 1, meaning, clause=clause)

    def word(self, name: str, meaning: Meaning = str, *, clause: str | None = None) -> int:
        """Take a 16-bit word."""
        return self.number(name, 2, meaning, clause=clause)

    def text(self, name: str, size: int, *, clause: str | None = None) -> bytes:
        """Take ``size`` bytes that are probably characters."""
        raw = self._take(name, size)
        shown = characters(raw)
        self._add(raw, name, shown, f"'{shown}'" if raw else "empty", clause)
        return raw

    def octets(self, name: str, size: int, meaning: str = "", *, clause: str | None = None) -> bytes:
        """Take ``size`` bytes as they are."""
        raw = self._take(name, size)
        self._add(raw, name, raw.hex(), meaning or f"{size} byte{'' if size == 1 else 's'}", clause)
        return raw

    def rest(self) -> None:
        """What is left over: no field of this message."""
        if self.left:
            raw = self.data[self.place :]
            problem = f"{len(raw)} byte{'' if len(raw) == 1 else 's'} behind the end of the message"
            self.fields.append(
                Field(self.base + self.place, raw, "trailing", raw.hex(), problem, "", problem)
            )
            self.place = len(self.data)

    def _take(self, name: str, size: int) -> bytes:
        raw = self.data[self.place : self.place + size]
        if len(raw) < size:
            problem = f"{name} is {len(raw)} bytes, expected {size}"
            start = self.base + self.place
            self.fields.append(Field(start, raw, name, None, problem, self.clause, problem))
            self.place = len(self.data)
            raise Cut
        return raw

    def _add(self, raw: bytes, name: str, value: Value, text: str, clause: str | None) -> None:
        shown = self.clause if clause is None else clause
        self.fields.append(Field(self.base + self.place, raw, name, value, text, shown))
        self.place += len(raw)


def characters(raw: bytes) -> str:
    """Bytes as text, those that are no printable ASCII as ``\\x00``."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in raw)


def hexadecimal(value: int) -> str:
    """``0x0012 (18)``."""
    return f"0x{value:04X} ({value})"
