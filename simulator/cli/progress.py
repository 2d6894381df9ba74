"""The progress bar of a long start: only on a terminal, only when the start takes a while."""

from __future__ import annotations

from collections.abc import Callable

from simulator.cli.streams import Stream

PATIENCE_S = 0.5  # a shorter start shows nothing
REDRAW_S = 0.1
WIDTH = 30
CLEAR_LINE = "\r\x1b[K"


class ProgressBar:
    """Call it with (done, total); ``close`` wipes it from the screen."""

    def __init__(self, stream: Stream, clock: Callable[[], float], noun: str) -> None:
        self._stream = stream
        self._clock = clock
        self._noun = noun
        self._visible = stream.is_terminal()
        self._drawn = False
        self._next = clock() + PATIENCE_S

    def __call__(self, done: int, total: int) -> None:
        if not self._visible or self._clock() < self._next:
            return
        self._next = self._clock() + REDRAW_S
        self._drawn = True
        self._stream.write(CLEAR_LINE + bar(done, total, self._noun))

    def close(self) -> None:
        """Wipe the bar."""
        if self._drawn:
            self._stream.write(CLEAR_LINE)
            self._drawn = False


def bar(done: int, total: int, noun: str) -> str:
    """``[#####-----]  50 %  500 of 1000 listeners``."""
    share = done / total if total else 1.0
    filled = int(share * WIDTH)
    return f"[{'#' * filled}{'-' * (WIDTH - filled)}] {share:>4.0%}  {done} of {total} {noun}"
