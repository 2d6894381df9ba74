"""Signals: one computation a tick, in order, held and released."""

from __future__ import annotations

import pytest

from simulator.generators.registry import make
from simulator.signals import Signals


def signals(**specs: dict[str, object]) -> Signals:
    return Signals({name: make(spec) for name, spec in specs.items()}, seed=1)


RAMP = {"type": "ramp", "from": 0, "to": 100, "duration": "100s"}


def formula(text: str, **more: object) -> dict[str, object]:
    return {"type": "formula", "formula": text, **more}


def to(seconds: float) -> int:
    return round(seconds * 1e9)


def test_signals_have_their_values_of_time_0_from_the_beginning():
    found = signals(level=formula("5 + t"), twice=formula("signal.level * 2"))
    assert dict(found) == {"level": 5.0, "twice": 10.0}
    assert list(found) == ["level", "twice"]
    assert len(found) == 2


def test_a_signal_moves_at_its_interval_and_is_the_same_in_between():
    found = signals(slow={**RAMP, "interval": "10s"}, fast=RAMP)
    assert found.intervals == {10.0, 1.0}
    assert found.move(to(9)) == (0.0, 9.0)
    assert found.move(to(10)) == (10.0, 10.0)
    assert found.move(to(10.9)) == (10.0, 10.0)


def test_no_tick_is_left_out_however_far_a_move_goes():
    walk = {"type": "random_walk", "initial": 0, "step": 1}
    at_once, bit_by_bit = signals(walk=walk), signals(walk=walk)
    for second in range(1, 101):
        bit_by_bit.move(to(second))
    assert at_once.move(to(100)) == bit_by_bit.latest
    assert at_once["walk"] != 0.0


def test_time_does_not_go_back():
    found = signals(ramp=RAMP)
    found.move(to(50))
    assert found.move(to(20)) == (50.0,)


def test_a_signal_sees_the_others_of_the_same_instant_whatever_their_intervals():
    found = signals(
        fast={**RAMP, "interval": "100ms"},
        slow=formula("signal.fast", interval="1s"),
        seen=formula("signal.fast - signal.slow", interval="500ms"),
    )
    found.move(to(2.7))
    assert dict(found) == pytest.approx({"fast": 2.7, "slow": 2.0, "seen": 0.5})


def test_a_lag_remembers_the_tick_before():
    found = signals(
        target=formula("10 if t >= 1 else 0"),
        actual={"type": "lag", "of": "signal.target", "time_constant": "1s"},
    )
    assert [round(found.move(to(second))[1], 3) for second in range(3)] == [0.0, 6.321, 8.647]


def test_cells_show_a_snapshot_and_then_the_latest_again():
    found = signals(ramp=RAMP)
    cell = found.cell("ramp")
    early = found.move(to(1))
    late = found.move(to(5))
    assert cell.value == 5.0
    found.load(early)
    assert (cell.value, found["ramp"]) == (1.0, 5.0)
    found.load(late)
    assert cell.value == 5.0


def test_a_held_signal_stands_and_goes_on_from_where_its_generator_is_when_released():
    found = signals(ramp=RAMP, double=formula("signal.ramp * 2"))
    found.move(to(3))
    found.hold("ramp", 500)
    assert found.held("ramp")
    assert found["ramp"] == found.cell("ramp").value == 500.0
    assert found["double"] == 6.0  # until its next tick
    assert found.move(to(4)) == (500.0, 1000.0)
    found.release("ramp")
    assert not found.held("ramp")
    assert found["ramp"] == 4.0
    assert found.move(to(5)) == (5.0, 10.0)


def test_all_signals_are_released_at_once():
    found = signals(a=RAMP, b=RAMP)
    found.hold("a", 1)
    found.hold("b", 2)
    found.release()
    assert dict(found) == {"a": 0.0, "b": 0.0}


def test_a_signal_that_does_not_exist_is_told_with_a_near_miss():
    found = signals(irradiance=RAMP)
    for action in (
        lambda: found.hold("iradiance", 1),
        lambda: found.release("iradiance"),
        lambda: found.held("iradiance"),
    ):
        with pytest.raises(ValueError) as error:
            action()
        assert (
            str(error.value) == "unknown signal 'iradiance', expected irradiance; did you mean 'irradiance'?"
        )
    with pytest.raises(KeyError):
        found.cell("iradiance")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_signal_is_held_at_numbers_only(value):
    with pytest.raises(ValueError) as error:
        signals(a=RAMP).hold("a", value)
    assert str(error.value) == f"signal.a is set to {value}, expected a finite number"


@pytest.mark.parametrize(("on_error", "expected"), [("hold", 1.0), ("zero", 0.0), ("nan", None)])
def test_what_cannot_be_computed_goes_where_on_error_says(on_error, expected):
    found = signals(bad=formula("1 / (1 - t)", on_error=on_error))
    found.move(to(1))
    assert found["bad"] == expected if expected is not None else found["bad"] != found["bad"]
    assert found.errors == 1
    assert found.move(to(2)) == (-1.0,)


class Broken:
    """A sampler that gives up at tick 2."""

    def sample(self, tick: int, t: float, start: int, stop: int) -> float:
        if tick == 2:
            raise OSError("gone")
        return t


def test_a_signal_that_fails_stands_still_and_the_others_go_on():
    found = signals(bad=RAMP, good=RAMP)
    found._signals["bad"].sampler = Broken()
    found.move(to(5))
    assert dict(found) == {"bad": 1.0, "good": 5.0}
    assert found.failed == 1


def test_the_same_seed_gives_the_same_values_and_another_seed_others():
    spec = {"walk": make({"type": "random_walk", "initial": 0, "step": 1})}
    one, same, other = (Signals(spec, seed=seed) for seed in (1, 1, 2))
    assert one.move(to(50)) == same.move(to(50)) != other.move(to(50))
