"""Function 08: diagnostics (V1.1b3 §6.8), with the statistics of Modbus Plus as sub-function 21.

One table of sub-functions; each takes the device and the data words and returns the data words of the
response, or None for silence.  In listen-only mode another table of functions stands in the device, in
which only 08/01 does something.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING

from simulator.errors import IllegalDataValue, ModbusException
from simulator.functions.table import Function, function
from simulator.protocol import codes
from simulator.protocol.contract import unpack_words
from simulator.protocol.diagnostics import (
    CLEAR_LOG,
    CLEAR_STATISTICS,
    Diagnostic,
    DiagnosticsRequest,
    DiagnosticsResponse,
)

if TYPE_CHECKING:
    from simulator.device import Device

Words = tuple[int, ...]
SubFunction = Callable[["Device", Words], "Words | None"]

_NO_DELIMITER = b":0123456789ABCDEFabcdef"  # what an ASCII frame is made of


@function(codes.DIAGNOSTICS)
def diagnostics(device: Device, pdu: bytes) -> bytes:
    """08: what its sub-function says; an unknown one answers 01."""
    request = DiagnosticsRequest.decode(pdu)
    data = _SUB_FUNCTIONS[request.sub_function](device, request.data)
    return b"" if data is None else DiagnosticsResponse(request.sub_function, data).encode()


def _return_query_data(device: Device, data: Words) -> Words:
    return data


def _restart(device: Device, data: Words) -> Words:
    device.restart(clear_log=data == (CLEAR_LOG,))
    return data


def _change_delimiter(device: Device, data: Words) -> Words:
    character = data[0] >> 8
    if character in _NO_DELIMITER:
        expected = "expected a byte that is no digit and no colon"
        raise IllegalDataValue(f"delimiter is {character:#04x}, {expected}")
    device.state.change_delimiter(character)
    return data


def _force_listen_only(device: Device, data: Words) -> None:
    device.listen(LISTEN_ONLY)


def _clear_counters(device: Device, data: Words) -> Words:
    device.state.clear_counters()
    return data


def _clear_overruns(device: Device, data: Words) -> Words:
    device.state.clear_overruns()
    return data


def _statistics(device: Device, data: Words) -> Words:
    if data == (CLEAR_STATISTICS,):
        device.state.clear_statistics()
        return data
    return data + unpack_words(device.state.statistics)


def _counter(name: str) -> SubFunction:
    value = attrgetter(name)

    def counter(device: Device, data: Words) -> Words:
        return (value(device.state),)

    return counter


_SUB_FUNCTIONS: dict[int, SubFunction] = {
    Diagnostic.RETURN_QUERY_DATA: _return_query_data,
    Diagnostic.RESTART_COMMUNICATIONS: _restart,
    Diagnostic.RETURN_DIAGNOSTIC_REGISTER: _counter("diagnostic_register"),
    Diagnostic.CHANGE_ASCII_INPUT_DELIMITER: _change_delimiter,
    Diagnostic.FORCE_LISTEN_ONLY_MODE: _force_listen_only,
    Diagnostic.CLEAR_COUNTERS: _clear_counters,
    Diagnostic.RETURN_BUS_MESSAGE_COUNT: _counter("bus_messages"),
    Diagnostic.RETURN_BUS_COMMUNICATION_ERROR_COUNT: _counter("bus_errors"),
    Diagnostic.RETURN_BUS_EXCEPTION_ERROR_COUNT: _counter("exceptions"),
    Diagnostic.RETURN_SERVER_MESSAGE_COUNT: _counter("messages"),
    Diagnostic.RETURN_SERVER_NO_RESPONSE_COUNT: _counter("no_responses"),
    Diagnostic.RETURN_SERVER_NAK_COUNT: _counter("naks"),
    Diagnostic.RETURN_SERVER_BUSY_COUNT: _counter("busies"),
    Diagnostic.RETURN_BUS_CHARACTER_OVERRUN_COUNT: _counter("overruns"),
    Diagnostic.CLEAR_OVERRUN_COUNTER: _clear_overruns,
    Diagnostic.MODBUS_PLUS_STATISTICS: _statistics,
}


def _only_listen(device: Device, pdu: bytes) -> bytes:
    device.state.silent()
    return b""


def _listen_for_restart(device: Device, pdu: bytes) -> bytes:
    """08/01 ends listen-only mode, without a response (V1.1b3 §6.8.1)."""
    try:
        request = DiagnosticsRequest.decode(pdu)
    except ModbusException:
        return _only_listen(device, pdu)
    if request.sub_function != Diagnostic.RESTART_COMMUNICATIONS:
        return _only_listen(device, pdu)
    _restart(device, request.data)
    return b""


LISTEN_ONLY: tuple[Function, ...] = tuple(
    _listen_for_restart if code == codes.DIAGNOSTICS else _only_listen for code in range(256)
)
