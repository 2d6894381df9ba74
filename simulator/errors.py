"""Everything modsim raises on purpose, and where each exception ends.

::

    ModsimError                      base of all; never raised itself
    ├── ConfigError                  a file cannot be used: exit code 78, every problem of the file listed
    ├── BindError                    an endpoint cannot be opened: exit code 69 (77 for a port below 1024)
    ├── PointError                   a point cannot be read or written from inside: told to who asked
    ├── FrameError                   a byte stream is lost: its connection is closed
    ├── NetworkError                 a client cannot reach its server, or the server is silent
    │   ├── HostUnknown              the name of the host has no address
    │   ├── ConnectionRefused        nobody listens there
    │   ├── ConnectionFailed         everything else that keeps a connection from being made
    │   ├── ConnectionClosed         the server, or this program, closed it before the answer came
    │   └── TimedOut                 no answer in time
    ├── ProtocolError                an answer is no answer to the request: foreign, half, damaged, garbage
    └── ModbusException              a request is refused: becomes an exception response, and back
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
response in one place, ``simulator.functions``, and a client makes it of one with ``refused``; the
command line turns the others into exit codes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


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


class PointError(ModsimError, ValueError):
    """No such device or point, or a value that the point does not take."""


class FrameError(ModsimError):
    """A byte stream can no longer be cut into frames."""


class NetworkError(ModsimError):
    """A server cannot be reached, or is silent.  ``target`` is the URL of the client."""

    def __init__(self, target: str, reason: str) -> None:
        self.target = target
        self.reason = reason
        super().__init__(f"{target}: {reason}")


class HostUnknown(NetworkError):
    """The name of the host has no address."""


class ConnectionRefused(NetworkError):
    """Nobody listens at the address and port."""


class ConnectionFailed(NetworkError):
    """A connection cannot be made: no way there, not in time, a certificate not accepted, no such port."""


class ConnectionClosed(NetworkError):
    """The connection ended before the answer came."""


class TimedOut(NetworkError):
    """No answer came in time."""


Fault = Literal["transaction", "unit", "function", "half", "checksum", "garbage", "answer"]


class ProtocolError(ModsimError):
    """What came is no answer to the request.

    ``fault`` says in one word what is wrong with it: a foreign ``transaction`` id or ``unit``, another
    ``function``, ``half`` an answer, a wrong ``checksum``, ``garbage`` that holds no frame, or an ``answer``
    that does not fit the request.
    """

    def __init__(self, target: str, fault: Fault, reason: str) -> None:
        self.target = target
        self.fault: Fault = fault
        self.reason = reason
        super().__init__(f"{target}: {reason}")


class ModbusException(ModsimError):
    """A request is refused with an exception code (Application Protocol V1.1b3 §7).

    Raise a subclass, or ``ModbusException(message, code=0x42)`` for a code of your own.  On the side of a
    client ``function`` is the code of the function that was refused and ``unit`` who refused it.
    """

    code = 0x04
    function: int | None = None
    unit: int | None = None

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


STANDARD: dict[int, type[ModbusException]] = {
    kind.code: kind
    for kind in (
        IllegalFunction,
        IllegalDataAddress,
        IllegalDataValue,
        ServerDeviceFailure,
        Acknowledge,
        ServerDeviceBusy,
        NegativeAcknowledge,
        MemoryParityError,
        GatewayPathUnavailable,
        GatewayTargetFailed,
    )
}


def exception_name(code: int) -> str:
    """``illegal data address`` for 2; an empty text for a code that the specification does not know."""
    kind = STANDARD.get(code)
    return re.sub(r"(?<=.)([A-Z])", r" \1", kind.__name__).lower() if kind else ""


def refused(unit: int, function: int, code: int) -> ModbusException:
    """The exception of an exception response, of the class of its code, unknown codes too."""
    name = exception_name(code) or "not in the specification"
    message = f"unit {unit} refused function {function}: exception {code:#04x}, {name}"
    reason = STANDARD.get(code, ModbusException)(message, code=code)
    reason.function, reason.unit = function, unit
    return reason
