"""Starting servers pinned to a core, waiting for their ready line, stopping them by pid.

A server counts as ready when a line beginning with ``ready`` appears on its stdout; the time from
the start of the process to that line is its start-up time.  Its stderr goes to a log file whose tail
is part of the error when it does not get that far.  A server that has been started is always stopped.
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

STOP_S = 15.0
# A Python that may not keep its bytecode compiles everything at every start: nobody runs a server so.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


class StartError(Exception):
    """A server did not become ready; the message holds the tail of its log."""


class Server:
    """A running server process."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], ready_s: float) -> None:
        self.name = name
        self.process = process
        self.pid = process.pid
        self.ready_s = ready_s

    def rss_kb(self) -> int:
        """Resident memory."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE_KB

    def cpu_s(self) -> float:
        """CPU time of all threads, to the nanosecond, from the process's CPU clock (clock_getcpuclockid)."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def core_share(self, seconds: float) -> float:
        """The share of one core it takes over the next seconds."""
        began, before = time.monotonic(), self.cpu_s()
        time.sleep(seconds)
        return (self.cpu_s() - before) / (time.monotonic() - began)


def pin(core: int) -> Callable[[], None]:
    return lambda: os.sched_setaffinity(0, {core})


@contextmanager
def serving(
    name: str, command: Sequence[str], core: int, logs: Path, timeout: float = 60
) -> Iterator[Server]:
    """Run a server for the length of a ``with`` block."""
    log = logs / f"{name}.log"
    with log.open("wb") as stderr:
        began = time.monotonic()
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=ENVIRONMENT,
            preexec_fn=pin(core),
        )
    try:
        yield Server(name, process, _wait_ready(name, process, began, timeout, log))
    finally:
        _stop(process)


def _wait_ready(
    name: str, process: subprocess.Popen[bytes], began: float, timeout: float, log: Path
) -> float:
    """Seconds from ``began`` to the ready line."""
    assert process.stdout is not None
    line = b""
    while (left := began + timeout - time.monotonic()) > 0:
        if not select.select([process.stdout], [], [], left)[0]:
            continue
        chunk = os.read(process.stdout.fileno(), 65536)
        line += chunk
        if any(part.startswith(b"ready") for part in line.splitlines()):
            return time.monotonic() - began
        if not chunk:
            break
    ended = left > 0 and _ended(process)
    fact = "ended before it was ready" if ended else f"is not ready after {timeout:.0f} s"
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip(" ^~")]
    raise StartError(f"{name} {fact}: {' / '.join(lines[-3:]) or 'nothing on stderr'}")


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether a process that closed its stdout is gone, or is just going."""
    try:
        return process.wait(2) is not None
    except subprocess.TimeoutExpired:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()
