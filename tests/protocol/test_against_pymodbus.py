"""The same messages built by pymodbus 3 have the same bytes, and each side understands the other's."""

from __future__ import annotations

import copy
import random

import pytest
from pymodbus.framer import FramerAscii, FramerRTU
from pymodbus.pdu import ExceptionResponse as TheirExceptionResponse
from pymodbus.pdu import bit_message as their_bits
from pymodbus.pdu import diag_message as their_diagnostics
from pymodbus.pdu import file_message as their_files
from pymodbus.pdu import mei_message as their_identification
from pymodbus.pdu import other_message as their_status
from pymodbus.pdu import register_message as their_registers
from pymodbus.pdu.decoders import DecodePDU
from pymodbus.pdu.pdu import ModbusPDU

from simulator.protocol import bits, diagnostics, fifo, files, identification, registers, status
from simulator.protocol.ascii import AsciiFramer
from simulator.protocol.checksums import crc16, lrc
from simulator.protocol.contract import ExceptionResponse, Request, Response
from simulator.protocol.diagnostics import Diagnostic
from simulator.protocol.messages import (
    REQUESTS,
    RESPONSES,
    decode_request,
    decode_response,
    request_length,
    response_length,
)
from simulator.protocol.rtu import RtuFramer

COILS = [
    True,
    False,
    True,
    True,
    False,
    False,
    True,
    False,
    True,
    False,
    False,
    False,
    False,
    False,
    False,
    False,
]
WORDS = [0, 1, 0x1234, 0xFFFF]
RECORD = bytes.fromhex("06AF04BE")
STATISTICS = [3, *range(54)]

PAIRS_OF_REQUESTS: list[tuple[Request, ModbusPDU]] = [
    (bits.ReadCoilsRequest(19, 37), their_bits.ReadCoilsRequest(address=19, count=37)),
    (bits.ReadDiscreteInputsRequest(196, 22), their_bits.ReadDiscreteInputsRequest(address=196, count=22)),
    (
        registers.ReadHoldingRegistersRequest(107, 125),
        their_registers.ReadHoldingRegistersRequest(address=107, count=125),
    ),
    (
        registers.ReadInputRegistersRequest(8, 1),
        their_registers.ReadInputRegistersRequest(address=8, count=1),
    ),
    (bits.WriteSingleCoilRequest(172, True), their_bits.WriteSingleCoilRequest(address=172, bits=[True])),
    (bits.WriteSingleCoilRequest(172, False), their_bits.WriteSingleCoilRequest(address=172, bits=[False])),
    (
        registers.WriteSingleRegisterRequest(1, 0xFFFE),
        their_registers.WriteSingleRegisterRequest(address=1, registers=[0xFFFE]),
    ),
    (status.ReadExceptionStatusRequest(), their_status.ReadExceptionStatusRequest()),
    (status.GetCommEventCounterRequest(), their_status.GetCommEventCounterRequest()),
    (status.GetCommEventLogRequest(), their_status.GetCommEventLogRequest()),
    (
        bits.WriteMultipleCoilsRequest(19, COILS[:10]),
        their_bits.WriteMultipleCoilsRequest(address=19, bits=COILS[:10]),
    ),
    (
        registers.WriteMultipleRegistersRequest(1, WORDS),
        their_registers.WriteMultipleRegistersRequest(address=1, registers=WORDS),
    ),
    (status.ReportServerIdRequest(), their_status.ReportDeviceIdRequest()),
    (
        files.ReadFileRecordRequest((files.FileRange(4, 1, 2), files.FileRange(3, 9, 5))),
        their_files.ReadFileRecordRequest(
            [
                their_files.FileRecord(file_number=4, record_number=1, record_length=4),
                their_files.FileRecord(file_number=3, record_number=9, record_length=10),
            ]
        ),
    ),
    (
        files.WriteFileRecordRequest((files.FileRecords(4, 7, (0x06AF, 0x04BE)),)),
        their_files.WriteFileRecordRequest(
            [their_files.FileRecord(file_number=4, record_number=7, record_data=RECORD)]
        ),
    ),
    (
        registers.MaskWriteRegisterRequest(4, 0xF2, 0x25),
        their_registers.MaskWriteRegisterRequest(address=4, and_mask=0xF2, or_mask=0x25),
    ),
    (
        registers.ReadWriteMultipleRegistersRequest(3, 6, 14, WORDS),
        their_registers.ReadWriteMultipleRegistersRequest(
            read_address=3, read_count=6, write_address=14, write_registers=WORDS
        ),
    ),
    (fifo.ReadFifoQueueRequest(0x4DE), their_files.ReadFifoQueueRequest(address=0x4DE)),
    (
        identification.ReadDeviceIdentificationRequest(4, 0x80),
        their_identification.ReadDeviceInformationRequest(read_code=4, object_id=0x80),
    ),
]

PAIRS_OF_RESPONSES: list[tuple[Response | ExceptionResponse, ModbusPDU]] = [
    (bits.ReadCoilsResponse(COILS), their_bits.ReadCoilsResponse(bits=COILS)),
    (bits.ReadDiscreteInputsResponse(COILS), their_bits.ReadDiscreteInputsResponse(bits=COILS)),
    (
        registers.ReadHoldingRegistersResponse(WORDS),
        their_registers.ReadHoldingRegistersResponse(registers=WORDS),
    ),
    (
        registers.ReadInputRegistersResponse(WORDS),
        their_registers.ReadInputRegistersResponse(registers=WORDS),
    ),
    (bits.WriteSingleCoilResponse(172, True), their_bits.WriteSingleCoilResponse(address=172, bits=[True])),
    (
        registers.WriteSingleRegisterResponse(1, 3),
        their_registers.WriteSingleRegisterResponse(address=1, registers=[3]),
    ),
    (status.ReadExceptionStatusResponse(0x6D), their_status.ReadExceptionStatusResponse(status=0x6D)),
    (status.GetCommEventCounterResponse(False, 264), their_status.GetCommEventCounterResponse(count=264)),
    (
        status.GetCommEventLogResponse(False, 264, 289, b"\x20\x00"),
        their_status.GetCommEventLogResponse(message_count=289, event_count=264, events=[0x20, 0]),
    ),
    (bits.WriteMultipleCoilsResponse(19, 10), their_bits.WriteMultipleCoilsResponse(address=19, count=10)),
    (
        registers.WriteMultipleRegistersResponse(1, 2),
        their_registers.WriteMultipleRegistersResponse(address=1, count=2),
    ),
    (
        status.ReportServerIdResponse.of(b"Acme", True),
        their_status.ReportDeviceIdResponse(identifier=b"Acme", status=True),
    ),
    (
        files.ReadFileRecordResponse(((0x06AF, 0x04BE), (0x06AF,))),
        their_files.ReadFileRecordResponse(
            [their_files.FileRecord(record_data=RECORD), their_files.FileRecord(record_data=RECORD[:2])]
        ),
    ),
    (
        files.WriteFileRecordResponse((files.FileRecords(4, 7, (0x06AF, 0x04BE)),)),
        their_files.WriteFileRecordResponse(
            [their_files.FileRecord(file_number=4, record_number=7, record_data=RECORD)]
        ),
    ),
    (
        registers.MaskWriteRegisterResponse(4, 0xF2, 0x25),
        their_registers.MaskWriteRegisterResponse(address=4, and_mask=0xF2, or_mask=0x25),
    ),
    (
        registers.ReadWriteMultipleRegistersResponse(WORDS),
        their_registers.ReadWriteMultipleRegistersResponse(registers=WORDS),
    ),
    (fifo.ReadFifoQueueResponse(WORDS), their_files.ReadFifoQueueResponse(values=WORDS)),
    (
        identification.ReadDeviceIdentificationResponse(1, 0x83, ((0, b"Acme"), (1, b"EM3"), (2, b"1.4"))),
        their_identification.ReadDeviceInformationResponse(
            read_code=1, information={0: "Acme", 1: "EM3", 2: "1.4"}
        ),
    ),
    (ExceptionResponse(3, 2), TheirExceptionResponse(3, 2)),
]

SUB_FUNCTIONS = {
    Diagnostic.RETURN_QUERY_DATA: ("ReturnQueryData", b"\xa5\x37", b"\xa5\x37"),
    Diagnostic.RESTART_COMMUNICATIONS: ("RestartCommunicationsOption", 0xFF00, 0xFF00),
    Diagnostic.RETURN_DIAGNOSTIC_REGISTER: ("ReturnDiagnosticRegister", 0, 0x1234),
    Diagnostic.CHANGE_ASCII_INPUT_DELIMITER: ("ChangeAsciiInputDelimiter", 0x3B00, 0x3B00),
    Diagnostic.FORCE_LISTEN_ONLY_MODE: ("ForceListenOnlyMode", 0, None),
    Diagnostic.CLEAR_COUNTERS: ("ClearCounters", 0, 0),
    Diagnostic.RETURN_BUS_MESSAGE_COUNT: ("ReturnBusMessageCount", 0, 7),
    Diagnostic.RETURN_BUS_COMMUNICATION_ERROR_COUNT: ("ReturnBusCommunicationErrorCount", 0, 7),
    Diagnostic.RETURN_BUS_EXCEPTION_ERROR_COUNT: ("ReturnBusExceptionErrorCount", 0, 7),
    Diagnostic.RETURN_SERVER_MESSAGE_COUNT: ("ReturnDeviceMessageCount", 0, 7),
    Diagnostic.RETURN_SERVER_NO_RESPONSE_COUNT: ("ReturnDeviceNoResponseCount", 0, 7),
    Diagnostic.RETURN_SERVER_NAK_COUNT: ("ReturnDeviceNAKCount", 0, 7),
    Diagnostic.RETURN_SERVER_BUSY_COUNT: ("ReturnDeviceBusyCount", 0, 7),
    Diagnostic.RETURN_BUS_CHARACTER_OVERRUN_COUNT: ("ReturnDeviceBusCharacterOverrunCount", 0, 7),
    Diagnostic.CLEAR_OVERRUN_COUNTER: ("ClearOverrunCount", 0, 0),
    Diagnostic.MODBUS_PLUS_STATISTICS: ("GetClearModbusPlus", 3, STATISTICS),
}


def data_words(message: int | bytes | list[int]) -> tuple[int, ...]:
    if isinstance(message, bytes):
        return (int.from_bytes(message, "big"),)
    return (message,) if isinstance(message, int) else tuple(message)


for sub, (name, asked, answered) in SUB_FUNCTIONS.items():
    theirs = getattr(their_diagnostics, name + "Request")
    PAIRS_OF_REQUESTS.append((diagnostics.DiagnosticsRequest(sub, data_words(asked)), theirs(message=asked)))
    if answered is not None:  # there is no answer to Force Listen Only Mode
        theirs = getattr(their_diagnostics, name + "Response")
        ours = diagnostics.DiagnosticsResponse(sub, data_words(answered))
        PAIRS_OF_RESPONSES.append((ours, theirs(message=answered)))


# what pymodbus 3.16 gets wrong, by class name
NOT_READ = {"ReadFileRecordRequest"}  # takes the record length for bytes: odd ones fail, even ones are halved
NOT_WRITTEN_AGAIN = {"ReadDeviceInformationResponse"}  # counts the objects twice
NOT_READ_IN_RTU = {"GetClearModbusPlusResponse", "ReadFifoQueueResponse"}  # another length of the frame


def pdu(theirs: ModbusPDU) -> bytes:
    return bytes((theirs.function_code,)) + copy.deepcopy(theirs).encode()


def is_read_by_them(wire: bytes, theirs: ModbusPDU, *, server: bool) -> bool:
    name = type(theirs).__name__
    if name in NOT_READ:
        return True
    read = DecodePDU(server).decode(wire)
    return type(read) is type(theirs) and (name in NOT_WRITTEN_AGAIN or pdu(read) == wire)


def names(pairs: list) -> list[str]:
    return [f"{type(theirs).__name__}-{index}" for index, (_, theirs) in enumerate(pairs)]


requests = pytest.mark.parametrize(("ours", "theirs"), PAIRS_OF_REQUESTS, ids=names(PAIRS_OF_REQUESTS))
responses = pytest.mark.parametrize(("ours", "theirs"), PAIRS_OF_RESPONSES, ids=names(PAIRS_OF_RESPONSES))


def test_every_function_code_and_sub_function_is_compared() -> None:
    assert {ours.function for ours, _ in PAIRS_OF_REQUESTS} == set(REQUESTS)
    assert {ours.function for ours, _ in PAIRS_OF_RESPONSES} == set(RESPONSES)
    assert set(SUB_FUNCTIONS) == set(Diagnostic)


@requests
def test_requests(ours: Request, theirs: ModbusPDU) -> None:
    assert ours.encode() == pdu(theirs)
    assert decode_request(pdu(theirs)) == ours
    assert is_read_by_them(ours.encode(), theirs, server=True)


@responses
def test_responses(ours: Response, theirs: ModbusPDU) -> None:
    assert ours.encode() == pdu(theirs)
    assert decode_response(pdu(theirs)) == ours
    assert is_read_by_them(ours.encode(), theirs, server=False)


@requests
def test_rtu_requests(ours: Request, theirs: ModbusPDU) -> None:
    _same_adu(ours, theirs, RtuFramer(request_length), FramerRTU(DecodePDU(True)))


@responses
def test_rtu_responses(ours: Response, theirs: ModbusPDU) -> None:
    _same_adu(ours, theirs, RtuFramer(response_length), FramerRTU(DecodePDU(False)))


@requests
def test_ascii_requests(ours: Request, theirs: ModbusPDU) -> None:
    _same_adu(ours, theirs, AsciiFramer(), FramerAscii(DecodePDU(True)))


@responses
def test_ascii_responses(ours: Response, theirs: ModbusPDU) -> None:
    _same_adu(ours, theirs, AsciiFramer(), FramerAscii(DecodePDU(False)))


def _same_adu(ours, theirs: ModbusPDU, framer, their_framer) -> None:
    adu = framer.build(0, 17, ours.encode())
    theirs.dev_id = 17
    assert adu == their_framer.buildFrame(copy.deepcopy(theirs))
    assert framer.receive(adu) == [(0, 17, pdu(theirs))]
    unread = NOT_READ | NOT_READ_IN_RTU if isinstance(framer, RtuFramer) else NOT_READ
    if type(theirs).__name__ in unread:
        return
    used, read = their_framer.handleFrame(adu, 17, 0)
    assert used == len(adu)
    assert type(read) is type(theirs)


def test_checksums() -> None:
    source = random.Random(1)
    for size in range(1, 300, 7):
        data = source.randbytes(size)
        swapped = FramerRTU.compute_CRC(data)  # they give it as it goes onto the wire
        assert crc16(data).to_bytes(2, "little") == swapped.to_bytes(2, "big")
        assert lrc(data) == FramerAscii.compute_LRC(data)
