"""Functions 03, 04, 06, 16, 22 and 23: the registers of a device."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.errors import IllegalDataValue
from simulator.functions.table import function, wrong_byte_count
from simulator.protocol import codes
from simulator.protocol.codes import Table
from simulator.protocol.registers import MASK_WRITE, READ_WRITE_HEAD, TWO_WORDS, WRITE_HEAD

if TYPE_CHECKING:
    from simulator.device import Device

_two_words: Callable[[bytes], tuple[int, int, int]] = TWO_WORDS.unpack
_READ_HEADS = {
    code: tuple(bytes((code, 2 * quantity & 0xFF)) for quantity in range(codes.MAX_READ_REGISTERS + 1))
    for code in (
        codes.READ_HOLDING_REGISTERS,
        codes.READ_INPUT_REGISTERS,
        codes.READ_WRITE_MULTIPLE_REGISTERS,
    )
}
_HOLDING_HEADS = _READ_HEADS[codes.READ_HOLDING_REGISTERS]
_INPUT_HEADS = _READ_HEADS[codes.READ_INPUT_REGISTERS]
_READ_WRITE_HEADS = _READ_HEADS[codes.READ_WRITE_MULTIPLE_REGISTERS]


@function(codes.READ_HOLDING_REGISTERS)
def read_holding_registers(device: Device, pdu: bytes) -> bytes:
    """03 (V1.1b3 §6.3): 1 to 125 holding registers."""
    _, address, quantity = _two_words(pdu)
    if 1 <= quantity <= 125:
        return _HOLDING_HEADS[quantity] + device.holding_registers.read(address, quantity)
    raise IllegalDataValue(f"quantity is {quantity}, expected 1 to 125")


@function(codes.READ_INPUT_REGISTERS)
def read_input_registers(device: Device, pdu: bytes) -> bytes:
    """04 (V1.1b3 §6.4): 1 to 125 input registers."""
    _, address, quantity = _two_words(pdu)
    if 1 <= quantity <= 125:
        return _INPUT_HEADS[quantity] + device.input_registers.read(address, quantity)
    raise IllegalDataValue(f"quantity is {quantity}, expected 1 to 125")


@function(codes.WRITE_SINGLE_REGISTER)
def write_single_register(device: Device, pdu: bytes) -> bytes:
    """06 (V1.1b3 §6.6): one holding register; the response is the request."""
    _, address, _ = _two_words(pdu)
    device.write(Table.HOLDING_REGISTER, address, 1, pdu[3:])
    return pdu


@function(codes.WRITE_MULTIPLE_REGISTERS)
def write_multiple_registers(device: Device, pdu: bytes) -> bytes:
    """16 (V1.1b3 §6.12): 1 to 123 holding registers."""
    _, address, quantity, byte_count = WRITE_HEAD.unpack_from(pdu)
    if not 1 <= quantity <= codes.MAX_WRITE_REGISTERS:
        raise IllegalDataValue(f"quantity is {quantity}, expected 1 to {codes.MAX_WRITE_REGISTERS}")
    if byte_count != 2 * quantity or len(pdu) != 6 + byte_count:
        raise wrong_byte_count(byte_count, 2 * quantity, len(pdu) - 6)
    device.write(Table.HOLDING_REGISTER, address, quantity, pdu[6:])
    return pdu[:5]


@function(codes.MASK_WRITE_REGISTER)
def mask_write_register(device: Device, pdu: bytes) -> bytes:
    """22 (V1.1b3 §6.16): (current AND and_mask) OR (or_mask AND NOT and_mask); answered with the request."""
    _, address, and_mask, or_mask = MASK_WRITE.unpack(pdu)
    current = int.from_bytes(device.holding_registers.read(address, 1), "big")
    value = current & and_mask | or_mask & ~and_mask & 0xFFFF
    device.write(Table.HOLDING_REGISTER, address, 1, value.to_bytes(2, "big"))
    return pdu


@function(codes.READ_WRITE_MULTIPLE_REGISTERS)
def read_write_multiple_registers(device: Device, pdu: bytes) -> bytes:
    """23 (V1.1b3 §6.17): write 1 to 121 holding registers, then read 1 to 125.

    Both ranges are checked before anything is written.
    """
    head: tuple[int, ...] = READ_WRITE_HEAD.unpack_from(pdu)
    _, read_address, read_quantity, write_address, write_quantity, byte_count = head
    if not 1 <= read_quantity <= codes.MAX_READ_WRITE_READ:
        raise IllegalDataValue(
            f"quantity to read is {read_quantity}, expected 1 to {codes.MAX_READ_WRITE_READ}"
        )
    if not 1 <= write_quantity <= codes.MAX_READ_WRITE_WRITE:
        most = codes.MAX_READ_WRITE_WRITE
        raise IllegalDataValue(f"quantity to write is {write_quantity}, expected 1 to {most}")
    if byte_count != 2 * write_quantity or len(pdu) != 10 + byte_count:
        raise wrong_byte_count(byte_count, 2 * write_quantity, len(pdu) - 10)
    device.holding_registers.read(read_address, read_quantity)
    device.write(Table.HOLDING_REGISTER, write_address, write_quantity, pdu[10:])
    return _READ_WRITE_HEADS[read_quantity] + device.holding_registers.read(read_address, read_quantity)
