"""When values move: every interval on time, in short slices, and not stopped by one that fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.task import Clock
from twisted.logger import LogEvent, globalLogPublisher

from simulator import ticker as ticker_module
from simulator.ticker import Ticker


class Track:
    """Notes what it is asked to do; ``work`` is called with the number of rows first."""

    def __init__(self, interval: float, work: Callable[[int], None] = lambda rows: None) -> None:
        self.interval = interval
        self.runs: list[tuple[int, float, int, int]] = []
        self._work = work

    def run(self, tick: int, t: float, start: int, stop: int) -> None:
        self._work(stop - start)
        self.runs.append((tick, t, start, stop))

    @property
    def ticks(self) -> list[int]:
        return [tick for tick, *_ in self.runs]

    def rows_of(self, tick: int) -> list[int]:
        """Every row written at a tick, in the order of writing."""
        return [row for when, _, start, stop in self.runs if when == tick for row in range(start, stop)]

    def __repr__(self) -> str:
        return "point voltage"


class Fleet:
    name = "meter"

    def __init__(self, *tracks: Track, count: int = 3) -> None:
        self.count = count
        self.tracks = list(tracks)


class Time:
    """A processor clock that moves only when work is done."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def cost(self, seconds_per_row: float) -> Callable[[int], None]:
        def work(rows: int) -> None:
            self.now += rows * seconds_per_row

        return work


@pytest.fixture
def processor(monkeypatch):
    time = Time()
    monkeypatch.setattr(ticker_module, "perf_counter", time)
    return time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def logged():
    events: list[LogEvent] = []
    globalLogPublisher.addObserver(events.append)
    yield events
    globalLogPublisher.removeObserver(events.append)


def started(clock: Clock, *fleets: Fleet) -> Ticker:
    ticker = Ticker(clock, fleets)
    ticker.start()
    return ticker


def pump(clock: Clock, seconds: float, step: float = 0.01) -> None:
    """Let time run in small steps, as a reactor with nothing else to do."""
    for _ in range(round(seconds / step)):
        clock.advance(step)


def test_values_are_written_once_an_interval_with_their_virtual_time(clock):
    track = Track(0.5)
    started(clock, Fleet(track))
    assert track.runs == []
    for _ in range(3):
        clock.advance(0.5)
    assert track.runs == [(1, 0.5, 0, 3), (2, 1.0, 0, 3), (3, 1.5, 0, 3)]


def test_there_is_one_looping_call_for_each_distinct_interval(clock):
    tracks = [Track(interval) for interval in (1.0, 1.0, 5.0, 1.0, 0.25)]
    started(clock, Fleet(*tracks[:2]), Fleet(tracks[2]), Fleet(*tracks[3:]))
    assert len(clock.getDelayedCalls()) == 3
    pump(clock, 5.02)
    assert [len(track.runs) for track in tracks] == [5, 5, 1, 5, 20]


def test_a_plant_without_generators_wakes_nobody(clock):
    started(clock, Fleet())
    assert clock.getDelayedCalls() == []


def test_prime_writes_the_values_of_time_0_before_anybody_listens(clock):
    tracks = [Track(1.0), Track(5.0)]
    for _ in Ticker(clock, [Fleet(*tracks)]).prime():
        pass
    assert [track.runs for track in tracks] == [[(0, 0.0, 0, 3)]] * 2


def test_prime_gives_the_reactor_back_between_its_slices(clock, processor):
    track = Track(1.0, processor.cost(1e-6))
    before, slices = 0.0, []
    for _ in Ticker(clock, [Fleet(track, count=200_000)]).prime():
        slices.append(processor.now - before)
        before = processor.now
    assert track.rows_of(0) == list(range(200_000))
    assert len(slices) > 10
    assert max(slices[1:]) < 0.010


def test_beats_that_pass_while_nobody_looks_are_missed_and_counted_not_made_up_for(clock):
    """A process that was stopped for a while goes on with the values of now."""
    track = Track(1.0)
    ticker = started(clock, Fleet(track))
    clock.advance(1)
    clock.advance(7)
    clock.advance(1)
    assert [(tick, t) for tick, t, *_ in track.runs] == [(1, 1.0), (8, 8.0), (9, 9.0)]
    assert ticker.missed == 6


def test_work_longer_than_its_interval_misses_beats_and_never_piles_up(clock, processor):
    """Two seconds of work a second: every other beat is left out, none waits in a queue."""

    def work(rows: int) -> None:
        processor.now += rows * 4e-4
        clock.rightNow += rows * 4e-4

    track = Track(1.0, work)
    ticker = started(clock, Fleet(track, count=5_000))
    while clock.seconds() < 20:
        clock.advance(0.001)
        assert len(clock.getDelayedCalls()) <= 2  # the next beat and the rest of this one
    done = sorted(set(track.ticks))[:-1]
    assert len(done) >= 5
    for tick in done:
        assert track.rows_of(tick) == list(range(5_000))
    assert track.ticks == sorted(track.ticks)
    assert ticker.missed == ticker.beats[0].tick - len(set(track.ticks))
    assert ticker.missed >= 8


def test_no_slice_holds_the_reactor_and_the_work_is_spread_over_the_interval(clock, processor):
    tracks = [Track(1.0, processor.cost(20e-9)) for _ in range(10)]
    ticker = started(clock, Fleet(*tracks, count=100_000))
    for _ in ticker.prime():
        pass
    slices, moments = [], []
    clock.advance(1.0)
    while clock.seconds() < 2.0 - 1e-9:
        before = processor.now
        clock.advance(0.001)
        if processor.now > before:
            slices.append(processor.now - before)
            moments.append(clock.seconds())
    for track in tracks:
        assert track.rows_of(1) == list(range(100_000))
    assert ticker.missed == 0
    assert max(slices) < 0.010
    assert len(slices) > 10
    assert 1.5 < max(moments) < 1.9  # done before the next beat, and not all at once
    assert sum(1 for moment in moments if moment < 1.4) < 0.7 * len(moments)


def test_slow_work_is_cut_finer(clock, processor):
    """A point of 10 µs a device: a thousand devices take 10 ms, so they are not done in one go."""
    track = Track(1.0, processor.cost(10e-6))
    ticker = started(clock, Fleet(track, count=4_000))
    for _ in ticker.prime():
        pass
    slices = []
    for _ in range(2_000):
        before = processor.now
        clock.advance(0.001)
        slices.append(processor.now - before)
    assert track.rows_of(1) == list(range(4_000))
    assert 0 < max(slices) < 0.010


def test_busy_time_is_told(clock, processor):
    ticker = started(clock, Fleet(Track(1.0, processor.cost(1e-4)), count=3))
    clock.advance(1)
    assert ticker.beats[0].busy_s == pytest.approx(3e-4)


def broken(rows: int) -> None:
    raise ZeroDivisionError("division by zero")


def test_a_failing_point_is_logged_once_and_stops_alone(clock, logged):
    good, bad, other = Track(1.0), Track(1.0, broken), Track(1.0)
    ticker = started(clock, Fleet(good, bad, other), Fleet(Track(1.0)))
    for _ in range(5):
        clock.advance(1)
    assert good.ticks == other.ticks == [1, 2, 3, 4, 5]
    assert bad.runs == []
    assert ticker.failed == 1
    failures = [event for event in logged if event.get("log_failure")]
    assert len(failures) == 1
    assert str(failures[0]["track"]) == "point voltage"
    assert failures[0]["fleet"] == "meter"
    assert failures[0]["log_failure"].check(ZeroDivisionError)


def test_a_point_that_fails_later_or_for_some_devices_stops_as_a_whole(clock, processor, logged):
    def fails_at(limit: int) -> Callable[[int], None]:
        left = [limit]

        def work(rows: int) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise ValueError("enough")

        return work

    bad, good = Track(1.0, fails_at(3)), Track(1.0, processor.cost(1e-5))
    ticker = started(clock, Fleet(bad, good, count=1_000))
    pump(clock, 5)
    assert len(bad.runs) == 3
    assert good.rows_of(4) == list(range(1_000))
    assert ticker.failed == 1


def test_when_every_point_of_an_interval_has_failed_the_others_go_on(clock, logged):
    bad, good = Track(1.0, broken), Track(2.0)
    ticker = started(clock, Fleet(bad), Fleet(good))
    for _ in range(6):
        clock.advance(1)
    assert good.ticks == [1, 2, 3]
    assert (ticker.failed, ticker.missed) == (1, 0)


def test_a_point_that_fails_at_time_0_stands_still_from_the_start(clock, logged):
    bad, good = Track(1.0, broken), Track(1.0)
    ticker = Ticker(clock, [Fleet(bad, good)])
    for _ in ticker.prime():
        pass
    ticker.start()
    clock.advance(1)
    assert good.ticks == [0, 1]
    assert ticker.failed == 1


def test_after_stop_nothing_moves_and_nothing_is_left_to_wait_for(clock, processor):
    track = Track(1.0, processor.cost(1e-5))
    ticker = started(clock, Fleet(track, count=5_000))
    for _ in ticker.prime():
        pass
    clock.advance(1)
    assert 0 < len(track.rows_of(1)) < 5_000  # in the middle of a beat
    ticker.stop()
    done = len(track.runs)
    assert clock.getDelayedCalls() == []
    clock.advance(10)
    assert len(track.runs) == done


def test_a_ticker_that_never_started_can_be_stopped(clock):
    Ticker(clock, [Fleet(Track(1.0))]).stop()
    assert clock.getDelayedCalls() == []


def test_fractions_of_a_second_do_not_drift(clock):
    track = Track(0.1)
    started(clock, Fleet(track))
    pump(clock, 100.05)
    assert len(track.runs) == 1000
    tick, t, *_ = track.runs[-1]
    assert tick == 1000
    assert t == pytest.approx(100.0)
