"""Framers of streams: RTU, ASCII and binary frames, cut however they arrive, found again after noise."""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.protocol.ascii import AsciiFramer
from simulator.protocol.binary import BinaryFramer
from simulator.protocol.checksums import crc16, with_crc
from simulator.protocol.frames import Frame
from simulator.protocol.messages import request_length, response_length
from simulator.protocol.rtu import RtuFramer
from simulator.protocol.stream import NOISE_LIMIT, StreamFramer


class Vector(NamedTuple):
    make: Callable[[], StreamFramer]
    wire: bytes
    frames: list[Frame]


def frame(unit: int, pdu: str) -> Frame:
    return Frame(0, unit, bytes.fromhex(pdu))


RtuResponses = functools.partial(RtuFramer, response_length)
RtuResponses.__name__ = "RtuResponses"  # type: ignore[attr-defined]

VECTORS = {
    #                                     unit id
    #                                     |  PDU            CRC, low byte first
    "RTU request": Vector(RtuFramer, bytes.fromhex("11 03 006B 0003 7687"), [frame(0x11, "03 006B 0003")]),
    "RTU response": Vector(
        RtuResponses, bytes.fromhex("11 03 06 022B 0000 0064 C8BA"), [frame(0x11, "03 06 022B 0000 0064")]
    ),
    "RTU refusal": Vector(RtuResponses, bytes.fromhex("0A 81 02 B053"), [frame(0x0A, "81 02")]),
    "RTU, the shortest": Vector(RtuFramer, bytes.fromhex("02 07 4112"), [frame(2, "07")]),  # V1.02 §6.2.2
    "RTU, the longest": Vector(
        RtuFramer,
        with_crc(bytes.fromhex("01 10 0000 007B F6" + "1234" * 123)),
        [frame(1, "10 0000 007B F6" + "1234" * 123)],
    ),
    "RTU, three in one chunk": Vector(
        RtuFramer,
        with_crc(bytes.fromhex("01 03 0000 000A"))
        + with_crc(bytes.fromhex("02 0F 0013 000A 02 CD01"))
        + with_crc(bytes.fromhex("00 06 0001 0003")),
        [frame(1, "03 0000 000A"), frame(2, "0F 0013 000A 02 CD01"), frame(0, "06 0001 0003")],
    ),
    "RTU, a function code that nobody knows": Vector(
        RtuFramer, with_crc(bytes.fromhex("01 41 01 02 03 04 05")), [frame(1, "41 01 02 03 04 05")]
    ),
    "RTU, diagnostics with as many words as they like": Vector(
        RtuFramer, with_crc(bytes.fromhex("01 08 0000 0102 0304 0506")), [frame(1, "08 0000 0102 0304 0506")]
    ),
    "RTU, statistics": Vector(
        RtuResponses,
        with_crc(bytes.fromhex("01 08 0015 0003" + "0001" * 54)),
        [frame(1, "08 0015 0003" + "0001" * 54)],
    ),
    "RTU, identification": Vector(
        RtuResponses,
        with_crc(bytes.fromhex("01 2B 0E 01 81 00 00 02 00 02 4142 01 00")),
        [frame(1, "2B 0E 01 81 00 00 02 00 02 4142 01 00")],
    ),
    #                                unit id
    #                                | PDU       LRC
    "ASCII": Vector(AsciiFramer, b":1103006B00037E\r\n", [frame(0x11, "03 006B 0003")]),
    "ASCII, lower case": Vector(AsciiFramer, b":1103006b00037e\r\n", [frame(0x11, "03 006B 0003")]),
    "ASCII without CR": Vector(AsciiFramer, b":1103006B00037E\n", [frame(0x11, "03 006B 0003")]),
    "ASCII with another delimiter": Vector(
        functools.partial(AsciiFramer, ord(";")), b":1103006B00037E\r;", [frame(0x11, "03 006B 0003")]
    ),
    "ASCII, CR as delimiter": Vector(
        functools.partial(AsciiFramer, 13),
        b":1103006B00037E\r\r:0207F7\r\r",
        [frame(0x11, "03 006B 0003"), frame(2, "07")],
    ),
    "ASCII, the longest": Vector(
        AsciiFramer,
        b":0110" + b"00" * 252 + b"EF\r\n",
        [Frame(0, 1, b"\x10" + bytes(252))],
    ),
    "ASCII, two": Vector(
        AsciiFramer, b":0207F7\r\n:1103006B00037E\r\n", [frame(2, "07"), frame(0x11, "03 006B 0003")]
    ),
    #                                  unit id
    #                                  |  PDU          CRC
    "binary": Vector(
        BinaryFramer, b"{" + bytes.fromhex("11 03 006B 0003 7687") + b"}", [frame(0x11, "03 006B 0003")]
    ),
    "binary, braces in the data": Vector(
        BinaryFramer, b"{" + bytes.fromhex("01 06 7B7B7D7D 007D7D C117") + b"}", [frame(1, "06 7B7D 007D")]
    ),
    "binary, braces everywhere": Vector(
        BinaryFramer,
        b"{" + with_crc(bytes.fromhex("7B 06 7B7D 7D7B")).replace(b"{", b"{{").replace(b"}", b"}}") + b"}",
        [frame(0x7B, "06 7B7D 7D7B")],
    ),
    "binary as PyModbus sends it": Vector(
        BinaryFramer,
        b"{" + bytes.fromhex("01 06 7B7B 7D7D 0001 4032") + b"}",
        [frame(1, "06 7B 7D 0001")],
    ),
    "binary, a brace in the CRC of PyModbus": Vector(
        BinaryFramer, b"{" + bytes.fromhex("01 06 0001 7006 7DC8") + b"}", [frame(1, "06 0001 7006")]
    ),
    "binary, two": Vector(
        BinaryFramer,
        b"{" + with_crc(b"\x02\x07") + b"}{" + with_crc(b"\x03\x07") + b"}",
        [frame(2, "07"), frame(3, "07")],
    ),
}
COIL = frame(5, "05 00AC FF00")  # a request and a response
ONE_WAY = {  # understood, but built in another form
    "ASCII, lower case",
    "ASCII without CR",
    "binary as PyModbus sends it",
    "binary, a brace in the CRC of PyModbus",
}
cases = pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS.keys())


def ends(framer: StreamFramer, frames: list[Frame]) -> list[int]:
    """After how many bytes each frame is complete."""
    sizes = [len(framer.build(*each)) for each in frames]
    return [sum(sizes[: count + 1]) for count in range(len(sizes))]


@cases
def test_whole(vector: Vector) -> None:
    framer = vector.make()
    assert framer.receive(vector.wire) == vector.frames
    assert (framer.lost, framer.dropped, framer.errors, framer.pending) == ("", 0, 0, False)


@cases
def test_byte_by_byte(vector: Vector) -> None:
    """A frame is handed over with its last byte, not before and not later."""
    framer = vector.make()
    got = []
    for count in range(len(vector.wire)):
        got += [(count + 1, each) for each in framer.receive(vector.wire[count : count + 1])]
    assert [each for _, each in got] == vector.frames
    assert got[-1][0] >= len(vector.wire) - 1  # the second CR of the one delimiter says nothing new
    assert (framer.lost, framer.dropped, framer.errors, framer.pending) == ("", 0, 0, False)


@cases
@pytest.mark.parametrize("kept", [0, 1, 3, 5, 7])
def test_with_a_tail(vector: Vector, kept: int) -> None:
    """The beginning of the next frame neither holds this one up nor gets lost."""
    framer = vector.make()
    following = framer.build(*COIL)
    assert framer.receive(vector.wire + following[:kept]) == vector.frames
    assert framer.receive(following[kept:]) == [COIL]
    assert (framer.lost, framer.dropped, framer.errors) == ("", 0, 0)


@pytest.mark.parametrize("name", sorted(set(VECTORS) - ONE_WAY))
def test_built(name: str) -> None:
    vector = VECTORS[name]
    framer = vector.make()
    assert b"".join(framer.build(*each) for each in vector.frames) == vector.wire


READ = frame(1, "03 0000 000A")
WRITE = frame(2, "10 0001 0002 04 000A 0102")
FRAMERS = [RtuFramer, AsciiFramer, BinaryFramer]
every_framer = pytest.mark.parametrize("make", FRAMERS)


@every_framer
def test_what_is_built_names_no_transaction(make: Callable[[], StreamFramer]) -> None:
    framer = make()
    assert framer.build(0x1234, 1, b"\x07") == framer.build(0, 1, b"\x07")


@every_framer
@pytest.mark.parametrize(
    "noise", [b"\x00", b"\xff\xff", b"noise", b"\x01\x03\x00\x00\x00\x0b\x00\x00", b"\x81\x03"]
)
def test_a_frame_behind_noise_is_found_and_the_noise_is_counted(
    make: Callable[[], StreamFramer], noise: bytes
) -> None:
    framer = make()
    wire = framer.build(*READ)
    frames = framer.receive(noise + wire) + framer.receive(wire)
    assert frames == [READ, READ]
    assert framer.dropped == len(noise)
    assert framer.lost == ""


@every_framer
def test_a_frame_with_a_wrong_checksum_is_dropped_and_counted(make: Callable[[], StreamFramer]) -> None:
    framer = make()
    good, bad = framer.build(*READ), bytearray(framer.build(*WRITE))
    bad[3] ^= 1
    assert framer.receive(good + bytes(bad) + good) == [READ, READ]
    assert framer.errors == 1
    assert len(bad) - 2 <= framer.dropped <= len(bad)  # line ends are not counted


@every_framer
def test_a_broken_off_frame_is_given_up_when_the_stream_pauses(make: Callable[[], StreamFramer]) -> None:
    framer = make()
    assert framer.receive(framer.build(*WRITE)[:-4]) == []
    assert framer.pending
    assert framer.idle() == []
    assert not framer.pending
    assert (framer.errors, framer.dropped) == (1, len(framer.build(*WRITE)) - 4)
    assert framer.receive(framer.build(*READ)) == [READ]


@every_framer
def test_a_pause_between_frames_costs_nothing(make: Callable[[], StreamFramer]) -> None:
    framer = make()
    framer.receive(framer.build(*READ))
    assert framer.idle() == []
    assert (framer.errors, framer.dropped) == (0, 0)


@every_framer
@pytest.mark.parametrize(
    "pattern", [b"\x00", b"\xff", b":", b"{", b"}", b"{}", b"\x01\x03", b"\x01\x41", b"A", b"\x01\x10\xff"]
)
def test_a_flood_of_noise_loses_the_stream_and_keeps_nothing(
    make: Callable[[], StreamFramer], pattern: bytes
) -> None:
    framer = make()
    flood = pattern * (2 * NOISE_LIMIT // len(pattern))
    for start in range(0, len(flood), 100):
        assert framer.receive(flood[start : start + 100]) == []
        assert len(framer._tail) <= 520
        if framer.lost:
            break
    assert framer.lost.endswith(f"bytes hold no frame, expected one within {NOISE_LIMIT}")
    patient = make.__call__(noise_limit=None)  # type: ignore[call-arg]
    assert patient.receive(flood) == []
    patient.idle()
    assert patient.receive(patient.build(*READ)) == [READ]
    assert patient.lost == ""
    assert patient.dropped == len(flood)


adus = st.builds(
    lambda unit, pdu: Frame(0, unit, pdu),
    st.integers(0, 255),
    st.one_of(
        st.builds(
            lambda code, rest: bytes((code,)) + rest,
            st.sampled_from([1, 2, 3, 4, 5, 6]),
            st.binary(min_size=4, max_size=4),
        ),
        st.binary(min_size=1, max_size=246).map(
            lambda data: b"\x10\x7b\x7d\x00\x01" + bytes((len(data),)) + data
        ),
        st.sampled_from([b"\x07", b"\x0b", b"\x0c", b"\x11", b"\x2b\x0e\x01\x00"]),
    ),
)


def chopped(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[start:stop] for start, stop in pairwise(places)]


@every_framer
@settings(deadline=None)
@given(frames=st.lists(adus, max_size=8), cuts=st.lists(st.integers(0, 5000), max_size=20))
def test_any_chopping_of_a_stream_gives_the_same_frames(
    make: Callable[[], StreamFramer], frames: list[Frame], cuts: list[int]
) -> None:
    framer = make()
    stream = b"".join(framer.build(*each) for each in frames)
    got = [each for chunk in chopped(stream, cuts) for each in framer.receive(chunk)]
    assert got == frames
    assert (framer.lost, framer.errors, framer.dropped, framer.pending) == ("", 0, 0, False)


fragments = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b":", b"{", b"}", b"\r\n", b"\x01\x03", b"\x01\x10\x00\x00\x00\x7b\xf6", b"\x01\x41", b"0123"]
    ),
)


@every_framer
@settings(deadline=None, max_examples=200)
@given(
    parts=st.lists(fragments | adus, max_size=12),
    cuts=st.lists(st.integers(0, 5000), max_size=20),
)
def test_any_chopping_of_frames_and_noise_gives_the_same_and_the_stream_recovers(
    make: Callable[[], StreamFramer], parts: list[bytes | Frame], cuts: list[int]
) -> None:
    whole, piecemeal = make(), make()
    stream = b"".join(whole.build(*part) if isinstance(part, Frame) else part for part in parts)
    expected = whole.receive(stream)
    assert [each for chunk in chopped(stream, cuts) for each in piecemeal.receive(chunk)] == expected
    assert (piecemeal.dropped, piecemeal.lost) == (whole.dropped, whole.lost)
    behind = whole.idle()
    assert piecemeal.idle() == behind
    assert not whole.pending
    assert whole.receive(whole.build(*READ)) == [READ]
    if make is RtuFramer:  # every byte belongs to a frame or was counted
        carried = sum(len(each.pdu) + 3 for each in expected + behind)
        assert carried + whole.dropped == len(stream)


@pytest.mark.parametrize("length", [request_length, response_length])
@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=8))
def test_rtu_hands_over_nothing_with_a_wrong_crc(length, chunks: list[bytes]) -> None:
    framer = RtuFramer(length)
    for chunk in chunks:
        for _, unit, pdu in framer.receive(chunk):
            assert with_crc(bytes((unit,)) + pdu) in b"".join(chunks)


def test_rtu_a_pause_shows_the_frames_behind_a_beginning() -> None:
    """A beginning announces 246 bytes that never come; the requests behind it are not lost with it."""
    framer = RtuFramer()
    assert framer.receive(bytes.fromhex("01 10 0000 007B F6") + framer.build(*READ) * 2) == []
    assert framer.idle() == [READ, READ]
    assert (framer.errors, framer.dropped) == (1, 7)


def test_a_framer_is_clean_when_the_last_byte_ended_a_frame() -> None:
    frame = with_crc(bytes.fromhex("01 03 0000 0001"))
    framer = RtuFramer()
    assert framer.clean
    steps: list[tuple[bytes | None, bool]] = [
        (frame[:3], False), (frame[3:], True), (frame + frame[:1], False), (None, False),  # noise behind a frame
        (frame, True), (b"\xff" * NOISE_LIMIT * 2, False), (frame, False),
    ]  # fmt: skip
    for data, clean in steps:
        if data is None:
            framer.idle()
        else:
            framer.receive(data)
        assert framer.clean is clean


def test_rtu_noise_that_looks_like_an_unknown_function_holds_nothing_up() -> None:
    framer = RtuFramer()
    assert framer.receive(b"\x41\x42\x43" + framer.build(*READ)) == [READ]
    assert framer.dropped == 3


def test_rtu_the_length_of_requests_is_not_that_of_responses() -> None:
    response = with_crc(bytes.fromhex("01 03 04 0001 0002"))
    assert RtuFramer().receive(response) == []
    assert RtuFramer(response_length).receive(response) == [frame(1, "03 04 0001 0002")]


def test_ascii_a_colon_begins_again() -> None:
    framer = AsciiFramer()
    assert framer.receive(b":1103006B\r:11030:0207F7\r\n") == [frame(2, "07")]
    assert framer.errors == 2
    assert framer.dropped == len(":1103006B:11030")


@pytest.mark.parametrize(
    "wire",
    [b":\r\n", b":02\r\n", b":0207\r\n", b":0207F\r\n", b":0207F8\r\n", b":02 07F7\r\n", b":02G7F7\r\n"],
)
def test_ascii_that_is_not_a_frame(wire: bytes) -> None:
    framer = AsciiFramer()
    assert framer.receive(wire) == []
    assert framer.errors == 1
    assert framer.dropped == len(wire) - 2
    assert not framer.pending


def test_ascii_the_delimiter_can_be_changed_while_it_runs() -> None:
    framer = AsciiFramer()
    assert framer.receive(framer.build(*READ)) == [READ]
    framer.delimiter = 0x3B
    assert framer.delimiter == 0x3B
    assert framer.build(*READ) == b":01030000000AF2\r;"
    assert framer.receive(b":0207F7\r\n") == []
    assert framer.receive(framer.build(*READ)) == [READ]


@pytest.mark.parametrize("delimiter", [*b":09afAF", -1, 256])
def test_ascii_a_delimiter_that_frames_are_made_of_is_refused(delimiter: int) -> None:
    with pytest.raises(ValueError, match=r"^delimiter is 0x|^delimiter is -0x1"):
        AsciiFramer(delimiter)


def test_binary_a_new_beginning_is_found_behind_a_broken_off_one() -> None:
    framer = BinaryFramer()
    assert framer.receive(b"{\x01\x10\x00" + framer.build(*READ)) == [READ]
    assert (framer.errors, framer.dropped) == (1, 4)


@pytest.mark.parametrize("chunk", [1, 100])
def test_binary_a_crc_that_ends_with_a_brace(chunk: int) -> None:
    """The frame is complete at the first of the two, and the second belongs to it as well."""
    framer = BinaryFramer()
    wire = framer.build(0, 1, bytes.fromhex("06 0001 00B4"))
    assert wire.endswith(b"\xd8}}}")
    got = []
    for start in range(0, 2 * len(wire), chunk):
        got += framer.receive((wire * 2)[start : start + chunk])
    assert got == [frame(1, "06 0001 00B4")] * 2
    assert (framer.errors, framer.dropped) == (0, 0)


def test_binary_the_vector_with_a_brace_in_its_crc_has_one() -> None:
    wire = VECTORS["binary, a brace in the CRC of PyModbus"].wire
    assert crc16(wire[1:-1]) == 0


def test_ascii_a_frame_that_does_not_end_is_not_kept() -> None:
    framer = AsciiFramer()
    assert framer.receive(b":" + b"0" * 512) == []
    assert framer.pending
    assert framer.receive(b"0") == []
    assert not framer.pending
    assert (framer.errors, framer.dropped) == (1, 514)
    assert framer.receive(framer.build(*READ)) == [READ]


@every_framer
def test_a_stream_that_is_lost_hands_nothing_over(make: Callable[[], StreamFramer]) -> None:
    framer = make()
    wire = framer.build(*READ)
    noise = b"\x80" * NOISE_LIMIT
    assert framer.receive(wire + noise + wire)[:1] == [READ]
    assert framer.lost
    assert framer.receive(wire) == framer.idle() == []
