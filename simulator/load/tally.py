"""What a swarm counted: requests, answers, errors by kind, latencies.

Two latencies: ``response`` counts from when a request was due, ``service`` from when it was sent.  They
differ only under an open load: a server that stops for a second delays every request that was due in it,
also those that were not sent for lack of room; counting those from their sending would leave the pause out
(this is called coordinated omission).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from simulator.load.histogram import Histogram


@dataclass(slots=True)
class Tally:
    """The counts of one stretch of time."""

    sent: int = 0
    answered: int = 0  # rightly
    late: int = 0  # answers to requests that were given up
    bytes_received: int = 0
    response: Histogram = field(default_factory=Histogram)
    service: Histogram = field(default_factory=Histogram)
    lag: Histogram = field(default_factory=Histogram)  # how late a request was sent by our own fault
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> int:
        """How many errors of all kinds."""
        return sum(self.errors.values())


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the live line shows: totals, and rate and latencies of the last stretch."""

    elapsed_s: float
    duration_s: float
    connected: int
    in_flight: int
    rate: float
    p50_ms: float
    p99_ms: float
    failed: int
    ramping: bool

    def __str__(self) -> str:
        phase = "  ramping" if self.ramping else ""
        return (
            f"{self.elapsed_s:5.0f} of {self.duration_s:.0f} s{phase}  {self.rate:9,.0f} answers/s  "
            f"p50 {self.p50_ms:.2f} ms  p99 {self.p99_ms:.2f} ms  "
            f"{self.connected} connected  {self.in_flight} in flight  {self.failed} errors"
        )


class Pace:
    """Takes the difference between two looks at a tally."""

    def __init__(self) -> None:
        self._counts: list[int] = []
        self._answered = 0
        self._at = 0.0

    def since(self, tally: Tally, now: float) -> tuple[float, float, float]:
        """Answers a second, and median and 99th percentile in ms, since the last look."""
        passed = max(now - self._at, 1e-9)
        before = self._counts or [0] * len(tally.response.counts)
        fresh = Histogram()
        fresh.counts = [
            max(0, here - there) for here, there in zip(tally.response.counts, before, strict=True)
        ]
        rate = max(0, tally.answered - self._answered) / passed
        self._counts, self._answered, self._at = list(tally.response.counts), tally.answered, now
        return rate, fresh.percentile(50) / 1e6, fresh.percentile(99) / 1e6
