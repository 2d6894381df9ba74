"""Expectations: what clients are expected to ask, against what they asked."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.client import profile
from simulator.expectations.checking import Outcome, check
from simulator.expectations.wanted import describe, read_expectation
from simulator.journal import Journal
from simulator.profiles.loader import ProfileLibrary


class Devices:
    """Rows with names."""

    def __init__(self, name: str, kind: Any) -> None:
        self.name = name
        self.profile = kind

    def name_of(self, row: int) -> str:
        return f"{self.name}-{row}"


METER = Devices("meter", profile("energy-meter"))
POINTS = {
    "level": {"table": "holding_register", "address": 10, "data_type": "float32"},
    "mode": {"table": "holding_register", "address": 20, "data_type": "uint16", "enum": {0: "off", 1: "on"}},
    "alarm": {"table": "holding_register", "address": 21, "data_type": "bool", "bit": 3},
    "valves": {"table": "coil", "address": 4, "data_type": "bool", "count": 3},
}
TANK = Devices("tank", ProfileLibrary(inline={"tank": {"points": POINTS}}).get("tank"))


def journal_of(*requests: tuple[float, str], home: Any = TANK, row: int = 0, length: int = 100) -> Journal:
    journal = Journal(length)
    for at, pdu in requests:
        journal.add((at, at, home, row, "10.0.0.1:5000", 1, 0, bytes.fromhex(pdu), 0))
    return journal


def outcome(
    journal: Journal, now: float = 10.0, since: float = 0.0, rows: int = 1, **expected: Any
) -> Outcome:
    return check(read_expectation(expected), journal, [(TANK, 0, rows)], since, now)


LEVEL = "03 000a 0002"


def test_a_point_is_read_at_least_every_two_seconds() -> None:
    steady = journal_of(*((float(second), LEVEL) for second in range(0, 11, 2)))
    assert outcome(steady, read="level", every=2)
    assert outcome(steady, read="level", every="2s")
    late = journal_of((0.5, LEVEL), (2, LEVEL), (5, LEVEL), (6.5, LEVEL), (8, LEVEL), (9.5, LEVEL))
    missed = outcome(late, read="level", every=2)
    assert not missed
    assert "tank-0: nothing came from 2.000 s to 5.000 s, which is 3 s; expected every 2 s" in missed.text
    assert "*      2.000 s  tank-0" in missed.text


def test_the_ends_of_the_time_count_too() -> None:
    assert not outcome(journal_of((5, LEVEL)), read="level", every=4)
    assert outcome(journal_of((5, LEVEL)), read="level", every=5)
    assert not outcome(journal_of((5, LEVEL)), read="level", every=5, now=10.5)
    assert outcome(journal_of((5, LEVEL)), read="level", every=2, since=4.0, now=6.0)


def test_every_is_about_each_device() -> None:
    found = outcome(journal_of((5, LEVEL)), read="level", every=5, rows=2)
    assert not found
    assert "tank-1: nothing came from 0.000 s to 10.000 s" in found.text
    assert "tank-0:" not in found.text.replace("tank-0: ", "tank-0:").split("what came")[0]


def test_a_write_arrived_once_with_its_value() -> None:
    wrote = journal_of((1, "10 000a 0002 04 41c80000"))  # 25.0
    assert outcome(wrote, write="level", value=25, times=1)
    assert not outcome(wrote, write="level", value=26)
    assert not outcome(journal_of(*[(1, "10 000a 0002 04 41c80000")] * 2), write="level", times=1)
    half = journal_of((1, "06 000a 41c8"))
    assert outcome(half, write="level")
    assert not outcome(half, write="level", value=25)


def test_values_are_those_of_the_point() -> None:
    assert outcome(journal_of((1, "06 0014 0001")), write="mode", value="on")
    assert not outcome(journal_of((1, "06 0014 0001")), write="mode", value="off")
    assert outcome(journal_of((1, "06 0015 ffff")), write="alarm", value=True)
    assert outcome(journal_of((1, "06 0015 fff7")), write="alarm", value=False)
    assert outcome(journal_of((1, "0f 0004 0003 01 05")), write="valves", value=[True, False, True])
    assert outcome(journal_of((1, "0f 0002 0008 01 14")), write="valves", value=[True, False, True])
    assert not outcome(journal_of((1, "05 0004 ff00")), write="valves", value=[True, False, False])
    assert not outcome(journal_of((1, "16 0014 0000 0001")), write="mode", value="on")


def test_addresses_are_meant_as_well_as_points() -> None:
    wrote = journal_of((1, "10 0014 0002 04 0005 0006"))
    assert outcome(wrote, write={"address": "20-21"}, value=[5, 6])
    assert outcome(wrote, write={"address": 21}, value=6)
    assert outcome(wrote, write={"table": "holding_register", "address": "0-100"})
    assert outcome(wrote, write={"table": "coil", "address": "0-100"}, never=True)
    assert outcome(journal_of((1, "01 0004 0001")), read={"table": "coil", "address": 4})


def test_reading_and_writing_at_once_is_both() -> None:
    both = journal_of((1, "17 000a 0002 0014 0001 02 0001"))
    assert outcome(both, read="level", times=1)
    assert outcome(both, write="mode", value="on", times=1)
    assert outcome(both, read="mode", never=True)


def test_never_and_counts() -> None:
    three = journal_of((1, LEVEL), (1.5, LEVEL), (1.9, LEVEL), (3, "06 0014 0001"))
    assert outcome(three, read="mode", never=True)
    never = outcome(three, never=True)
    assert "came 4 times, expected never" in never.text
    assert outcome(three, read=True, at_least=3, at_most=3)
    assert "came 3 times, expected 4 times or more" in outcome(three, read=True, at_least=4).text
    assert "came 3 times, expected twice at most" in outcome(three, read=True, at_most=2).text
    assert outcome(three, function=6, times=1)
    assert outcome(three, function=[3, 6], times=4)
    assert outcome(three, client="10.0.0.1", unit=1, times=4)
    assert outcome(three, client="10.0.0.2", times=0)
    assert "came not once, expected once or more" in outcome(three, client="10.0.0.2").text


def test_no_more_than_so_many_in_any_second() -> None:
    requests = journal_of((0.0, LEVEL), (0.9, LEVEL), (1.0, LEVEL), (1.5, LEVEL), (5, LEVEL))
    assert outcome(requests, per_second=3)
    text = outcome(requests, per_second=2).text
    assert "3 came in the second from 0.900 s on, expected 2 at most" in text


def test_counting_each_device_by_itself() -> None:
    journal = journal_of((1, LEVEL))
    journal.add((2.0, 2.0, TANK, 1, "c:1", 1, 0, bytes.fromhex(LEVEL), 0))
    journal.add((3.0, 3.0, TANK, 1, "c:1", 1, 0, bytes.fromhex(LEVEL), 0))
    assert outcome(journal, rows=2, read="level", times=3)
    found = outcome(journal, rows=2, read="level", times=1, each=True)
    assert "tank-1: came twice, expected once" in found.text


def test_only_a_part_of_the_time() -> None:
    journal = journal_of((1, LEVEL), (8, LEVEL))
    assert outcome(journal, read="level", since=5, times=1)
    assert outcome(journal, read="level", last="5s", times=1)
    assert outcome(journal, read="level", last=1, never=True)


def test_what_is_forgotten_proves_nothing() -> None:
    journal = journal_of(*((float(second), LEVEL) for second in range(11)), length=4)
    found = outcome(journal, write="mode", never=True)
    assert not found
    assert "the journal has forgotten 7 requests from before 7.000 s" in found.text
    assert outcome(journal, write="mode", never=True, last=2)


def test_other_devices_do_not_count() -> None:
    journal = journal_of((1, LEVEL), home=METER)
    journal.add((1.0, 1.0, TANK, 5, "c:1", 1, 0, bytes.fromhex(LEVEL), 0))
    assert outcome(journal, never=True)
    assert "what came: nothing at all" in outcome(journal, read=True).text


def test_only_the_last_requests_are_shown() -> None:
    text = outcome(journal_of(*[(1, LEVEL)] * 25), never=True).text
    assert "the last 10 of 25" in text
    assert text.count("tank-0  10.0.0.1") == 10


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"evry": 2}, "unknown key 'evry', expected"),
        ({"evry": 2}, "did you mean 'every'?"),
        ({"every": -1}, "every is -1: seconds are -1, expected 0 or more"),
        (
            {"every": "2 parsecs"},
            "every is '2 parsecs': duration is '2 parsecs', expected a number and a unit",
        ),
        ({"read": "a", "write": "b"}, "both read and write are given, expected one of them"),
        ({"value": 1}, "value is given, expected a point or addresses in write with it"),
        ({"since": 1, "last": 1}, "both since and last are given, expected one of them"),
        ({"never": True, "times": 1}, "never is given beside times, expected one of them"),
        ({"times": "1"}, "times is '1'"),
        ({"read": {"adress": 1}}, "read"),
        ({"write": {"table": "holding", "address": 99999}}, "write"),
        ({"write": {"table": "holdin", "address": 9}}, "write"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_expectation(wrong)
    assert told in str(caught.value)


def test_an_expectation_in_words() -> None:
    told = describe(read_expectation({"device": "tank-*", "read": {"address": "1-3"}, "every": 2}))
    assert told == "tank-*: read holding_register 1-3, every 2 s"
    assert describe(read_expectation({"write": "level"})) == "all devices: write level, at_least 1"
    assert describe(read_expectation({"never": True})) == "all devices: never"
