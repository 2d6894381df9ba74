"""What generators go on from, in full precision, of the rows that are asked for."""

from __future__ import annotations

import numpy as np
import pytest

from tests.state.test_state import Life

PLANT = """
devices: [{name: "d-{n}", profile: loop, endpoint: "tcp://127.0.0.1:0", unit_id: 1-3, count: 3}]
profiles:
  loop:
    points:
      wanted: {table: hr, address: 0, data_type: uint16, value: 100}
      slow: {table: ir, address: 0, data_type: uint16, generator: {type: lag, of: wanted, time_constant: 60s, initial: 0}}
      noisy: {table: ir, address: 1, data_type: uint16,
              generator: {type: lag, of: wanted, time_constant: 60s, initial: 0, noise: 20}}
      valve: {table: ir, address: 2, data_type: float32,
              generator: {type: pid, of: slow, setpoint: wanted, kp: 0.1, ki: 0.01, min: 0, max: 100}}
      pure: {table: ir, address: 4, data_type: uint16, generator: {type: sine, min: 5, max: 15, period: 60s}}
      late: {table: ir, address: 5, data_type: uint16, generator: {type: follow, of: slow, delay: 5s}}
"""


@pytest.fixture
def lives(tmp_path):
    found: list[Life] = []

    def begin() -> Life:
        found.append(life := Life(tmp_path, PLANT, ""))
        return life.start()

    yield begin
    for life in found:
        life.plant.stopService()
        life.plant.state.close()


def track(life: Life, name: str):
    return next(each for each in life.plant.fleets[0].tracks if each.point.name == name)


@pytest.mark.parametrize("name", ["slow", "noisy", "valve"])
def test_what_is_remembered_is_gone_on_from(lives, name):
    first = lives()
    first.run(20.5)
    was = track(first, name).remembered(0, 3)
    assert was.tolist() != [0, 0, 0]
    first.stop()
    second = lives()
    now = track(second, name).remembered(0, 3)
    np.testing.assert_allclose(now, was, rtol=1e-9)
    second.run(1.5)
    assert abs(track(second, name).remembered(0, 3) - was).max() < 5  # it goes on from there


@pytest.mark.parametrize("name", ["pure", "late"])
def test_others_remember_nothing(lives, name):
    life = lives()
    here = track(life, name)
    assert here.remembered(0, 3) is None
    assert not here.go_on_from(0, 3, np.zeros(3), np.ones(3, np.bool_))


def test_only_the_rows_that_are_chosen_go_on(lives):
    life = lives()
    here = track(life, "slow")
    before = here.remembered(0, 3)
    assert here.go_on_from(0, 3, np.array([50.0, 60.0, np.nan]), np.array([True, False, True]))
    assert here.remembered(0, 3).tolist() == [50.0, before[1], before[2]]
    assert [life.plant.read(f"d-{n}", "slow") for n in (1, 2, 3)] == [50, 0, 0]


def test_a_row_that_is_held_shows_what_it_is_held_at(lives):
    life = lives()
    life.plant.write("d-1", "slow", 7)
    here = track(life, "slow")
    here.go_on_from(0, 3, np.full(3, 50.0), np.ones(3, np.bool_))
    assert [life.plant.read(f"d-{n}", "slow") for n in (1, 2)] == [7, 50]


def test_holds_of_some_rows(lives):
    life = lives()
    here = track(life, "slow")
    assert here.held_for(0, 3) is None
    here.hold_some(0, 3, np.array([5.0, 9.0, np.inf]), np.array([True, False, True]))
    assert here.held_for(0, 3).tolist() == [5.0, 0.0, np.inf]
    life.run(6)
    assert here.held_for(0, 3).tolist() == [0.0, 0.0, np.inf]
