"""Random values: spread as they should be, and none looks like another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator.generators import randomness
from simulator.generators.registry import make
from simulator.generators.rows import Group, GroupRows
from simulator.generators.scratch import Scratch

COUNT = 20_000


def table(ticks: int = 10, rows: GroupRows | None = None, **spec: Any) -> np.ndarray:
    rows = rows or GroupRows([Group("a", COUNT)], seed=3)
    sampler = make(spec).bind(rows, "x")
    return np.array([np.array(sampler.sample(tick, float(tick), 0, rows.count)) for tick in range(ticks)])


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def test_random_is_uniform() -> None:
    values = table(type="random", min=-3, max=5)
    assert -3 <= values.min() < -2.999
    assert 4.999 < values.max() < 5
    counted, _ = np.histogram(values, 50, (-3, 5))
    chi2 = ((counted - values.size / 50) ** 2 / (values.size / 50)).sum()
    assert chi2 < 100  # 49 degrees of freedom: beyond 100 once in 50 000


def test_normal_is_normal() -> None:
    values = table(type="normal", mean=10, deviation=2)
    standard = (values - 10) / 2
    assert abs(standard.mean()) < 0.01
    assert abs(standard.std() - 1) < 0.01
    assert abs((standard**3).mean()) < 0.03
    assert abs((standard**4).mean() - 3) < 0.06
    assert abs((np.abs(standard) < 1).mean() - 0.6827) < 0.005
    assert abs((np.abs(standard) < 2).mean() - 0.9545) < 0.003


@pytest.mark.parametrize(
    "spec", [{"type": "random", "min": 0, "max": 1}, {"type": "normal", "mean": 0, "deviation": 1}]
)
def test_neighbours_and_moments_have_nothing_in_common(spec: dict[str, Any]) -> None:
    values = table(**spec)
    assert abs(correlation(values[:-1], values[1:])) < 0.01
    assert abs(correlation(values[:, :-1], values[:, 1:])) < 0.01
    assert abs(correlation(values[:-1, :-1], values[1:, 1:])) < 0.01
    other = make(spec).bind(GroupRows([Group("a", COUNT)], seed=3), "y").sample(0, 0.0, 0, COUNT)
    assert abs(correlation(values[0], np.asarray(other))) < 0.03


def test_a_walk_starts_at_its_place_and_takes_small_steps() -> None:
    values = table(200, rows=GroupRows([Group("a", 500)]), type="random_walk", initial=25, step=0.1)
    assert (values[0] == 25).all()
    steps = np.diff(values, axis=0)
    assert np.abs(steps).max() <= 0.1 + 1e-12
    assert abs(steps.mean()) < 0.001
    assert values[-1].std() == pytest.approx(0.1 / 3**0.5 * 199**0.5, rel=0.15)


def test_a_walk_stays_between_its_ends() -> None:
    values = table(200, rows=GroupRows([Group("a", 500)]), type="random_walk", step=1, min=-2, max=3)
    assert (values[0] == 0.5).all()
    assert values.min() == -2
    assert values.max() == 3
    assert (table(1, type="random_walk", initial=9, step=1, max=3) == 3).all()
    assert (table(1, type="random_walk", step=1, max=3) == 0).all()


def test_the_ends_may_differ_by_device() -> None:
    rows = GroupRows([Group("a", 50)])
    values = table(400, rows=rows, type="random_walk", initial="{i}", step="{n}", min="{i}", max="{n}")
    assert (values.min(axis=0) == np.arange(50)).all()
    assert (values.max(axis=0) == np.arange(1, 51)).all()
    spread = table(400, rows=rows, type="random", min="{i}", max="{n}")
    assert (np.floor(spread) == np.arange(50)).all()
    wide = table(400, rows=rows, type="normal", mean="{i}", deviation=0.1)
    assert np.abs(wide.mean(axis=0) - np.arange(50)).max() < 0.05


PINNED_KEYS = [0xD98A_935C_A000_2114, 0x0CDA_EFA0_80DC_0B9A, 0x708B_C5F1_5804_B581]
PINNED_WORDS = [1411494439, 410912594, 1180806005]


def test_pinned_values() -> None:
    """The same seed gives the same plant in every release: change these numbers only with a major version."""
    rows = GroupRows([Group("meter-{n}", 3)], seed=7)
    assert rows.keys().tolist() == PINNED_KEYS
    sampler = make({"type": "random", "min": 0, "max": 2**32}).bind(rows, "p")
    assert np.asarray(sampler.sample(5, 5.0, 0, 3)).tolist() == PINNED_WORDS


def test_keys_are_a_hash_of_each_number() -> None:
    whole = randomness.keys(123, 0, 1000)
    assert len(set(whole.tolist())) == 1000
    np.testing.assert_array_equal(whole[990:], randomness.keys(123, 990, 1000))
    first = randomness.mix((123 + 0x9E3779B97F4A7C15) & (2**64 - 1))
    assert int(whole[0]) == first
    assert not np.isin(randomness.keys(124, 0, 1000), whole).any()


def test_names_and_seeds_make_keys() -> None:
    assert randomness.key(1, "a") == randomness.key(1, "a")
    assert len({randomness.key(seed, text) for seed in (0, 1, -1, 10) for text in ("", "a", "b", "0")}) == 16


def test_every_bit_is_fair() -> None:
    keys, scratch = randomness.keys(9, 0, 50_000), Scratch()
    words = randomness.draw(keys, randomness.multiplier(5, 1), scratch).copy()
    bits = words[:, None] >> np.arange(32, dtype=np.uint32) & 1
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.012
    flips = words ^ randomness.draw(keys, randomness.multiplier(5, 2), scratch)
    bits = flips[:, None] >> np.arange(32, dtype=np.uint32) & 1
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.012
