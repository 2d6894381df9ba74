"""Requests and answers as bytes, without a connection; the worked examples of the specification come first."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.client.adu import Adus, RequestAdu, rtu, tcp
from simulator.client.verbs import names
from simulator.errors import IllegalDataAddress, ProtocolError
from simulator.functions.custom import custom_function
from simulator.protocol import messages
from simulator.protocol.contract import Request, Response


@pytest.mark.parametrize(
    ("make", "request_pdu", "answer_pdu", "value"),
    [
        # V1.1b3 §6.1 to §6.18: the examples
        (lambda a: a.read_coils(0x13, 0x13), "01 00 13 00 13", "01 03 CD 6B 05",
         [digit == "1" for digit in "1011001111010110101"]),
        (lambda a: a.read_discrete_inputs(0xC4, 0x16), "02 00 C4 00 16", "02 03 AC DB 35",
         [digit == "1" for digit in "0011010111011011101011"]),
        (lambda a: a.read_holding_registers(0x6B, 3), "03 00 6B 00 03", "03 06 02 2B 00 00 00 64", [0x22B, 0, 0x64]),
        (lambda a: a.read_input_registers(8, 1), "04 00 08 00 01", "04 02 00 0A", [10]),
        (lambda a: a.write_single_coil(0xAC, True), "05 00 AC FF 00", "05 00 AC FF 00", None),
        (lambda a: a.write_single_register(1, 3), "06 00 01 00 03", "06 00 01 00 03", None),
        (lambda a: a.read_exception_status(), "07", "07 6D", 0x6D),
        (lambda a: a.return_query_data([0xA537]), "08 00 00 A5 37", "08 00 00 A5 37", [0xA537]),
        (lambda a: a.write_multiple_coils(0x13, [1, 0, 1, 1, 0, 0, 1, 1, 1, 0]), "0F 00 13 00 0A 02 CD 01", "0F 00 13 00 0A", None),
        (lambda a: a.write_multiple_registers(1, [10, 0x102]), "10 00 01 00 02 04 00 0A 01 02", "10 00 01 00 02", None),
        (lambda a: a.read_file_record((4, 1, 2), (3, 9, 2)), "14 0E 06 00 04 00 01 00 02 06 00 03 00 09 00 02",
         "14 0C 05 06 0D FE 00 20 05 06 33 CD 00 40", [[0xDFE, 0x20], [0x33CD, 0x40]]),
        (lambda a: a.write_file_record((4, 7, [0x6AF, 0x4BE, 0x100D])), "15 0D 06 00 04 00 07 00 03 06 AF 04 BE 10 0D",
         "15 0D 06 00 04 00 07 00 03 06 AF 04 BE 10 0D", None),
        (lambda a: a.mask_write_register(4, 0xF2, 0x25), "16 00 04 00 F2 00 25", "16 00 04 00 F2 00 25", None),
        (lambda a: a.read_write_multiple_registers(3, 6, 14, [255, 255, 255]), "17 00 03 00 06 00 0E 00 03 06 00 FF 00 FF 00 FF",
         "17 0C 00 FE 0A CD 00 01 00 03 00 0D 00 FF", [0xFE, 0xACD, 1, 3, 13, 255]),
        (lambda a: a.read_fifo_queue(0x4DE), "18 04 DE", "18 00 06 00 02 01 B8 12 84", [0x1B8, 0x1284]),
        (lambda a: a.read("float32", 0, byte_order="CDAB"), "03 00 00 00 02", "03 04 00 00 41 AC", 21.5),
        (lambda a: a.write("int16", 5, -2), "06 00 05 FF FE", "06 00 05 FF FE", None),
        (lambda a: a.execute_pdu(b"\x42\x01"), "42 01", "42 02 03", b"\x42\x02\x03"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("framing", ["mbap", "rtu", "ascii", "binary"])
def test_c2_requests_are_built_and_answers_parsed(
    framing: str, make: Callable[[Any], Any], request_pdu: str, answer_pdu: str, value: Any
) -> None:
    adus = Adus(framing, unit=17)
    request = make(adus)
    assert isinstance(request, bytes)
    assert request.pdu == bytes.fromhex(request_pdu)
    framer = adus._session._framer
    assert bytes(request) == framer.build(request.transaction, 17, request.pdu)
    assert request.parse(framer.build(request.transaction, 17, bytes.fromhex(answer_pdu))) == value


def test_c2_bytes_of_a_request_over_tcp_and_rtu() -> None:
    #                                       transaction | protocol | length | unit | PDU
    assert Adus("mbap").read_holding_registers(107, 3).hex(" ") == "00 01 00 00 00 06 01 03 00 6b 00 03"
    assert rtu.read_holding_registers(107, 3, unit=17).hex(" ") == "11 03 00 6b 00 03 76 87"
    first, second = tcp.read_coils(0), tcp.read_coils(0)
    assert second.transaction == first.transaction % 0xFFFF + 1


def test_a_refusal_and_nonsense_are_raised() -> None:
    with pytest.raises(IllegalDataAddress) as caught:
        rtu.read_coils(0).parse(bytes.fromhex("01 81 02 c1 91"))
    assert (caught.value.function, caught.value.code) == (1, 2)
    request = tcp.read_coils(0)
    head = request[:2]
    for answer, fault in (
        (b"", "half"),
        (head + bytes.fromhex("00 00 00 04 01 01"), "half"),
        (head + bytes.fromhex("00 07 00 04 01 01 01 00"), "garbage"),
        (b"\xff\xff" + bytes.fromhex("00 00 00 04 01 01 01 00"), "transaction"),
        (head + bytes.fromhex("00 00 00 04 02 01 01 00"), "unit"),
        (head + bytes.fromhex("00 00 00 04 01 02 01 00"), "function"),
        (head + bytes.fromhex("00 00 00 05 01 01 02 00 00"), "answer"),
    ):
        with pytest.raises(ProtocolError) as wrong:
            tcp_like(request).parse(answer)
        assert wrong.value.fault == fault
    with pytest.raises(ProtocolError) as wrong:
        rtu.read_coils(0).parse(bytes.fromhex("01 01 01 00 00 00"))
    assert wrong.value.fault == "checksum"


def tcp_like(request: RequestAdu[Any]) -> RequestAdu[Any]:
    """The same request once more: each can be parsed once."""
    again = tcp.read_coils(0)
    again._ask.transaction = request.transaction
    return again


def test_a_verb_of_several_requests_gives_the_next_one() -> None:
    first = rtu.read_device_identification(1)
    following = first.parse(rtu._session._framer.build(0, 1, bytes.fromhex("2B 0E 01 01 FF 01 01 00 01 41")))
    assert isinstance(following, RequestAdu)
    assert following.pdu == bytes.fromhex("2B 0E 01 01")
    last = rtu._session._framer.build(0, 1, bytes.fromhex("2B 0E 01 01 00 00 01 01 01 42"))
    assert following.parse(last) == {0: b"A", 1: b"B"}


def test_a_request_without_an_answer() -> None:
    request = rtu.write_single_register(0, 1, unit=0)
    assert request.unit == 0
    with pytest.raises(ValueError, match=r"^request has no answer, got bytes to parse, expected none$"):
        request.parse(b"")


@given(st.binary(max_size=60), st.sampled_from(["mbap", "rtu", "ascii", "binary"]))
def test_no_bytes_do_harm(data: bytes, framing: str) -> None:
    with pytest.raises(ProtocolError):
        Adus(framing).read_file_record((1, 1, 1)).parse(data)


def test_c2_over_a_socket_of_ones_own(listening: Any) -> None:
    with socket.create_connection(("127.0.0.1", listening.port("tcp"))) as connection:
        request = tcp.read_holding_registers(0, unit=2)
        connection.sendall(request)
        assert request.parse(connection.recv(600)) == [2]
    with socket.create_connection(("127.0.0.1", listening.port("rtu+tcp"))) as connection:
        request = rtu.read_holding_registers(0, unit=2)
        connection.sendall(request)
        assert request.parse(connection.recv(600)) == [2]


@dataclass(frozen=True, slots=True)
class ReadClockRequest(Request):
    function = 71
    layout = Struct(">B")
    zone: int


@dataclass(frozen=True, slots=True)
class ReadClockResponse(Response):
    function = 71
    layout = Struct(">BL")
    zone: int
    seconds: int


@pytest.mark.parametrize("framing", ["mbap", "rtu"])
def test_e5_a_function_code_of_ones_own_in_a_client(framing: str) -> None:
    from simulator.functions import table

    @custom_function(ReadClockRequest, ReadClockResponse)
    def read_clock(device: Any, request: ReadClockRequest) -> ReadClockResponse:
        return ReadClockResponse(request.zone, 99)

    try:
        adus = Adus(framing)
        request = adus.execute(ReadClockRequest(3))
        answered = adus._session._framer.build(request.transaction, 1, b"\x47\x03\x00\x00\x00\x63")
        assert request.parse(answered) == ReadClockResponse(3, 99)
    finally:
        messages._requests.pop(71), messages._responses.pop(71), table._functions.pop(71)


def test_every_client_has_every_verb() -> None:
    from simulator.client import AsyncClient, Client, ClientPool, TwistedClient

    assert len(names()) == 39
    for kind in (Client, AsyncClient, TwistedClient, ClientPool, Adus):
        for name in names():
            method = getattr(kind, name)
            assert callable(method)
            assert method.__doc__
            assert method.__name__ == name
