"""How fast virtual time runs against the clock below, and what becomes of the time it owes.

``Tempo`` tells where virtual time would be if it had nothing to wait for.  The one rule: a debt is worked
off for a second; what is owed then is forgotten, so that neither an overload nor the sleep of a machine
is followed by a race.
"""

from __future__ import annotations

from typing import Any

from simulator.config.clock import check_scale
from simulator.timetable import NANOSECONDS

BEHIND_S = 1.0  # so long virtual time tries to catch up
TOLERANCE_S = 1e-6  # of the clock below: a timer that fires this early is on time


class Tempo:
    """``scale`` virtual seconds a second of ``clock``; ``lost_s`` are the seconds that were forgotten."""

    def __init__(self, clock: Any, scale: float) -> None:
        self.lost_s = 0.0
        self._clock = clock
        self._scale = check_scale(scale)
        self._virtual, self._real = 0, 0.0  # the nanosecond and the second from which time is told
        self._behind_since: float | None = None

    @property
    def scale(self) -> float:
        """Raises ValueError, when set, outside 0.001 to 100 000; tell again from now then."""
        return self._scale

    @scale.setter
    def scale(self, scale: float) -> None:
        self._scale = check_scale(scale)

    def tell_from(self, now: int) -> None:
        """It is virtual nanosecond ``now``."""
        self._virtual, self._real = now, self._clock.seconds()
        self._behind_since = None

    def told(self) -> int:
        """The virtual nanosecond that it should be."""
        return self._virtual + int((self._clock.seconds() - self._real) * self._scale * NANOSECONDS)

    def has_come(self, due: int) -> bool:
        """Whether it should be ``due`` by now."""
        return due <= self.told() + int(TOLERANCE_S * NANOSECONDS * self._scale) + 1

    def until(self, due: int) -> float:
        """Seconds of the clock below until virtual nanosecond ``due``, 0 when it is past."""
        passed: float = self._clock.seconds() - self._real
        return max(0.0, (due - self._virtual) / (self._scale * NANOSECONDS) - passed)

    def note(self, is_behind: bool) -> None:
        """Remember since when virtual time has been behind."""
        if not is_behind:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = self._clock.seconds()

    def forget(self, now: int) -> None:
        """Go on from virtual nanosecond ``now`` when it has been behind for long."""
        since = self._behind_since
        if since is not None and self._clock.seconds() - since > BEHIND_S:
            self.lost_s += max(0.0, (self.told() - now) / (self._scale * NANOSECONDS))
            self.tell_from(now)
