"""``QuirkyServerFactory``: a listener whose devices have quirks of the connection, or stand behind a gateway.

A *front* is what stands between clients and devices at one local address.  A listener on many addresses has
one for each; connections to an address without a front are served as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from simulator.quirks import NO_CONNECTION_QUIRKS, ConnectionQuirks
from simulator.server.admission import Admission
from simulator.server.factory import ModbusServerFactory, host_of
from simulator.server.gateway import Gateway, GatewayExchange
from simulator.server.quirky import QuirkyTransport, make_quirky
from simulator.server.stations import LineStation

if TYPE_CHECKING:
    from twisted.internet.interfaces import IAddress

    from simulator.config.gateway import GatewayLine
    from simulator.config.placement import ListenerPlan, Span
    from simulator.config.plant import Group


@dataclass(frozen=True, slots=True)
class Front:
    """The quirks of the connections to an address, and the gateway behind it if there is one."""

    quirks: ConnectionQuirks = NO_CONNECTION_QUIRKS
    gateway: GatewayLine | None = None


FrontAt = Callable[[str], "Front | None"]  # by local address; "" where the listener has one only


class QuirkyServerFactory(ModbusServerFactory):
    """``front_at`` returns what stands at a local address, ``fronts`` are all there are."""

    def __init__(self, *arguments: Any, front_at: FrontAt, fronts: Iterable[Front], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._front_at = front_at
        self._admission = Admission()
        self._gateways: dict[str, Gateway] = {}
        self._patience = self.idle_timeout
        patiences = [self.idle_timeout, *(front.quirks.idle_timeout or 0.0 for front in fronts)]
        self.idle_timeout = min(filter(None, patiences), default=0.0)  # how often the hub has to look

    @property
    def gateways(self) -> Sequence[Gateway]:
        """The gateways that have had a client."""
        return tuple(self._gateways.values())

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Make the protocol of a connection, or refuse the client."""
        built = super().buildProtocol(addr)
        if built is not None:
            built.host = host_of(addr)
        return built

    def connection_made(self, protocol: Any) -> None:
        """Give a connection its station, exchange and transport, or close it."""
        place = "" if self.route is None else str(protocol.transport.getHost().host)
        front = self._front_at(place) or Front()
        quirks = front.quirks
        protocol.idle_timeout = min(filter(None, (self._patience, quirks.idle_timeout)), default=0.0)
        leaving = self._admission.add(protocol, place, protocol.host, quirks)
        self._furnish(protocol, front)
        super().connection_made(protocol)
        if front.gateway is not None and protocol.exchange.station is not None:
            gateway = self._gateway(place, protocol.exchange.station, front.gateway)
            protocol.exchange.gateway = gateway
            protocol.exchange.station = gateway.station
        if leaving is not None:
            self.refused += leaving is protocol
            leaving.transport.abortConnection()

    def connection_lost(self, protocol: Any) -> None:
        """Take a connection off the books, and what it waits for off the line."""
        super().connection_lost(protocol)
        self._admission.remove(protocol)
        if isinstance(protocol.transport, QuirkyTransport):
            protocol.transport.stop()
        if isinstance(protocol.exchange, GatewayExchange):
            protocol.exchange.closed()

    def stopFactory(self) -> None:
        """Leave the lines."""
        for gateway in self._gateways.values():
            gateway.stop()

    def _furnish(self, protocol: Any, front: Front) -> None:
        """An exchange and a transport that suit the front; the ones there are when it has nothing special."""
        plain = protocol.exchange
        kind = type(plain) if front.gateway is None else GatewayExchange
        if front.quirks.concern_requests:
            make_quirky(protocol, kind, front.quirks, self.clock)
        elif front.gateway is not None:
            protocol.exchange = GatewayExchange(self, plain.framer)
            protocol.exchange.transport = protocol.transport

    def _gateway(self, place: str, station: Any, line: GatewayLine) -> Gateway:
        found = self._gateways.get(place)
        if found is None:
            found = self._gateways[place] = Gateway(LineStation(station, self.failed), line, self)
        return found


def planned_fronts(plan: ListenerPlan, groups: Sequence[Group]) -> tuple[FrontAt, list[Front]] | None:
    """The fronts of a listener by address, and all of them; None when it has none."""
    if plan.kind.transport not in ("tcp", "tls"):
        return None
    every = [front for front in {_front((span,), groups): None for span in plan.spans} if front != Front()]
    if not every:
        return None
    if not plan.wildcard:
        only = _front(plan.spans, groups)
        return (lambda place: only), every
    return (lambda place: _front(plan.spans_at(int(ip_address(place))), groups)), every


def _front(spans: Iterable[Span], groups: Sequence[Group]) -> Front:
    """What the groups of some spans, which agree, say about their address."""
    quirks, gateway = NO_CONNECTION_QUIRKS, None
    for span in spans:
        group = groups[span.group]
        if group.profile.quirks.connection != NO_CONNECTION_QUIRKS:
            quirks = group.profile.quirks.connection
        gateway = group.gateway or gateway
    return Front(quirks, gateway)
