"""A compiled hub answers every byte as the pure one does, and compiled code leaves alone what is not its own.

Both kinds of hub are driven over loopback connections, without a reactor: a turn is one call.
"""

from __future__ import annotations

import os
import random
import resource
import select
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost

from simulator.blocks.memory import sequential_bits, sequential_registers
from simulator.device import Device, DeviceKind
from simulator.functions import registers
from simulator.functions.table import function_table
from simulator.server.factory import ModbusServerFactory
from simulator.server.protocol import ModbusServerProtocol

sys.path.insert(0, str(Path(__file__).parent))

from lanes_support import READ_3, Plant, Served, adu, cut, exactly, is_ready, rest, streams, wait

pytest.importorskip("simulator.server._turn", reason="the compiled turn could not be built here")

BOTH = pytest.mark.parametrize("compiled", [False, True], ids=["pure", "compiled"])

# one request to every unit, after which compiled code answers for those it may
KNOWN = [adu(bytes.fromhex("04 0000 0001"), unit) for unit in (1, 2, 255, 7, 9)]


def _conversation(chunks: Sequence[bytes], policy: str, compiled: bool) -> list[object]:
    """What a client got, and what it left behind."""
    plant = Plant()
    factory = ModbusServerFactory(plant.devices, unknown_unit=policy)
    with Served(factory=factory, compiled=compiled) as served:
        client = served.connect()
        for chunk in [*KNOWN, *chunks]:
            try:
                client.sendall(chunk)
            except (BrokenPipeError, ConnectionResetError):
                break
            if not served.connections():
                break
            served.turn()
        if served.connections():
            client.shutdown(socket.SHUT_WR)
            served.turn()
        counts = [factory.requests, factory.exceptions, factory.lost_streams, factory.connections]
        return [rest(client), plant.state(), counts, len(served.hub.connections)]


@given(
    stream=streams,
    places=st.lists(st.integers(0, 5000), max_size=8),
    policy=st.sampled_from(["gateway_target_failed", "gateway_path_unavailable", "ignore"]),
)
@settings(max_examples=300, deadline=None)
def test_any_stream_in_any_pieces_is_answered_alike(stream: bytes, places: list[int], policy: str) -> None:
    chunks = cut(stream, places)
    assert _conversation(chunks, policy, compiled=True) == _conversation(chunks, policy, compiled=False)


EDGES = [  # the last that is answered and the first that is refused
    *(f"{code:02x} 0000 {quantity:04x}" for code in (1, 2) for quantity in (0, 1, 2000, 2001)),
    *(f"{code:02x} 0000 {quantity:04x}" for code in (3, 4) for quantity in (0, 1, 125, 126)),
    *(f"{code:02x} {address:04x} 0001" for code in (1, 2, 3, 4) for address in (2199, 2200, 65535)),
    "01 0898 0000",
    *(
        f"05 {address:04x} {value:04x}"
        for address in (0, 2199, 2200)
        for value in (0, 0xFF00, 0xFFFF, 0x0100, 1)
    ),
    *(f"06 {address:04x} ABCD" for address in (0, 2199, 2200, 65535)),
    *(
        f"0F 0003 {quantity:04x} {size & 255:02x}" + "5A" * size
        for quantity, size in ((1968, 246), (1969, 247), (0, 0))
    ),
    *(
        f"0F 0003 000A {size:02x}" + "FF" * carried
        for size, carried in ((2, 2), (1, 1), (2, 1), (2, 3), (1, 2), (3, 3))
    ),
    *(f"10 0003 {quantity:04x} {2 * quantity:02x}" + "1234" * quantity for quantity in (123, 122, 0)),
    "10 0003 007C F8" + "1234" * 123,
    *(
        f"10 0003 0002 {size:02x}" + "55" * carried
        for size, carried in ((4, 4), (2, 2), (4, 3), (4, 5), (2, 4), (5, 5))
    ),
    *(f"{code:02x} 0000 0001" + more for code in range(7) for more in ("00", "0000")),
    *(f"{code:02x} 0000 00" for code in range(7)),
    "03",
    "23 0000 0001",  # 03 and 32
    "83 0000 0001",
]


@pytest.mark.parametrize("unit", [1, 4], ids=["known", "unknown"])
@pytest.mark.parametrize("request_pdu", EDGES, ids=lambda text: text[:20])
def test_the_limits_are_those_of_python(request_pdu: str, unit: int) -> None:
    answers = []
    for compiled in (True, False):
        coils, words = (
            sequential_bits(0, [place % 3 for place in range(2200)]),
            sequential_registers(0, range(2200)),
        )
        kind = DeviceKind(function_table())
        device = Device(
            kind, coils=coils, discrete_inputs=coils, input_registers=words, holding_registers=words
        )
        with Served({1: device}, compiled=compiled) as served:
            client = served.connect()
            served.ask(client, adu(READ_3), 15)
            client.sendall(adu(bytes.fromhex(request_pdu), unit) + adu(READ_3))
            served.turn()
            client.shutdown(socket.SHUT_WR)
            served.turn()
            answers.append((rest(client), coils.buffer[:], words.buffer[:], list(kind.requests)))
    assert answers[0] == answers[1]


@BOTH
@pytest.mark.parametrize("header", ["0001 0001 0006", "0001 0100 0006", "0001 0000 0001", "0001 0000 00FF"])
@pytest.mark.parametrize("after", ["01", "01 03 0000 0001"], ids=["header only", "whole"])
def test_a_bad_header_ends_the_stream_at_once(header: str, after: str, compiled: bool) -> None:
    with Served({1: _device()}, compiled=compiled) as served:
        client = served.connect()
        served.ask(client, adu(READ_3), 15)
        client.sendall(adu(READ_3) + bytes.fromhex(header + after))
        served.turn()
        assert served.connections() == []
        assert rest(client) == _answer(7)
        assert [served.factory.requests, served.factory.lost_streams] == [2, 1]


def test_byte_by_byte_is_answered_alike() -> None:
    requests = [adu(READ_3, unit, place) for place, unit in enumerate([1, 2, 9, 1, 3, 1])]
    chunks = [bytes((byte,)) for byte in b"".join(requests)]
    assert _conversation(chunks, "ignore", compiled=True) == _conversation(chunks, "ignore", compiled=False)


def test_a_thousand_requests_at_once_are_answered_in_order() -> None:
    """More than one read takes, so reads end within requests."""
    rng = random.Random(3)
    chunk = b"".join(adu(READ_3, rng.choice([1, 2, 7, 255]), place) for place in range(3000))
    conversations = [_conversation([chunk], "ignore", compiled) for compiled in (True, False)]
    assert conversations[0] == conversations[1]
    assert conversations[0][2][0] == 3000 + len(KNOWN)  # type: ignore[index]


@pytest.mark.parametrize("address", range(9))
@pytest.mark.parametrize("quantity", [*range(1, 18), 1999])
def test_bits_at_any_place_are_read_and_written_alike(address: int, quantity: int) -> None:
    answers = []
    for compiled in (True, False):
        rng = random.Random(5)
        block = sequential_bits(3, [rng.random() < 0.5 for _ in range(2100)])
        device = Device(DeviceKind(function_table()), coils=block)
        size = (quantity + 7) // 8
        with Served({1: device}, compiled=compiled) as served:
            client = served.connect()
            served.ask(client, adu(b"\x01\x00\x03\x00\x01"), 10)
            data = rng.randbytes(size)
            written = struct.pack(">BHHB", 15, address + 3, quantity, size) + data
            read = struct.pack(">BHH", 1, address + 3, quantity)
            asked = adu(read) * 2 + (adu(written) if quantity <= 1968 else b"") + adu(read)
            client.sendall(asked)
            served.turn()
            client.shutdown(socket.SHUT_WR)
            served.turn()
            answers.append((rest(client), block.buffer[:]))
    assert answers[0] == answers[1]


def _device(value: int = 7, rows: int = 1) -> Device:
    return Device(
        DeviceKind(function_table(), rows=rows), holding_registers=sequential_registers(0, [value] * 130)
    )


def _answer(value: int, transaction: int = 0x0102) -> bytes:
    return struct.pack(">HHHB", transaction, 0, 9, 1) + b"\x03\x06" + struct.pack(">H", value) * 3


def test_python_hears_of_a_unit_once() -> None:
    device = _device()
    factory = ModbusServerFactory({1: device})
    with Served(factory=factory) as served:
        first, second = served.connect(), served.connect()
        for client in (first, second, first, second, second):
            assert served.ask(client, adu(READ_3), 15) == _answer(7)
        assert factory.served == 1, "requests that Python answered"
        assert factory.requests == 5
        assert list(device.kind.requests) == [5]


def test_a_device_may_be_any_row_and_is_counted_in_its_own() -> None:
    plant = Plant()
    with Served(plant.devices) as served:
        client = served.connect()
        for unit in [1, 2, 255, 1, 2, 2]:
            expected = plant.devices[unit].holding_registers.read(0, 3)
            assert served.ask(client, adu(READ_3, unit), 15)[9:] == expected
        client.close()
        served.turn()
        assert list(plant.fleet.requests) == [2, 1, 3]
        assert served.factory.requests == 6


class Deaf(ModbusServerProtocol):
    """A protocol with a mind of its own."""

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data[::-1])


class Hearing(ModbusServerFactory):
    compiled = False


@pytest.mark.parametrize("kind", ["protocol", "factory", "hub"])
def test_only_plain_connections_are_compiled(kind: str) -> None:
    factory = (Hearing if kind == "factory" else ModbusServerFactory)({1: _device()})
    if kind == "protocol":
        factory.protocol = Deaf
    expected = adu(READ_3)[::-1] if kind == "protocol" else _answer(7)
    with Served(factory=factory, compiled=kind != "hub") as served:
        client = served.connect()
        for _ in range(3):
            assert served.ask(client, adu(READ_3), len(expected)) == expected
        assert [connection.protocol.exchange.compiled for connection in served.connections()] == [None]


@BOTH
def test_a_changed_plant_answers_after_forget(compiled: bool) -> None:
    station = {1: _device(1)}
    with Served(station, compiled=compiled) as served:
        clients = [served.connect(), served.connect()]
        for client in clients * 2:
            assert served.ask(client, adu(READ_3), 15) == _answer(1)
        station[1] = _device(2)
        for connection in served.connections():
            connection.protocol.exchange.forget()
        for client in clients * 2:
            assert served.ask(client, adu(READ_3), 15) == _answer(2)
        del station[1]
        for connection in served.connections():
            connection.protocol.exchange.forget()
        assert served.ask(clients[0], adu(READ_3), 9)[7:] == b"\x83\x0b"


@BOTH
def test_each_address_behind_a_wildcard_has_its_own_devices(compiled: bool) -> None:
    stations = {f"127.0.0.{place}": {1: _device(place)} for place in (1, 2, 3)}
    factory = ModbusServerFactory(route=stations.get)
    with Served(factory=factory, compiled=compiled, host="0.0.0.0") as served:
        for place in (1, 2, 3):
            client = served.connect(f"127.0.0.{place}")
            for _ in range(3):
                assert served.ask(client, adu(READ_3), 15) == _answer(place)
            client.close()
            served.turn()
        assert rest(served.connect("127.0.0.9")) == b""
        assert factory.requests == 9
        assert factory.connections == 0


@BOTH
def test_a_descriptor_used_again_serves_the_new_connection(compiled: bool) -> None:
    with Served({1: _device(1)}, compiled=compiled) as served:
        other = served.hub.listen("127.0.0.1", 0, ModbusServerFactory({1: _device(2)}))
        client = served.connect()
        assert served.ask(client, adu(READ_3) * 2 + adu(READ_3)[:5], 30) == _answer(1) * 2
        (first,) = [connection.fd for connection in served.connections()]
        client.shutdown(socket.SHUT_WR)
        served.turn()
        blocker = os.dup(0)  # takes the number, so that the client's end of the next connection does not
        assert blocker == first
        again = socket.create_connection(("127.0.0.1", other.getHost().port))
        served.clients.append(again)
        os.close(blocker)
        wait(served.hub.ports)
        served.hub.ports.doRead()
        assert [connection.fd for connection in served.connections()] == [first]
        again.settimeout(10)
        for _ in range(3):
            assert served.ask(again, adu(READ_3), 15) == _answer(2)


@BOTH
def test_a_client_that_does_not_read_is_not_read(compiled: bool) -> None:
    request = bytes.fromhex("03 0000 007D")
    with Served({1: _device()}, compiled=compiled) as served:
        client = served.connect()
        client.setblocking(False)
        sent = 0
        (connection,) = served.connections()
        while not connection.waiting:
            chunk = b"".join(adu(request, transaction=place & 0xFFFF) for place in range(sent, sent + 600))
            assert client.send(chunk) == len(chunk)
            sent += 600
            served.turn()
        assert not is_ready(served.hub.connections)
        answers, end = b"", 10_000
        while len(answers) < 259 * sent and end:
            end -= 1
            if is_ready(served.hub.connections):
                served.hub.connections.doRead()
            if select.select([client], [], [], 0)[0]:
                answers += client.recv(1 << 20)
        client.setblocking(True)
        transactions = [int.from_bytes(answers[at : at + 2], "big") for at in range(0, len(answers), 259)]
        assert transactions == [place & 0xFFFF for place in range(sent)]
        assert not connection.waiting
        assert served.ask(client, adu(READ_3), 15) == _answer(7)


@BOTH
@pytest.mark.parametrize("after", [b"", adu(READ_3)[:9]], ids=["between", "within a request"])
def test_the_end_of_a_connection_is_told_with_its_reason(compiled: bool, after: bytes) -> None:
    told: list[type] = []

    class Told(ModbusServerProtocol):
        def connectionLost(self, reason: Any = None) -> None:
            told.append(reason.type)
            super().connectionLost(reason)

    factory = ModbusServerFactory({1: _device()})
    factory.protocol = Told
    with Served(factory=factory, compiled=compiled) as served:
        for reset in (False, True):
            client = served.connect()
            served.ask(client, adu(READ_3) * 2 + after, 30)
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            served.turn()
        assert told == [ConnectionDone, ConnectionLost]
        assert factory.connections == len(served.hub.connections) == 0


@BOTH
def test_requests_keep_a_connection_from_being_idle(compiled: bool) -> None:
    factory = ModbusServerFactory({1: _device()}, idle_timeout=8)
    with Served(factory=factory, compiled=compiled) as served:
        client = served.connect()
        for _ in range(20):
            served.clock.advance(1)
            assert served.ask(client, adu(READ_3), 15) == _answer(7)
        served.clock.pump([1] * 7)
        assert factory.connections == 1
        served.clock.pump([1] * 2)
        assert factory.connections == 0
        assert served.hub.idle_closed == 1


@BOTH
def test_a_paused_connection_answers_when_it_is_resumed(compiled: bool) -> None:
    with Served({1: _device()}, compiled=compiled) as served:
        client = served.connect()
        served.ask(client, adu(READ_3) + adu(READ_3)[:4], 15)
        (connection,) = served.connections()
        connection.pauseProducing()
        client.sendall(adu(READ_3)[4:])
        assert not is_ready(served.hub.connections, 0.05)
        connection.resumeProducing()
        served.turn()
        assert exactly(client, 15) == _answer(7)


@BOTH
def test_a_request_may_close_any_connection_of_the_turn(compiled: bool) -> None:
    """Function 0x41 aborts every connection but its own."""
    connections: list[Any] = []
    told: list[type] = []

    def abort_others(device: Device, pdu: bytes) -> bytes:
        for connection in connections[1:]:
            connection.abortConnection()
        return pdu

    class Told(ModbusServerProtocol):
        def connectionLost(self, reason: Any = None) -> None:
            told.append(reason.type)
            super().connectionLost(reason)

    functions = list(function_table())
    functions[0x41] = abort_others
    kind = DeviceKind(tuple(functions))
    factory = ModbusServerFactory({1: Device(kind, holding_registers=sequential_registers(0, [7] * 9))})
    factory.protocol = Told
    with Served(factory=factory, compiled=compiled) as served:
        clients = [served.connect() for _ in range(3)]
        for client in clients:
            served.ask(client, adu(READ_3), 15)
        connections.extend(served.connections())
        clients[0].sendall(adu(READ_3) + adu(b"\x41\x01"))
        for client in clients[1:]:
            client.sendall(adu(b"\x63\x01"))
        served.turn()
        assert exactly(clients[0], 15 + 9) == _answer(7) + adu(b"\x41\x01")
        assert told == [ConnectionAborted] * 2
        assert served.connections() == connections[:1]
        assert served.ask(clients[0], adu(READ_3), 15) == _answer(7)


def test_a_function_of_ones_own_is_called() -> None:
    def doubled(device: Device, pdu: bytes) -> bytes:
        return registers.read_holding_registers(device, pdu)[:-1] + b"\xee"

    functions = list(function_table())
    functions[3] = doubled
    device = Device(DeviceKind(tuple(functions)), holding_registers=sequential_registers(0, range(9)))
    with Served({1: device}) as served:
        client = served.connect()
        for _ in range(3):
            assert served.ask(client, adu(READ_3), 15)[-1:] == b"\xee"
        for _ in range(2):
            assert served.ask(client, adu(b"\x06\x00\x00\x12\x34"), 12) == adu(b"\x06\x00\x00\x12\x34")


def test_nothing_is_leaked_by_many_requests() -> None:
    plant = Plant()
    plain = b"".join(adu(READ_3, unit) for unit in (1, 2, 255)) * 150
    mixed = plain + adu(b"\x63") + adu(READ_3, 2)
    with Served(plant.devices) as served:
        client = served.connect()

        def rounds(count: int) -> tuple[int, int]:
            for _ in range(count):
                served.ask(client, plain, 15 * 450)
                served.ask(client, mixed[:-3], 15 * 450 + 9)
                served.ask(client, mixed[-3:], 15)
                other = served.connect()
                served.ask(other, adu(READ_3) + plain[:5], 15)
                other.close()
                served.turn()
            return sys.getrefcount(None), _resident()

        rounds(60)
        none, memory = rounds(0)
        later_none, later_memory = rounds(120)
        assert served.factory.requests > 100_000
        assert later_memory - memory < 1 << 20
        assert later_none - none < 100


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def test_pure_python_on_request() -> None:
    code = "from simulator.server.lanes import COMPILED; print(COMPILED)"
    for value, expected in (("1", "False"), ("", "True")):
        environment = {**os.environ, "MODSIM_PURE": value}
        ran = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        assert ran.stdout.strip() == expected
