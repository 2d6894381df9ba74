"""An example of every message, for every framing; those of the specification where it has one.

``MESSAGES`` holds examples of the standard functions; of a function that a plug-in registered an example is
made when all its fields are numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from simulator.explanation.adus import Framing
from simulator.explanation.walkers import Direction
from simulator.protocol.ascii import AsciiFramer
from simulator.protocol.binary import BinaryFramer
from simulator.protocol.bits import (
    ReadCoilsRequest,
    ReadCoilsResponse,
    ReadDiscreteInputsRequest,
    ReadDiscreteInputsResponse,
    WriteMultipleCoilsRequest,
    WriteMultipleCoilsResponse,
    WriteSingleCoilRequest,
    WriteSingleCoilResponse,
    unpack_bits,
)
from simulator.protocol.contract import ExceptionResponse, Message, Request, Response
from simulator.protocol.diagnostics import (
    STATISTICS_WORDS,
    Diagnostic,
    DiagnosticsRequest,
    DiagnosticsResponse,
)
from simulator.protocol.fifo import ReadFifoQueueRequest, ReadFifoQueueResponse
from simulator.protocol.files import (
    FileRange,
    FileRecords,
    ReadFileRecordRequest,
    ReadFileRecordResponse,
    WriteFileRecordRequest,
    WriteFileRecordResponse,
)
from simulator.protocol.identification import (
    ReadDeviceIdentificationRequest,
    ReadDeviceIdentificationResponse,
)
from simulator.protocol.mbap import MbapFramer
from simulator.protocol.messages import REQUESTS, RESPONSES
from simulator.protocol.registers import (
    MaskWriteRegisterRequest,
    MaskWriteRegisterResponse,
    ReadHoldingRegistersRequest,
    ReadHoldingRegistersResponse,
    ReadInputRegistersRequest,
    ReadInputRegistersResponse,
    ReadWriteMultipleRegistersRequest,
    ReadWriteMultipleRegistersResponse,
    WriteMultipleRegistersRequest,
    WriteMultipleRegistersResponse,
    WriteSingleRegisterRequest,
    WriteSingleRegisterResponse,
)
from simulator.protocol.rtu import RtuFramer
from simulator.protocol.status import (
    GetCommEventCounterRequest,
    GetCommEventCounterResponse,
    GetCommEventLogRequest,
    GetCommEventLogResponse,
    ReadExceptionStatusRequest,
    ReadExceptionStatusResponse,
    ReportServerIdRequest,
    ReportServerIdResponse,
)

_RECORDS = (FileRecords(4, 7, (0x06AF, 0x04BE, 0x100D)),)  # V1.1b3 §6.15
_OUTPUTS = unpack_bits(b"\xcd\x01")[:10]  # V1.1b3 §6.11
_VALUES: dict[Diagnostic, tuple[int, ...]] = {  # what a response carries where the request has 0
    Diagnostic.RETURN_DIAGNOSTIC_REGISTER: (0x0000,),
    Diagnostic.RETURN_BUS_MESSAGE_COUNT: (264,),
    Diagnostic.RETURN_SERVER_MESSAGE_COUNT: (120,),
}
_ECHOED: dict[Diagnostic, tuple[int, ...]] = {
    Diagnostic.RETURN_QUERY_DATA: (0xA537,),  # V1.1b3 §6.8
    Diagnostic.RESTART_COMMUNICATIONS: (0x0000,),
    Diagnostic.CHANGE_ASCII_INPUT_DELIMITER: (0x2400,),
}


def _diagnostics() -> Iterator[Message]:
    for sub in Diagnostic:
        if sub is Diagnostic.MODBUS_PLUS_STATISTICS:
            yield DiagnosticsRequest(sub, (3,))
            yield DiagnosticsResponse(sub, (3, *range(1, STATISTICS_WORDS + 1)))
            yield DiagnosticsRequest(sub, (4,))
            yield DiagnosticsResponse(sub, (4,))
            continue
        echoed = _ECHOED.get(sub, (0,))
        yield DiagnosticsRequest(sub, echoed)
        if sub is not Diagnostic.FORCE_LISTEN_ONLY_MODE:  # nobody answers it
            yield DiagnosticsResponse(sub, _VALUES.get(sub, echoed))


MESSAGES: tuple[Message, ...] = (
    ReadCoilsRequest(19, 19),
    ReadCoilsResponse(unpack_bits(b"\xcd\x6b\x05")),
    ReadDiscreteInputsRequest(196, 22),
    ReadDiscreteInputsResponse(unpack_bits(b"\xac\xdb\x35")),
    ReadHoldingRegistersRequest(107, 3),
    ReadHoldingRegistersResponse((555, 0, 100)),
    ReadInputRegistersRequest(8, 1),
    ReadInputRegistersResponse((10,)),
    WriteSingleCoilRequest(172, True),
    WriteSingleCoilResponse(172, True),
    WriteSingleRegisterRequest(1, 3),
    WriteSingleRegisterResponse(1, 3),
    ReadExceptionStatusRequest(),
    ReadExceptionStatusResponse(0x6D),
    *_diagnostics(),
    GetCommEventCounterRequest(),
    GetCommEventCounterResponse(True, 264),
    GetCommEventLogRequest(),
    GetCommEventLogResponse(False, 264, 289, b"\x20\x00"),
    WriteMultipleCoilsRequest(19, _OUTPUTS),
    WriteMultipleCoilsResponse(19, 10),
    WriteMultipleRegistersRequest(1, (10, 258)),
    WriteMultipleRegistersResponse(1, 2),
    ReportServerIdRequest(),
    ReportServerIdResponse.of(b"\x2a", True, b"modsim"),
    ReadFileRecordRequest((FileRange(4, 1, 2), FileRange(3, 9, 2))),
    ReadFileRecordResponse(((0x0DFE, 0x0020), (0x33CD, 0x0040))),
    WriteFileRecordRequest(_RECORDS),
    WriteFileRecordResponse(_RECORDS),
    MaskWriteRegisterRequest(4, 0x00F2, 0x0025),
    MaskWriteRegisterResponse(4, 0x00F2, 0x0025),
    ReadWriteMultipleRegistersRequest(3, 6, 14, (255, 255, 255)),
    ReadWriteMultipleRegistersResponse((254, 2765, 1, 3, 13, 255)),
    ReadFifoQueueRequest(1246),
    ReadFifoQueueResponse((440, 4740)),
    ReadDeviceIdentificationRequest(1),
    ReadDeviceIdentificationResponse(
        1, 0x81, ((0, b"Company identification"), (1, b"Product code XX"), (2, b"V2.11"))
    ),
    ReadDeviceIdentificationRequest(4, 2),
    ReadDeviceIdentificationResponse(4, 0x81, ((2, b"V2.11"),)),
)
REFUSALS = tuple(ExceptionResponse(1, code) for code in (1, 2, 3, 4, 5, 6, 8, 10, 11))  # V1.1b3 §7


class Example(NamedTuple):
    """A message and its bytes in one framing."""

    framing: Framing
    direction: Direction
    function: int
    message: Message | ExceptionResponse
    wire: bytes


_FRAMERS = {"mbap": MbapFramer, "rtu": RtuFramer, "ascii": AsciiFramer, "binary": BinaryFramer}


def examples(
    *,
    functions: Iterable[int] = (),
    framings: Iterable[Framing] = ("mbap", "rtu", "ascii", "binary"),
    directions: Iterable[Direction] = ("request", "response"),
    unit: int = 1,
    transaction: int = 1,
) -> Iterator[Example]:
    """Examples by function code, direction and framing; without ``functions`` those of every function."""
    wanted, both, kinds = set(functions), set(directions), tuple(framings)
    every: list[Message | ExceptionResponse] = [*MESSAGES, *_of_plugins(), *_refusals(wanted)]
    for message in every:
        direction: Direction = "request" if isinstance(message, Request) else "response"
        if (wanted and message.function not in wanted) or direction not in both:
            continue
        for framing in kinds:
            pdu = message.encode()
            wire = pdu if framing == "pdu" else _FRAMERS[framing]().build(transaction, unit, pdu)
            yield Example(framing, direction, message.function, message, wire)


def _refusals(wanted: set[int]) -> Iterator[ExceptionResponse]:
    """Every exception code once, for the first of the functions that are asked for."""
    function = min(wanted, default=1)
    return (ExceptionResponse(function, refusal.code) for refusal in REFUSALS)


def _of_plugins() -> Iterator[Message]:
    known = {message.function for message in MESSAGES}
    for code in sorted(set(REQUESTS) - known):
        for kind in (REQUESTS[code], RESPONSES[code]):
            found = _made_up(kind)
            if found is not None:
                yield found


def _made_up(kind: type[Request] | type[Response]) -> Message | None:
    names: tuple[str, ...] = getattr(kind, "__match_args__", ())
    try:
        found = kind(*(1 for _ in names))
        found.encode()
    except Exception:  # a plug-in's own rules; there is no example of it then
        return None
    return found
