"""Moves the values: one LoopingCall per distinct interval, its work cut into short slices.

A beat runs all tracks of its interval for some rows of a fleet, looks at the clock, and leaves the rest for
later in the same interval, so the reactor is never held for longer than a slice and the work is spread.  A
beat that comes while the one before still works is missed and counted, never queued.  A track that fails
is logged, counted and left out from then on; the others go on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from math import inf
from time import perf_counter
from typing import Any, Protocol

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

log = Logger()

SLICE_S = 0.0007  # the reactor is given back after this much work
SPREAD = 0.8  # the part of an interval over which its work is spread
FEWEST_ROWS = 64
FIRST_UPDATES = 16384  # of the first job, before its cost is known
FORGETTING = 1.02  # a fleet that has become slower is believed after some dozens of jobs


class Track(Protocol):
    """One generated point of a fleet."""

    interval: float

    def run(self, tick: int, t: float, start: int, stop: int) -> None:
        """Write the values of virtual time ``t`` to the rows ``start`` to ``stop``."""
        ...


class Fleet(Protocol):
    """Devices whose points move together."""

    name: str
    count: int

    @property
    def tracks(self) -> Sequence[Track]: ...


class Ticker:
    """All beats of a plant.  ``clock`` is the reactor, or a ``task.Clock`` in tests."""

    def __init__(self, clock: Any, fleets: Iterable[Fleet]) -> None:
        batches: defaultdict[float, list[Batch]] = defaultdict(list)
        for fleet in fleets:
            by_interval: defaultdict[float, list[Track]] = defaultdict(list)
            for track in fleet.tracks:
                by_interval[track.interval].append(track)
            for interval, tracks in by_interval.items():
                batches[interval].append(Batch(fleet, tracks))
        self.beats = [Beat(clock, interval, batches[interval]) for interval in sorted(batches)]

    def prime(self) -> Iterator[int]:
        """Write the values of time 0, a slice at each step: run it to its end before anybody listens."""
        for beat in self.beats:
            yield from beat.work(0)

    def start(self) -> None:
        """Begin to beat."""
        for beat in self.beats:
            beat.start()

    def stop(self) -> None:
        """Stop where it stands."""
        for beat in self.beats:
            beat.stop()

    @property
    def missed(self) -> int:
        """Beats left out because the one before was not done."""
        return sum(beat.missed for beat in self.beats)

    @property
    def failed(self) -> int:
        """Tracks that stopped after an error."""
        return sum(batch.failed for beat in self.beats for batch in beat.batches)


class Batch:
    """The tracks of one fleet with one interval; ``rows`` is how many devices one job takes."""

    def __init__(self, fleet: Fleet, tracks: list[Track]) -> None:
        self.fleet = fleet
        self.tracks = tracks
        self.failed = 0
        self.rows = min(fleet.count, max(FEWEST_ROWS, FIRST_UPDATES // len(tracks)))
        self._row_s = inf  # what a row costs, told from the quick jobs: slow ones were interrupted

    def jobs(self, tick: int, t: float) -> Iterator[int]:
        """Move every row, some at each step; yields how many updates a step has made."""
        start = 0
        while start < self.fleet.count:
            stop = min(start + self.rows, self.fleet.count)
            began = perf_counter()
            for track in tuple(self.tracks):
                try:
                    track.run(tick, t, start, stop)
                except Exception:
                    self._give_up(track)
            self._adapt((perf_counter() - began) / (stop - start))
            yield (stop - start) * len(self.tracks)
            start = stop

    def _adapt(self, row_s: float) -> None:
        """Take as many rows next time as fill a slice, at most twice as many as now."""
        self._row_s = min(row_s, self._row_s * FORGETTING)
        fitting = int(SLICE_S / self._row_s) if self._row_s > 0 else self.fleet.count
        self.rows = min(self.fleet.count, max(FEWEST_ROWS, min(fitting, 2 * self.rows)))

    def _give_up(self, track: Track) -> None:
        self.tracks.remove(track)
        self.failed += 1
        log.failure("{fleet}: {track} fails and stands still from now on", fleet=self.fleet.name, track=track)


class Beat:
    """One interval: what is due, how far it is, what was missed."""

    def __init__(self, clock: Any, interval: float, batches: list[Batch]) -> None:
        self.interval = interval
        self.batches = batches
        self.tick = 0
        self.missed = 0
        self.busy_s = 0.0  # time spent working since the start
        self._clock = clock
        self._loop = LoopingCall.withCount(self._due)
        self._loop.clock = clock
        self._total = sum(batch.fleet.count * len(batch.tracks) for batch in batches)
        self._work: Iterator[int] | None = None
        self._began = 0.0
        self._done = 0
        self._rest: Any = None

    def start(self) -> None:
        """Beat from one interval after now."""
        self._loop.start(self.interval, now=False)

    def stop(self) -> None:
        """Stop; the rest of the beat under way is dropped."""
        if self._loop.running:
            self._loop.stop()
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def work(self, tick: int) -> Iterator[int]:
        """The jobs of one tick."""
        for batch in self.batches:
            if batch.tracks:
                yield from batch.jobs(tick, tick * self.interval)

    def _due(self, count: int) -> None:
        self.tick += count
        if self._work is not None:
            self.missed += count
            return
        self.missed += count - 1
        self._work = self.work(self.tick)
        self._began = self._clock.seconds()
        self._done = 0
        self._proceed()

    def _proceed(self) -> None:
        self._rest = None
        assert self._work is not None
        began = perf_counter()
        for updates in self._work:
            self._done += updates
            if perf_counter() - began >= SLICE_S:
                due = self._began + SPREAD * self.interval * min(1.0, self._done / self._total)
                self._rest = self._clock.callLater(max(0.0, due - self._clock.seconds()), self._proceed)
                break
        else:
            self._work = None
        self.busy_s += perf_counter() - began
