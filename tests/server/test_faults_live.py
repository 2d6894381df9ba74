"""Rules that come and go while clients are connected, also those whose requests compiled code has answered."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from faulty_support import ONE, READ, Yard, adu, answer, with_rule

from simulator.device import FAULTY
from simulator.errors import ConfigError
from simulator.server.exchange import Exchange
from simulator.server.factory import ModbusServerFactory
from simulator.server.lanes import COMPILED

UNITS = 'devices: [{name: "unit-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-3}]\n'
TWO = """devices:
  - {name: one, profile: box, endpoint: "tcp://127.0.0.1:0"}
  - {name: two, profile: box, endpoint: "tcp://127.0.0.1:0"}
"""
BUSY = {"name": "busy", "then": {"exception": "server_device_busy"}}


@pytest.fixture(params=["compiled", "pure"])
def make(request):
    made: list[Yard] = []

    def make(text: str) -> Yard:
        made.append(Yard(text, compiled=request.param == "compiled"))
        return made[-1]

    yield make
    for yard in made:
        yard.stop()


def exchange(yard: Yard, number: int = 0):
    return list(yard.plant.hub.connections)[number].protocol.exchange


def test_a_rule_added_live_acts_on_a_connection_that_compiled_code_serves(make):
    yard = make(ONE)
    client = yard.connect()
    for _ in range(3):
        assert yard.ask(client) == answer()
    served = exchange(yard).compiled
    if served is not None and COMPILED:
        assert served.answered >= 2
    assert type(exchange(yard)) is Exchange
    yard.plant.faults.add(BUSY)
    assert yard.ask(client) == answer("83 06")
    yard.plant.faults.disable("busy")
    before = 0 if served is None else served.answered
    assert yard.ask(client) == answer()
    if served is not None:
        assert served.answered == before + 1, "compiled code is back"
    yard.plant.faults.enable("busy")
    assert yard.ask(client) == answer("83 06")
    yard.plant.faults.remove("busy")
    assert yard.ask(client) == answer()
    assert type(exchange(yard)) is Exchange
    assert yard.plant.factories[0].requests == 7


def test_a_listener_that_no_rule_is_about_is_stock(make):
    yard = make(with_rule("{drop: true}", "{devices: two}", TWO))
    one, two = yard.connect(0), yard.connect(1)
    assert yard.ask(one) == answer()
    assert yard.ask(two) == b""
    assert type(yard.plant.factories[0]) is ModbusServerFactory
    assert type(exchange(yard, 0)) is Exchange
    assert type(exchange(yard, 1)) is not Exchange


def test_what_is_held_when_its_rule_goes_is_sent_at_once(make):
    yard = make(with_rule("{delay: 10s}"))
    client = yard.connect()
    assert yard.ask(client) == b""
    yard.plant.faults.disable("bad")
    assert yard.take(client) == b""
    yard.plant.faults.remove("bad")
    assert yard.take(client) == answer()


def test_one_rule_off_leaves_the_flags_of_another(make):
    yard = make(with_rule("{drop: true}", "{unit_id: 1-2}", UNITS))
    yard.plant.faults.add({**BUSY, "when": {"unit_id": "2-3"}})
    kind = yard.plant.fleets[0].kind
    assert [flags & FAULTY for flags in kind.aside] == [FAULTY] * 3
    yard.plant.faults.disable("busy")
    assert [flags & FAULTY for flags in kind.aside] == [FAULTY, FAULTY, 0]
    yard.plant.faults.enable("busy")
    yard.plant.faults.disable("bad")
    assert [flags & FAULTY for flags in kind.aside] == [0, FAULTY, FAULTY]


def test_several_rules_act_in_file_order(make):
    text = (
        UNITS
        + """faults:
  - {name: first, then: {exception: 4}}
  - {name: second, then: {exception: 6}}
  - {name: third, then: {wrong_unit_id: 9}}
"""
    )
    yard = make(text)
    client = yard.connect()
    assert yard.ask(client) == answer("83 04", 9)
    assert [(rule.matched, rule.applied) for rule in yard.plant.faults.values()] == [(1, 1)] * 3
    yard.plant.faults.disable("first")
    assert yard.ask(client) == answer("83 06", 9)
    assert list(yard.plant.faults) == ["first", "second", "third"]
    assert [rule.applied for rule in yard.plant.faults.values()] == [1, 2, 2]


def test_clear_is_the_state_of_the_file(make):
    text = with_rule("{drop: true}") + "  - {name: off, then: {exception: 4}, enabled: false}\n"
    yard = make(text)
    faults = yard.plant.faults
    faults.disable("bad")
    faults.enable("off")
    faults.add(BUSY)
    faults.clear()
    assert {name: rule.enabled for name, rule in faults.items()} == {"bad": True, "off": False}
    faults.remove("off")
    assert list(faults) == ["bad"]


def test_rules_that_do_not_exist_or_make_no_sense_are_told(make):
    yard = make(with_rule("{drop: true}"))
    faults = yard.plant.faults
    with pytest.raises(KeyError, match="unknown fault 'bat', expected bad; did you mean 'bad'"):
        faults.enable("bat")
    with pytest.raises(ValueError, match="'bad' is the name of another fault"):
        faults.add({"name": "bad", "then": {"drop": True}})
    with pytest.raises(ConfigError, match=r"then\.delay: duration is the bare number 5"):
        faults.add({"name": "x", "then": {"delay": 5}})
    with pytest.raises(ConfigError, match=r"no device is named 'meter-\*'"):
        faults.add({"name": "x", "when": {"devices": "meter-*"}, "then": {"drop": True}})
    with pytest.raises(ConfigError, match="corrupt_checksum can never act: tcp has no checksum"):
        faults.add({"name": "x", "then": {"corrupt_checksum": True}})
    assert list(faults) == ["bad"]


def test_a_profile_has_rules_of_its_own(make):
    text = """
profiles:
  good: {points: {level: {table: holding_register, address: 0}}}
  lazy:
    extends: good
    faults:
      - {name: late, when: {point: level}, then: {delay: 1s}}
      - {name: no, then: {exception: 4}, enabled: false}
devices:
  - {name: a, profile: good, endpoint: "tcp://127.0.0.1:0"}
  - {name: "b-{n}", profile: lazy, endpoint: "tcp://127.0.0.1:0", unit_id: 1-2}
  - {name: c, profile: lazy, endpoint: "tcp://127.0.0.1:0", faults: {late: {then: {delay: 5s}}, no: {enabled: true}}}
  - {name: d, profile: lazy, endpoint: "tcp://127.0.0.1:0", faults: {late: null}}
"""
    yard = make(text)
    faults = yard.plant.faults
    assert {name: rule.enabled for name, rule in faults.items()} == {
        "lazy.late": True, "lazy.no": False, "c.late": True, "c.no": True,
    }  # fmt: skip
    a, b, c, d = (yard.connect(number) for number in range(4))
    one = "03 0000 0001"
    right = answer("03 02 0000")
    assert yard.ask(a, one) == right
    assert yard.ask(b, one) == b""
    assert yard.ask(d, one) == right
    assert yard.ask(c, one) == b""
    yard.wait(1.01)
    assert yard.take(b) == right
    yard.wait(4)
    assert yard.take(c) == answer("83 04")
    faults.disable("lazy.late")
    assert yard.ask(b, one) == right


def test_devices_on_many_addresses_of_one_listener(make):
    devices = """limits: {max_connections_per_device: 1}
devices:
  - {name: "ip-{n}", profile: box, endpoint: "tcp://127.0.77.1-127.0.77.4:0", unit_id: 1-2}
  - {name: "udp-{n}", profile: box, endpoint: "udp://127.0.77.1-127.0.77.4:0", unit_id: 1-2}
"""
    yard = make(with_rule("{delay: 1s}", "{devices: ['ip-[34]', 'udp-3']}", devices))
    for listener in (0, 1):
        one = yard.connect(listener, "127.0.77.1")
        other = yard.connect(listener, "127.0.77.2")
        assert yard.ask(one) == answer()
        assert yard.ask(other) == b""
        yard.wait(1.01)
        assert yard.take(other) == answer()
    yard.plant.faults.add({"name": "gone", "when": {"devices": "ip-3"}, "then": {"refuse": True}})
    one.close(), other.close()
    assert yard.take(yard.connect(0, "127.0.77.3")) == b""
    assert yard.take(yard.connect(0, "127.0.77.2")) is None
    assert yard.take(yard.connect(0, "127.0.77.9")) is None, "nobody is there"


def test_a_thousand_rules_for_others_are_not_looked_at(make):
    rules = "".join(
        f"  - {{name: r{n}, when: {{devices: two}}, then: {{drop: true}}}}\n" for n in range(1000)
    )
    yard = make(TWO + "faults:\n" + rules)
    client = yard.connect(0)
    assert yard.ask(client) == answer()
    assert type(exchange(yard)) is Exchange


def test_a_plant_that_stops_leaves_nothing_behind(make):
    yard = make(with_rule("{delay: 10s, flap: 100s}", "{for: 50s}"))
    yard.wait(100)
    yard.ask(yard.connect())  # Yard.stop finds every timer cancelled


durations = st.sampled_from(["0ms", "1ms", "20ms", "1s"])
numbers = st.integers(1, 300)
switches = st.booleans()
KINDS = {
    "delay": durations, "jitter": durations, "drop": switches, "slow_bytes": durations,
    "exception": st.integers(1, 255), "stale": switches,
    "corrupt_values": st.sampled_from(["stuck", "drift", "spike", "nan"]),
    "wrong_transaction_id": switches | st.integers(0, 65535), "wrong_unit_id": switches | st.integers(0, 255),
    "wrong_function": switches | st.integers(1, 255), "wrong_quantity": switches | st.integers(0, 300),
    "truncate": switches | numbers, "split": switches | st.integers(2, 40), "duplicate": switches | st.integers(1, 5),
    "garbage": switches | numbers, "extra_bytes": switches | numbers,
    "close": st.sampled_from([True, False, "after_answer"]), "reset": st.sampled_from([True, False, "after_answer"]),
    "hang": switches | durations,
}  # fmt: skip
WHENS = {
    "function": st.lists(st.integers(1, 24), min_size=1), "address": st.integers(0, 20).map(lambda n: f"0-{n}"),
    "quantity": st.integers(0, 5), "unit_id": st.integers(0, 3), "probability": st.floats(0, 1),
    "every": st.integers(1, 4), "after": st.integers(0, 3), "point": st.sampled_from(["level", "flow", "lamp"]),
}  # fmt: skip
specs = st.fixed_dictionaries(
    {"when": st.fixed_dictionaries({}, optional=WHENS), "then": st.fixed_dictionaries({}, optional=KINDS)}
)
pdus = st.sampled_from(
    [READ, "01 0000 0009", "02 0000 0001", "04 0003 0004", "06 0001 0001", "10 0000 0001 02 0001", "03 FFFF 0001",
     "17 0000 0002 0000 0001 02 0005", "2B 0E 01 00", "08 0000 1234", "05 0000 FF00", "03 00"]
)  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(specs, min_size=1, max_size=4), st.lists(st.tuples(pdus, st.integers(0, 4)), max_size=12))
def test_no_rule_harms_the_server_and_without_it_answers_are_as_they_were(rules, requests):
    yard = Yard(UNITS)
    try:
        run(yard, requests)
        before = run(yard, requests)
        added = []
        for number, spec in enumerate(rules):
            try:
                added.append(yard.plant.faults.add({"name": f"r{number}", **spec}).name)
            except ConfigError:
                continue
        client = yard.connect()
        for pdu, unit in requests:
            try:
                client.sendall(adu(pdu, unit))
            except ConnectionError:
                client = yard.connect()
            yard.turn()
        yard.wait(0.03)
        for name in added:
            yard.plant.faults.disable(name)
        run(yard, requests)
        assert run(yard, requests) == before
        assert not yard.log, yard.log
    finally:
        yard.stop()


def run(yard: Yard, requests: list[tuple[str, int]]) -> list[bytes | None]:
    """What a new client is answered; whatever was written before, the second time is always the same."""
    client = yard.connect()
    return [yard.ask(client, pdu, unit) for pdu, unit in requests]
