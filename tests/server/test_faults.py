"""What a raw client feels of every kind of fault, over real sockets; the clock is turned by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from faulty_support import ONE, READ, Yard, adu, answer, with_rule

UNITS = 'devices: [{name: "unit-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-3}]\n'
UDP = 'devices: [{name: "unit-{n}", profile: box, endpoint: "udp://127.0.0.1:0", unit_id: 1-3}]\n'
RTU = 'devices: [{name: "unit-{n}", profile: box, endpoint: "rtu+tcp://127.0.0.1:0", unit_id: 1-3}]\n'
REFUSED = None  # the connection has ended
NOTHING = b""
RIGHT = answer()


@pytest.fixture(params=["compiled", "pure"])
def make(request):
    made: list[Yard] = []

    def make(text: str) -> Yard:
        made.append(Yard(text, compiled=request.param == "compiled"))
        return made[-1]

    yield make
    for yard in made:
        yard.stop()


LEVEL = "03 000A 0001"  # 20.0 at a scale of 0.1: 200
FLOW = "03 000C 0002"  # 1.5
COILS = "01 0000 0004"  # 1 0 1 1

# what is felt at once: then, request, what comes
AT_ONCE = [
    ("{drop: true}", READ, NOTHING),
    ("{exception: server_device_busy}", READ, answer("83 06")),
    ("{exception: 0x42}", READ, answer("83 42")),
    ("{exception: gateway_target_failed}", "06 0000 0001", answer("86 0B")),
    ("{stale: true}", READ, RIGHT),
    ("{corrupt_values: {type: stuck, value: 33}}", LEVEL, answer("03 02 014A")),
    ("{corrupt_values: {type: stuck, value: 33}}", READ, answer("03 04 0021 0021")),
    ("{corrupt_values: spike}", LEVEL, answer("03 02 07D0")),
    ("{corrupt_values: {type: spike, by: -50}}", LEVEL, answer("03 02 FED4")),
    ("{corrupt_values: {type: spike, factor: 1000000}}", LEVEL, answer("03 02 7FFF")),
    ("{corrupt_values: spike}", FLOW, answer("03 04 4170 0000")),
    ("{corrupt_values: spike}", COILS, answer("01 01 02")),
    ("{corrupt_values: nan}", LEVEL, answer("03 02 8000")),
    ("{corrupt_values: nan}", FLOW, answer("03 04 7FC0 0000")),
    ("{corrupt_values: nan}", READ, answer("03 04 FFFF FFFF")),
    ("{corrupt_values: nan}", "03 000E 0002", answer("03 04 4142 4344")),
    ("{corrupt_values: nan}", "06 0000 0001", answer("06 0000 0001")),
    ("{wrong_transaction_id: true}", READ, answer(transaction=8)),
    ("{wrong_transaction_id: 0}", READ, answer(transaction=0)),
    ("{wrong_unit_id: true}", READ, answer(unit=2)),
    ("{wrong_unit_id: 200}", READ, answer(unit=200)),
    ("{wrong_function: true}", READ, answer("04 04 11 11 22 22")),
    ("{wrong_function: 16}", READ, answer("10 04 11 11 22 22")),
    ("{wrong_function: true}", "03 FFFF 0001", answer("84 02")),
    ("{wrong_quantity: true}", READ, answer("03 02 1111")),
    ("{wrong_quantity: true}", "03 0000 0001", answer("03 04 1111 0000")),
    ("{wrong_quantity: 3}", READ, answer("03 06 1111 2222 0000")),
    ("{wrong_quantity: 0}", READ, answer("03 00")),
    ("{wrong_quantity: true}", COILS, answer("01 02 0D 00")),
    ("{wrong_quantity: true}", "10 0000 0002 04 0001 0002", answer("10 0000 0001")),
    ("{truncate: true}", READ, RIGHT[:6]),
    ("{truncate: 9}", READ, RIGHT[:9]),
    ("{duplicate: true}", READ, RIGHT * 2),
    ("{duplicate: 2}", READ, RIGHT * 3),
    ('{garbage: "DE AD"}', READ, bytes.fromhex("DEAD")),
    ('{extra_bytes: "BE EF"}', READ, RIGHT + bytes.fromhex("BEEF")),
    ('{truncate: 8, extra_bytes: "00"}', READ, RIGHT[:8] + b"\0"),
    ("{close: true}", READ, REFUSED),
    ("{close: after_answer}", READ, RIGHT),
    ("{reset: true}", READ, REFUSED),
    ("{hang: true}", READ, NOTHING),
    ("{corrupt_checksum: true, wrong_unit_id: 3}", READ, answer(unit=3)),
]  # fmt: skip


@pytest.mark.parametrize(("then", "pdu", "expected"), AT_ONCE)
def test_what_a_client_feels(make, then, pdu, expected):
    devices = ONE
    if "checksum" in then:  # a line for it to act on beside
        devices = (
            'devices:\n  - {name: one, profile: box, endpoint: "tcp://127.0.0.1:0"}\n'
            '  - {name: line, profile: box, endpoint: "rtu+tcp://127.0.0.1:0"}\n'
        )
    yard = make(with_rule(then, devices=devices))
    assert yard.ask(yard.connect(), pdu) == expected
    assert (yard.plant.faults["bad"].matched, yard.plant.faults["bad"].applied) == (1, 1)


def test_random_bytes_come_from_the_seed(make):
    text = with_rule("{garbage: 20}")
    one, again = make(text), make(text)
    other = make("seed: 8\n" + text)
    said = [yard.ask(yard.connect()) for yard in (one, again, other)]
    assert said[0] == said[1] != said[2]
    assert len(said[0]) == 20
    yard = make(with_rule("{garbage: true, extra_bytes: true}"))
    assert len(yard.ask(yard.connect())) == len(RIGHT) + 2


def test_a_dropped_request_is_carried_out_and_a_refused_one_is_not(make):
    yard = make(with_rule("{drop: true}", "{function: 6}"))
    client = yard.connect()
    assert yard.ask(client, "06 0000 BEEF") == NOTHING
    assert yard.ask(client) == answer("03 04 BEEF 2222")
    yard.plant.faults.add({"name": "no", "when": {"function": 6}, "then": {"exception": 4}})
    assert yard.ask(client, "06 0000 0001") == NOTHING, (
        "one rule makes an exception of it, the other drops it"
    )
    yard.plant.faults.disable("bad")
    assert yard.ask(client, "06 0000 0002") == answer("86 04")
    assert yard.ask(client) == answer("03 04 BEEF 2222")


def test_a_stale_answer_stands_still_and_ends_with_the_rule(make):
    yard = make(with_rule("{stale: true}"))
    client = yard.connect()
    assert yard.ask(client) == RIGHT
    assert yard.ask(client, "06 0000 0001") == answer("06 0000 0001")
    assert yard.ask(client) == RIGHT
    assert yard.ask(client, "03 0000 0001") == answer("03 02 0001"), "another request is remembered anew"
    yard.plant.faults.disable("bad")
    yard.plant.faults.enable("bad")
    assert yard.ask(client) == answer("03 04 0001 2222")


def test_stuck_values_stand_still_register_by_register(make):
    yard = make(with_rule("{corrupt_values: stuck}"))
    client = yard.connect()
    assert yard.ask(client) == RIGHT
    yard.ask(client, "10 0000 0003 06 0001 0002 0003")
    assert yard.ask(client, "03 0000 0003") == answer("03 06 1111 2222 0003")


def test_a_drift_grows_with_virtual_time(make):
    yard = make("clock: {time_scale: 10}\n" + with_rule("{corrupt_values: {type: drift, rate: 0.5}}"))
    client = yard.connect()
    assert yard.ask(client, LEVEL) == answer("03 02 00C8")
    yard.wait(2)
    assert yard.ask(client, LEVEL) == answer("03 02 012C"), "20 virtual seconds at 0.5: 30.0"


def test_only_the_point_of_the_rule_is_corrupted(make):
    yard = make(with_rule("{corrupt_values: nan}", "{point: level}"))
    assert yard.ask(yard.connect(), "03 000A 0004") == answer("03 08 8000 0000 3FC0 0000")


class TestTime:
    def test_an_answer_is_late(self, make):
        yard = make(with_rule("{delay: 500ms}"))
        client = yard.connect()
        assert yard.ask(client) == NOTHING
        yard.wait(0.499)
        assert yard.take(client) == NOTHING
        yard.wait(0.002)
        assert yard.take(client) == RIGHT

    @pytest.mark.parametrize("then", [
        "{delay: 1s, jitter: 500ms}",
        "{delay: 1s, jitter: 500ms, distribution: uniform}",
        "{delay: 1s, jitter: 100ms, distribution: normal}",
        "{delay: 1s, jitter: 100ms, distribution: lognormal}",
        "{delay: 500ms, jitter: 100ms, distribution: pareto}",
    ])  # fmt: skip
    def test_answers_vary(self, make, then):
        yard = make(with_rule(then, devices=UNITS))
        client = yard.connect()
        for unit in (1, 2, 3):
            client.sendall(adu(READ, unit=unit))
        yard.turn()
        seen = []
        for step in range(60):
            yard.wait(0.05)
            seen += [step] * (len(yard.take(client) or b"") // len(RIGHT))
        assert len(seen) == 3
        assert len(set(seen)) > 1 or "pareto" in then or "normal" in then

    def test_nobody_waits_for_another_unit_of_the_same_connection(self, make):
        yard = make(with_rule("{delay: 1s}", "{unit_id: 2}", UNITS))
        client = yard.connect()
        client.sendall(adu(READ, 1, 1) + adu(READ, 2, 2) + adu(READ, 3, 3))
        yard.turn()
        assert yard.take(client) == answer(unit=1, transaction=1) + answer(unit=3, transaction=3)
        yard.wait(1.01)
        assert yard.take(client) == answer(unit=2, transaction=2)

    def test_answers_of_one_unit_stay_in_order(self, make):
        yard = make(with_rule("{delay: 1s}", "{function: 3}"))
        client = yard.connect()
        client.sendall(adu(READ, transaction=1) + adu("04 0000 0001", transaction=2))
        yard.turn()
        assert yard.take(client) == NOTHING
        yard.wait(1.01)
        assert yard.take(client) == answer(transaction=1) + answer("04 02 0007", transaction=2)

    def test_delays_of_several_rules_add_up(self, make):
        text = with_rule("{delay: 1s}") + "  - {name: more, then: {delay: 500ms}}\n"
        yard = make(text)
        client = yard.connect()
        yard.ask(client)
        yard.wait(1.4)
        assert yard.take(client) == NOTHING
        yard.wait(0.11)
        assert yard.take(client) == RIGHT

    def test_bytes_come_one_by_one(self, make):
        yard = make(with_rule("{slow_bytes: 10ms}", "{unit_id: 1}", UNITS))
        client = yard.connect()
        client.sendall(adu(READ) + adu(READ, 2))
        yard.turn()
        assert yard.take(client) == answer(unit=2) + RIGHT[:1]
        client.sendall(adu(READ, 3))
        for number in range(1, len(RIGHT) - 1):
            yard.wait(0.0101)
            assert yard.take(client) == RIGHT[number : number + 1]
        yard.wait(0.0101)
        assert yard.take(client) == RIGHT[-1:] + answer(unit=3)

    def test_pieces_leave_one_after_the_other(self, make):
        yard = make(with_rule("{split: {pieces: 3, gap: 100ms}}"))
        client = yard.connect()
        got = [yard.ask(client)]
        for _ in range(3):
            yard.wait(0.1001)
            got.append(yard.take(client))
        assert b"".join(got) == RIGHT
        assert [len(piece) for piece in got] == [4, 4, 5, 0]

    def test_a_connection_that_ends_takes_its_waits_along(self, make):
        yard = make(with_rule("{delay: 10s}"))
        client = yard.connect()
        yard.ask(client)
        assert any(call.active() for call in yard.reactor.getDelayedCalls() if call.getTime() > 5)
        client.close()
        yard.turn()
        assert not any(
            call.active() and 9 < call.getTime() - yard.reactor.seconds() <= 10.0
            for call in yard.reactor.getDelayedCalls()
        )

    def test_too_many_held_answers_stop_the_reading(self, make):
        yard = make(with_rule("{delay: 1s}"))
        client = yard.connect()
        client.setblocking(False)
        sent = 0
        for number in range(4000):
            try:
                sent += client.send(adu(READ, transaction=number))
            except BlockingIOError:
                break
            if number % 200 == 0:
                yard.turn()
        yard.turn()
        link = next(iter(yard.plant.hub.connections)).protocol.exchange.faults
        assert 512 <= link.outbox.held < 512 + 8192 // 12 + 1
        client.setblocking(True)
        got = b""
        while len(got) < sent // 12 * len(RIGHT):
            yard.wait(1.01)
            piece = yard.take(client)
            assert piece, "everybody is answered in the end"
            got += piece
        assert got == b"".join(answer(transaction=number) for number in range(sent // 12))


class TestLinks:
    def test_a_close_takes_what_comes_behind_along(self, make):
        yard = make(with_rule("{close: after_answer}", "{function: 3}"))
        client = yard.connect()
        client.sendall(adu("04 0000 0001", transaction=1) + adu(READ) + adu(READ))
        yard.turn()
        assert yard.take(client) == answer("04 02 0007", transaction=1) + RIGHT
        assert yard.take(client) is REFUSED

    def test_a_late_close(self, make):
        yard = make(with_rule("{delay: 1s, close: true}"))
        client = yard.connect()
        assert yard.ask(client) == NOTHING
        yard.wait(1.01)
        assert yard.take(client) is REFUSED

    def test_a_reset_is_a_reset(self, make):
        yard = make(with_rule("{reset: true}"))
        client = yard.connect()
        client.sendall(adu(READ))
        yard.turn()
        with pytest.raises(ConnectionResetError):
            client.recv(10)

    def test_clients_are_refused_while_the_rule_is_on(self, make):
        yard = make(with_rule("{refuse: true}", more=", enabled: false"))
        early = yard.connect()
        yard.plant.faults.enable("bad")
        assert yard.take(yard.connect()) is REFUSED
        assert yard.ask(early) == RIGHT, "who is connected stays connected"
        yard.plant.faults.disable("bad")
        assert yard.ask(yard.connect()) == RIGHT
        rule = yard.plant.faults["bad"]
        assert (rule.matched, rule.applied) == (1, 1)

    def test_every_second_client_is_refused(self, make):
        yard = make(with_rule("{refuse: true}", "{every: 2}"))
        clients = [yard.connect() for _ in range(4)]
        assert [yard.take(client) for client in clients] == [NOTHING, REFUSED, NOTHING, REFUSED]
        assert yard.ask(clients[2]) == RIGHT

    def test_a_hung_connection_is_silent_for_everybody_until_the_rule_is_off(self, make):
        yard = make(with_rule("{hang: true}", "{unit_id: 2}", UNITS))
        client, other = yard.connect(), yard.connect()
        assert yard.ask(client) == RIGHT
        assert yard.ask(client, unit=2) == NOTHING
        assert yard.ask(client) == NOTHING
        assert yard.ask(client, unit=3) == NOTHING
        assert yard.ask(other) == RIGHT
        yard.plant.faults.disable("bad")
        assert yard.ask(client) == RIGHT
        assert yard.ask(client, unit=2) == answer(unit=2)

    def test_a_hang_with_an_end(self, make):
        yard = make(with_rule("{hang: 5s}", "{every: 3}"))
        client = yard.connect()
        assert [yard.ask(client) for _ in range(4)] == [RIGHT, RIGHT, NOTHING, NOTHING]
        yard.wait(5.01)
        assert yard.ask(client) == RIGHT

    def test_a_client_of_a_hung_connection_may_leave(self, make):
        yard = make(with_rule("{hang: true}"))
        client = yard.connect()
        yard.ask(client)
        client.close()
        yard.turn()
        assert len(yard.plant.hub.connections) == 0

    def test_a_link_goes_down_and_up(self, make):
        yard = make(with_rule("{flap: {down: 2s, up: 3s}}", more=", enabled: false"))
        client = yard.connect()
        assert yard.ask(client) == RIGHT
        yard.plant.faults.enable("bad")
        yard.turn()
        assert yard.take(client) is REFUSED
        assert yard.take(yard.connect()) is REFUSED
        yard.wait(2.01)
        client = yard.connect()
        assert yard.ask(client) == RIGHT
        yard.wait(3.01)
        assert yard.take(client) is REFUSED
        yard.plant.faults.disable("bad")
        assert yard.ask(yard.connect()) == RIGHT

    def test_a_link_of_datagrams_that_is_down_is_silent(self, make):
        yard = make(with_rule("{flap: 2s}", "{unit_id: 2}", UDP))
        client = yard.connect()
        assert yard.ask(client, unit=2) == NOTHING
        assert yard.ask(client) == RIGHT
        yard.wait(2.01)
        assert yard.ask(client, unit=2) == answer(unit=2)
