"""Connections with quirks: answers that take their time, one request at a time, an end after so many.

A quirky exchange stands between the frames of a connection and the exchange it would have had; a quirky
transport between the answers and the socket.  Both are made for connections whose quirks concern requests and
for no others.  One rule: waiting is a timer of the connection it belongs to, so nobody else waits with it.
"""

from __future__ import annotations

from collections import deque
from functools import cache
from typing import TYPE_CHECKING, Any

from simulator.errors import ServerDeviceBusy
from simulator.server.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulator.protocol.frames import Frame
    from simulator.quirks import ConnectionQuirks

BROADCAST = 0  # V1.02 §2.2
MOST_HELD = 1 << 16  # bytes of answers that wait before nothing more is read


class QuirkyTransport:
    """A transport whose ``write`` sends ``delay`` seconds later, in order; all else is the transport's own.

    ``left`` is how many requests are taken yet, below 0 for all that come.  ``finished`` is set when no more
    are; the connection ends when everything is sent.
    ``exchange`` is asked after each sending whether it is.
    """

    __slots__ = (
        "_call",
        "_clock",
        "_delay",
        "_held",
        "_paused",
        "_queue",
        "_transport",
        "exchange",
        "finished",
        "left",
    )

    def __init__(self, transport: Any, exchange: Any, clock: Any, delay: float) -> None:
        self.exchange = exchange
        self.finished = False
        self.left = -1
        self._transport = transport
        self._clock = clock
        self._delay = delay
        self._queue: deque[tuple[float, bytes]] = deque()  # when it may go, and what
        self._held = 0
        self._call: Any = None
        self._paused = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    @property
    def waiting(self) -> bool:
        """True while answers wait for their time."""
        return bool(self._queue)

    def write(self, data: bytes) -> None:
        """Send, when the time has come."""
        if not self._delay:
            self._transport.write(data)
            self.exchange.settle()
            return
        self._queue.append((self._clock.seconds() + self._delay, data))
        self._held += len(data)
        if self._call is None:
            self._call = self._clock.callLater(self._delay, self._due)
        if self._held >= MOST_HELD and not self._paused:
            self._paused = True
            self._transport.pauseProducing()

    def loseConnection(self) -> None:
        """Close when everything written has been sent."""
        self.finished = True
        self.exchange.settle()

    def close(self) -> None:
        """Close the transport itself."""
        self._transport.loseConnection()

    def stop(self) -> None:
        """Forget what waits: the connection has ended."""
        self._queue.clear()
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _due(self) -> None:
        self._call = None
        now = self._clock.seconds()
        while self._queue and self._queue[0][0] <= now:
            _, data = self._queue.popleft()
            self._held -= len(data)
            self._transport.write(data)
        if self._queue:
            self._call = self._clock.callLater(self._queue[0][0] - now, self._due)
        if self._paused and self._held < MOST_HELD:
            self._paused = False
            self._transport.resumeProducing()
        self.exchange.settle()


class QuirkyExchange(Exchange):
    """Mixed into the class of an exchange: lets those requests through that the quirks let through.

    A request is in flight until its answer has been sent, or until it turns out that there is none.
    """

    __slots__ = ()

    quirks: ConnectionQuirks
    transport: QuirkyTransport

    def answer(self, frames: Iterable[Frame]) -> bytes:
        """The answers that can be given now."""
        transport, in_flight = self.transport, self.quirks.when_in_flight
        responses = b""
        for frame in frames:
            if transport.finished:
                self.factory.discarded += 1
                continue
            if in_flight and (responses or transport.waiting or self.pending):
                responses += self._too_early(frame)
            else:
                responses += super().answer((frame,))
                transport.left -= 1
            transport.finished |= transport.left == 0
        if not responses:  # else the transport tells when they are sent
            self.settle()
        return responses

    @property
    def pending(self) -> bool:
        """True while an answer is still to come from somewhere else."""
        return bool(getattr(super(), "pending", False))

    def settle(self) -> None:
        """Close when all is done and said."""
        if self.transport.finished and not self.pending and not self.transport.waiting:
            self.transport.close()

    def _too_early(self, frame: Frame) -> bytes:
        if self.quirks.when_in_flight == "busy":
            return self._busy(frame)
        self.factory.discarded += 1
        self.transport.finished |= self.quirks.when_in_flight == "close"
        return b""

    def _busy(self, frame: Frame) -> bytes:
        """Exception 06; silence for a broadcast, and for a unit that does not exist what it always gets."""
        if frame.unit != self.unit:
            self._select(frame.unit)
        device = self.device
        if device is self.factory.absent:
            return super().answer((frame,))
        self.factory.served += 1
        device.kind.requests[device.row] += 1
        refused = self._refuse(device, frame.pdu, ServerDeviceBusy("a request is in flight"))
        if self.factory.is_line and frame.unit == BROADCAST:
            return b""
        return self.framer.build(frame.transaction, frame.unit, refused)


@cache
def _class_for(base: Any) -> type[Any]:
    slots = {"quirks", "transport"}.difference(dir(base))
    return type(f"Quirky{base.__name__}", (QuirkyExchange, base), {"__slots__": tuple(slots)})


def make_quirky(protocol: Any, kind: Any, quirks: ConnectionQuirks, clock: Any) -> None:
    """Give a connection that was just made an exchange of a kind and a transport, both with quirks."""
    plain = protocol.exchange
    exchange = _class_for(kind)(plain.factory, plain.framer, plain.station)
    exchange.quirks = quirks
    exchange.transport = QuirkyTransport(protocol.transport, exchange, clock, quirks.min_reply_delay)
    exchange.transport.left = quirks.close_after or -1
    protocol.transport = exchange.transport
    protocol.exchange = exchange
