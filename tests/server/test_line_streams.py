"""The framings of serial lines over TCP: lengths from the bytes, noise skipped, beginnings given up."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus import FramerType
from pymodbus.client import ModbusTcpClient
from twisted.internet.testing import MemoryReactorClock, StringTransport

from simulator.blocks.memory import sequential_registers
from simulator.device import Device, DeviceKind
from simulator.functions.standard import function_table
from simulator.protocol.ascii import AsciiFramer
from simulator.protocol.binary import BinaryFramer
from simulator.protocol.checksums import with_crc
from simulator.protocol.rtu import RtuFramer
from simulator.protocol.stream import NOISE_LIMIT
from simulator.server.factory import ModbusServerFactory

FRAMERS: dict[str, Any] = {"rtu": RtuFramer, "ascii": AsciiFramer, "binary": BinaryFramer}
READ = bytes.fromhex("03 0000 0001")
PLANT = """
name: streams
devices:
  - {name: "rtu-{n}", profile: box, endpoint: "rtu+tcp://127.0.0.1:0", unit_id: "1-3"}
  - {name: "ascii-{n}", profile: box, endpoint: "ascii+tcp://127.0.0.1:0", unit_id: "1-3"}
  - {name: "binary-{n}", profile: box, endpoint: "binary+tcp://127.0.0.1:0", unit_id: "1-3"}
  - {name: "virtual-{n}", profile: box, endpoint: "rtu+tcp://127.0.78.1-127.0.78.9:0", unit_id: 1-2}
  - {name: six, profile: box, endpoint: "rtu+tcp://[::1]:0"}
"""
LISTENERS = ["rtu", "ascii", "binary", "virtual", "six"]


@pytest.fixture(scope="module")
def plant(serve_for_all: Any) -> Any:
    return serve_for_all(PLANT)


@pytest.fixture
def client(plant: Any) -> Any:
    yield lambda listener, host="127.0.0.1": plant.client(LISTENERS.index(listener), host)
    plant.hang_up()


@pytest.mark.parametrize("name", FRAMERS)
def test_requests_are_answered_in_order_whole_and_byte_by_byte(client: Any, name: str) -> None:
    build = FRAMERS[name]().build
    one = client(name)
    requests = b"".join(build(0, unit, READ) for unit in (1, 3, 2, 9, 1))  # there is no unit 9
    expected = b"".join(build(0, unit, bytes((3, 2, 0, unit))) for unit in (1, 3, 2, 1))
    one.send(requests)
    assert one.receive(len(expected)) == expected
    for byte in requests:
        one.send(bytes((byte,)))
    assert one.receive(len(expected)) == expected


@pytest.mark.parametrize("name", FRAMERS)
def test_noise_between_requests_is_skipped(client: Any, name: str) -> None:
    build = FRAMERS[name]().build
    one = client(name)
    request, expected = build(0, 1, READ), build(0, 1, bytes.fromhex("03 02 0001"))
    for noise in (b"\x00\x01\x02", request[:-3] + b"\x00\x00\x00", b"\xff" * 50):
        one.send(noise)
        time.sleep(0.01)
        one.send(request * 2)
        assert one.receive(2 * len(expected))[-len(expected) :] == expected


@pytest.mark.parametrize("name", FRAMERS)
def test_a_stream_of_noise_ends_its_connection_and_no_other(client: Any, name: str) -> None:
    build = FRAMERS[name]().build
    other, one = client(name), client(name)
    one.send(b"\xa5" * (NOISE_LIMIT + 600))
    assert one.rest() == b""
    other.send(build(0, 2, READ))
    expected = build(0, 2, bytes.fromhex("03 02 0002"))
    assert other.receive(len(expected)) == expected


def test_a_broadcast_is_executed_by_all_and_answered_by_none(client: Any) -> None:
    one = client("rtu")
    one.send(with_crc(bytes.fromhex("00 06 0020 1234")))
    for unit in (1, 2, 3):
        one.send(with_crc(bytes((unit,)) + bytes.fromhex("03 0020 0001")))
        assert one.receive(7) == with_crc(bytes((unit,)) + bytes.fromhex("03 02 1234"))


def test_each_virtual_address_is_a_line_of_its_own(client: Any) -> None:
    first, second = client("virtual", "127.0.78.1"), client("virtual", "127.0.78.5")
    first.send(with_crc(bytes.fromhex("00 06 0020 1234")))
    for one, value in ((first, "1234"), (second, "0000")):
        one.send(with_crc(bytes.fromhex("02 03 0020 0001")))
        assert one.receive(7) == with_crc(bytes.fromhex("02 03 02" + value))
    for _ in range(2):
        again = client("virtual", "127.0.78.1")
        again.send(with_crc(bytes.fromhex("01 08 000B 0000")))
        count = again.receive(8)
    assert count == with_crc(bytes.fromhex("01 08 000B 0004"))


def test_over_ipv6(client: Any) -> None:
    one = client("six", "::1")
    one.send(with_crc(b"\x01" + READ))
    assert one.receive(7) == with_crc(bytes.fromhex("01 03 02 0001"))


@pytest.mark.parametrize(("name", "framer"), [("rtu", FramerType.RTU), ("ascii", FramerType.ASCII)])
def test_pymodbus(plant: Any, name: str, framer: Any) -> None:
    port = plant.ports[LISTENERS.index(name)]
    with ModbusTcpClient("127.0.0.1", port=port, framer=framer, timeout=30, retries=0) as one:
        one.write_registers(50, list(range(100)), device_id=2)
        assert one.read_holding_registers(50, count=100, device_id=2).registers == list(range(100))
        assert one.read_holding_registers(9000, device_id=2).exception_code == 2


class Conversation:
    """A connection without a socket, and a clock by hand."""

    def __init__(self, framer: Any) -> None:
        self.clock = MemoryReactorClock()
        kind = DeviceKind(function_table())
        self.device = Device(kind, holding_registers=sequential_registers(0, [7] * 10))
        self.factory = ModbusServerFactory({1: self.device}, framer=framer)
        self.factory.clock = self.clock
        self.transport = StringTransport()
        self.protocol = self.factory.buildProtocol(None)
        self.protocol.makeConnection(self.transport)

    def receive(self) -> bytes:
        sent = self.transport.value()
        self.transport.clear()
        return sent


@pytest.mark.parametrize("name", FRAMERS)
def test_a_beginning_is_given_up_after_a_pause(name: str) -> None:
    framer = FRAMERS[name]
    conversation = Conversation(framer)
    request = framer().build(0, 1, READ)
    conversation.protocol.dataReceived(request[:5])
    conversation.clock.advance(0.9 * framer.idle_s)
    conversation.protocol.dataReceived(request[5:])
    assert conversation.receive() == framer().build(0, 1, bytes.fromhex("03 02 0007"))
    conversation.protocol.dataReceived(request[:5])
    conversation.clock.advance(0.6 * framer.idle_s)
    conversation.protocol.dataReceived(request[5:6])
    conversation.clock.pump([0.1 * framer.idle_s] * 12)
    conversation.protocol.dataReceived(request)
    assert conversation.receive() == framer().build(0, 1, bytes.fromhex("03 02 0007"))
    assert conversation.device.state.bus_errors >= 1
    assert conversation.factory.line_errors >= 1


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_however_a_stream_is_cut_its_answers_are_the_same(data: st.DataObject) -> None:
    framer = FRAMERS[data.draw(st.sampled_from(sorted(FRAMERS)))]
    build = framer().build
    pdus = st.sampled_from([READ, bytes.fromhex("06 0001 1234"), bytes.fromhex("10 0002 0001 02 ABCD"),
                            bytes.fromhex("08 0000 7B7D"), bytes.fromhex("2B 0E 01 00"), b"\x63"])  # fmt: skip
    units = st.sampled_from([1, 1, 1, 0, 9])
    stream = b"".join(
        build(0, data.draw(units), data.draw(pdus)) for _ in range(data.draw(st.integers(1, 6)))
    )
    whole, cut = Conversation(framer), Conversation(framer)
    whole.protocol.dataReceived(stream)
    edges = sorted(data.draw(st.sets(st.integers(1, len(stream) - 1), max_size=8)))
    for start, stop in pairwise([0, *edges, len(stream)]):
        cut.protocol.dataReceived(stream[start:stop])
    assert cut.receive() == whole.receive()
    assert cut.device.holding_registers.read(0, 10) == whole.device.holding_registers.read(0, 10)


def test_a_request_behind_a_length_that_lies_is_found_after_the_pause() -> None:
    conversation = Conversation(RtuFramer)
    conversation.protocol.dataReceived(bytes.fromhex("01 10 0000 007B F6") + with_crc(b"\x01" + READ))
    assert conversation.receive() == b""
    conversation.clock.advance(RtuFramer.idle_s + 0.01)
    assert conversation.receive() == with_crc(bytes.fromhex("01 03 02 0007"))


def test_a_factory_without_the_hub_waits_by_the_reactor() -> None:
    from twisted.internet import reactor

    factory = ModbusServerFactory({}, framer=RtuFramer)
    factory.doStart()
    assert factory.clock is reactor
    factory.doStop()


def test_a_connection_that_ends_leaves_no_timer() -> None:
    conversation = Conversation(RtuFramer)
    conversation.protocol.dataReceived(with_crc(b"\x01" + READ)[:4])
    assert conversation.clock.getDelayedCalls() != []
    conversation.protocol.connectionLost()
    assert conversation.clock.getDelayedCalls() == []
