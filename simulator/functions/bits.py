"""Functions 01, 02, 05 and 15: the coils and discrete inputs of a device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import IllegalDataValue
from simulator.functions.table import function, wrong_byte_count
from simulator.protocol import codes
from simulator.protocol.codes import Table
from simulator.protocol.registers import TWO_WORDS, WRITE_HEAD

if TYPE_CHECKING:
    from simulator.device import Device


@function(codes.READ_COILS)
def read_coils(device: Device, pdu: bytes) -> bytes:
    """01 (V1.1b3 §6.1): 1 to 2000 coils."""
    _, address, quantity = TWO_WORDS.unpack(pdu)
    _check(quantity, codes.MAX_READ_BITS)
    return bytes((codes.READ_COILS, (quantity + 7) >> 3)) + device.coils.read(address, quantity)


@function(codes.READ_DISCRETE_INPUTS)
def read_discrete_inputs(device: Device, pdu: bytes) -> bytes:
    """02 (V1.1b3 §6.2): 1 to 2000 discrete inputs."""
    _, address, quantity = TWO_WORDS.unpack(pdu)
    _check(quantity, codes.MAX_READ_BITS)
    head = bytes((codes.READ_DISCRETE_INPUTS, (quantity + 7) >> 3))
    return head + device.discrete_inputs.read(address, quantity)


@function(codes.WRITE_SINGLE_COIL)
def write_single_coil(device: Device, pdu: bytes) -> bytes:
    """05 (V1.1b3 §6.5): one coil, 0xFF00 on, 0x0000 off; the response is the request."""
    _, address, value = TWO_WORDS.unpack(pdu)
    if value not in (codes.COIL_ON, codes.COIL_OFF):
        raise IllegalDataValue(f"coil value is {value:#06x}, expected 0xff00 or 0x0000")
    device.write(Table.COIL, address, 1, b"\x01" if value else b"\x00")
    return pdu


@function(codes.WRITE_MULTIPLE_COILS)
def write_multiple_coils(device: Device, pdu: bytes) -> bytes:
    """15 (V1.1b3 §6.11): 1 to 1968 coils."""
    _, address, quantity, byte_count = WRITE_HEAD.unpack_from(pdu)
    _check(quantity, codes.MAX_WRITE_BITS)
    expected = (quantity + 7) >> 3
    if byte_count != expected or len(pdu) != 6 + byte_count:
        raise wrong_byte_count(byte_count, expected, len(pdu) - 6)
    device.write(Table.COIL, address, quantity, pdu[6:])
    return pdu[:5]


def _check(quantity: int, most: int) -> None:
    if not 1 <= quantity <= most:
        raise IllegalDataValue(f"quantity is {quantity}, expected 1 to {most}")
