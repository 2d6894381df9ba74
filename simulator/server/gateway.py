"""A gateway: many TCP clients in front of one serial line, on which one request goes at a time.

A request waits for the line, takes its time on it, is carried out when its last character has arrived, and
its answer takes the time of its own characters.  Whoever waits is served in turn, one request each, and when
the queue is full the longest waiting list gives way; so a client that floods waits longest and nobody else
waits with it.  Every request is answered once, with its own transaction id:

==========================================  ===============================================
the line is dead                            0x0A at once
the queue is full                           0x06 at once, for the newest of the longest list
nobody has the unit id, or it is silent     0x0B (or ``unknown_unit``), after the timeout
unit id 0                                   carried out by all, answered by nobody
==========================================  ===============================================
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from simulator.errors import GatewayPathUnavailable, GatewayTargetFailed, ModbusException, ServerDeviceBusy
from simulator.functions.table import refusal
from simulator.protocol.mbap import HEADER
from simulator.server.exchange import Exchange
from simulator.server.stations import UNKNOWN_UNIT, LineStation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulator.config.gateway import GatewayLine
    from simulator.protocol.frames import Frame
    from simulator.server.stations import Station

BROADCAST = 0  # V1.02 §2.2
_NO_PATH = UNKNOWN_UNIT["gateway_path_unavailable"]


class GatewayExchange(Exchange):
    """The exchange of one client; its answers come from the line, later."""

    __slots__ = ("_open", "gateway", "transport", "waiting")

    def __init__(self, factory: Any, framer: Any, station: Station | None = None) -> None:
        super().__init__(factory, framer, station)
        self.gateway: Any = None
        self.transport: Any = None
        self.waiting: deque[Frame] = deque()
        self._open = 0  # requests that are not answered yet

    @property
    def pending(self) -> bool:
        """True while an answer is to come."""
        return self._open > 0 and not self._is_silent

    def answer(self, frames: Iterable[Frame]) -> bytes:
        """Give requests to the line; the answers to those it does not take."""
        answers = b""
        for frame in frames:
            if self._is_silent:
                self.factory.discarded += 1
                continue
            self._open += 1
            refused = self.gateway.submit(self, frame)
            if refused is not None:
                self._open -= 1
                answers += self.refuse(frame, refused)
        return answers

    def refuse(self, frame: Frame, reason: ModbusException) -> bytes:
        """The answer to a request that no device hears of."""
        self.factory.served += 1
        self.factory.exceptions += 1
        return self.framer.build(frame.transaction, frame.unit, refusal(frame.pdu, reason))

    def carry_out(self, frame: Frame) -> bytes:
        """Let the device have a request; its answer."""
        return super().answer((frame,))

    def done(self, answer: bytes) -> None:
        """A request has been answered, or given up with an empty answer."""
        self._open -= 1
        if self.transport is None:
            return
        if answer and not self._is_silent:
            self.transport.write(answer)
            if self.faults is not None:
                self.faults.answered()
        else:
            self.settle()

    def _wait(self, device: Any, pdu: bytes, answer: Any) -> bytes:
        """The line knows no late answers but those of its own."""
        answer.addErrback(lambda _: None)
        answer.cancel()
        reason = RuntimeError("a device behind `gateway` answers later, expected an answer at once")
        return self._refuse(device, pdu, reason)

    @property
    def late_s(self) -> float:
        """How much later than usual the device answers the request it has just carried out."""
        return 0.0 if self.faults is None else float(self.faults.late_s)

    @property
    def _is_silent(self) -> bool:
        """True when a rule has silenced the connection."""
        return self.faults is not None and bool(self.faults.is_silent)

    def settle(self) -> None:
        """A request got no answer; for those whom it concerns."""

    def hang(self) -> None:
        """What waits is forgotten; a request on the line comes to its end there."""
        self._open -= len(self.waiting)
        self.gateway.forget(self)

    def closed(self) -> None:
        """The client has gone: what it waits for is not wanted any more."""
        self.transport = None
        if self.gateway is not None:
            self.gateway.forget(self)


class Gateway:
    """One line and the clients that wait for it; ``waiting`` counts requests, ``busy`` those refused."""

    def __init__(self, station: LineStation, line: GatewayLine, factory: Any) -> None:
        self.station = station
        self.line = line
        self.waiting = 0
        self.busy = 0
        self._factory = factory
        self._turn: deque[GatewayExchange] = deque()  # who waits and has nothing on the line, the next first
        self._now: tuple[GatewayExchange, Frame] | None = None  # on the line
        self._call: Any = None

    def submit(self, client: GatewayExchange, frame: Frame) -> ModbusException | None:
        """Take a request, or say why not."""
        if not self.line.alive:
            return GatewayPathUnavailable("the line is dead")
        knows_units = self._factory.absent is _NO_PATH
        if knows_units and client.station.get(frame.unit) is None:
            return GatewayPathUnavailable("no path to the unit")
        if self._now is None:
            self._send(client, frame)
            return None
        if self.waiting >= self.line.queue and not self._make_room(client):
            self.busy += 1
            return ServerDeviceBusy("the queue of the gateway is full")
        if not client.waiting and client is not self._now[0]:
            self._turn.append(client)
        client.waiting.append(frame)
        self.waiting += 1
        return None

    def forget(self, client: GatewayExchange) -> None:
        """A client has gone."""
        if client.waiting:
            self.waiting -= len(client.waiting)
            client.waiting.clear()
            if client in self._turn:
                self._turn.remove(client)

    def stop(self) -> None:
        """Leave the line."""
        if self._call is not None and self._call.active():
            self._call.cancel()
        served = () if self._now is None else (self._now[0],)
        for client in (*self._turn, *served):
            client.waiting.clear()
        self._call = self._now = None
        self._turn.clear()
        self.waiting = 0

    def _make_room(self, client: GatewayExchange) -> bool:
        """Refuse the newest request of the longest list; False when that list is the client's own."""
        assert self._now is not None
        longest = max((self._now[0], *self._turn), key=lambda other: len(other.waiting))
        if len(longest.waiting) <= len(client.waiting) + 1:
            return False
        frame = longest.waiting.pop()
        self.waiting -= 1
        self.busy += 1
        longest.done(longest.refuse(frame, ServerDeviceBusy("the queue of the gateway is full")))
        return True

    def _next(self) -> None:
        assert self._now is not None
        served, self._now = self._now[0], None
        if served.waiting:  # behind all who wait
            self._turn.append(served)
        if self._turn:
            client = self._turn.popleft()
            frame = client.waiting.popleft()
            self.waiting -= 1
            self._send(client, frame)

    def _send(self, client: GatewayExchange, frame: Frame) -> None:
        self._now = client, frame
        self._after(self.line.frame_s(frame.pdu), self._arrived)

    def _arrived(self) -> None:
        """The request is whole: whoever is meant carries it out."""
        assert self._now is not None
        client, frame = self._now
        line = self.line
        self.station.bus.messages += 1
        device = client.station.get(frame.unit)
        answer = client.carry_out(frame) if device is not None else b""
        if frame.unit == BROADCAST:
            self._after(line.turnaround, self._over, b"")
        elif answer and line.turnaround + client.late_s <= line.timeout:
            late = line.turnaround + client.late_s
            self._after(late + line.frame_s(answer[HEADER.size :]), self._over, answer)
        else:
            self._after(line.timeout, self._timed_out, device is not None)

    def _timed_out(self, exists: bool) -> None:
        assert self._now is not None
        client, frame = self._now
        if exists:
            self._over(client.refuse(frame, GatewayTargetFailed("the unit did not respond")))
        else:
            self._over(client.carry_out(frame))  # by who stands in for units that do not exist

    def _over(self, answer: bytes) -> None:
        assert self._now is not None
        client, _ = self._now
        self._next()
        client.done(answer)

    def _after(self, seconds: float, what: Any, *arguments: Any) -> None:
        self._call = self._factory.clock.callLater(seconds, what, *arguments)
