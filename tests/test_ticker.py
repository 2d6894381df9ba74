"""When values move: every tick of every interval, in short slices, and not stopped by one that fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.task import Clock
from twisted.logger import LogEvent, globalLogPublisher

from simulator import ticker as ticker_module
from simulator import virtual_time
from simulator.ticker import Ticker
from simulator.virtual_time import VirtualClock


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
        self.components = [(track.interval, [track]) for track in tracks]


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
    monkeypatch.setattr(virtual_time, "perf_counter", time)
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
    time = VirtualClock(clock)
    ticker = Ticker(time, fleets)
    ticker.start()
    time.start()
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
    time = VirtualClock(clock)
    ticker = Ticker(time, [Fleet(*tracks[:2]), Fleet(tracks[2]), Fleet(*tracks[3:])])
    ticker.start()
    time.start()
    assert len(time.getDelayedCalls()) == 3
    assert len(clock.getDelayedCalls()) == 1  # the reactor sees one timer, the next
    pump(clock, 5.02)
    assert [len(track.runs) for track in tracks] == [5, 5, 1, 5, 20]


def test_a_plant_without_generators_wakes_nobody(clock):
    started(clock, Fleet())
    assert clock.getDelayedCalls() == []


def test_prime_writes_the_values_of_time_0_before_anybody_listens(clock):
    tracks = [Track(1.0), Track(5.0)]
    for _ in Ticker(VirtualClock(clock), [Fleet(*tracks)]).prime():
        pass
    assert [track.runs for track in tracks] == [[(0, 0.0, 0, 3)]] * 2


def test_prime_gives_the_reactor_back_between_its_slices(clock, processor):
    track = Track(1.0, processor.cost(1e-6))
    before, slices = 0.0, []
    for _ in Ticker(VirtualClock(clock), [Fleet(track, count=200_000)]).prime():
        slices.append(processor.now - before)
        before = processor.now
    assert track.rows_of(0) == list(range(200_000))
    assert len(slices) > 10
    assert max(slices[1:]) < 0.010


def test_beats_that_pass_while_nobody_looks_are_made_up_for_in_order(clock):
    track = Track(1.0)
    ticker = started(clock, Fleet(track))
    clock.advance(1)
    clock.advance(7)
    clock.advance(1)
    assert [(tick, t) for tick, t, *_ in track.runs] == [(n, float(n)) for n in range(1, 10)]
    assert ticker.missed == 0


def test_work_longer_than_its_interval_slows_time_down_and_leaves_no_tick_out(clock, processor):
    """Two seconds of work a second: a beat waits for the one before, and so does all of virtual time."""

    def work(rows: int) -> None:
        processor.now += rows * 4e-4
        clock.rightNow += rows * 4e-4

    track, other = Track(1.0, work), Track(0.5)
    time = VirtualClock(clock)
    ticker = Ticker(time, [Fleet(track, count=5_000), Fleet(other)])
    ticker.start()
    time.start()
    while clock.seconds() < 30:
        assert len(clock.getDelayedCalls()) <= 3
        due = min(call.getTime() for call in clock.getDelayedCalls())
        clock.rightNow = max(clock.rightNow, due)
        turn(clock)
    last = track.ticks[-1]
    assert 10 <= last <= 20
    for tick in range(1, last):
        assert track.rows_of(tick) == list(range(5_000))
    assert track.ticks == sorted(track.ticks)
    assert other.ticks == list(range(1, other.ticks[-1] + 1))
    assert 2 * last <= other.ticks[-1] <= 2 * last + 2
    assert ticker.missed >= last // 2
    assert time.seconds() < 20


def turn(clock: Clock) -> None:
    """What is due now, once: what it asks for comes in the next turn, as in a reactor."""
    for call in [call for call in clock.calls if call.getTime() <= clock.rightNow]:
        if call.active():
            clock.calls.remove(call)
            call.called = 1
            call.func(*call.args, **call.kw)


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
    ticker = started(clock, Fleet(bad, good))
    for _ in ticker.prime():
        pass
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
    Ticker(VirtualClock(clock), [Fleet(Track(1.0))]).stop()
    assert clock.getDelayedCalls() == []


def test_fractions_of_a_second_do_not_drift(clock):
    track = Track(0.1)
    started(clock, Fleet(track))
    pump(clock, 100.05)
    assert len(track.runs) == 1000
    tick, t, *_ = track.runs[-1]
    assert tick == 1000
    assert t == pytest.approx(100.0)


# tracks that depend on each other


class Together(Fleet):
    """One component, in this order."""

    def __init__(self, *tracks: Track, count: int = 3) -> None:
        super().__init__(count=count)
        self.components = [(min(track.interval for track in tracks), list(tracks))]


def test_tracks_that_depend_on_each_other_run_in_order_slice_by_slice(clock, processor):
    order: list[tuple[str, int]] = []
    first = Track(1.0, lambda rows: order.append(("first", rows)))
    second = Track(1.0, lambda rows: (order.append(("second", rows)), processor.cost(1e-5)(rows)))
    for _ in started(clock, Together(first, second, count=1000)).prime():
        pass
    pump(clock, 2)
    assert len(order) > 4
    assert [name for name, _ in order] == ["first", "second"] * (len(order) // 2)
    assert [rows for _, rows in order[::2]] == [rows for _, rows in order[1::2]]


def test_each_track_of_a_component_keeps_its_own_interval(clock):
    fast, slow, odd = Track(0.1), Track(0.5), Track(0.25)
    started(clock, Together(fast, slow, odd))
    clock.advance(2)
    assert [(tick, t) for tick, t, *_ in fast.runs] == [(n, n / 10) for n in range(1, 21)]
    assert [(tick, t) for tick, t, *_ in slow.runs] == [(n, n / 2) for n in range(1, 5)]
    # what falls between the ticks of the component comes with its next: no tick is left out
    assert [(tick, t) for tick, t, *_ in odd.runs] == [
        (1, 0.3), (2, 0.5), (3, 0.8), (4, 1.0), (5, 1.3), (6, 1.5), (7, 1.8), (8, 2.0),
    ]  # fmt: skip


# parts of a plant


@pytest.mark.parametrize("part", [(2, 2), (-1, 2), (0, 0), (1, -1)])
def test_a_part_that_is_none_is_refused(clock, part):
    with pytest.raises(ValueError, match=f"part is {part[0]} of {part[1]}, expected"):
        Ticker(VirtualClock(clock), [], part=part)


def test_parts_move_each_row_once(clock):
    rows: list[int] = []
    for k in range(3):
        tracks = [Track(1.0), Track(1.0)]
        time = VirtualClock(Clock())
        ticker = Ticker(time, [Fleet(tracks[0], count=100), Fleet(tracks[1], count=2)], part=(k, 3))
        assert list(ticker.prime())
        rows += [row for track in tracks for row in track.rows_of(0)]
    assert sorted(rows) == sorted([*range(100), *range(2)])


# pause, step, advance


def test_pause_step_and_advance_end_with_all_rows_at_the_same_tick(clock, processor):
    track, slow = Track(1.0, processor.cost(1e-5)), Track(4.0, processor.cost(1e-5))
    time = VirtualClock(clock)
    ticker = Ticker(time, [Fleet(track, slow, count=5_000)])
    for _ in ticker.prime():
        pass
    ticker.start()
    time.start()
    pump(clock, 4.1)
    assert 0 < len(track.rows_of(4)) < 5_000
    assert 0 < len(slow.rows_of(1)) < 5_000
    for go, tick in ((time.pause, 4), (time.step, 5), (lambda: time.advance(3600), 3605)):
        reached = go()
        assert not reached.called
        clock.advance(0)
        assert reached.called
        assert track.ticks[-1] == tick
        assert track.rows_of(tick) == slow.rows_of(tick // 4) == list(range(5_000))
    assert sorted(set(track.ticks)) == list(range(3606))
    assert ticker.missed == 0


def test_an_advance_takes_the_reactor_for_a_slice_at_a_time(clock, processor, monkeypatch):
    """An hour of 200 devices with 20 points that cost 0.1 µs each: 1.4 s of work."""
    tracks = [Track(1.0, processor.cost(1e-7)) for _ in range(20)]
    time = VirtualClock(clock)
    ticker = Ticker(time, [Fleet(*tracks, count=200)])
    for _ in ticker.prime():
        pass
    ticker.start()
    time.start()
    advanced, slices = time.advance(3600), []
    while not advanced.called:
        before = processor.now
        turn(clock)
        slices.append(processor.now - before)
    assert tracks[0].ticks[-1] == 3600
    assert sum(slices) == pytest.approx(3600 * 200 * 20 * 1e-7)
    assert max(slices) < 0.002
    assert min(slices[:-1]) > 0.0003  # and is not given back for nothing


def test_work_that_was_hurried_goes_on_when_nobody_waits_for_it_any_more(clock, processor):
    track = Track(1.0, processor.cost(1e-5))
    time = VirtualClock(clock)
    ticker = Ticker(time, [Fleet(track, count=5_000)])
    for _ in ticker.prime():
        pass
    ticker.start()
    time.start()
    advanced = time.advance(1.0)
    advanced.addErrback(lambda _: None)
    for _ in range(4):
        turn(clock)
    assert 0 < len(track.rows_of(1)) < 5_000
    advanced.cancel()
    pump(clock, 0.99)
    assert track.rows_of(1) == list(range(5_000))
    assert ticker.missed == 0


# signals


class Signals:
    """One signal: the second it was moved to last."""

    intervals = (0.5,)
    latest = 0.0
    value = 0.0

    def move(self, now: int) -> float:
        self.latest = self.value = now / 1e9
        return self.latest

    def load(self, snapshot: float) -> None:
        self.value = snapshot


def test_every_slice_of_a_beat_reads_the_signals_of_its_instant(clock, processor):
    signals = Signals()
    read: list[float] = []

    def work(rows: int) -> None:
        read.append(signals.value)
        processor.now += rows * 1e-5

    slow = Track(2.0, work)
    time = VirtualClock(clock)
    ticker = Ticker(time, [Fleet(slow, count=1_000)], signals)
    assert [beat.interval for beat in ticker.beats] == [0.5, 2.0]
    for _ in ticker.prime():
        pass
    read.clear()
    ticker.start()
    time.start()
    for _ in range(190):
        clock.advance(0.02)
        assert signals.value == signals.latest  # between slices everybody reads what is so now
    assert slow.rows_of(1) == list(range(1_000))
    assert len(read) > 5
    assert set(read) == {2.0}
    assert signals.latest == 3.5
