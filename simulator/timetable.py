"""What is due when, in virtual time: calls in the order of their due times, which are whole nanoseconds.

The one rule: the order depends on due time, rank and order of arrival alone, never on when somebody looks.
Whole nanoseconds make sums exact, so a beat of 100 ms and one of 500 ms meet at every half second.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Any

from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall
from zope.interface import implementer

NANOSECONDS = 1_000_000_000
LAST = 1 << 30  # the rank of calls that are no beats: at one instant they come after all beats
_STALE = 64  # this many dead entries are kept before the heap is cleaned


def nanoseconds(seconds: float) -> int:
    """Whole nanoseconds."""
    return round(seconds * NANOSECONDS)


@implementer(IDelayedCall)
class VirtualCall:
    """One call.  ``rank`` orders those of one instant, ``work`` is what has to end before it."""

    __slots__ = (
        "_state",
        "_table",
        "args",
        "due",
        "function",
        "is_late",
        "keywords",
        "rank",
        "ticket",
        "work",
    )

    def __init__(
        self, table: Timetable, due: int, function: Callable[..., object], args: Any, keywords: Any
    ) -> None:
        self._table = table
        self._state = ""
        self.due = due  # virtual nanoseconds
        self.function = function
        self.args = args
        self.keywords = keywords
        self.rank = LAST
        self.work: Any = None
        self.is_late = False  # its work was not done when its time came
        self.ticket = 0

    def getTime(self) -> float:
        """The virtual second at which it is due."""
        return self.due / NANOSECONDS

    def active(self) -> bool:
        """Whether it is still to come."""
        return not self._state

    def cancel(self) -> None:
        """Leave it out; raises AlreadyCalled or AlreadyCancelled."""
        self._check()
        self._state = "cancelled"
        self._table.changed(self)

    def reset(self, secondsFromNow: float) -> None:
        """Due so many virtual seconds from now."""
        self._check()
        self._table.add(self, self._table.now() + nanoseconds(secondsFromNow))

    def delay(self, secondsLater: float) -> None:
        """Due so many virtual seconds later than it was."""
        self._check()
        self._table.add(self, self.due + nanoseconds(secondsLater))

    def fire(self) -> object:
        """Call it; what it returns or raises."""
        self._state = "called"
        return self.function(*self.args, **self.keywords)

    def _check(self) -> None:
        if self._state:
            raise AlreadyCalled() if self._state == "called" else AlreadyCancelled()


class Timetable:
    """All calls to come.

    ``now`` returns the virtual nanosecond; ``moved`` is told when the first call may be another one.
    """

    def __init__(self, now: Callable[[], int], moved: Callable[[], None]) -> None:
        self.now = now
        self._moved = moved
        self._heap: list[tuple[int, int, int, VirtualCall]] = []
        self._tickets = count(1)
        self._live = 0

    def add(self, call: VirtualCall, due: int) -> None:
        """Enter a call, or move one that is entered."""
        self._live += not call.ticket
        call.due, call.ticket = due, next(self._tickets)
        heappush(self._heap, (due, call.rank, call.ticket, call))
        self._moved()

    def changed(self, call: VirtualCall) -> None:
        """A call was cancelled."""
        self._leave(call)
        if len(self._heap) > 2 * self._live + _STALE:
            self._heap = [entry for entry in self._heap if entry[2] == entry[3].ticket]
            heapify(self._heap)
        self._moved()

    def first(self) -> VirtualCall | None:
        """The next call; None when there is none."""
        heap = self._heap
        while heap:
            _, _, ticket, call = heap[0]
            if ticket == call.ticket:
                return call
            heappop(heap)
        return None

    def take(self) -> VirtualCall:
        """The next call, taken out; there must be one."""
        call = self.first()
        assert call is not None
        heappop(self._heap)
        self._leave(call)
        return call

    def calls(self) -> list[VirtualCall]:
        """All calls to come, in order."""
        return [call for _, _, ticket, call in sorted(self._heap, key=_order) if ticket == call.ticket]

    def _leave(self, call: VirtualCall) -> None:
        call.ticket = 0
        self._live -= 1


class Exact:
    """A timetable as a LoopingCall sees a clock: in whole nanoseconds, so that its multiples are exact.

    Its calls have a ``rank`` among those of one instant, and wait for ``work`` to end.
    """

    def __init__(self, table: Timetable, rank: int, work: Any) -> None:
        self._table = table
        self._rank = rank
        self._work = work

    def seconds(self) -> int:
        """Virtual nanoseconds."""
        return self._table.now()

    def callLater(
        self, delay: int, function: Callable[..., object], *args: Any, **keywords: Any
    ) -> VirtualCall:
        """Call something so many virtual nanoseconds from now."""
        call = VirtualCall(self._table, 0, function, args, keywords)
        call.rank, call.work = self._rank, self._work
        self._table.add(call, self.seconds() + delay)
        return call


def _order(entry: tuple[int, int, int, VirtualCall]) -> tuple[int, int, int]:
    return entry[:3]
