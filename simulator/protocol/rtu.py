"""RTU frames in a stream that knows no silence: unit id, PDU, CRC (Modbus over Serial Line V1.02 §2.5.1).

Where a frame ends is told by its first bytes, by the rules of the messages for one direction.  Behind a
function code without a rule, the CRC is tried at every length.  Where no frame is, one byte is passed
over and the next one tried.
"""

from __future__ import annotations

from simulator.protocol.checksums import CRC_START, crc16, with_crc
from simulator.protocol.codes import EXCEPTION_BIT, MAX_PDU
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

    __slots__ = ("_length", "_search")

    idle_s = 0.1  # longer than a sender ever halts within a frame, shorter than a client waits

    def __init__(self, length: LengthRule = request_length, *, noise_limit: int | None = NOISE_LIMIT) -> None:
        super().__init__(noise_limit=noise_limit)
        self._length = length
        self._search: _Search | None = None

    def receive(self, data: bytes) -> list[Frame]:
        """Return every complete frame; keep at most one ADU's beginning for the next call."""
        if self._tail:
            data = self._tail + data
        pdu = data[1:-2]  # nearly always a chunk is one frame
        if self._length(pdu) == len(pdu) <= MAX_PDU and not crc16(data) and not self.lost:
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
            head = data[offset + 1 : offset + MAX_ADU]
            length = self._length(head)
            if length and length + 2 <= len(head) and not crc16(data[offset : offset + length + _OVERHEAD]):
                start, stop = offset, offset + length + _OVERHEAD
            else:
                start, stop = self._passed(data, offset, length, final)
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

    def _passed(self, data: bytes, offset: int, length: int | None, final: bool) -> tuple[int, int]:
        """Where no whole frame begins: where the next one does and ends, or both where to go on; or _WAIT."""
        if length == UNKNOWN_LENGTH and 0 < data[offset + 1] < EXCEPTION_BIT:
            return self._hunt(data, offset, final)
        unfinished = length is None or len(data) - offset < length + _OVERHEAD <= MAX_ADU
        if length != UNKNOWN_LENGTH and unfinished and not final:
            return _WAIT
        return offset + 1, offset + 1

    def _hunt(self, data: bytes, offset: int, final: bool) -> tuple[int, int]:
        """The same behind a function code that does not tell the length."""
        search = self._search or _Search(self._length)
        self._search = None
        taken = data[offset : offset + MAX_ADU]
        found = search.find(taken)
        if found is not None:
            return offset + found[0], offset + found[1]
        if final or len(taken) == MAX_ADU:
            return offset + search.unfinished, offset + search.unfinished
        self._search = search
        return _WAIT

    def _drop(self, count: int) -> None:
        if count and not self._noise:
            self.errors += 1
        super()._drop(count)


class _Search:
    """Looks, as bytes come, for the frame that ends first.

    That is one of any length at the beginning, if the CRC says so, or one of the length it tells behind it.
    ``unfinished`` is where the first of those begins that may still come.
    """

    __slots__ = ("_crc", "_length", "_open", "_seen", "_start", "unfinished")

    def __init__(self, length: LengthRule) -> None:
        self._length = length
        self._crc = CRC_START
        self._seen = 0  # bytes in that CRC
        self._start = 1  # the next byte at which a frame may begin
        self._open: list[tuple[int, int]] = []  # where frames may begin and end; 0 while that is not known
        self.unfinished = 1

    def find(self, data: bytes) -> tuple[int, int] | None:
        """``data`` is what was given before, and more."""
        found = self._from_the_beginning(data)
        first = found[1] if found else len(data) + 1
        starts = range(self._start, len(data) - MIN_ADU + 1)
        waiting, self._open = [*self._open, *((start, 0) for start in starts)], []
        self._start = max(self._start, starts.stop)
        for start, known in waiting:
            stop = known or self._stop(data, start)
            if not 0 < stop <= len(data):
                if stop >= 0:
                    self._open.append((start, stop))
            elif stop < first and not crc16(data[start:stop]):
                found, first = (start, stop), stop
        self.unfinished = self._open[0][0] if self._open else self._start
        return found

    def _from_the_beginning(self, data: bytes) -> tuple[int, int] | None:
        while self._seen < len(data):
            self._crc = crc16(data[self._seen : self._seen + 1], self._crc)
            self._seen += 1
            if not self._crc and self._seen >= MIN_ADU:
                return 0, self._seen
        return None

    def _stop(self, data: bytes, start: int) -> int:
        """Where the frame at ``start`` ends; 0 when that is not known yet, -1 when there is none."""
        length = self._length(data[start + 1 :])
        if length is None:
            return 0
        if length == UNKNOWN_LENGTH or length + _OVERHEAD > MAX_ADU:
            return -1
        return start + length + _OVERHEAD
