"""Every message in both directions: the examples of the specification, the limits, and what is refused."""

from __future__ import annotations

import dataclasses
import struct
from dataclasses import dataclass
from struct import Struct

import pytest

from simulator.functions.table import refusal
from simulator.protocol import messages
from simulator.protocol.bits import (
    ReadCoilsRequest,
    ReadCoilsResponse,
    ReadDiscreteInputsRequest,
    ReadDiscreteInputsResponse,
    WriteMultipleCoilsRequest,
    WriteMultipleCoilsResponse,
    WriteSingleCoilRequest,
    WriteSingleCoilResponse,
)
from simulator.protocol.contract import UNKNOWN_LENGTH, ExceptionResponse, MessageError, Request, Response
from simulator.protocol.diagnostics import Diagnostic, DiagnosticsRequest, DiagnosticsResponse
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
from simulator.protocol.messages import (
    REQUESTS,
    RESPONSES,
    decode_request,
    decode_response,
    request_length,
    response_length,
)
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

CODES = [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 15, 16, 17, 20, 21, 22, 23, 24, 43]


def bits(text: str) -> tuple[bool, ...]:
    """Bits written as in the specification: bytes with the first bit last."""
    return tuple(digit == "1" for byte in text.split() for digit in reversed(byte))


def objects(*values: bytes) -> tuple[tuple[int, bytes], ...]:
    return tuple(enumerate(values))


REQUEST_VECTORS = [
    #  function
    #  |  address
    #  |  |    quantity
    ("01 0013 0013", ReadCoilsRequest(0x13, 19)),  # V1.1b3 §6.1
    ("02 00C4 0016", ReadDiscreteInputsRequest(0xC4, 22)),  # §6.2
    ("03 006B 0003", ReadHoldingRegistersRequest(0x6B, 3)),  # §6.3
    ("04 0008 0001", ReadInputRegistersRequest(8, 1)),  # §6.4
    #  function
    #  |  address
    #  |  |    value
    ("05 00AC FF00", WriteSingleCoilRequest(0xAC, True)),  # §6.5
    ("05 00AC 0000", WriteSingleCoilRequest(0xAC, False)),
    ("06 0001 0003", WriteSingleRegisterRequest(1, 3)),  # §6.6
    ("07", ReadExceptionStatusRequest()),  # §6.7
    #  function
    #  |  sub-function
    #  |  |    data
    ("08 0000 A537", DiagnosticsRequest(Diagnostic.RETURN_QUERY_DATA, (0xA537,))),  # §6.8
    ("08 0000 0001 0203 0405", DiagnosticsRequest(Diagnostic.RETURN_QUERY_DATA, (1, 0x203, 0x405))),
    ("08 0001 FF00", DiagnosticsRequest(Diagnostic.RESTART_COMMUNICATIONS, (0xFF00,))),
    ("08 0001 0000", DiagnosticsRequest(Diagnostic.RESTART_COMMUNICATIONS, (0,))),
    ("08 0003 3B00", DiagnosticsRequest(Diagnostic.CHANGE_ASCII_INPUT_DELIMITER, (0x3B00,))),
    ("08 0004 0000", DiagnosticsRequest(Diagnostic.FORCE_LISTEN_ONLY_MODE, (0,))),
    *((f"08 {sub:04X} 0000", DiagnosticsRequest(Diagnostic(sub), (0,))) for sub in (2, *range(10, 19), 20)),
    ("08 0015 0003", DiagnosticsRequest(Diagnostic.MODBUS_PLUS_STATISTICS, (3,))),  # PI-MBUS-300
    ("08 0015 0004", DiagnosticsRequest(Diagnostic.MODBUS_PLUS_STATISTICS, (4,))),
    ("0B", GetCommEventCounterRequest()),  # §6.9
    ("0C", GetCommEventLogRequest()),  # §6.10
    #  function
    #  |  address
    #  |  |    quantity
    #  |  |    |    byte count
    #  |  |    |    |  values
    ("0F 0013 000A 02 CD01", WriteMultipleCoilsRequest(0x13, bits("11001101 00000001")[:10])),  # §6.11
    ("10 0001 0002 04 000A 0102", WriteMultipleRegistersRequest(1, (0x0A, 0x102))),  # §6.12
    ("11", ReportServerIdRequest()),  # §6.13
    #  function
    #  |  byte count
    #  |  |  reference type
    #  |  |  |  file
    #  |  |  |  |    record
    #  |  |  |  |    |    length
    (
        "14 0E 06 0004 0001 0002 06 0003 0009 0002",
        ReadFileRecordRequest((FileRange(4, 1, 2), FileRange(3, 9, 2))),
    ),  # §6.14
    (
        "15 0D 06 0004 0007 0003 06AF 04BE 100D",
        WriteFileRecordRequest((FileRecords(4, 7, (0x06AF, 0x04BE, 0x100D)),)),
    ),  # §6.15
    #  function
    #  |  address
    #  |  |    AND mask
    #  |  |    |    OR mask
    ("16 0004 00F2 0025", MaskWriteRegisterRequest(4, 0xF2, 0x25)),  # §6.16
    #  function
    #  |  read address
    #  |  |    read quantity
    #  |  |    |    write address
    #  |  |    |    |    write quantity
    #  |  |    |    |    |    byte count
    #  |  |    |    |    |    |  values
    (
        "17 0003 0006 000E 0003 06 00FF 00FF 00FF",
        ReadWriteMultipleRegistersRequest(3, 6, 14, (0xFF, 0xFF, 0xFF)),
    ),  # §6.17
    ("18 04DE", ReadFifoQueueRequest(0x4DE)),  # §6.18
    #  function
    #  |  MEI type
    #  |  |  read device id code
    #  |  |  |  object id
    ("2B 0E 01 00", ReadDeviceIdentificationRequest(1, 0)),  # §6.21
    ("2B 0E 04 80", ReadDeviceIdentificationRequest(4, 0x80)),
]

STATISTICS = tuple(range(54))

RESPONSE_VECTORS = [
    #  function
    #  |  byte count
    #  |  |  values
    ("01 03 CD 6B 05", ReadCoilsResponse(bits("11001101 01101011 00000101"))),  # V1.1b3 §6.1
    ("02 03 AC DB 35", ReadDiscreteInputsResponse(bits("10101100 11011011 00110101"))),  # §6.2
    ("03 06 022B 0000 0064", ReadHoldingRegistersResponse((555, 0, 100))),  # §6.3
    ("04 02 000A", ReadInputRegistersResponse((10,))),  # §6.4
    ("05 00AC FF00", WriteSingleCoilResponse(0xAC, True)),  # §6.5
    ("06 0001 0003", WriteSingleRegisterResponse(1, 3)),  # §6.6
    ("07 6D", ReadExceptionStatusResponse(0x6D)),  # §6.7
    ("08 0000 A537", DiagnosticsResponse(Diagnostic.RETURN_QUERY_DATA, (0xA537,))),  # §6.8
    ("08 0001 FF00", DiagnosticsResponse(Diagnostic.RESTART_COMMUNICATIONS, (0xFF00,))),
    ("08 0002 1234", DiagnosticsResponse(Diagnostic.RETURN_DIAGNOSTIC_REGISTER, (0x1234,))),
    ("08 0003 3B00", DiagnosticsResponse(Diagnostic.CHANGE_ASCII_INPUT_DELIMITER, (0x3B00,))),
    ("08 0004 0000", DiagnosticsResponse(Diagnostic.FORCE_LISTEN_ONLY_MODE, (0,))),
    *((f"08 {sub:04X} 0000", DiagnosticsResponse(Diagnostic(sub), (0,))) for sub in (10, 20)),
    *((f"08 {sub:04X} FFFE", DiagnosticsResponse(Diagnostic(sub), (0xFFFE,))) for sub in range(11, 19)),
    (
        "08 0015 0003 " + struct.pack(">54H", *STATISTICS).hex(),
        DiagnosticsResponse(Diagnostic.MODBUS_PLUS_STATISTICS, (3, *STATISTICS)),
    ),
    ("08 0015 0004", DiagnosticsResponse(Diagnostic.MODBUS_PLUS_STATISTICS, (4,))),
    #  function
    #  |  status
    #  |  |    event count
    ("0B FFFF 0108", GetCommEventCounterResponse(True, 264)),  # §6.9
    ("0B 0000 0000", GetCommEventCounterResponse(False, 0)),
    #  function
    #  |  byte count
    #  |  |  status
    #  |  |  |    event count
    #  |  |  |    |    message count
    #  |  |  |    |    |    events
    ("0C 08 0000 0108 0121 20 00", GetCommEventLogResponse(False, 264, 289, b"\x20\x00")),  # §6.10
    ("0C 06 FFFF 0000 0000", GetCommEventLogResponse(True, 0, 0)),
    ("0F 0013 000A", WriteMultipleCoilsResponse(0x13, 10)),  # §6.11
    ("10 0001 0002", WriteMultipleRegistersResponse(1, 2)),  # §6.12
    #  function
    #  |  byte count
    #  |  |  server id
    #  |  |  |  run indicator
    #  |  |  |  |  additional
    ("11 05 11 FF 45 4D 33", ReportServerIdResponse.of(b"\x11", True, b"EM3")),  # §6.13
    #  function
    #  |  byte count
    #  |  |  group length
    #  |  |  |  reference type
    #  |  |  |  |  registers
    (
        "14 0C 05 06 0DFE 0020 05 06 33CD 0040",
        ReadFileRecordResponse(((0x0DFE, 0x20), (0x33CD, 0x40))),
    ),  # §6.14
    (
        "15 0D 06 0004 0007 0003 06AF 04BE 100D",
        WriteFileRecordResponse((FileRecords(4, 7, (0x06AF, 0x04BE, 0x100D)),)),
    ),  # §6.15
    ("16 0004 00F2 0025", MaskWriteRegisterResponse(4, 0xF2, 0x25)),  # §6.16
    (
        "17 0C 00FE 0ACD 0001 0003 000D 00FF",
        ReadWriteMultipleRegistersResponse((0xFE, 0xACD, 1, 3, 13, 255)),
    ),  # §6.17
    #  function
    #  |  byte count
    #  |  |    FIFO count
    #  |  |    |    registers
    ("18 0006 0002 01B8 1284", ReadFifoQueueResponse((0x1B8, 0x1284))),  # §6.18
    ("18 0002 0000", ReadFifoQueueResponse(())),
    #  function
    #  |  MEI type
    #  |  |  read device id code
    #  |  |  |  conformity level
    #  |  |  |  |  more follows
    #  |  |  |  |  |  next object
    #  |  |  |  |  |  |  number of objects
    #  |  |  |  |  |  |  |  objects
    (
        "2B 0E 01 01 00 00 03 00 16"
        + b"Company identification".hex()
        + "01 0F"
        + b"Product code XX".hex()
        # the specification gives the second object, of 15 characters, the length 0x0D
        + "02 05"
        + b"V2.11".hex(),
        ReadDeviceIdentificationResponse(
            1, 1, objects(b"Company identification", b"Product code XX", b"V2.11")
        ),
    ),  # §6.21
    ("2B 0E 01 81 FF 01 01 00 01 41", ReadDeviceIdentificationResponse(1, 0x81, objects(b"A"), 1)),
    ("2B 0E 03 83 00 00 00", ReadDeviceIdentificationResponse(3, 0x83, ())),
    ("81 01", ExceptionResponse(1, 1)),  # §7
    ("81 02", ExceptionResponse(1, 2)),
    ("FF FF", ExceptionResponse(127, 255)),
]


def test_both_directions_have_the_same_codes() -> None:
    assert sorted(REQUESTS) == sorted(RESPONSES) == CODES


@pytest.mark.parametrize(("wire", "request_"), REQUEST_VECTORS)
def test_requests(wire: str, request_: Request) -> None:
    pdu = bytes.fromhex(wire)
    assert request_.encode() == pdu
    assert decode_request(pdu) == request_


@pytest.mark.parametrize(("wire", "response"), RESPONSE_VECTORS)
def test_responses(wire: str, response: Response) -> None:
    pdu = bytes.fromhex(wire)
    assert response.encode() == pdu
    assert decode_response(pdu) == response


@pytest.mark.parametrize(
    ("vectors", "length"), [(REQUEST_VECTORS, request_length), (RESPONSE_VECTORS, response_length)]
)
def test_the_length_is_told_by_the_first_bytes(vectors, length) -> None:
    """None until they suffice, then the right number however many bytes more there are."""
    for wire, _ in vectors:
        pdu = bytes.fromhex(wire)
        told = [length(pdu[:size]) for size in range(len(pdu) + 1)]
        if pdu[:3] == b"\x08\x00\x00":  # carries any number of words
            assert told[:3] == [None] * 3 and set(told[3:]) == {UNKNOWN_LENGTH}
            continue
        first = told.index(len(pdu))
        assert told == [None] * first + [len(pdu)] * (len(told) - first), wire
        assert length(pdu + b"\xff\xff") == len(pdu)


@pytest.mark.parametrize("length", [request_length, response_length])
@pytest.mark.parametrize(
    "head", ["00", "41 00 00", "7F 01 02 03", "2B 0D 00", "08 00 00 12", "08 00 05", "08 FF FF"]
)
def test_a_length_that_no_byte_can_tell(length, head: str) -> None:
    assert length(bytes.fromhex(head)) == UNKNOWN_LENGTH


def test_only_a_response_may_have_the_exception_bit() -> None:
    assert request_length(b"\x83") == UNKNOWN_LENGTH
    assert response_length(b"\x83") == 2


REFUSED_REQUESTS = [
    ("", 1, "function is missing, expected one of 1, 2, 3, 4, 5, 6, 7, 8, 11,"),
    ("41 00", 1, "function is 0x41, expected one of 1, 2"),
    ("83 02", 1, "function is 0x83, expected one of 1, 2"),
    ("01 0000 0000", 3, "quantity is 0, expected 1 to 2000"),
    ("01 0000 07D1", 3, "quantity is 2001, expected 1 to 2000"),
    ("01 0000 00", 3, "PDU is 4 bytes, expected 5"),
    ("02 0000 0001 00", 3, "PDU is 6 bytes, expected 5"),
    ("03 0000 007E", 3, "quantity is 126, expected 1 to 125"),
    ("04 0000 0000", 3, "quantity is 0, expected 1 to 125"),
    ("05 0000 0001", 3, "coil value is 0x0001, expected 0xff00 or 0x0000"),
    ("06 0000", 3, "PDU is 3 bytes, expected 5"),
    ("07 00", 3, "PDU is 2 bytes, expected 1"),
    ("08", 3, "PDU is 1 bytes, expected at least 3"),
    ("08 0005 0000", 1, "sub-function is 5, expected one of 0, 1, 2, 3, 4, 10,"),
    ("08 0013 0000", 1, "sub-function is 19, expected one of"),
    ("08 0000", 3, "data is missing, expected at least one word"),
    ("08 0000 00", 3, "data words are 1 bytes, expected an even number"),
    ("08 0001 0001", 3, "data is 0x0001, expected 0x0000 or 0xff00"),
    ("08 0002 0001", 3, "data is 0x0001, expected 0x0000"),
    ("08 000B", 3, "data is missing, expected 0x0000"),
    ("08 0003 3B01", 3, "data is 0x3b01, expected a character in the high byte and 0 in the low byte"),
    ("08 0015 0000", 3, "data is 0x0000, expected 0x0003 or 0x0004"),
    ("0F 0000 0000 00", 3, "quantity is 0, expected 1 to 1968"),
    ("0F 0000 07B1 01 00", 3, "quantity is 1969, expected 1 to 1968"),
    ("0F 0000 0009 01 00", 3, "byte count is 1, expected 2"),
    ("0F 0000 0001 02 00", 3, "byte count is 2, expected 1 as bytes follow"),
    ("10 0000 0001 02", 3, "byte count is 2, expected 0 as bytes follow"),
    ("10 0000 0001 04 0000 0000", 3, "byte count is 4, expected 2"),
    ("10 0000 007C 02 0000", 3, "quantity is 124, expected 1 to 123"),
    ("10 0000", 3, "PDU is 3 bytes, expected at least 6"),
    ("14 00", 3, "byte count is 0, expected a multiple of 7 from 7 to 245"),
    ("14 06 060001000000", 3, "byte count is 6, expected a multiple of 7 from 7 to 245"),
    ("14 FC" + "06 0001 0000 0001" * 36, 3, "byte count is 252, expected a multiple of 7 from 7 to 245"),
    ("14 07 07 0001 0000 0001", 2, "reference type is 7, expected 6"),
    ("14 07 06 0000 0000 0001", 2, "file number is 0, expected 1 to 65535"),
    ("14 07 06 0001 2710 0001", 2, "record number is 10000, expected 0 to 9999"),
    ("14 07 06 0001 0000 0000", 2, "record length is 0, expected 1 to 121"),
    (
        "14 0E 06 0001 0000 0079 06 0001 0000 0001",
        3,
        "response has 248 bytes of groups, expected 245 or less",
    ),
    ("15 00", 3, "byte count is 0, expected 9 to 251"),
    ("15 07 06 0001 0000 0000", 3, "number of registers is 0, expected 1 to 122"),
    ("15 06 06 0001 0000 00", 3, "group is 6 bytes, expected at least 9"),
    ("15 09 06 0001 0000 0002 0000", 3, "record length is 2, expected 1 or less"),
    ("15 09 05 0001 0000 0001 0000", 2, "reference type is 5, expected 6"),
    ("16 0000 0000", 3, "PDU is 5 bytes, expected 7"),
    ("17 0000 007E 0000 0001 02 0000", 3, "read quantity is 126, expected 1 to 125"),
    ("17 0000 0001 0000 007A 02 0000", 3, "write quantity is 122, expected 1 to 121"),
    ("17 0000 0001 0000 0002 02 0000", 3, "byte count is 2, expected 4"),
    ("18 00", 3, "PDU is 2 bytes, expected 3"),
    ("2B", 3, "PDU is 1 bytes, expected at least 2"),
    ("2B 0D 00 00", 1, "MEI type is 13, expected 14"),
    ("2B 0E 00 00", 3, "read device id code is 0, expected 1 to 4"),
    ("2B 0E 05 00", 3, "read device id code is 5, expected 1 to 4"),
    ("2B 0E 01", 3, "PDU is 3 bytes, expected 4"),
]


@pytest.mark.parametrize(("wire", "code", "message"), REFUSED_REQUESTS)
def test_a_request_that_cannot_be_is_refused_with_the_code_of_the_specification(
    wire: str, code: int, message: str
) -> None:
    pdu = bytes.fromhex(wire)
    with pytest.raises(MessageError) as caught:
        decode_request(pdu)
    assert str(caught.value).startswith(message)
    assert caught.value.code == code
    if pdu:
        assert refusal(pdu, caught.value) == bytes((pdu[0] | 0x80, code))


REFUSED_RESPONSES = [
    ("", "function is missing"),
    ("41", "function is 0x41, expected one of"),
    ("80 01", "function code is 0, expected 1 to 127"),
    ("81 00", "exception code is 0, expected 1 to 255"),
    ("81", "exception response is 1 bytes, expected 2"),
    ("81 01 00", "exception response is 3 bytes, expected 2"),
    ("01 00", "number of bits is 0, expected 1 to 2000"),
    ("01 FB" + "00" * 251, "number of bits is 2008, expected 1 to 2000"),
    ("03 03 000000", "registers are 3 bytes, expected an even number"),
    ("03 00", "number of registers is 0, expected 1 to 125"),
    ("03 04 0000", "byte count is 4, expected 2 as bytes follow"),
    ("07", "PDU is 1 bytes, expected 2"),
    ("08 0015 0003 0000", "data is 2 words, expected 0x0003 and 54 words, or 0x0004 alone"),
    ("08 000B 0000 0000", "data is 2 words, expected 1"),
    ("0B 0001 0000", "status is 0x0001, expected 0xffff or 0x0000"),
    ("0C 05 0000000000", "byte count is 5, expected 6 to 70"),
    ("0C 47 0000 0000 0000" + "00" * 65, "number of events is 65, expected 0 to 64"),
    ("0F 0000 0000", "quantity is 0, expected 1 to 1968"),
    ("10 0000 007C", "quantity is 124, expected 1 to 123"),
    ("14 03 05 06 00", "group is 6 bytes, expected 2 to 3"),
    ("14 01 00", "group is 1 bytes, expected 2 to 1"),
    ("14 04 03 05 0000", "reference type is 5, expected 6"),
    ("14 03 02 06 00", "registers are 1 bytes, expected an even number"),
    ("18 0002 0001", "byte count is 2, expected 4"),
    ("18 0042 0020" + "0000" * 32, "FIFO count is 32, expected 0 to 31"),
    ("18 0004 0000", "byte count is 4, expected 2 as bytes follow"),
    ("2B 0E 01 01 01 00 00", "more follows is 0x01, expected 0xff or 0x00"),
    ("2B 0E 01 01 00 00 01 00 05 41", "PDU is 10 bytes, expected 14 for 1 objects"),
    ("2B 0E 01 01 00 00 02 00 01 41", "PDU is 10 bytes, expected more for 2 objects"),
    ("2B 0E 01 01 00 00 00 00", "PDU is 8 bytes, expected 7 for 0 objects"),
    ("2B 0E 01 04 00 00 00", "conformity level is 4, expected 1 to 3"),
    ("2B 0D 01 01 00 00 00", "MEI type is 13, expected 14"),
]


@pytest.mark.parametrize(("wire", "message"), REFUSED_RESPONSES)
def test_a_response_that_is_nonsense_is_refused_with_the_reason(wire: str, message: str) -> None:
    with pytest.raises(MessageError) as caught:
        decode_response(bytes.fromhex(wire))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ReadCoilsRequest(-1, 1), "address is -1, expected 0 to 65535"),
        (lambda: ReadCoilsRequest(65536, 1), "address is 65536, expected 0 to 65535"),
        (lambda: ReadHoldingRegistersRequest(0, 1.5), "quantity is 1.5, expected an integer"),
        (lambda: WriteSingleRegisterRequest(0, 65536), "value is 65536, expected 0 to 65535"),
        (lambda: WriteMultipleRegistersRequest(0, [1, -1]), "register 1 is -1, expected 0 to 65535"),
        (lambda: WriteMultipleRegistersRequest(0, [0.5]), "registers are [0.5], expected integers"),
        (lambda: WriteMultipleRegistersRequest(0, []), "number of registers is 0, expected 1 to 123"),
        (lambda: WriteMultipleCoilsRequest(0, [2]), "bit 0 is 2, expected true or false"),
        (lambda: WriteSingleCoilRequest(0, "on"), "bit 0 is 'on', expected true or false"),
        (lambda: WriteFileRecordRequest([FileRecords(1, 0, [0] * 120), FileRecords(1, 0, [0])]),
         "byte count is 256, expected 9 to 251"),
        (lambda: ReadFileRecordRequest([]), "byte count is 0, expected 7 to 245"),
        (lambda: ReadDeviceIdentificationResponse(1, 1, objects(b"x" * 245)),
         "size of all objects is 247, expected 0 to 246"),
        (lambda: ReportServerIdResponse(bytes(252)), "byte count is 252, expected 0 to 251"),
        (lambda: ExceptionResponse(128, 1), "function code is 128, expected 1 to 127"),
    ],
)  # fmt: skip
def test_a_message_that_exists_is_legal(make, message: str) -> None:
    with pytest.raises(MessageError) as caught:
        make()
    assert str(caught.value) == message


def test_a_list_is_as_good_as_a_tuple_and_does_not_stay_one() -> None:
    values = [1, 2]
    made = WriteMultipleRegistersRequest(0, values)
    values.append(3)
    assert made == WriteMultipleRegistersRequest(0, (1, 2))
    assert hash(made) == hash(WriteMultipleRegistersRequest(0, (1, 2)))


def test_bits_that_were_asked_for_come_first() -> None:
    response = ReadCoilsResponse([True, False, True])
    assert response.encode() == b"\x01\x01\x05"
    assert decode_response(response.encode()).bits[:3] == response.bits


def test_messages_cannot_be_changed() -> None:
    request = ReadCoilsRequest(0, 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        request.quantity = 3000
    assert not hasattr(request, "__dict__")
    assert not hasattr(WriteSingleCoilResponse(0, True), "__dict__")


def test_a_message_that_says_nothing_of_its_bytes_is_told_so() -> None:
    class Silent(Request):
        __slots__ = ()
        function = 99

    with pytest.raises(NotImplementedError, match=r"Silent has neither a layout nor its own encode$"):
        Silent().encode()
    with pytest.raises(NotImplementedError, match=r"Silent has neither a layout nor its own decode$"):
        Silent.decode(b"\x63")
    assert Silent.length(b"\x63\x00") == UNKNOWN_LENGTH


def test_a_pdu_of_another_function_is_refused() -> None:
    with pytest.raises(MessageError, match=r"^function is 0x04, expected 0x03$"):
        ReadHoldingRegistersRequest.decode(bytes.fromhex("04 0000 0001"))
    with pytest.raises(MessageError, match=r"^function is missing, expected 0x03$"):
        ReadHoldingRegistersRequest.decode(b"")
    with pytest.raises(MessageError, match=r"^function is 0x03, expected the exception bit 0x80$"):
        ExceptionResponse.decode(b"\x03\x01")


def test_server_ids_of_any_length() -> None:
    response = ReportServerIdResponse.of(b"\x01\x02", False, b"more")
    assert response.split(2) == (b"\x01\x02", False, b"more")
    assert ReportServerIdResponse(b"\x11\xff").split() == (b"\x11", True, b"")
    with pytest.raises(MessageError, match="byte count is 2, expected at least 3"):
        ReportServerIdResponse(b"\x11\xff").split(2)


def test_bits_behind_the_last_coil_are_not_looked_at() -> None:
    assert decode_request(bytes.fromhex("0F 0000 0001 01 FF")) == WriteMultipleCoilsRequest(0, (True,))


def test_a_pair_of_messages_has_one_code_that_is_free() -> None:
    @dataclass(frozen=True, slots=True)
    class Ask(Request):
        function = 3
        layout = Struct("")

    @dataclass(frozen=True, slots=True)
    class Answer(Response):
        function = 65
        layout = Struct("")

    with pytest.raises(ValueError, match=r"^function code of \S+Answer is 65, expected 3$"):
        messages.register(Ask, Answer)
    Answer.function = 3
    taken = r"^function 0x03 already belongs to simulator\.protocol\.registers\.ReadHoldingRegistersRequest$"
    with pytest.raises(ValueError, match=taken):
        messages.register(Ask, Answer)
    Ask.function = Answer.function = 128
    with pytest.raises(ValueError, match=r"^function code of \S+Ask is 128, expected 1 to 127$"):
        messages.register(Ask, Answer)
    assert sorted(REQUESTS) == CODES
