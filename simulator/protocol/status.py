"""The messages about a serial device's state: 07, 11, 12, 17 (V1.1b3 §6.7, 6.9, 6.10, 6.13)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Self

from simulator.protocol import codes
from simulator.protocol.contract import (
    Counted,
    Fixed,
    MessageError,
    Request,
    Response,
    check,
    check_word,
    settle,
)

BUSY, READY = 0xFFFF, 0x0000  # status words, V1.1b3 §6.9
RUN_ON, RUN_OFF = 0xFF, 0x00  # run indicator, V1.1b3 §6.13
MAX_EVENTS = 64  # V1.1b3 §6.10
MAX_SERVER_ID = codes.MAX_PDU - 2

_NO_FIELDS = Struct("")
_COUNTER = Struct(">HH")  # status, event count
_LOG_HEAD = Struct(">HHH")  # status, event count, message count


@dataclass(frozen=True, slots=True)
class ReadExceptionStatusRequest(Request):
    """07 (V1.1b3 §6.7): read the eight exception status outputs."""

    function = codes.READ_EXCEPTION_STATUS
    layout = _NO_FIELDS


@dataclass(frozen=True, slots=True)
class ReadExceptionStatusResponse(Response):
    """07 (V1.1b3 §6.7): the eight outputs, the first in the least significant bit."""

    function = codes.READ_EXCEPTION_STATUS
    layout = Struct("B")
    status: int

    def __post_init__(self) -> None:
        check("exception status", self.status, 0, 0xFF)


@dataclass(frozen=True, slots=True)
class GetCommEventCounterRequest(Request):
    """11 (V1.1b3 §6.9): read the communication event counter."""

    function = codes.GET_COMM_EVENT_COUNTER
    layout = _NO_FIELDS


@dataclass(frozen=True, slots=True)
class GetCommEventCounterResponse(Response):
    """11 (V1.1b3 §6.9): whether a program command is still running, and the completed messages."""

    function = codes.GET_COMM_EVENT_COUNTER
    length = Fixed(5)
    busy: bool
    event_count: int

    def __post_init__(self) -> None:
        settle(self, "busy", bool(self.busy))
        check_word("event count", self.event_count)

    def encode(self) -> bytes:
        """The PDU: status word 0xFFFF or 0x0000, event count."""
        return bytes((self.function,)) + _COUNTER.pack(BUSY if self.busy else READY, self.event_count)

    @classmethod
    def decode(cls, pdu: bytes) -> Self:
        """The status and count of a PDU."""
        status, event_count = _COUNTER.unpack(cls.body(pdu, _COUNTER.size))
        return cls(_busy(status), event_count)


@dataclass(frozen=True, slots=True)
class GetCommEventLogRequest(Request):
    """12 (V1.1b3 §6.10): read the communication event log."""

    function = codes.GET_COMM_EVENT_LOG
    layout = _NO_FIELDS


@dataclass(frozen=True, slots=True)
class GetCommEventLogResponse(Response):
    """12 (V1.1b3 §6.10): status, both counts, and up to 64 event bytes, the newest first."""

    function = codes.GET_COMM_EVENT_LOG
    length = Counted(1)
    busy: bool
    event_count: int
    message_count: int
    events: bytes = b""

    def __post_init__(self) -> None:
        settle(self, "busy", bool(self.busy))
        check_word("event count", self.event_count)
        check_word("message count", self.message_count)
        settle(self, "events", bytes(self.events))
        check("number of events", len(self.events), 0, MAX_EVENTS)

    def encode(self) -> bytes:
        """The PDU: byte count, status word, counts and events."""
        status = BUSY if self.busy else READY
        head = _LOG_HEAD.pack(status, self.event_count, self.message_count)
        return bytes((self.function, len(head) + len(self.events))) + head + self.events

    @classmethod
    def decode(cls, pdu: bytes) -> Self:
        """The log of a PDU."""
        _, data = cls.counted(pdu)
        if len(data) < _LOG_HEAD.size:
            raise MessageError(f"byte count is {len(data)}, expected {_LOG_HEAD.size} to 70")
        status, event_count, message_count = _LOG_HEAD.unpack_from(data)
        return cls(_busy(status), event_count, message_count, data[_LOG_HEAD.size :])


@dataclass(frozen=True, slots=True)
class ReportServerIdRequest(Request):
    """17 (V1.1b3 §6.13): read the server id and the run indicator."""

    function = codes.REPORT_SERVER_ID
    layout = _NO_FIELDS


@dataclass(frozen=True, slots=True)
class ReportServerIdResponse(Response):
    """17 (V1.1b3 §6.13): server id, run indicator (0xFF or 0x00) and what the vendor adds.

    How long the server id is, is the device's: ``data`` holds all three; ``of`` joins, ``split`` parts them.
    """

    function = codes.REPORT_SERVER_ID
    length = Counted(1)
    data: bytes

    def __post_init__(self) -> None:
        settle(self, "data", bytes(self.data))
        check("byte count", len(self.data), 0, MAX_SERVER_ID)

    @classmethod
    def of(cls, server_id: bytes, running: bool, additional: bytes = b"") -> Self:
        """The response with these three parts."""
        return cls(server_id + bytes((RUN_ON if running else RUN_OFF,)) + additional)

    def split(self, id_length: int = 1) -> tuple[bytes, bool, bytes]:
        """Server id, run indicator and additional data, when the id is ``id_length`` bytes long."""
        if len(self.data) <= id_length:
            raise MessageError(f"byte count is {len(self.data)}, expected at least {id_length + 1}")
        return self.data[:id_length], self.data[id_length] == RUN_ON, self.data[id_length + 1 :]

    def encode(self) -> bytes:
        """The PDU: byte count and the three parts."""
        return bytes((self.function, len(self.data))) + self.data

    @classmethod
    def decode(cls, pdu: bytes) -> Self:
        """The three parts of a PDU, not yet told apart."""
        return cls(cls.counted(pdu)[1])


def _busy(status: int) -> bool:
    if status not in (BUSY, READY):
        raise MessageError(f"status is {status:#06x}, expected 0xffff or 0x0000")
    return status == BUSY
