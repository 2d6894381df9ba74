"""The function table of a kind with quirks: the stock functions, some of them wrapped.

``functions_with`` makes the table once, when a fleet is made.  One rule: a function that no quirk concerns
stays the stock object, so that whatever knows the stock functions by identity still knows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from simulator.errors import IllegalDataAddress, IllegalDataValue, ModbusException
from simulator.functions.table import Function, function_table, illegal_function
from simulator.protocol import codes
from simulator.protocol.codes import Table

if TYPE_CHECKING:
    from simulator.access import Gate
    from simulator.device import Device
    from simulator.quirks import Quirks

# where the quantities of a request stand, and what the specification allows (V1.1b3 §6)
_REGISTERS = {
    codes.READ_HOLDING_REGISTERS: ((3, codes.MAX_READ_REGISTERS),),
    codes.READ_INPUT_REGISTERS: ((3, codes.MAX_READ_REGISTERS),),
    codes.WRITE_MULTIPLE_REGISTERS: ((3, codes.MAX_WRITE_REGISTERS),),
    codes.READ_WRITE_MULTIPLE_REGISTERS: ((3, codes.MAX_READ_WRITE_READ), (7, codes.MAX_READ_WRITE_WRITE)),
}
_BITS = {
    codes.READ_COILS: ((3, codes.MAX_READ_BITS),),
    codes.READ_DISCRETE_INPUTS: ((3, codes.MAX_READ_BITS),),
    codes.WRITE_MULTIPLE_COILS: ((3, codes.MAX_WRITE_BITS),),
}
_WRITES = {codes.WRITE_MULTIPLE_COILS: Table.COIL, codes.WRITE_MULTIPLE_REGISTERS: Table.HOLDING_REGISTER}
_TOO_MANY = {"illegal_data_value": IllegalDataValue, "illegal_data_address": IllegalDataAddress}

Places = tuple[tuple[int, int], ...]


def functions_with(quirks: Quirks, functions: Sequence[Function] | None = None) -> tuple[Function, ...]:
    """All 256 behaviours of a kind with these quirks, which otherwise has ``functions``."""
    table = list(function_table() if functions is None else functions)
    if quirks.partial_writes:
        for code, written in _WRITES.items():
            table[code] = _partial(table[code], written)
    refuse = _TOO_MANY[quirks.too_many]
    for most, places_by_code in ((quirks.max_registers, _REGISTERS), (quirks.max_bits, _BITS)):
        for code, places in places_by_code.items() if most is not None else ():
            table[code] = _limited(table[code], places, most or 0, refuse)
    for code in quirks.unsupported_functions:
        table[code] = illegal_function
    return tuple(table)


def _limited(function: Function, places: Places, most: int, refuse: type[ModbusException]) -> Function:
    """``function`` for at most ``most`` registers or bits; what no device takes it refuses itself."""

    def limited(device: Device, pdu: bytes) -> bytes:
        for place, allowed in places:
            quantity = int.from_bytes(pdu[place : place + 2], "big")
            if most < quantity <= allowed and len(pdu) > place + 1:
                raise refuse(f"quantity is {quantity}, expected 1 to {most}")
        return function(device, pdu)

    return limited


def _partial(function: Function, table: Table) -> Function:
    """A write of several that has stored what stands before the first it refuses."""

    def partial(device: Device, pdu: bytes) -> bytes:
        try:
            return function(device, pdu)
        except ModbusException:
            _write_until_refused(device, table, pdu)
            raise

    return partial


def _write_until_refused(device: Device, table: Table, pdu: bytes) -> None:
    """Write piece by piece what was refused as a whole; nothing when the request itself is wrong."""
    address, quantity = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
    expected = (quantity + 7) >> 3 if table.is_bits else 2 * quantity
    most = codes.MAX_WRITE_BITS if table.is_bits else codes.MAX_WRITE_REGISTERS
    if not 1 <= quantity <= most or pdu[5:6] != bytes((expected,)) or len(pdu) != 6 + expected:
        return
    data = int.from_bytes(pdu[6:], "little") if table.is_bits else pdu[6:]
    for start, stop in _pieces(device.kind.gates[table], address, address + quantity):
        size = stop - start
        if isinstance(data, int):
            bits = data >> start - address & (1 << size) - 1
            piece = bits.to_bytes((size + 7) >> 3, "little")
        else:
            piece = data[2 * (start - address) : 2 * (stop - address)]
        try:
            device.write(table, start, size, piece)
        except ModbusException:
            return


def _pieces(gate: Gate | None, address: int, stop: int) -> Iterator[tuple[int, int]]:
    """The smallest ranges that can be judged alone: a point with rules is one, any other address too."""
    rules = () if gate is None else gate.rules
    spans = sorted((rule.point.address, rule.point.stop) for rule in rules if rule.point.stop > address)
    place = 0
    while address < stop:
        end = address + 1
        while place < len(spans) and spans[place][0] < end:
            end = max(end, spans[place][1])
            place += 1
        yield address, min(end, stop)
        address = end
