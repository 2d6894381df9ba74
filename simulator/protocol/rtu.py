"""RTU frames in a stream that knows no silence: unit id, PDU, CRC (Modbus over Serial Line V1.02 §2.5.1).

Where a frame ends is told by its first bytes, by the rules of the messages for one direction.  Behind a
function code without a rule, the CRC is tried at every length.  Where no frame is, one byte is passed over and
the next one tried.
"""

from __future__ import annotations

from simulator.protocol.checksums import crc16, with_crc
from simulator.protocol.codes import EXCEPTION_BIT
from simulator.protocol.contract import UNKNOWN_LENGTH, LengthRule
from simulator.protocol.frames import Frame
from simulator.protocol.messages import request_length
from simulator.protocol.stream import NOISE_LIMIT, StreamFramer

MIN_ADU = 4  # unit id, function code, CRC
MAX_ADU = 256  # V1.02 §2.5.1

_OVERHEAD = 3  # unit id and CRC
_WAIT = (-1, -1)


class RtuFramer(StreamFramer):
    """Cuts a stream of RTU frames: requests, or with ``length=response_length`` responses."""

    __slots__ = ("_length",)

    idle_s = 0.1  # longer than a sender ever halts within a frame, shorter than a client waits

    def __init__(self, length: LengthRule = request_length, *, noise_limit: int | None = NOISE_LIMIT) -> None:
        super().__init__(noise_limit=noise_limit)
        self._length = length

    def receive(self, data: bytes) -> list[Frame]:
        """Return every complete frame; keep at most one ADU's beginning for the next call."""
        if self._tail:
            data = self._tail + data
        pdu = data[1:-2]  # nearly always a chunk is one frame
        if self._length(pdu) == len(pdu) and not crc16(data) and len(data) <= MAX_ADU:
            self._tail = b""
            self._noise = 0
            return [Frame(0, data[0], pdu)]
        return self._cut(data, final=False)

    def idle(self) -> list[Frame]:
        """The stream has paused: give up what has begun; return the frames that stood behind it."""
        return self._cut(self._tail, final=True)

    def build(self, transaction: int, unit: int, pdu: bytes) -> bytes:
        """Return an ADU; the transaction id is not carried."""
        return with_crc(bytes((unit,)) + pdu)

    def _cut(self, data: bytes, *, final: bool) -> list[Frame]:
        frames: list[Frame] = []
        offset = 0
        while len(data) - offset >= MIN_ADU and not self.lost:
            start, stop = self._next(data, offset, final)
            if start < 0:
                break
            self._drop(start - offset)
            if stop > start and not self.lost:
                frames.append(Frame(0, data[start], data[start + 1 : stop - 2]))
                self._noise = 0
            offset = stop
        if final and not self.lost:
            self._drop(len(data) - offset)
        self._tail = b"" if final or self.lost else data[offset:]
        return frames

    def _next(self, data: bytes, offset: int, final: bool) -> tuple[int, int]:
        """Where the next frame begins and ends; an empty one to drop what is before it; or ``_WAIT``."""
        size = self._size(data, offset)
        if size == UNKNOWN_LENGTH:
            if not 0 < data[offset + 1] < EXCEPTION_BIT:
                return offset + 1, offset + 1
            return self._hunt(data, offset, final)
        if size is None or (offset + size > len(data) and size <= MAX_ADU):
            return (offset + 1, offset + 1) if final else _WAIT
        if size <= MAX_ADU and not crc16(data[offset : offset + size]):
            return offset, offset + size
        return offset + 1, offset + 1

    def _size(self, data: bytes, offset: int) -> int | None:
        """The size of the ADU that begins at ``offset``, None or UNKNOWN_LENGTH."""
        length = self._length(data[offset + 1 : offset + MAX_ADU])
        return length + _OVERHEAD if length else length

    def _hunt(self, data: bytes, offset: int, final: bool) -> tuple[int, int]:
        """The frame that ends first: of any length at ``offset``, or of the length it tells behind it."""
        limit = min(len(data), offset + MAX_ADU)
        found = _ending(data, offset, limit)
        stop = found[1] if found else limit + 1
        unfinished = limit - MIN_ADU + 1
        for start in range(offset + 1, stop - MIN_ADU):
            size = self._size(data, start)
            if size is None or (size != UNKNOWN_LENGTH and limit < start + size <= start + MAX_ADU):
                unfinished = min(unfinished, start)
            elif size and start + size < stop and not crc16(data[start : start + size]):
                found, stop = (start, start + size), start + size
        if found:
            return found
        if final or limit == offset + MAX_ADU:
            return unfinished, unfinished  # whatever ends before was looked at
        return _WAIT

    def _drop(self, count: int) -> None:
        if count and not self._noise:
            self.errors += 1
        super()._drop(count)


def _ending(data: bytes, offset: int, limit: int) -> tuple[int, int] | None:
    """The frame at ``offset`` whose length only the CRC tells: the first end at which it is right."""
    crc = crc16(data[offset : offset + MIN_ADU])
    stop = offset + MIN_ADU
    while crc:
        if stop >= limit:
            return None
        crc = crc16(data[stop : stop + 1], crc)
        stop += 1
    return offset, stop
