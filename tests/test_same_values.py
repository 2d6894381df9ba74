"""The same seed gives the same registers at the same virtual time, however that time was reached."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.testing import MemoryReactorClock

from simulator.blocks.fleet import FleetTable
from simulator.config.loader import parse_plant
from simulator.config.plant import PlantConfig
from simulator.fleet import Fleet
from simulator.plant import Plant
from simulator.protocol.codes import Table

PLANT = """
name: twice
seed: 11
signals:
  wind: {type: random_walk, initial: 8, step: 0.5, min: 0, max: 30, interval: 700ms}
  gust: {type: formula, formula: "signal.wind * (1 + 0.3 * random())", interval: 250ms}
profiles:
  mill:
    parameters: {rating: 2000}
    points:
      chance: {table: ir, address: 0, data_type: float32, generator: {type: random, min: 0, max: 1, interval: 300ms}}
      walk: {table: ir, address: 2, data_type: float32, generator: {type: random_walk, initial: 5, step: 1, interval: 100ms}}
      wave: {table: ir, address: 4, data_type: int16, generator: {type: sine, min: 0, max: 9000, period: 7s, phase: "{i}s", noise: 50}}
      power: {table: ir, address: 6, data_type: float32,
              generator: {type: formula, formula: "min(rating, signal.gust ** 3 + 10 * walk)", interval: 200ms}}
      smooth: {table: hr, address: 0, data_type: float32, generator: {type: lag, of: power, time_constant: 5s, interval: 500ms}}
      energy: {table: hr, address: 2, data_type: uint32, scale: 0.001, generator: {type: integrate, of: power, per: 1h}}
      running: {table: di, address: 0, data_type: bool, generator: {type: formula, formula: "smooth > 200"}}
      slow: {table: hr, address: 5, data_type: uint16, generator: {type: increment, min: 0, max: 65535, step: 1, interval: 3s}}
devices:
  - {name: "a-{n}", profile: mill, endpoint: "tcp://127.0.0.1:0", unit_id: 1-70}
  - {name: "b-{n}", profile: mill, endpoint: "tcp://127.0.0.1:0", unit_id: 1-37, parameters: {rating: 500}}
  - {name: "c-{n}", profile: energy-meter, endpoint: "tcp://127.0.0.1:0", unit_id: 1-9}
"""
END = 41.3


@pytest.fixture(scope="module")
def config() -> PlantConfig:
    return parse_plant(PLANT)


class Run:
    """A plant that runs, without its listeners: who asks is not the matter here."""

    def __init__(self, config: PlantConfig, scale: float = 1.0, part: tuple[int, int] = (0, 1)) -> None:
        self.reactor = MemoryReactorClock()
        self.plant = Plant(config, self.reactor, part=part)
        self.plant.time.scale = scale
        for _ in self.plant.ticker.prime():
            pass
        self.plant.startService()

    def advance(self, seconds: float = END) -> Run:
        self.plant.time.pause()
        advanced = self.plant.time.advance(seconds - self.plant.now())
        self.reactor.advance(0)
        assert advanced.called
        return self

    def dump(self) -> dict[str, str]:
        """A digest of every table of every fleet, and every signal."""
        paused = self.plant.time.pause()
        self.reactor.advance(0)
        assert paused.called
        found = {name: repr(value) for name, value in self.plant.signals.items()}
        return found | {place: digest(kept.cells) for place, kept in tables(self)}


def tables(run: Run) -> Iterator[tuple[str, FleetTable]]:
    for fleet in run.plant.fleets:
        for table, kept in fleet.tables.items():
            yield f"{fleet.name} {table.name}", kept


def digest(cells: np.ndarray) -> str:
    return hashlib.sha256(cells.tobytes()).hexdigest()[:12]


@pytest.fixture(scope="module")
def expected(config: PlantConfig) -> dict[str, str]:
    return Run(config).advance().dump()


def test_two_runs_are_alike_and_move(config, expected):
    assert Run(config).advance().dump() == expected
    earlier = Run(config).advance(END - 10).dump()
    still = {name for name, value in expected.items() if value == earlier[name]}
    assert still <= {"energy-meter COIL", "energy-meter DISCRETE_INPUT", "energy-meter HOLDING_REGISTER"}


def test_another_seed_is_another_plant(expected):
    assert Run(parse_plant(PLANT, seed=12)).advance().dump() != expected


@settings(max_examples=10, deadline=None)
@given(
    scale=st.sampled_from([0.01, 0.37, 1.0, 13.0, 1000.0, 100_000.0]),
    steps=st.lists(st.floats(0.001, 20), min_size=1, max_size=30),
)
def test_real_time_in_odd_steps_at_any_scale_gives_what_an_advance_gives(config, expected, scale, steps):
    run = Run(config, scale)
    left = END - 0.3  # a timer of a microsecond is a tenth of a second at the fastest
    for step in steps:
        run.reactor.advance(min(step, left) / scale)
        left = max(0.0, left - step)
    run.reactor.advance(left / scale)
    assert run.plant.now() == pytest.approx(END - 0.3, abs=0.11)
    assert run.advance().dump() == expected


def test_pausing_stepping_and_winding_on_the_way_changes_nothing(config, expected):
    run = Run(config)
    run.reactor.advance(3.3)
    for _ in range(20):
        run.plant.time.step(3)
        run.reactor.advance(0.01)
    run.reactor.advance(50)  # it is paused
    run.plant.time.resume()
    run.reactor.advance(7.77)
    assert run.advance().dump() == expected


def shares(parts: list[Run]) -> dict[str, str]:
    """The tables of a whole plant, each row taken from the run that moves it."""
    found = {}
    for same in zip(*map(tables, parts), strict=True):
        count = same[0][1].rows
        ends = [count * k // len(parts) for k in range(len(parts) + 1)]
        whole = [kept.cells[ends[k] : ends[k + 1]] for k, (_, kept) in enumerate(same)]
        found[same[0][0]] = digest(np.concatenate(whole))
    return found


@pytest.mark.parametrize("n", [2, 5])
def test_the_parts_of_a_plant_together_are_the_plant(config, expected, n):
    parts = [Run(config, scale=1 + k, part=(k, n)).advance() for k in range(n)]
    signals = {name: repr(value) for name, value in parts[-1].plant.signals.items()}
    assert signals | shares(parts) == expected
    assert parts[0].dump() != expected


def test_reading_changes_nothing(config, expected):
    run = Run(config)
    while run.plant.now() < END - 1:
        run.reactor.advance(0.913)
        for fleet in run.plant.fleets:
            for row in (0, fleet.count - 1):
                for point in fleet.profile.points.values():
                    fleet.read(row, point)
        assert run.plant.signals["wind"] >= 0
    assert run.advance().dump() == expected


def test_work_in_slices_of_any_size_gives_the_same(config, expected, monkeypatch):
    """Every look at the processor clock finds that a slice is over: the finest cut there is."""
    from simulator import ticker, virtual_time

    now = iter(range(10**9))
    for module in (ticker, virtual_time):
        monkeypatch.setattr(module, "perf_counter", lambda: float(next(now)))
    run = Run(config)
    for _ in range(30):
        run.reactor.advance(0.7)
    assert run.advance().dump() == expected
    assert run.plant.ticker.missed > 0


def act(run: Run) -> None:
    """Somebody in the plant does things at virtual times."""
    fleet = run.plant.fleets[0]

    def write() -> None:
        device = fleet.device(3)
        device.block(Table.HOLDING_REGISTER).write(0, 2, b"\x44\x7a\x00\x00")
        seen.append(fleet.read(106, fleet.profile.points["walk"]))

    seen: list[object] = []
    run.plant.time.every(0.9, lambda _: write())
    run.plant.time.callLater(10.05, run.plant.signals.hold, "wind", 25)
    run.plant.time.callLater(20, run.plant.signals.release, "wind")
    run.seen = seen  # type: ignore[attr-defined]


def test_who_acts_in_virtual_time_meets_the_same_values_in_every_run(config, expected, monkeypatch):
    """Also when the rows of a tick are written bit by bit meanwhile."""
    from simulator import ticker

    wound, real = Run(config), Run(config)
    for run in (wound, real):
        act(run)
    wound.advance()
    now = iter(range(10**9))
    monkeypatch.setattr(ticker, "perf_counter", lambda: float(next(now)))
    for _ in range(400):
        real.reactor.advance(0.1)
    real.advance()
    assert real.seen == wound.seen
    assert len(wound.seen) == 45
    assert real.dump() == wound.dump() != expected


def test_a_quarter_of_an_hour_of_two_hundred_meters_is_wound_slice_by_slice():
    config = parse_plant(
        """
devices: [{name: "m-{n}", profile: energy-meter, endpoint: "tcp://127.0.0.1:0", unit_id: 1-200}]
"""
    )
    run = Run(config)
    turns = 0
    original: Callable[[], None] = run.plant.time._turn

    def turn() -> None:
        nonlocal turns
        turns += 1
        original()

    run.plant.time._turn = turn  # type: ignore[method-assign]
    run.advance(900)
    fleet: Fleet = run.plant.fleets[0]
    assert run.plant.now() == 900.0
    assert run.plant.ticker.beats[0].tick == 900
    assert turns > 100
    assert run.plant.ticker.missed == 0
    assert fleet.count == 200
