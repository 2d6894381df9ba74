"""What cuts datagrams into requests: each on its own, nothing is kept from one to the next.

A datagram may hold several ADUs of MBAP, or one frame of a line.
"""

from __future__ import annotations

from typing import Any

from simulator.protocol.frames import Frame
from simulator.protocol.line import RtuLine
from simulator.protocol.mbap import HEADER, MAX_LENGTH, MIN_LENGTH, MbapFramer
from simulator.protocol.rtu import RtuFramer
from simulator.protocol.stream import StreamFramer

_unpack = HEADER.unpack_from


class MbapDatagrams(MbapFramer):
    """Cuts datagrams of MBAP ADUs; nothing is kept from one to the next."""

    __slots__ = ("errors",)

    def __init__(self) -> None:
        super().__init__()
        self.errors = 0

    def receive(self, data: bytes) -> list[Frame]:
        """Return the requests of one datagram."""
        if len(data) > HEADER.size:
            transaction, protocol_id, length, unit = _unpack(data)
            if length == len(data) - 6 and not protocol_id and MIN_LENGTH <= length <= MAX_LENGTH:
                return [Frame(transaction, unit, data[7:])]
        frames = super().receive(data)
        if self._tail or self.lost:
            self.errors += 1
            self._tail = b""
            self.lost = ""
        return frames


class LineDatagrams:
    """Cuts datagrams of a line framing; the end of a datagram is the pause."""

    def __init__(self, framer: StreamFramer) -> None:
        self.framer = framer
        self.lost = ""
        self.build = framer.build

    @property
    def errors(self) -> int:
        """Frames that were wrong or broken off."""
        return self.framer.errors

    def receive(self, data: bytes) -> list[Frame]:
        """Return the requests of one datagram."""
        frames = self.framer.receive(data)
        if self.framer.pending:
            frames += self.framer.idle()
        return frames


class RtuDatagrams:
    """Cuts datagrams of RTU frames.  As on a line, the CRC over the whole decides, not a byte count."""

    def __init__(self) -> None:
        self._line = RtuLine(1)
        self.lost = ""
        self.build = self._line.build

    @property
    def errors(self) -> int:
        """Datagrams that are no frames."""
        return self._line.errors + self._line.overruns

    def receive(self, data: bytes) -> list[Frame]:
        """Return the requests of one datagram."""
        self._line.receive(data, 0.0)
        return self._line.silence(self._line.frame_gap_s)


def datagram_framer(framer: Any) -> Any:
    """What cuts datagrams where ``framer`` cuts streams."""
    if framer is MbapFramer:
        return MbapDatagrams()
    if framer is RtuFramer:
        return RtuDatagrams()
    return LineDatagrams(framer(noise_limit=None))
