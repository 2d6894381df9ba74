"""ASCII frames: a colon, two hexadecimal digits a byte, LRC, CR LF (Modbus over Serial Line V1.02 §2.5.2).

A colon begins a frame wherever it stands; what stands before it is dropped and counted, and so is a frame
whose LRC is wrong.  Digits may be lower case, the CR may be missing.  The LF may be replaced by another
character (function 08/03).
"""

from __future__ import annotations

from binascii import Error, hexlify, unhexlify

from simulator.protocol.checksums import lrc
from simulator.protocol.frames import Frame
from simulator.protocol.stream import NOISE_LIMIT, StreamFramer

START = b":"
LINE_FEED = 0x0A
MAX_ADU = 513  # characters, V1.02 §2.5.2.1

_LINE_ENDS = b"\r\n"
_FORBIDDEN = b":0123456789ABCDEFabcdef"


class AsciiFramer(StreamFramer):
    """Cuts a stream of ASCII frames; the same in both directions.  Line ends are not counted as dropped."""

    __slots__ = ("_end",)

    idle_s = 1.0  # longest pause between two characters of a frame, V1.02 §2.5.2.1

    def __init__(self, delimiter: int = LINE_FEED, *, noise_limit: int | None = NOISE_LIMIT) -> None:
        super().__init__(noise_limit=noise_limit)
        self.delimiter = delimiter

    @property
    def delimiter(self) -> int:
        """The last character of a frame; a hexadecimal digit or the colon is refused."""
        return self._end[0]

    @delimiter.setter
    def delimiter(self, value: int) -> None:
        if not 0 <= value <= 0xFF or value in _FORBIDDEN:
            raise ValueError(f"delimiter is {value:#04x}, expected a byte that is no digit and no colon")
        self._end = bytes((value,))

    def receive(self, data: bytes) -> list[Frame]:
        """Return every complete frame; keep at most one ADU's beginning for the next call."""
        if self._tail:
            data = self._tail + data
        frames: list[Frame] = []
        offset = 0
        while not self.lost:
            stop = data.find(self._end, offset)
            start = data.rfind(START, offset, None if stop < 0 else stop)
            if stop < 0:
                self._keep(data, offset, start)
                return frames
            self._skip(data, offset, start if start >= 0 else stop)
            frame = self._open(data[start + 1 : stop]) if start >= 0 else None
            if frame is not None:
                frames.append(frame)
            offset = stop + 1
        self._tail = b""
        return frames

    def build(self, transaction: int, unit: int, pdu: bytes) -> bytes:
        """Return an ADU; the transaction id is not carried."""
        data = bytes((unit,)) + pdu
        return START + hexlify(data + bytes((lrc(data),))).upper() + b"\r" + self._end

    def _open(self, digits: bytes) -> Frame | None:
        """The frame in what stands between colon and delimiter."""
        characters = digits.removesuffix(b"\r")
        try:
            data = unhexlify(characters) if len(digits) <= MAX_ADU - 2 else b""
        except Error:
            data = b""
        if len(data) < 3 or sum(data) & 0xFF:
            self.errors += 1
            self._drop(1 + len(characters))
            return None
        self._noise = 0
        return Frame(0, data[0], data[1:-1])

    def _keep(self, data: bytes, offset: int, start: int) -> None:
        """Hold on to a beginning from ``start`` on, if it can still become a frame."""
        self._skip(data, offset, start if start >= 0 else len(data))
        self._tail = data[start:] if start >= 0 else b""
        if len(self._tail) > MAX_ADU:
            self.errors += 1
            self._drop(len(self._tail))
            self._tail = b""

    def _skip(self, data: bytes, offset: int, stop: int) -> None:
        """Count what stands between two frames; a frame begun there was broken off."""
        if stop > offset:
            between = data[offset:stop]
            self.errors += between.count(START)
            self._drop(len(between.translate(None, _LINE_ENDS)))
