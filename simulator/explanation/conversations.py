"""Modbus in captured packets: TCP streams put together in order, frames cut, requests and responses paired.

The server of a conversation is who has the Modbus port or a port the caller names; else who was asked to
connect; else who has the lower port.  Segments sent twice are taken once.  Bytes that were not captured lose
what they were part of, which is told, and the search for frames begins again behind them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from simulator.explanation.adus import CUTS, Adu, Framing
from simulator.explanation.captures import Address, Packet
from simulator.explanation.guessing import Explanation, Key, Noise, explain, pieces
from simulator.protocol.codes import EXCEPTION_BIT, TCP_PORT, TLS_PORT
from simulator.protocol.contract import Request
from simulator.protocol.mbap import MAX_LENGTH

_WORDS = 1 << 32  # TCP sequence numbers
_UNKNOWN = 520  # bytes in which a frame of some framing must have been found
_MAX_WAITING = 1024  # segments that came before one that is missing


@dataclass(frozen=True, slots=True)
class Seen:
    """What one packet completed: a frame in words, or bytes that belong to none."""

    packet: Packet
    what: Explanation | Noise
    delay: float | None = None  # seconds from request to response


@dataclass(slots=True)
class _Flow:
    """One direction of a conversation."""

    expected: int | None = None  # the next sequence number
    waiting: dict[int, Packet] = field(default_factory=dict)
    kept: bytes = b""
    framing: Framing | None = None
    last: Packet | None = None

    def arrange(self, packet: Packet) -> Iterator[tuple[Packet, bytes, bool]]:
        """Bytes in order, each with its packet; True with those before which some are missing."""
        if packet.transport == "udp":
            yield packet, packet.payload, False
            return
        if packet.syn:
            self.expected = (packet.sequence + 1) % _WORDS
            return
        if not packet.payload:
            return
        if self.expected is None:
            self.expected = packet.sequence
        self.waiting[packet.sequence] = packet
        yield from self._ready()
        if len(self.waiting) > _MAX_WAITING:
            yield from self.give_up()

    def _ready(self, lost: bool = False) -> Iterator[tuple[Packet, bytes, bool]]:
        while self.waiting:
            assert self.expected is not None
            for sequence, packet in list(self.waiting.items()):
                behind = (self.expected - sequence) % _WORDS
                if behind < _WORDS // 2:  # begins at or before what is expected
                    del self.waiting[sequence]
                    fresh = packet.payload[behind:]
                    self.expected = (self.expected + len(fresh)) % _WORDS
                    if fresh:
                        yield packet, fresh, lost
                        lost = False
                    break
            else:
                return

    def give_up(self) -> Iterator[tuple[Packet, bytes, bool]]:
        """Go on behind bytes that were not captured."""
        while self.waiting:
            start = self.expected or 0
            self.expected = min(self.waiting, key=lambda sequence: (sequence - start) % _WORDS)
            yield from self._ready(lost=True)


class Conversations:
    """Every conversation of a capture; ``ports`` are those of servers beside 502 and 802."""

    def __init__(self, ports: Collection[int] = (), framing: Framing | None = None) -> None:
        self._ports = {TCP_PORT, TLS_PORT, *ports}
        self._only = set(ports)
        self._framing = framing
        self._flows: dict[tuple[Address, Address, str], _Flow] = {}
        self._servers: dict[frozenset[Address], Address] = {}
        self._asked: dict[tuple[Address, Address, Key], tuple[Request, float]] = {}

    def read(self, packets: Iterable[Packet]) -> Iterator[Seen]:
        """Frames in the order in which they were complete."""
        for packet in packets:
            if self._only and not self._only & {packet.source.port, packet.target.port}:
                continue
            self._note_server(packet)
            key = (packet.source, packet.target, packet.transport)
            flow = self._flows.setdefault(key, _Flow(framing=self._framing))
            for whose, data, lost in flow.arrange(packet):
                yield from self._frames(flow, whose, data, lost)
        for flow in self._flows.values():
            for whose, data, lost in flow.give_up():
                yield from self._frames(flow, whose, data, lost)
            if flow.kept and flow.last is not None:
                yield Seen(flow.last, Noise(0, flow.kept))

    def _note_server(self, packet: Packet) -> None:
        ends = frozenset((packet.source, packet.target))
        if ends in self._servers:
            return
        known = [end for end in (packet.source, packet.target) if end.port in self._ports]
        if len(known) == 1:
            self._servers[ends] = known[0]
        elif packet.syn:
            self._servers[ends] = packet.target
        else:
            self._servers[ends] = min(packet.source, packet.target, key=lambda end: end.port)

    def _frames(self, flow: _Flow, packet: Packet, data: bytes, lost: bool) -> Iterator[Seen]:
        if lost:
            if flow.kept:
                yield Seen(packet, Noise(0, flow.kept))
            flow.kept = b""
        data = flow.kept + data
        flow.framing = flow.framing or _framing_of(data)
        flow.last = packet
        if flow.framing is None:
            flow.kept = data if packet.transport == "tcp" and len(data) < _UNKNOWN else b""
            if not flow.kept:
                yield Seen(packet, Noise(0, data))
            return
        parts = pieces(data, flow.framing)
        flow.kept = b""
        for part in parts:
            if isinstance(part, Adu):
                yield self._explained(packet, part)
            elif part is parts[-1] and packet.transport == "tcp" and _may_go_on(part.raw, flow.framing):
                flow.kept = part.raw
            else:
                yield Seen(packet, part)

    def _explained(self, packet: Packet, adu: Adu) -> Seen:
        ends = frozenset((packet.source, packet.target))
        key: Key = (adu.transaction, adu.unit, adu.pdu[0] & ~EXCEPTION_BIT)
        if self._servers[ends] == packet.target:
            told = explain(adu, "request")
            if isinstance(told.message, Request):
                self._asked[packet.source, packet.target, key] = (told.message, packet.time)
            return Seen(packet, told)
        asked, since = self._asked.pop((packet.target, packet.source, key), (None, 0.0))
        delay = packet.time - since if asked is not None and packet.time else None
        return Seen(packet, explain(adu, "response", asked), delay)


def _framing_of(data: bytes) -> Framing | None:
    """The framing whose frame stands at the beginning; None while there is none."""
    for framing, cut in CUTS.items():
        if cut(data, 0) is not None:
            return framing
    return None


def _may_go_on(data: bytes, framing: Framing) -> bool:
    if framing == "mbap":
        length = int.from_bytes(data[4:6], "big")
        return len(data) < 6 or (data[2:4] == b"\0\0" and len(data) - 6 < length <= MAX_LENGTH)
    return len(data) < _UNKNOWN
