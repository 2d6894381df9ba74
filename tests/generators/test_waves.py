"""Waves as a user would draw them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from simulator.generators.registry import make
from simulator.generators.rows import Group, GroupRows


def curve(t: list[float], **spec: Any) -> list[float]:
    sampler = make({"min": 0, "max": 10, "period": "8s", **spec}).bind(GroupRows([Group("a", 3)]), "x")
    return [float(np.broadcast_to(sampler.sample(0, at, 0, 3), 3)[0]) for at in t]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"type": "sine"}, [5, 8.5355339, 10, 8.5355339, 5, 1.4644661, 0, 1.4644661, 5]),
        ({"type": "sine", "duty": 0.25}, [5, 10, 5, 2.5, 0.66987298, 0, 0.66987298, 2.5, 5]),
        (
            {"type": "sine", "duty": 1.0},
            [5, 6.9134172, 8.5355339, 9.6193977, 10, 9.6193977, 8.5355339, 6.9134172, 5],
        ),
        ({"type": "triangle"}, [0, 2.5, 5, 7.5, 10, 7.5, 5, 2.5, 0]),
        ({"type": "triangle", "duty": 0.25}, [0, 5, 10, 8.3333333, 6.6666667, 5, 3.3333333, 1.6666667, 0]),
        ({"type": "triangle", "duty": 1.0}, [0, 1.25, 2.5, 3.75, 5, 6.25, 7.5, 8.75, 0]),
        ({"type": "square"}, [10, 10, 10, 10, 0, 0, 0, 0, 10]),
        ({"type": "square", "duty": 0.25}, [10, 10, 0, 0, 0, 0, 0, 0, 10]),
        ({"type": "sawtooth"}, [0, 1.25, 2.5, 3.75, 5, 6.25, 7.5, 8.75, 0]),
        ({"type": "sawtooth", "duty": 0.5}, [0, 2.5, 5, 7.5, 0, 0, 0, 0, 0]),
        ({"type": "square", "phase": "3s"}, [10, 0, 0, 0, 0, 10, 10, 10, 10]),
        ({"type": "square", "phase": "35s"}, [10, 0, 0, 0, 0, 10, 10, 10, 10]),
        ({"type": "triangle", "min": 3, "max": 3}, [3] * 9),
    ],
)
def test_a_period(spec: dict[str, Any], expected: list[float]) -> None:
    assert curve([float(t) for t in range(9)], **spec) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["sine", "triangle", "square", "sawtooth"])
def test_a_phase_makes_a_device_early(name: str) -> None:
    spec = {"type": name, "min": -1, "max": 1, "period": "10s"}
    rows = GroupRows([Group("a", 25)])
    late, early = make(spec).bind(rows, "x"), make({**spec, "phase": "{i}s"}).bind(rows, "x")
    together = np.array(early.sample(3, 3.0, 0, 25))
    alone = [late.sample(3 + i, 3.0 + i, 0, 1) for i in range(25)]
    np.testing.assert_allclose(together, np.array(alone), atol=2e-6)


@pytest.mark.parametrize("period", [60.0, 86400.0, 0.7])
def test_a_sine_is_within_a_millionth_of_its_height(period: float) -> None:
    rows = GroupRows([Group("a", 5000)])
    spec = {"type": "sine", "min": -1, "max": 1, "period": f"{period}s", "phase": "{i}s"}
    sampler = make(spec).bind(rows, "x")
    for t in (0.0, 12.25, 1e6 + 0.1, 1e9):
        angle = [2 * math.pi * math.fmod(math.fmod(t, period) + i, period) / period for i in range(5000)]
        np.testing.assert_allclose(sampler.sample(0, t, 0, 5000), np.sin(angle), atol=2e-6, rtol=0)


def test_edges_fall_on_the_second() -> None:
    """After a year of ticks, with whole-second phases, a square still switches exactly."""
    rows = GroupRows([Group("a", 60)])
    sampler = make({"type": "square", "min": 0, "max": 1, "period": "60s", "phase": "{i}s"}).bind(rows, "x")
    t = 365 * 86400 + 17
    expected = [float((t + i) % 60 < 30) for i in range(60)]
    assert np.asarray(sampler.sample(t, float(t), 0, 60)).tolist() == expected


def test_everything_may_differ_by_device() -> None:
    rows = GroupRows([Group("a", 4, {"top": 10}), Group("b", 2, {"top": 20})])
    spec = {"type": "triangle", "min": "{i}", "max": "{top}", "period": "{n}s", "phase": "{i}s"}
    sampler = make(spec, {"top": 0}).bind(rows, "x")
    #       i = 0 at 0.5 of 1 s, 1 at 1.5 of 2 s, 2 at 2.5 of 3 s, 3 at 3.5 of 4 s; again 0 and 1
    levels = [1, 0.5, 1 / 3, 0.25, 1, 0.5]
    ends = [(0, 10), (1, 10), (2, 10), (3, 10), (0, 20), (1, 20)]
    expected = [low + level * (high - low) for level, (low, high) in zip(levels, ends, strict=True)]
    assert np.asarray(sampler.sample(0, 0.5, 0, 6)).tolist() == pytest.approx(expected)


def test_fine_phases_are_kept() -> None:
    rows = GroupRows([Group("a", 1000)])
    sampler = make({"type": "sawtooth", "min": 0, "max": 1, "period": "1s", "phase": "{i}ms"}).bind(rows, "x")
    assert np.asarray(sampler.sample(0, 0.0, 0, 1000)) == pytest.approx(np.arange(1000) / 1000, abs=1e-15)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"min": 5, "max": 4}, "min is 5, expected at most max, which is 4"),
        ({"period": "0s"}, "period is '0s', expected more than 0"),
        ({"period": 60}, "period is 60, expected a number and a unit, such as 250ms, 2s, 5m, 1h or 1d"),
        ({"period": "{i}"}, "'{i}' is '0' for device 0, expected a duration such as 5s"),
        ({"phase": "{i}V"}, "'{i}V' is '0V' for device 0, expected a duration such as 5s"),
        ({"min": "5"}, "min is '5', expected a number or a template such as {i}"),
        ({"min": "{i}s"}, "'{i}s' is '0s' for device 0, expected a number"),
        ({"duty": 0}, "Input should be greater than 0"),
        ({"duty": 1.5}, "Input should be less than or equal to 1"),
    ],
)
def test_what_cannot_be_a_wave(keys: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError) as caught:
        make({"type": "sine", "min": 0, "max": 1, **keys})
    assert text in str(caught.value)


def test_a_period_that_is_nothing_for_one_device_is_told_when_the_plant_is_built() -> None:
    rows = GroupRows([Group("a", 3, {"p": "5s"}), Group("b", 3, {"p": "0s"})])
    generator = make({"type": "sine", "min": 0, "max": 1, "period": "{p}"}, {"p": "5s"})
    with pytest.raises(ValueError, match=r"^period is 0 for a device, expected more than 0$"):
        generator.bind(rows, "x")
