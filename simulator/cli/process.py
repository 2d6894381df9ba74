"""What only a running program needs: the reactor, signals, the descriptor limit, its own age."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def install_reactor() -> Any:
    """Install the epoll reactor where there is one, without looking through the others."""
    if sys.platform == "linux":
        from twisted.internet import epollreactor

        epollreactor.install()
    from twisted.internet import reactor

    return reactor


def raise_descriptor_limit() -> int:
    """Lift the soft limit of open descriptors to the hard one; return what holds now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def on_stop_signal(first: Callable[[str], None], second: Callable[[str], None]) -> None:
    """Call ``first`` with the name of the first SIGTERM or SIGINT, ``second`` with any later one."""
    calls = [first]

    def received(number: int, frame: FrameType | None) -> None:
        (calls.pop() if calls else second)(signal.Signals(number).name)

    for number in STOP_SIGNALS:
        signal.signal(number, received)


def age() -> float:
    """Seconds since this process was started, the interpreter's own start included."""
    try:
        with open("/proc/self/stat", encoding="ascii") as file:
            started = int(file.read().rpartition(")")[2].split()[19])  # field 22, proc(5)
    except OSError:
        return time.process_time()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")
