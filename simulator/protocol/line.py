"""Frames on a serial line, where silence tells them apart (Modbus over Serial Line V1.02 §2.5.1.1).

A line framer is told the time with the bytes, says in ``deadline`` when it wants to be asked again, and hands
over the frame in ``silence``.  It has no clock: the caller's may be any that counts seconds.

On RTU a frame is what stands between two silences of 3.5 characters, and the CRC over all of it decides; what
its byte count says does not matter here.  Bytes that an operating system delivers late in one piece may hold
several frames: where they consist of nothing but whole frames, those are handed over.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Protocol

from simulator.protocol.checksums import crc16, with_crc
from simulator.protocol.frames import Frame
from simulator.protocol.messages import request_length, response_length
from simulator.protocol.rtu import MAX_ADU, MIN_ADU
from simulator.protocol.stream import StreamFramer

FAST_BAUDRATE = 19200  # above it the two times are fixed, V1.02 §2.5.1.1
FRAME_GAP_S, CHARACTER_GAP_S = 0.001750, 0.000750  # above 19200 baud
FRAME_GAP, CHARACTER_GAP = 3.5, 1.5  # characters, up to 19200 baud
CHARACTER_BITS = 11  # start, 8 data, parity or a second stop bit, stop: V1.02 §2.5.1
ANSWER_WINDOW_S = 1.0

_MOST = 8 * MAX_ADU  # bytes kept between two silences


class LineFramer(Protocol):
    """The contract of a framer on a line."""

    deadline: float | None
    dropped: int
    errors: int

    def receive(self, data: bytes, now: float) -> list[Frame]:
        """Take bytes, the last of which came at ``now``; return the frames known to be complete."""
        ...

    def silence(self, now: float) -> list[Frame]:
        """Nothing came since; return the frames that are complete when ``now`` is the deadline or later."""
        ...

    def build(self, transaction: int, unit: int, pdu: bytes) -> bytes:
        """Return the bytes of one ADU."""
        ...


class Traffic:
    """Tells requests from the answers of other devices on a line, as well as that is possible.

    A frame from the unit that was asked last is its answer when it has the same function code (or the
    exception code of it), the length of an answer, and comes within ``window_s``.  Every other frame is a
    request.  Units in ``own`` answer here, so that nothing on the line is their answer.  A client that
    repeats a write to a unit that is silent cannot be told from an answer; neither is executed here.
    """

    __slots__ = ("_asked", "_until", "_window_s", "own")

    def __init__(self, own: Container[int], *, window_s: float = ANSWER_WINDOW_S) -> None:
        self.own = own
        self._window_s = window_s
        self._asked: Frame | None = None
        self._until = 0.0

    def is_answer(self, frame: Frame, now: float) -> bool:
        """True when ``frame`` answers the request before it; remembers it when it is a request."""
        asked, self._asked = self._asked, None
        if asked is not None and now <= self._until and _answers(frame, asked):
            return True
        if frame.unit and frame.unit not in self.own:
            self._asked = frame
            self._until = now + self._window_s
        return False


def _answers(frame: Frame, asked: Frame) -> bool:
    if frame.unit != asked.unit or frame.pdu[0] & 0x7F != asked.pdu[0]:
        return False
    return response_length(frame.pdu) in (None, 0, len(frame.pdu))


class RtuLine:
    """Cuts what a serial port receives into RTU frames.

    ``frames`` counts frames with a right CRC, ``errors`` those with a wrong one (or, with ``strict_gap``,
    with a pause of more than 1.5 characters inside), ``overruns`` those too long to be kept, ``dropped``
    the bytes of both, ``answers`` frames that ``traffic`` took for answers of others and that were not
    handed over.

    ``strict_gap`` is off by default: operating systems and USB adapters pause longer by themselves.
    """

    def __init__(
        self,
        baudrate: int,
        character_bits: float = CHARACTER_BITS,
        *,
        strict_gap: bool = False,
        traffic: Traffic | None = None,
    ) -> None:
        if baudrate <= 0:
            raise ValueError(f"baudrate is {baudrate}, expected more than 0")
        self.character_s = character_bits / baudrate
        fast = baudrate > FAST_BAUDRATE
        self.frame_gap_s = FRAME_GAP_S if fast else FRAME_GAP * self.character_s
        self.character_gap_s = CHARACTER_GAP_S if fast else CHARACTER_GAP * self.character_s
        self.strict_gap = strict_gap
        self.traffic = traffic
        self.deadline: float | None = None
        self.frames = self.errors = self.overruns = self.dropped = self.answers = 0
        self._buffer = bytearray()
        self._received = 0  # bytes since the last silence
        self._last = 0.0  # when the last of them came
        self._torn = False  # a pause was too long

    def receive(self, data: bytes, now: float) -> list[Frame]:
        """Take bytes, the last of which came at ``now``; return a frame when a silence was before them."""
        frames: list[Frame] = []
        if not data:
            return frames
        if self.deadline is not None:
            pause = now - len(data) * self.character_s - self._last
            late = now >= self.deadline and not crc16(bytes(self._buffer))
            if pause >= self.frame_gap_s or late:
                frames = self._end(self._last)
            elif self.strict_gap and pause > self.character_gap_s:
                self._torn = True
        self._received += len(data)
        if self._received <= _MOST:
            self._buffer += data
        self._last = now
        self.deadline = now + self.frame_gap_s
        return frames

    def silence(self, now: float) -> list[Frame]:
        """Nothing came since; return the frame before the silence when it has lasted 3.5 characters."""
        if self.deadline is None or now < self.deadline:
            return []
        return self._end(self._last)

    def build(self, transaction: int, unit: int, pdu: bytes) -> bytes:
        """Return an ADU; the transaction id is not carried."""
        return with_crc(bytes((unit,)) + pdu)

    def _end(self, came: float) -> list[Frame]:
        """The frames between two silences."""
        data, received, torn = bytes(self._buffer), self._received, self._torn
        self._buffer.clear()
        self._received, self._torn, self.deadline = 0, False, None
        frames = [] if torn or received > _MOST else _frames(data)
        if not frames:
            self.dropped += received
            if received > MAX_ADU:
                self.overruns += 1
            else:
                self.errors += 1
        self.frames += len(frames)
        return [frame for frame in frames if not self._is_answer(frame, came)]

    def _is_answer(self, frame: Frame, came: float) -> bool:
        if self.traffic is None or not self.traffic.is_answer(frame, came):
            return False
        self.answers += 1
        return True


def _frames(data: bytes) -> list[Frame]:
    """The frames ``data`` consists of: one, or several whose bytes tell their lengths; else none."""
    if MIN_ADU <= len(data) <= MAX_ADU and not crc16(data):
        return [Frame(0, data[0], data[1:-2])]
    frames = []
    offset = 0
    while offset < len(data):
        size = _first(data[offset : offset + MAX_ADU])
        if not size:
            return []
        frames.append(Frame(0, data[offset], data[offset + 1 : offset + size - 2]))
        offset += size
    return frames


def _first(data: bytes) -> int:
    """The size of the request or response that ``data`` begins with; 0 when it is neither."""
    for rule in (request_length, response_length):
        length = rule(data[1:])
        if length and length + 3 <= len(data) and not crc16(data[: length + 3]):
            return length + 3
    return 0


class StreamLine:
    """A line for framings that need no silence: ASCII, binary, or RTU where a converter breaks the gaps.

    Frames are handed over as soon as they are complete; a pause of ``framer.idle_s`` drops what has begun.
    """

    def __init__(self, framer: StreamFramer) -> None:
        self.framer = framer
        self.deadline: float | None = None

    @property
    def dropped(self) -> int:
        """Bytes that belonged to no frame."""
        return self.framer.dropped

    @property
    def errors(self) -> int:
        """Frames that were wrong or broken off."""
        return self.framer.errors

    def receive(self, data: bytes, now: float) -> list[Frame]:
        """Take bytes; return every frame that is now complete."""
        frames = self.silence(now)
        frames += self.framer.receive(data)
        self.deadline = now + self.framer.idle_s if self.framer.pending else None
        return frames

    def silence(self, now: float) -> list[Frame]:
        """Drop a beginning that has waited for too long; return the frames behind it."""
        if self.deadline is None or now < self.deadline:
            return []
        self.deadline = None
        return self.framer.idle()

    def build(self, transaction: int, unit: int, pdu: bytes) -> bytes:
        """Return an ADU; the transaction id is not carried."""
        return self.framer.build(transaction, unit, pdu)
