"""Which requests a rule is about: every key of ``when``, and how often, over real sockets."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from faulty_support import READ, Yard, answer, with_rule

PLANT = """
devices:
  - {name: "meter-{n:03}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-3, tags: [feeder-a]}
  - {name: "pump-{n}", profile: pump, endpoint: "tcp://127.0.0.1:0", unit_id: 1-3, tags: [feeder-b, spare]}
  - {name: any, profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: any}
  - {name: line, profile: box, endpoint: "rtu+tcp://127.0.0.1:0"}
profiles:
  box:
    points:
      level: {table: holding_register, address: 10, data_type: uint32, value: 5}
      lamp: {table: coil, address: 10, data_type: bool, value: true}
  pump:
    tables:
      holding_register: {block: sequential, count: 20}
      input_register: {share: holding_register}
    points:
      level: {table: holding_register, address: 3, data_type: uint16, value: 5}
"""
METER, PUMP, ANY = 0, 1, 2
LEVEL = "03 000A 0002"


@pytest.fixture
def make():
    made: list[Yard] = []

    def make(when: str, then: str = "{drop: true}", more: str = "", text: str = PLANT) -> Yard:
        made.append(Yard(with_rule(then, when, text, more=more)))
        return made[-1]

    yield make
    for yard in made:
        yard.stop()


# when, what it is about, what it is not about: (listener, unit id, request)
CASES = [
    ("{}", [(METER, 1, LEVEL), (PUMP, 2, READ), (ANY, 9, "05 000A FF00")], []),
    ('{devices: "meter-00[12]"}', [(METER, 1, LEVEL), (METER, 2, LEVEL)], [(METER, 3, LEVEL), (PUMP, 1, READ)]),
    ("{devices: [any, pump-3]}", [(ANY, 1, LEVEL), (PUMP, 3, READ)], [(PUMP, 1, READ), (METER, 3, LEVEL)]),
    ("{tags: [feeder-b]}", [(PUMP, 1, READ)], [(METER, 1, LEVEL), (ANY, 1, LEVEL)]),
    ('{group: "meter-{n:03}"}', [(METER, 1, LEVEL)], [(PUMP, 1, READ)]),
    ("{profile: pump}", [(PUMP, 1, READ)], [(METER, 1, LEVEL)]),
    ("{unit_id: 2}", [(METER, 2, LEVEL), (ANY, 2, LEVEL)], [(METER, 1, LEVEL), (ANY, 1, LEVEL)]),
    ('{unit_id: "2-3,9"}', [(METER, 3, LEVEL), (ANY, 9, LEVEL)], [(METER, 1, LEVEL), (ANY, 8, LEVEL)]),
    ("{function: 3}", [(METER, 1, LEVEL)], [(METER, 1, "01 000A 0001"), (METER, 1, "06 000A 0001")]),
    ("{function: [write_single_register, 15-16]}", [(METER, 1, "06 000A 0001"), (METER, 1, "10 000A 0001 02 0001")],
     [(METER, 1, LEVEL)]),
    ("{address: 11}", [(METER, 1, LEVEL), (METER, 1, "03 000B 0001"), (METER, 1, "10 000A 0002 04 0000 0001")],
     [(METER, 1, "03 000A 0001"), (METER, 1, "01 000A 0001")]),
    ("{start: 10}", [(METER, 1, LEVEL), (METER, 1, "01 000A 0001")], [(METER, 1, "03 000B 0001")]),
    ("{start: 0-9}", [(PUMP, 1, READ)], [(METER, 1, LEVEL)]),
    ("{quantity: 2}", [(METER, 1, LEVEL)], [(METER, 1, "03 000A 0001")]),
    ("{quantity: 1, function: 3}", [(METER, 1, "03 000A 0001")], [(METER, 1, LEVEL), (METER, 1, "06 000A 0001")]),
    ("{point: level}", [(METER, 1, "03 000B 0001"), (PUMP, 1, "03 0003 0001"), (PUMP, 1, "04 0002 0002"),
                        (METER, 1, "17 000A 0001 000A 0001 02 0001")],
     [(METER, 1, "01 000A 0001"), (PUMP, 1, "03 000B 0001")]),
    ("{point: [lamp]}", [(METER, 1, "05 000A 0000")], [(METER, 1, LEVEL), (PUMP, 1, "03 000A 0001")]),
    ("{client: 127.0.0.0/8}", [(METER, 1, LEVEL)], []),
    ("{client: [192.0.2.0/24, 127.9.0.0/16]}", [], [(METER, 1, LEVEL)]),
    ("{transport: rtu+tcp}", [], [(METER, 1, LEVEL)]),
    ("{transport: [tcp, serial]}", [(METER, 1, LEVEL)], []),
    ("{probability: 0}", [], [(METER, 1, LEVEL)]),
]  # fmt: skip


@pytest.mark.parametrize(("when", "about", "others"), CASES, ids=str)
def test_a_rule_is_about_what_it_says(make, when, about, others):
    yard = make(when)
    for listener, unit, pdu in about:
        assert yard.ask(yard.connect(listener), pdu, unit) == b"", (listener, unit, pdu)
    for listener, unit, pdu in others:
        assert yard.ask(yard.connect(listener), pdu, unit), (listener, unit, pdu)
    rule = yard.plant.faults["bad"]
    assert rule.applied == len(about)


def test_only_each_third_request_after_the_first_two(make):
    yard = make("{every: 3, after: 2, unit_id: 1}")
    client = yard.connect()
    heard = [yard.ask(client, LEVEL) != b"" for _ in range(10)]
    assert heard == [True, True, True, True, False, True, True, False, True, True]
    rule = yard.plant.faults["bad"]
    assert (rule.matched, rule.applied) == (10, 2)


def test_each_device_is_counted_on_its_own(make):
    yard = make("{every: 2}")
    client = yard.connect()
    heard = [(unit, yard.ask(client, LEVEL, unit) != b"") for unit in (1, 2, 1, 2, 3, 1)]
    assert heard == [(1, True), (2, True), (1, False), (2, False), (3, True), (1, True)]


def test_chance_is_that_of_the_seed_whatever_else_goes_on(make):
    def heard(yard: Yard, units: tuple[int, ...]) -> list[bool]:
        client = yard.connect()
        return [yard.ask(client, LEVEL, unit) != b"" for unit in units]

    one = heard(make("{probability: 0.5}"), (1,) * 20)
    mixed = heard(make("{probability: 0.5}"), (1, 2, 3, 2) * 20)
    assert one == mixed[::4]
    assert 4 <= sum(one) <= 16
    assert heard(make("{probability: 0.5}", text="seed: 3\n" + PLANT), (1,) * 20) != one


def test_a_rule_ends_after_its_time_in_virtual_seconds(make):
    yard = make("{for: 30s}", text="clock: {time_scale: 10}\n" + PLANT)
    client = yard.connect()
    assert yard.ask(client, LEVEL) == b""
    yard.wait(2.9)
    assert yard.ask(client, LEVEL) == b""
    yard.wait(0.2)
    assert yard.ask(client, LEVEL) != b""
    assert not yard.plant.faults["bad"].enabled
    yard.plant.faults.enable("bad")
    assert yard.ask(client, LEVEL) == b""
    yard.wait(3.1)
    assert yard.ask(client, LEVEL) != b""


def test_a_rule_that_is_off_does_nothing(make):
    yard = make("{}", more=", enabled: false")
    assert yard.ask(yard.connect(), LEVEL)
    assert yard.plant.faults["bad"].matched == 0


def test_a_unit_id_nobody_has_is_nobodys_business(make):
    yard = make("{}")
    assert yard.ask(yard.connect(), LEVEL, 77) == answer("83 0B", 77)


def test_half_a_request_touches_nothing(make):
    yard = make("{address: 0-65535}")
    assert yard.ask(yard.connect(), "03 00") == answer("83 03")
