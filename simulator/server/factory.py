"""``ModbusServerFactory``: one a listener.  Who may connect, and which devices a connection reaches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ServerFactory
from twisted.logger import Logger

from simulator.protocol.mbap import MbapFramer
from simulator.protocol.stream import StreamFramer
from simulator.server.exchange import Exchange, LineExchange
from simulator.server.lanes import compiled_station
from simulator.server.protocol import LineServerProtocol, ModbusServerProtocol
from simulator.server.stations import UNKNOWN_UNIT, LineStation, Station

if TYPE_CHECKING:
    from simulator.config.allow import AllowList
    from simulator.server._turn import Station as CompiledStation
    from simulator.server.tls import TlsListener

log = Logger()

_PLAIN_WAYS = (ModbusServerProtocol.dataReceived, LineServerProtocol.dataReceived)

Route = Callable[[str], "Station | None"]


class HostLimit:
    """How many connections one client host may hold; one object serves every listener of a plant."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held: Counter[str] = Counter()

    def take(self, host: str) -> bool:
        """Count a connection, or return False when the host has its share."""
        if self.held[host] >= self.most:
            return False
        self.held[host] += 1
        return True

    def give_back(self, host: str) -> None:
        """A connection taken before has ended."""
        self.held[host] -= 1
        if not self.held[host]:
            del self.held[host]


class ModbusServerFactory(ServerFactory):
    """Serves the devices of one listener, through the hub or any other Twisted transport.

    ``station`` holds the devices by unit id.  ``route``, for a listener on many addresses, takes the local
    address of a connection and returns its station, or None for an address that is not in the plan; such a
    connection is closed at once.  ``unknown_unit`` is what answers a unit id that no device has; by default
    exception 0x0B, and nobody where the framing is one of serial lines.

    ``framer`` makes what cuts a connection into requests.  With a framing of serial lines the devices behind
    one address share a bus: unit id 0 is everybody, and all hear of what is wrong with the bytes.

    ``idle_timeout`` is in seconds, 0 for never.  ``max_connections`` bounds the connections of one address:
    the listener rests while it is reached; behind a ``route``, where one listener serves many addresses, the
    connection over the limit is closed, and so is one over the ``host_limit`` or from a host that ``allow``
    does not admit.

    Where there is compiled code it answers plain requests, and neither the protocol nor its exchange
    hears of them; a factory that must hear of every one sets ``compiled`` to False.
    """

    noisy = False
    framer: Callable[[], Any] = MbapFramer
    protocol: Any = ModbusServerProtocol
    compiled = True

    def __init__(
        self,
        station: Station | None = None,
        *,
        route: Route | None = None,
        framer: Callable[[], Any] | None = None,
        unknown_unit: str | None = None,
        idle_timeout: float = 0,
        max_connections: int = 0,
        host_limit: HostLimit | None = None,
        allow: AllowList | None = None,
    ) -> None:
        if (station is None) == (route is None):
            raise ValueError("expected either a station or a route")
        if framer is not None:
            self.framer = framer
        self.is_line = isinstance(self.framer, type) and issubclass(self.framer, StreamFramer)
        if self.is_line and self.protocol is ModbusServerProtocol:
            self.protocol = LineServerProtocol
        self._lines: dict[str, LineStation] = {}  # by local address, behind a route
        self.station = LineStation(station, self.failed) if station is not None and self.is_line else station
        self.route = self._line_route(route) if route is not None and self.is_line else route
        self.absent = UNKNOWN_UNIT[unknown_unit or ("ignore" if self.is_line else "gateway_target_failed")]
        self.clock: Any = None  # what waits for the rest of a frame; the reactor, once it listens
        self.idle_timeout = idle_timeout
        self.max_connections = max_connections
        self.host_limit = host_limit
        self.allow = allow
        self.port: Any = None  # the hub's listener, when it is one
        self.tls: TlsListener | None = None  # of a listener that speaks TLS
        self.connections = 0
        self.refused = 0
        self.exceptions = 0
        self.lost_streams = 0
        self.discarded = 0  # requests that a quirk left without an answer
        self.line_errors = 0  # pieces of input with something wrong in it: checksums, bytes between frames
        self.served = 0  # requests that Python has answered, and compiled code for connections that ended
        self._shared: CompiledStation | None = None  # of all connections, when there is no route
        self.placed: list[CompiledStation] = []  # of local addresses that datagrams came to, behind a route
        self._held: Counter[str] = Counter()  # connections by local address, behind a route
        self._failures: set[str] = set()

    def startFactory(self) -> None:
        """Wait by the reactor of the process unless something else was given to wait by."""
        if self.clock is None:
            from twisted.internet import reactor

            self.clock = reactor

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Make the protocol of a connection, or refuse the client."""
        host = "" if self.host_limit is None and self.allow is None else host_of(addr)
        if self.allow is not None and not self.allow.admits(host):
            self.refused += 1
            return None
        if self.host_limit is not None and not self.host_limit.take(host):
            self.refused += 1
            return None
        built = self.protocol()
        built.factory = self
        built.host = host
        return built

    def exchange(self, framer: Any) -> Exchange:
        """What answers the requests that ``framer`` cuts."""
        return LineExchange(self, framer) if self.is_line else Exchange(self, framer)

    @property
    def requests(self) -> int:
        """How many were answered."""
        shared = self._shared.answered if self._shared is not None else 0
        return self.served + shared + sum(station.answered for station in self.placed)

    def connection_made(self, protocol: ModbusServerProtocol) -> None:
        """Give a connection its station, or close it."""
        self.connections += 1
        protocol.exchange.client = protocol.transport
        if self.route is not None:
            self._place(protocol)
        else:
            protocol.exchange.station = self.station
            if self.max_connections and self.connections >= self.max_connections and self.port is not None:
                self.port.pause()
        if type(protocol).dataReceived in _PLAIN_WAYS:
            self.arm(protocol.exchange, protocol.transport)

    def connection_lost(self, protocol: ModbusServerProtocol) -> None:
        """Take a connection off the books."""
        self.connections -= 1
        if self.host_limit is not None:
            self.host_limit.give_back(protocol.host)
        self.disarmed(protocol.exchange)
        if protocol.place:
            self._held[protocol.place] -= 1
        if self.port is not None and self.connections < self.max_connections:
            self.port.resume()

    def arm(self, exchange: Exchange, transport: Any) -> None:
        """Let compiled code answer the plain requests that nothing but stock classes would see."""
        kind = type(exchange)
        is_stock = getattr(kind, "stock", kind) in (Exchange, LineExchange)
        if not self.compiled or not is_stock or not hasattr(transport, "arm"):
            return
        bus = getattr(exchange.station, "bus", None)
        station = self._shared or compiled_station(exchange.framer, bus)
        if station is None or not transport.arm(station):
            return
        exchange.compiled = station
        if self.route is None:
            self._shared = station

    def disarmed(self, exchange: Exchange) -> None:
        """Compiled code does not answer for a connection any more: count what it has answered."""
        if exchange.compiled is not None and exchange.compiled is not self._shared:
            self.served += exchange.compiled.answered
        exchange.compiled = None

    def stream_lost(self, reason: str) -> None:
        """Count a connection whose bytes are no Modbus."""
        self.lost_streams += 1

    def failed(self, device: Any, pdu: bytes, reason: Exception) -> None:
        """Log a fault of ours in answering, once for each kind."""
        kind = f"{type(reason).__name__}: {reason}"
        if kind not in self._failures and len(self._failures) < 100:
            self._failures.add(kind)
            log.error("request {pdu} failed: {kind}", pdu=pdu.hex(" "), kind=kind)

    def _line_route(self, route: Route) -> Route:
        """The route to stations with a bus each, which counts for all who come."""

        def line_at(address: str) -> Station | None:
            line = self._lines.get(address)
            if line is None and (station := route(address)) is not None:
                line = self._lines[address] = LineStation(station, self.failed)
            return line

        return line_at

    def _place(self, protocol: ModbusServerProtocol) -> None:
        assert self.route is not None
        address = protocol.transport.getHost().host
        station = protocol.exchange.station = self.route(address)
        if self.max_connections:
            protocol.place = address
            self._held[address] += 1
        if station is None or (self.max_connections and self._held[address] > self.max_connections):
            self.refused += 1
            protocol.transport.abortConnection()


def host_of(addr: object) -> str:
    """The address of a client, "" for one that has none."""
    return str(getattr(addr, "host", ""))
