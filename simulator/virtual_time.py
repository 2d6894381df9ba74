"""Virtual time: seconds from 0 that may run fast or slow, stand still, or be wound forward.

``VirtualClock`` is a clock as Twisted knows them, over the reactor or a ``task.Clock``.  The one rule: it
never jumps over anything.  Calls happen in order, each at its very due time, so what they do depends on
virtual time alone.  When there is more to do than fits into the time there is, virtual time waits.

Work that a beat spreads over its interval (``begin``, ``end``) is finished before anything else but beats
happens, before that beat comes again, and before ``pause``, ``step`` and ``advance`` are done: everybody
who acts in virtual time meets values of one instant.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from time import perf_counter
from typing import Any, Protocol, cast

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from simulator.tempo import Tempo
from simulator.timetable import LAST, NANOSECONDS, Exact, Timetable, VirtualCall, nanoseconds

log = Logger()

SLICE_S = 0.0007  # the reactor is given back after this much work


class Work(Protocol):
    """What a beat has begun and not finished."""

    missed: int  # how often it was not done when its next beat came

    def proceed(self) -> None:
        """Do one slice of it; calls ``end`` of the clock when it was the last."""
        ...


class VirtualClock:
    """Offers ``seconds``, ``callLater`` and ``getDelayedCalls`` in virtual seconds.

    ``clock`` is what real time is read from.  Time stands at 0 until ``start``.
    """

    def __init__(self, clock: Any, scale: float = 1.0) -> None:
        self.clock = clock
        self._is_started = self._is_paused = False
        self._now = 0  # nanoseconds; never goes back
        self._tempo = Tempo(clock, scale)
        self._held = False  # during a call, or in the hands of somebody who waited for this instant
        self._table = Timetable(self._read, self._arm)
        self._open: list[Work] = []
        self._goals: list[tuple[int, Deferred[float]]] = []
        self._settling: list[Deferred[None]] = []
        self._beats: dict[LoopingCall, int] = {}  # and their intervals
        self._wake: Any = None
        self._is_turning = False

    # the clock of Twisted

    def seconds(self) -> float:
        """Virtual seconds; within a call exactly the time it was due."""
        return self._read() / NANOSECONDS

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kw: object
    ) -> VirtualCall:
        """Call something ``delay`` virtual seconds from now."""
        if delay < 0:
            raise ValueError(f"delay is {delay:g} s, expected 0 or more")
        if not isfinite(delay):
            raise ValueError(f"delay is {delay:g} s, expected a finite number")
        # a delay of less than a nanosecond is one of rounding, and must not be a call of this instant again
        wait = max(nanoseconds(delay), 1) if delay else 0
        call = VirtualCall(self._table, 0, callable, args, kw)
        self._table.add(call, self._read() + wait)
        return call

    def getDelayedCalls(self) -> list[VirtualCall]:
        """All calls to come, in order."""
        return self._table.calls()

    def every(
        self,
        interval: float,
        function: Callable[[int], object],
        *,
        rank: int = LAST,
        work: Work | None = None,
    ) -> LoopingCall:
        """Call ``function`` with 1 at every multiple of ``interval`` virtual seconds from now; ``stop`` it.

        Multiples are exact, whatever the interval.  ``work`` marks a beat: ``function`` is not called
        before it has ended.  At one instant lower ranks come first, calls of ``callLater`` last.
        """

        def guarded(count: int) -> None:
            try:
                function(count)
            except Exception:
                log.failure("{function} fails, and is called again", function=function)

        loop = LoopingCall.withCount(guarded)
        loop.clock = cast(Any, Exact(self._table, rank, work))
        length = nanoseconds(interval)
        if work is not None:
            self._beats[loop] = length
        loop.start(length, now=False).addCallback(lambda _: self._beats.pop(loop, None))
        return loop

    # how it runs

    @property
    def scale(self) -> float:
        """Virtual seconds a real second; can be set.  Raises ValueError outside 0.001 to 100 000."""
        return self._tempo.scale

    @scale.setter
    def scale(self, scale: float) -> None:
        self._read()
        self._tempo.scale = scale
        self._tempo.tell_from(self._now)
        self._arm()

    @property
    def lost_s(self) -> float:
        """Real seconds that virtual time has fallen behind for good, because there was too much to do."""
        return self._tempo.lost_s

    @property
    def paused(self) -> bool:
        """Whether time stands still until ``resume`` (or goes on by ``step`` and ``advance`` only)."""
        return self._is_paused

    @property
    def tick(self) -> float:
        """The shortest interval at which values move, in virtual seconds; 1 when none do."""
        return min(self._beats.values(), default=NANOSECONDS) / NANOSECONDS

    def start(self) -> None:
        """Let time run, unless it is paused; ``advance`` called before begins now."""
        self._is_started = True
        self._tempo.tell_from(self._now)
        self._arm()

    def stop(self) -> None:
        """Stand still for good; whoever waits for an instant gets a CancelledError."""
        self._read()
        self._is_started = False
        self._interrupt()
        self._open.clear()
        self._settle()
        self._arm()

    def pause(self) -> Deferred[None]:
        """Stand still; the Deferred fires when all work of this instant is done.

        An ``advance`` under way ends here, with a CancelledError.
        """
        self._read()
        self._is_paused = True
        self._interrupt()
        if not self._open:
            return succeed(None)
        settled: Deferred[None] = Deferred()
        self._settling.append(settled)
        self._arm()
        return settled

    def resume(self) -> None:
        """Run again."""
        self._is_paused = False
        self._tempo.tell_from(self._now)
        self._arm()

    def step(self, n: int = 1) -> Deferred[float]:
        """Pause, and go to the ``n``-th multiple of ``tick`` from now; fires as ``advance`` does."""
        if n < 1:
            raise ValueError(f"n is {n}, expected 1 or more")
        self._is_paused = True
        length = nanoseconds(self.tick)
        return self._go_to((self._last_goal() // length + n) * length)

    def advance(self, seconds: float) -> Deferred[float]:
        """Go so many virtual seconds forward as fast as it can be done, leaving nothing out.

        Fires with the virtual second when everything up to there is done; then time stands or runs as it
        did.  One ``advance`` after the other begins where the one before ends.  The Deferred can be
        cancelled.  Raises ValueError for negative and infinite seconds.
        """
        if not (isfinite(seconds) and seconds >= 0):
            raise ValueError(f"seconds is {seconds:g}, expected a finite number, 0 or more")
        return self._go_to(self._last_goal() + nanoseconds(seconds))

    # work that takes longer than the moment it begins in

    @property
    def hurried(self) -> bool:
        """Whether work under way is wanted done now, not spread."""
        if not self._open:
            return False
        return bool(self._goals) or self._is_paused or self._waits() is not None

    def begin(self, work: Work) -> None:
        """Work has begun that takes more than one slice."""
        self._open.append(work)
        self._arm()

    def end(self, work: Work) -> None:
        """Work is finished or given up."""
        if work in self._open:
            self._open.remove(work)
            self._arm()

    # inside

    def _read(self) -> int:
        """Now, in nanoseconds: not later than the next call, nor earlier than before."""
        if not self._held and self._is_running and not self._goals:
            now, first = self._tempo.told(), self._table.first()
            if first is not None and first.due < now:
                now = first.due
            if now > self._now:
                self._now = now
        return self._now

    @property
    def _is_running(self) -> bool:
        return self._is_started and not self._is_paused

    def _last_goal(self) -> int:
        return self._goals[-1][0] if self._goals else self._read()

    def _go_to(self, goal: int) -> Deferred[float]:
        self._read()
        reached: Deferred[float] = Deferred(self._give_up)
        self._goals.append((goal, reached))
        self._arm()
        return reached

    def _give_up(self, cancelled: Deferred[float]) -> None:
        self._goals = [goal for goal in self._goals if goal[1] is not cancelled]
        self._tempo.tell_from(self._now)
        self._arm()

    def _interrupt(self) -> None:
        goals, self._goals = self._goals, []
        for _, reached in goals:
            reached.errback(CancelledError())

    def _due(self) -> VirtualCall | None:
        """The next call, if its time has come."""
        first = self._table.first()
        if first is None or not self._is_started:
            return None
        if self._goals:
            return first if first.due <= self._goals[0][0] else None
        if self._is_paused:
            return None
        return first if self._tempo.has_come(first.due) else None

    def _waits(self) -> VirtualCall | None:
        """The call whose time has come, but which has to wait for work under way."""
        due = self._due()
        return due if due is not None and (due.work is None or due.work in self._open) else None

    def _arm(self) -> None:
        """Wake up when something is to do."""
        if self._is_turning:
            return
        delay = self._delay()
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        if delay is not None:
            self._wake = self.clock.callLater(delay, self._turn)

    def _delay(self) -> float | None:
        """Real seconds until there is something to do; None when nothing will be."""
        if self.hurried or (self._goals and self._is_started):
            return 0.0
        first = self._table.first()
        if first is None or not self._is_running:
            return None
        return self._tempo.until(first.due)

    def _turn(self) -> None:
        """What is to do now, for one slice."""
        self._wake, self._is_turning = None, True
        began = perf_counter()
        try:
            self._tempo.forget(self._read())
            while self._act() and perf_counter() - began < SLICE_S:
                pass
            self._tempo.note(not self._goals and self._due() is not None)
        finally:
            self._is_turning = False
            self._arm()

    def _act(self) -> bool:
        """Do the next thing; False when there is none."""
        if self.hurried:
            waiting = self._waits()
            if waiting is not None and waiting.work is not None and not self._goals:
                self._count_missed(waiting)
            self._open[0].proceed()
        elif self._due() is not None:
            self._fire(self._table.take())
        elif self._goals and self._is_started:
            self._arrive(*self._goals.pop(0))
        else:
            self._settle()
            return False
        return True

    def _fire(self, call: VirtualCall) -> None:
        self._now, self._held = max(self._now, call.due), True
        try:
            call.fire()
        except Exception:
            log.failure("{function} fails at virtual second {t}", function=call.function, t=call.getTime())
        finally:
            self._held = False

    def _arrive(self, goal: int, reached: Deferred[float]) -> None:
        self._now, self._held = max(self._now, goal), True
        if not self._goals:
            self._tempo.tell_from(self._now)
        reached.callback(self._now / NANOSECONDS)
        self._held = False

    def _settle(self) -> None:
        settling, self._settling = self._settling, []
        for settled in settling:
            settled.callback(None)

    def _count_missed(self, call: VirtualCall) -> None:
        if not call.is_late:
            call.is_late = True
            call.work.missed += 1
