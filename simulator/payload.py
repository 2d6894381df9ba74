"""Registers and coils from typed values and back: a builder, a decoder, and the helpers beneath them.

A payload is a run of bytes in the order of the wire, with no gaps: 8-bit numbers and bits take a byte each
(eight bits make one), everything else two bytes for each register, in one of the four orders.  Names of types
are those of points; orders are ABCD (big-endian), CDAB (words swapped, the layout of Modicon), BADC and DCBA.
One rule: what does not fit is a ValueError, nothing is cut off or wrapped around.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

from simulator.datatypes import ByteOrder, DataType, data_type
from simulator.protocol.bits import pack_bits, unpack_bits
from simulator.protocol.checksums import crc16, lrc, with_crc
from simulator.protocol.contract import pack_words, unpack_words, words

__all__ = [
    "PayloadBuilder",
    "PayloadDecoder",
    "crc16",
    "lrc",
    "pack_bits",
    "pack_words",
    "unpack_bits",
    "unpack_words",
    "with_crc",
]

_BYTES = {"int8": (-128, 127), "uint8": (0, 255)}
_NOT_HERE = ("bool", "string", "bits", "raw", "pad")  # these have methods of their own


class PayloadBuilder:
    """``PayloadBuilder("CDAB").add("float32", 21.5).add("int16", -5).registers()``.

    Every ``add`` returns the builder.
    """

    def __init__(self, byte_order: str = "ABCD") -> None:
        self._order = _order(byte_order)
        self._data = bytearray()

    def __len__(self) -> int:
        return len(self._data)

    def __bytes__(self) -> bytes:
        return bytes(self._data)

    def add(self, type: str, *values: Any, byte_order: str | None = None) -> Self:
        """Numbers of a type, one after the other: int and uint 8 to 64, float 16 to 64, bcd 16 to 64.

        Raises ValueError for a number that does not fit.
        """
        kind = None if type in _BYTES else _kind(type, byte_order or self._order)
        for value in values:
            self._data += _byte(type, value) if kind is None else kind.encode_fitting(value)
        return self

    def add_string(self, text: str, *, size: int | None = None, encoding: str = "utf-8") -> Self:
        """A text in as many bytes as it has, or in ``size`` bytes, filled up with NUL."""
        data = text.encode(encoding)
        if size is not None and len(data) > size:
            raise ValueError(f"text is too long, got {len(data)} bytes in {text!r}, expected at most {size}")
        self._data += data.ljust(size or 0, b"\0")
        return self

    def add_bits(self, values: Iterable[bool]) -> Self:
        """Truth values, eight to a byte, the first in its lowest place; the last byte is filled up with 0."""
        taken = list(values)
        for place, value in enumerate(taken):
            if value not in (0, 1):
                raise ValueError(f"bit {place} is {value!r}, expected true or false")
        self._data += pack_bits(taken)
        return self

    def add_registers(self, values: Iterable[int]) -> Self:
        """Registers as they are."""
        self._data += pack_words(words(values, 0, 1 << 31))
        return self

    def add_bytes(self, data: bytes) -> Self:
        """Bytes as they are."""
        self._data += data
        return self

    def skip(self, size: int) -> Self:
        """``size`` bytes of 0."""
        self._data += bytes(_size(size))
        return self

    def reset(self) -> Self:
        """Begin anew, with nothing."""
        self._data.clear()
        return self

    def registers(self) -> list[int]:
        """The payload as registers; half a register at the end is filled up with 0."""
        return list(unpack_words(bytes(self._data) + bytes(len(self._data) & 1)))

    def coils(self) -> list[bool]:
        """The payload as coils: those of a register begin with its highest bit."""
        return [bool(word >> bit & 1) for word in self.registers() for bit in range(15, -1, -1)]


class PayloadDecoder:
    """``PayloadDecoder(registers, "CDAB").read("float32")``; every read goes on where the last one ended."""

    def __init__(self, payload: Sequence[int] | bytes, byte_order: str = "ABCD") -> None:
        self._order = _order(byte_order)
        plain = isinstance(payload, bytes | bytearray | memoryview)
        self._data = bytes(payload) if plain else pack_words(words(payload, 0, 1 << 31))
        self._place = 0

    @classmethod
    def from_coils(cls, coils: Sequence[bool], byte_order: str = "ABCD") -> Self:
        """What ``PayloadBuilder.coils`` made; there are 16 for each register."""
        if len(coils) % 16:
            raise ValueError(f"number of coils is {len(coils)}, expected a multiple of 16")
        number = int("".join("1" if coil else "0" for coil in coils) or "0", 2)
        return cls(number.to_bytes(len(coils) // 8, "big"), byte_order)

    @property
    def left(self) -> int:
        """How many bytes have not been read."""
        return len(self._data) - self._place

    def read(self, type: str, *, byte_order: str | None = None) -> Any:
        """The next value of a type, as ``PayloadBuilder.add`` takes them."""
        if type in _BYTES:
            return int.from_bytes(self._take(1), "big", signed=type == "int8")
        kind = _kind(type, byte_order or self._order)
        return kind.decode(self._take(kind.registers * 2))

    def read_many(self, type: str, count: int, *, byte_order: str | None = None) -> list[Any]:
        """The next ``count`` values of a type."""
        return [self.read(type, byte_order=byte_order) for _ in range(_size(count))]

    def read_string(self, size: int, *, encoding: str = "utf-8") -> str:
        """The text in the next ``size`` bytes, up to the first NUL."""
        return self._take(_size(size)).partition(b"\0")[0].decode(encoding, "replace")

    def read_bits(self, count: int = 8) -> list[bool]:
        """The next ``count`` truth values, eight of each byte; the rest of the last byte is passed over."""
        return list(unpack_bits(self._take((_size(count) + 7) >> 3))[:count])

    def read_registers(self, count: int) -> list[int]:
        """The next ``count`` registers as they are."""
        return list(unpack_words(self._take(2 * _size(count))))

    def read_bytes(self, size: int) -> bytes:
        """The next ``size`` bytes as they are."""
        return self._take(_size(size))

    def skip(self, size: int) -> Self:
        """Pass over ``size`` bytes."""
        self._take(_size(size))
        return self

    def reset(self) -> Self:
        """Read again from the beginning."""
        self._place = 0
        return self

    def _take(self, size: int) -> bytes:
        if size > self.left:
            raise ValueError(f"payload is too short, got {self.left} bytes, expected {size} more")
        self._place += size
        return self._data[self._place - size : self._place]


def _order(name: str) -> str:
    if name not in ByteOrder.__members__:
        raise ValueError(f"byte_order is {name!r}, expected {', '.join(ByteOrder.__members__)}")
    return name


def _kind(name: str, order: str) -> DataType:
    if name in _NOT_HERE:
        raise ValueError(f"data type is {name}, expected a number: the others have methods of their own")
    return data_type(name, order=_order(order))


def _size(size: int) -> int:
    if size < 0:
        raise ValueError(f"size is {size}, expected 0 or more")
    return size


def _byte(name: str, value: Any) -> bytes:
    low, high = _BYTES[name]
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"value does not fit {name}, got {value!r}, expected {low} to {high}")
    return (value & 0xFF).to_bytes(1, "big")
