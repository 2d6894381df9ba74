"""Everything modsim raises on purpose, and where each exception ends.

::

    ModsimError                      base of all; never raised itself
    ├── ConfigError                  a file cannot be used: exit code 78, every problem of the file listed
    ├── BindError                    an endpoint cannot be opened: exit code 69 (77 for a port below 1024)
    ├── FrameError                   a byte stream is lost: its connection is closed
    └── ModbusException              a request is refused: becomes an exception response
        ├── IllegalFunction          0x01
        ├── IllegalDataAddress       0x02
        ├── IllegalDataValue         0x03
        ├── ServerDeviceFailure      0x04
        ├── Acknowledge              0x05
        ├── ServerDeviceBusy         0x06
        ├── NegativeAcknowledge      0x07 (before V1.1b3, still spoken by devices)
        ├── MemoryParityError        0x08
        ├── GatewayPathUnavailable   0x0A
        └── GatewayTargetFailed      0x0B

A message says the fact, what it got and what it expected.  ``ModbusException`` is turned into a
response in one place, ``simulator.functions``; the command line turns the others into exit codes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class ModsimError(Exception):
    """Base of every exception raised by modsim."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with a file: where it stands and what to do about it."""

    file: str
    line: int  # from 1; 0 when the problem belongs to the file as a whole
    column: int  # from 1
    path: str  # dotted path of the key, "" for the whole file
    message: str  # fact, got, expected

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class ConfigError(ModsimError):
    """A plant file or profile cannot be used; ``problems`` holds every reason at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__("\n".join(map(str, self.problems)))


class BindError(ModsimError):
    """An endpoint cannot be opened.  ``errno`` is the operating system's reason."""

    def __init__(self, endpoint: str, errno: int, reason: str) -> None:
        self.endpoint = endpoint
        self.errno = errno
        super().__init__(f"{endpoint}: {reason}")


class FrameError(ModsimError):
    """A byte stream can no longer be cut into frames."""


class ModbusException(ModsimError):
    """A request is refused with an exception code (Application Protocol V1.1b3 §7).

    Raise a subclass, or ``ModbusException(message, code=0x42)`` for a code of your own.
    """

    code = 0x04

    def __init__(self, message: str = "", *, code: int | None = None) -> None:
        if code is not None:
            if not 0 < code <= 0xFF:
                raise ValueError(f"exception code is {code}, expected 1 to 255")
            self.code = code
        super().__init__(message)


class IllegalFunction(ModbusException):
    """The device does not have this function code."""

    code = 0x01


class IllegalDataAddress(ModbusException):
    """Some address of the requested range does not exist."""

    code = 0x02


class IllegalDataValue(ModbusException):
    """A quantity, length or value in the request is not allowed."""

    code = 0x03


class ServerDeviceFailure(ModbusException):
    """The device failed while it carried the request out."""

    code = 0x04


class Acknowledge(ModbusException):
    """The request is accepted and takes long; the client should poll for completion."""

    code = 0x05


class ServerDeviceBusy(ModbusException):
    """The device is busy; the client should try again later."""

    code = 0x06


class NegativeAcknowledge(ModbusException):
    """The device cannot perform the program function asked for."""

    code = 0x07


class MemoryParityError(ModbusException):
    """A file record failed its parity check."""

    code = 0x08


class GatewayPathUnavailable(ModbusException):
    """A gateway has no path to the unit."""

    code = 0x0A


class GatewayTargetFailed(ModbusException):
    """The unit behind a gateway did not respond."""

    code = 0x0B
