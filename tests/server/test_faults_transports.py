"""Faults over every transport: lines with checksums, datagrams, TLS, a pseudo-terminal; quirks and gateways."""

from __future__ import annotations

import os
import select
import sys
import tty
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from faulty_support import READ, Yard, adu, answer, with_rule

from simulator.protocol.ascii import AsciiFramer
from simulator.protocol.binary import BinaryFramer
from simulator.protocol.messages import response_length
from simulator.protocol.rtu import RtuFramer

ANSWER = bytes.fromhex("03 04 1111 2222")
REQUEST = bytes.fromhex(READ)
FRAMERS = {"rtu": RtuFramer, "ascii": AsciiFramer, "binary": BinaryFramer}


@pytest.fixture(params=["compiled", "pure"])
def make(request):
    made: list[Yard] = []

    def make(text: str) -> Yard:
        made.append(Yard(text, compiled=request.param == "compiled"))
        return made[-1]

    yield make
    for yard in made:
        yard.stop()


def devices(endpoint: str, more: str = "") -> str:
    return f'devices: [{{name: "unit-{{n}}", profile: box, endpoint: "{endpoint}", unit_id: 1-3{more}}}]\n'


@pytest.mark.parametrize("framing", FRAMERS)
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_checksum_is_wrong_and_everything_else_right(make, framing, transport):
    yard = make(
        with_rule("{corrupt_checksum: true}", "{unit_id: 2}", devices(f"{framing}+{transport}://127.0.0.1:0"))
    )
    client = yard.connect()
    framer = FRAMERS[framing]()
    got = {}
    for unit in (1, 2):
        client.sendall(framer.build(0, unit, REQUEST))
        yard.turn()
        got[unit] = yard.take(client)
    right = framer.build(0, 2, ANSWER)
    assert got[1] == framer.build(0, 1, ANSWER)
    assert len(got[2]) == len(right) and got[2] != right
    reader = RtuFramer(response_length) if framing == "rtu" else FRAMERS[framing]()
    assert reader.receive(got[2]) + reader.idle() == []
    assert reader.receive(right)[0].pdu == ANSWER


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ("{wrong_unit_id: true}", lambda build: build(0, 2, ANSWER)),
        ("{truncate: 3}", lambda build: build(0, 1, ANSWER)[:3]),
        ("{drop: true}", lambda build: b""),
        ("{exception: 6}", lambda build: build(0, 1, b"\x83\x06")),
        ("{close: true}", lambda build: None),
        ("{wrong_function: true}", lambda build: build(0, 1, b"\x04" + ANSWER[1:])),
    ],
)
def test_an_rtu_stream(make, then, expected):
    yard = make(with_rule(then, "{}", devices("rtu+tcp://127.0.0.1:0")))
    client = yard.connect()
    build = RtuFramer().build
    client.sendall(build(0, 1, REQUEST))
    yard.turn()
    assert yard.take(client) == expected(build)
    yard.plant.faults.disable("bad")
    client = yard.connect()
    client.sendall(build(0, 1, REQUEST))
    yard.turn()
    assert yard.take(client) == build(0, 1, ANSWER)


def test_everybody_of_a_line_hears_a_broadcast_whatever_the_rules(make):
    yard = make(with_rule("{exception: 4}", "{function: 6}", devices("rtu+tcp://127.0.0.1:0")))
    client = yard.connect()
    build = RtuFramer().build
    client.sendall(build(0, 0, bytes.fromhex("06 0000 BEEF")) + build(0, 3, REQUEST))
    yard.turn()
    assert yard.take(client) == build(0, 3, bytes.fromhex("03 04 BEEF 2222"))


class TestDatagrams:
    @pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
    def test_a_late_answer_goes_back_to_its_client(self, make, host):
        yard = make(with_rule("{delay: 1s}", "{unit_id: 2}", devices(f"udp://{host}:0")))
        one, other = yard.connect(), yard.connect()
        assert yard.ask(one, unit=2) == b""
        assert yard.ask(other, unit=2, transaction=9) == b""
        assert yard.ask(one) == answer()
        yard.wait(1.01)
        assert yard.take(one) == answer(unit=2)
        assert yard.take(other) == answer(unit=2, transaction=9)

    def test_a_copy_is_a_datagram_of_its_own(self, make):
        yard = make(with_rule("{duplicate: true}", "{}", devices("udp://127.0.0.1:0")))
        client = yard.connect()
        client.sendall(adu(READ))
        yard.turn()
        assert [client.recv(1000), client.recv(1000)] == [answer(), answer()]

    def test_what_cannot_be_on_datagrams_does_nothing_there(self, make):
        text = devices("udp://127.0.0.1:0").replace("devices: [", "devices:\n  - ").replace("]\n", "\n")
        text += '  - {name: stream, profile: box, endpoint: "tcp://127.0.0.1:0"}\n'
        yard = make(with_rule("{close: after_answer, slow_bytes: 1s, hang: true}", "{}", text))
        client = yard.connect()
        assert yard.ask(client) == answer()
        assert yard.ask(client) == answer()

    def test_clients_are_told_apart(self, make):
        yard = make(with_rule("{drop: true}", "{client: 127.0.0.2}", devices("udp://127.0.0.1:0")))
        assert yard.ask(yard.connect()) == answer()


class TestLine:
    """A pseudo-terminal; its clock is the hand's as well."""

    def line(self, make, then: str, scheme: str = "ascii", when: str = "{}") -> tuple[Yard, int]:
        yard = make(with_rule(then, when, devices(f"{scheme}:pty")))
        path = yard.plant.endpoints[0].partition(":")[2].partition("?")[0]
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(fd)
        return yard, fd

    def ask(self, yard: Yard, fd: int, data: bytes) -> bytes:
        os.write(fd, data)
        yard.turn()
        yard.wait(0.01)
        return self.take(fd)

    def take(self, fd: int) -> bytes:
        got = b""
        while select.select([fd], [], [], 0.02)[0]:
            got += os.read(fd, 1000)
        return got

    @pytest.mark.parametrize("scheme", ["rtu", "ascii", "binary"])
    @pytest.mark.parametrize(
        "then", ["{corrupt_checksum: true}", "{truncate: 4}", "{wrong_unit_id: 3}", "{drop: true}"]
    )
    def test_kinds_on_a_line(self, make, scheme, then):
        yard, fd = self.line(make, then, scheme, "{unit_id: 2}")
        build = FRAMERS[scheme]().build
        assert self.ask(yard, fd, build(0, 1, REQUEST)) == build(0, 1, ANSWER)
        got = self.ask(yard, fd, build(0, 2, REQUEST))
        right = build(0, 2, ANSWER)
        if "drop" in then:
            assert got == b""
        elif "truncate" in then:
            assert got == right[:4]
        elif "unit" in then:
            assert got == build(0, 3, ANSWER)
        else:
            assert len(got) == len(right) and got != right
        yard.plant.faults.disable("bad")
        assert self.ask(yard, fd, build(0, 2, REQUEST)) == right
        os.close(fd)

    def test_a_late_answer(self, make):
        yard, fd = self.line(make, "{delay: 1s}", when="{unit_id: 2}")
        build = AsciiFramer().build
        assert self.ask(yard, fd, build(0, 2, REQUEST)) == b""
        assert self.ask(yard, fd, build(0, 1, REQUEST)) == build(0, 1, ANSWER)
        yard.wait(1.0)
        assert self.take(fd) == build(0, 2, ANSWER)
        os.close(fd)

    def test_slow_bytes(self, make):
        yard, fd = self.line(make, "{slow_bytes: 100ms}")
        right = AsciiFramer().build(0, 1, ANSWER)
        got = [self.ask(yard, fd, AsciiFramer().build(0, 1, REQUEST))]
        for _ in right[1:]:
            yard.wait(0.1001)
            got.append(self.take(fd))
        assert got == [bytes((byte,)) for byte in right]
        os.close(fd)


class TestQuirks:
    def test_a_delay_comes_on_top_of_that_of_the_device(self, make):
        yard = make(
            with_rule("{delay: 1s}", "{}", devices("tcp://127.0.0.1:0", ", quirks: {min_reply_delay: 500ms}"))
        )
        client = yard.connect()
        assert yard.ask(client) == b""
        yard.wait(1.01)
        yard.wait(0.45)
        assert yard.take(client) == b""
        yard.wait(0.06)
        assert yard.take(client) == answer()

    def test_a_held_answer_is_in_flight(self, make):
        quirks = ", quirks: {one_request_in_flight: busy}"
        yard = make(with_rule("{delay: 1s}", "{unit_id: 1}", devices("tcp://127.0.0.1:0", quirks)))
        client = yard.connect()
        assert yard.ask(client) == b""
        assert yard.ask(client, unit=2, transaction=8) == answer("83 06", 2, 8)
        yard.wait(1.01)
        assert yard.take(client) == answer()
        assert yard.ask(client, unit=2) == answer(unit=2)

    def test_the_last_request_is_answered_before_the_end(self, make):
        yard = make(
            with_rule("{delay: 1s}", "{}", devices("tcp://127.0.0.1:0", ", quirks: {close_after: 1}"))
        )
        client = yard.connect()
        assert yard.ask(client) == b""
        yard.wait(1.01)
        assert yard.take(client) == answer()
        assert yard.take(client) is None

    def test_a_dropped_answer_frees_the_device(self, make):
        quirks = ", quirks: {one_request_in_flight: busy}"
        yard = make(with_rule("{drop: true}", "{unit_id: 1}", devices("tcp://127.0.0.1:0", quirks)))
        client = yard.connect()
        assert yard.ask(client) == b""
        assert yard.ask(client, unit=2) == answer(unit=2)


class TestGateway:
    LINE = ", gateway: {baudrate: 19200, timeout: 500ms, turnaround: 5ms}"

    def yard(self, make, then: str) -> Yard:
        return make(with_rule(then, "{unit_id: 2}", devices("tcp://127.0.0.1:0", self.LINE)))

    def test_a_device_that_drops_is_one_that_did_not_respond(self, make):
        yard = self.yard(make, "{drop: true}")
        client = yard.connect()
        assert yard.ask(client, unit=2) == b""
        yard.wait(0.1)
        yard.wait(0.51)
        assert yard.take(client) == answer("83 0B", 2)
        yard.ask(client)
        yard.wait(0.1)
        yard.wait(0.1)
        assert yard.take(client) == answer()

    def test_a_late_device_holds_the_line_and_no_longer_than_the_timeout(self, make):
        yard = self.yard(make, "{delay: 300ms}")
        client = yard.connect()
        yard.ask(client, unit=2)
        yard.wait(0.1)
        yard.wait(0.2)
        assert yard.take(client) == b""
        yard.wait(0.2)
        assert yard.take(client) == answer(unit=2)
        yard.plant.faults.add({"name": "more", "then": {"delay": "300ms"}, "when": {"unit_id": 2}})
        yard.ask(client, unit=2)
        yard.wait(0.1)
        yard.wait(0.51)
        assert yard.take(client) == answer("83 0B", 2)

    def test_a_gateway_hangs_up(self, make):
        yard = self.yard(make, "{close: after_answer}")
        client = yard.connect()
        yard.ask(client, unit=2)
        yard.wait(0.1)
        yard.wait(0.1)
        assert yard.take(client) == answer(unit=2)
        assert yard.take(client) is None
