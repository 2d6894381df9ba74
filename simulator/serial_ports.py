"""Opening serial ports, for lines of servers and of clients: the one place that knows pyserial.

The port is ours alone while it is open.  USB adapters are asked to hand bytes over within a millisecond: by
default some collect them for 16, which would look like a silence in the middle of a frame.  What keeps a port
from being opened is an ``OSError`` with a number and a reason in words.
"""

from __future__ import annotations

import errno
import os
import termios
from contextlib import suppress
from typing import TYPE_CHECKING

import serial

if TYPE_CHECKING:
    from simulator.config.serial_line import SerialLine

PTY_MAJORS = range(136, 144)  # Unix98 pseudo-terminals, Documentation/admin-guide/devices.txt of Linux


def open_port(line: SerialLine) -> serial.Serial:
    """The port of a line, open and not blocking; raises OSError with the reason in words."""
    port = None
    try:
        port = _opened(line)
        _wait_for_one_byte(port.fileno())
    except (OSError, ValueError, termios.error) as error:
        if port is not None:
            close_port(port)
        raise OSError(*_reason(line.path, error)) from None
    with suppress(OSError, ValueError, NotImplementedError):  # only some drivers know it
        port.set_low_latency_mode(True)
    os.set_blocking(port.fileno(), False)
    return port


def close_port(port: serial.Serial) -> None:
    """Close a port; the kernel still sends what was written."""
    with suppress(OSError, termios.error):
        port.close()


def _opened(line: SerialLine) -> serial.Serial:
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


def _reason(path: str, error: Exception) -> tuple[int, str]:
    number = getattr(error, "errno", None)
    if not os.path.exists(path):
        return errno.ENOENT, "there is no such serial port"
    if number in (errno.EAGAIN, errno.EBUSY) or "exclusively lock" in str(error):
        return errno.EBUSY, "another process has the serial port"
    if number is None or number == errno.ENOTTY:
        return errno.ENOTTY, f"not usable as a serial port ({error})"
    return number, os.strerror(number).lower()


def _is_pty(path: str) -> bool:
    """True for a pseudo-terminal that another program made: it has no parity, and asking for one fails."""
    return os.major(os.stat(path).st_rdev) in PTY_MAJORS


def _wait_for_one_byte(fd: int) -> None:
    """Let reading say that there is nothing yet, which is not the end: by default both read as no bytes."""
    settings = termios.tcgetattr(fd)
    settings[6][termios.VMIN] = 1
    termios.tcsetattr(fd, termios.TCSANOW, settings)
