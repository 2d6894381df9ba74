"""Binary frames: ``{``, unit id, PDU, CRC as in RTU, ``}``; a brace in between is sent twice.

No standard has this framing; it is jamod's and PyModbus' (up to 2.x).  Built frames double every brace
between the first and the last, so that they can be cut without knowing what they hold.  Also understood
is what PyModbus sends: unit id, function code and CRC as they are, and the CRC over the doubled data.

A frame ends at the first ``}`` at which the CRC is right.  A beginning that does not end is dropped when
a frame is found behind it, when it grows too long, or when the stream pauses.
"""

from __future__ import annotations

import re

from simulator.protocol.checksums import crc16, with_crc
from simulator.protocol.frames import Frame
from simulator.protocol.stream import NOISE_LIMIT, StreamFramer

START, END = b"{", b"}"
MAX_CONTENT = 256  # unit id, PDU and CRC, as in RTU
MAX_ADU = 2 + 2 * MAX_CONTENT

_MIN_CONTENT = 4
_RUN = re.compile(rb"\{+")
_BRACE = re.compile(rb"[{}]")


class BinaryFramer(StreamFramer):
    """Cuts a stream of binary frames; the same in both directions."""

    __slots__ = ("_lone", "_looked", "_spare")

    idle_s = 1.0  # as in ASCII, Modbus over Serial Line V1.02 §2.5.2.1

    def __init__(self, *, noise_limit: int | None = NOISE_LIMIT) -> None:
        super().__init__(noise_limit=noise_limit)
        self._looked = 1  # bytes of the tail before which no frame ends
        self._lone = 0  # the last brace of the tail that is not doubled: a frame may begin there
        self._spare = False  # the CRC of the last frame ended with a brace: a second one may follow

    def receive(self, data: bytes) -> list[Frame]:
        """Return every complete frame; keep at most one ADU's beginning for the next call."""
        if self._tail:
            data = self._tail + data
        frames = []
        offset = 0
        while not self.lost and (start := data.find(START, offset := self._behind(data, offset))) >= 0:
            self._drop(start - offset)
            offset, stop, frame = self._next(data, start)
            if offset == stop == start:
                break
            self._looked, self._lone = 1, 0
            if offset > start:
                self.errors += 1
                self._drop(offset - start)
            if frame is not None:
                frames.append(frame)
                self._noise = 0
                self._spare = data.endswith(END + END, start, stop)
            offset = stop
        else:
            self._drop(len(data) - offset)
            offset = len(data)
        self._tail = data[offset:]
        return frames

    def idle(self) -> list[Frame]:
        """The stream has paused: drop what has begun."""
        self._looked, self._lone = 1, 0
        return super().idle()

    def build(self, transaction: int, unit: int, pdu: bytes) -> bytes:
        """Return an ADU; the transaction id is not carried."""
        return START + _BRACE.sub(rb"\g<0>\g<0>", with_crc(bytes((unit,)) + pdu)) + END

    def _behind(self, data: bytes, offset: int) -> int:
        """Where the bytes begin that do not belong to the last frame."""
        if not self._spare or offset == len(data):
            return offset
        self._spare = False
        return offset + 1 if data.startswith(END, offset) else offset

    def _next(self, data: bytes, start: int) -> tuple[int, int, Frame | None]:
        """The first frame to end: where it begins, where it ends, and itself.

        Without one, both numbers are where what may still become one begins.
        """
        limit = start + MAX_ADU
        looked, lone = start + self._looked, start + self._lone
        while (stop := data.find(END, looked, limit)) >= 0:
            lone = _last_lone(data, looked, stop, lone)
            looked = stop + 1
            for begin in (start, lone) if lone > start else (start,):
                content = _content(data[begin + 1 : stop])
                if content:
                    return begin, looked, Frame(0, content[0], content[1:])
        self._looked, self._lone = looked - start, lone - start
        if len(data) < limit:
            return start, start, None
        lone = _last_lone(data, looked, limit, lone)
        again = lone if lone > start else limit
        return again, again, None


def _last_lone(data: bytes, start: int, stop: int, otherwise: int) -> int:
    """Where the last opening brace stands that is not one of a pair."""
    for run in _RUN.finditer(data, start, stop):
        if run.end() - run.start() & 1:
            otherwise = run.start()
    return otherwise


def _content(sent: bytes) -> bytes | None:
    """Unit id and PDU of what stands between two braces; None when the CRC is wrong."""
    if len(sent) < _MIN_CONTENT:
        return None
    plain = _halved(sent)
    if not crc16(plain):
        content = plain[:-2]
    elif not crc16(sent):  # as PyModbus sends it
        content = sent[:2] + _halved(sent[2:-2])
    else:
        return None
    return content if 2 <= len(content) <= MAX_CONTENT - 2 else None


def _halved(sent: bytes) -> bytes:
    return sent.replace(b"{{", b"{").replace(b"}}", b"}")
