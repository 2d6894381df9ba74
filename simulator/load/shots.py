"""Requests made beforehand, each with the answer that is expected: firing one costs a few lookups.

A ring of a few thousand is made once from the plan, by its seed; every client walks it from a place of its
own.  What an answer must look like is kept as its first bytes and its length, so that one comparison checks
function, unit id, length and, for writes, the echo.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.protocol import codes
from simulator.protocol.bits import WriteMultipleCoilsRequest, WriteSingleCoilRequest
from simulator.protocol.diagnostics import Diagnostic, DiagnosticsRequest
from simulator.protocol.identification import ReadDeviceIdentificationRequest
from simulator.protocol.mbap import HEADER
from simulator.protocol.registers import (
    MaskWriteRegisterRequest,
    ReadWriteMultipleRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
    read_request,
)

if TYPE_CHECKING:
    from simulator.load.plan import Part, Plan

RING = 4096
MOST = {  # functions of addresses, and the most that one request can ask for
    codes.READ_COILS: codes.MAX_READ_BITS,
    codes.READ_DISCRETE_INPUTS: codes.MAX_READ_BITS,
    codes.READ_HOLDING_REGISTERS: codes.MAX_READ_REGISTERS,
    codes.READ_INPUT_REGISTERS: codes.MAX_READ_REGISTERS,
    codes.WRITE_SINGLE_COIL: 1,
    codes.WRITE_SINGLE_REGISTER: 1,
    codes.WRITE_MULTIPLE_COILS: codes.MAX_WRITE_BITS,
    codes.WRITE_MULTIPLE_REGISTERS: codes.MAX_WRITE_REGISTERS,
    codes.MASK_WRITE_REGISTER: 1,
    codes.READ_WRITE_MULTIPLE_REGISTERS: codes.MAX_READ_WRITE_WRITE,
}
FIXED = {  # functions without addresses: the request, and how long the answer is (0: that varies)
    codes.READ_EXCEPTION_STATUS: (b"\x07", 2),
    codes.DIAGNOSTICS: (DiagnosticsRequest(Diagnostic.RETURN_QUERY_DATA, (0xA537,)).encode(), 5),
    codes.GET_COMM_EVENT_COUNTER: (b"\x0b", 5),
    codes.GET_COMM_EVENT_LOG: (b"\x0c", 0),
    codes.REPORT_SERVER_ID: (b"\x11", 0),
    codes.ENCAPSULATED_INTERFACE_TRANSPORT: (ReadDeviceIdentificationRequest(1).encode(), 0),
}


@dataclass(frozen=True, slots=True)
class Shot:
    """A request, and how its answer begins and how long it is.

    ``tail`` and ``expected`` are what stands behind the transaction id on Modbus TCP, ``size`` the length of
    the whole answer there; 0 when it varies.
    """

    unit: int
    pdu: bytes
    answer: bytes  # how the PDU of the answer begins
    answer_size: int  # of the PDU; 0 when it varies
    tail: bytes
    expected: bytes
    size: int


def shots(plan: Plan, count: int = RING) -> tuple[Shot, ...]:
    """A ring of requests for the plan: by its weights, addresses, units and order."""
    chance = random.Random(plan.seed)
    parts = [part for part in plan.mix for _ in range(part.weight)]
    units = [unit for first, last in plan.units for unit in range(first, last + 1)]
    walks = {part: _places(plan, part, chance) for part in plan.mix}
    ring = []
    for _ in range(count):
        part = chance.choice(parts)
        ring.append(_shot(part, next(walks[part]), chance.choice(units), chance))
    return tuple(ring)


def _places(plan: Plan, part: Part, chance: random.Random) -> Iterator[int]:
    """Where each request of a kind begins."""
    ranges = [(first, last - part.quantity + 1) for first, last in plan.addresses]
    fitting = [(first, last) for first, last in ranges if last >= first] or [(0, 0)]
    if plan.order == "sequential":
        steps = [range(first, last + 1, part.quantity) for first, last in fitting]
        return itertools.cycle([place for step in steps for place in step])
    sizes = [last - first + 1 for first, last in fitting]
    return iter(lambda: chance.randint(*chance.choices(fitting, sizes)[0]), None)


def _shot(part: Part, address: int, unit: int, chance: random.Random) -> Shot:
    pdu, answer, size = _exchange(part, address, chance)
    tail = HEADER.pack(0, 0, 1 + len(pdu), unit)[2:] + pdu
    head = HEADER.pack(0, 0, 1 + size, unit)[2:] if size else b""
    return Shot(unit, pdu, answer, size, tail, head + answer if size else b"", 7 + size if size else 0)


def _exchange(part: Part, address: int, chance: random.Random) -> tuple[bytes, bytes, int]:
    """The PDU of a request, how its answer begins and how long the answer is."""
    function, quantity = part.function, part.quantity
    if function in FIXED:
        pdu, size = FIXED[function]
        return pdu, pdu if function == codes.DIAGNOSTICS else bytes((function,)), size
    if function <= codes.READ_INPUT_REGISTERS:
        count = 2 * quantity if function >= codes.READ_HOLDING_REGISTERS else -(-quantity // 8)
        return read_request(function, address, quantity), bytes((function, count)), 2 + count
    pdu = _write(function, address, quantity, chance)
    if function == codes.READ_WRITE_MULTIPLE_REGISTERS:
        return pdu, bytes((function, 2 * quantity)), 2 + 2 * quantity
    size = 5 if function in (codes.WRITE_MULTIPLE_COILS, codes.WRITE_MULTIPLE_REGISTERS) else len(pdu)
    return pdu, pdu[:size], size


def _write(function: int, address: int, quantity: int, chance: random.Random) -> bytes:
    words = tuple(chance.randrange(0x10000) for _ in range(quantity))
    if function == codes.WRITE_SINGLE_COIL:
        return WriteSingleCoilRequest(address, bool(words[0] & 1)).encode()
    if function == codes.WRITE_SINGLE_REGISTER:
        return WriteSingleRegisterRequest(address, words[0]).encode()
    if function == codes.WRITE_MULTIPLE_COILS:
        return WriteMultipleCoilsRequest(address, tuple(bool(word & 1) for word in words)).encode()
    if function == codes.MASK_WRITE_REGISTER:
        return MaskWriteRegisterRequest(address, words[0], 0xFFFF ^ words[0]).encode()
    if function == codes.WRITE_MULTIPLE_REGISTERS:
        return WriteMultipleRegistersRequest(address, words).encode()
    return ReadWriteMultipleRegistersRequest(address, quantity, address, words).encode()
