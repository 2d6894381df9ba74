"""Numbers and texts to registers and back: what a point's ``data_type`` means on the wire.

One rule: a ``DataType`` knows the *raw* number only; scale, offset, enumerations and arrays belong to
points.  ``encode`` takes one element, ``encode_many`` one column of a fleet; both give the same bytes.
Integers round half to even and saturate, they never wrap; NaN becomes 0 in an integer; a number
beyond a float becomes infinity, as IEEE 754 has it.  A value of the wrong kind is a ``ValueError``
that says the fact, what it got and what it expected.

SunSpec's names (``acc32``, ``sunssf``, …) are of the same families, but for its addresses.
"""

from __future__ import annotations

import difflib
import enum
import functools
import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

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


def _float(registers: int) -> Form:
    largest = float(np.finfo(f"f{registers * 2}").max)
    return Form("float", registers, -largest, largest)


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
    "float16": _float(1),
    "float32": _float(2),
    "float64": _float(4),
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

    @property
    def native_dtype(self) -> np.dtype[Any] | None:
        """The numpy type of the raw numbers, as wide as the element; None when there is none."""
        return _native(self.family, self.registers, (self.minimum or 0) < 0)

    @property
    def direct_dtype(self) -> np.dtype[Any] | None:
        """A numpy type with which a strided view of the wire bytes takes raw numbers as they are, or None."""
        native = self.native_dtype
        if native is None or self.family in ("bcd", "bool"):
            return None
        if self.order is ByteOrder.ABCD or (self.order is ByteOrder.CDAB and self.registers == 1):
            return native.newbyteorder(">")
        if self.order is ByteOrder.DCBA or self.registers == 1:
            return native.newbyteorder("<")
        return None

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

    def decode(self, data: bytes) -> Raw:
        """The raw value of one element; ``data`` is exactly as long as ``encode`` makes it."""
        size = self.registers * 2 or 1
        if len(data) != size:
            raise ValueError(f"{self.name} has a wrong length, got {len(data)} bytes, expected {size}")
        if self.family == "string":
            return self._decode_text(data)
        if self.family == "raw":
            words: list[int] = np.frombuffer(data, ">u2").tolist()
            return words[0] if len(words) == 1 else words
        data = _reorder(data, self.order) if self.registers else data
        if self.family == "address":
            return unpack(self.name, data)
        if self.family == "float":
            return float(np.frombuffer(data, f">f{size}")[0])
        if self.family == "bcd":
            return self._decode_digits(data)
        if self.name in ("int8", "uint8"):
            data = data[1:]  # the high byte carries nothing
        return int.from_bytes(data, "big", signed=(self.minimum or 0) < 0)

    def encode_many(self, values: np.ndarray) -> np.ndarray:
        """Raw numbers (n,), float64 or any whole type -> uint8 (n, registers * 2) in wire order."""
        if not self.is_numeric:
            raise ValueError(
                f"{self.name} has no column of numbers, got an array, expected a numeric data type"
            )
        if self.family == "float":
            with np.errstate(over="ignore"):
                wire = np.asarray(values).astype(f">f{self.registers * 2}")
        elif self.family == "bcd":
            wire = _digits(saturate(values, 0, int(self.maximum or 0), np.dtype("u8")), self.registers)
        elif self.native_dtype is None:
            return np.frombuffer(b"".join(map(self.encode, values.tolist())), "u1").reshape(len(values), -1)
        else:
            native = self.native_dtype
            low, high = int(self.minimum or 0), int(self.maximum or 0)
            wire = saturate(values, low, high, native).astype(native.newbyteorder(">"))
        data = np.ascontiguousarray(wire).view("u1").reshape(len(wire), self.registers * 2 or 1)
        return (
            data
            if self.order is ByteOrder.ABCD or not self.registers
            else data[:, _places(self.order, data.shape[1])]
        )

    def _number(self, raw: object) -> float:
        if isinstance(raw, bool | np.bool_):
            return int(raw)
        if isinstance(raw, numbers.Integral):
            return int(raw)
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


def _word(raw: object) -> bytes:
    if isinstance(raw, bool) or not isinstance(raw, int | np.integer) or not 0 <= raw <= 0xFFFF:
        raise ValueError(f"raw is given no word, got {raw!r}, expected a whole number from 0 to 65535")
    return int(raw).to_bytes(2, "big")


def saturate(values: np.ndarray, low: int, high: int, dtype: np.dtype[Any]) -> np.ndarray:
    """``values`` rounded half to even, NaN as 0, limited to ``low`` … ``high``; a new array of ``dtype``."""
    values = np.asarray(values)
    if values.dtype.kind == "b":
        return values.astype(dtype)
    if values.dtype.kind in "iu":
        info = np.iinfo(values.dtype)
        limited: np.ndarray = np.clip(values, max(low, int(info.min)), min(high, int(info.max)))
        return limited.astype(dtype)
    rounded = np.rint(values.astype(np.float64))
    rounded[np.isnan(rounded)] = 0
    top = float(high)
    inside = top if top <= high else math.nextafter(top, 0)  # 2**64 - 1 is no float
    result = np.clip(rounded, low, inside).astype(dtype)
    result[rounded >= top] = high
    return result


@functools.cache
def _native(family: str, registers: int, signed: bool) -> np.dtype[Any] | None:
    if family == "bool":
        return np.dtype("u1")
    if family in ("string", "raw", "address") or registers not in (1, 2, 4):
        return None
    return np.dtype(f"{'f' if family == 'float' else 'i' if signed else 'u'}{registers * 2}")


@functools.cache
def _places(order: ByteOrder, size: int) -> list[int]:
    """Where each wire byte stands in the big-endian number; every order is its own inverse."""
    words = [(place, place + 1) for place in range(0, size, 2)]
    if order in (ByteOrder.CDAB, ByteOrder.DCBA):
        words.reverse()
    if order in (ByteOrder.BADC, ByteOrder.DCBA):
        words = [(low, high) for high, low in words]
    return [place for word in words for place in word]


def _reorder(data: bytes, order: ByteOrder) -> bytes:
    return data if order is ByteOrder.ABCD else bytes(data[place] for place in _places(order, len(data)))


def _ieee(number: float, size: int) -> bytes:
    with np.errstate(over="ignore"):
        try:
            return np.array(float(number), f">f{size}").tobytes()
        except OverflowError:  # an int beyond float64
            return np.array(math.inf if number > 0 else -math.inf, f">f{size}").tobytes()


def _digits(whole: np.ndarray, registers: int) -> np.ndarray:
    """Packed decimal of uint64 numbers, as big-endian words."""
    packed = np.zeros(len(whole), np.uint64)
    for digit in range(registers * 4):
        packed |= (whole // np.uint64(10**digit)) % np.uint64(10) << np.uint64(4 * digit)
    return packed.astype(f">u{registers * 2}")
