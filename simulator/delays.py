"""What is under way in a device: things that wait for their time, by device and key.

The one rule: nothing is kept for a device in which nothing waits, and no device can have more than
``MOST_WAITING`` things waiting: what goes beyond is left out and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

MOST_WAITING = 64  # of one device


class Delays:
    """Calls to come.  ``clock`` tells and wakes in the time that counts, virtual time as a rule."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.dropped = 0  # left out because too much was waiting
        self._waiting: dict[
            Hashable, dict[Hashable, tuple[Any, Any]]
        ] = {}  # timer and note, by device and key

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def begin(
        self, device: Hashable, key: Hashable, seconds: float, work: Callable[[], object], note: Any = None
    ) -> bool:
        """Do something later, in place of what waits under the same key; False when too much is waiting."""
        self.cancel(device, key)
        waiting = self._waiting.setdefault(device, {})
        if len(waiting) >= MOST_WAITING:
            self.dropped += 1
            return False
        waiting[key] = self.clock.callLater(seconds, self._due, device, key, work), note
        return True

    def note(self, device: Hashable, key: Hashable, default: Any = None) -> Any:
        """What was noted with what waits under a key; ``default`` when nothing does."""
        found = self._waiting.get(device, {}).get(key)
        return default if found is None else found[1]

    def cancel(self, device: Hashable, key: Hashable) -> None:
        """Give up what waits under a key, if anything does."""
        if key in self._waiting.get(device, {}):
            self._take(device, key).cancel()

    def stop(self) -> None:
        """Give everything up."""
        waiting, self._waiting = self._waiting, {}
        for calls in waiting.values():
            for timer, _ in calls.values():
                timer.cancel()

    def _due(self, device: Hashable, key: Hashable, work: Callable[[], object]) -> None:
        self._take(device, key)
        work()

    def _take(self, device: Hashable, key: Hashable) -> Any:
        waiting = self._waiting[device]
        timer, _ = waiting.pop(key)
        if not waiting:
            del self._waiting[device]
        return timer
