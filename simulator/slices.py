"""Work in slices: what takes long gives the reactor back again and again, one piece of work after the other.

The one rule: order.  What is asked for first is done first, and is done before anything asked for later
begins; a failure concerns its own piece of work only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from time import perf_counter
from typing import Any

from twisted.internet.defer import Deferred

SLICE_S = 0.002  # the reactor is given back after this much work


class Slices:
    """A queue of iterators, each step of which is a short piece of work.

    ``at_once`` lets a piece that comes when nothing else waits begin within ``do``; otherwise it begins in
    the next turn of the reactor.
    """

    def __init__(self, reactor: Any, *, at_once: bool = False) -> None:
        self._reactor = reactor
        self._at_once = at_once
        self._works: deque[tuple[Iterator[object], Deferred[None]]] = deque()
        self._call: Any = None
        self._is_working = False

    def do(self, steps: Iterator[object]) -> Deferred[None]:
        """Take every step; fires after the last, or fails with what one of them raises."""
        done: Deferred[None] = Deferred()
        self._works.append((steps, done))
        if self._call is None and not self._is_working:
            if self._at_once:
                self._proceed()
            else:
                self._call = self._reactor.callLater(0, self._proceed)
        return done

    def stop(self) -> None:
        """Leave what is not done; nobody is told."""
        self._works.clear()
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _proceed(self) -> None:
        self._call = None
        self._is_working = True
        until = perf_counter() + SLICE_S
        while self._works:
            if not self._finish(*self._works[0], until):
                self._call = self._reactor.callLater(0, self._proceed)
                break
        self._is_working = False

    def _finish(self, steps: Iterator[object], done: Deferred[None], until: float) -> bool:
        """Take steps until there are none, or no time; True when there are none."""
        try:
            for _ in steps:
                if perf_counter() >= until:
                    return False
        except Exception as reason:
            self._works.popleft()
            done.errback(reason)
        else:
            self._works.popleft()
            done.callback(None)
        return True
