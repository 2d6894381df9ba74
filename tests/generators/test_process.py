"""formula, follow, lag, integrate and pid: what they compute, what they remember, how they fail."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.generators.base import Sampler
from simulator.generators.registry import make
from simulator.generators.rows import Group, GroupRows


class Feed:
    """A point whose values a test sets."""

    def __init__(self, *values: float) -> None:
        self.values = np.array(values)

    def read(self, start: int, stop: int, out: np.ndarray | None = None) -> np.ndarray:
        return self.values[start:stop].copy()


def bound(
    spec: dict[str, Any],
    *,
    count: int = 1,
    started: bool = False,
    parameters: dict[str, Any] | None = None,
    **points: Feed,
) -> Sampler:
    marks = frozenset({"own"} if started else ())
    group = Group("d-{n}", count, parameters or {}, started=marks)
    rows = GroupRows([group], points=points.get)
    return make(spec, parameters or {}).bind(rows, "own")


def played(sampler: Sampler, ticks: int, interval: float = 1.0, count: int = 1) -> list[list[float]]:
    table = []
    for tick in range(ticks):
        values = sampler.sample(tick, tick * interval, 0, count)
        table.append(np.broadcast_to(values, (count,)).tolist())
    return table


def one(sampler: Sampler, ticks: int, interval: float = 1.0) -> list[float]:
    return [values[0] for values in played(sampler, ticks, interval)]


class TestFormula:
    def test_it_reads_points_at_each_tick(self) -> None:
        feed = Feed(2.0, 3.0)
        sampler = bound({"type": "formula", "formula": "x * 10 + t"}, count=2, x=feed)
        assert played(sampler, 1, count=2) == [[20, 30]]
        feed.values = np.array([5.0, 6.0])
        assert sampler.sample(1, 1.0, 0, 2).tolist() == [51, 61]  # type: ignore[union-attr]

    def test_a_number_or_a_template_will_do(self) -> None:
        assert one(bound({"type": "formula", "formula": 5}), 1) == [5]
        assert one(bound({"type": "formula", "formula": "5"}), 1) == [5]
        assert one(bound({"type": "formula", "formula": "{p}"}, parameters={"p": 7}), 1) == [7]

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("x.y", "formula is 'x.y', column 1: attribute access is not allowed"),
            (
                "{p} * 2",
                "column 1: name in braces is not allowed, got '{p}', expected the name without braces",
            ),
        ],
    )
    def test_what_is_wrong_with_one(self, text: str, reason: str) -> None:
        with pytest.raises(ValueError, match="formula") as refused:
            make({"type": "formula", "formula": text}, {"p": 1})
        assert reason in str(refused.value)


def test_quoted_numbers_are_refused_elsewhere() -> None:
    with pytest.raises(ValueError, match=r"of is '5', expected a number, a template such as \{i\} or a"):
        make({"type": "integrate", "of": "5"}, {})


class TestFollow:
    def test_at_once(self) -> None:
        assert one(bound({"type": "follow", "of": "t", "gain": 2}), 3) == [0, 2, 4]

    def test_with_a_delay_it_begins_with_what_was_first(self) -> None:
        assert one(bound({"type": "follow", "of": "t + 5", "delay": "3s"}), 6) == [5, 5, 5, 5, 6, 7]

    def test_a_delay_is_at_least_one_interval(self) -> None:
        assert one(bound({"type": "follow", "of": "t", "delay": "10ms"}), 3) == [0, 0, 1]

    def test_a_delay_may_differ_by_device(self) -> None:
        sampler = bound({"type": "follow", "of": "t", "delay": "{i}s", "gain": "n"}, count=3)
        assert played(sampler, 4, count=3)[-1] == [3, 4, 3]

    def test_too_long_a_delay_is_refused_before_it_takes_all_memory(self) -> None:
        with pytest.raises(
            ValueError, match=r"delay is too long, got 8640000 intervals of 1 s, expected at most 86400"
        ):
            make({"type": "follow", "of": "t", "delay": "100d"})
        with pytest.raises(ValueError, match=r"delay is 8640000 intervals for each of 100 devices"):
            bound({"type": "follow", "of": "t", "delay": "{p}d"}, count=100, parameters={"p": 100})


class TestLag:
    def test_two_thirds_in_one_time_constant(self) -> None:
        values = one(bound({"type": "lag", "of": 100, "initial": 0, "time_constant": "30s"}), 91)
        assert values[30] == pytest.approx(100 * (1 - math.exp(-1)))
        assert values[90] == pytest.approx(100 * (1 - math.exp(-3)))

    def test_the_interval_does_not_change_the_course(self) -> None:
        spec = {"type": "lag", "of": 100, "initial": 0, "time_constant": "30s"}
        fine = one(bound({**spec, "interval": "100ms"}), 301, 0.1)[-1]
        assert fine == pytest.approx(one(bound({**spec, "interval": "10s"}), 4, 10)[-1])

    def test_it_begins_at_what_it_follows_unless_told(self) -> None:
        assert one(bound({"type": "lag", "of": "x", "time_constant": "5s"}, x=Feed(21)), 3) == [21, 21, 21]
        started = bound(
            {"type": "lag", "of": "x", "time_constant": "5s"}, x=Feed(21), own=Feed(3), started=True
        )
        assert one(started, 1) == [3]

    def test_a_time_constant_may_move(self) -> None:
        feed = Feed(1e9)
        sampler = bound({"type": "lag", "of": 10, "initial": 0, "time_constant": "tau"}, tau=feed)
        assert one(sampler, 5)[-1] == pytest.approx(0, abs=1e-6)
        feed.values = np.array([0.0])  # as good as none
        assert sampler.sample(5, 5.0, 0, 1).tolist() == [10]  # type: ignore[union-attr]

    @pytest.mark.parametrize("wrong", ["0s", 5, "-x.y", "{p}s", "5"])
    def test_a_time_constant_is_a_duration_or_a_formula(self, wrong: object) -> None:
        with pytest.raises(ValueError, match="time_constant"):
            bound({"type": "lag", "of": 10, "time_constant": wrong}, parameters={"p": 0})

    def test_what_dies_away_becomes_nothing(self) -> None:
        """Numbers near the end of their range make every computation slow."""
        values = one(bound({"type": "lag", "of": 0, "initial": 1, "time_constant": "1s"}), 100)
        assert values[60] == pytest.approx(math.exp(-60))
        assert values[-1] == 0


class TestIntegrate:
    def test_a_kilowatt_is_a_kilowatt_hour_after_an_hour(self) -> None:
        sampler = bound({"type": "integrate", "of": "1000 / 1000", "per": "1h", "interval": "10s"})
        assert one(sampler, 361, 10)[-1] == pytest.approx(1)

    def test_nothing_is_lost_to_the_register(self) -> None:
        sampler = bound({"type": "integrate", "of": 0.001, "initial": 1e6})
        assert one(sampler, 1001)[-1] == pytest.approx(1_000_001)

    def test_it_stops_at_its_bounds_and_comes_back(self) -> None:
        feed = Feed(4)
        sampler = bound({"type": "integrate", "of": "flow", "min": 0, "max": 10, "initial": 5}, flow=feed)
        assert one(sampler, 4) == [5, 9, 10, 10]
        feed.values = np.array([-3.0])
        assert [sampler.sample(tick, tick, 0, 1).tolist() for tick in range(4, 9)] == [  # type: ignore[union-attr]
            [7], [4], [1], [0], [0],
        ]  # fmt: skip

    def test_it_wraps(self) -> None:
        assert one(bound({"type": "integrate", "of": 4, "max": 10, "wrap": True}), 5) == [0, 4, 8, 2, 6]
        with pytest.raises(ValueError, match="wrap is true without max"):
            make({"type": "integrate", "of": 4, "wrap": True})

    def test_a_starting_value_of_the_file_goes_before_initial(self) -> None:
        spec = {"type": "integrate", "of": 1, "initial": 7}
        assert one(bound(spec, own=Feed(500), started=True), 3) == [500, 501, 502]
        assert one(bound(spec, own=Feed(500)), 3) == [7, 8, 9]

    def test_starting_values_of_some_groups(self) -> None:
        groups = [Group("a", 1), Group("b", 2, started=frozenset({"own"}))]
        rows = GroupRows(groups, points={"own": Feed(1, 2, 3)}.get)
        sampler = make({"type": "integrate", "of": 1, "initial": 7}).bind(rows, "own")
        assert played(sampler, 1, count=3) == [[7, 2, 3]]

    def test_a_written_value_is_where_it_goes_on_from(self) -> None:
        sampler = bound({"type": "integrate", "of": 1, "noise": 0.25}, count=2)
        played(sampler, 5, count=2)
        sampler.adopt(0, 2, np.array([100.0, 100.0]), np.array([True, False]))
        values = sampler.sample(5, 5.0, 0, 2)
        np.testing.assert_allclose(values, [101, 5], atol=0.25)

    def test_what_cannot_be_computed_is_not_remembered(self) -> None:
        feed = Feed(1.0, 1.0)
        sampler = bound({"type": "integrate", "of": "1 / x"}, count=2, x=feed)
        played(sampler, 3, count=2)
        feed.values = np.array([0.0, 1.0])
        np.testing.assert_array_equal(sampler.sample(3, 3.0, 0, 2), [math.nan, 3])
        feed.values = np.array([1.0, 1.0])
        assert sampler.sample(4, 4.0, 0, 2).tolist() == [3, 4]  # type: ignore[union-attr]
        sampler.adopt(0, 1, np.array([math.nan]))
        assert sampler.sample(5, 5.0, 0, 1).tolist() == [4]  # type: ignore[union-attr]


class Loop:
    """A first-order process under a controller."""

    def __init__(self, *, gain: float = 1.0, time_constant: float = 20.0, **pid: Any) -> None:
        self.actual = Feed(20.0)
        self.setpoint = Feed(20.0)
        spec = {"type": "pid", "of": "actual", "setpoint": "setpoint", **pid}
        self.pid = bound(spec, actual=self.actual, setpoint=self.setpoint)
        self.gain, self.share = gain, 1 - math.exp(-1 / time_constant)
        self.tick = 0
        self.outputs: list[float] = []

    def run(self, ticks: int) -> float:
        for _ in range(ticks):
            (output,) = self.pid.sample(self.tick, float(self.tick), 0, 1).tolist()  # type: ignore[union-attr]
            self.actual.values += (20 + self.gain * output - self.actual.values) * self.share
            self.outputs.append(output)
            self.tick += 1
        return float(self.actual.values[0])


class TestPid:
    def test_proportional_only(self) -> None:
        assert one(bound({"type": "pid", "of": 3, "setpoint": 5, "kp": 2}), 3) == [4, 4, 4]

    def test_the_integral_grows_with_time_whatever_the_interval(self) -> None:
        spec = {"type": "pid", "of": 3, "setpoint": 5, "kp": 0, "ki": 0.5}
        assert one(bound(spec), 11)[-1] == pytest.approx(10)
        assert one(bound({**spec, "interval": "100ms"}), 101, 0.1)[-1] == pytest.approx(10)

    def test_the_derivative_is_that_of_the_measurement(self) -> None:
        sampler = bound({"type": "pid", "of": "2 * t", "setpoint": "100 * (t > 1)", "kp": 0, "kd": 3})
        assert one(sampler, 4) == [0, -6, -6, -6]

    def test_it_reaches_its_setpoint_and_stays(self) -> None:
        loop = Loop(kp=4, ki=0.3, kd=1, min=0, max=100)
        assert loop.run(10) == pytest.approx(20)
        loop.setpoint.values[:] = 60
        assert loop.run(400) == pytest.approx(60, abs=0.01)
        assert loop.outputs[-1] == pytest.approx(40, abs=0.05)

    def test_it_does_not_wind_up_at_its_limit(self) -> None:
        """A setpoint that cannot be reached for ten minutes is forgotten within seconds."""
        loop = Loop(kp=2, ki=0.2, min=0, max=30)
        loop.setpoint.values[:] = 500
        assert loop.run(600) == pytest.approx(50, abs=0.1)
        assert max(loop.outputs) == 30
        loop.setpoint.values[:] = 30
        loop.run(2)
        assert loop.outputs[-1] < 1
        assert loop.run(300) == pytest.approx(30, abs=0.1)

    def test_it_does_not_wind_up_under_gains_that_do_not_last(self) -> None:
        """What the derivative of a falling value asks for, the integral makes up for, but not without end."""
        actual, setpoint, kd = Feed(500.0), Feed(0.0), Feed(500.0)
        spec = {"type": "pid", "of": "actual", "setpoint": "setpoint", "kd": "kd", "min": 0, "max": 100}
        pid = bound({**spec, "ki": 1}, actual=actual, setpoint=setpoint, kd=kd)
        for tick in range(400):
            actual.values -= 1
            pid.sample(tick, float(tick), 0, 1)
        kd.values[:], setpoint.values[:] = 0, actual.values + 50
        assert pid.sample(400, 400.0, 0, 1).tolist() == [100]  # type: ignore[union-attr]

    def test_a_written_output_is_where_it_goes_on_from(self) -> None:
        loop = Loop(kp=2, ki=0.1, min=0, max=100)
        loop.setpoint.values[:] = 40
        loop.run(200)
        loop.pid.adopt(0, 1, np.array([70.0]))
        loop.run(1)
        assert loop.outputs[-1] == pytest.approx(70, abs=0.5)

    def test_it_begins_where_the_file_says(self) -> None:
        spec = {"type": "pid", "of": 3, "setpoint": 5, "kp": 2, "ki": 0.5, "initial": 40}
        assert one(bound(spec), 2) == [40, 41]
        assert one(bound(spec, own=Feed(12), started=True), 2) == [12, 13]

    def test_a_measurement_that_is_no_number_is_not_remembered(self) -> None:
        loop = Loop(kp=2, ki=0.1, min=0, max=100)
        loop.setpoint.values[:] = 40
        loop.run(50)
        before, loop.actual.values = loop.actual.values, np.array([math.nan])
        assert math.isnan(loop.pid.sample(loop.tick, 0.0, 0, 1)[0])  # type: ignore[index]
        loop.actual.values = before
        loop.tick += 1
        loop.run(1)
        assert loop.outputs[-1] == pytest.approx(loop.outputs[-2], abs=2)

    def test_min_above_max_is_refused(self) -> None:
        with pytest.raises(ValueError, match="min is 5, expected at most max"):
            make({"type": "pid", "of": 1, "setpoint": 2, "min": 5, "max": 3})


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=8), st.integers(1, 30))
@settings(max_examples=50, deadline=None)
def test_devices_do_not_meet(drawn: list[float], ticks: int) -> None:
    """A fleet does what its devices would do alone."""
    count = len(drawn)
    for spec in (
        {"type": "integrate", "of": "x * cos(t)", "min": -50, "max": 50},
        {"type": "lag", "of": "x * cos(t)", "time_constant": "3s"},
        {"type": "pid", "of": "x * cos(t)", "setpoint": "x", "kp": 0.5, "ki": 0.1, "kd": 0.2, "max": 40},
        {"type": "follow", "of": "x * cos(t)", "delay": "2s", "gain": 3},
    ):
        together = played(bound(spec, count=count, x=Feed(*drawn)), ticks, count=count)
        for place, value in enumerate(drawn):
            alone = one(bound(spec, x=Feed(value)), ticks)
            assert [values[place] for values in together] == alone
