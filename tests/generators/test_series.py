"""Constant, ramp, step, toggle, increment, decrement, counter: the numbers one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator.generators.registry import make
from simulator.generators.rows import Group, GroupRows


def series(ticks: int = 8, device: int = 0, seconds: float = 1.0, /, **spec: Any) -> list[float]:
    sampler = make(spec).bind(GroupRows([Group("a", 4)]), "x")
    return [
        float(np.broadcast_to(sampler.sample(tick, tick * seconds, 0, 4), 4)[device]) for tick in range(ticks)
    ]


RAMP = {"type": "ramp", "from": 10, "to": 2, "duration": "4s"}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"type": "constant", "value": -2.5}, [-2.5] * 8),
        (RAMP, [10, 8, 6, 4, 2, 2, 2, 2]),
        ({**RAMP, "then": "hold"}, [10, 8, 6, 4, 2, 2, 2, 2]),
        ({**RAMP, "then": "repeat"}, [10, 8, 6, 4, 10, 8, 6, 4]),
        ({**RAMP, "then": "reverse"}, [10, 8, 6, 4, 2, 4, 6, 8]),
        ({"type": "step", "values": [3, 1, 2]}, [3, 1, 2, 3, 1, 2, 3, 1]),
        ({"type": "step", "values": [3]}, [3] * 8),
        ({"type": "toggle"}, [0, 1, 0, 1, 0, 1, 0, 1]),
        ({"type": "increment"}, [0, 1, 2, 3, 4, 5, 6, 7]),
        ({"type": "increment", "min": 5, "max": 7}, [5, 6, 7, 5, 6, 7, 5, 6]),
        ({"type": "increment", "min": 5, "max": 7, "wrap": False}, [5, 6, 7, 7, 7, 7, 7, 7]),
        ({"type": "increment", "step": 3, "max": 7}, [0, 3, 6, 0, 3, 6, 0, 3]),
        ({"type": "increment", "step": 3, "max": 7, "wrap": False}, [0, 3, 6, 7, 7, 7, 7, 7]),
        ({"type": "increment", "step": 0.1, "max": 0.3}, [0, 0.1, 0.2, 0.3, 0, 0.1, 0.2, 0.3]),
        ({"type": "decrement", "max": 2}, [2, 1, 0, 2, 1, 0, 2, 1]),
        (
            {"type": "decrement", "min": -1, "max": 2, "step": 2, "wrap": False},
            [2, 0, -1, -1, -1, -1, -1, -1],
        ),
        ({"type": "counter"}, [0, 1, 2, 3, 4, 5, 6, 7]),
        ({"type": "counter", "rate": 2.5, "initial": 100}, [100, 102.5, 105, 107.5, 110, 112.5, 115, 117.5]),
        ({"type": "counter", "rate": 3, "initial": 1, "max": 10}, [1, 4, 7, 0, 3, 6, 9, 2]),
        ({"type": "counter", "rate": 3, "max": 10, "wrap": False}, [0, 3, 6, 9, 10, 10, 10, 10]),
    ],
)
def test_eight_ticks(spec: dict[str, Any], expected: list[float]) -> None:
    assert series(**spec) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"type": "constant", "value": "{n}"}, [3, 3, 3, 3]),
        ({**RAMP, "to": "{i}"}, [10, 8, 6, 4]),
        ({"type": "ramp", "from": 0, "to": 2, "duration": "{n}s"}, [0, 2 / 3, 4 / 3, 2]),
        ({"type": "step", "values": [0, "{i}"]}, [0, 2, 0, 2]),
        ({"type": "increment", "step": "{n}"}, [0, 3, 6, 9]),
        ({"type": "increment", "step": "{n}", "max": 7}, [0, 3, 6, 0]),
        ({"type": "decrement", "max": "{n}"}, [3, 2, 1, 0]),
        ({"type": "counter", "rate": "{i}", "initial": "{n}", "max": 6}, [3, 5, 1, 3]),
    ],
)
def test_the_third_device(spec: dict[str, Any], expected: list[float]) -> None:
    assert series(4, 2, **spec) == pytest.approx(expected)


def test_a_counter_counts_seconds_not_ticks() -> None:
    assert series(4, 0, 0.25, type="counter", rate=4, interval="250ms") == [0, 1, 2, 3]


def test_an_increment_counts_ticks_not_seconds() -> None:
    assert series(4, 0, 0.25, type="increment") == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"type": "step", "values": []}, "values"),
        ({"type": "step"}, "values"),
        ({"type": "ramp", "to": 1, "duration": "1s"}, "from"),
        ({"type": "ramp", "from_": 1, "to": 1, "duration": "1s"}, "from_"),
        ({**RAMP, "then": "stop"}, "'hold', 'repeat' or 'reverse'"),
        ({**RAMP, "duration": "0s"}, "duration is '0s', expected more than 0"),
        ({"type": "increment", "step": 0}, "step is 0, expected more than 0"),
        ({"type": "increment", "step": -1}, "step is -1, expected more than 0"),
        ({"type": "increment", "min": 3, "max": 2}, "min is 3, expected at most max, which is 2"),
        ({"type": "increment", "wrap": "yes"}, "wrap"),
        ({"type": "decrement"}, "max"),
        ({"type": "counter", "max": 0}, "max is 0, expected more than 0"),
        ({"type": "constant"}, "value"),
    ],
)
def test_what_is_refused(spec: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text.replace("[", r"\[")):
        make(spec)
