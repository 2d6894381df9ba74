"""Forwarding: requests shared, answers in order, what a gateway says when the device does not."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from simulator.client.target import parse_url
from simulator.config.endpoint import parse_endpoint
from simulator.errors import ConnectionRefused, IllegalDataAddress, ProtocolError, TimedOut
from simulator.forwarding import MOST, ForwardingFactory, Upstream, listening_plan
from simulator.protocol.mbap import MbapFramer
from simulator.protocol.rtu import RtuFramer

READ = bytes.fromhex("03 00 00 00 01")
WRITE = bytes.fromhex("06 00 00 00 01")


class Target:
    """A client that answers when it is told to."""

    def __init__(self, url: str = "tcp://127.0.0.1:1") -> None:
        self.target = parse_url(url)
        self.asked: list[tuple[int, bytes, Deferred[bytes]]] = []

    def execute_pdu(self, pdu: bytes, *, unit: int) -> Deferred[bytes]:
        answer: Deferred[bytes] = Deferred()
        self.asked.append((unit, pdu, answer))
        return answer


class Connection:
    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)


def exchange(target: Target, framer=MbapFramer, unit=None):
    factory = ForwardingFactory(Upstream(target, unit), framer=framer)
    made = factory.exchange(framer())
    made.client = Connection()
    made.station = factory.station
    return made


def request(transaction: int, pdu: bytes, unit: int = 1) -> bytes:
    return MbapFramer().build(transaction, unit, pdu)


def test_answers_come_back_in_order_with_the_ids_of_their_requests():
    target = Target()
    client = exchange(target)
    assert client.respond(request(7, READ, 3) + request(8, WRITE, 4)) == b""
    target.asked[1][2].callback(WRITE)
    assert client.client.written == []
    target.asked[0][2].callback(b"\x03\x02\x12\x34")
    assert client.client.written == [request(7, b"\x03\x02\x12\x34", 3) + request(8, WRITE, 4)]


def test_the_same_read_is_sent_once_and_a_read_behind_a_write_is_not_shared():
    target = Target()
    one, two = exchange(target), exchange(target)
    two.factory.upstream = one.factory.upstream
    one.respond(request(1, READ))
    two.respond(request(2, READ))
    assert len(target.asked) == 1
    one.respond(request(3, WRITE))
    two.respond(request(4, READ))
    assert [pdu for _, pdu, _ in target.asked] == [READ, WRITE, READ]
    target.asked[0][2].callback(b"\x03\x02\x00\x00")
    target.asked[2][2].callback(b"\x03\x02\x00\x01")
    assert two.client.written == [request(2, b"\x03\x02\x00\x00"), request(4, b"\x03\x02\x00\x01")]
    assert one.factory.upstream.shared == 1


@pytest.mark.parametrize(
    ("reason", "pdu"),
    [
        (IllegalDataAddress("no"), "83 02"),
        (TimedOut("x", "silent"), "83 0b"),
        (ProtocolError("x", "garbage", "garbage"), "83 0b"),
        (ConnectionRefused("x", "refused"), "83 0a"),
    ],
)
def test_what_goes_wrong_is_answered_as_a_gateway_does(reason, pdu):
    target = Target()
    client = exchange(target)
    client.respond(request(1, READ))
    target.asked[0][2].errback(reason)
    assert client.client.written == [request(1, bytes.fromhex(pdu))]


def test_every_request_may_go_to_one_unit():
    target = Target()
    client = exchange(target, unit=17)
    client.respond(request(1, READ, 255))
    assert target.asked[0][0] == 17
    target.asked[0][2].callback(b"\x03\x02\x00\x05")
    assert client.client.written == [request(1, b"\x03\x02\x00\x05", 255)]


def test_a_flood_is_told_to_come_later():
    target = Target()
    client = exchange(target)
    client.respond(b"".join(request(n, WRITE[:3] + n.to_bytes(2, "big")) for n in range(MOST + 1)))
    assert len(target.asked) == MOST
    for _, pdu, answer in list(target.asked):
        answer.callback(pdu)
    assert b"".join(client.client.written).endswith(request(MOST, b"\x86\x06"))


def test_a_broadcast_over_a_line_is_answered_by_nobody():
    target = Target("rtu:/dev/null")
    client = exchange(target, RtuFramer)
    client.respond(RtuFramer().build(0, 0, WRITE))
    target.asked[0][2].callback(None)
    assert client.client.written == []
    client.respond(RtuFramer().build(0, 1, WRITE))
    target.asked[1][2].callback(WRITE)
    assert client.client.written == [RtuFramer().build(0, 1, WRITE)]


def test_reads_of_a_client_that_has_gone_are_taken_back_and_writes_are_not():
    target = Target()
    one, two = exchange(target), exchange(target)
    two.factory.upstream = one.factory.upstream
    one.respond(request(1, READ) + request(2, WRITE) + request(3, READ, 2))
    two.respond(request(1, READ, 2))
    one.gone()
    assert [answer.called for _, _, answer in target.asked] == [True, False, False]
    target.asked[1][2].callback(WRITE)
    target.asked[2][2].callback(b"\x03\x02\x00\x09")
    assert one.client.written == []
    assert two.client.written == [request(1, b"\x03\x02\x00\x09", 2)]


@pytest.mark.parametrize(
    ("source", "fact"),
    [
        ("tcp://127.0.0.1:1-2", "expected one address and one port"),
        ("tls://127.0.0.1:802", "expected one without TLS"),
    ],
)
def test_sources_that_are_none(source, fact):
    with pytest.raises(ValueError) as caught:
        listening_plan(parse_endpoint(source))
    assert fact in str(caught.value)
