"""The frame of Modbus TCP: cut from a stream in any way it may arrive, refused where the guide says so."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.protocol.frames import Frame
from simulator.protocol.mbap import MbapFramer

VECTORS = [
    pytest.param(
        #  transaction
        #  |    protocol id
        #  |    |    length
        #  |    |    |    unit id
        #  |    |    |    |  PDU
        "1501 0000 0006 FF 03 0004 0001",  # TCP V1.0b §3.1.3: read holding register 4
        [Frame(0x1501, 0xFF, bytes.fromhex("03 0004 0001"))],
        id="the example of the guide",
    ),
    pytest.param("0000 0000 0002 00 11", [Frame(0, 0, b"\x11")], id="the shortest"),
    pytest.param(
        "FFFF 0000 00FE 01 10" + "AB" * 252, [Frame(0xFFFF, 1, b"\x10" + b"\xab" * 252)], id="the longest"
    ),
    pytest.param(
        "0001 0000 0006 01 06 0001 0003  0002 0000 0006 02 05 00AC FF00  0001 0000 0005 01 2B 0E 01 00",
        [
            Frame(1, 1, bytes.fromhex("06 0001 0003")),
            Frame(2, 2, bytes.fromhex("05 00AC FF00")),
            Frame(1, 1, bytes.fromhex("2B 0E 01 00")),
        ],
        id="three in one chunk, a transaction id used twice",
    ),
    pytest.param(
        "0000 0000 0008 00 00 0000 0000 0000", [Frame(0, 0, bytes(7))], id="nothing but zeros in the PDU"
    ),
]
TAILS = [
    "",
    "00",
    "0001 00",
    "0001 0000 00",
    "0001 0000 0006",
    "0001 0000 0006 01",
    "0001 0000 0006 01 03 0000 00",
]


@pytest.mark.parametrize(("wire", "frames"), VECTORS)
def test_whole(wire: str, frames: list[Frame]) -> None:
    framer = MbapFramer()
    assert framer.receive(bytes.fromhex(wire)) == frames
    assert framer.lost == ""


@pytest.mark.parametrize(("wire", "frames"), VECTORS)
def test_byte_by_byte(wire: str, frames: list[Frame]) -> None:
    """A frame is handed over with its last byte, not before and not later."""
    framer = MbapFramer()
    got: list[tuple[int, Frame]] = []
    for count, byte in enumerate(bytes.fromhex(wire), 1):
        got += [(count, frame) for frame in framer.receive(bytes((byte,)))]
    ends = []
    for frame in frames:
        ends.append((ends[-1] if ends else 0) + 7 + len(frame.pdu))
    assert got == list(zip(ends, frames, strict=True))


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize(("wire", "frames"), VECTORS)
def test_with_a_tail(wire: str, frames: list[Frame], tail: str) -> None:
    """The beginning of the next request neither holds this one up nor gets lost."""
    framer = MbapFramer()
    follower = bytes.fromhex("0001 0000 0006 01 03 0000 0001")
    beginning = bytes.fromhex(tail)
    assert follower.startswith(beginning)
    assert framer.receive(bytes.fromhex(wire) + beginning) == frames
    assert framer.receive(follower[len(beginning) :]) == [Frame(1, 1, bytes.fromhex("03 0000 0001"))]


@pytest.mark.parametrize(("wire", "frames"), VECTORS)
def test_built(wire: str, frames: list[Frame]) -> None:
    framer = MbapFramer()
    assert b"".join(framer.build(*frame) for frame in frames) == bytes.fromhex(wire)


GOOD = "0007 0000 0006 01 03 0000 0001"
BAD = [
    #  protocol id
    #  |    length
    ("0001 0001 0006 01 03 0000 0001", "protocol id is 1, expected 0"),
    ("0001 0100 0006 01 03 0000 0001", "protocol id is 256, expected 0"),
    ("0001 FFFF 0000 01 03 0000 0001", "protocol id is 65535, expected 0"),
    ("0001 0000 0000 01 03 0000 0001", "length is 0, expected 2 to 254"),
    ("0001 0000 0001 01 03 0000 0001", "length is 1, expected 2 to 254"),
    ("0001 0000 00FF 01 03 0000 0001", "length is 255, expected 2 to 254"),
    ("0001 0000 FFFF 01 03 0000 0001", "length is 65535, expected 2 to 254"),
    ("4745 5420 2F20 48 54 5450 2F31", "protocol id is 21536, expected 0"),  # "GET / HTTP/1"
]


@pytest.mark.parametrize(("wire", "reason"), BAD)
def test_a_wrong_header_loses_the_stream_after_the_requests_before_it(wire: str, reason: str) -> None:
    framer = MbapFramer()
    assert framer.receive(bytes.fromhex(GOOD + wire + GOOD)) == [Frame(7, 1, bytes.fromhex("03 0000 0001"))]
    assert framer.lost == reason


@pytest.mark.parametrize(("wire", "reason"), BAD)
def test_a_wrong_header_is_seen_as_soon_as_it_is_complete(wire: str, reason: str) -> None:
    framer = MbapFramer()
    for byte in bytes.fromhex(wire)[:7]:
        assert framer.lost == ""
        assert framer.receive(bytes((byte,))) == []
    assert framer.lost == reason


adus = st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFF), st.binary(min_size=1, max_size=253))


@settings(deadline=None)
@given(requests=st.lists(adus, max_size=8), data=st.data())
def test_any_chopping_of_a_stream_gives_the_same_frames(
    requests: list[tuple[int, int, bytes]], data: st.DataObject
) -> None:
    framer = MbapFramer()
    stream = b"".join(framer.build(*request) for request in requests)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    frames = []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        frames += framer.receive(stream[start:stop])
    assert frames == requests
    assert framer.lost == ""


@settings(deadline=None)
@given(chunks=st.lists(st.binary(max_size=400), max_size=8))
def test_whatever_arrives_is_cut_or_lost_and_never_raises(chunks: list[bytes]) -> None:
    framer = MbapFramer()
    stream = b""
    frames = []
    for chunk in chunks:
        stream += chunk
        frames += framer.receive(chunk)
        if framer.lost:
            break
    assert stream.startswith(b"".join(framer.build(*frame) for frame in frames))
    assert all(1 <= len(frame.pdu) <= 253 for frame in frames)
