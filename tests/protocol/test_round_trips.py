"""Every legal message survives the wire, its length is told by its bytes, and no bytes confuse the parser."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.protocol import bits, diagnostics, fifo, files, identification, registers, status
from simulator.protocol.codes import MAX_PDU
from simulator.protocol.contract import ExceptionResponse, Message, MessageError
from simulator.protocol.diagnostics import Diagnostic
from simulator.protocol.messages import (
    REQUESTS,
    RESPONSES,
    decode_request,
    decode_response,
    request_length,
    response_length,
)

word = st.integers(0, 0xFFFF)
byte = st.integers(0, 0xFF)
flag = st.booleans()


def many(least: int, most: int, item: st.SearchStrategy = word) -> st.SearchStrategy[tuple]:
    return st.lists(item, min_size=least, max_size=most).map(tuple)


def whole_bytes(most: int) -> st.SearchStrategy[tuple]:
    return st.binary(min_size=1, max_size=most // 8).map(bits.unpack_bits)


zero = st.just((0,))
diagnostic_requests = st.one_of(
    st.tuples(st.just(Diagnostic.RETURN_QUERY_DATA), many(1, 125)),
    st.tuples(st.just(Diagnostic.RESTART_COMMUNICATIONS), st.sampled_from([(0,), (0xFF00,)])),
    st.tuples(st.just(Diagnostic.CHANGE_ASCII_INPUT_DELIMITER), byte.map(lambda char: (char << 8,))),
    st.tuples(st.sampled_from([sub for sub in Diagnostic if sub not in (0, 1, 3, 21)]), zero),
    st.tuples(st.just(Diagnostic.MODBUS_PLUS_STATISTICS), st.sampled_from([(3,), (4,)])),
)
diagnostic_responses = st.one_of(
    st.tuples(st.just(Diagnostic.RETURN_QUERY_DATA), many(1, 125)),
    st.tuples(st.sampled_from([sub for sub in Diagnostic if 11 <= sub <= 18 or sub == 2]), many(1, 1)),
    st.tuples(st.sampled_from([Diagnostic(4), Diagnostic(10), Diagnostic(20)]), zero),
    st.tuples(
        st.just(Diagnostic.MODBUS_PLUS_STATISTICS),
        many(54, 54).map(lambda counts: (3, *counts)) | st.just((4,)),
    ),
)
file_number, record = st.integers(1, 0xFFFF), st.integers(0, 9999)
file_ranges = st.lists(
    st.builds(files.FileRange, file_number, record, st.integers(1, 5)), min_size=1, max_size=20
)
file_records = st.lists(
    st.builds(files.FileRecords, file_number, record, many(1, 5)), min_size=1, max_size=14
)
groups = st.lists(many(1, 5), min_size=1, max_size=20)
objects = st.lists(st.tuples(byte, st.binary(max_size=20)), max_size=11)

requests = st.one_of(
    st.builds(bits.ReadCoilsRequest, word, st.integers(1, 2000)),
    st.builds(bits.ReadDiscreteInputsRequest, word, st.integers(1, 2000)),
    st.builds(registers.ReadHoldingRegistersRequest, word, st.integers(1, 125)),
    st.builds(registers.ReadInputRegistersRequest, word, st.integers(1, 125)),
    st.builds(bits.WriteSingleCoilRequest, word, flag),
    st.builds(registers.WriteSingleRegisterRequest, word, word),
    st.builds(status.ReadExceptionStatusRequest),
    diagnostic_requests.map(lambda fields: diagnostics.DiagnosticsRequest(*fields)),
    st.builds(status.GetCommEventCounterRequest),
    st.builds(status.GetCommEventLogRequest),
    st.builds(bits.WriteMultipleCoilsRequest, word, many(1, 1968, flag)),
    st.builds(registers.WriteMultipleRegistersRequest, word, many(1, 123)),
    st.builds(status.ReportServerIdRequest),
    file_ranges.map(files.ReadFileRecordRequest),
    file_records.map(files.WriteFileRecordRequest),
    st.builds(registers.MaskWriteRegisterRequest, word, word, word),
    st.builds(registers.ReadWriteMultipleRegistersRequest, word, st.integers(1, 125), word, many(1, 121)),
    st.builds(fifo.ReadFifoQueueRequest, word),
    st.builds(identification.ReadDeviceIdentificationRequest, st.integers(1, 4), byte),
)
responses = st.one_of(
    st.builds(bits.ReadCoilsResponse, whole_bytes(2000)),
    st.builds(bits.ReadDiscreteInputsResponse, whole_bytes(2000)),
    st.builds(registers.ReadHoldingRegistersResponse, many(1, 125)),
    st.builds(registers.ReadInputRegistersResponse, many(1, 125)),
    st.builds(bits.WriteSingleCoilResponse, word, flag),
    st.builds(registers.WriteSingleRegisterResponse, word, word),
    st.builds(status.ReadExceptionStatusResponse, byte),
    diagnostic_responses.map(lambda fields: diagnostics.DiagnosticsResponse(*fields)),
    st.builds(status.GetCommEventCounterResponse, flag, word),
    st.builds(status.GetCommEventLogResponse, flag, word, word, st.binary(max_size=64)),
    st.builds(bits.WriteMultipleCoilsResponse, word, st.integers(1, 1968)),
    st.builds(registers.WriteMultipleRegistersResponse, word, st.integers(1, 123)),
    st.builds(status.ReportServerIdResponse, st.binary(max_size=251)),
    groups.map(files.ReadFileRecordResponse),
    file_records.map(files.WriteFileRecordResponse),
    st.builds(registers.MaskWriteRegisterResponse, word, word, word),
    st.builds(registers.ReadWriteMultipleRegistersResponse, many(1, 125)),
    st.builds(fifo.ReadFifoQueueResponse, many(0, 31)),
    st.builds(
        identification.ReadDeviceIdentificationResponse,
        st.integers(1, 4),
        st.sampled_from([1, 2, 3, 0x81, 0x82, 0x83]),
        objects,
        st.none() | byte,
    ),
    st.builds(ExceptionResponse, st.integers(1, 127), st.integers(1, 255)),
)


def fits(length: int | None, pdu: bytes) -> bool:
    """The length is right, or it is one that no byte can tell."""
    return length == (0 if pdu.startswith(b"\x08\x00\x00") else len(pdu))


@settings(deadline=None, max_examples=400)
@given(requests)
def test_requests(request_: Message) -> None:
    pdu = request_.encode()
    assert len(pdu) <= MAX_PDU
    assert decode_request(pdu) == request_
    assert fits(request_length(pdu), pdu)


@settings(deadline=None, max_examples=400)
@given(responses)
def test_responses(response: Message) -> None:
    pdu = response.encode()
    assert len(pdu) <= MAX_PDU
    assert decode_response(pdu) == response
    assert fits(response_length(pdu), pdu)


def opened(decode: Callable, pdu: bytes) -> Message | ExceptionResponse | MessageError:
    try:
        return decode(pdu)
    except MessageError as reason:
        return reason


def pdus(codes: list[int]) -> st.SearchStrategy[bytes]:
    """Anything, mostly with a function code that exists."""
    head = st.sampled_from(codes).map(lambda code: bytes((code,)))
    return st.binary(max_size=300) | st.builds(bytes.__add__, head, st.binary(max_size=40))


@settings(deadline=None, max_examples=500)
@given(pdus(sorted(REQUESTS)))
def test_any_bytes_are_a_request_that_means_them_or_a_clear_refusal(pdu: bytes) -> None:
    request = opened(decode_request, pdu)
    if isinstance(request, MessageError):
        assert request.code in (1, 2, 3)
        assert " expected " in str(request)
    else:
        assert decode_request(request.encode()) == request
        assert len(request.encode()) == len(pdu)


@settings(deadline=None, max_examples=500)
@given(pdus(sorted(RESPONSES)))
def test_any_bytes_are_a_response_that_means_them_or_nonsense(pdu: bytes) -> None:
    response = opened(decode_response, pdu)
    if isinstance(response, MessageError):
        assert " expected " in str(response)
    else:
        assert response.encode() == pdu


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_beginning_has_a_length_of_some_kind(head: bytes) -> None:
    """More bytes never change a length that was told."""
    for length in (request_length, response_length):
        told = [length(head[:size]) for size in range(len(head) + 1)]
        known = [size for size in told if size is not None]
        assert len(set(known)) <= 1
        assert told == [None] * (len(told) - len(known)) + known


@given(st.lists(st.booleans(), min_size=1, max_size=2000))
def test_bits_are_packed_with_the_first_one_last(values: list[bool]) -> None:
    packed = bits.pack_bits(values)
    assert len(packed) == (len(values) + 7) // 8
    assert [bool(packed[index // 8] >> index % 8 & 1) for index in range(len(values))] == values
    assert bits.unpack_bits(packed)[: len(values)] == tuple(values)
    assert not any(bits.unpack_bits(packed)[len(values) :])


def test_every_code_is_drawn() -> None:
    """Both strategies know every message there is."""
    assert len(requests.original_strategies) == len(REQUESTS)
    assert len(responses.original_strategies) == len(RESPONSES) + 1
