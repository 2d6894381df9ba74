"""From the profile to the PDU: what the rarer functions answer for the devices of a fleet."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.config.loader import parse_plant
from simulator.fleet import Fleet
from simulator.functions.table import answer

POINTS = """
    points:
      power: {table: ir, address: 0, data_type: uint16, generator: {type: increment, min: 0, max: 999, step: 1}}
      energy: {table: ir, address: 2, data_type: uint32, generator: {type: increment, min: 0, max: 999, step: 2}}
      blink: {table: di, address: 3, data_type: bool, generator: {type: toggle}}
      high: {table: hr, address: 0, data_type: bool, bit: 9}
      status: {table: hr, address: 1, data_type: bits, bits: {0: ready, 15: hot}, value: [hot]}
"""
DEVICES = """
devices:
  - {name: "a-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-2}
  - {name: b, profile: box, endpoint: "tcp://127.0.0.1:0", parameters: {rated: 7}}
profiles:
  box:
    identity: {product_code: "BOX-{n}", objects: {0x80: "{name}", 0x81: "0x00fe"}}
    parameters: {rated: 3}
"""

Make = Callable[[str], Fleet]


@pytest.fixture
def make() -> Make:
    """The fleet of three devices, of a profile with these keys beside its points."""

    def make(keys: str = "") -> Fleet:
        config = parse_plant(f"{DEVICES}    {keys}{POINTS}")
        return Fleet(config.groups[0].profile, config.groups, seed=0, now=lambda: 0.0)

    return make


def beat(fleet: Fleet, ticks: int) -> None:
    """So many ticks of all points, each in two slices."""
    for tick in range(ticks):
        for track in fleet.tracks:
            track.run(tick, tick * track.interval, 0, 2)
            track.run(tick, tick * track.interval, 2, 3)


def say(fleet: Fleet, request: str, row: int = 0) -> str:
    return answer(fleet.device(row), bytes.fromhex(request)).hex(" ").upper()


def test_without_a_word_a_device_has_none_of_them_but_17(make):
    fleet = make()
    assert [
        say(fleet, each)
        for each in ("07", "14 07 06 0001 0000 0001", "15 09 06 0001 0000 0001 0000", "18 0000")
    ] == [
        "87 01",
        "94 01",
        "95 01",
        "98 01",
    ]
    # the product code is the id, and it runs
    assert bytes.fromhex(say(fleet, "11", 1)) == b"\x11\x06BOX-2\xff"


def test_17_is_filled_in_for_each_device(make):
    fleet = make('server_id: {id: 0x1122, running: false, additional: "{name} {rated}"}')
    assert bytes.fromhex(say(fleet, "11", 1)) == b"\x11\x08\x11\x22\x00a-2 3"
    assert bytes.fromhex(say(fleet, "11", 2)) == b"\x11\x06\x11\x22\x00b 7"


def test_17_adds_bytes(make):
    assert say(make('server_id: {id: 0x11, additional: "0x00FF"}'), "11") == "11 04 11 FF 00 FF"


def test_07_reads_points_and_bits_as_they_are(make):
    fleet = make("exception_status: [hot, blink, high, ready]")
    assert say(fleet, "07") == "07 01"
    say(fleet, "06 0000 0200")  # high
    say(fleet, "06 0001 0001", 0)  # ready, and not hot
    assert say(fleet, "07") == "07 0C"
    assert say(fleet, "07", 1) == "07 01"
    beat(fleet, 2)  # blink is on at the second
    assert say(fleet, "07", 1) == "07 03"


def test_07_may_be_a_number(make):
    assert say(make("exception_status: 0x6D"), "07", 2) == "07 6D"


def test_20_and_21_begin_with_the_profile_and_go_their_own_ways(make):
    fleet = make("files: {4: {records: 100, fill: 0, values: {1: [0x0DFE, 0x0020]}}}")
    read = "14 07 06 0004 0001 0002"
    assert [say(fleet, read, row) for row in range(3)] == ["14 06 05 06 0D FE 00 20"] * 3
    say(fleet, "15 09 06 0004 0002 0001 BEEF", 1)
    assert say(fleet, read, 1) == "14 06 05 06 0D FE BE EF"
    assert [say(fleet, read, row) for row in (0, 2)] == ["14 06 05 06 0D FE 00 20"] * 2
    assert fleet.kind.files.copies == 1


def test_24_of_a_million_devices_is_one_queue_until_somebody_writes(make):
    fleet = make("fifos: {0x04DE: {values: [0x01B8, 0x1284]}}")
    assert say(fleet, "18 04DE", 2) == "18 00 06 00 02 01 B8 12 84"
    assert say(fleet, "06 04DE 0001", 1) == "06 04 DE 00 01"
    assert say(fleet, "18 04DE", 1) == "18 00 08 00 03 01 B8 12 84 00 01"
    assert say(fleet, "18 04DE", 2) == "18 00 06 00 02 01 B8 12 84"
    assert say(fleet, "03 04DE 0001", 1) == "83 02"  # no register stands there


def test_24_is_filled_by_the_generator_at_each_tick(make):
    fleet = make("fifos: {9: {from: power, depth: 4}}")
    assert say(fleet, "18 0009") == "18 00 02 00 00"
    beat(fleet, 3)
    assert say(fleet, "18 0009", 1) == "18 00 08 00 03 00 00 00 01 00 02"
    beat(fleet, 3)
    assert say(fleet, "18 0009", 2) == "18 00 0A 00 04 00 02 00 00 00 01 00 02"
    assert say(fleet, "06 0009 0000") == "86 02"


def test_24_of_two_register_values_keeps_whole_ones(make):
    fleet = make("fifos: {9: {from: energy}}")
    beat(fleet, 20)
    registers = say(fleet, "18 0009").split()[5:]
    assert say(fleet, "18 0009").startswith("18 00 3E 00 1E")  # 30 registers: 15 values
    assert registers[:8] == ["00", "00", "00", "0A", "00", "00", "00", "0C"]
    assert registers[-4:] == ["00", "00", "00", "26"]


def test_24_answers_03_when_a_generator_has_put_in_more_than_31(make):
    fleet = make("fifos: {9: {from: power, depth: 40}}")
    beat(fleet, 31)
    assert say(fleet, "18 0009").startswith("18 00 40 00 1F")
    beat(fleet, 1)
    assert say(fleet, "18 0009") == "98 03"


def test_24_holds_what_a_client_holds(make):
    """A written value stands against the generator, and so does what goes into the queue."""
    text = """fifos: {9: {from: target}}
    points:
      target: {table: hr, address: 0, data_type: uint16, generator: {type: increment, min: 0, max: 999, step: 1}}"""
    config = parse_plant(f"{DEVICES}    {text}\n")
    fleet = Fleet(config.groups[0].profile, config.groups, seed=0, now=lambda: 0.0)
    beat(fleet, 1)
    say(fleet, "06 0000 BEEF", 1)
    beat(fleet, 2)
    assert say(fleet, "18 0009", 1) == "18 00 08 00 03 00 00 BE EF BE EF"
    assert say(fleet, "18 0009", 0) == "18 00 08 00 03 00 00 00 00 00 01"


def test_a_register_at_the_pointer_counts(make):
    fleet = make(
        "tables: {hr: {ranges: 0-20}}\n    fifos: {9: {values: [1, 2]}, 10: {from: power, depth: 2}}"
    )
    assert [say(fleet, "03 0009 0002", row) for row in range(3)] == ["03 04 00 02 00 00"] * 3
    say(fleet, "06 0009 0003", 1)
    say(fleet, "10 0009 0002 04 0004 0005", 1)
    assert say(fleet, "18 0009", 1) == "18 00 0C 00 05 00 01 00 02 00 03 00 04 00 05"
    beat(fleet, 3)
    assert say(fleet, "03 0009 0002", 1) == "03 04 00 05 00 02"
    assert say(fleet, "03 0009 0002", 2) == "03 04 00 02 00 02"


def test_a_queue_needs_no_holding_registers():
    config = parse_plant(f"{DEVICES}    fifos: {{9: {{depth: 1}}}}\n")
    fleet = Fleet(config.groups[0].profile, config.groups, seed=0, now=lambda: 0.0)
    assert say(fleet, "06 0009 1234") == "06 00 09 12 34"
    assert say(fleet, "18 0009") == "18 00 04 00 01 12 34"
    assert say(fleet, "06 0008 1234") == "86 02"


def test_43_14_has_private_objects_as_text_and_bytes(make):
    fleet = make()
    assert bytes.fromhex(say(fleet, "2B 0E 04 80", 2)) == b"\x2b\x0e\x04\x83\x00\x00\x01\x80\x01b"
    assert say(fleet, "2B 0E 04 81") == "2B 0E 04 83 00 00 01 81 02 00 FE"


def test_what_a_device_remembers_outlives_the_object(make):
    fleet = make()
    say(fleet, "08 0004 0000", 1)
    assert say(fleet, "08 0000 1234", 1) == ""
    assert say(fleet, "08 0000 1234", 0) == "08 00 00 12 34"
    assert fleet.kind.aside == bytearray((0, 1, 0))
    say(fleet, "08 0001 0000", 1)
    assert say(fleet, "0C", 1) == "0C 0F 00 00 00 00 00 01 80 00 60 A0 60 A0 60 04 80"
