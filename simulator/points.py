"""A point: the name under which a value is known, and where and how it stands in a table.

One rule: value = raw × scale + offset; clients of the wire see raw, everybody else sees values.  A
``Point`` is checked when it is made, so nobody re-checks it: its addresses exist, its data type suits
its table, its names are unambiguous.  It holds no value itself and knows no device; ``encode`` and
``decode`` turn a value into the bytes of its place and back.  Unlike a generator, which saturates, a
person is told when a value does not fit: ``ValueError`` with the fact, what it got, what it expected.
"""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from simulator.datatypes import DataType
from simulator.generators.base import Generator
from simulator.protocol.codes import ADDRESSES, Table

Access = Literal["ro", "rw", "wo"]
OnInvalid = Literal["illegal_data_value", "ignore", "clamp"]  # clamp: to the nearer limit


@dataclass(frozen=True, slots=True)
class Point:
    """One named value of a device; ``address`` is the 0-based protocol address where it begins."""

    name: str
    table: Table
    address: int
    data_type: DataType
    count: int = 1  # elements of an array
    scale: float = 1.0
    offset: float = 0.0
    precision: int | None = None  # decimals shown
    unit_of_measurement: str = ""
    description: str = ""
    access: Access | None = None  # default by table: rw for coils and holding registers, else ro
    enum: Mapping[int, str] | None = field(default=None, hash=False)  # raw number -> label
    bits: Mapping[int, str] | None = field(default=None, hash=False)  # bit number -> name
    bit: int | None = None  # of a bool that is one bit of a register, 0 the least significant
    value: object = field(default=None, hash=False)  # initial; may be a template of a text
    min: float | None = None  # what clients may write
    max: float | None = None
    on_invalid: OnInvalid = "illegal_data_value"
    hold: float = math.inf  # seconds a client's value stands against the generator
    overlap: bool = False
    generator: Generator | None = None

    def __post_init__(self) -> None:
        if self.access is None:
            object.__setattr__(self, "access", "rw" if self.table.is_writable else "ro")
        for is_wrong, text in _RULES:
            if is_wrong(self):
                raise ValueError(text.format(self, kind=self.data_type.name))

    @property
    def quantity(self) -> int:
        """Registers, or bits in a table of bits, from the first to the last of the point."""
        return self.count if self.table.is_bits else self.count * (self.data_type.registers or 1)

    @property
    def stop(self) -> int:
        """The first address behind the point."""
        return self.address + self.quantity

    @property
    def reference(self) -> str:
        """The Modicon reference: the digit of the table and the number from 1, as ``400011``."""
        return f"{self.table.reference_digit}{self.address + 1:05d}"

    @property
    def mask(self) -> int:
        """The bits that a bit of a register owns in its big-endian word; 0xFFFF for every other point."""
        return 0xFFFF if self.bit is None else int.from_bytes(self._word.encode(1 << self.bit), "big")

    def encode(self, value: object) -> bytes:
        """The wire bytes of ``value``; bits packed LSB first; a bit of a register as its word, see ``mask``.

        A value is a number, a label of ``enum``, a text, a truth value, names or numbers of ``bits`` (or
        name -> truth value); for an array a list of ``count`` of them, or one for all elements.
        """
        elements = [self._raw(element) for element in self._elements(value)]
        if self.table.is_bits:
            return np.packbits(np.array(elements, "u1"), bitorder="little").tobytes()
        if self.data_type.family == "bool":
            return b"".join(self._word.encode(int(raw) << (self.bit or 0)) for raw in elements)
        return b"".join(map(self.data_type.encode, elements))

    def decode(self, data: bytes) -> object:
        """The value at the point: label, number, truth value, text, names of bits; a list for an array."""
        elements = [self._value(raw) for raw in self._raws(data)]
        return elements if self.count > 1 else elements[0]

    def validate(self, value: object) -> None:
        """Raise ``ValueError`` unless every number of ``value`` lies in ``min`` … ``max``."""
        for element in value if isinstance(value, list | tuple) else (value,):
            if isinstance(element, int | float) and not self._allows(element):
                raise ValueError(
                    f"value is out of range, got {element}, expected {_span(self.min, self.max)}"
                )

    def _allows(self, number: float) -> bool:
        return (self.min is None or number >= self.min) and (self.max is None or number <= self.max)

    def _elements(self, value: object) -> Sequence[object]:
        if self.count == 1:
            return (value,)
        if not isinstance(value, list | tuple):
            return (value,) * self.count
        if len(value) != self.count:
            raise ValueError(f"array has a wrong length, got {len(value)} values, expected {self.count}")
        return value

    @property
    def _word(self) -> DataType:
        """How a bool that stands in a register is written."""
        return DataType("uint16", self.data_type.order)

    def _raw(self, value: object) -> Any:
        if self.enum and isinstance(value, str):
            return _choose("label", value, {label: raw for raw, label in self.enum.items()})
        if self.data_type.family == "bool":
            if isinstance(value, str) or value not in (0, 1):
                raise ValueError(f"value is no truth value, got {value!r}, expected true or false")
            return int(bool(value))
        if self.data_type.family == "bits" and isinstance(value, Collection) and not isinstance(value, str):
            return self._pattern(value)
        if self.data_type.is_numeric and isinstance(value, numbers.Real):
            return self._fitting(value)
        return value  # the data type says what is wrong with it, if anything

    def _fitting(self, value: Any) -> float:
        is_plain = self.scale == 1 and self.offset == 0
        raw = value if is_plain else (float(value) - self.offset) / self.scale
        if not self.data_type.is_integer:
            return self._near_float(float(raw), value)
        low, high = self.data_type.minimum or 0, self.data_type.maximum or 0
        if not math.isfinite(raw) or not low <= round(raw) <= high:
            ends = sorted(end if is_plain else _tidy(end * self.scale + self.offset) for end in (low, high))
            raise ValueError(
                f"value does not fit {self.data_type.name}, got {value}, expected {_span(*ends)}"
            )
        return round(raw)

    def _near_float(self, raw: float, value: object) -> float:
        """``raw``, unless it is a number that the data type could only show as infinity."""
        kind = self.data_type
        if math.isfinite(raw) and math.isinf(float(kind.decode(kind.encode(raw)))):  # type: ignore[arg-type]
            ends = _span(kind.minimum, kind.maximum)
            raise ValueError(f"value does not fit {kind.name}, got {value}, expected a raw number in {ends}")
        return raw

    def _pattern(self, names: Collection[object]) -> int:
        known = {name: number for number, name in (self.bits or {}).items()}
        pattern, top = 0, 16 * self.data_type.registers - 1
        for name in names:
            number = name if isinstance(name, int) else _choose("bit", str(name), known)
            if not 0 <= number <= top:
                raise ValueError(f"bit is out of range, got {number}, expected 0 to {top}")
            if not isinstance(names, Mapping) or names[name]:
                pattern |= 1 << number
        return pattern

    def _raws(self, data: bytes) -> list[Any]:
        size = -(-self.count // 8) if self.table.is_bits else self.quantity * 2
        if len(data) != size:
            raise ValueError(f"point has a wrong length, got {len(data)} bytes, expected {size}")
        if self.table.is_bits:
            bits: list[int] = np.unpackbits(np.frombuffer(data, "u1"), bitorder="little").tolist()
            return bits[: self.count]
        step, kind = size // self.count, self.data_type if self.data_type.registers else self._word
        return [kind.decode(data[place : place + step]) for place in range(0, size, step)]

    def _value(self, raw: Any) -> object:
        kind = self.data_type
        if kind.family == "bool":
            raw = bool(raw if self.bit is None else raw >> self.bit & 1)
        if self.enum and raw in self.enum:
            return self.enum[raw]
        if self.bits:
            return [self.bits.get(bit, bit) for bit in range(raw.bit_length()) if raw >> bit & 1]
        if not kind.is_numeric or kind.family == "bool":
            return raw
        if self.scale != 1 or self.offset != 0:
            raw = _tidy(raw * self.scale + self.offset)
        elif kind.name in ("float16", "float32"):
            raw = float(str(np.dtype(kind.name).type(raw)))  # the shortest number that is stored the same
        return raw if self.precision is None or isinstance(raw, int) else round(raw, self.precision)


def _choose(what: str, name: str, known: Mapping[str, int]) -> int:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    legal = f"one of {', '.join(known)}" if known else "a number: the point names none"
    raise ValueError(f"{what} is unknown, got {name!r}, {hint}expected {legal}")


def _tidy(number: float) -> float:
    return float(f"{number:.15g}")  # 3 × 0.1 is 0.3


def _span(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"at least {low}" if high is None else f"at most {high}"
    return f"{low} to {high}"


def _is_raw(kind: DataType, number: int) -> bool:
    return (kind.minimum or 0) <= number <= (kind.maximum or 0)


def _has_doubles(names: Mapping[int, str] | None) -> bool:
    return names is not None and len(set(names.values())) < len(names)


_RULES: tuple[tuple[Callable[[Point], object], str], ...] = (
    (lambda p: p.count < 1, "count is too small, got {0.count}, expected at least 1"),
    (
        lambda p: not 0 <= p.address < p.stop <= ADDRESSES,
        "point leaves the table, got addresses {0.address} to {0.stop} (exclusive), expected 0 to 65536",
    ),
    (
        lambda p: p.table.is_bits and p.data_type.family != "bool",
        "data type does not suit {0.table.label}, got {kind}, expected bool",
    ),
    (
        lambda p: p.bit is not None and p.table.is_bits,
        "bit is given in a table of bits, got {0.bit}, expected none",
    ),
    (
        lambda p: p.bit is not None and p.data_type.family != "bool",
        "bit is given with {kind}, got {0.bit}, expected data type bool",
    ),
    (
        lambda p: p.bit is not None and not 0 <= p.bit <= 15,
        "bit is out of range, got {0.bit}, expected 0 to 15",
    ),
    (
        lambda p: p.bit is not None and p.count != 1,
        "count is given for a bit of a register, got {0.count}, expected 1",
    ),
    (
        lambda p: not (math.isfinite(p.scale) and p.scale != 0 and math.isfinite(p.offset)),
        "scale is unusable, got {0.scale} and offset {0.offset}, expected finite numbers, scale not 0",
    ),
    (
        lambda p: (p.scale != 1 or p.offset != 0) and p.data_type.family not in ("int", "float", "bcd"),
        "scale is given with {kind}, got {0.scale} and offset {0.offset}, expected none",
    ),
    (
        lambda p: p.min is not None and p.max is not None and p.min > p.max,
        "min is above max, got {0.min} and {0.max}, expected min at most max",
    ),
    (
        lambda p: p.enum and not (p.data_type.is_integer and p.data_type.family != "bits"),
        "enum is given with {kind}, got labels, expected a whole data type",
    ),
    (
        lambda p: p.enum and not all(_is_raw(p.data_type, number) for number in p.enum),
        "enum does not fit {kind}, got {0.enum}, expected raw numbers that {kind} can hold",
    ),
    (
        lambda p: p.bits and p.data_type.family != "bits",
        "bits are given with {kind}, got names, expected data type bits",
    ),
    (
        lambda p: p.bits and not 0 <= min(p.bits) <= max(p.bits) < 16 * p.data_type.registers,
        "bits are out of range, got {0.bits}, expected numbers below 16 for each register",
    ),
    (lambda p: _has_doubles(p.enum), "enum has a label twice, got {0.enum}, expected different labels"),
    (lambda p: _has_doubles(p.bits), "bits have a name twice, got {0.bits}, expected different names"),
    (
        lambda p: p.generator is not None and not p.data_type.is_numeric,
        "generator is given with {kind}, got {0.generator.type_name}, expected a numeric data type",
    ),
    (lambda p: p.hold < 0, "hold is negative, got {0.hold}, expected seconds from 0"),
)
