"""Answers that wait for their time, and answers that leave in pieces.

One outbox belongs to one connection, datagram socket or line.  Its rules: a wait is a timer, so nobody else
waits with it; answers of one unit id stay in order; while an answer leaves in pieces nothing comes between
them.  Where requests can be stopped, nothing more is read meanwhile, nor while too many answers are held;
where they cannot, an answer too many is lost.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.faults.course import Delivery

MOST_HELD = 512  # answers, before nothing more is read; of one key where requests cannot be stopped
MOST_OF_ALL = 4096  # answers of all keys together there
_TICK_S = 1e-6  # less than the rounding of a timer is no waiting

Send = Callable[[bytes], None]
Ended = Callable[[str], None]


@dataclass(slots=True)
class _Item:
    key: Hashable
    delivery: Delivery
    send: Send
    sent: int = 0  # pieces


class Outbox:
    """Held answers of one way out.

    ``ended`` is called with ``close`` or ``reset`` when a delivery says so; ``pause`` stops requests and
    ``resume`` lets them come again, None where that is not possible.  ``joins`` tells that bytes sent one
    after the other are the same as sent together.
    """

    __slots__ = (
        "_clock",
        "_ended",
        "_gap",
        "_is_paused",
        "_keys",
        "_number",
        "_pause",
        "_queue",
        "_ready",
        "_resume",
        "_timer",
        "held",
        "joins",
        "lost",
    )

    def __init__(
        self,
        clock: Any,
        ended: Ended,
        *,
        pause: Callable[[], object] | None = None,
        resume: Callable[[], object] | None = None,
        joins: bool = True,
    ) -> None:
        self._clock = clock
        self._ended = ended
        self._pause = pause
        self._resume = resume
        self._queue: list[tuple[float, int, _Item]] = []  # a heap: when due, in what order put
        self._ready: deque[_Item] = deque()  # due; the first may be leaving in pieces
        self._keys: dict[Hashable, tuple[int, float]] = {}  # how many are held, when the last is due
        self._number = 0
        self._timer: Any = None
        self._gap: Any = None  # the timer between two pieces
        self._is_paused = False
        self.joins = joins
        self.held = 0
        self.lost = 0

    def holds(self, key: Hashable) -> bool:
        """True while something that has to leave before waits, or is on its way."""
        return key in self._keys or self._gap is not None

    def put(self, key: Hashable, delivery: Delivery, send: Send) -> None:
        """Send when the time has come, behind all that is held under the same key."""
        count, last = self._keys.get(key, (0, 0.0))
        if self._pause is None and (count >= MOST_HELD or self.held >= MOST_OF_ALL):
            self.lost += 1
            return
        due = max(self._clock.seconds() + delivery.delay, last)
        self._keys[key] = count + 1, due
        self.held += 1
        self._number += 1
        heapq.heappush(self._queue, (due, self._number, _Item(key, delivery, send)))
        self._throttle()
        self._wait()

    def flush(self) -> None:
        """Send everything that is held now and whole."""
        self._cancel()
        items = [*self._ready, *(item for _, _, item in sorted(self._queue, key=lambda each: each[:2]))]
        self._forget()
        for item in items:
            self._whole(item)
        self._throttle()

    def stop(self) -> None:
        """Forget what is held."""
        self._cancel()
        self._forget()
        self._throttle()

    def _forget(self) -> None:
        self._queue.clear()
        self._ready.clear()
        self._keys.clear()
        self.held = 0

    def _cancel(self) -> None:
        for timer in (self._timer, self._gap):
            if timer is not None and timer.active():
                timer.cancel()
        self._timer = self._gap = None

    def _wait(self) -> None:
        """Set the timer to the first that is due."""
        if not self._queue:
            return
        rest = max(self._queue[0][0] - self._clock.seconds(), 0.0)
        if self._timer is None:
            self._timer = self._clock.callLater(rest, self._due)
        elif self._timer.getTime() > self._queue[0][0] + _TICK_S:
            self._timer.reset(rest)

    def _due(self) -> None:
        self._timer = None
        now = self._clock.seconds() + _TICK_S
        while self._queue and self._queue[0][0] <= now:
            self._ready.append(heapq.heappop(self._queue)[2])
        if self._gap is None:
            self._send()
        self._wait()

    def _send(self) -> None:
        """Let go what is ready, up to one that leaves in pieces."""
        while self._ready:
            item = self._ready[0]
            if item.delivery.gap and len(item.delivery.pieces) > 1:
                self._next_piece()
                return
            self._ready.popleft()
            self._release(item)
            self._whole(item)
        self._throttle()

    def _next_piece(self) -> None:
        self._gap = None
        item = self._ready[0]
        pieces = item.delivery.pieces
        item.sent += 1
        if item.sent == len(pieces):
            self._ready.popleft()
            self._release(item)
            item.send(pieces[-1])
            self._end(item)
            self._send()
            return
        self._gap = self._clock.callLater(item.delivery.gap, self._next_piece)
        self._throttle()
        item.send(pieces[item.sent - 1])

    def _whole(self, item: _Item) -> None:
        pieces = item.delivery.pieces[item.sent :]
        for piece in (b"".join(pieces),) if self.joins and pieces else pieces:
            item.send(piece)
        self._end(item)

    def _end(self, item: _Item) -> None:
        if item.delivery.end:
            self._ended(item.delivery.end)

    def _release(self, item: _Item) -> None:
        self.held -= 1
        count, last = self._keys.pop(item.key)
        if count > 1:
            self._keys[item.key] = count - 1, last

    def _throttle(self) -> None:
        """Stop and start requests."""
        if self._pause is None or self._resume is None:
            return
        full = self.held >= MOST_HELD or self._gap is not None
        if full:
            self._is_paused = True
            self._pause()
        elif self._is_paused:
            self._is_paused = False
            self._resume()
