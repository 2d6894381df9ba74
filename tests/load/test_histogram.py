"""Latencies in buckets: exact to 1.6 %, never too good."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.load.histogram import Histogram, bounds_of, index_of

VALUES = st.integers(0, 1 << 51)


@given(VALUES)
def test_a_value_is_in_the_bucket_it_is_counted_in(value):
    low, high = bounds_of(index_of(value))
    assert low <= value < high
    assert high - low <= max(1, value / 64)


@given(st.integers(0, 3000))
def test_buckets_follow_each_other_without_gaps(index):
    assert bounds_of(index)[1] == bounds_of(index + 1)[0]
    assert index_of(bounds_of(index)[0]) == index


@given(st.lists(VALUES, min_size=1, max_size=200), st.floats(0, 100))
def test_percentiles_are_those_of_the_values_and_never_too_good(values, share):
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    exact = sorted(values)[max(1, math.ceil(len(values) * share / 100)) - 1]
    assert exact <= histogram.percentile(share) <= exact * (1 + 1 / 64)
    assert histogram.total == len(values)
    assert histogram.smallest <= min(values)
    assert histogram.mean == pytest.approx(sum(values) / len(values), rel=1 / 64, abs=1)


def test_histograms_add_up_and_empty_ones_say_zero():
    first, second = Histogram(), Histogram()
    assert (first.percentile(99), first.mean, first.largest, list(first.buckets())) == (0, 0.0, 0, [])
    first.record(100, 3)
    second.record(100, 2)
    second.record(-5)
    first.add(second)
    assert list(first.buckets()) == [(0, 1, 1), (100, 101, 5)]


def test_a_percentile_beyond_100_is_refused():
    with pytest.raises(ValueError) as caught:
        Histogram().percentile(101)
    assert str(caught.value) == "percentile is 101, expected 0 to 100"
