"""The messages of the bit functions: 01, 02, 05, 15 (V1.1b3 §6.1, 6.2, 6.5, 6.11).

Bits are packed eight to a byte, the first in the least significant place.  A read response does not say how many
were asked for: decoded, its ``bits`` are whole bytes, the ones asked for first and zeros behind them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Self

from simulator.protocol import codes
from simulator.protocol.contract import (
    Counted,
    Fixed,
    MessageError,
    Request,
    Response,
    check,
    check_word,
    settle,
)

ADDRESS_QUANTITY = Struct(">HH")


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
class _WriteSingleCoil:
    address: int
    value: bool

    def __post_init__(self) -> None:
        check_word("address", self.address)
        if self.value not in (0, 1):
            raise MessageError(f"coil is {self.value!r}, expected true or false")
        settle(self, "value", bool(self.value))
