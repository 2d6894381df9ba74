"""The messages of the bit functions: 01, 02, 05, 15 (V1.1b3 §6.1, 6.2, 6.5, 6.11).

Bits are packed eight to a byte, the first in the least significant place.  A read response does not say how
many were asked for: decoded, its ``bits`` are whole bytes, those asked for first and zeros behind them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from simulator.protocol import codes
from simulator.protocol.contract import (
    Counted,
    Fixed,
    Message,
    MessageError,
    Request,
    Response,
    check,
    check_word,
    settle,
)
from simulator.protocol.registers import ADDRESS_QUANTITY, WRITE_HEAD


def pack_bits(bits: Sequence[bool]) -> bytes:
    """Bits as bytes, the first in the least significant place of the first byte."""
    number = int("".join("1" if bit else "0" for bit in reversed(bits)) or "0", 2)
    return number.to_bytes((len(bits) + 7) >> 3, "little")


def unpack_bits(data: bytes) -> tuple[bool, ...]:
    """Every bit of ``data``, eight for each byte."""
    text = f"{int.from_bytes(data, 'little'):0{8 * len(data)}b}" if data else ""
    return tuple(digit == "1" for digit in reversed(text))


def _bits(values: Iterable[bool], most: int) -> tuple[bool, ...]:
    taken = tuple(values)
    check("number of bits", len(taken), 1, most)
    for index, bit in enumerate(taken):
        if bit not in (0, 1):
            raise MessageError(f"bit {index} is {bit!r}, expected true or false")
    return tuple(map(bool, taken))


@dataclass(frozen=True, slots=True)
class _ReadBitsRequest(Request):
    layout = ADDRESS_QUANTITY
    address: int
    quantity: int

    def __post_init__(self) -> None:
        check_word("address", self.address)
        check("quantity", self.quantity, 1, codes.MAX_READ_BITS)


@dataclass(frozen=True, slots=True)
class _ReadBitsResponse(Response):
    length = Counted(1)
    bits: tuple[bool, ...]

    def __post_init__(self) -> None:
        settle(self, "bits", _bits(self.bits, codes.MAX_READ_BITS))

    def encode(self) -> bytes:
        """The PDU: byte count and packed bits."""
        data = pack_bits(self.bits)
        return bytes((self.function, len(data))) + data

    @classmethod
    def decode(cls, pdu: bytes) -> Self:
        """The bits of a PDU, eight for each byte."""
        return cls(unpack_bits(cls.counted(pdu)[1]))


class ReadCoilsRequest(_ReadBitsRequest):
    """01 (V1.1b3 §6.1): read 1 to 2000 coils."""

    __slots__ = ()
    function = codes.READ_COILS


class ReadCoilsResponse(_ReadBitsResponse):
    """01 (V1.1b3 §6.1): the coils, filled up with zeros to whole bytes."""

    __slots__ = ()
    function = codes.READ_COILS


class ReadDiscreteInputsRequest(_ReadBitsRequest):
    """02 (V1.1b3 §6.2): read 1 to 2000 discrete inputs."""

    __slots__ = ()
    function = codes.READ_DISCRETE_INPUTS


class ReadDiscreteInputsResponse(_ReadBitsResponse):
    """02 (V1.1b3 §6.2): the discrete inputs, filled up with zeros to whole bytes."""

    __slots__ = ()
    function = codes.READ_DISCRETE_INPUTS


@dataclass(frozen=True, slots=True)
class _WriteSingleCoil(Message):
    function = codes.WRITE_SINGLE_COIL
    length = Fixed(5)
    address: int
    value: bool

    def __post_init__(self) -> None:
        check_word("address", self.address)
        settle(self, "value", _bits((self.value,), 1)[0])

    def encode(self) -> bytes:
        """The PDU: address, and 0xFF00 for on or 0x0000 for off."""
        value = codes.COIL_ON if self.value else codes.COIL_OFF
        return bytes((self.function,)) + ADDRESS_QUANTITY.pack(self.address, value)

    @classmethod
    def decode(cls, pdu: bytes) -> Self:
        """The coil of a PDU; every value but 0xFF00 and 0x0000 is refused."""
        address, value = ADDRESS_QUANTITY.unpack(cls.body(pdu, ADDRESS_QUANTITY.size))
        if value not in (codes.COIL_ON, codes.COIL_OFF):
            raise MessageError(f"coil value is {value:#06x}, expected 0xff00 or 0x0000")
        return cls(address, value == codes.COIL_ON)


class WriteSingleCoilRequest(_WriteSingleCoil, Request):
    """05 (V1.1b3 §6.5): set one coil on or off."""

    __slots__ = ()


class WriteSingleCoilResponse(_WriteSingleCoil, Response):
    """05 (V1.1b3 §6.5): the request again."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class WriteMultipleCoilsRequest(Request):
    """15 (V1.1b3 §6.11): set 1 to 1968 coils.  Bits behind the last one are not looked at."""

    function = codes.WRITE_MULTIPLE_COILS
    length = Counted(5)
    address: int
    bits: tuple[bool, ...]

    def __post_init__(self) -> None:
        check_word("address", self.address)
        settle(self, "bits", _bits(self.bits, codes.MAX_WRITE_BITS))

    def encode(self) -> bytes:
        """The PDU: address, quantity, byte count and packed bits."""
        data = pack_bits(self.bits)
        return WRITE_HEAD.pack(self.function, self.address, len(self.bits), len(data)) + data

    @classmethod
    def decode(cls, pdu: bytes) -> Self:
        """The coils of a PDU; the byte count must be the quantity's."""
        head, data = cls.counted(pdu, before=4)
        address, quantity = ADDRESS_QUANTITY.unpack(head)
        check("quantity", quantity, 1, codes.MAX_WRITE_BITS)
        if len(data) != (quantity + 7) >> 3:
            raise MessageError(f"byte count is {len(data)}, expected {(quantity + 7) >> 3}")
        return cls(address, unpack_bits(data)[:quantity])


@dataclass(frozen=True, slots=True)
class WriteMultipleCoilsResponse(Response):
    """15 (V1.1b3 §6.11): where the coils begin and how many were set."""

    function = codes.WRITE_MULTIPLE_COILS
    layout = ADDRESS_QUANTITY
    address: int
    quantity: int

    def __post_init__(self) -> None:
        check_word("address", self.address)
        check("quantity", self.quantity, 1, codes.MAX_WRITE_BITS)
