"""What holds for every generator, whoever registered it.

A new generator needs a line in ``SPECS`` and gets all of these tests; one without a line fails.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.generators.base import Sampler
from simulator.generators.registry import json_schema, make, types
from simulator.generators.rows import Group, GroupRows

FILES = Path(__file__).parent / "files"

# Each as plain numbers and as templates, with the bounds its values keep.
SPECS: dict[str, tuple[dict[str, Any], dict[str, Any], float, float]] = {
    "constant": ({"value": 5}, {"value": "{i}"}, 0, 40),
    "sine": ({"min": 2, "max": 8, "period": "7s"}, {"min": 2, "max": 8, "phase": "{i}s"}, 2, 8),
    "triangle": ({"min": 2, "max": 8, "period": "7s"}, {"min": 2, "max": 8, "phase": "{i}s"}, 2, 8),
    "square": ({"min": 2, "max": 8, "period": "7s"}, {"min": 2, "max": 8, "phase": "{i}s"}, 2, 8),
    "sawtooth": ({"min": 2, "max": 8, "period": "7s"}, {"min": 2, "max": 8, "phase": "{i}s"}, 2, 8),
    "ramp": ({"from": 9, "to": 3, "duration": "5s"}, {"from": 0, "to": "{n}", "duration": "5s"}, 0, 40),
    "step": ({"values": [1, 4, 2]}, {"values": [1, "{n}"]}, 1, 40),
    "toggle": ({}, {}, 0, 1),
    "increment": ({"step": 2, "min": 1, "max": 8}, {"max": "{n}"}, 0, 40),
    "decrement": ({"step": 2, "min": 1, "max": 8}, {"max": "{n}"}, 0, 40),
    "counter": ({"rate": 3, "initial": 2, "max": 11}, {"rate": "{i}", "max": 11}, 0, 11),
    "random": ({"min": -1, "max": 3}, {"min": -1, "max": "{n}"}, -1, 40),
    "normal": ({"mean": 1, "deviation": 2}, {"mean": 1, "deviation": "{p}"}, -14, 16),
    "daylight": ({"max": 8, "sunrise": "06:00", "sunset": "18:00"}, {"max": "{n}"}, 0, 40),
    "schedule": ({"values": {"12:00": 1, "12:03": 4}}, {"values": {"12:00": 1, "12:02": "{n}"}}, 1, 40),
    "csv": (
        {"file": f"{FILES}/measurements.csv", "column": "power", "time_column": "time"},
        {"file": f"{FILES}/measurements.csv", "column": 2, "time_shift": "{i}s", "interpolate": True},
        2,
        14,
    ),
    "script": ({"function": f"{FILES}/levels.py:swell"}, {"function": f"{FILES}/levels.py:apart"}, 0, 44),
    "random_walk": (
        {"initial": 1, "step": 2, "min": -1, "max": 3},
        {"initial": "{i}", "step": 0.5, "min": -1, "max": "{n}"},
        -1,
        40,
    ),
    "formula": ({"formula": "5 + 2 * sin(t)"}, {"formula": "n + p * sin(t)"}, -2, 44),
    "follow": ({"of": "10 * sin(t)", "gain": 2}, {"of": "n + sin(t)", "delay": "{i}s"}, -20, 44),
    "lag": ({"of": "9 * sin(t)", "time_constant": "3s"}, {"of": "t % n", "time_constant": "{n}s"}, -9, 44),
    "integrate": (
        {"of": "sin(t)", "per": "2s", "initial": 3},
        {"of": "n", "per": "{n}s", "max": "{n}", "wrap": True},
        0,
        44,
    ),
    "pid": (
        {"of": "9 * sin(t)", "setpoint": 3, "kp": 2, "ki": 0.5, "kd": 0.1, "min": -50, "max": 50},
        {"of": "9 * sin(t)", "setpoint": "n", "kp": "{p}", "ki": "0.1 * p", "min": -50, "max": "{n}"},
        -50,
        50,
    ),
}
NULLABLE = {
    ("increment", "max"),
    ("counter", "max"),
    ("csv", "time_column"),
    *(("random_walk", key) for key in ("initial", "min", "max")),
    *(("pid", key) for key in ("min", "max")),
}
CHANCE = {"random", "normal", "random_walk"}
REMEMBERING = {"lag", "integrate", "pid"}
ALL = sorted(types())
COUNT = 40
TICKS = 6


def rows(seed: int = 7, *, names: tuple[str, ...] = ("a-{n}", "b-{n}")) -> GroupRows:
    share = COUNT // len(names)
    return GroupRows([Group(name, share, {"p": 2}) for name in names], seed=seed)


def play(sampler: Sampler, cuts: list[int], ticks: int = TICKS) -> np.ndarray:
    """What (ticks, rows) the sampler gives, each tick cut at ``cuts``."""
    edges = [0, *sorted(set(cuts)), COUNT]
    table = np.empty((ticks, COUNT))
    for tick in range(ticks):
        for start, stop in pairwise(edges):
            if start < stop:
                table[tick, start:stop] = sampler.sample(tick, float(tick), start, stop)
    return table


def specs(name: str) -> list[dict[str, Any]]:
    plain, varying, _, _ = SPECS[name]
    both = [{"type": name, **plain}, {"type": name, **varying}]
    return [*both, *({**spec, "noise": 0.25} for spec in both)]


def test_every_generator_is_under_contract() -> None:
    assert sorted(SPECS) == ALL


@given(cuts=st.lists(st.integers(1, COUNT - 1)), shape=st.integers(0, 3))
@settings(max_examples=25)
@pytest.mark.parametrize("name", ALL)
def test_slices_change_nothing(name: str, cuts: list[int], shape: int) -> None:
    generator = make(specs(name)[shape], {"p": 2})
    whole = play(generator.bind(rows(), "x"), [])
    np.testing.assert_array_equal(play(generator.bind(rows(), "x"), cuts), whole)


@pytest.mark.parametrize("shape", range(4))
@pytest.mark.parametrize("name", ALL)
def test_slices_may_come_in_any_order(name: str, shape: int) -> None:
    generator = make(specs(name)[shape], {"p": 2})
    whole = play(generator.bind(rows(), "x"), [])
    sampler = generator.bind(rows(), "x")
    for tick in range(TICKS):
        for start in (30, 0, 10, 20):
            values = sampler.sample(tick, float(tick), start, start + 10)
            np.testing.assert_array_equal(values, whole[tick, start : start + 10])


@pytest.mark.parametrize("shape", range(4))
@pytest.mark.parametrize("name", ALL)
def test_the_same_device_is_the_same_in_any_fleet(name: str, shape: int) -> None:
    """A worker that serves only some groups gives them the values they have in the whole plant."""
    generator = make(specs(name)[shape], {"p": 2})
    whole = play(generator.bind(rows(), "x"), [])
    alone = GroupRows([Group("b-{n}", 10, {"p": 2}, first=5)], seed=7)
    sampler = generator.bind(alone, "x")
    for tick in range(TICKS):
        values = np.broadcast_to(sampler.sample(tick, float(tick), 0, 10), (10,))
        np.testing.assert_array_equal(values, whole[tick, 25:35])


@pytest.mark.parametrize("name", ALL)
def test_numbers_equal_for_all_devices_stay_one_number(name: str) -> None:
    sampler = make(specs(name)[0]).bind(rows(), "x")
    is_one = all(isinstance(sampler.sample(tick, float(tick), 0, 9), float) for tick in range(3))
    assert is_one == (name not in CHANCE | REMEMBERING)


@pytest.mark.parametrize("shape", range(4))
@pytest.mark.parametrize("name", ALL)
def test_an_array_has_one_float_for_each_row(name: str, shape: int) -> None:
    sampler = make(specs(name)[shape], {"p": 2}).bind(rows(), "x")
    for tick in range(3):
        values = sampler.sample(tick, float(tick), 3, 17)
        assert isinstance(values, float) or (values.shape == (14,) and values.dtype == np.float64)


@pytest.mark.parametrize("name", ALL)
def test_values_keep_their_bounds(name: str) -> None:
    _, _, low, high = SPECS[name]
    for spec in specs(name)[:2]:
        table = play(make(spec, {"p": 2}).bind(rows(), "x"), [], ticks=300)
        assert low <= table.min() <= table.max() <= high
        assert table.min() < table.max() or spec == {"type": "constant", "value": 5}


@pytest.mark.parametrize("name", ALL)
def test_noise_stays_within_its_reach_and_fills_it(name: str) -> None:
    calm, noisy = (make(specs(name)[shape]).bind(rows(), "x") for shape in (0, 2))
    noise = play(noisy, [], ticks=100) - play(calm, [], ticks=100)
    assert np.abs(noise).max() <= 0.25 + 1e-12
    assert noise.min() < -0.24
    assert noise.max() > 0.24
    assert abs(noise.mean()) < 0.01


@pytest.mark.parametrize("name", ALL)
def test_chance_depends_on_seed_point_device_and_tick(name: str) -> None:
    generator = make(specs(name)[2])
    told = play(generator.bind(rows(), "x"), [])
    np.testing.assert_array_equal(play(generator.bind(rows(), "x"), []), told)
    assert not np.isin(play(generator.bind(rows(seed=8), "x"), [])[1:], told[1:]).any()
    assert not np.isin(play(generator.bind(rows(), "y"), [])[1:], told[1:]).any()
    assert not np.isin(play(generator.bind(rows(names=("c-{n}", "d-{n}")), "x"), [])[1:], told[1:]).any()
    assert len(np.unique(told[1:])) == told[1:].size


@pytest.mark.parametrize("name", sorted(set(ALL) - REMEMBERING - {"random_walk", "follow"}))
def test_time_may_jump(name: str) -> None:
    generator = make(specs(name)[1], {"p": 2})
    whole = play(generator.bind(rows(), "x"), [])
    sampler = generator.bind(rows(), "x")
    for tick in (5, 2, 4):
        np.testing.assert_array_equal(
            np.broadcast_to(sampler.sample(tick, float(tick), 0, COUNT), (COUNT,)), whole[tick]
        )


@pytest.mark.parametrize("name", ALL)
def test_interval(name: str) -> None:
    spec = specs(name)[0]
    assert make(spec).interval == 1.0
    assert make({**spec, "interval": "250ms"}).interval == 0.25
    for wrong in ("0s", 5, "5"):
        with pytest.raises(ValueError, match="interval"):
            make({**spec, "interval": wrong})


@pytest.mark.parametrize("name", ALL)
def test_an_unknown_key_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="ampltude"):
        make({**specs(name)[0], "ampltude": 1})


@pytest.mark.parametrize("name", ALL)
def test_each_number_is_checked_when_the_file_is_read(name: str) -> None:
    plain = SPECS[name][0]
    for key in plain:
        wrongs: list[Any] = ["5", "{nobody}", None, True, [], float("nan")]
        for wrong in wrongs:
            if (wrong is None and (name, key) in NULLABLE) or (wrong == "5" and key == "formula"):
                continue
            with pytest.raises(ValueError, match=key):
                make({"type": name, **plain, key: wrong}, {"p": 2})


@pytest.mark.parametrize("name", ALL)
def test_generators_are_values(name: str) -> None:
    for spec in specs(name):
        assert make(spec) == make(spec)
        assert hash(make(spec)) == hash(make(spec))
    assert make(specs(name)[0]) != make(specs(name)[2])


@pytest.mark.parametrize("name", ALL)
def test_the_schema_tells_every_key(name: str) -> None:
    (schema,) = (each for each in json_schema()["oneOf"] if each["properties"]["type"] == {"const": name})
    assert {"type", "interval", "noise", *SPECS[name][0], *SPECS[name][1]} <= schema["properties"].keys()
    assert "type" in schema["required"]
    assert schema["additionalProperties"] is False
