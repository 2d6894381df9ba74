"""Every message by its function code, in both directions.

``REQUESTS`` and ``RESPONSES`` hold the class of each function code; :func:`register` adds a pair.  The
functions here open a PDU of any code and tell, from its first bytes, how long it will be.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

from simulator.protocol import bits, diagnostics, fifo, files, identification, registers, status
from simulator.protocol.codes import EXCEPTION_BIT
from simulator.protocol.contract import (
    UNKNOWN_LENGTH,
    ExceptionResponse,
    Message,
    MessageError,
    Request,
    Response,
)

_requests: dict[int, type[Request]] = {}
_responses: dict[int, type[Response]] = {}
REQUESTS: Mapping[int, type[Request]] = MappingProxyType(_requests)
RESPONSES: Mapping[int, type[Response]] = MappingProxyType(_responses)

AnyMessage = TypeVar("AnyMessage", bound=Message)

_EXCEPTION_LENGTH = 2  # V1.1b3 §7


def register(request: type[Request], response: type[Response], *, replace: bool = False) -> None:
    """Make a pair of messages known; ``replace`` lets it take a code that has an owner.

    Raises ValueError when :func:`check_pair` does.
    """
    check_pair(request, response, replace=replace)
    _requests[request.function] = request
    _responses[request.function] = response


def check_pair(request: type[Request], response: type[Response], *, replace: bool = False) -> None:
    """Raise ValueError when two messages differ in their code, or it is taken or cannot be sent."""
    code = request.function
    if not 1 <= code < EXCEPTION_BIT:
        raise ValueError(f"function code of {_name(request)} is {code}, expected 1 to 127")
    if response.function != code:
        raise ValueError(f"function code of {_name(response)} is {response.function}, expected {code}")
    if code in _requests and not replace:
        raise ValueError(f"function {code:#04x} already belongs to {_name(_requests[code])}")


def decode_request(pdu: bytes) -> Request:
    """The request in a PDU; MessageError with the exception code a server answers."""
    found = _requests.get(pdu[0]) if pdu else None
    if found is None:
        raise MessageError(f"function is {_code(pdu)}, expected one of {_known()}", code=0x01)
    return opened(found, pdu)


def decode_response(pdu: bytes) -> Response | ExceptionResponse:
    """The response or refusal in a PDU; MessageError when it is nonsense."""
    if pdu and pdu[0] & EXCEPTION_BIT:
        return ExceptionResponse.decode(pdu)
    found = _responses.get(pdu[0]) if pdu else None
    if found is None:
        raise MessageError(f"function is {_code(pdu)}, expected one of {_known()}", code=0x01)
    return opened(found, pdu)


def opened(message: type[AnyMessage], pdu: bytes) -> AnyMessage:
    """``message.decode(pdu)``, where whatever a plain decoder trips over is a MessageError too."""
    try:
        return message.decode(pdu)
    except MessageError:
        raise
    except (ValueError, LookupError, struct.error) as reason:
        raise MessageError(f"PDU of {len(pdu)} bytes does not fit {_name(message)}: {reason}") from reason


def request_length(head: bytes) -> int | None:
    """How many bytes the request PDU that begins with ``head`` has.

    None while more of it is needed to tell; UNKNOWN_LENGTH when no further byte will tell.
    """
    if not head:
        return None
    found = _requests.get(head[0])
    return UNKNOWN_LENGTH if found is None else found.length(head)


def response_length(head: bytes) -> int | None:
    """The same for the PDU of a response or refusal."""
    if not head:
        return None
    if head[0] & EXCEPTION_BIT:
        return _EXCEPTION_LENGTH
    found = _responses.get(head[0])
    return UNKNOWN_LENGTH if found is None else found.length(head)


def _name(message: type[Message]) -> str:
    return f"{message.__module__}.{message.__qualname__}"


def _code(pdu: bytes) -> str:
    return f"{pdu[0]:#04x}" if pdu else "missing"


def _known() -> str:
    return ", ".join(map(str, sorted(_requests)))


_STANDARD: tuple[tuple[type[Request], type[Response]], ...] = (
    (bits.ReadCoilsRequest, bits.ReadCoilsResponse),
    (bits.ReadDiscreteInputsRequest, bits.ReadDiscreteInputsResponse),
    (registers.ReadHoldingRegistersRequest, registers.ReadHoldingRegistersResponse),
    (registers.ReadInputRegistersRequest, registers.ReadInputRegistersResponse),
    (bits.WriteSingleCoilRequest, bits.WriteSingleCoilResponse),
    (registers.WriteSingleRegisterRequest, registers.WriteSingleRegisterResponse),
    (status.ReadExceptionStatusRequest, status.ReadExceptionStatusResponse),
    (diagnostics.DiagnosticsRequest, diagnostics.DiagnosticsResponse),
    (status.GetCommEventCounterRequest, status.GetCommEventCounterResponse),
    (status.GetCommEventLogRequest, status.GetCommEventLogResponse),
    (bits.WriteMultipleCoilsRequest, bits.WriteMultipleCoilsResponse),
    (registers.WriteMultipleRegistersRequest, registers.WriteMultipleRegistersResponse),
    (status.ReportServerIdRequest, status.ReportServerIdResponse),
    (files.ReadFileRecordRequest, files.ReadFileRecordResponse),
    (files.WriteFileRecordRequest, files.WriteFileRecordResponse),
    (registers.MaskWriteRegisterRequest, registers.MaskWriteRegisterResponse),
    (registers.ReadWriteMultipleRegistersRequest, registers.ReadWriteMultipleRegistersResponse),
    (fifo.ReadFifoQueueRequest, fifo.ReadFifoQueueResponse),
    (identification.ReadDeviceIdentificationRequest, identification.ReadDeviceIdentificationResponse),
)
for _pair in _STANDARD:
    register(*_pair)
