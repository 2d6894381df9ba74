"""The server's side of connections without sockets: a hub, ports and connections in memory.

They stand in for those of ``simulator.server`` below the factories, so all from the framer on is what serves
sockets, too.  The one rule: bytes are handed over at once and in order; nothing waits but for the clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from simulator.server.hub import SWEEPS_PER_TIMEOUT

if TYPE_CHECKING:
    from simulator.config.placement import ListenerPlan
    from simulator.server.factory import ModbusServerFactory

FREE_PORTS = 49_152  # where those are counted from that a plant leaves to the system
CLIENT = "127.0.0.1"  # where clients come from, unless they say otherwise


class MemoryConnection:
    """The transport of one connection; ``outgoing`` is what the client has not taken.

    ``ended`` is empty while it is open, then ``close`` or ``reset``.
    """

    def __init__(self, hub: MemoryHub, here: Any, peer: Any) -> None:
        self.hub = hub
        self.fd = hub.number()  # of its own; below 0 once it is closed
        self.protocol: Any = None
        self.outgoing = bytearray()
        self.ended = ""
        self.seen = hub.reactor.seconds()
        self._here = here
        self._peer = peer
        self._is_paused = False
        self._incoming = bytearray()

    def hear(self, data: bytes) -> None:
        """Bytes of the client."""
        self._incoming += data
        self._proceed()

    def leave(self) -> None:
        """The client closes."""
        self._end("close", ConnectionDone())

    def write(self, data: bytes) -> None:
        """Send to the client."""
        if self.fd >= 0:
            self.outgoing += data

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """Close; the client can take what was sent before."""
        self._end("close", ConnectionDone())

    def abortConnection(self) -> None:
        """Close with a reset."""
        if self.fd >= 0:
            self.outgoing.clear()
        self._end("reset", ConnectionAborted())

    def abandon(self) -> None:
        """Close now, with a reset when the client has not taken all of its answers."""
        if self.outgoing:
            self.abortConnection()
        else:
            self.loseConnection()

    def pauseProducing(self) -> None:
        self._is_paused = True

    def resumeProducing(self) -> None:
        self._is_paused = False
        self._proceed()

    def stopProducing(self) -> None:
        self.loseConnection()

    def idle_since(self, now: float) -> bool:
        """True when nothing came for the idle timeout of the protocol."""
        timeout = self.protocol.idle_timeout
        return bool(timeout) and now - self.seen >= timeout

    def getPeer(self) -> Any:
        return self._peer

    def getHost(self) -> Any:
        return self._here

    def _proceed(self) -> None:
        if self._incoming and not self._is_paused and self.fd >= 0:
            data, self._incoming = bytes(self._incoming), bytearray()
            self.seen = self.hub.reactor.seconds()
            self.protocol.dataReceived(data)

    def _end(self, how: str, reason: Exception) -> None:
        if self.fd >= 0:
            self.fd = -1
            self.ended = how
            self.hub.connections.discard(self)
            self.protocol.connectionLost(Failure(reason))


class MemoryPort:
    """What listens for clients in the same process; ``endpoint`` is its name for people."""

    def __init__(self, hub: MemoryHub, plan: ListenerPlan, factory: ModbusServerFactory) -> None:
        self.hub = hub
        self.plan = plan
        self.factory = factory
        self.port = plan.port or hub.free_port()
        self._is_paused = False
        self._is_closed = False
        self._withdrawn: set[object] = set()
        factory.doStart()  # type: ignore[no-untyped-call]

    @property
    def endpoint(self) -> str:
        """``tcp://127.0.0.1:49152``; a serial line by its name."""
        if self.plan.line is not None:
            return self.plan.endpoint
        return self.at(self.plan.host)

    def at(self, host: str) -> str:
        """The endpoint at one of its addresses."""
        return f"{self.plan.scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def is_listening(self) -> bool:
        """False while it is withdrawn, or closed."""
        return not self._withdrawn and not self._is_closed

    def connect(self, host: str, source: str = CLIENT) -> MemoryConnection | None:
        """A connection of a client to one of its addresses; None when it is refused.

        As with sockets, one that is turned away after it was accepted is there and has ended.
        """
        if not self.is_listening or self._is_paused:
            return None
        self.hub.accepted += 1
        peer = _address(source, self.hub.free_port())
        protocol = self.factory.buildProtocol(peer)
        connection = MemoryConnection(self.hub, _address(host, self.port), peer)
        if protocol is None:
            self.hub.refused += 1
            connection.fd, connection.ended = -1, "close"
            return connection
        connection.protocol = protocol
        self.hub.connections.add(connection)
        protocol.makeConnection(connection)
        return connection

    def withdraw(self, why: object) -> None:
        """Refuse clients until ``restore`` is called for the same reason, and for every other there is."""
        self._withdrawn.add(why)

    def restore(self, why: object) -> None:
        """Take one reason back."""
        self._withdrawn.discard(why)

    def pause(self) -> None:
        """Take no more connections until ``resume``."""
        self._is_paused = True

    def resume(self) -> None:
        """Take connections again."""
        self._is_paused = False

    def stopListening(self) -> Deferred[None]:
        """Refuse clients for good; connections go on."""
        if not self._is_closed:
            self._is_closed = True
            self.factory.doStop()  # type: ignore[no-untyped-call]
        return succeed(None)


class Connections:
    """The connections of a hub that are open, in the order they were made."""

    def __init__(self) -> None:
        self._connections: dict[MemoryConnection, None] = {}

    def add(self, connection: MemoryConnection) -> None:
        self._connections[connection] = None

    def discard(self, connection: MemoryConnection) -> None:
        self._connections.pop(connection, None)

    def __iter__(self) -> Iterator[MemoryConnection]:
        return iter(list(self._connections))

    def __len__(self) -> int:
        return len(self._connections)


class MemoryHub:
    """All ports and connections of a plant in memory."""

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor
        self.connections = Connections()
        self.ports: list[MemoryPort] = []
        self.accepted = 0
        self.refused = 0
        self._last_port = FREE_PORTS - 1
        self._last_number = -1
        self._sweeps: list[LoopingCall] = []

    def listen(self, plan: ListenerPlan, factory: ModbusServerFactory) -> MemoryPort:
        """A port for the devices of a plan."""
        factory.clock = self.reactor
        self.ports.append(MemoryPort(self, plan, factory))
        if factory.idle_timeout:
            sweep = LoopingCall(self._sweep, factory)
            sweep.clock = self.reactor
            sweep.start(factory.idle_timeout / SWEEPS_PER_TIMEOUT, now=False)
            self._sweeps.append(sweep)
        return self.ports[-1]

    def number(self) -> int:
        """A number that no other connection has."""
        self._last_number += 1
        return self._last_number

    def free_port(self) -> int:
        """A port that nobody has, for a listener or a client."""
        self._last_port += 1
        return self._last_port

    def stop(self) -> Deferred[None]:
        """Close all ports and connections."""
        self.close()
        return succeed(None)

    def close(self) -> None:
        """Close all ports and connections."""
        for sweep in self._sweeps:
            if sweep.running:
                sweep.stop()
        for port in self.ports:
            port.stopListening()
        for connection in self.connections:
            connection.loseConnection()

    def _sweep(self, factory: ModbusServerFactory) -> None:
        """End the connections of a listener that have been idle for too long."""
        now = self.reactor.seconds()
        for connection in self.connections:
            if connection.protocol.factory is factory and connection.idle_since(now):
                connection.abandon()


def _address(host: str, port: int) -> IPv4Address | IPv6Address:
    return (IPv6Address if ":" in host else IPv4Address)("TCP", host, port)
