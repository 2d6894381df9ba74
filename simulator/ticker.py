"""Moves the values: one LoopingCall per distinct interval on virtual time, its work cut into short slices.

A beat runs the tracks of its interval for some rows of a fleet, looks at the clock, and leaves the rest for
later in the same interval, so the reactor is never held for longer than a slice and the work is spread.
The one rule: no tick is left out, and none begins before the one before is done; virtual time waits.  So
the values at a virtual time are the same however it was reached.  A track that fails is logged, counted
and left out from then on; the others go on.

Tracks that depend on each other run in one batch at the shortest of their intervals, each on its own ticks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from math import inf
from time import perf_counter
from typing import Any, Protocol

from twisted.logger import Logger

from simulator.timetable import NANOSECONDS, nanoseconds
from simulator.virtual_time import SLICE_S, VirtualClock

log = Logger()

SPREAD = 0.8  # the part of an interval over which its work is spread
IN_CASE_S = 0.05  # work that the clock hurries goes on by itself when that has changed its mind
FEWEST_ROWS = 64
ROWS_PER_TRACK = 32  # fewer, and calling the tracks of a job costs more than what they compute
FIRST_UPDATES = 16384  # of the first job, before its cost is known
FORGETTING = 1.02  # a fleet that has become slower is believed after some dozens of jobs
WHOLE = (0, 1)


class Track(Protocol):
    """One generated point of a fleet."""

    interval: float

    def run(self, tick: int, t: float, start: int, stop: int) -> None:
        """Write the values of virtual time ``t`` to the rows ``start`` to ``stop``."""
        ...


Due = list[tuple[Track, int, float]]  # tracks, each with its own tick and its virtual time


class Fleet(Protocol):
    """Devices whose points move together."""

    name: str
    count: int

    @property
    def components(self) -> Sequence[tuple[float, Sequence[Track]]]:
        """Shortest interval and tracks of each set of tracks that depend on each other, inputs first."""
        ...


class Signals(Protocol):
    """Plant-wide values, which move before the tracks do."""

    @property
    def intervals(self) -> Iterable[float]:
        """At which they move, in seconds."""
        ...

    def move(self, now: int) -> object:
        """Bring them to a virtual nanosecond; a snapshot of all of them."""
        ...

    @property
    def latest(self) -> object:
        """The snapshot of now."""
        ...

    def load(self, snapshot: Any) -> None:
        """Let everybody read the values of a snapshot."""
        ...


class Ticker:
    """All beats of a plant.  ``part`` (k, n) moves the k-th of n shares, from 0, of each fleet's rows only.

    Raises ValueError for a part that is none.
    """

    def __init__(
        self,
        time: VirtualClock,
        fleets: Iterable[Fleet],
        signals: Signals | None = None,
        part: tuple[int, int] = WHOLE,
    ) -> None:
        share, shares = part
        if not 0 <= share < shares:
            raise ValueError(f"part is {share} of {shares}, expected (k, n) with k from 0 to n - 1")
        batches: defaultdict[float, list[Batch]] = defaultdict(list)
        for fleet in fleets:
            by_interval: defaultdict[float, list[Track]] = defaultdict(list)
            for interval, tracks in fleet.components:
                by_interval[interval] += tracks
            for interval, tracks in by_interval.items():
                batches[interval].append(Batch(fleet, interval, tracks, part))
        intervals = sorted({*batches, *(signals.intervals if signals else ())})
        self.beats = [
            Beat(time, rank, interval, batches[interval], signals) for rank, interval in enumerate(intervals)
        ]

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
        """Beats that could not begin when they were due, because the one before was not done."""
        return sum(beat.missed for beat in self.beats)

    @property
    def failed(self) -> int:
        """Tracks that stopped after an error."""
        return sum(batch.failed for beat in self.beats for batch in beat.batches)

    @property
    def busy_s(self) -> float:
        """Seconds spent moving values."""
        return sum(beat.busy_s for beat in self.beats)


class Pace:
    """How many rows fill a slice."""

    def __init__(self, tracks: int, most: int) -> None:
        self._fewest, self._most = max(FEWEST_ROWS, ROWS_PER_TRACK * tracks), most
        self.rows = min(most, max(self._fewest, FIRST_UPDATES // tracks))
        self._row_s = inf  # what a row costs, told from the quick jobs: slow ones were interrupted

    def adapt(self, row_s: float) -> None:
        """Take as many rows next time as fill a slice, at most twice as many as now."""
        self._row_s = min(row_s, self._row_s * FORGETTING)
        fitting = int(SLICE_S / self._row_s) if self._row_s > 0 else self._most
        self.rows = min(self._most, max(self._fewest, min(fitting, 2 * self.rows)))


class Batch:
    """Tracks of one fleet that run together, row slice by row slice, in their order."""

    def __init__(
        self, fleet: Fleet, interval: float, tracks: Iterable[Track], part: tuple[int, int] = WHOLE
    ) -> None:
        self.fleet = fleet
        self.tracks = {track: nanoseconds(track.interval) for track in tracks}
        self.failed = 0
        share, shares = part
        self.first, self.last = fleet.count * share // shares, fleet.count * (share + 1) // shares
        self._interval = nanoseconds(interval)
        self._paces: dict[tuple[Track, ...], Pace] = {}  # by what is due

    def due(self, tick: int) -> Due:
        """The tracks that move at a tick of the beat."""
        now, before = tick * self._interval, (tick - 1) * self._interval
        found: Due = []
        for track, interval in self.tracks.items():
            own = now // interval
            if not tick or own != before // interval:
                found.append((track, own, now / NANOSECONDS))
        return found

    def jobs(self, due: Due) -> Iterator[int]:
        """Move every row, some at each step; yields how many updates a step has made."""
        if not due:
            return
        key = tuple(track for track, _, _ in due)
        pace = self._paces.get(key)
        if pace is None:
            pace = self._paces[key] = Pace(len(due), self.last - self.first)
        start = self.first
        while start < self.last:
            stop = min(start + pace.rows, self.last)
            began = perf_counter()
            for track, tick, t in due:
                if track in self.tracks:
                    try:
                        track.run(tick, t, start, stop)
                    except Exception:
                        self._give_up(track)
            pace.adapt((perf_counter() - began) / (stop - start))
            yield (stop - start) * len(due)
            start = stop

    def _give_up(self, track: Track) -> None:
        del self.tracks[track]
        self.failed += 1
        log.failure("{fleet}: {track} fails and stands still from now on", fleet=self.fleet.name, track=track)


class Beat:
    """One interval: what is due, how far it is, what had to wait."""

    def __init__(
        self, time: VirtualClock, rank: int, interval: float, batches: list[Batch], signals: Signals | None
    ) -> None:
        self.interval = interval
        self.batches = batches
        self.tick = 0
        self.missed = 0
        self.busy_s = 0.0  # time spent working since the start
        self._time = time
        self._rank = rank
        self._signals = signals
        self._loop: Any = None
        self._work: Iterator[int] | None = None
        self._total = 0  # updates of the tick under way
        self._done = 0
        self._began = 0.0
        self._rest: Any = None

    def start(self) -> None:
        """Beat from one interval after now."""
        self._loop = self._time.every(self.interval, self._due, rank=self._rank, work=self)

    def stop(self) -> None:
        """Stop; the rest of the beat under way is dropped."""
        if self._loop is not None and self._loop.running:
            self._loop.stop()
        self._cancel_rest()
        self._work = None
        self._time.end(self)

    def work(self, tick: int) -> Iterator[int]:
        """The jobs of one tick."""
        signals = self._signals
        snapshot = None if signals is None else signals.move(tick * nanoseconds(self.interval))
        due = [batch.due(tick) for batch in self.batches]
        self._total = sum(
            (batch.last - batch.first) * len(tracks) for batch, tracks in zip(self.batches, due, strict=True)
        )
        for batch, tracks in zip(self.batches, due, strict=True):
            for updates in batch.jobs(tracks):
                yield updates
                if signals is not None:
                    signals.load(snapshot)  # another beat may have moved them meanwhile

    def proceed(self) -> None:
        """One slice of the beat under way."""
        self._cancel_rest()
        if self._work is None:
            return
        began = perf_counter()
        for updates in self._work:  # each job reads the signals of the beat
            self._done += updates
            if perf_counter() - began >= SLICE_S:
                self._leave_rest()
                break
        else:
            self._work = None
            self._time.end(self)
        if self._signals is not None:
            self._signals.load(self._signals.latest)
        self.busy_s += perf_counter() - began

    def _due(self, count: int) -> None:
        self.tick += count
        self._work = self.work(self.tick)
        self._began = self._time.clock.seconds()
        self._done = 0
        self._time.begin(self)
        self.proceed()

    def _leave_rest(self) -> None:
        """The next slice comes when the share of the interval has passed, or when the clock asks for it."""
        clock, share = self._time.clock, min(1.0, self._done / max(1, self._total))
        due = self._began + SPREAD * self.interval / self._time.scale * share
        least = IN_CASE_S if self._time.hurried else 0.0
        self._rest = clock.callLater(max(least, due - clock.seconds()), self.proceed)

    def _cancel_rest(self) -> None:
        if self._rest is not None and self._rest.active():
            self._rest.cancel()
        self._rest = None
