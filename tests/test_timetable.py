"""What is due when: order, cancelling, moving."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall
from zope.interface.verify import verifyObject

from simulator.timetable import NANOSECONDS, Timetable, VirtualCall, nanoseconds


class Table:
    """A table at virtual second ``now``, and how often the first call may have become another."""

    def __init__(self) -> None:
        self.now = 0
        self.moved = 0
        self.table = Timetable(lambda: self.now, self._count)

    def _count(self) -> None:
        self.moved += 1

    def add(self, due: int, name: str = "", rank: int = 5) -> VirtualCall:
        call = VirtualCall(self.table, 0, lambda: name, (), {})
        call.rank = rank
        self.table.add(call, due)
        return call

    def names(self) -> list[object]:
        taken = []
        while self.table.first() is not None:
            taken.append(self.table.take().fire())
        return taken


@pytest.fixture
def table():
    return Table()


def test_a_call_is_what_twisted_expects(table):
    call = table.add(1500 * NANOSECONDS // 1000)
    assert verifyObject(IDelayedCall, call)
    assert call.getTime() == 1.5
    assert call.active()


def test_calls_come_by_due_time_then_rank_then_order_of_arrival(table):
    table.add(2, "late")
    table.add(1, "second", rank=7)
    table.add(1, "third", rank=7)
    table.add(1, "first", rank=0)
    assert [call.function() for call in table.table.calls()] == ["first", "second", "third", "late"]
    assert table.names() == ["first", "second", "third", "late"]
    assert table.table.first() is None


def test_a_cancelled_call_does_not_come_and_cannot_be_cancelled_again(table):
    first, _ = table.add(1, "first"), table.add(2, "second")
    first.cancel()
    assert not first.active()
    assert table.names() == ["second"]
    with pytest.raises(AlreadyCancelled):
        first.cancel()


def test_a_called_call_cannot_be_moved_or_cancelled(table):
    call = table.add(1)
    table.names()
    for change in (call.cancel, lambda: call.reset(1), lambda: call.delay(1)):
        with pytest.raises(AlreadyCalled):
            change()


def test_a_call_can_be_moved(table):
    table.now = 10 * NANOSECONDS
    first, second = table.add(11 * NANOSECONDS, "first"), table.add(12 * NANOSECONDS, "second")
    first.delay(2.5)
    second.reset(3)
    assert (first.getTime(), second.getTime()) == (13.5, 13.0)
    assert table.names() == ["second", "first"]


def test_timers_that_are_cancelled_again_and_again_take_no_memory(table):
    table.add(5, "only")
    for _ in range(10_000):
        table.add(1_000_000).cancel()
    assert len(table.table._heap) < 200
    assert table.names() == ["only"]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3), st.sampled_from(["", "cancel", "move"]))))
def test_the_order_is_that_of_a_stable_sort_whatever_is_cancelled_or_moved(entries):
    table, expected = Table(), []
    for number, (due, rank, change) in enumerate(entries):
        call = table.add(due, str(number), rank)
        if change == "cancel":
            call.cancel()
            continue
        if change == "move":
            call.delay(3 / NANOSECONDS)
            due += 3
        expected.append((due, rank, number))
    assert table.names() == [str(number) for *_, number in sorted(expected)]


def test_a_second_is_a_thousand_million_nanoseconds_without_drift():
    assert nanoseconds(0.1) * 3 == nanoseconds(0.3)
    assert nanoseconds(0.001) == 1_000_000
