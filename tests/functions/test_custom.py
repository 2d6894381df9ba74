"""A function code of one's own: two messages and a behaviour, known to everything that reads Modbus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

import pytest

from simulator.errors import ServerDeviceBusy
from simulator.functions import table
from simulator.functions.custom import USER_DEFINED, custom_function
from simulator.functions.table import function, function_table
from simulator.protocol import messages
from simulator.protocol.contract import (
    UNKNOWN_LENGTH,
    Counted,
    ExceptionResponse,
    MessageError,
    Request,
    Response,
    check,
)
from simulator.protocol.frames import Frame
from simulator.protocol.messages import (
    decode_request,
    decode_response,
    request_length,
    response_length,
)
from simulator.protocol.rtu import RtuFramer


@dataclass(frozen=True, slots=True)
class ReadClockRequest(Request):
    function = 65
    layout = Struct(">B")
    zone: int

    def __post_init__(self) -> None:
        check("zone", self.zone, 0, 23)


@dataclass(frozen=True, slots=True)
class ReadClockResponse(Response):
    function = 65
    layout = Struct(">BL")
    zone: int
    seconds: int


@dataclass(frozen=True, slots=True)
class EchoRequest(Request):
    """Written by hand, with the errors a beginner's code raises."""

    function = 100
    length = Counted(1)
    text: bytes

    def encode(self) -> bytes:
        return bytes((self.function, len(self.text))) + self.text

    @classmethod
    def decode(cls, pdu: bytes) -> EchoRequest:
        if pdu[1] == 0xEE:
            raise ValueError("no such text")
        if len(pdu) != 2 + pdu[1]:
            raise MessageError("text is cut off, expected all of it", code=0x42)
        return cls(pdu[2:])


@dataclass(frozen=True, slots=True)
class EchoResponse(Response):
    """Without a length: RTU over a stream has to search."""

    function = 100
    text: bytes

    def encode(self) -> bytes:
        return bytes((self.function,)) + self.text

    @classmethod
    def decode(cls, pdu: bytes) -> EchoResponse:
        return cls(pdu[1:])


def read_clock(device: object, request: ReadClockRequest) -> ReadClockResponse | None:
    if request.zone == 22:
        return None
    if request.zone == 23:
        raise ServerDeviceBusy("the clock is being set")
    return ReadClockResponse(request.zone, 1_700_000_000 + 3600 * request.zone)


def echo(device: object, request: EchoRequest) -> EchoResponse:
    return EchoResponse(request.text)


@pytest.fixture(autouse=True)
def _registries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test registers is forgotten after it."""
    function_table()
    kept = [(known, dict(known)) for known in (messages._requests, messages._responses, table._functions)]
    yield
    for known, before in kept:
        known.clear()
        known.update(before)  # type: ignore[arg-type]


@pytest.fixture
def clock() -> None:
    custom_function(ReadClockRequest, ReadClockResponse)(read_clock)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("41 00", "41 00 65 53 F1 00"),
        ("41 01", "41 01 65 53 FF 10"),
        ("41 16", ""),  # silence
        ("41 17", "C1 06"),
        ("41 18", "C1 03"),  # no such zone
        ("41", "C1 03"),  # too short
        ("41 00 00", "C1 03"),  # too long
    ],
)
def test_a_server_answers_it(ask, asked: str, answered: str) -> None:
    assert ask(asked) == answered


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("64 02 48 49", "64 48 49"),
        ("64 00", "64"),
        ("64 EE", "E4 03"),
        ("64", "E4 03"),
        ("64 05 48", "E4 42"),
    ],
)
def test_messages_may_write_their_own_bytes_and_raise_what_they_like(ask, asked: str, answered: str) -> None:
    custom_function(EchoRequest, EchoResponse)(echo)
    assert ask(asked) == answered


@pytest.mark.usefixtures("clock")
def test_the_parser_knows_it() -> None:
    assert decode_request(b"\x41\x01") == ReadClockRequest(1)
    assert decode_response(bytes.fromhex("41 01 00000005")) == ReadClockResponse(1, 5)
    assert decode_response(b"\xc1\x06") == ExceptionResponse(65, 6)
    assert ReadClockRequest(1).encode() == b"\x41\x01"
    with pytest.raises(MessageError, match=r"^zone is 24, expected 0 to 23$"):
        decode_request(b"\x41\x18")


def test_whatever_a_decoder_trips_over_is_a_message_error() -> None:
    custom_function(EchoRequest, EchoResponse)(echo)
    fact = r"^PDU of 2 bytes does not fit \S+EchoRequest: no such text$"
    with pytest.raises(MessageError, match=fact) as caught:
        decode_request(b"\x64\xee")
    assert caught.value.code == 3
    with pytest.raises(MessageError, match=r"^PDU of 1 bytes does not fit"):
        decode_request(b"\x64")


@pytest.mark.usefixtures("clock")
def test_rtu_over_a_stream_knows_its_length() -> None:
    assert (request_length(b"\x41"), response_length(b"\x41")) == (2, 6)
    framer = RtuFramer()
    adu = framer.build(0, 1, b"\x41\x01")
    assert framer.receive(adu + adu) == [Frame(0, 1, b"\x41\x01")] * 2


def test_rtu_over_a_stream_finds_the_end_of_one_without_a_length() -> None:
    custom_function(EchoRequest, EchoResponse)(echo)
    assert (request_length(b"\x64\x05"), response_length(b"\x64")) == (7, UNKNOWN_LENGTH)
    framer = RtuFramer(response_length)
    adu = framer.build(0, 1, b"\x64Hello")
    assert [each for byte in adu + adu for each in framer.receive(bytes((byte,)))] == [
        Frame(0, 1, b"\x64Hello")
    ] * 2


def test_the_decorator_leaves_the_behaviour_as_it_is() -> None:
    assert custom_function(ReadClockRequest, ReadClockResponse)(read_clock) is read_clock
    assert read_clock(None, ReadClockRequest(0)) == ReadClockResponse(0, 1_700_000_000)


@pytest.mark.usefixtures("clock")
def test_a_code_that_is_taken_is_refused_with_its_owner() -> None:
    with pytest.raises(ValueError, match=r"^function 0x41 already belongs to \S+ReadClockRequest$"):
        custom_function(ReadClockRequest, ReadClockResponse)(read_clock)


def test_a_code_taken_by_a_plain_function_is_refused_and_nothing_is_registered() -> None:
    function(65)(lambda device, pdu: pdu)
    with pytest.raises(ValueError, match=r"^function 0x41 already belongs to \S+<lambda>$"):
        custom_function(ReadClockRequest, ReadClockResponse)(read_clock)
    assert 65 not in messages.REQUESTS


@dataclass(frozen=True, slots=True)
class OwnRequest(Request):
    function = 3
    layout = Struct(">HH")
    address: int
    quantity: int


@dataclass(frozen=True, slots=True)
class OwnResponse(Response):
    function = 3
    layout = Struct(">B")
    answer: int


def own(device: object, request: OwnRequest) -> OwnResponse:
    return OwnResponse(request.quantity & 0xFF)


def test_a_code_of_the_specification_is_given_up_only_when_told_to(ask) -> None:
    taken = r"^function 0x03 already belongs to simulator\.protocol\.registers\.ReadHoldingRegistersRequest$"
    with pytest.raises(ValueError, match=taken):
        custom_function(OwnRequest, OwnResponse)(own)
    assert ask("03 0000 0007") == "83 02"
    custom_function(OwnRequest, OwnResponse, replace=True)(own)
    assert ask("03 0000 0007") == "03 07"
    assert decode_response(b"\x03\x07") == OwnResponse(7)


def test_messages_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^function code of \S+ReadClockResponse is 65, expected 100$"):
        custom_function(EchoRequest, ReadClockResponse)(lambda device, request: None)


def test_the_codes_that_are_meant_for_this() -> None:
    assert USER_DEFINED == (
        65,
        66,
        67,
        68,
        69,
        70,
        71,
        72,
        100,
        101,
        102,
        103,
        104,
        105,
        106,
        107,
        108,
        109,
        110,
    )
    assert not set(USER_DEFINED) & set(messages.REQUESTS)
