"""What the tests of compiled lanes share: a hub without a reactor, a plant, and random requests."""

from __future__ import annotations

import random
import select
import socket
import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st
from twisted.internet.testing import MemoryReactorClock

from simulator.access import gate
from simulator.blocks.base import AddressMap
from simulator.blocks.fleet import FleetTable
from simulator.blocks.memory import RegisterBlock, new_buffer, sequential_registers
from simulator.datatypes import data_type
from simulator.device import Device, DeviceKind
from simulator.functions.table import function_table
from simulator.points import Point
from simulator.protocol.codes import Table
from simulator.server.factory import ModbusServerFactory
from simulator.server.hub import Hub

READ_3 = bytes.fromhex("03 0000 0003")


def adu(pdu: bytes, unit: int = 1, transaction: int = 0x0102) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


class Served:
    """A hub without a reactor, one factory on loopback, and clients of it."""

    def __init__(
        self, station: Any = None, *, compiled: bool = True, host: str = "127.0.0.1", factory: Any = None
    ) -> None:
        self.clock = MemoryReactorClock()
        self.hub = Hub(self.clock, compiled=compiled)
        self.factory = factory or ModbusServerFactory(station)
        self.factory.clock = self.clock
        self.port = self.hub.listen(host, 0, self.factory)
        self.factory.port = self.port
        self.clients: list[socket.socket] = []

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self.clients:
            client.close()
        self.hub.close()

    def connect(self, host: str = "127.0.0.1", port: Any = None) -> socket.socket:
        client = socket.create_connection((host, (port or self.port).getHost().port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.settimeout(10)
        self.clients.append(client)
        wait(self.hub.ports)
        self.hub.ports.doRead()
        return client

    def turn(self) -> None:
        """Wait for something to be ready, then serve until nothing is."""
        wait(self.hub.connections)
        while is_ready(self.hub.connections):
            self.hub.connections.doRead()

    def ask(self, client: socket.socket, request: bytes, size: int) -> bytes:
        client.sendall(request)
        self.turn()
        return exactly(client, size)

    def connections(self) -> list[Any]:
        return list(self.hub.connections)


def is_ready(pool: Any, timeout: float = 0) -> bool:
    return bool(select.select([pool.fileno()], [], [], timeout)[0])


def wait(pool: Any) -> None:
    assert is_ready(pool, 10), "nothing arrived"


def exactly(client: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        more = client.recv(size - len(got))
        assert more, f"closed after {got.hex(' ')}"
        got += more
    return got


def rest(client: socket.socket) -> bytes:
    """Everything up to the end of the stream."""
    got = b""
    while True:
        try:
            more = client.recv(65536)
        except ConnectionResetError:
            return got
        if not more:
            return got
        got += more


class Plant:
    """Rows of a fleet with rules, a device without two functions, one with a block of its own kind."""

    RANGES = ((0, 20), (30, 31), (65400, 65536))

    def __init__(self) -> None:
        rng = random.Random(7)
        spots = AddressMap(self.RANGES)
        bits = {table: table.is_bits for table in Table}
        self.tables = {
            table: FleetTable(
                spots, 3, rng.randbytes((spots.size + 7) // 8 if bit else 2 * spots.size), bits=bit
            )
            for table, bit in bits.items()
        }
        uint16, boolean = data_type("uint16"), data_type("bool")
        points = [
            Point("fixed", Table.HOLDING_REGISTER, 5, uint16, access="ro"),
            Point("limited", Table.HOLDING_REGISTER, 9, uint16, min=0, max=100),
        ]
        lamp = Point("lamp", Table.COIL, 11, boolean, access="ro")
        gates = (
            gate(spots, [lamp], {}, "illegal_data_address"),
            None,
            None,
            gate(spots, points, {}, "illegal_data_address"),
        )
        self.fleet = DeviceKind(function_table(), rows=3, gates=gates)
        self.partial = DeviceKind(function_table(without=(3, 16)), rows=1)
        self.odd = DeviceKind(function_table(), rows=1)
        self.devices = {1: self.row(0), 2: self.row(2), 255: self.row(1)}
        self.devices[7] = Device(self.partial, holding_registers=sequential_registers(0, range(40)))
        self.devices[9] = Device(self.odd, holding_registers=Reversed(spots, new_buffer(2 * spots.size)))

    def row(self, row: int) -> Device:
        blocks = {table.name.lower() + "s": kept.row(row) for table, kept in self.tables.items()}
        return Device(self.fleet, row, **blocks)

    def state(self) -> list[object]:
        """Everything a request may change."""
        cells = [kept.cells.tobytes() for kept in self.tables.values()]
        own = [self.devices[unit].holding_registers.buffer[:] for unit in (7, 9)]  # type: ignore[attr-defined]
        return [cells, own, [list(kind.requests) for kind in (self.fleet, self.partial, self.odd)]]


class Reversed(RegisterBlock):
    """A block that is not stock: only Python may serve it."""

    __slots__ = ()

    def read(self, address: int, quantity: int) -> bytes:
        return super().read(address, quantity)[::-1]


addresses = st.one_of(st.integers(0, 33), st.integers(65390, 65535), st.integers(0, 65535))
words = st.integers(0, 65535)


def _reads() -> st.SearchStrategy[bytes]:
    quantities = st.one_of(st.integers(0, 40), st.sampled_from([125, 126, 136, 1968, 2000, 2001, 65535]))
    return st.builds(struct.Struct(">BHH").pack, st.integers(1, 4), addresses, quantities)


def _single_writes() -> st.SearchStrategy[bytes]:
    values = st.one_of(st.sampled_from([0, 0xFF00, 1, 0xFF01]), words)
    return st.builds(struct.Struct(">BHH").pack, st.sampled_from([5, 6]), addresses, values)


@st.composite
def _multiple_writes(draw: st.DrawFn) -> bytes:
    code = draw(st.sampled_from([15, 16]))
    quantity = draw(st.one_of(st.integers(0, 24), st.sampled_from([100, 123, 124, 136, 1960])))
    size = 2 * quantity if code == 16 else (quantity + 7) // 8
    data = random.Random(draw(words)).randbytes(min(size, 247))
    byte_count = draw(st.sampled_from([size & 0xFF] * 9 + [0, 1, 255]))
    return struct.pack(">BHHB", code, draw(addresses), quantity, byte_count) + data


pdus = st.one_of(
    _reads(),
    _reads(),
    _single_writes(),
    _multiple_writes(),
    _multiple_writes(),
    st.sampled_from(
        [
            bytes.fromhex(text)
            for text in ("16 0004 00F2 0025", "2B 0E 01 00", "17 0000 0002 0001 0001 02 1234")
        ]
    ),
    st.binary(min_size=1, max_size=20),
)
units = st.sampled_from([1, 1, 2, 255, 7, 9, 0, 3])
requests = st.builds(adu, pdus, units, words)
garbage = st.one_of(st.binary(min_size=1, max_size=30), st.just(bytes.fromhex("0001 0000 0001 01 03")))
streams = st.builds(
    lambda parts, end: b"".join(parts) + end,
    st.lists(requests, min_size=1, max_size=25),
    st.just(b"") | garbage,
)


def cut(stream: bytes, places: Sequence[int]) -> list[bytes]:
    edges = sorted({0, len(stream), *(place % len(stream) for place in places)})
    return [stream[start:stop] for start, stop in pairwise(edges)]
