"""Points that follow from others in a fleet: order, held and written values, errors, full precision."""

from __future__ import annotations

import math
from struct import pack
from typing import Any

import numpy as np
import pytest

from simulator.config.loader import parse_plant
from simulator.errors import ConfigError
from simulator.fleet import Fleet
from simulator.functions.table import answer
from simulator.tracks import Track

HEAD = """
devices:
  - {name: "d-{n}", profile: p, endpoint: "tcp://127.0.0.1:0", unit_id: 1-3}
  - {name: "e-{n}", profile: p, endpoint: "tcp://127.0.0.1:0", unit_id: 1-2, parameters: {rated: 7}VALUES}
profiles:
  p:
    parameters: {rated: 5}
    points:
"""
POINTS = """
      energy: {table: hr, address: 0, data_type: uint32, scale: 0.1, hold: none,
               generator: {type: integrate, of: power, per: 10s}}
      power: {table: hr, address: 2, data_type: int16, generator: {type: formula, formula: "rated * factor + i"}}
      factor: {table: hr, address: 3, data_type: int16, swap: byte, value: 2}
      mode: {table: hr, address: 4, data_type: uint16, enum: {0: stop, 3: run}, value: run}
      status: {table: hr, address: 5, data_type: bits, bits: {1: hot, 4: wet}, value: [wet]}
      pump: {table: coil, address: 0, data_type: bool, value: true}
      sum: {table: hr, address: 6, data_type: float32, generator: {type: formula, formula: "mode + status + pump"}}
      held: {table: hr, address: 8, data_type: float64, hold: 5s, generator: {type: integrate, of: 1}}
      ratio: {table: hr, address: 12, data_type: float32, value: 9.5,
              generator: {type: formula, formula: "10 / factor"}}
      zero: {table: hr, address: 14, data_type: float32,
             generator: {type: formula, formula: "10 / factor", on_error: zero}}
      none: {table: hr, address: 16, data_type: float32,
             generator: {type: formula, formula: "10 / factor", on_error: nan}}
      slow: {table: hr, address: 18, data_type: float32,
             generator: {type: formula, formula: "t", interval: 5s}}
"""


class World:
    """A fleet, moved tick by tick."""

    def __init__(self, points: str = POINTS) -> None:
        values = ", values: {energy: 500}" if "energy" in points else ""
        config = parse_plant(HEAD.replace("VALUES", values) + points)
        self.now = 0.0
        self.fleet = Fleet(config.groups[0].profile, config.groups, seed=1, now=lambda: self.now)
        self.tracks = {track.point.name: track for track in self.fleet.tracks}
        self.tick = -1
        self.run()

    def run(self, ticks: int = 1) -> None:
        """All tracks at 1 s, in their order, in two slices."""
        for _ in range(ticks):
            self.tick += 1
            self.now = float(self.tick)
            for _, tracks in self.fleet.components:
                for start, stop in ((0, 2), (2, 5)):
                    for track in tracks:
                        track.run(self.tick, self.now, start, stop)

    def read(self, row: int, point: str) -> Any:
        return self.fleet.read(row, self.fleet.profile.points[point])

    def write(self, row: int, address: int, *words: int) -> bytes:
        data = b"".join(word.to_bytes(2, "big") for word in words)
        return answer(self.fleet.device(row), pack(">BHHB", 16, address, len(words), len(data)) + data)


@pytest.fixture
def world() -> World:
    return World()


def test_an_input_is_read_at_the_same_instant_and_as_clients_see_it(world: World) -> None:
    assert [world.read(row, "power") for row in range(5)] == [10, 11, 12, 14, 15]
    world.write(0, 3, 0x0400)  # bytes swapped: 4
    world.run()
    assert world.read(0, "power") == 20
    assert world.read(0, "energy") == 2


def test_labels_bits_and_truth_are_numbers_in_formulas(world: World) -> None:
    assert world.read(0, "sum") == 3 + 16 + 1


def test_energy_counts_on_from_where_the_file_says(world: World) -> None:
    assert [world.read(row, "energy") for row in range(5)] == [0, 0, 0, 500, 500]
    world.run(10)
    assert [world.read(row, "energy") for row in range(5)] == [10, 11, 12, 514, 515]


def test_a_counter_that_a_client_resets_counts_on_from_there(world: World) -> None:
    world.run(10)
    world.write(1, 0, 0, 70)  # 7.0, and hold: none
    world.run(10)
    assert world.read(1, "energy") == 18
    assert world.read(0, "energy") == 20


def test_a_held_value_stands_and_is_what_it_goes_on_from(world: World) -> None:
    world.run(3)
    world.write(0, 8, *np.array([100.0], ">f8").view(">u2").tolist())
    world.run(4)
    assert [world.read(row, "held") for row in range(2)] == [100, 7]
    world.run(2)
    assert [world.read(row, "held") for row in range(2)] == [102, 9]


def test_release_lets_it_go_on_from_the_held_value(world: World) -> None:
    world.tracks["held"].hold(0, math.inf)
    world.run(5)
    assert world.read(0, "held") == 0
    world.tracks["held"].release(0)
    world.run(2)
    assert world.read(0, "held") == 2


def test_a_division_by_zero_is_counted_and_shown_as_the_file_says(world: World) -> None:
    assert world.read(0, "ratio") == 5
    world.write(0, 3, 0)
    world.run(2)
    assert [world.read(0, point) for point in ("ratio", "zero")] == [5, 0]
    assert math.isnan(world.read(0, "none"))
    assert world.read(1, "ratio") == 5
    assert {name: world.tracks[name].errors for name in ("ratio", "zero", "none", "power")} == {
        "ratio": 2, "zero": 2, "none": 2, "power": 0,
    }  # fmt: skip
    world.write(0, 3, 0x0100)
    world.run()
    assert world.read(0, "ratio") == 10


def test_an_error_of_a_held_row_is_no_error(world: World) -> None:
    world.tracks["ratio"].hold(0, math.inf)
    world.write(0, 3, 0)
    world.run()
    assert world.tracks["ratio"].errors == 0


def test_an_error_for_all_devices_at_once() -> None:
    world = World(
        """
      bad: {table: hr, address: 0, data_type: int16, value: 4, generator: {type: formula, formula: "1 / (t - t)"}}
      worse: {table: hr, address: 1, data_type: float32,
              generator: {type: formula, formula: "1 / (t - t)", on_error: nan}}
"""
    )
    assert world.read(4, "bad") == 4
    assert math.isnan(world.read(4, "worse"))
    assert world.tracks["bad"].errors == 5


def test_components_of_a_fleet(world: World) -> None:
    named = [
        (interval, [track.point.name for track in tracks]) for interval, tracks in world.fleet.components
    ]
    assert named == [
        (1.0, ["power", "energy"]),
        (1.0, ["sum"]),
        (1.0, ["held"]),
        (1.0, ["ratio"]),
        (1.0, ["zero"]),
        (1.0, ["none"]),
        (5.0, ["slow"]),
    ]
    assert all(isinstance(track, Track) for _, tracks in world.fleet.components for track in tracks)


def test_a_control_loop_settles() -> None:
    world = World(
        """
      setpoint: {table: hr, address: 0, data_type: int16, scale: 0.1, value: 60}
      heater: {table: hr, address: 1, data_type: int16, scale: 0.1,
               generator: {type: pid, of: actual, setpoint: setpoint, kp: 4, ki: 0.2, min: 0, max: 100}}
      actual: {table: hr, address: 2, data_type: float32, value: 20,
               generator: {type: lag, of: "20 + heater", time_constant: 20s}}
"""
    )
    world.run(300)
    assert world.read(2, "actual") == pytest.approx(60, abs=0.2)
    assert world.read(2, "heater") == pytest.approx(40, abs=0.5)


def test_numbers_of_a_device_that_cannot_be_used_are_told_with_the_point() -> None:
    with pytest.raises(ConfigError) as refused:
        World(
            """
      energy: {table: hr, address: 0, data_type: float32, generator: {type: integrate, of: 1, per: "{i}s"}}
"""
        )
    assert str(refused.value).endswith("points.energy.generator: per is 0 for a device, expected more than 0")
