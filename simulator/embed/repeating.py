"""Work that is done again and again while a server runs.

The one rule: what fails is logged and done again, and what still runs when its time comes is left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from simulator.embed import threads
from simulator.embed.awaiting import is_later

if TYPE_CHECKING:
    from simulator.virtual_time import VirtualClock

log = Logger()


class Repetition:
    """A function and how often it is called; ``cancel`` ends that."""

    def __init__(self, seconds: float, function: Callable[[], Any], those: Repetitions) -> None:
        self.seconds = seconds
        self.function = function
        self.loop: Any = None
        self.busy = False
        self._those = those

    def cancel(self) -> None:
        """Call it no more; doing it twice does nothing."""
        threads.run(self._those.remove, self)


class Repetitions:
    """All of a server; ``settle`` makes a Deferred of what a function returns to be waited for."""

    def __init__(self, settle: Callable[[Any], Deferred[Any]]) -> None:
        self._settle = settle
        self._all: list[Repetition] = []
        self._time: VirtualClock | None = None  # while they run

    def add(self, seconds: float, function: Callable[[], Any]) -> Repetition:
        """One more.  Raises ValueError."""
        if not seconds > 0:
            raise ValueError(f"seconds is {seconds!r}, expected more than 0")
        made = Repetition(seconds, function, self)
        self._all.append(made)
        if self._time is not None:
            self._begin(made, self._time)
        return made

    def remove(self, one: Repetition) -> None:
        """One less."""
        if one in self._all:
            self._all.remove(one)
            if self._time is not None:
                one.loop.stop()

    def start(self, time: VirtualClock) -> None:
        """The server runs."""
        self._time = time
        for each in self._all:
            self._begin(each, time)

    def stop(self) -> None:
        """The server stops."""
        self._time = None
        for each in self._all:
            each.loop.stop()

    def _begin(self, one: Repetition, time: VirtualClock) -> None:
        def beat(_: int) -> None:
            if one.busy:
                return
            outcome = one.function()
            if is_later(outcome):
                one.busy = True
                self._settle(outcome).addErrback(_complain).addBoth(free)

        def free(_: object) -> None:
            one.busy = False

        one.loop = time.every(one.seconds, beat)


def _complain(failure: Any) -> None:
    log.failure("work that is repeated fails, and is done again", failure=failure)
