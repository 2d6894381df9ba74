"""All devices of a profile: what they start with, how they differ, how they move, what is held."""

from __future__ import annotations

import gc
import math
import weakref
from typing import Any

import pytest

from simulator.config.loader import parse_plant
from simulator.errors import IllegalDataAddress, IllegalDataValue
from simulator.fleet import Fleet
from simulator.functions.table import answer
from simulator.protocol.codes import Table

PROFILE = """
profiles:
  box:
    identity: {vendor_name: Acme, product_code: "BOX-{rated}", revision: "1.0",
               user_application_name: "{name}",
               objects: {0x80: "0x00ff10", 0x81: "number {n:03}"}}
    parameters: {rated: 100, label: east}
    tables:
      holding_register: {block: sequential, count: 60, fill: 0xAAAA, values: {50: [1, 2, 3]}}
      coil: {block: sequential, count: 20, fill: true, values: {4: [false, true, false]}}
    points:
      level: {table: hr, address: 0, data_type: int16, scale: 0.1, value: 12.5}
      number: {table: hr, address: 1, data_type: uint16, value: "{n}"}
      rated: {table: hr, address: 2, data_type: float32, value: "{rated}"}
      serial: {table: hr, address: 4, data_type: string, length: 8, value: "SN-{label}-{i:04}", access: ro}
      mode: {table: hr, address: 12, data_type: uint16, enum: {0: stop, 3: run}, value: run}
      steps: {table: hr, address: 13, data_type: int16, count: 3, value: [1, -2, 3]}
      running: {table: hr, address: 20, data_type: bool, bit: 0, value: true}
      alarm: {table: hr, address: 20, data_type: bool, bit: 9, value: false}
      status: {table: hr, address: 21, data_type: bits, bits: {1: hot, 4: wet}, value: [wet]}
      swapped: {table: hr, address: 22, data_type: uint32, byte_order: CDAB, value: 0x12345678}
      plain: {table: hr, address: 24, data_type: uint16}
      pump: {table: coil, address: 0, data_type: bool, value: false}
      valves: {table: coil, address: 8, data_type: bool, count: 4, value: [true, false, true, false]}
      power: {table: ir, address: 0, data_type: float32,
              generator: {type: increment, min: 0, max: 1000, step: 10}}
      setpoint: {table: hr, address: 30, data_type: uint16, hold: 30s, max: 500,
                 generator: {type: increment, min: 100, max: 10000, step: 1}}
      target: {table: hr, address: 31, data_type: uint16,
               generator: {type: increment, min: 0, max: 10000, step: 1}}
      free: {table: hr, address: 32, data_type: uint16, hold: none,
             generator: {type: increment, min: 0, max: 10000, step: 1}}
      phase: {table: ir, address: 2, data_type: uint16, generator: {type: constant, value: "{i}"}}
      blink: {table: discrete_input, address: 3, data_type: bool, generator: {type: toggle}}
      noisy: {table: ir, address: 3, data_type: uint16, generator: {type: random, min: 0, max: 65535}}
"""
DEVICES = """
devices:
  - {name: "a-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-3}
  - {name: "b-{i:02}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-2,
     parameters: {rated: 250, label: west},
     values: {level: 99.9, number: 7, mode: stop, serial: "b{n}", running: false, pump: true,
              steps: [4, 5, 6]}}
"""


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def make(time):
    """The fleet of a plant text."""

    def make(text: str = DEVICES + PROFILE, seed: int = 0) -> Fleet:
        config = parse_plant(text)
        return Fleet(config.groups[0].profile, config.groups, seed=seed, now=time)

    return make


@pytest.fixture
def fleet(make):
    return make()


def value(fleet: Fleet, row: int, name: str) -> Any:
    return fleet.read(row, fleet.profile.points[name])


def values(fleet: Fleet, name: str) -> list[Any]:
    return [value(fleet, row, name) for row in range(fleet.count)]


def beat(fleet: Fleet, tick: int) -> None:
    """One beat of all points, in slices as a ticker may cut them."""
    for track in fleet.tracks:
        track.run(tick, tick * track.interval, 0, 2)
        track.run(tick, tick * track.interval, 2, fleet.count)


def write(fleet: Fleet, row: int, address: int, *words: int) -> None:
    data = b"".join(word.to_bytes(2, "big") for word in words)
    fleet.device(row).write(Table.HOLDING_REGISTER, address, len(words), data)


# --- what they start with


def test_templates_in_an_array_are_filled_in_for_each_device(make):
    fleet = make("""
profiles: {box: {parameters: {size: 40}, points: {
  steps: {table: hr, address: 0, data_type: uint16, count: 3, value: [1, "{n}", "{size}"]}}}}
devices: [{name: "a-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-3}]
""")
    assert values(fleet, "steps") == [[1, 1, 40], [1, 2, 40], [1, 3, 40]]


# --- who is who


def test_groups_are_runs_of_rows(fleet):
    assert fleet.count == 5
    assert [fleet.owner(row)[0].index for row in range(5)] == [0, 0, 0, 1, 1]
    assert [fleet.owner(row)[1] for row in range(5)] == [0, 1, 2, 0, 1]
    assert [fleet.name_of(row) for row in range(5)] == ["a-1", "a-2", "a-3", "b-00", "b-01"]


def test_a_device_is_one_object_while_somebody_holds_it_and_goes_with_them(fleet):
    device = fleet.device(2)
    assert fleet.device(2) is device
    assert fleet.device(1) is not device
    gone = weakref.ref(device)
    answer(device, bytes.fromhex("03 0000 0001"))
    del device
    gc.collect()
    assert gone() is None
    answer(fleet.device(2), bytes.fromhex("03 0000 0001"))
    assert list(fleet.kind.requests) == [0, 0, 2, 0, 0]


def test_a_device_without_a_table_has_no_address_in_it(make):
    text = (
        "devices: [{name: a, profile: p, endpoint: 'tcp://127.0.0.1:0'}]\n"
        "profiles: {p: {points: {x: {table: coil, address: 3}}}}\n"
    )
    device = make(text).device(0)
    assert device.coils.read(3, 1) == b"\x00"
    for block, address in [(device.coils, 2), (device.coils, 4), (device.holding_registers, 3)]:
        with pytest.raises(IllegalDataAddress):
            block.read(address, 1)


# --- what they start with


@pytest.mark.parametrize(
    ("name", "in_a", "in_b"),
    [
        ("level", 12.5, 99.9),
        ("number", [1, 2, 3], 7),
        ("rated", 100.0, 250.0),
        ("serial", ["SN-east-0000", "SN-east-0001", "SN-east-0002"], ["b1", "b2"]),
        ("mode", "run", "stop"),
        ("steps", [[1, -2, 3]] * 3, [[4, 5, 6]] * 2),
        ("running", True, False),
        ("alarm", False, False),
        ("status", [["wet"]] * 3, [["wet"]] * 2),
        ("swapped", 0x12345678, 0x12345678),
        ("plain", 0xAAAA, 0xAAAA),
        ("pump", False, True),
        ("valves", [[True, False, True, False]] * 3, [[True, False, True, False]] * 2),
    ],
)
def test_points_start_with_the_value_of_the_group_or_the_profile(fleet, name, in_a, in_b):
    expected = in_a if isinstance(in_a, list) else [in_a] * 3
    expected = expected + (in_b if isinstance(in_b, list) else [in_b] * 2)
    assert values(fleet, name) == expected


def test_every_value_stands_where_the_wire_has_it(fleet):
    device = fleet.device(1)
    words = device.holding_registers.read(0, 60).hex(" ", 2).split()
    assert words[0:4] == ["007d", "0002", "42c8", "0000"]
    assert bytes.fromhex("".join(words[4:12])) == b"SN-east-0001\0\0\0\0"
    assert words[12:16] == ["0003", "0001", "fffe", "0003"]
    assert words[16:20] == ["aaaa"] * 4
    assert words[20] == "a8ab"  # the fill, with bit 0 set and bit 9 cleared
    assert words[21:24] == ["0010", "5678", "1234"]
    assert words[49:54] == ["aaaa", "0001", "0002", "0003", "aaaa"]
    #                                   7-0       15-8      19-16
    assert device.coils.read(0, 20) == bytes((0b10101110, 0b11110101, 0b1111))


def test_a_table_shared_by_two_is_one(make):
    text = """
devices: [{name: a, profile: p, endpoint: "tcp://127.0.0.1:0"}]
profiles:
  p:
    tables:
      discrete_input: {block: sequential, count: 8}
      coil: {share: discrete_input}
"""
    device = make(text).device(0)
    device.write(Table.COIL, 2, 2, b"\x03")
    assert device.discrete_inputs.read(0, 8) == b"\x0c"
    assert device.input_registers.map.size == 0


def test_what_one_device_is_told_no_other_hears(fleet):
    before = [fleet.device(row).holding_registers.read(0, 60) for row in range(5)]
    coils = [fleet.device(row).coils.read(0, 20) for row in range(5)]
    write(fleet, 2, 50, 9, 9, 9)
    fleet.device(2).write(Table.COIL, 1, 19, b"\x00\x00\x00")
    for row in (0, 1, 3, 4):
        assert fleet.device(row).holding_registers.read(0, 60) == before[row]
        assert fleet.device(row).coils.read(0, 20) == coils[row]


def test_each_device_has_its_identity(fleet):
    assert fleet.device(1).identity() == {
        0x00: b"Acme",
        0x01: b"BOX-100",
        0x02: b"1.0",
        0x06: b"a-2",
        0x80: b"\x00\xff\x10",
        0x81: b"number 002",
    }
    assert fleet.device(4).identity()[0x01] == b"BOX-250"
    assert fleet.device(4).identity()[0x06] == b"b-01"
    assert fleet.device(4).identity()[0x81] == b"number 002"


# --- how they move


def test_generated_points_take_the_value_of_the_beat_in_every_device(fleet):
    beat(fleet, 0)
    assert values(fleet, "power") == [0.0] * 5
    assert values(fleet, "phase") == [0, 1, 2, 0, 1]
    assert values(fleet, "blink") == [False] * 5
    beat(fleet, 1)
    beat(fleet, 2)
    beat(fleet, 3)
    assert values(fleet, "power") == [30.0] * 5
    assert values(fleet, "setpoint") == [103] * 5
    assert values(fleet, "blink") == [True] * 5
    assert values(fleet, "level") == [12.5] * 3 + [99.9] * 2


def test_random_values_differ_by_device_and_depend_on_the_seed_alone(make):
    fleets = [make(seed=seed) for seed in (1, 1, 2)]
    for fleet in fleets:
        beat(fleet, 0)
    first, again, other = (values(fleet, "noisy") for fleet in fleets)
    assert first == again
    assert first != other
    assert len(set(first)) > 1


# --- what clients write


def test_a_value_a_client_wrote_holds_for_its_device(fleet, time):
    beat(fleet, 0)
    write(fleet, 1, 31, 4242)
    for tick in range(1, 100):
        time.now = float(tick)
        beat(fleet, tick)
    assert values(fleet, "target") == [99, 4242, 99, 99, 99]


def test_a_hold_ends_when_its_time_has_passed(fleet, time):
    beat(fleet, 0)
    time.now = 10.5
    write(fleet, 3, 30, 7)
    seen = []
    for tick in range(11, 45):
        time.now = float(tick)
        beat(fleet, tick)
        seen.append(value(fleet, 3, "setpoint"))
    assert seen == [7] * 30 + [141, 142, 143, 144]  # 10.5 s and 30 s more: from second 41 on it moves


def test_writing_again_starts_the_hold_anew(fleet, time):
    beat(fleet, 0)
    write(fleet, 0, 30, 7)
    time.now = 20.0
    write(fleet, 0, 30, 8)
    beat(fleet, 40)
    assert value(fleet, 0, "setpoint") == 8
    beat(fleet, 51)
    assert value(fleet, 0, "setpoint") == 151


def test_hold_none_lets_the_next_beat_write(fleet):
    beat(fleet, 0)
    write(fleet, 0, 32, 500)
    assert value(fleet, 0, "free") == 500
    beat(fleet, 1)
    assert value(fleet, 0, "free") == 1


def test_a_released_point_moves_again(fleet):
    beat(fleet, 0)
    write(fleet, 0, 31, 4242)
    write(fleet, 4, 31, 4242)
    track = next(track for track in fleet.tracks if track.point.name == "target")
    track.release(0)
    beat(fleet, 5)
    assert values(fleet, "target") == [5, 5, 5, 5, 4242]


def test_a_refused_write_holds_nothing(fleet):
    beat(fleet, 0)
    with pytest.raises(IllegalDataValue):
        write(fleet, 0, 30, 501)
    with pytest.raises(IllegalDataAddress):
        write(fleet, 0, 11, 1, 3)  # the last register of serial, and mode
    beat(fleet, 1)
    assert value(fleet, 0, "setpoint") == 101
    assert value(fleet, 0, "mode") == "run"


def test_writes_of_other_tables_are_not_bound_by_rules_at_the_same_address(fleet):
    fleet.device(0).write(Table.COIL, 4, 8, b"\x00")  # serial stands at these addresses in holding registers
    assert fleet.device(0).coils.read(4, 8) == b"\x00"


def test_the_track_says_which_point_it_is(fleet):
    assert "point power" in map(repr, fleet.tracks)
    assert all(math.isclose(track.interval, 1.0) for track in fleet.tracks)
