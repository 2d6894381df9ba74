"""Frames on a serial line: silence ends them, the CRC decides, and others may be talking."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.protocol.ascii import AsciiFramer
from simulator.protocol.binary import BinaryFramer
from simulator.protocol.checksums import with_crc
from simulator.protocol.frames import Frame
from simulator.protocol.line import RtuLine, StreamLine, Traffic
from simulator.protocol.rtu import RtuFramer


def frame(unit: int, pdu: str) -> Frame:
    return Frame(0, unit, bytes.fromhex(pdu))


def wire(each: Frame) -> bytes:
    return with_crc(bytes((each.unit,)) + each.pdu)


READ = frame(1, "03 0000 000A")
WRITE = frame(1, "10 0001 0002 04 000A 0102")


class Clocked:
    """A line and the time; bytes take as long as they do on the wire."""

    def __init__(self, line: RtuLine | StreamLine, character_s: float = 0.0) -> None:
        self.line = line
        self.now = 100.0
        self.character_s = character_s
        self.frames: list[Frame] = []

    def send(self, data: bytes) -> None:
        self.now += len(data) * self.character_s
        self.frames += self.line.receive(data, self.now)

    def wait(self, seconds: float) -> list[Frame]:
        """Let time pass; ask the line when it wanted to be asked; return all frames since the last wait."""
        until = self.now + seconds
        if self.line.deadline is not None and self.line.deadline <= until:
            self.frames += self.line.silence(self.line.deadline)
        self.now = until
        frames, self.frames = self.frames, []
        return frames


@pytest.fixture
def line() -> RtuLine:
    return RtuLine(9600)


@pytest.fixture
def bus(line: RtuLine) -> Clocked:
    return Clocked(line, line.character_s)


@pytest.mark.parametrize(
    ("baudrate", "bits", "frame_gap_s", "character_gap_s"),
    [
        (1200, 11, 0.032083, 0.013750),
        (9600, 11, 0.004010, 0.001719),
        (9600, 10, 0.003646, 0.001563),
        (19200, 11, 0.002005, 0.000859),
        (38400, 11, 0.001750, 0.000750),  # V1.02 §2.5.1.1: fixed above 19200
        (115200, 10, 0.001750, 0.000750),
    ],
)
def test_gaps(baudrate: int, bits: int, frame_gap_s: float, character_gap_s: float) -> None:
    line = RtuLine(baudrate, bits)
    assert line.frame_gap_s == pytest.approx(frame_gap_s, abs=1e-6)
    assert line.character_gap_s == pytest.approx(character_gap_s, abs=1e-6)


def test_a_line_without_a_speed_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^baudrate is 0, expected more than 0$"):
        RtuLine(0)


@pytest.mark.parametrize("sent", [READ, WRITE, frame(0, "06 0001 0003"), frame(247, "07")])
def test_silence_hands_a_frame_over_and_nothing_else_does(line: RtuLine, bus: Clocked, sent: Frame) -> None:
    bus.send(wire(sent))
    assert bus.wait(3.4 * line.character_s) == []
    assert bus.wait(0.2 * line.character_s) == [sent]
    assert line.deadline is None
    assert bus.wait(1) == []
    assert (line.frames, line.errors, line.dropped, line.overruns) == (1, 0, 0, 0)


def test_byte_by_byte(line: RtuLine, bus: Clocked) -> None:
    for byte in wire(WRITE):
        assert bus.frames == []
        bus.send(bytes((byte,)))
    assert bus.wait(1) == [WRITE]


def test_the_next_frame_ends_the_one_before_it_when_nobody_asked_in_time(line: RtuLine, bus: Clocked) -> None:
    bus.send(wire(READ))
    bus.now += 4 * line.character_s
    bus.send(wire(WRITE)[:5])
    assert bus.frames == [READ]
    bus.send(wire(WRITE)[5:])
    assert bus.wait(1) == [READ, WRITE]


def test_a_tail_that_comes_late_with_the_next_frame_does_not_spoil_the_first(line: RtuLine) -> None:
    """The reactor was busy and no silence shows, but the deadline passed and the CRC is right."""
    assert line.receive(wire(READ), 100.0) == []
    assert line.receive(wire(WRITE), 100.0 + 1.01 * line.frame_gap_s) == [READ]
    assert line.silence(101.0) == [WRITE]


@pytest.mark.parametrize(
    "pdu",
    [
        "10 0001 0002 FF 000A 0102",  # byte count too high
        "10 0001 0002 00 000A 0102",  # too low
        "03 0000 00",  # too short for its function
        "03 0000 000A 00 00",  # too long
        "41 0102",  # of no known length
        "83 02",
    ],
)
def test_a_frame_whose_bytes_lie_about_its_length_is_handed_over(bus: Clocked, pdu: str) -> None:
    """The CRC over the whole of it is right, so that the device can answer exception 3."""
    bus.send(wire(frame(1, pdu)))
    assert bus.wait(1) == [frame(1, pdu)]


def test_a_frame_with_a_wrong_crc_is_dropped_and_counted(line: RtuLine, bus: Clocked) -> None:
    bus.send(wire(READ)[:-1] + b"\x00")
    assert bus.wait(1) == []
    assert (line.frames, line.errors, line.dropped) == (0, 1, 8)
    bus.send(wire(READ))
    assert bus.wait(1) == [READ]


@pytest.mark.parametrize("noise", [b"\x00", b"\xff\xff\xff", bytes(255)])
def test_noise_is_over_with_the_silence(line: RtuLine, bus: Clocked, noise: bytes) -> None:
    bus.send(noise)
    assert bus.wait(1) == []
    bus.send(wire(READ))
    assert bus.wait(1) == [READ]
    assert (line.errors, line.dropped, line.overruns) == (1, len(noise), 0)


@pytest.mark.parametrize("size", [257, 3000, 100_000])
def test_what_is_too_long_for_a_frame_is_an_overrun_and_is_not_kept(
    line: RtuLine, bus: Clocked, size: int
) -> None:
    for _ in range(size // 50):
        bus.send(bytes(50))
        assert len(line._buffer) <= 2048
    bus.send(bytes(size % 50))
    assert bus.wait(1) == []
    assert (line.frames, line.errors, line.dropped, line.overruns) == (0, 0, size, 1)
    bus.send(wire(READ))
    assert bus.wait(1) == [READ]


def test_frames_that_come_in_one_piece_are_told_apart(line: RtuLine, bus: Clocked) -> None:
    """A request to another device, its answer and a request, delivered late and without their silences."""
    others = [frame(9, "03 0000 0002"), frame(9, "03 04 0001 0002")]
    bus.send(b"".join(map(wire, [*others, READ])))
    assert bus.wait(1) == [*others, READ]
    assert line.frames == 3


def test_a_frame_with_noise_stuck_to_it_is_not_guessed(line: RtuLine, bus: Clocked) -> None:
    bus.send(b"\x00" + wire(READ))
    assert bus.wait(1) == []
    assert (line.errors, line.dropped) == (1, 9)


@pytest.mark.parametrize(("strict", "expected"), [(False, [WRITE]), (True, [])])
def test_a_pause_inside_a_frame_makes_it_bad_where_that_is_wanted(
    strict: bool, expected: list[Frame]
) -> None:
    line = RtuLine(9600, strict_gap=strict)
    bus = Clocked(line, line.character_s)
    bus.send(wire(WRITE)[:6])
    bus.now += 2 * line.character_s
    bus.send(wire(WRITE)[6:])
    assert bus.wait(1) == expected
    assert line.errors == (not expected)
    bus.send(wire(READ)[:4])
    bus.now += 1.4 * line.character_s
    bus.send(wire(READ)[4:])
    assert bus.wait(1) == [READ]


def test_nothing_is_no_news(line: RtuLine) -> None:
    assert line.receive(b"", 1.0) == []
    assert line.deadline is None
    assert line.silence(2.0) == []


ASKED = frame(9, "03 0000 0002")
ANSWER = frame(9, "03 04 0001 0002")


def heard(
    frames: list[Frame], *, pause_s: float = 0.02, own: tuple[int, ...] = (1,)
) -> tuple[list[Frame], int]:
    """What a device with the units ``own`` hears, and how many answers it left out."""
    line = RtuLine(19200, traffic=Traffic(own))
    bus = Clocked(line, line.character_s)
    got = []
    for each in frames:
        bus.send(wire(each))
        got += bus.wait(pause_s)
    return got, line.answers


@pytest.mark.parametrize(
    "answer",
    [ANSWER, frame(9, "83 02")],
    ids=["answered", "refused"],
)
def test_answers_of_others_are_left_out(answer: Frame) -> None:
    assert heard([READ, ASKED, answer, READ]) == ([READ, ASKED, READ], 1)


@pytest.mark.parametrize(
    "frames",
    [
        [ASKED, READ, ANSWER],  # no longer the last one asked
        [ASKED, ASKED],  # asked again: not of the length of an answer
        [ASKED, frame(8, "03 04 0001 0002")],  # another unit
        [ASKED, frame(9, "04 04 0001 0002")],  # another function
        [frame(0, "06 0001 0003"), frame(0, "06 0001 0003")],  # nobody answers a broadcast
        [READ, READ],
    ],
)
def test_everything_else_is_handed_over(frames: list[Frame]) -> None:
    assert heard(frames) == (frames, 0)


def test_an_answer_that_comes_too_late_is_a_request() -> None:
    assert heard([ASKED, ANSWER], pause_s=1.5) == ([ASKED, ANSWER], 0)


def test_a_unit_of_our_own_is_not_answered_by_others() -> None:
    write = frame(1, "06 0001 0003")
    assert heard([write, write]) == ([write, write], 0)
    assert heard([write, write], own=(2,)) == ([write], 1)


def test_a_line_builds_what_it_reads(line: RtuLine) -> None:
    assert line.build(7, *READ[1:]) == wire(READ)


@settings(deadline=None)
@given(
    frames=st.lists(
        st.builds(Frame, st.just(0), st.integers(0, 255), st.binary(min_size=1, max_size=253)), max_size=5
    ),
    cuts=st.lists(st.integers(0, 1300), max_size=10),
    baudrate=st.sampled_from([1200, 9600, 19200, 115200]),
)
def test_any_chopping_without_silence_gives_the_same_frames(
    frames: list[Frame], cuts: list[int], baudrate: int
) -> None:
    line = RtuLine(baudrate)
    bus = Clocked(line, line.character_s)
    for each in frames:
        data = wire(each)
        places = [0, *sorted(cut % len(data) for cut in cuts), len(data)]
        for start, stop in pairwise(places):
            bus.send(data[start:stop])
        assert bus.wait(line.frame_gap_s * 1.01) == [each]
    assert (line.frames, line.errors, line.dropped) == (len(frames), 0, 0)


@settings(deadline=None)
@given(
    chunks=st.lists(st.tuples(st.binary(max_size=400), st.floats(0, 0.01)), max_size=10), strict=st.booleans()
)
def test_after_any_garbage_and_a_silence_the_next_frame_is_found(
    chunks: list[tuple[bytes, float]], strict: bool
) -> None:
    line = RtuLine(19200, strict_gap=strict, traffic=Traffic((1,)))
    bus = Clocked(line)
    for data, pause in chunks:
        bus.send(data)
        bus.wait(pause)
    bus.wait(1.1)
    bus.send(wire(READ))
    assert bus.wait(1) == [READ]


@pytest.mark.parametrize("make", [AsciiFramer, BinaryFramer, RtuFramer])
def test_other_framings_hand_over_at_once_and_drop_what_waits_too_long(make: type) -> None:
    line = StreamLine(make())
    bus = Clocked(line)
    data = line.build(0, *READ[1:])
    bus.send(data[:5])
    assert bus.wait(0.9 * line.framer.idle_s) == []
    bus.send(data[5:])
    assert bus.frames == [READ]
    assert line.deadline is None
    bus.wait(1)
    bus.send(data[:5])
    assert bus.wait(1.01 * line.framer.idle_s) == []
    assert (line.dropped, line.errors) == (5, 1)
    bus.send(data)
    assert bus.frames == [READ]


def test_a_pause_nobody_was_asked_about_counts_too() -> None:
    line = StreamLine(AsciiFramer())
    assert line.receive(b":0103", 1.0) == []
    assert line.receive(b"0000000AF2\r\n", 2.5) == []
    assert line.errors == 1
