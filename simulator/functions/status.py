"""Functions 07, 11, 12 and 17: what a device says of its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import IllegalFunction
from simulator.functions.table import function
from simulator.protocol import codes
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

if TYPE_CHECKING:
    from simulator.device import Device


@function(codes.READ_EXCEPTION_STATUS)
def read_exception_status(device: Device, pdu: bytes) -> bytes:
    """07 (V1.1b3 §6.7): eight bits, whose meaning is the device's."""
    status = device.kind.exception_status
    if status is None:
        raise IllegalFunction("the device has no exception status")
    ReadExceptionStatusRequest.decode(pdu)
    return ReadExceptionStatusResponse(status(device)).encode()


@function(codes.GET_COMM_EVENT_COUNTER)
def get_comm_event_counter(device: Device, pdu: bytes) -> bytes:
    """11 (V1.1b3 §6.9): how many messages were completed well; this one is none of them."""
    GetCommEventCounterRequest.decode(pdu)
    state = device.state
    state.asked_for_events()
    return GetCommEventCounterResponse(state.in_progress, state.events).encode()


@function(codes.GET_COMM_EVENT_LOG)
def get_comm_event_log(device: Device, pdu: bytes) -> bytes:
    """12 (V1.1b3 §6.10): counts and events; the newest event is that this request was received."""
    GetCommEventLogRequest.decode(pdu)
    state = device.state
    state.asked_for_events()
    log = state.log(asking=True)
    return GetCommEventLogResponse(state.in_progress, state.events, state.bus_messages, log).encode()


@function(codes.REPORT_SERVER_ID)
def report_server_id(device: Device, pdu: bytes) -> bytes:
    """17 (V1.1b3 §6.13): id, run indicator, and what the vendor adds."""
    server_id = device.kind.server_id
    if server_id is None:
        raise IllegalFunction("the device has no server id")
    ReportServerIdRequest.decode(pdu)
    told = server_id(device.row)
    return ReportServerIdResponse.of(told.id, told.running, told.additional).encode()
