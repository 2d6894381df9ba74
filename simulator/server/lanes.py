"""The compiled turn, where there is one: which connections and devices it may serve.

``_turn`` is written in C and answers plain requests as the Python classes would.  What is plain is decided
here, once for a socket and once for a device: MBAP or RTU with the stock framer, over connections or in
datagrams; a stock device whose tables are stock blocks.  Where the module could not be built, or
``MODSIM_PURE=1`` is in the environment, Python answers everything.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from twisted.logger import Logger

from simulator.access import Gate
from simulator.blocks.memory import BitBlock, RegisterBlock
from simulator.blocks.zero_filled import ZeroFilled
from simulator.device import Device, DeviceKind
from simulator.functions import bits, registers
from simulator.protocol import codes
from simulator.protocol.codes import Table
from simulator.protocol.contract import Counted, Fixed, LengthRule
from simulator.protocol.mbap import MbapFramer
from simulator.protocol.messages import REQUESTS
from simulator.protocol.rtu import RtuFramer
from simulator.server.datagram_framers import MbapDatagrams, RtuDatagrams
from simulator.server.pool import MAX_EVENTS, EventPool

if TYPE_CHECKING:
    import mmap
    from array import array
    from collections.abc import Mapping

    from simulator.blocks.base import AddressMap, Block
    from simulator.diagnostics import Bus
    from simulator.functions.table import Function
    from simulator.server._turn import Layout
    from simulator.server._turn import Station as CompiledStation

try:
    from simulator.server import _turn
except ImportError:
    BUILT = False
else:
    BUILT = True

COMPILED = BUILT and os.environ.get("MODSIM_PURE") != "1"  # unless a hub is told otherwise

log = Logger()

PLAIN: Mapping[int, Function] = {  # what _turn knows how to do
    codes.READ_COILS: bits.read_coils,
    codes.READ_DISCRETE_INPUTS: bits.read_discrete_inputs,
    codes.READ_HOLDING_REGISTERS: registers.read_holding_registers,
    codes.READ_INPUT_REGISTERS: registers.read_input_registers,
    codes.WRITE_SINGLE_COIL: bits.write_single_coil,
    codes.WRITE_SINGLE_REGISTER: registers.write_single_register,
    codes.WRITE_MULTIPLE_COILS: bits.write_multiple_coils,
    codes.WRITE_MULTIPLE_REGISTERS: registers.write_multiple_registers,
}
_LENGTHS: Mapping[int, LengthRule] = {  # and how long it takes their requests to be
    code: Counted(5) if code in (codes.WRITE_MULTIPLE_COILS, codes.WRITE_MULTIPLE_REGISTERS) else Fixed(5)
    for code in PLAIN
}
_IS_RTU: Mapping[type, bool] = {  # the framings it cuts; all but RTU is MBAP
    MbapFramer: False,
    MbapDatagrams: False,
    RtuFramer: True,
    RtuDatagrams: True,
}


class LanePool(EventPool):
    """A pool of sockets whose turn is compiled.

    No socket is added while a turn is under way: accepting is another pool's.  So a descriptor that a
    turn returns is still the socket it was, or closed.
    """

    def __init__(self, reactor: Any, name: str) -> None:
        super().__init__(reactor, name)
        self._lanes = _turn.Lanes(self._epoll.fileno())

    def arm(
        self,
        fd: int,
        station: CompiledStation,
        *,
        datagrams: bool = False,
        places: dict[bytes, CompiledStation] | None = None,
    ) -> bool:
        self._lanes.arm(fd, station, datagrams, places)
        return True

    def disarm(self, fd: int) -> bytes:
        return self._lanes.disarm(fd)

    def release(self, fd: int) -> None:
        self._lanes.release(fd)

    def seen(self, fd: int) -> float:
        return self._lanes.seen(fd)

    def remove(self, fd: int) -> None:
        self._lanes.disarm(fd)
        super().remove(fd)

    def doRead(self) -> None:
        """Let compiled code answer, then do what it has left."""
        sinks: dict[int, Any] = self._sinks
        now = self._seconds()
        for fd, events, data, answers, sender in self._lanes.turn(MAX_EVENTS, now):
            sink = sinks.get(fd)
            if sink is None:  # closed by what an earlier one did
                continue
            try:
                if data is None:
                    sink.ready(events, now)
                elif sender is None:
                    sink.take(data, answers)
                else:
                    sink.take_from(*sender, data, answers)
            except Exception:
                log.failure("{sink} failed", sink=sink)
                self._drop(sink)


def event_pool(reactor: Any, name: str, *, compiled: bool) -> EventPool:
    """A pool of sockets, with a compiled turn where that is wanted and there is one."""
    return LanePool(reactor, name) if compiled and BUILT else EventPool(reactor, name)


def compiled_station(framer: object, bus: Bus | None) -> CompiledStation | None:
    """An empty station for compiled code, which ``admit`` fills; None where it does not know the framing."""
    rtu = _IS_RTU.get(type(framer))
    if rtu is None or not BUILT:
        return None
    return _turn.Station(rtu, None if bus is None else bus.heard)


def admit(station: CompiledStation, unit: int, device: Device) -> None:
    """Let compiled code answer for a device from now on, if it may."""
    if type(device) is not Device:  # everybody on a line is none
        return
    kind = device.kind
    if kind not in _shapes:
        _shapes[kind] = _shape(device)
    shape = _shapes[kind]
    bases = shape.bases(device)
    if bases is not None:
        station.put(unit, shape.layout, device.row, bases)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the devices of a kind have in common; ``stores`` are the map and buffer of each plain table."""

    layout: Layout
    stores: tuple[tuple[AddressMap, mmap.mmap] | None, ...]

    def bases(self, device: Device) -> tuple[int, ...] | None:
        """Where the device's rows begin in the buffers; None when it is not like the others of its kind."""
        if device.functions is not device.kind.functions and not device.kind.aside[device.row]:
            return None
        bases = [0, 0, 0, 0]
        for table, store in zip(Table, self.stores, strict=True):
            block = _mapped(device.block(table))
            if store != _store(table, block):
                return None
            if store is not None:
                bases[table] = block.base  # type: ignore[attr-defined]  # it has a store
        return tuple(bases)


_shapes: WeakKeyDictionary[DeviceKind, _Shape] = WeakKeyDictionary()


def _shape(device: Device) -> _Shape:
    kind = device.kind
    stores = tuple(_store(table, _mapped(device.block(table))) for table in Table)
    tables = [
        store and (store[0].columns, store[0].stops, _open_stops(store[0], kind.gates[table]), store[1])
        for table, store in zip(Table, stores, strict=True)
    ]
    known = bytes(
        code
        for code, function in PLAIN.items()
        if kind.functions[code] is function and REQUESTS[code].length == _LENGTHS[code]
    )
    return _Shape(_turn.Layout(tuple(tables), kind.requests, known, kind.aside), stores)


def _mapped(block: Block) -> Block:
    """The block below one without holes: what exists is read and written alike, the holes go to Python."""
    return block.mapped if type(block) is ZeroFilled else block


def _store(table: Table, block: Block) -> tuple[AddressMap, mmap.mmap] | None:
    """The map and buffer of a stock block, None for any other."""
    if type(block) is (BitBlock if table.is_bits else RegisterBlock):
        return block.map, block.buffer
    return None


def _open_stops(spots: AddressMap, gate: Gate | None) -> array[int] | None:
    """The ends of the runs where a write is simply stored; None when it never is."""
    if gate is None:
        return spots.stops
    return gate.open_stops if type(gate) is Gate else None
