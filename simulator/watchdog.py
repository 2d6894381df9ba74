"""Sees that the event loop is held too long, and says by whom while it still is.

Everything in a plant shares one thread, so a script that computes for a second lets every device be silent
for a second.  A thread looks at the stack of the loop's thread now and then; when the loop does not just wait
for something to happen, it asks for an answer, and when that takes too long it tells whose stack that is.
The one rule: an episode is told once when it is noticed and once when it ends, and one culprit not more than
once in ``QUIET_S``.  A loop that waits costs nothing.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Mapping
from time import clock_gettime, monotonic, pthread_getcpuclockid
from types import FrameType
from typing import Any

from twisted.logger import Logger

log = Logger()

LIMIT_S = 0.1  # a slice of the loop that is longer is told
LOOK_S = 0.04
QUIET_S = 10.0  # before the same culprit is told again
MOST_FRAMES = 12  # of a stack, the innermost
BUSY = 0.8  # the part of the time in which the loop had the processor, when it let nothing else run

_WAITING = ("epollreactor.py", "pollreactor.py", "selectreactor.py")


class Watchdog:
    """Watches the thread in which ``start`` is called, a loop of ``reactor``.

    ``scripts`` are the names of scripts by file.  ``episodes`` counts how often the loop was held.
    """

    def __init__(
        self, reactor: Any, scripts: Mapping[str, str] | None = None, limit: float = LIMIT_S
    ) -> None:
        self.episodes = 0
        self._reactor = reactor
        self._scripts = scripts or {}
        self._limit = limit
        self._ended = threading.Event()
        self._answered = threading.Event()
        self._answered_at = 0.0
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._watched = self._clock = 0  # thread, and the clock of the processor time it had
        self._state = ""
        self._told: dict[str, float] = {}  # when, by culprit

    def start(self) -> None:
        """Begin to watch."""
        self._watched = threading.get_ident()
        self._clock = pthread_getcpuclockid(self._watched)
        self._state = f"/proc/self/task/{threading.get_native_id()}/stat"
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._ended.set()
        self._answered.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _watch(self) -> None:
        """In the thread: look, and look again."""
        looked, worked = monotonic(), clock_gettime(self._clock)
        while not self._ended.wait(LOOK_S):
            slept, busy = monotonic() - looked - LOOK_S, clock_gettime(self._clock) - worked
            if slept > self._limit and busy > BUSY * self._limit:  # nobody else was let run, we neither
                self._tell(self._frame(), slept)
            elif self._frame() is not None:
                self._ask()
            looked, worked = monotonic(), clock_gettime(self._clock)

    def _frame(self) -> FrameType | None:
        """What the loop does, None when it waits for something to happen."""
        frame = sys._current_frames().get(self._watched)
        return None if frame is None or frame.f_code.co_filename.endswith(_WAITING) else frame

    def _ask(self) -> None:
        """See whether the loop turns."""
        asked, worked, culprit = monotonic(), clock_gettime(self._clock), None
        self._answered.clear()
        self._reactor.callFromThread(self._answer)
        patience = self._limit
        while not self._answered.wait(patience):
            if self._answered.is_set():  # it was this thread that had to wait for its turn
                break
            patience = LOOK_S
            if culprit is None and self._is_held(clock_gettime(self._clock) - worked):
                culprit = self._tell(self._frame(), monotonic() - asked)
        if self._ended.is_set():
            return
        held = self._answered_at - asked
        if culprit:
            text = "the event loop turns again, held for {seconds:.2f} s by {culprit}"
            log.warn(text, seconds=held, culprit=culprit)
        elif culprit is None and held > self._limit and clock_gettime(self._clock) - worked > self._limit:
            self._tell(None, held)

    def _answer(self) -> None:
        """In the loop: it turns."""
        self._answered_at = monotonic()
        self._answered.set()

    def _is_held(self, worked: float) -> bool:
        """True when the loop has worked for so long, or is in a call that waits.

        A thread that could run has the state R (proc(5)): then it is the processor it waits for.
        """
        if worked > BUSY * self._limit:
            return True
        try:
            with open(self._state, "rb") as file:
                return file.read().rpartition(b")")[2].split()[0] != b"R"
        except (OSError, IndexError):
            return True

    def _tell(self, frame: FrameType | None, held: float) -> str:
        """Count an episode, and tell it unless the same was told lately; the culprit when it was told."""
        self.episodes += 1
        culprit = "code that let nothing else run" if frame is None else culprit_of(frame, self._scripts)
        now = monotonic()
        if now - self._told.get(culprit, -QUIET_S) < QUIET_S:
            return ""
        self._told[culprit] = now
        stack = "" if frame is None else "\n" + "".join(traceback.format_stack(frame)[-MOST_FRAMES:]).rstrip()
        text = "the event loop is held for {seconds:.2f} s by {culprit}; no device answers meanwhile{stack}"
        log.warn(text, seconds=held, culprit=culprit, stack=stack)
        return culprit


def culprit_of(frame: FrameType, scripts: Mapping[str, str]) -> str:
    """Whose work a stack is: a script's, a generated point's, or else the innermost function."""
    innermost = frame
    found: FrameType | None = frame
    while found is not None:
        code = found.f_code
        if code.co_filename in scripts:
            return f"script {scripts[code.co_filename]}, line {found.f_lineno} of {code.co_filename}"
        if code.co_name == "run" and type(track := found.f_locals.get("self")).__name__ == "Track":
            return f"the generator of {track!r}"
        found = found.f_back
    code = innermost.f_code
    return f"{code.co_qualname}, line {innermost.f_lineno} of {code.co_filename}"
