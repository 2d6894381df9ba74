"""Exchanges that rules concern: what a fault does to an answer, a connection, a line.

A faulty exchange stands in for the exchange of a listener that some rule is about, and takes its place
without anybody noticing: the object stays, its class changes, both ways.  A device that no rule is switched
on for is answered as ever, by compiled code where there is some.  One rule: waiting is a timer of the link it
belongs to.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from simulator.device import FAULTY, LISTEN_ONLY, OFFLINE
from simulator.errors import ModbusException
from simulator.faults.conditions import Asked
from simulator.faults.course import Delivery, course
from simulator.faults.words import TRANSPORTS
from simulator.origins import SERVING
from simulator.roles import touched
from simulator.server.exchange import Exchange
from simulator.server.faulty_outbox import Outbox
from simulator.server.gateway import GatewayExchange

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from simulator.device import Device, Function
    from simulator.faults.rule import Rule
    from simulator.protocol.frames import Frame
    from simulator.server.faulty_rules import Faults


class Link:
    """What faults know of one way to clients: a connection, a datagram socket at one address, a line.

    ``late_s`` is how late the device behind a gateway is with what it was asked last.
    """

    __slots__ = (
        "_exchange",
        "_hung",
        "_hung_turn",
        "_hung_until",
        "_is_taken",
        "_way",
        "client",
        "ended",
        "ending",
        "faults",
        "framing",
        "has_connection",
        "is_gateway",
        "late_s",
        "outbox",
        "scheme",
    )

    def __init__(self, faults: Faults, exchange: Any, scheme: str, way: Any) -> None:
        self.faults = faults
        self.scheme = scheme
        self.framing, transport = TRANSPORTS[scheme]
        self.has_connection = transport in ("tcp", "tls")
        self.is_gateway = isinstance(exchange, GatewayExchange)
        self.client = way.client
        self.ended = False  # nothing more is answered: the connection is about to end
        self.ending = ""  # how, once a gateway has passed the answer on
        self.late_s = 0.0
        self._exchange = exchange
        self._way = way
        self._hung: Rule | None = None
        self._hung_turn = 0
        self._hung_until = 0.0
        self._is_taken = False  # from compiled code, for as long as the connection hangs
        self.outbox = Outbox(
            faults.clock, self.end, pause=way.pause, resume=way.resume, joins=transport != "udp"
        )

    def asked(self, frame: Frame) -> Asked:
        """A request as rules see it."""
        client = self.client
        if client is None:  # each datagram has its own
            client = str(self._exchange.client[0])
        return Asked(frame.pdu[0], frame.unit, touched(frame.pdu), client, self.scheme)

    def key(self, unit: int) -> Hashable:
        """Whose answers stay in order."""
        return unit if self.client is not None else (self._exchange.client, unit)

    def deliver(self, unit: int, delivery: Delivery) -> bytes:
        """What is to be sent at once; the rest is kept until its time."""
        if self.is_gateway:
            return self._pass_on(delivery)
        key = self.key(unit)
        if (
            delivery.is_plain
            and not self.outbox.holds(key)
            and (self.outbox.joins or len(delivery.pieces) < 2)
        ):
            return b"".join(delivery.pieces)
        if delivery.end and not self.has_connection:
            delivery = replace(delivery, end="")
        if delivery.pieces or delivery.end:
            if delivery.end and not delivery.delay:
                self.ended = True
            self.outbox.put(key, delivery, self._way.sender(self._exchange.client))
        return b""

    def behind(self, unit: int, answer: bytes) -> bytes:
        """An answer as it should be, behind those of the same unit id that are held."""
        key = self.key(unit)
        if not answer or not self.outbox.holds(key):
            return answer
        self.outbox.put(key, Delivery(pieces=(answer,)), self._way.sender(self._exchange.client))
        return b""

    def end(self, how: str) -> None:
        """End the connection."""
        self.ended = True
        self.outbox.stop()
        self._way.end(how)

    def answered(self) -> None:
        """A gateway has passed an answer on."""
        if self.ending:
            self.end(self.ending)

    def hang(self, rule: Rule) -> None:
        """Say nothing any more."""
        assert rule.then.hang is not None
        self._hung, self._hung_turn = rule, rule.turn
        self._hung_until = self.faults.clock.seconds() + rule.then.hang
        self.outbox.stop()
        if self.is_gateway:
            self._exchange.hang()
        self._is_taken |= self._way.take_over()

    @property
    def is_silent(self) -> bool:
        """True when requests are to be left without an answer."""
        rule = self._hung
        if rule is None:
            return self.ended
        if rule.enabled and rule.turn == self._hung_turn and self.faults.clock.seconds() < self._hung_until:
            return True
        self._hung = None
        return self.ended

    def settle(self) -> None:
        """Let compiled code answer again on a connection that does not hang any more."""
        if self._is_taken and not self.is_silent and self._way.give_back():
            self._is_taken = False

    def stop(self) -> None:
        """The connection has ended, or the listener."""
        self.outbox.stop()

    def _pass_on(self, delivery: Delivery) -> bytes:
        """The answer as the line behind a gateway hears it: late, perhaps."""
        self.late_s = delivery.delay
        if delivery.end and delivery.pieces:
            self.ending = delivery.end
        elif delivery.end:
            self.outbox.put(0, delivery, self._way.sender(None))
        return b"".join(delivery.pieces)


class FaultyExchange(Exchange):
    """The exchange of a listener that rules are about, or mixed into the class of another exchange."""

    __slots__ = ()
    stock: type[Any] = Exchange

    def answer(self, frames: Iterable[Frame]) -> bytes:
        """The answers that can be given now."""
        link: Link = self.faults
        answers = b""
        for frame in frames:
            if link.is_silent:
                self.factory.discarded += 1
                continue
            if frame.unit != self.unit:
                self._select(frame.unit)
            device = self.device
            if device.kind.aside[device.row] & (FAULTY | OFFLINE) == FAULTY:
                answers += self._with_rules(frame)
            else:
                answers += link.behind(frame.unit, Exchange.answer(self, (frame,)))
        link.settle()
        return answers

    @property
    def pending(self) -> bool:
        """True while an answer is still to come."""
        link: Link = self.faults
        return link.outbox.held > 0 or self.open > 0

    def _with_rules(self, frame: Frame) -> bytes:
        """The answer of a device that rules are switched on for."""
        link: Link = self.faults
        link.late_s = 0.0
        bounds = link.faults.about(self.device, frame.pdu[0])
        acting = course(bounds, link.asked(frame)) if bounds else None
        if acting is None:
            return link.behind(frame.unit, Exchange.answer(self, (frame,)))
        if link.has_connection and (rule := acting.hanging) is not None:
            self.factory.discarded += 1
            link.hang(rule)
            return b""
        if acting.is_down:
            self.factory.discarded += 1
            return b""
        hears = not self.device.kind.aside[self.device.row] & LISTEN_ONLY  # else it refuses nothing, either
        reply = self._carry_out(frame, acting.exception if hears else None)
        now = link.faults.time.seconds()
        try:
            delivery = acting.delivery(frame, reply, self.framer.build, link.framing, now)
        except Exception as reason:  # a mistake of ours must not look like a fault of the device
            self.factory.failed(self.device, frame.pdu, reason)
            delivery = Delivery(pieces=(self.framer.build(frame.transaction, frame.unit, reply),))
        return link.deliver(frame.unit, delivery)

    def _carry_out(self, frame: Frame, exception: int | None) -> bytes:
        """The device's response to a request, which it refuses when there is an exception."""
        device, pdu = self.device, frame.pdu
        device.kind.requests[device.row] += 1
        self.factory.served += 1
        self.transaction = frame.transaction
        SERVING.exchange = self
        try:
            functions = device.functions if exception is None else device.recorded(_refusing(exception))
            reply: bytes = functions[pdu[0]](device, pdu)
        except Exception as reason:
            return self._refuse(device, pdu, reason)
        finally:
            SERVING.exchange = None
        return reply


@cache
def _refusing(code: int) -> Sequence[Function]:
    """What a device does that refuses everything."""

    def refuse(device: Device, pdu: bytes) -> bytes:
        raise ModbusException("a fault says so", code=code)

    return (refuse,) * 256


@cache
def _faulty(kind: Any) -> type[Any]:
    """The class of an exchange with rules."""
    if kind is Exchange:
        return FaultyExchange
    return type(f"Faulty{kind.__name__}", (kind, FaultyExchange), {"__slots__": (), "stock": kind})


def make_faulty(exchange: Any, faults: Faults, scheme: str, way: Any) -> None:
    """Let rules act on an exchange from now on."""
    if exchange.faults is None:
        exchange.faults = Link(faults, exchange, scheme, way)
        kind: Any = type(exchange)
        exchange.__class__ = _faulty(kind)


def make_stock(exchange: Any) -> None:
    """Let an exchange be what it was; what it holds is sent at once."""
    link = exchange.faults
    if link is not None:
        exchange.__class__ = type(exchange).stock
        exchange.faults = None
        link.outbox.flush()
        link.settle()
