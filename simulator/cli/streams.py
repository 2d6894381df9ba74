"""Writing to stdout and stderr so that nothing there ever stops the program.

A log on a full disk, a pipe whose reader died, a reader that stopped reading, a descriptor that was
never open: each loses lines and counts them, none raises and none blocks the reactor.
Rule: lines of the running program go through ``Stream``; ``print`` is for verbs that end at once.
"""

from __future__ import annotations

import os
import select
import sys

PIPE_BUF = 4096  # POSIX: a pipe that polls writable takes this many bytes without blocking


class Stream:
    """A descriptor that swallows what it cannot write.  ``lost`` counts the writes that failed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self.lost = 0

    def write(self, text: str) -> bool:
        """Write ``text`` unless that fails or would block; True when all of it was written."""
        data = memoryview(text.encode("utf-8", "backslashreplace"))
        while data:
            written = self._write_some(data[:PIPE_BUF])
            if not written:
                self.lost += 1
                return False
            data = data[written:]
        return True

    def _write_some(self, data: memoryview) -> int:
        try:
            ready = self._poll.poll(0)
            if not ready or not ready[0][1] & select.POLLOUT:
                return 0
            return os.write(self._descriptor, data)
        except OSError:
            return 0

    def is_terminal(self) -> bool:
        """True when a person is likely to look at this stream."""
        return os.isatty(self._descriptor)


class LogFile(Stream):
    """A file that lines are appended to.  Raises OSError when it cannot be opened."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(_append_to(path))

    def reopen(self) -> None:
        """Go on in the file that has the name now, another one after a rotation; raises OSError."""
        fresh = _append_to(self.path)
        os.dup2(fresh, self._descriptor, inheritable=False)
        os.close(fresh)


def _append_to(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)


STDOUT = Stream(1)
STDERR = Stream(2)


def open_standard_descriptors() -> None:
    """Put ``/dev/null`` where stdin, stdout or stderr is closed.

    Otherwise the next socket would get the number 2, and log lines would go to a Modbus client.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)


def flush() -> None:
    """Flush what ``print`` buffered; a failure is not worth an exit code of its own."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        abandon_stdout()


def abandon_stdout() -> None:
    """Point stdout at ``/dev/null``, so that the interpreter's last flush has nothing to say."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.close(devnull)
