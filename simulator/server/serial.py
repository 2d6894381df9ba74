"""A serial port as the source of a line, opened by pyserial.

The port is ours alone while it is open.  A path that is missing, taken or no serial port is a ``BindError``
with the reason of the operating system.  USB adapters are asked to hand bytes over within a millisecond: by
default some collect them for 16, which would look like a silence in the middle of a frame.
"""

from __future__ import annotations

import errno
import os
import termios
from contextlib import suppress
from typing import TYPE_CHECKING

import serial

from simulator.errors import BindError

if TYPE_CHECKING:
    from simulator.config.serial_line import SerialLine

PTY_MAJORS = range(136, 144)  # Unix98 pseudo-terminals, Documentation/admin-guide/devices.txt of Linux


class SerialSource:
    """The port of a path and its settings."""

    def __init__(self, scheme: str, line: SerialLine) -> None:
        self.line = line
        self.endpoint = f"{scheme}:{line.text()}"
        self._port: serial.Serial | None = None

    def open(self) -> int:
        """The descriptor of the port; raises BindError."""
        try:
            self._port = self._opened()
            fd: int = self._port.fileno()
            _wait_for_one_byte(fd)
        except (OSError, ValueError, termios.error) as error:
            self.close()
            raise self._refused(error) from None
        with suppress(OSError, ValueError, NotImplementedError):  # only some drivers know it
            self._port.set_low_latency_mode(True)
        os.set_blocking(fd, False)
        return fd

    def close(self) -> None:
        """Close the port; the kernel still sends what was written."""
        port, self._port = self._port, None
        if port is not None:
            with suppress(OSError, termios.error):
                port.close()

    def _opened(self) -> serial.Serial:
        line = self.line
        bytesize, parity = (8, "N") if _is_pty(line.path) else (line.bytesize, line.parity)
        return serial.Serial(
            line.path,
            line.baudrate,
            bytesize=bytesize,
            parity=parity,
            stopbits=line.stopbits,
            timeout=0,
            exclusive=True,
        )

    def _refused(self, error: Exception) -> BindError:
        number = getattr(error, "errno", None)
        if not os.path.exists(self.line.path):
            return BindError(self.endpoint, errno.ENOENT, "there is no such serial port")
        if number in (errno.EAGAIN, errno.EBUSY) or "exclusively lock" in str(error):
            return BindError(self.endpoint, errno.EBUSY, "another process has the serial port")
        if number is None or number == errno.ENOTTY:
            return BindError(self.endpoint, errno.ENOTTY, f"not usable as a serial port ({error})")
        return BindError(self.endpoint, number, os.strerror(number).lower())


def _is_pty(path: str) -> bool:
    """True for a pseudo-terminal that another program made: it has no parity, and asking for one fails."""
    return os.major(os.stat(path).st_rdev) in PTY_MAJORS


def _wait_for_one_byte(fd: int) -> None:
    """Let reading say that there is nothing yet, which is not the end: by default both read as no bytes."""
    settings = termios.tcgetattr(fd)
    settings[6][termios.VMIN] = 1
    termios.tcsetattr(fd, termios.TCSANOW, settings)
