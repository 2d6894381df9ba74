"""Rules under attack: switched amid requests, flooded, a thousand at once, connections that hang and come back."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from faulty_support import PROFILE, READ, Yard, adu, answer, with_rule

from simulator.device import FAULTY
from simulator.server import faulty_outbox

UNITS = 'devices: [{name: "unit-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-4}]\n'
LINE = UNITS.replace("unit_id: 1-4", "unit_id: 1-4, gateway: {baudrate: 19200, timeout: 1s}")
SLOW_LINE = (
    LINE.replace("box", "patient") + PROFILE + "  patient: {extends: box, quirks: {min_reply_delay: 50ms}}\n"
)


@pytest.fixture(params=["compiled", "pure"])
def make(request):
    made: list[Yard] = []

    def make(text: str) -> Yard:
        made.append(Yard(text, compiled=request.param == "compiled"))
        return made[-1]

    yield make
    for yard in made:
        yard.stop()


def exchange(yard: Yard):
    return next(iter(yard.plant.hub.connections)).protocol.exchange


def test_a_device_is_counted_once_for_all_functions_also_after_a_pause(make):
    yard = make(with_rule("{drop: true}", "{every: 2}"))
    client, rules = yard.connect(), yard.plant.faults
    yard.ask(client, "03 0000 0001")  # its rules for this function are looked up now, for the other later
    rules.disable("bad")
    rules.enable("bad")
    assert yard.ask(client, "03 0000 0001") == answer("03 02 11 11")
    assert yard.ask(client, "04 0000 0001") == b"", "the second one"


def test_what_was_remembered_is_forgotten_when_a_rule_is_switched_off(make):
    yard = make(with_rule("{stale: true, corrupt_values: stuck}"))
    client, rules = yard.connect(), yard.plant.faults
    assert yard.ask(client) == answer()
    rules.disable("bad")
    assert yard.ask(client, "06 0000 9999") == answer("06 0000 9999")
    rules.enable("bad")
    assert yard.ask(client) == answer("03 04 99 99 22 22")


@pytest.mark.parametrize("scheme", ["tcp", "rtu+tcp"])
def test_compiled_code_is_back_when_a_connection_hangs_no_longer(make, scheme):
    from simulator.protocol.checksums import with_crc

    yard = make(with_rule("{hang: 1s}", "{address: 5}", UNITS.replace("tcp:", f"{scheme}:")))
    client = yard.connect()

    def ask(pdu: str) -> bytes | None:
        data = adu(pdu) if scheme == "tcp" else with_crc(b"\x01" + bytes.fromhex(pdu))
        client.sendall(data)
        yard.turn()
        return yard.take(client)

    right = ask(READ)
    before = exchange(yard).compiled
    for _ in range(2):
        assert ask("03 0005 0001") == b"" == ask(READ)
        assert exchange(yard).compiled is None
        yard.wait(1.5)
        assert ask(READ) == right
        assert exchange(yard).compiled is before
        assert ask(READ) == right
    served = yard.plant.factories[0].requests
    assert ask(READ) == right
    assert yard.plant.factories[0].requests == served + 1


@pytest.mark.parametrize("text", [LINE, SLOW_LINE], ids=["plain", "quirky"])
def test_a_connection_to_a_gateway_that_hangs_is_silent(make, text):
    yard = make(with_rule("{hang: true}", "{unit_id: 1}", text))
    client, other = yard.connect(), yard.connect()
    client.sendall(adu(READ, 1) + adu(READ, 2) + adu(READ, 3))
    yard.turn()
    other.sendall(adu(READ, 2))
    for _ in range(15):
        yard.wait(0.1)
    assert yard.take(other) == answer(unit=2), "waits for one request on the line, not for what was forgotten"
    for _ in range(30):
        yard.wait(0.1)
    assert yard.take(client) == b""
    yard.plant.faults.disable("bad")
    client.sendall(adu(READ, 1))
    for _ in range(5):
        yard.wait(0.1)
    assert yard.take(client) == answer()


@pytest.mark.parametrize("text", [LINE, SLOW_LINE], ids=["plain", "quirky"])
def test_a_connection_to_a_gateway_is_closed_in_place_of_the_answer(make, text):
    yard = make(with_rule("{close: true}", "{unit_id: 1}", text))
    client = yard.connect()
    client.sendall(adu(READ, 1) + adu(READ, 2))
    for _ in range(3):
        yard.wait(0.1)
    assert yard.take(client) is None
    assert len(yard.plant.hub.connections) == 0


def test_a_thousand_rules_are_switched_off_as_fast_as_one(make):
    rules = "".join(
        f"  - {{name: r{n}, when: {{unit_id: {n % 4 + 1}}}, then: {{delay: 1s}}}}\n" for n in range(500)
    )
    yard = make(UNITS + "faults:\n" + rules)
    kind = yard.plant.fleets[0].kind
    meetings = []
    placed = type(yard.plant.faults._placed["r0"])
    original = placed.meets
    placed.meets = lambda self, other: meetings.append(1) or original(self, other)
    try:
        yard.plant.faults.disable(*yard.plant.faults)
        assert [flags & FAULTY for flags in kind.aside] == [0] * 4
        yard.plant.faults.clear()
    finally:
        placed.meets = original
    assert len(meetings) <= 500
    assert [flags & FAULTY for flags in kind.aside] == [FAULTY] * 4


def test_a_link_with_many_connections_goes_down_in_slices(make, monkeypatch):
    yard = make(with_rule("{flap: 10s}", "{}", UNITS, more=", enabled: false"))
    clients = [yard.connect() for _ in range(30)]
    monkeypatch.setattr("simulator.slices.SLICE_S", 0.0)
    yard.plant.faults.enable("bad")
    steps = 0
    while len(yard.plant.hub.connections):
        left = len(yard.plant.hub.connections)
        for call in sorted(yard.reactor.getDelayedCalls(), key=lambda call: call.getTime())[:1]:
            yard.reactor.calls.remove(call)
            call.called = True
            call.func(*call.args, **call.kw)
        assert left - len(yard.plant.hub.connections) <= 1, "one at a time"
        steps += 1
        assert steps < 200
    assert all(yard.take(client) is None for client in clients)


def test_a_flood_of_datagrams_to_one_device_loses_no_answer_to_another_client(make):
    yard = make(with_rule("{delay: 5s}", "{unit_id: 1}", UNITS.replace("tcp:", "udp:")))
    flooding, other = yard.connect(), yard.connect()
    for number in range(faulty_outbox.MOST_HELD + 88):
        flooding.send(adu(READ, 1, number))
        if number % 50 == 0:
            yard.turn()
    yard.turn()
    assert yard.ask(other, READ, 2) == answer(unit=2)
    assert yard.ask(other, READ, 1) == b""
    outbox = next(ex for ex, _ in yard.plant.factories[0].port.exchanges()).faults.outbox
    assert (outbox.held, outbox.lost) == (faulty_outbox.MOST_HELD + 1, 88)
    yard.wait(6)
    assert yard.take(other) == answer()


def test_connections_that_close_leave_nothing_of_what_waits_for_them(make):
    yard = make(with_rule("{delay: 10m}", "{unit_id: 1}", UNITS))
    for _ in range(5):
        client = yard.connect()
        client.sendall(b"".join(adu(READ, 1, number) for number in range(100)))
        yard.turn()
        link = exchange(yard).faults
        assert link.outbox.held == 100
        client.close()
        yard.turn()
        assert link.outbox.held == 0
    assert [call for call in yard.reactor.getDelayedCalls() if call.active()] == []


def test_nobody_waits_for_a_late_device_behind_the_same_socket(make):
    """Measured on the clock: whoever is not late has the answer before it moves."""
    for scheme in ("tcp", "udp"):
        yard = make(
            with_rule("{delay: 1s, jitter: 500ms}", "{unit_id: 1}", UNITS.replace("tcp:", f"{scheme}:"))
        )
        client = yard.connect()
        for number in range(20):
            client.send(adu(READ, number % 4 + 1, number))
        started = time.monotonic()
        got = b""
        while len(got) < 15 * 13 and time.monotonic() < started + 10:
            yard.turn()
            got += yard.take(client) or b""
        assert sorted(got[at + 1] for at in range(0, len(got), 13)) == [n for n in range(20) if n % 4]
        yard.wait(2)
        late = b""
        while piece := yard.take(client):
            late += piece
            yard.wait(2)
        assert [late[at + 1] for at in range(0, len(late), 13)] == [0, 4, 8, 12, 16], "in order"


def test_a_device_in_listen_only_mode_refuses_nothing_whatever_the_rules(make):
    """V1.1b3 §6.8, sub-function 04: no response is returned, and only a restart is heard."""
    rule = with_rule("{exception: server_device_busy}", "{unit_id: 1}", UNITS, more=", enabled: false")
    yard = make(rule)
    client = yard.connect()
    assert yard.ask(client, "08 0004 0000") == b""
    yard.plant.faults.enable("bad")
    assert yard.ask(client) == b""
    assert yard.ask(client, "08 0001 0000") == b"", "heard, and not answered"
    assert yard.ask(client) == answer("83 06")
    yard.plant.faults.disable("bad")
    assert yard.ask(client) == answer()


def test_rules_are_found_for_a_device_without_a_look_at_those_of_others(make):
    rules = "".join(
        f"  - {{name: r{n}, when: {{unit_id: {n % 3 + 2}}}, then: {{drop: true}}}}\n" for n in range(300)
    )
    yard = make(UNITS + "faults:\n" + rules + "  - {name: own, when: {unit_id: 1}, then: {exception: 1}}\n")
    rules = yard.plant.faults
    looked = []
    selection = type(rules._placed["own"].fault.selection)
    original = selection.covers
    selection.covers = lambda self, *device: looked.append(device) or original(self, *device)
    try:
        assert yard.ask(yard.connect()) == answer("83 01")
    finally:
        selection.covers = original
    assert len(looked) == 1
