"""Virtual time: fast, slow, standing, wound forward, and waiting for work that is not done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock, LoopingCall, deferLater
from twisted.logger import globalLogPublisher

from simulator import virtual_time
from simulator.virtual_time import VirtualClock


class Work:
    """So many slices of a length on an injected processor clock."""

    def __init__(self, time: VirtualClock, slices: int, spend: Callable[[], None] = lambda: None) -> None:
        self.missed = 0
        self.done: list[float] = []  # the virtual second of each slice
        self.left = 0
        self._time, self._slices, self._spend = time, slices, spend

    def due(self, count: int = 1) -> None:
        assert not self.left
        assert count == 1
        self.left = self._slices
        self._time.begin(self)

    def proceed(self) -> None:
        self._spend()
        self.done.append(self._time.seconds())
        self.left -= 1
        if not self.left:
            self._time.end(self)


class Reactor(Clock):
    """A clock that gives everybody else a turn before it calls what was asked for meanwhile."""

    def turn(self, seconds: float) -> None:
        self.rightNow += seconds
        due = [call for call in self.calls if call.getTime() <= self.rightNow]
        for call in due:
            if call.active():
                self.calls.remove(call)
                call.called = 1
                call.func(*call.args, **call.kw)


@pytest.fixture
def clock():
    return Reactor()


@pytest.fixture
def time(clock):
    time = VirtualClock(clock)
    time.start()
    return time


@pytest.fixture
def seen(time):
    return Notes(time)


class Notes(list[Any]):
    """What happened when, in virtual seconds."""

    def __init__(self, time: VirtualClock) -> None:
        self._time = time

    def __call__(self, name: object = None) -> None:
        self.append((name, self._time.seconds()))


def result(deferred: Deferred[Any]) -> Any:
    """What a Deferred has fired with; AssertionError when it has not."""
    found: list[Any] = []
    deferred.addBoth(found.append)
    assert found, "it has not fired"
    return found[0]


def test_time_begins_at_0_when_it_is_started(clock):
    time = VirtualClock(clock)
    clock.advance(5)
    assert time.seconds() == 0.0
    time.start()
    clock.advance(2.5)
    assert time.seconds() == 2.5


def test_calls_happen_at_their_very_time_however_late_the_clock_below_wakes(clock, time, seen):
    for delay in (0.3, 0.1, 0.2):
        time.callLater(delay, seen, delay)
    clock.advance(7.77)
    assert seen == [(0.1, 0.1), (0.2, 0.2), (0.3, 0.3)]
    assert time.seconds() == 7.77


def test_a_call_made_in_a_call_counts_from_that_instant(clock, time, seen):
    time.callLater(1, lambda: time.callLater(0.5, seen, "inner"))
    clock.advance(10)
    assert seen == [("inner", 1.5)]


def test_time_never_goes_back_nor_past_a_call_that_has_not_happened(clock, time, seen):
    time.callLater(1.0, seen)
    clock.rightNow = 3.0  # the clock has moved, but nobody has woken yet
    assert time.seconds() == 1.0
    clock.advance(0)
    assert time.seconds() == 3.0
    clock.rightNow = 2.0  # somebody has set the clock of the machine
    assert time.seconds() == 3.0


@pytest.mark.parametrize("delay", [-1, -0.001])
def test_the_past_cannot_be_called(time, delay):
    with pytest.raises(ValueError) as error:
        time.callLater(delay, print)
    assert str(error.value) == f"delay is {delay:g} s, expected 0 or more"


def test_a_call_can_be_cancelled_and_no_timer_is_left(clock, time, seen):
    call = time.callLater(1, seen)
    assert time.getDelayedCalls() == [call]
    call.cancel()
    assert time.getDelayedCalls() == clock.getDelayedCalls() == []
    clock.advance(5)
    assert seen == []


def test_a_call_that_fails_is_logged_and_the_next_one_comes(clock, time, seen):
    events: list[Any] = []
    globalLogPublisher.addObserver(events.append)
    time.callLater(1, lambda: 1 / 0)
    time.callLater(2, seen)
    clock.advance(3)
    globalLogPublisher.removeObserver(events.append)
    assert seen == [(None, 2.0)]
    assert [event["log_failure"].type for event in events if "log_failure" in event] == [ZeroDivisionError]


# how fast it runs


def test_a_scale_makes_time_run_faster_or_slower(clock, time, seen):
    time.scale = 60
    time.callLater(3600, seen)
    clock.advance(59.9)
    assert seen == []
    clock.advance(0.2)
    assert seen == [(None, 3600.0)]
    time.scale = 0.5
    clock.advance(10)
    assert time.seconds() == pytest.approx(3606 + 5)


@pytest.mark.parametrize("scale", [0, -1, 0.0009, 100_001, float("nan"), float("inf")])
def test_a_scale_out_of_bounds_is_refused(clock, time, scale):
    with pytest.raises(ValueError) as error:
        time.scale = scale
    assert str(error.value) == f"time_scale is {scale:g}, expected 0.001 to 100000"
    with pytest.raises(ValueError):
        VirtualClock(clock, scale)


@settings(max_examples=50)
@given(
    scale=st.sampled_from([0.001, 0.3, 1.0, 7.0, 1000.0, 100_000.0]),
    steps=st.lists(st.floats(0, 1), min_size=1, max_size=10),
    intervals=st.lists(st.sampled_from([0.01, 0.1, 0.3, 1 / 3, 0.7, 1.0]), min_size=1, max_size=3),
    epoch=st.sampled_from([0.0, 1.7e9]),
)
def test_what_happens_is_the_same_at_any_speed_and_in_any_steps(scale, steps, intervals, epoch):
    def events(clock: Clock, time: VirtualClock) -> list[tuple[int, float]]:
        seen: list[tuple[int, float]] = []
        for rank, interval in enumerate(intervals):
            time.every(interval, lambda _, rank=rank: seen.append((rank, time.seconds())), rank=rank)
        time.start()
        return seen

    clock, wound = Clock(), Clock()
    clock.rightNow = epoch
    time = VirtualClock(clock, scale)
    seen = events(clock, time)
    for step in steps:
        clock.advance(step / scale)
    other = VirtualClock(wound)
    expected = events(wound, other)
    other.pause()
    other.advance(time.seconds())
    wound.advance(0)
    assert seen == expected
    assert seen == sorted(seen, key=lambda event: (event[1], event[0]))


# standing still


def test_pause_really_stands_still(clock, time, seen):
    time.callLater(2, seen)
    clock.advance(1.5)
    assert result(time.pause()) is None
    assert time.paused
    clock.advance(1000)
    assert time.seconds() == 1.5
    assert seen == []
    assert clock.getDelayedCalls() == []
    time.resume()
    clock.advance(0.4)
    assert seen == []
    clock.advance(0.2)
    assert seen == [(None, 2.0)]
    assert time.seconds() == pytest.approx(2.1)


def test_a_clock_that_is_paused_before_it_is_started_stands_at_0(clock):
    time = VirtualClock(clock)
    time.pause()
    time.start()
    clock.advance(9)
    assert time.seconds() == 0.0


def test_pause_is_done_when_the_work_of_the_instant_is_done(clock, time):
    work = Work(time, slices=3)
    time.every(1, work.due, work=work)
    clock.advance(1)
    paused = time.pause()
    assert not paused.called
    clock.advance(0)
    assert result(paused) is None
    assert (work.left, work.missed, time.seconds()) == (0, 0, 1.0)
    assert work.done == [1.0] * 3


def test_step_goes_to_the_next_tick_of_the_shortest_interval_and_stands_there(clock, time, seen):
    time.every(0.5, lambda _: seen("half"), work=Work(time, 1))
    time.every(2, lambda _: seen("two"), work=Work(time, 1))
    time.every(0.3, lambda _: None)  # no value moves with it
    clock.advance(0.7)
    stepped = time.step()
    clock.advance(0)
    assert result(stepped) == time.seconds() == 1.0
    assert time.paused
    clock.advance(100)
    assert time.seconds() == 1.0
    stepped = time.step(2)
    clock.advance(0)
    assert result(stepped) == 2.0
    assert seen == [("half", 0.5), ("half", 1.0), ("half", 1.5), ("two", 2.0), ("half", 2.0)]


def test_step_without_any_beat_is_a_second(clock, time):
    time.step()
    clock.advance(0)
    assert time.seconds() == 1.0


def test_steps_below_one_are_refused(time):
    with pytest.raises(ValueError) as error:
        time.step(0)
    assert str(error.value) == "n is 0, expected 1 or more"


# winding forward


def test_advance_fires_everything_in_between_in_order_and_then_time_runs_on(clock, time, seen):
    time.every(1, lambda _: seen("beat"))
    time.callLater(2.5, seen, "call")
    clock.advance(0.25)
    advanced = time.advance(3600)
    clock.advance(0)
    assert result(advanced) == 3600.25
    assert len(seen) == 3601
    assert seen[:4] == [("beat", 1.0), ("beat", 2.0), ("call", 2.5), ("beat", 3.0)]
    clock.advance(1)
    assert time.seconds() == pytest.approx(3601.25)


def test_one_advance_begins_where_the_one_before_ends(clock, time):
    first, second = time.advance(10), time.advance(5)
    clock.advance(0)
    assert (result(first), result(second)) == (10.0, 15.0)


def test_who_waited_for_an_instant_acts_in_it(clock, time, seen):
    time.scale = 1000
    advanced = time.advance(10)
    advanced.addCallback(lambda _: time.callLater(0.5, seen, "later"))
    advanced.addCallback(lambda _: seen("now"))
    clock.advance(0)
    clock.advance(1)
    assert seen == [("now", 10.0), ("later", 10.5)]


def test_an_advance_can_be_cancelled(clock, time, seen):
    time.every(1, lambda count: seen() if time.seconds() < 5 else advanced.cancel())
    advanced = time.advance(1e6)
    clock.advance(0)
    assert result(advanced).check(CancelledError)
    assert time.seconds() == 5.0


def test_pause_ends_an_advance_where_it_is(clock, time):
    time.callLater(3, lambda: time.pause())
    advanced = time.advance(10)
    clock.advance(0)
    assert result(advanced).check(CancelledError)
    clock.advance(50)
    assert time.seconds() == 3.0


def test_stop_ends_an_advance_and_leaves_no_timer(clock, time):
    time.every(1, lambda _: None)
    advanced, paused = time.advance(10), time.pause()
    time.stop()
    assert result(advanced).check(CancelledError)
    assert result(paused) is None
    assert clock.getDelayedCalls() == []
    clock.advance(9)
    assert time.seconds() == 0.0


def test_an_advance_before_the_start_begins_with_it(clock):
    time = VirtualClock(clock)
    advanced = time.advance(10)
    clock.advance(1)
    assert not advanced.called
    time.start()
    clock.advance(0)
    assert result(advanced) == 10.0


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_there_is_no_way_back(time, seconds):
    with pytest.raises(ValueError) as error:
        time.advance(seconds)
    assert str(error.value) == f"seconds is {seconds:g}, expected a finite number, 0 or more"


# Twisted on virtual time


def test_deferlater_and_a_looping_call_run_on_it(clock, time, seen):
    loop = LoopingCall(seen, "loop")
    loop.clock = time
    loop.start(0.25, now=False)
    deferLater(time, 0.3, seen, "deferred")
    for _ in range(11):
        clock.advance(0.1)
    assert seen == [("loop", 0.25), ("deferred", 0.3), ("loop", 0.5), ("loop", 0.75), ("loop", 1.0)]


def test_a_looping_call_that_rounds_badly_does_not_stop_time(clock, time, seen):
    """0.1 goes into 0.7 a little less than seven times, so Twisted asks for 8e-17 seconds more."""
    loop = LoopingCall(seen)
    loop.clock = time
    loop.start(0.1)
    time.advance(10)
    clock.advance(0)
    assert time.seconds() == 10.0
    assert len(seen) >= 100  # as on any clock that can stand at 0.7


def test_every_survives_an_error_and_can_be_stopped(clock, time, seen):
    def fail(count: int) -> None:
        seen(count)
        raise OSError("no")

    loop = time.every(1, fail)
    clock.advance(3)
    assert seen == [(1, 1.0), (1, 2.0), (1, 3.0)]
    loop.stop()
    clock.advance(3)
    assert len(seen) == 3
    assert time.getDelayedCalls() == []


def test_the_tick_is_the_shortest_interval_there_is(time):
    for interval in (5, 0.25, 1):
        time.every(interval, lambda _: None, work=Work(time, 1))
    assert time.tick == 0.25


# when there is more to do than time


@pytest.fixture
def processor(monkeypatch, clock):
    """A processor whose work takes time: on its own clock and on the wall."""

    class Processor:
        def __init__(self) -> None:
            self.now = 0.0

        def spend(self, seconds: float) -> None:
            self.now += seconds
            clock.rightNow += seconds

    processor = Processor()
    monkeypatch.setattr(virtual_time, "perf_counter", lambda: processor.now)
    return processor


def test_a_beat_whose_work_is_not_done_makes_time_wait_and_is_counted(clock, time, seen):
    work = Work(time, slices=2)
    time.every(1, work.due, work=work)
    clock.advance(1)
    assert work.left == 2  # the work waits for nobody in particular
    clock.advance(1)
    assert work.done == [2.0] * 2  # done when it was needed, at the latest
    assert work.missed == 1
    assert work.left == 2  # and the next has begun


def test_anything_but_a_beat_waits_for_all_work_without_being_counted(clock, time, seen):
    work = Work(time, slices=5)
    time.every(10, work.due, work=work)
    time.every(1, lambda _: None, work=Work(time, 1))
    time.callLater(12.5, lambda: seen(work.left))
    clock.advance(10)
    for _ in range(2):
        clock.advance(1)
    assert work.left == 5  # other beats do not wait for it
    clock.advance(1)
    assert seen == [(0, 12.5)]
    assert work.missed == 0


def test_under_overload_time_slows_down_and_nothing_is_left_out(clock, time, processor):
    work = Work(time, slices=4, spend=lambda: processor.spend(0.5))  # two seconds of work a second
    ticks: list[float] = []

    def due(count: int) -> None:
        ticks.append(time.seconds())
        work.due(count)

    time.every(1, due, work=work)
    while clock.seconds() < 60:
        clock.turn(0.01)
    assert ticks == [float(n) for n in range(1, len(ticks) + 1)]
    assert 20 <= len(ticks) <= 32
    assert work.missed >= len(ticks) - 3
    assert time.lost_s == pytest.approx(60 - time.seconds(), abs=4)


def test_after_an_overload_time_runs_at_its_pace_again_and_does_not_race(clock, time, processor):
    work = Work(time, slices=4, spend=lambda: processor.spend(0.5 if clock.seconds() < 60 else 0.0))
    time.every(1, work.due, work=work)
    while clock.seconds() < 70:
        clock.turn(0.01)
    before, missed = time.seconds(), work.missed
    for _ in range(100):
        clock.turn(0.01)
    assert time.seconds() - before == pytest.approx(1.0, abs=0.01)
    assert work.missed - missed <= 1


def test_a_machine_that_slept_makes_up_for_a_second_of_work_at_most(clock, time, processor):
    ticks: list[float] = []

    def tick(count: int) -> None:
        processor.spend(0.001)
        ticks.append(time.seconds())

    time.every(1, tick)
    clock.advance(1)
    clock.rightNow += 8 * 3600
    for _ in range(10_000):
        clock.turn(0.001)
    assert ticks == [float(n) for n in range(1, len(ticks) + 1)]
    assert 500 < len(ticks) < 2000
    assert time.lost_s > 7 * 3600


@pytest.mark.parametrize("how", ["scale", "advance"])
def test_the_reactor_gets_its_turn_however_much_is_due(clock, time, processor, how):
    """Every 0.3 ms of work; a slice of the plant's time is followed by one of everybody else's."""
    work = Work(time, slices=10, spend=lambda: processor.spend(0.0003))
    time.every(0.01, work.due, work=work)
    time.every(0.01, lambda _: processor.spend(0.0003))
    turns = []
    original = time._turn

    def turn() -> None:
        before = processor.now
        original()
        turns.append(processor.now - before)

    time._turn = turn
    if how == "scale":
        time.scale = 100_000
    else:
        time.advance(20)
    for _ in range(1000):
        clock.turn(0.0001)
    assert len(turns) > 50
    assert max(turns) < 0.0015
    assert len(work.done) > 100
