"""RTU over connections, and datagrams of MBAP and RTU: compiled code answers as Python does, and counts alike.

What is answered where is tested with MBAP over connections.  Here it is where frames begin and end, what is
left to Python and taken back, and what all devices of a line hear.
"""

from __future__ import annotations

import resource
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.testing import MemoryReactorClock

from simulator.blocks.memory import sequential_registers
from simulator.device import Device, DeviceKind
from simulator.functions.table import function_table
from simulator.protocol import messages
from simulator.protocol.checksums import with_crc
from simulator.protocol.contract import Fixed
from simulator.protocol.mbap import MbapFramer
from simulator.protocol.registers import ReadHoldingRegistersRequest, ReadHoldingRegistersResponse
from simulator.protocol.rtu import RtuFramer
from simulator.server.datagram import DatagramPort
from simulator.server.factory import ModbusServerFactory
from simulator.server.hub import Hub

sys.path.insert(0, str(Path(__file__).parent))

from lanes_support import READ_3, Plant, Served, adu, cut, is_ready, pdus, rest, units, wait, words

pytest.importorskip("simulator.server._turn", reason="the compiled turn could not be built here")

BOTH = pytest.mark.parametrize("compiled", [False, True], ids=["pure", "compiled"])
KNOWN = (1, 2, 255, 7, 9)  # units, asked once, after which compiled code answers for those it may
SHORT = bytes.fromhex("04 0000 0001")


def rtu(pdu: bytes, unit: int = 1) -> bytes:
    return with_crc(bytes((unit,)) + pdu)


rare = st.sampled_from(  # counters of a line, its event log, listen-only mode and the end of it
    [
        bytes.fromhex(text)
        for text in (
            *("08 000B 0000", "08 000C 0000", "08 000E 0000", "08 000F 0000", "08 000A 0000"),
            *("08 0004 0000", "08 0001 0000", "0B", "0C", "07", "11", "63 01 02"),
        )
    ]
)
frames = st.builds(rtu, st.one_of(pdus, pdus, rare), units)
spoilt = st.builds(
    lambda frame, at: frame[: at % len(frame)] + b"\x55" + frame[at % len(frame) + 1 :], frames, words
)
parts = st.one_of(frames, frames, frames, frames, spoilt, st.binary(min_size=1, max_size=12))
line_streams = st.builds(b"".join, st.lists(parts, min_size=1, max_size=25))


def _left_behind(plant: Plant, factory: ModbusServerFactory) -> list[object]:
    """What requests changed, and what devices counted."""
    states = [device.state for device in plant.devices.values()]
    counted = [
        (
            state.messages,
            state.bus_messages,
            state.events,
            state.exceptions,
            state.no_responses,
            state.bus_errors,
            state.log(),
        )
        for state in states
    ]
    counts = [factory.requests, factory.exceptions, factory.lost_streams, factory.line_errors]
    return [plant.state(), counted, counts]


def _line_conversation(chunks: Sequence[bytes | None], policy: str, compiled: bool) -> list[object]:
    """What a client got, and what it left behind; None is a pause."""
    plant = Plant()
    factory = ModbusServerFactory(plant.devices, framer=RtuFramer, unknown_unit=policy)
    with Served(factory=factory, compiled=compiled) as served:
        client = served.connect()
        for chunk in [*(rtu(SHORT, unit) for unit in KNOWN), *chunks]:
            if not served.connections():
                break
            if chunk is None:
                served.clock.advance(0.2)
                continue
            try:
                client.sendall(chunk)
            except (BrokenPipeError, ConnectionResetError):
                break
            served.turn()
        if served.connections():
            client.shutdown(socket.SHUT_WR)
            served.turn()
        return [rest(client), *_left_behind(plant, factory), len(served.hub.connections)]


@given(
    stream=line_streams,
    places=st.lists(st.integers(0, 3000), max_size=8),
    pauses=st.sets(st.integers(0, 8)),
    policy=st.sampled_from(["ignore", "gateway_target_failed"]),
)
@settings(max_examples=400, deadline=None)
def test_any_rtu_stream_in_any_pieces_is_answered_alike(
    stream: bytes, places: list[int], pauses: set[int], policy: str
) -> None:
    chunks: list[bytes | None] = []
    for number, chunk in enumerate(cut(stream, places)):
        chunks += [chunk, None] if number in pauses else [chunk]
    compiled, pure = (_line_conversation(chunks, policy, choice) for choice in (True, False))
    assert compiled == pure


@pytest.mark.parametrize("size", [1, 3, 7, 8, 9, 4096])
def test_rtu_frames_in_pieces_of_one_size(size: int) -> None:
    units = [1, 2, 9, 1, 3, 1, 0, 255, 7, 1] * 30
    stream = b"".join(rtu(READ_3, unit) for unit in units)
    chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
    compiled, pure = (_line_conversation(chunks, "ignore", choice) for choice in (True, False))
    assert compiled == pure


def test_a_thousand_rtu_requests_at_once_are_answered_in_order() -> None:
    """The longest answers to the shortest requests."""
    with Served(factory=_factory(RtuFramer)) as served:
        client = served.connect()
        served.ask(client, rtu(READ_3), 11)
        client.settimeout(0)
        request, answer = rtu(bytes.fromhex("03 0000 007D")), 255
        client.sendall(request * 1024)
        got = b""
        while len(got) < answer * 1024:
            if is_ready(served.hub.connections, 0.01):
                served.hub.connections.doRead()
            try:
                got += client.recv(1 << 20)
            except BlockingIOError:
                continue
        assert got == rtu(b"\x03\xfa" + b"\x00\x07" * 125) * 1024
        assert served.factory.requests == 1025


@BOTH
@pytest.mark.parametrize("between", ["55", "01 03 0000 0001 FFFF", "41 FF", "01 63 01", "01 03 0000"])
def test_rtu_goes_on_after_what_is_no_frame(between: str, compiled: bool) -> None:
    """One good frame behind the noise, and compiled code has it again."""
    device = _device()
    factory = ModbusServerFactory({1: device}, framer=RtuFramer)
    with Served(factory=factory, compiled=compiled) as served:
        client = served.connect()
        expected = rtu(b"\x03\x06" + b"\x00\x07" * 3)
        assert served.ask(client, rtu(READ_3), 11) == expected
        client.sendall(bytes.fromhex(between))
        served.turn()
        served.clock.advance(0.2)
        assert served.ask(client, rtu(READ_3), 11) == expected
        by_python = factory.served
        for _ in range(3):
            assert served.ask(client, rtu(READ_3), 11) == expected
        assert factory.served - by_python == (0 if compiled else 3)
        assert factory.line_errors == 1
        assert list(device.kind.requests) == [5]
        assert device.state.bus_messages == 5


@BOTH
def test_a_broadcast_is_carried_out_by_all_between_plain_requests(compiled: bool) -> None:
    first, second = _device(), _device()
    with Served(
        factory=ModbusServerFactory({1: first, 2: second}, framer=RtuFramer), compiled=compiled
    ) as served:
        client = served.connect()
        for value in (1, 2):
            client.sendall(rtu(bytes.fromhex("06 0000") + value.to_bytes(2, "big"), 0))
            served.turn()
            for unit in (1, 2, 1):
                expected = rtu(b"\x03\x02" + value.to_bytes(2, "big"), unit)
                assert served.ask(client, rtu(bytes.fromhex("03 0000 0001"), unit), 7) == expected
        assert [device.state.messages for device in (first, second)] == [6, 4]
        assert [device.state.bus_messages for device in (first, second)] == [8, 8]
        assert [device.state.no_responses for device in (first, second)] == [2, 2]


@BOTH
def test_a_message_of_ones_own_decides_about_its_length(compiled: bool, monkeypatch: Any) -> None:
    """A plugin's function 03 has two bytes more; its behaviour is the stock one, which refuses them."""

    class Longer(ReadHoldingRegistersRequest):
        length = Fixed(7)

    known = dict(messages.REQUESTS)
    monkeypatch.setattr(messages, "_requests", known)
    monkeypatch.setattr("simulator.server.lanes.REQUESTS", known)
    messages.register(Longer, ReadHoldingRegistersResponse, replace=True)
    with Served(factory=_factory(RtuFramer), compiled=compiled) as served:
        client = served.connect()
        for _ in range(3):
            assert served.ask(client, rtu(READ_3 + b"\x00\x00"), 5) == rtu(b"\x83\x03")
            client.sendall(rtu(READ_3))
            served.turn()
            served.clock.advance(0.2)
        assert served.factory.requests == 3


@BOTH
def test_each_address_behind_a_wildcard_is_a_line_of_its_own(compiled: bool) -> None:
    stations = {f"127.0.0.{place}": {1: _device(place)} for place in (1, 2)}
    factory = ModbusServerFactory(route=stations.get, framer=RtuFramer)
    with Served(factory=factory, compiled=compiled, host="0.0.0.0") as served:
        for place in (1, 2):
            clients = [served.connect(f"127.0.0.{place}") for _ in range(2)]
            for client in clients * place * 2:
                expected = rtu(b"\x03\x06" + place.to_bytes(2, "big") * 3)
                assert served.ask(client, rtu(READ_3), 11) == expected
        heard = [station[1].state.bus_messages for station in stations.values()]
        assert heard == [4, 8]


class Posted:
    """A datagram socket of a hub without a reactor, and clients of it."""

    def __init__(self, factory: ModbusServerFactory, *, compiled: bool, host: str = "127.0.0.1") -> None:
        self.factory = factory
        self.hub = Hub(MemoryReactorClock(), compiled=compiled)
        self.port = DatagramPort(self.hub, "udp", host, 0, factory)
        self.port.startListening()
        self.clients: list[socket.socket] = []

    def __enter__(self) -> Posted:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self.clients:
            client.close()
        self.hub.close()

    def connect(self, host: str = "127.0.0.1") -> socket.socket:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        client = socket.socket(family, socket.SOCK_DGRAM)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        client.connect((host, self.port.getHost().port))
        client.setblocking(False)
        self.clients.append(client)
        return client

    def turn(self) -> None:
        wait(self.hub.others)
        while is_ready(self.hub.others):
            self.hub.others.doRead()

    def ask(self, client: socket.socket, *requests: bytes) -> list[bytes]:
        """Send datagrams, serve them, and return all that came back."""
        for request in requests:
            client.send(request)
        self.turn()
        return received(client)


def received(client: socket.socket) -> list[bytes]:
    """All datagrams that wait."""
    got = []
    while True:
        try:
            got.append(client.recv(65536))
        except BlockingIOError:
            return got


def _device(value: int = 7) -> Device:
    return Device(DeviceKind(function_table()), holding_registers=sequential_registers(0, [value] * 130))


def _factory(framer: Any) -> ModbusServerFactory:
    return ModbusServerFactory({1: _device()}, framer=framer)


def _post(
    framer: Any, batches: Sequence[Sequence[bytes]], policy: str, compiled: bool, where: str = "one address"
) -> list[object]:
    """What clients in turn got for their datagrams, and what they left behind."""
    plant = Plant()
    options: dict[str, Any] = {"framer": framer, "unknown_unit": policy}
    if where == "planned addresses":
        factory = ModbusServerFactory(route={"127.0.0.1": plant.devices}.get, **options)
    else:
        factory = ModbusServerFactory(plant.devices, **options)
    build = framer().build
    host = "127.0.0.1" if where == "one address" else "0.0.0.0"
    with Posted(factory, compiled=compiled, host=host) as posted:
        clients = [posted.connect(), posted.connect("127.0.0.1" if where == "one address" else "127.0.0.5")]
        got = [posted.ask(clients[0], *(build(9, unit, SHORT) for unit in KNOWN))]
        got += [posted.ask(clients[number % 2], *batch) for number, batch in enumerate(batches)]
        return [got, *_left_behind(plant, factory), posted.port.lost, factory.refused]


mbap_datagrams = st.one_of(
    st.builds(adu, pdus, units, words),
    st.builds(b"".join, st.lists(st.builds(adu, pdus, units, words), max_size=6)),
    st.builds(lambda one, more: one + more, st.builds(adu, pdus, units, words), st.binary(max_size=12)),
    st.builds(lambda one, least: one[:least], st.builds(adu, pdus, units, words), st.integers(0, 300)),
    st.binary(max_size=40),
)
rtu_datagrams = st.one_of(
    frames,
    frames,
    st.builds(b"".join, st.lists(frames, max_size=6)),
    spoilt,
    st.builds(lambda body: with_crc(body), st.binary(min_size=1, max_size=20)),
    st.builds(lambda pdu, unit, more: rtu(pdu + more, unit), pdus, units, st.binary(max_size=4)),
    st.binary(max_size=40),
)


@pytest.mark.parametrize(
    ("framer", "datagrams"), [(MbapFramer, mbap_datagrams), (RtuFramer, rtu_datagrams)], ids=["mbap", "rtu"]
)
@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_any_datagrams_are_answered_alike(framer: Any, datagrams: Any, data: st.DataObject) -> None:
    batches = data.draw(st.lists(st.lists(datagrams, min_size=1, max_size=20), min_size=1, max_size=6))
    policy = data.draw(st.sampled_from(["ignore", "gateway_target_failed"]))
    where = data.draw(st.sampled_from(["one address", "all addresses", "planned addresses"]))
    compiled, pure = (_post(framer, batches, policy, choice, where) for choice in (True, False))
    assert compiled == pure


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("build", [adu, rtu], ids=["mbap", "rtu"])
def test_each_datagram_is_answered_where_it_came_from(build: Any, host: str) -> None:
    factory = _factory(RtuFramer if build is rtu else MbapFramer)
    with Posted(factory, compiled=True, host=host) as posted:
        clients = [posted.connect(host) for _ in range(5)]
        plain, odd = build(READ_3), build(b"\x63\x00")
        answer, refusal = build(b"\x03\x06" + b"\x00\x07" * 3), build(b"\xe3\x01")
        assert posted.ask(clients[0], plain) == [answer]
        for _ in range(2):
            for number, client in enumerate(clients):
                for request in [odd] * (number == 3) + [plain] * 20:
                    client.send(request)
            posted.turn()
            for number, client in enumerate(clients):
                assert received(client) == [refusal] * (number == 3) + [answer] * 20
        assert factory.requests == 203
        assert factory.served <= 1 + 2 * 21, "the first, and those of one client behind what was not plain"


@pytest.mark.parametrize("build", [adu, rtu], ids=["mbap", "rtu"])
def test_each_local_address_has_its_own_devices(build: Any) -> None:
    stations = {f"127.0.0.{place}": {1: _device(place)} for place in (1, 2, 3)}
    factory = ModbusServerFactory(route=stations.get, framer=RtuFramer if build is rtu else MbapFramer)
    with Posted(factory, compiled=True, host="0.0.0.0") as posted:
        clients = {place: posted.connect(f"127.0.0.{place}") for place in (1, 2, 3, 9)}
        for _ in range(3):
            for client in clients.values():
                client.send(build(READ_3))
            posted.turn()
            for place, client in clients.items():
                answer = build(b"\x03\x06" + place.to_bytes(2, "big") * 3)
                assert received(client) == ([] if place == 9 else [answer])
        assert (factory.requests, factory.served, factory.refused) == (9, 3, 3)
        assert [station[1].state.messages for station in stations.values()] == [3, 3, 3]


@pytest.mark.parametrize("host", ["127.0.0.7", "::1"])
def test_an_answer_leaves_from_the_address_that_was_asked(host: str) -> None:
    with Posted(_factory(MbapFramer), compiled=True, host="::" if ":" in host else "0.0.0.0") as posted:
        client = posted.connect(host)  # takes nothing that comes from elsewhere
        for _ in range(3):
            assert posted.ask(client, adu(READ_3)) == [adu(b"\x03\x06" + b"\x00\x07" * 3)]
        assert (posted.factory.requests, posted.factory.served) == (3, 1)


@BOTH
def test_many_local_addresses_are_looked_up_again(compiled: bool, monkeypatch: Any) -> None:
    monkeypatch.setattr("simulator.server.datagram.MOST_PLACES", 2)
    factory = ModbusServerFactory(route={f"127.0.0.{place}": {1: _device()} for place in range(1, 6)}.get)
    with Posted(factory, compiled=compiled, host="0.0.0.0") as posted:
        clients = [posted.connect(f"127.0.0.{place}") for place in range(1, 6)]
        for _ in range(3):
            for client in clients:
                assert len(posted.ask(client, adu(READ_3), adu(READ_3))) == 2
        assert factory.requests == 30


def test_a_client_with_a_changed_plant_is_asked_about_again() -> None:
    station = {1: _device(1)}
    with Posted(ModbusServerFactory(station), compiled=True) as posted:
        client = posted.connect()
        for value in (1, 2):
            station[1] = _device(value)
            posted.port._exchange.forget()
            for _ in range(2):
                assert posted.ask(client, adu(READ_3))[0][-1] == value


def test_the_longest_answers_to_a_datagram_leave_together() -> None:
    request = adu(bytes.fromhex("03 0000 007D"))
    answer = adu(b"\x03\xfa" + b"\x00\x07" * 125)
    with Posted(_factory(MbapFramer), compiled=True) as posted:
        client = posted.connect()
        posted.ask(client, adu(READ_3))
        assert posted.ask(client, *[request * 125] * 10) == [answer * 125] * 10
        assert posted.factory.served == 1


def test_what_is_longer_than_a_datagram_may_be_is_cut_off_alike() -> None:
    long = adu(READ_3) * 200
    got = [_post(MbapFramer, [[long, adu(READ_3)]], "ignore", compiled) for compiled in (True, False)]
    assert got[0] == got[1]


def test_answers_that_the_kernel_does_not_take_are_lost_and_counted() -> None:
    """A client without a port left: port 0 cannot be sent to."""
    with Posted(_factory(MbapFramer), compiled=True) as posted:
        client = posted.connect()
        posted.ask(client, adu(READ_3))
        try:
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
        except PermissionError:
            pytest.skip("raw sockets are for root")
        with raw:
            body = adu(READ_3)
            port = posted.port.getHost().port
            head = (0).to_bytes(2, "big") + port.to_bytes(2, "big") + (8 + len(body)).to_bytes(2, "big")
            raw.sendto(head + b"\x00\x00" + body, ("127.0.0.1", 0))
        posted.turn()
        assert posted.port.lost == 1
        assert len(posted.ask(client, adu(READ_3), adu(READ_3))) == 2


def test_no_memory_is_lost_to_datagrams_and_frames() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    with Posted(_factory(RtuFramer), compiled=True) as posted, Served(factory=_factory(RtuFramer)) as served:
        client, stream = posted.connect(), served.connect()

        def rounds(count: int) -> int:
            for _ in range(count):
                posted.ask(client, *[rtu(READ_3)] * 40, rtu(b"\x63\x00"), *[rtu(READ_3)] * 10)
                served.ask(stream, rtu(READ_3) * 40 + rtu(b"\x63\x00") + rtu(READ_3)[:4], 11 * 40 + 5)
                served.ask(stream, rtu(READ_3)[4:], 11)
            return resident()

        before = rounds(200)
        assert rounds(800) - before < 1 << 20
