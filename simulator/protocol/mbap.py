"""The frame of Modbus TCP: the MBAP header and a PDU (TCP V1.0b §3.1.3).

=================  =======  ==============================================
transaction id     2 bytes  copied from the request by the server
protocol id        2 bytes  0
length             2 bytes  bytes that follow: unit id and PDU, 2 to 254
unit id            1 byte
=================  =======  ==============================================

A header with another protocol id or length loses the stream: nothing tells where the next one begins.
"""

from __future__ import annotations

from struct import Struct

from simulator.protocol.codes import MAX_PDU
from simulator.protocol.frames import Frame

HEADER = Struct(">HHHB")
MIN_LENGTH = 2  # the unit id and a function code
MAX_LENGTH = 1 + MAX_PDU

_unpack = HEADER.unpack_from
_pack = HEADER.pack


class MbapFramer:
    """Cuts a TCP stream into ADUs and builds them; the same in both directions."""

    __slots__ = ("_tail", "lost")

    def __init__(self) -> None:
        self._tail = b""
        self.lost = ""

    @property
    def pending(self) -> bool:
        """True while the beginning of a frame is kept."""
        return bool(self._tail)

    @property
    def tail(self) -> bytes:
        """The beginning of a frame that is kept."""
        return self._tail

    def receive(self, data: bytes) -> list[Frame]:
        """Return every complete frame; keep at most one ADU's beginning for the next call."""
        if self._tail:
            data = self._tail + data
        frames = []
        offset = 0
        end = len(data)
        while end - offset >= 7:
            transaction, protocol_id, length, unit = _unpack(data, offset)
            if protocol_id or not MIN_LENGTH <= length <= MAX_LENGTH:
                self.lost = _reason(protocol_id, length)
                offset = end
                break
            stop = offset + 6 + length
            if stop > end:
                break
            frames.append(Frame(transaction, unit, data[offset + 7 : stop]))
            offset = stop
        self._tail = data[offset:]
        return frames

    def build(self, transaction: int, unit: int, pdu: bytes) -> bytes:
        """Return an ADU."""
        return _pack(transaction, 0, len(pdu) + 1, unit) + pdu


def _reason(protocol_id: int, length: int) -> str:
    if protocol_id:
        return f"protocol id is {protocol_id}, expected 0"
    return f"length is {length}, expected {MIN_LENGTH} to {MAX_LENGTH}"
