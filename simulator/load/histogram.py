"""Latencies in logarithmic buckets, as HDR histograms have them: 64 for each power of two.

A value is kept to within 1/64 (1.6 %), whatever its size; recording one costs no allocation.  Values are
whole nanoseconds here, but nothing depends on the unit.
"""

from __future__ import annotations

from collections.abc import Iterator

BITS = 6  # buckets for each power of two: 2 ** BITS
_FINE = BITS + 1
_LARGEST = 1 << 52  # nanoseconds, 52 days; larger values are counted as this one


def index_of(value: int) -> int:
    """The bucket of a value, 0 or more."""
    shift = value.bit_length() - _FINE
    return value if shift <= 0 else (shift << BITS) + (value >> shift)


def bounds_of(index: int) -> tuple[int, int]:
    """The least value of a bucket and the least of the next."""
    if index < 1 << _FINE:
        return index, index + 1
    shift = (index >> BITS) - 1
    low = (index - (shift << BITS)) << shift
    return low, low + (1 << shift)


class Histogram:
    """Counts by bucket.  ``counts`` may be added to directly, with :func:`index_of`."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts = [0] * (index_of(_LARGEST) + 1)

    def record(self, value: int, count: int = 1) -> None:
        """Count a value; a negative one as 0."""
        self.counts[index_of(min(max(value, 0), _LARGEST))] += count

    def add(self, other: Histogram) -> None:
        """Count everything that ``other`` has counted."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]

    @property
    def total(self) -> int:
        """How many values were counted."""
        return sum(self.counts)

    def percentile(self, share: float) -> int:
        """A value that ``share`` percent of all values do not exceed; 0 when nothing was counted.

        The highest value of the bucket is given, so that the answer is never too good.
        """
        if not 0 <= share <= 100:
            raise ValueError(f"percentile is {share}, expected 0 to 100")
        wanted = max(1, -(-self.total * share // 100))
        seen = 0
        for index, count in enumerate(self.counts):
            seen += count
            if count and seen >= wanted:
                return bounds_of(index)[1] - 1
        return 0

    @property
    def mean(self) -> float:
        """The mean, from the middle of each bucket; 0 when nothing was counted."""
        total = self.total
        return sum(count * sum(bounds) / 2 for *bounds, count in self.buckets()) / total if total else 0.0

    @property
    def smallest(self) -> int:
        """The lower bound of the first bucket that is not empty."""
        return next((low for low, _, _ in self.buckets()), 0)

    @property
    def largest(self) -> int:
        """The highest value of the last bucket that is not empty."""
        return self.percentile(100)

    def buckets(self) -> Iterator[tuple[int, int, int]]:
        """Least value, least of the next bucket, and count of each bucket that is not empty."""
        for index, count in enumerate(self.counts):
            if count:
                yield *bounds_of(index), count
