"""A clock that runs when it is told to: no call is early, late or left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

SETTLED_S = 3600.0  # more than this is not waited for something that should be done at once
MOST_CALLS = 1_000_000  # at one instant, before somebody calls himself without end


class SteppedClock(Clock):
    """``task.Clock`` whose ``advance`` goes from call to call, each at its due time."""

    def advance(self, amount: float) -> None:
        """Go so many seconds forward."""
        goal = self.rightNow + amount
        self.run(goal)
        self.rightNow = max(self.rightNow, goal)

    def run(self, goal: float, until: Callable[[], object] = bool) -> bool:
        """Go towards an instant, from call to call, and stop when ``until`` is true; True when it is.

        Time stays at the last call.
        """
        here = 0
        while not until():
            call = self.calls[0] if self.calls else None
            if call is None or call.getTime() > goal:
                return False
            here = here + 1 if call.getTime() <= self.rightNow else 0
            if here > MOST_CALLS:
                raise RuntimeError(f"{call} comes again and again without time passing")
            self.rightNow = max(self.rightNow, call.getTime())
            self.calls.remove(call)
            call.called = 1
            call.func(*call.args, **call.kw)
        return True

    def wait(self, awaited: Deferred[Any]) -> Any:
        """Let time run until a Deferred has fired; its result, or its error."""
        results: list[Any] = []
        awaited.addBoth(results.append)
        if not self.run(self.rightNow + SETTLED_S, lambda: results):
            raise RuntimeError("what was asked for is not done, and nothing will happen any more")
        if isinstance(results[0], Failure):
            results[0].raiseException()
        return results[0]
