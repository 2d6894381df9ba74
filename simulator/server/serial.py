"""A serial port as the source of a line, opened by pyserial.

The port is ours alone while it is open.  A path that is missing, taken or no serial port is a ``BindError``
with the reason of the operating system.  USB adapters are asked to hand bytes over within a millisecond: by default
some collect them for 16, which would look like a silence in the middle of a frame.
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


class SerialSource:
    """The port of a path and its settings."""

    def __init__(self, scheme: str, line: SerialLine) -> None:
        self.line = line
        self.endpoint = f"{scheme}:{line.text()}"
        self._port: serial.Serial | None = None

    def open(self) -> int:
        """The descriptor of the port; raises BindError."""
        line = self.line
        try:
            self._port = serial.Serial(
                line.path,
                line.baudrate,
                bytesize=line.bytesize,
                parity=line.parity,
                stopbits=line.stopbits,
                timeout=0,
                exclusive=True,
            )
        except (OSError, ValueError, termios.error) as error:
            raise self._refused(error) from None
        with suppress(OSError, ValueError, NotImplementedError):  # only some drivers know it
            self._port.set_low_latency_mode(True)
        fd: int = self._port.fileno()
        os.set_blocking(fd, False)
        return fd

    def close(self) -> None:
        """Close the port without waiting for what nobody takes."""
        port, self._port = self._port, None
        if port is not None:
            with suppress(OSError, termios.error):
                termios.tcflush(port.fileno(), termios.TCIOFLUSH)
            with suppress(OSError, termios.error):
                port.close()

    def _refused(self, error: Exception) -> BindError:
        number = getattr(error, "errno", None)
        if not os.path.exists(self.line.path):
            return BindError(self.endpoint, errno.ENOENT, "there is no such serial port")
        if number in (errno.EAGAIN, errno.EBUSY) or "exclusively lock" in str(error):
            return BindError(self.endpoint, errno.EBUSY, "another process has the serial port")
        if number is None or number == errno.ENOTTY:
            return BindError(self.endpoint, errno.ENOTTY, f"not usable as a serial port ({error})")
        return BindError(self.endpoint, number, os.strerror(number).lower())
