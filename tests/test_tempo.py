"""How fast virtual time runs, and what it forgets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from simulator.tempo import BEHIND_S, Tempo


def tempo(scale: float = 1.0, real: float = 0.0) -> tuple[Clock, Tempo]:
    clock = Clock()
    clock.rightNow = real
    made = Tempo(clock, scale)
    made.tell_from(0)
    return clock, made


def test_it_tells_nanoseconds_from_where_it_was_told_to_begin():
    clock, found = tempo(60, real=1.7e9)
    clock.advance(2)
    assert found.told() == pytest.approx(120e9)
    found.tell_from(5)
    assert found.told() == 5


@given(
    scale=st.floats(0.001, 100_000),
    due=st.integers(0, 10**15),
    real=st.sampled_from([0.0, 1000.0, 1.7e9]),
)
def test_a_timer_that_is_set_until_something_is_due_finds_it_due(scale, due, real):
    """Otherwise it would be set again and again, by what rounding leaves."""
    clock, found = tempo(scale, real)
    if found.until(due) < 1e8:
        clock.advance(found.until(due))
        assert found.has_come(due)
        assert found.until(due) < 1e-6


def test_what_is_due_later_has_not_come():
    clock, found = tempo(10)
    clock.advance(1)
    assert found.has_come(10_000_000_000)
    assert not found.has_come(10_100_000_000)
    assert found.until(20_000_000_000) == pytest.approx(1.0)
    assert found.until(5) == 0.0


def test_a_debt_is_kept_for_a_while_and_then_forgotten():
    clock, found = tempo(10)
    clock.advance(3)
    found.note(True)
    clock.advance(BEHIND_S)
    found.note(True)
    found.forget(7)
    assert (found.told(), found.lost_s) == (40_000_000_000, 0.0)
    clock.advance(0.1)
    found.forget(1_000_000_000)
    assert found.told() == 1_000_000_000
    assert found.lost_s == pytest.approx(4.0)


def test_a_debt_that_was_paid_is_none():
    clock, found = tempo()
    found.note(True)
    clock.advance(0.9)
    found.note(False)
    found.note(True)
    clock.advance(0.9)
    found.forget(0)
    assert found.lost_s == 0.0
    assert found.told() == pytest.approx(1.8e9)


def test_a_scale_out_of_bounds_is_refused():
    _, found = tempo()
    with pytest.raises(ValueError) as error:
        found.scale = 0
    assert str(error.value) == "time_scale is 0, expected 0.001 to 100000"
    assert found.scale == 1.0
