"""Bytes to frames: framing, direction and what is wrong, told from the bytes alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.explanation.adus import FRAMINGS
from simulator.explanation.catalogue import examples
from simulator.explanation.guessing import Explanation, Noise, read, read_all
from simulator.explanation.hexadecimal import parse_hex

EXAMPLES = list(examples())


def frames(data: bytes, **options) -> list[tuple[Explanation, ...]]:
    (reading,) = read(data, **options)
    assert not [part for part in reading.parts if isinstance(part, Noise)]
    return list(reading.parts)


@pytest.mark.parametrize(
    ("text", "framing", "direction", "title"),
    [
        # tid  proto len  u  f  address quantity: TCP V1.0b, V1.1b3 §6.3
        ("00 01 00 00 00 06 01 03 00 6B 00 03", "mbap", "request", "read holding registers request"),
        ("01 03 00 00 00 0A C5 CD", "rtu", "request", "read holding registers request"),
        ("01 83 02 C0 F1", "rtu", "response", "read holding registers exception response"),
        (":010300000001FB", "ascii", "request", "read holding registers request"),
        (
            "3A 30 31 30 33 30 30 30 30 30 30 30 31 46 42 0D 0A",
            "ascii",
            "request",
            "read holding registers request",
        ),
        ("03 02 2B 00 01", "pdu", "request", "read holding registers request"),
        (
            "01 06 00 01 00 03 98 0B",
            "rtu",
            "request or response",
            "write single register request or response",
        ),
    ],
)
def test_framing_and_direction_are_told_from_the_bytes(text, framing, direction, title):
    readings = read(parse_hex(text))
    assert readings[0].framing == framing
    told = readings[0].parts[0][0]
    assert (told.direction, told.title, told.problems) == (direction, title, ())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("00 01 00 00 00 09 01 03 00 6B 00 03", "length is 9, expected 6 as bytes follow"),
        ("01 03 00 00 00 0A C5 CE", "CRC is C5 CE, expected C5 CD"),
        ("01 03 00 00 00 0A", "CRC is missing, expected C5 CD"),
        (":010300000001FC", "LRC is 0xFC, expected 0xFB"),
        ("00 01 00 00 00 06 01 03 00 6B 00 7E", "quantity is 126, expected 1 to 125"),
        ("00 01 00 00 00 06 01 63 00 6B 00 7E", "function is 0x63, expected one of"),
        ("00 01 00 00 00 02 01 83", "exception response is 1 bytes, expected 2"),
        ("03 00 00 00 00", "quantity is 0, expected 1 to 125"),
    ],
)
def test_what_is_wrong_with_a_frame_is_told(text, problem):
    (reading, *_) = read(parse_hex(text))
    told = reading.parts[0][0]
    assert any(each.startswith(problem) for each in told.problems)


def test_a_frame_that_may_be_either_is_told_as_both():
    (told,) = frames(bytes.fromhex("0103020005"), framing="pdu")
    assert [each.direction for each in told] == ["request", "response"]


def test_bytes_behind_the_last_frame_are_noise():
    (reading,) = read(bytes.fromhex("000100000006010300 6b0003 0099"))
    assert reading.parts[-1] == Noise(12, b"\x00\x99")


def test_noise_before_and_between_rtu_frames_is_passed_over():
    request = bytes.fromhex("01030000000AC5CD")
    (reading,) = read(b"\xff\x00" + request + b"\x55" + request)
    kinds = [type(part).__name__ for part in reading.parts]
    assert kinds == ["Noise", "tuple", "Noise", "tuple"]


def test_a_response_is_told_with_the_addresses_of_its_request():
    ((asked,), (answered,)) = (
        reading.parts
        for (reading,) in read_all(
            [
                bytes.fromhex(text)
                for text in ("00010000000601030 06b0003".replace(" ", ""), "000100000009010306022b00000064")
            ]
        )
    )
    assert asked[0].direction == "request"
    assert [field.name for field in answered[0].fields[-3:]] == [
        "holding register 107",
        "holding register 108",
        "holding register 109",
    ]


def test_a_response_that_does_not_fit_its_request_is_told():
    readings = read_all(
        [
            bytes.fromhex("00010000000601030 06b0004".replace(" ", "")),
            bytes.fromhex("000100000009010306022b00000064"),
        ]
    )
    assert readings[1][0].parts[0][0].problems == ("3 registers, expected 4 as asked",)


def test_a_write_and_its_echo_are_request_and_response():
    write = bytes.fromhex("000100000006010600010003")
    first, second = frames(write + write)
    assert [told.direction for told in (*first, *second)] == ["request", "response"]


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda example: f"{example.framing}-{type(example.message).__name__}"
)
def test_every_message_of_every_framing_is_recognised_whole(example):
    readings = read(example.wire)
    told = [each for reading in readings for part in reading.parts for each in part]
    fitting = [each for each in told if example.direction in each.direction]
    assert fitting and fitting[0].problems == ()
    assert fitting[0].adu.framing == example.framing
    assert fitting[0].message.encode() == example.message.encode()
    covered = b"".join(field.raw for field in fitting[0].fields)
    if example.framing in ("mbap", "rtu"):
        assert covered == example.wire
    assert all(field.clause for field in fitting[0].fields)


@given(st.binary(max_size=300), st.sampled_from([None, *FRAMINGS]))
def test_any_bytes_can_be_read_and_every_byte_is_accounted_for(data, framing):
    for reading in read(data, framing):
        taken = [part if isinstance(part, Noise) else part[0].adu for part in reading.parts]
        assert b"".join(part.raw for part in taken) == data
        for part in reading.parts:
            if isinstance(part, tuple) and part[0].adu.framing in ("mbap", "rtu"):
                for told in part:
                    assert b"".join(field.raw for field in told.fields) == told.adu.raw


@given(st.integers(0, len(EXAMPLES) - 1), st.data())
def test_a_damaged_frame_is_never_told_as_right_bytes_behind_a_checksum(index, data):
    example = EXAMPLES[index]
    if example.framing != "rtu":
        return
    place = data.draw(st.integers(0, len(example.wire) - 1))
    broken = bytearray(example.wire)
    broken[place] ^= data.draw(st.integers(1, 255))
    for reading in read(bytes(broken), "rtu"):
        for part in reading.parts:
            if isinstance(part, tuple):
                assert part[0].problems or part[0].adu.raw != bytes(broken)
