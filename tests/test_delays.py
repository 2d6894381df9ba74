"""What waits in a device: bounded, replaced by key, gone when nothing waits."""

from __future__ import annotations

from functools import partial

import pytest
from twisted.internet.task import Clock

from simulator.delays import MOST_WAITING, Delays


@pytest.fixture
def clock():
    return Clock()


def test_things_happen_in_their_time_and_leave_nothing(clock):
    delays, done = Delays(clock), []
    for key, seconds in (("a", 3), ("b", 1), ("c", 2)):
        assert delays.begin("device", key, seconds, partial(done.append, key))
    assert len(delays) == 3
    clock.pump([1] * 3)
    assert done == ["b", "c", "a"]
    assert len(delays) == 0
    assert delays._waiting == {}


def test_a_key_is_replaced_and_has_a_note(clock):
    delays, done = Delays(clock), []
    delays.begin(1, "a", 1, partial(done.append, "first"), "note")
    assert delays.note(1, "a") == "note"
    assert delays.note(2, "a", "none") == "none"
    delays.begin(1, "a", 2, partial(done.append, "second"))
    clock.advance(5)
    assert done == ["second"]


def test_what_is_given_up_does_not_happen(clock):
    delays, done = Delays(clock), []
    for device in range(3):
        delays.begin(device, "a", 1, partial(done.append, device))
    delays.cancel(1, "a")
    delays.cancel(1, "a")
    delays.cancel(9, "a")
    delays.begin(2, "b", 3, partial(done.append, "late"))
    clock.advance(1)
    assert done == [0, 2]
    delays.stop()
    clock.advance(5)
    assert done == [0, 2]
    assert clock.getDelayedCalls() == []


def test_each_device_has_room_of_its_own(clock):
    delays = Delays(clock)
    taken = [delays.begin("full", key, 1, int) for key in range(MOST_WAITING + 5)]
    assert taken == [True] * MOST_WAITING + [False] * 5
    assert delays.dropped == 5
    assert delays.begin("other", 0, 1, int)
    assert delays.begin("full", 0, 2, int)  # in place of what waits there
    clock.advance(1)
    assert delays.begin("full", "again", 1, int)


def test_what_happens_may_begin_the_next(clock):
    delays, done = Delays(clock), []

    def beat() -> None:
        done.append(clock.seconds())
        if len(done) < 4:
            delays.begin("device", "beat", 1, beat)

    delays.begin("device", "beat", 1, beat)
    clock.pump([1] * 10)
    assert done == [1, 2, 3, 4]
