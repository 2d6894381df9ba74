"""Listeners that rules are about: what stands between their factories and ports and the rules.

``attach`` lets rules act on a listener with all its connections, ``detach`` takes them away again.  Both
change classes in place, so the hub, the reactor and clients notice nothing.  One rule: what a listener
without rules does is untouched by this module.
"""

from __future__ import annotations

from functools import cache, partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from simulator.server.datagram import DatagramPort
from simulator.server.exchange import NO_UNIT
from simulator.server.factory import ModbusServerFactory, host_of
from simulator.server.faulty import make_faulty, make_stock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from simulator.config.placement import ListenerPlan, Span
    from simulator.server.faulty_places import Run
    from simulator.server.faulty_rules import Faults


class Stream:
    """The way to the client of one connection."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self.client = client_of(protocol)

    def sender(self, client: Any) -> Callable[[bytes], None]:
        """What sends to whoever has asked."""
        return self.write

    def write(self, data: bytes) -> None:
        """Send."""
        self._protocol.transport.write(data)

    def end(self, how: str) -> None:
        """End the connection: ``close`` or ``reset``."""
        transport = self._protocol.transport
        if how == "reset":
            transport.abortConnection()
        else:
            transport.loseConnection()

    def pause(self) -> None:
        """Take no more requests."""
        self._protocol.transport.pauseProducing()

    def resume(self) -> None:
        """Take requests again."""
        self._protocol.transport.resumeProducing()

    def take_over(self) -> bool:
        """Have Python answer all requests of the connection, or not; True when compiled code did."""
        exchange = self._protocol.exchange
        if exchange.compiled is None:
            return False
        kept = self._protocol.transport.disarm()
        self._protocol.factory.disarmed(exchange)
        exchange.framer.receive(kept)
        return True

    def give_back(self) -> bool:
        """Have compiled code answer again, unless Python has the beginning of a request."""
        exchange, transport = self._protocol.exchange, self._protocol.transport
        framer = exchange.framer
        if framer.pending or exchange.open or not getattr(framer, "clean", True) or transport.fd < 0:
            return False
        exchange.unit = NO_UNIT  # to be admitted again
        self._protocol.factory.arm(exchange, transport)
        return True


class Datagrams:
    """The way from one local address of a datagram socket; ``client`` is told with each datagram."""

    client = None
    pause = resume = None

    def __init__(self, port: Any, place: bytes = b"") -> None:
        self._port = port
        self._place = place

    def sender(self, client: Any) -> Callable[[bytes], None]:
        """What sends to whoever has asked."""
        return partial(self._port.send, peer=client, place=self._place)


class Line:
    """The way out of a serial line."""

    client = ""
    pause = resume = None

    def __init__(self, port: Any) -> None:
        self._port = port

    def sender(self, client: Any) -> Callable[[bytes], None]:
        """What sends to whoever has asked."""
        return self._port.send  # type: ignore[no-any-return]


class FaultyFactory(ModbusServerFactory):
    """The factory of a listener that rules are about, or mixed into the class of another one.

    ``faults`` are the rules, ``plan`` is that of the listener.
    """

    faults: Faults
    plan: ListenerPlan

    def connection_made(self, protocol: Any) -> None:
        """Give a connection its station and its rules, or turn the client away."""
        super().connection_made(protocol)
        if protocol.exchange.station is None or getattr(protocol.transport, "fd", 0) < 0:
            return  # it was turned away
        make_faulty(protocol.exchange, self.faults, self.plan.scheme, Stream(protocol))
        if self.faults.turns_away(self.devices_of(protocol), protocol.exchange.faults):
            self.refused += 1
            protocol.transport.abortConnection()

    def connection_lost(self, protocol: Any) -> None:
        """Take a connection off the books, with what is held for it."""
        if protocol.exchange.faults is not None:
            protocol.exchange.faults.stop()
        super().connection_lost(protocol)

    def stopFactory(self) -> None:
        """Forget what is held for those who have no connection."""
        super().stopFactory()  # type: ignore[no-untyped-call]
        for exchange in exchanges_of(self):
            if exchange.faults is not None:
                exchange.faults.stop()

    def devices_of(self, protocol: Any) -> list[Run]:
        """The devices behind the address that a client has connected to."""
        if not self.plan.wildcard:
            return [_devices_at(span, span.first_ip) for span in self.plan.spans]
        ip = int(ip_address(protocol.transport.getHost().host))
        return [_devices_at(span, ip) for span in self.plan.spans_at(ip)]


class FaultyDatagramPort(DatagramPort):
    """A datagram socket that rules are about."""

    def startListening(self) -> None:
        """Bind, and let rules act."""
        super().startListening()
        self._furnish(self._exchange, b"")

    def _remember(self, place: bytes) -> Any:
        exchange = super()._remember(place)
        if exchange is not None:
            self._furnish(exchange, place)
        return exchange

    def _furnish(self, exchange: Any, place: bytes) -> None:
        make_faulty(exchange, self.factory.faults, self.factory.plan.scheme, Datagrams(self, place))


def attach(factory: Any, plan: ListenerPlan, faults: Faults, connections: Iterable[Any]) -> None:
    """Let rules act on a listener; ``connections`` are the protocols of its connections."""
    if isinstance(factory, FaultyFactory):
        return
    kind: Any = type(factory)
    factory.__class__ = _faulty_factory(kind)
    factory.faults, factory.plan = faults, plan
    port, transport = factory.port, plan.kind.transport
    for protocol in connections:
        if protocol.exchange.station is not None:
            make_faulty(protocol.exchange, faults, plan.scheme, Stream(protocol))
    if transport == "udp":
        port.__class__ = FaultyDatagramPort
        for exchange, place in port.exchanges():
            make_faulty(exchange, faults, plan.scheme, Datagrams(port, place))
    elif transport == "serial":
        for exchange in exchanges_of(factory):
            make_faulty(exchange, faults, plan.scheme, Line(port))


def detach(factory: Any, connections: Iterable[Any]) -> None:
    """Let a listener be what it was."""
    if not isinstance(factory, FaultyFactory):
        return
    for protocol in connections:
        make_stock(protocol.exchange)
    for exchange in exchanges_of(factory):
        make_stock(exchange)
    plain: Any = DatagramPort
    if isinstance(factory.port, FaultyDatagramPort):
        factory.port.__class__ = plain
    plain = ModbusServerFactory
    factory.__class__ = getattr(type(factory), "stock", plain)


def exchanges_of(factory: Any) -> list[Any]:
    """The exchanges of a listener that belong to no connection."""
    exchanges = getattr(factory.port, "exchanges", None)
    return [] if exchanges is None else [exchange for exchange, _ in exchanges()]


def _devices_at(span: Span, ip: int) -> Run:
    """The run of devices of a span on one address."""
    width = 1 if span.units is None else len(span.units)
    address = ip - span.first_ip if span.step else 0
    first = span.first + address * span.step
    return span.group, first, first + max(0, min(width, span.count - address * width))


def client_of(protocol: Any) -> str:
    """The address of a client; "" when it has gone already."""
    try:
        return host_of(protocol.transport.getPeer())
    except (OSError, ValueError):
        return ""


@cache
def _faulty_factory(kind: Any) -> type[Any]:
    if kind is ModbusServerFactory:
        return FaultyFactory
    return type(f"Faulty{kind.__name__}", (FaultyFactory, kind), {"stock": kind})
