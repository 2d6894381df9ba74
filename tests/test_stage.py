"""What steps do to a plant, and how each is taken back: values, signals, generators, faults, outages."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.origins import Origin

sys.path.insert(0, str(Path(__file__).parent / "server"))

from offline_support import Yard

PLANT = """
seed: 3
signals: {{sun: {{type: constant, value: 100}}}}
faults:
  - {{name: late, when: {{devices: "a-*"}}, then: {{delay: 1ms}}, enabled: false}}
  - {{name: deaf, when: {{devices: "a-1"}}, then: {{drop: true}}}}
devices:
  - {{name: "a-{{n}}", profile: box, endpoint: "tcp://127.0.0.1:0", count: 20}}
  - {{name: "b-{{n}}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-20}}
  - {{name: c, profile: other, endpoint: "tcp://127.0.0.1:0"}}
profiles:
  box:
    points:
      number: {{table: hr, address: 0, data_type: uint16, value: "{{n}}", max: 5000}}
      flag: {{table: coil, address: 3, data_type: bool, value: true}}
      bit: {{table: hr, address: 5, data_type: bool, bit: 3, value: false}}
      bits: {{table: hr, address: 6, data_type: uint32, value: 7}}
      wave: {{table: ir, address: 0, data_type: uint16, generator: {{type: increment, min: 100, max: 999, step: 1}}}}
      light: {{table: ir, address: 1, data_type: uint16, generator: {{type: formula, formula: signal.sun * 2}}}}
  other:
    points:
      only: {{table: hr, address: 0, data_type: uint16, value: 1}}
scenarios:
  s:
{steps}
"""

Play = Callable[..., "Stand"]


class Stand(Yard):
    """A plant with a scenario that has been started."""

    def __init__(self, *steps: str, start: bool = True) -> None:
        super().__init__(PLANT.format(steps="\n".join(f"    - {step}" for step in steps)), with_box=False)
        self.scenario = self.plant.scenarios["s"]
        if start:
            self.scenario.start()

    def until(self, second: float) -> None:
        """Let virtual time come to a second."""
        self.wait(self.plant.time.advance(second - self.plant.now()))
        self.turn()
        assert self.scenario.failed == 0

    def read(self, *names: str, point: str = "number") -> list[Any]:
        """A point of some devices."""
        return [self.plant.read(name, point) for name in names]


@pytest.fixture
def play() -> Iterator[Play]:
    """Open a plant and start a scenario of these steps."""
    stands: list[Stand] = []

    def begin(*steps: str, **settings: Any) -> Stand:
        stands.append(Stand(*steps, **settings))
        return stands[-1]

    yield begin
    for stand in stands:
        stand.close()


def test_a_value_that_is_to_last_gives_way_to_what_was_before(play: Play) -> None:
    stand = play('{at: 1s, set: {devices: ["a-1*", c], point: number, value: 77}, for: 10s}')
    assert stand.read("a-1", "a-2", "a-20") == [1, 2, 20]
    stand.until(2)
    assert stand.read("a-1", "a-2", "a-19", "a-20") == [77, 2, 77, 20]
    stand.plant.write("a-11", "number", 500)
    stand.until(12)
    assert stand.read("a-1", "a-11", "a-19") == [1, 500, 19], "what was written since is left alone"


@pytest.mark.parametrize(
    ("point", "value", "before"), [("flag", False, True), ("bit", True, False), ("bits", 0x12345678, 7)]
)
def test_every_kind_of_point_can_be_set_and_given_back(
    play: Play, point: str, value: Any, before: Any
) -> None:
    stand = play(f'{{set: {{devices: "b-*", point: {point}, value: {str(value).lower()}}}, for: 5s}}')
    stand.until(1)
    assert stand.read("b-1", "b-20", point=point) == [value, value]
    assert stand.read("a-1", point=point) == [before]
    stand.until(6)
    assert stand.read("b-1", "b-20", point=point) == [before, before]
    assert stand.read("b-1", "b-20") == [1, 20], "neighbours are as they were"


def test_the_last_who_sets_a_value_has_it(play: Play) -> None:
    stand = play(
        '{at: 1s, set: {devices: "a-*", point: number, value: 10}, for: 5s}',
        "{at: 2s, set: {devices: [a-1, a-2], point: number, value: 20}, for: 10s}",
    )
    stand.until(3)
    assert stand.read("a-1", "a-2", "a-3") == [20, 20, 10]
    stand.until(7)
    assert stand.read("a-1", "a-2", "a-3") == [20, 20, 3]
    stand.until(13)
    assert stand.read("a-1", "a-2", "a-3") == [1, 2, 3], "as before the first"


def test_a_value_is_held_against_its_generator(play: Play) -> None:
    stand = play('{at: 1s, set: {devices: "a-1", point: wave, value: 5}, for: 10s}')
    stand.until(9)
    assert stand.read("a-1", "a-2", point="wave") == [5, 109]
    stand.until(13)
    assert stand.read("a-1", "a-2", point="wave") == [113, 113]


def test_watchers_hear_of_both(play: Play) -> None:
    stand = play("{at: 1s, set: {devices: a-1, point: number, value: 77}, for: 10s}")
    told: list[Any] = []
    stand.plant.on_write("a-1", "number", lambda *what: told.append(what))
    stand.until(20)
    origin = Origin("scenario", "s")
    assert told == [("a-1", "number", 1, 77, origin), ("a-1", "number", 77, 1, origin)]


def test_signals_are_held_and_let_go(play: Play) -> None:
    stand = play(
        "{at: 1s, set: {signal: sun, value: 300}, for: 4s}",
        "{at: 10s, set: {signal: sun, value: 200}}",
        "{at: 15s, release: {signal: sun}}",
    )
    for second, light in ((0.5, 200), (3, 600), (8, 200), (12, 400), (17, 200)):
        stand.until(second)
        assert stand.read("a-1", point="light") == [light]


def test_release_lets_go_whoever_holds(play: Play) -> None:
    stand = play(
        '{at: 1s, set: {devices: "a-*", point: wave, value: 5}, for: 10s}',
        '{at: 3s, release: {devices: "a-1"}}',
        "{at: 4s, release: {devices: a-2, point: wave}}",
    )
    stand.plant.write("b-1", "wave", 9)
    stand.until(6)
    assert stand.read("a-1", "a-2", "a-3", "b-1", point="wave") == [106, 106, 5, 9]
    stand.until(12)
    assert stand.read("a-3", "b-1", point="wave") == [112, 9]


def test_another_generator_begins_at_its_own_time_0(play: Play) -> None:
    stand = play(
        '{at: 10s, generator: {devices: ["a-1*", c], point: wave,'
        " generator: {type: ramp, from: 0, to: 500, duration: 5s}}, for: 4s}"
    )
    stand.until(10.5)
    assert stand.read("a-1", "a-2", "a-19", point="wave") == [0, 110, 0]
    stand.until(13.5)
    assert stand.read("a-1", "a-2", point="wave") == [300, 113]
    stand.until(16)
    assert stand.read("a-1", "a-2", point="wave") == [116, 116], "where it would have been"


def test_the_later_generator_has_the_rows_both_want(play: Play) -> None:
    stand = play(
        '{at: 1s, generator: {devices: "a-*", point: wave, generator: {type: constant, value: 1}}, for: 10s}',
        "{at: 2s, generator: {devices: a-1, point: wave, generator: {type: constant, value: 2}}, for: 3s}",
        "{at: 20s, generator: {devices: a-3, point: wave, generator: {type: formula, formula: 1 / (t - t)}}}",
    )
    stand.until(3)
    assert stand.read("a-1", "a-2", "b-1", point="wave") == [2, 1, 103]
    stand.until(7)
    assert stand.read("a-1", "a-2", "b-1", point="wave") == [107, 1, 107]
    stand.until(12)
    assert stand.read("a-1", "a-2", "b-1", point="wave") == [112, 112, 112]
    stand.until(25)
    assert stand.read("a-3", point="wave") in ([119], [120]), "what cannot be computed stands still"


def test_random_values_of_a_substitute_are_the_same_on_every_run(play: Play) -> None:
    step = '{at: 2s, generator: {devices: "a-*", point: wave, generator: {type: random_walk, initial: 50, step: 9, min: 0, max: 900}}}'
    runs = []
    for pieces in (1, 7):
        stand = play(step)
        for piece in range(1, pieces + 1):
            stand.until(42 * piece / pieces)
        runs.append(stand.read("a-1", "a-2", "a-20", point="wave"))
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 3


def test_a_fault_stays_on_while_anybody_wants_it(play: Play) -> None:
    stand = play(
        "{at: 1s, fault: late, for: 4s}",
        "{at: 3s, fault: [late, deaf], for: 6s}",
        "{at: 12s, fault: [late]}",
        "{at: 13s, fault: [late, deaf], enabled: false}",
        "{at: 14s, clear: faults}",
    )
    faults = stand.plant.faults
    for second, late, deaf in (
        (0.5, 0, 1),
        (2, 1, 1),
        (6, 1, 1),
        (10, 0, 1),
        (12.5, 1, 1),
        (13.5, 0, 0),
        (15, 0, 1),
    ):
        stand.until(second)
        assert (faults["late"].enabled, faults["deaf"].enabled) == (bool(late), bool(deaf)), second


def test_outages_overlap_and_online_ends_them(play: Play) -> None:
    stand = play(
        '{at: 1s, offline: "a-*", for: 10s}',
        "{at: 2s, offline: {devices: [a-1, a-2]}, how: drop, for: 20s}",
        "{at: 15s, online: a-2}",
    )
    for second, gone in ((0.5, 0), (1.5, 20), (3, 20), (12, 2), (16, 1), (23, 0)):
        stand.until(second)
        assert stand.plant.outages.devices == gone, second


@pytest.mark.parametrize("what", ["all", "faults", "offline", "values"])
def test_clear_takes_back_what_it_says(play: Play, what: str) -> None:
    stand = play(
        "{fault: late}",
        "{offline: 'b-*'}",
        '{set: {devices: "a-*", point: number, value: 10}}',
        "{set: {signal: sun, value: 1}}",
        '{generator: {devices: "a-*", point: wave, generator: {type: constant, value: 1}}}',
        f"{{at: 10s, clear: {what}}}",
        "{at: 20s, clear: all}",
    )
    stand.until(5)

    def state() -> tuple[object, ...]:
        plant = stand.plant
        values = [*stand.read("a-7"), *stand.read("a-7", point="light"), *stand.read("a-7", point="wave")]
        return plant.faults["late"].enabled, plant.outages.devices, values

    assert state() == (True, 20, [10, 2, 1])
    stand.until(12)
    cleared = (False, 0, [7, 200, 112])
    kept = (True, 20, [10, 2, 1])
    picked = {"faults": 0, "offline": 1, "values": 2}.get(what)
    assert state() == tuple(
        after if picked in (None, place) else before
        for place, (before, after) in enumerate(zip(kept, cleared, strict=True))
    )
    stand.until(22)
    assert state() == (False, 0, [7, 200, 122])


def test_what_a_scenario_has_changed_is_taken_back_when_it_is_stopped_and_asked_to(play: Play) -> None:
    stand = play(
        "{fault: late}",
        "{offline: 'b-*'}",
        '{set: {devices: "a-*", point: number, value: 10}}',
        "{at: 99s, clear: all}",
    )
    stand.until(5)
    stand.wait(stand.scenario.stop(restore=True))
    assert stand.plant.outages.devices == 0
    assert not stand.plant.faults["late"].enabled
    assert stand.read("a-3") == [3]


def test_thousands_of_looping_steps_leave_nothing_behind(play: Play) -> None:
    stand = play(
        "{at: 1s, offline: 'b-*'}",
        '{at: 1s, set: {devices: "a-*", point: number, value: 10}}',
        "{at: 2s, fault: late}",
        start=False,
    )
    object.__setattr__(stand.scenario.plan, "rounds", 300)
    stand.scenario.start()
    stand.until(700)
    assert not stand.scenario.is_running
    assert len(stand.plant.outages.outages) == 1
    stand.wait(stand.scenario.stop(restore=True))
    assert stand.plant.outages.outages == ()
    assert stand.read("a-3") == [3]
    assert not stand.plant.faults["late"].enabled
