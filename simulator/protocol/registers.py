"""The messages of the register functions: 03, 04, 06, 16, 22, 23 (V1.1b3 §6.3–6.17).

Shapes only: what a device does with them is in ``simulator.functions.registers``, which reads the bytes with
the layouts at the top and makes no message.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Self

from simulator.protocol import codes
from simulator.protocol.contract import (
    Counted,
    Message,
    MessageError,
    Request,
    Response,
    check,
    check_word,
    pack_words,
    settle,
    unpack_words,
    words,
)

TWO_WORDS = Struct(">BHH")  # function, address and quantity or value: 03 04 06
WRITE_HEAD = Struct(">BHHB")  # function, address, quantity, byte count: 16
MASK_WRITE = Struct(">BHHH")  # function, address, AND mask, OR mask: 22
ADDRESS_QUANTITY = Struct(">HH")  # the same two words without the function
READ_WRITE_HEAD = Struct(">BHHHHB")  # function, read address, quantity, write the same, byte count: 23


def read_request(function: int, address: int, quantity: int) -> bytes:
    """The PDU of a read request of any of the four tables (01 to 04)."""
    return TWO_WORDS.pack(function, address, quantity)


@dataclass(frozen=True, slots=True)
class _ReadRegistersRequest(Request):
    layout = ADDRESS_QUANTITY
    address: int
    quantity: int

    def __post_init__(self) -> None:
        check_word("address", self.address)
        check("quantity", self.quantity, 1, codes.MAX_READ_REGISTERS)


@dataclass(frozen=True, slots=True)
class _RegistersResponse(Response):
    length = Counted(1)
    registers: tuple[int, ...]

    def __post_init__(self) -> None:
        settle(self, "registers", words(self.registers, 1, codes.MAX_READ_REGISTERS))

    def encode(self) -> bytes:
        """The PDU: byte count and registers."""
        return bytes((self.function, 2 * len(self.registers))) + pack_words(self.registers)

    @classmethod
    def decode(cls, pdu: bytes) -> Self:
        """The registers of a PDU."""
        return cls(unpack_words(cls.counted(pdu)[1]))


class ReadHoldingRegistersRequest(_ReadRegistersRequest):
    """03 (V1.1b3 §6.3): read 1 to 125 holding registers."""

    __slots__ = ()
    function = codes.READ_HOLDING_REGISTERS


class ReadHoldingRegistersResponse(_RegistersResponse):
    """03 (V1.1b3 §6.3): the holding registers."""

    __slots__ = ()
    function = codes.READ_HOLDING_REGISTERS


class ReadInputRegistersRequest(_ReadRegistersRequest):
    """04 (V1.1b3 §6.4): read 1 to 125 input registers."""

    __slots__ = ()
    function = codes.READ_INPUT_REGISTERS


class ReadInputRegistersResponse(_RegistersResponse):
    """04 (V1.1b3 §6.4): the input registers."""

    __slots__ = ()
    function = codes.READ_INPUT_REGISTERS


@dataclass(frozen=True, slots=True)
class _WriteSingleRegister(Message):
    function = codes.WRITE_SINGLE_REGISTER
    layout = ADDRESS_QUANTITY
    address: int
    value: int

    def __post_init__(self) -> None:
        check_word("address", self.address)
        check_word("value", self.value)


class WriteSingleRegisterRequest(_WriteSingleRegister, Request):
    """06 (V1.1b3 §6.6): set one holding register."""

    __slots__ = ()


class WriteSingleRegisterResponse(_WriteSingleRegister, Response):
    """06 (V1.1b3 §6.6): the request again."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class WriteMultipleRegistersRequest(Request):
    """16 (V1.1b3 §6.12): set 1 to 123 holding registers."""

    function = codes.WRITE_MULTIPLE_REGISTERS
    length = Counted(5)
    address: int
    registers: tuple[int, ...]

    def __post_init__(self) -> None:
        check_word("address", self.address)
        settle(self, "registers", words(self.registers, 1, codes.MAX_WRITE_REGISTERS))

    def encode(self) -> bytes:
        """The PDU: address, quantity, byte count and registers."""
        quantity = len(self.registers)
        return WRITE_HEAD.pack(self.function, self.address, quantity, 2 * quantity) + pack_words(
            self.registers
        )

    @classmethod
    def decode(cls, pdu: bytes) -> Self:
        """The registers of a PDU; the byte count must be the quantity's."""
        head, data = cls.counted(pdu, before=4)
        address, quantity = ADDRESS_QUANTITY.unpack(head)
        check("quantity", quantity, 1, codes.MAX_WRITE_REGISTERS)
        _check_count(data, quantity)
        return cls(address, unpack_words(data))


@dataclass(frozen=True, slots=True)
class WriteMultipleRegistersResponse(Response):
    """16 (V1.1b3 §6.12): where the registers begin and how many were set."""

    function = codes.WRITE_MULTIPLE_REGISTERS
    layout = ADDRESS_QUANTITY
    address: int
    quantity: int

    def __post_init__(self) -> None:
        check_word("address", self.address)
        check("quantity", self.quantity, 1, codes.MAX_WRITE_REGISTERS)


@dataclass(frozen=True, slots=True)
class _MaskWriteRegister(Message):
    function = codes.MASK_WRITE_REGISTER
    layout = Struct(">HHH")
    address: int
    and_mask: int
    or_mask: int

    def __post_init__(self) -> None:
        check_word("address", self.address)
        check_word("AND mask", self.and_mask)
        check_word("OR mask", self.or_mask)


class MaskWriteRegisterRequest(_MaskWriteRegister, Request):
    """22 (V1.1b3 §6.16): keep a register's bits of the AND mask, take the others from the OR mask."""

    __slots__ = ()


class MaskWriteRegisterResponse(_MaskWriteRegister, Response):
    """22 (V1.1b3 §6.16): the request again."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ReadWriteMultipleRegistersRequest(Request):
    """23 (V1.1b3 §6.17): set 1 to 121 holding registers, then read 1 to 125."""

    function = codes.READ_WRITE_MULTIPLE_REGISTERS
    length = Counted(9)
    read_address: int
    read_quantity: int
    write_address: int
    registers: tuple[int, ...]

    def __post_init__(self) -> None:
        check_word("read address", self.read_address)
        check("read quantity", self.read_quantity, 1, codes.MAX_READ_WRITE_READ)
        check_word("write address", self.write_address)
        settle(self, "registers", words(self.registers, 1, codes.MAX_READ_WRITE_WRITE))

    def encode(self) -> bytes:
        """The PDU: both ranges, byte count and the registers to set."""
        quantity = len(self.registers)
        head = READ_WRITE_HEAD.pack(
            self.function,
            self.read_address,
            self.read_quantity,
            self.write_address,
            quantity,
            2 * quantity,
        )
        return head + pack_words(self.registers)

    @classmethod
    def decode(cls, pdu: bytes) -> Self:
        """Both ranges of a PDU; the byte count must be the write quantity's."""
        head, data = cls.counted(pdu, before=8)
        read_address, read_quantity = ADDRESS_QUANTITY.unpack_from(head)
        write_address, quantity = ADDRESS_QUANTITY.unpack_from(head, 4)
        check("write quantity", quantity, 1, codes.MAX_READ_WRITE_WRITE)
        _check_count(data, quantity)
        return cls(read_address, read_quantity, write_address, unpack_words(data))


class ReadWriteMultipleRegistersResponse(_RegistersResponse):
    """23 (V1.1b3 §6.17): the holding registers that were read."""

    __slots__ = ()
    function = codes.READ_WRITE_MULTIPLE_REGISTERS


def _check_count(data: bytes, quantity: int) -> None:
    if len(data) != 2 * quantity:
        raise MessageError(f"byte count is {len(data)}, expected {2 * quantity}")
