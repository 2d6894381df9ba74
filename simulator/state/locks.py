"""A file belongs to one plant at a time: a lock beside it, which the kernel drops when the plant ends.

The one rule: the lock is not on the file itself, which is replaced again and again.
"""

from __future__ import annotations

import fcntl
import os

from simulator.errors import ConfigError, Problem


class Lock:
    """The lock of ``path``.  ``take`` raises ConfigError while another plant has it, and OSError."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = -1

    def take(self) -> None:
        """Have it until ``drop`` or the end of the process."""
        descriptor = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise _taken(self._path, holder) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def drop(self) -> None:
        """Let another plant have it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def check(path: str) -> None:
    """Raise ConfigError while a plant has the file; changes nothing."""
    try:
        descriptor = os.open(f"{path}.lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        raise _taken(path, os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()) from None
    finally:
        os.close(descriptor)


def _taken(path: str, holder: str) -> ConfigError:
    whose = f"of another plant, process {holder}" if holder.isdigit() else "of another plant"
    return ConfigError([Problem(path, 0, 0, "", f"state is {whose}, expected a file of its own")])
