"""One table of functions, one decorator that fills it, one place where exceptions become responses.

A function takes a device and a request PDU and returns the response PDU, or raises a
:class:`~simulator.errors.ModbusException`.  It need not check that the function code exists, catch
anything, count anything or build an exception response.  An empty response means silence.
"""

from __future__ import annotations

import importlib
import struct
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from simulator.errors import IllegalDataValue, IllegalFunction, ModbusException
from simulator.protocol.codes import EXCEPTION_BIT

if TYPE_CHECKING:
    from simulator.device import Device

Function = Callable[["Device", bytes], bytes]

# importing a module registers its functions
_BUILT_IN = ("bits", "registers", "status", "diagnostics", "files", "fifo", "identification")
_functions: dict[int, Function] = {}


def function(code: int, *, replace: bool = False) -> Callable[[Function], Function]:
    """Register the behaviour of a function code, 1 to 127; a second one only if it is to ``replace``.

    ::

        @function(0x41)
        def serial_number(device, pdu):
            return b"\\x41" + (815).to_bytes(4, "big")

    The behaviour is given the device and the request PDU and returns the response PDU; an empty one is
    silence.  It may raise any :class:`~simulator.errors.ModbusException`.
    Raises ValueError for a code that is taken.
    """
    if not 1 <= code < EXCEPTION_BIT:
        raise ValueError(f"function code is {code}, expected 1 to 127")

    if replace:
        _load_built_in()  # or it would come later and find the code taken

    def register(behaviour: Function) -> Function:
        if code in _functions and not replace:
            owner = _functions[code]
            raise ValueError(
                f"function {code:#04x} already belongs to {owner.__module__}.{owner.__qualname__}"
            )
        _functions[code] = behaviour
        return behaviour

    return register


def _load_built_in() -> None:
    for module in _BUILT_IN:
        importlib.import_module(f"simulator.functions.{module}")


def illegal_function(device: Device, pdu: bytes) -> bytes:
    """Answer a code the device does not have."""
    raise IllegalFunction(f"function {pdu[0]:#04x} is not supported")


def function_table(without: Iterable[int] = ()) -> tuple[Function, ...]:
    """All 256 codes, those nobody registered and those in ``without`` refused."""
    _load_built_in()
    table = [_functions.get(code, illegal_function) for code in range(256)]
    for code in without:
        table[code] = illegal_function
    return tuple(table)


def wrong_byte_count(got: int, expected: int, carried: int) -> IllegalDataValue:
    """What a write says whose byte count fits neither its quantity nor the data it carries."""
    return IllegalDataValue(f"byte count is {got} with {carried} bytes of data, expected {expected}")


def answer(device: Device, pdu: bytes) -> bytes:
    """What a client of the device gets: a response, an exception response, or nothing; one request more."""
    device.kind.requests[device.row] += 1
    try:
        return device.functions[pdu[0]](device, pdu)
    except Exception as reason:
        refused = refusal(pdu, reason)
        device.state.refused(refused[1])
        return refused


def refusal(pdu: bytes, reason: Exception) -> bytes:
    """The exception response for what a function raised (V1.1b3 §7).

    A request whose bytes do not fit its layout answers 03, anything unforeseen 04.
    """
    if isinstance(reason, ModbusException):
        code = reason.code
    elif isinstance(reason, struct.error):
        code = 0x03
    else:
        code = 0x04
    return bytes((pdu[0] | EXCEPTION_BIT, code))
