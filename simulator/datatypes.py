"""Numbers and texts to registers and back: what a point's ``data_type`` means on the wire.

One rule: a ``DataType`` knows the *raw* number only; scale, offset, enumerations and arrays belong to
points.  One element at a time: columns of a fleet are the business of ``blocks.arrays``, which gives the
same bytes; nothing here needs numpy, so that a client can do without.
Integers round half to even and saturate, they never wrap; NaN becomes 0 in an integer; a number
beyond a float becomes infinity, as IEEE 754 has it.  A value of the wrong kind is a ``ValueError``
that says the fact, what it got and what it expected.

SunSpec's names (``acc32``, ``sunssf``, …) are of the same families, but for its addresses.
"""

from __future__ import annotations

import enum
import functools
import math
import numbers
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from simulator.network_addresses import SIZES, pack, unpack

StringOrder = Literal["AB", "BA"]
Padding = Literal["nul", "space"]
Raw = int | float | str | list[int]


class ByteOrder(enum.Enum):
    """The order on the wire of the bytes A (most significant) to D of a number."""

    ABCD = "ABCD"  # big-endian, V1.1b3 §4.2
    CDAB = "CDAB"  # words swapped
    BADC = "BADC"  # bytes swapped in each word
    DCBA = "DCBA"  # both: little-endian


@dataclass(frozen=True, slots=True)
class Form:
    """What a name stands for: its family, registers (0: given as length) and the limits of a raw number."""

    family: Literal["int", "float", "bcd", "bits", "bool", "string", "raw", "address"]
    registers: int
    minimum: float | None = None
    maximum: float | None = None


def _int(registers: int, bits: int, signed: bool) -> Form:
    span = 1 << bits
    return Form("int", registers, -span // 2 if signed else 0, (span // 2 if signed else span) - 1)


def _float(registers: int, largest: str) -> Form:
    limit = float.fromhex(largest)
    return Form("float", registers, -limit, limit)


_FORMS: dict[str, Form] = {
    "bool": Form("bool", 0, 0, 1),
    "int8": _int(1, 8, signed=True),  # the low byte, sign-extended to the register
    "uint8": _int(1, 8, signed=False),
    "int16": _int(1, 16, signed=True),
    "uint16": _int(1, 16, signed=False),
    "int32": _int(2, 32, signed=True),
    "uint32": _int(2, 32, signed=False),
    "int64": _int(4, 64, signed=True),
    "uint64": _int(4, 64, signed=False),
    "float16": _float(1, "0x1.ffcp15"),
    "float32": _float(2, "0x1.fffffep127"),
    "float64": _float(4, "0x1.fffffffffffffp1023"),
    "string": Form("string", 0),
    "bits": Form("bits", 0),
    "bcd16": Form("bcd", 1, 0, 10**4 - 1),  # four decimal digits a register
    "bcd32": Form("bcd", 2, 0, 10**8 - 1),
    "bcd64": Form("bcd", 4, 0, 10**16 - 1),
    "raw": Form("raw", 0),
    "sunssf": _int(1, 16, signed=True),  # from here on SunSpec: a scale factor, a power of ten
    "acc16": _int(1, 16, signed=False),  # accumulators
    "acc32": _int(2, 32, signed=False),
    "acc64": _int(4, 64, signed=False),
    "enum16": _int(1, 16, signed=False),
    "enum32": _int(2, 32, signed=False),
    "bitfield16": Form("bits", 1),
    "bitfield32": Form("bits", 2),
    "bitfield64": Form("bits", 4),
    "pad": Form("raw", 1),
    **{name: Form("address", size // 2) for name, size in SIZES.items()},
}
DATA_TYPES = tuple(_FORMS)

_INFINITE = (math.inf, -math.inf)
_FLOATS = {size: struct.Struct(f">{letter}") for size, letter in ((2, "e"), (4, "f"), (8, "d"))}


def data_type(
    name: str,
    *,
    order: ByteOrder | str = ByteOrder.ABCD,
    length: int | None = None,
    string_order: StringOrder = "AB",
    padding: Padding = "nul",
) -> DataType:
    """The data type called ``name``; ``length``, in registers, is for string, bits (1) and raw (1)."""
    form = _FORMS.get(name)
    if form is None:
        import difflib  # here, so that programs without a mistake need not load it

        near = difflib.get_close_matches(name, DATA_TYPES, 2)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        known = ", ".join(DATA_TYPES)
        raise ValueError(f"data type is unknown, got {name!r}, {hint}expected one of {known}")
    if form.registers or form.family == "bool":
        if length is not None:
            raise ValueError(f"length is given, got {length}, expected none: {name} has its own")
    elif length is None and form.family == "string":
        raise ValueError("length is missing, got none, expected the number of registers of the string")
    elif length is not None and length < 1:
        raise ValueError(f"length is too small, got {length}, expected at least 1 register")
    return DataType(
        name, ByteOrder(order), form.registers or length or int(name != "bool"), string_order, padding
    )


@dataclass(frozen=True, slots=True)
class DataType:
    """One element on the wire.  Make it with ``data_type``, which checks what is written here."""

    name: str
    order: ByteOrder = ByteOrder.ABCD
    registers: int = 1  # of one element; 0 for a bool, which is one bit
    string_order: StringOrder = "AB"
    padding: Padding = "nul"

    @property
    def family(self) -> str:
        """int, float, bcd, bits, bool, string, raw or address."""
        return _FORMS[self.name].family

    @property
    def is_numeric(self) -> bool:
        """True when the raw value is a number that a generator can move."""
        return self.family not in ("string", "raw", "address")

    @property
    def is_integer(self) -> bool:
        """True when the raw value is a whole number, so that encoding rounds."""
        return self.family in ("int", "bcd", "bits", "bool")

    @property
    def minimum(self) -> float | None:
        """The least raw number, exact (an int for whole numbers); None for texts and words."""
        return 0 if self.family == "bits" else _FORMS[self.name].minimum

    @property
    def maximum(self) -> float | None:
        """The greatest raw number, exact (an int for whole numbers); None for texts and words."""
        return (1 << 16 * self.registers) - 1 if self.family == "bits" else _FORMS[self.name].maximum

    def encode(self, raw: object) -> bytes:
        """One element as ``registers * 2`` wire bytes; a bool as the byte 0 or 1 (one packed bit)."""
        if self.family == "string":
            return self._encode_text(raw)
        if self.family == "raw":
            return self._encode_words(raw)
        if self.family == "address":
            return _reorder(pack(self.name, raw), self.order)
        number = self._number(raw)
        if self.family == "float":
            return _reorder(_ieee(number, self.registers * 2), self.order)
        whole = self._whole(number)
        if self.family == "bool":
            return bytes((whole,))
        if self.family == "bcd":
            return _reorder(bytes.fromhex(f"{whole:0{self.registers * 4}d}"), self.order)
        return _reorder(whole.to_bytes(self.registers * 2, "big", signed=whole < 0), self.order)

    def encode_fitting(self, raw: object) -> bytes:
        """The same for a number that fits; one that ``encode`` would limit or round is a ValueError."""
        data = self.encode(raw)
        if not self.is_numeric or not isinstance(raw, numbers.Real):
            return data
        number = self._number(raw)
        if self.is_integer:
            low, high = self.minimum or 0, self.maximum or 0
            if math.isfinite(number) and number != round(number):
                raise ValueError(f"value does not fit {self.name}, got {raw}, expected a whole number")
            fits = math.isfinite(number) and low <= round(number) <= high
        else:
            stored = self.decode(data)
            fits = stored not in _INFINITE or number in _INFINITE
        if not fits:
            raise ValueError(
                f"value does not fit {self.name}, got {raw}, expected {self.minimum} to {self.maximum}"
            )
        return data

    def decode(self, data: bytes) -> Raw:
        """The raw value of one element; ``data`` is exactly as long as ``encode`` makes it."""
        size = self.registers * 2 or 1
        if len(data) != size:
            raise ValueError(f"{self.name} has a wrong length, got {len(data)} bytes, expected {size}")
        if self.family == "string":
            return self._decode_text(data)
        if self.family == "raw":
            words = struct.unpack(f">{self.registers}H", data)
            return words[0] if len(words) == 1 else list(words)
        data = _reorder(data, self.order) if self.registers else data
        if self.family == "address":
            return unpack(self.name, data)
        if self.family == "float":
            return float(_FLOATS[size].unpack(data)[0])
        if self.family == "bcd":
            return self._decode_digits(data)
        if self.name in ("int8", "uint8"):
            data = data[1:]  # the high byte carries nothing
        return int.from_bytes(data, "big", signed=(self.minimum or 0) < 0)

    def _number(self, raw: object) -> float:
        if isinstance(raw, numbers.Integral) or _is_truth_value(raw):
            return int(raw)  # type: ignore[call-overload,no-any-return]
        if isinstance(raw, numbers.Real):
            return float(raw)
        raise ValueError(f"{self.name} is given no number, got {raw!r}, expected a number")

    def _whole(self, number: float) -> int:
        low, high = int(self.minimum or 0), int(self.maximum or 0)
        if isinstance(number, float):
            if math.isnan(number):
                return 0
            number = round(min(max(number, float(low)), float(high)))
        return min(max(number, low), high)

    def _encode_text(self, raw: object) -> bytes:
        if not isinstance(raw, str):
            raise ValueError(f"{self.name} is given no text, got {raw!r}, expected a text")
        data, size = raw.encode("utf-8", "replace"), self.registers * 2
        if len(data) > size:
            raise ValueError(
                f"text is too long, got {len(data)} bytes in {raw!r}, expected at most {size} bytes"
            )
        if b"\0" in data:
            raise ValueError(f"text holds a NUL character, got {raw!r}, expected none")
        data = data.ljust(size, b"\0" if self.padding == "nul" else b" ")
        return data if self.string_order == "AB" else _reorder(data, ByteOrder.BADC)

    def _decode_text(self, data: bytes) -> str:
        data = data if self.string_order == "AB" else _reorder(data, ByteOrder.BADC)
        text = data.partition(b"\0")[0]
        return (text if self.padding == "nul" else text.rstrip(b" ")).decode("utf-8", "replace")

    def _encode_words(self, raw: object) -> bytes:
        if isinstance(raw, bytes | bytearray):
            if len(raw) != self.registers * 2:
                raise ValueError(
                    f"raw has a wrong length, got {len(raw)} bytes, expected {self.registers * 2}"
                )
            return bytes(raw)
        words = raw if isinstance(raw, Sequence) and not isinstance(raw, str) else [raw]
        if len(words) != self.registers:
            raise ValueError(f"raw has a wrong length, got {raw!r}, expected {self.registers} words")
        return b"".join(map(_word, words))

    def _decode_digits(self, data: bytes) -> int:
        digits = data.hex()
        if not digits.isdecimal():
            raise ValueError(f"{self.name} is not decimal, got 0x{digits.upper()}, expected digits 0 to 9")
        return int(digits)


def _is_truth_value(raw: object) -> bool:
    """True for numpy's, which is no number to Python."""
    return getattr(raw, "dtype", None) == "bool" and not getattr(raw, "ndim", 1)


def _word(raw: object) -> bytes:
    if isinstance(raw, bool) or not isinstance(raw, numbers.Integral) or not 0 <= int(raw) <= 0xFFFF:
        raise ValueError(f"raw is given no word, got {raw!r}, expected a whole number from 0 to 65535")
    return int(raw).to_bytes(2, "big")


@functools.cache
def byte_places(order: ByteOrder, size: int) -> list[int]:
    """Where each wire byte stands in the big-endian number; every order is its own inverse."""
    words = [(place, place + 1) for place in range(0, size, 2)]
    if order in (ByteOrder.CDAB, ByteOrder.DCBA):
        words.reverse()
    if order in (ByteOrder.BADC, ByteOrder.DCBA):
        words = [(low, high) for high, low in words]
    return [place for word in words for place in word]


def _reorder(data: bytes, order: ByteOrder) -> bytes:
    return data if order is ByteOrder.ABCD else bytes(data[place] for place in byte_places(order, len(data)))


def _ieee(number: float, size: int) -> bytes:
    try:
        return _FLOATS[size].pack(float(number))
    except OverflowError:  # beyond the float, or an int beyond every float
        return _FLOATS[size].pack(math.inf if number > 0 else -math.inf)
