"""The clock of plants in memory: every call at its due time, and no waiting without end."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from simulator.testing import clock as clocks
from simulator.testing.clock import SteppedClock


def test_every_call_sees_its_due_time() -> None:
    clock, seen = SteppedClock(), []

    def again() -> None:
        seen.append(clock.seconds())
        if len(seen) < 4:
            clock.callLater(1.5, again)

    clock.callLater(1, again)
    clock.advance(5)
    assert seen == [1, 2.5, 4]
    assert clock.seconds() == 5
    clock.advance(1)
    assert seen == [1, 2.5, 4, 5.5]


def test_it_stops_when_something_is_so() -> None:
    clock, seen = SteppedClock(), []
    clock.callLater(2, seen.append, 1)
    clock.callLater(3, seen.append, 2)
    assert clock.run(10, lambda: seen)
    assert (clock.seconds(), seen) == (2, [1])
    assert not clock.run(10, lambda: len(seen) > 2)
    assert clock.seconds() == 3


def test_a_deferred_is_waited_for() -> None:
    clock = SteppedClock()
    later: Deferred[int] = Deferred()
    clock.callLater(7, later.callback, 5)
    assert clock.wait(later) == 5
    assert clock.wait(succeed(6)) == 6
    with pytest.raises(KeyError):
        clock.wait(fail(KeyError("gone")))
    with pytest.raises(RuntimeError, match="nothing will happen any more"):
        clock.wait(Deferred())


def test_a_call_that_comes_again_and_again_is_told(monkeypatch) -> None:
    monkeypatch.setattr(clocks, "MOST_CALLS", 100)
    clock = SteppedClock()

    def again() -> None:
        clock.callLater(0, again)

    again()
    with pytest.raises(RuntimeError, match="again and again without time passing"):
        clock.advance(1)
