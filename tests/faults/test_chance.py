"""The random numbers of a rule and what delays they make."""

from __future__ import annotations

import math
from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.faults.chance import Draws, lateness

MANY = 20_000


def many(delay: float, jitter: float, distribution: str) -> list[float]:
    return [lateness(delay, jitter, distribution, Draws(number)) for number in range(MANY)]


@given(st.integers(0, 2**64 - 1))
def test_a_key_is_a_stream(key):
    one, again = Draws(key), Draws(key)
    numbers = [one.number() for _ in range(5)]
    assert numbers == [again.number() for _ in range(5)]
    assert all(0 <= number < 1 for number in numbers)
    assert len(set(numbers)) == 5


def test_without_jitter_nothing_varies():
    assert lateness(0.5, 0.0, "pareto", Draws(1)) == 0.5


def test_uniform():
    found = many(1.0, 0.25, "uniform")
    assert 0.75 <= min(found) < 0.76 and 1.24 < max(found) <= 1.25
    assert math.isclose(fmean(found), 1.0, rel_tol=0.01)


@pytest.mark.parametrize("distribution", ["normal", "lognormal"])
def test_the_jitter_is_the_deviation(distribution):
    found = many(1.0, 0.1, distribution)
    assert math.isclose(fmean(found), 1.0, rel_tol=0.01)
    assert math.isclose(pstdev(found), 0.1, rel_tol=0.05)


def test_pareto_adds_to_the_delay():
    found = many(1.0, 0.1, "pareto")
    assert min(found) >= 1.0
    assert math.isclose(fmean(found), 1.1, rel_tol=0.02)
    assert max(found) > 1.6, "a long tail"


@given(st.floats(0.001, 100), st.floats(0, 100), st.sampled_from(["uniform", "normal", "lognormal", "pareto"]),
       st.integers(0, 2**64 - 1))  # fmt: skip
def test_nobody_is_early_and_nobody_waits_for_ever(delay, jitter, distribution, key):
    assert 0 <= lateness(delay, jitter, distribution, Draws(key)) <= delay + 100 * jitter


@given(st.integers(0, 300), st.integers(0, 100))
def test_bytes(size, key):
    assert len(Draws(key).data(size)) == size
