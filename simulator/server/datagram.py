"""A datagram socket of the hub: each datagram is framed on its own, the answer goes back where it came from.

What a datagram begins and does not end is dropped with it, so one peer cannot disturb another.  Where a
socket listens on many addresses, the kernel tells with each datagram which of them was asked, and the
answer leaves from that address: a client that connected its socket takes no other.  Answers that the kernel
has no room for are lost, as datagrams are.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IListeningPort
from zope.interface import implementer

from simulator.errors import BindError
from simulator.server.datagram_framers import datagram_framer

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.server._turn import Station
    from simulator.server.exchange import Exchange
    from simulator.server.hub import Hub

MAX_DATAGRAM = 1500  # bytes taken of one; more is no Modbus
DATAGRAMS = 64  # at most in one turn, then others get theirs
RECEIVE_BUFFER = 1 << 20  # bytes; the kernel may grant less
MOST_PLACES = 1 << 16  # local addresses whose devices are remembered
PATIENCE = 8  # full turns before the next one takes more

_IP_PKTINFO = 8  # <linux/in.h>; the socket module does not name it everywhere
_PKTINFO_4 = struct.Struct("@I4s4s")  # interface, local address, address in the header: ip(7)
_PKTINFO_6 = struct.Struct("@16sI")  # address, interface: ipv6(7)


@implementer(IListeningPort)
class DatagramPort:
    """One datagram socket: an address, a port and the factory that serves it."""

    def __init__(self, hub: Hub, scheme: str, host: str, port: int, factory: Any) -> None:
        self.hub = hub
        self.factory = factory
        self.socket: Any = None
        self._scheme = scheme
        self._host = host
        self._port = port
        self._ipv6 = ":" in host
        self._budget = 1
        self._full_turns = 0
        self._exchange: Any = None
        self._serve: Callable[[], None] = self._serve_host
        self._places: dict[bytes, Exchange | None] = {}
        self._stations: dict[bytes, Station] = {}  # what compiled code knows of them
        self._allow = factory.allow
        self._lost = 0
        self._compiled: Station | None = None

    def startListening(self) -> None:
        """Bind; raises :class:`~simulator.errors.BindError` with everything released."""
        bound = socket.socket(socket.AF_INET6 if self._ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            bound.setblocking(False)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            if self._ipv6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if self._tells_addresses:
                self._ask_for_addresses(bound)
            bound.bind((self._host, self._port))
        except OSError as error:
            bound.close()
            raise BindError(self.endpoint, error.errno or 0, error.strerror or str(error)) from None
        self.socket = bound
        self._port = bound.getsockname()[1]
        if self._tells_addresses:
            self._serve = self._serve_place
        self._exchange = self._new_exchange(self.factory.station)
        self.hub.others.add(bound.fileno(), self)
        if self._allow is None:
            self.factory.arm(self._exchange, self)
        self.factory.doStart()

    def stopListening(self) -> Deferred[None]:
        """Close the socket."""
        if self.socket is not None:
            self.hub.others.remove(self.socket.fileno())
            self.socket.close()
            self.socket = None
            self.factory.doStop()
        return succeed(None)

    def getHost(self) -> Any:
        """The address it listens on, with the port the kernel picked when 0 was asked for."""
        if self._ipv6:
            return IPv6Address("UDP", self._host, self._port)
        return IPv4Address("UDP", self._host, self._port)

    @property
    def endpoint(self) -> str:
        """``udp://host:port``"""
        host = f"[{self._host}]" if self._ipv6 else self._host
        return f"{self._scheme}://{host}:{self._port}"

    def pause(self) -> None:
        """Datagrams are no connections: none of them waits for another to end."""

    def resume(self) -> None:
        """See ``pause``."""

    def forget(self) -> None:
        """Look devices up again: the plant has changed."""
        for exchange, _ in self.exchanges():
            exchange.forget()

    def exchanges(self) -> list[tuple[Exchange, bytes]]:
        """What answers, by local address; b"" where there is one only."""
        every = ((self._exchange, b""), *((exchange, place) for place, exchange in self._places.items()))
        return [(exchange, place) for exchange, place in every if exchange is not None]

    def arm(self, station: Station) -> bool:
        """Let compiled code answer plain requests; False when there is none."""
        places = self._stations if self._tells_addresses else None
        if not self.hub.others.arm(self.socket.fileno(), station, datagrams=True, places=places):
            return False
        self._compiled = station
        return True

    def take_from(self, peer: Any, place: bytes, data: bytes, answers: bytes) -> None:
        """Go on after compiled code: ``answers`` are not sent yet, the requests in ``data`` not answered."""
        if place:
            self._respond(peer, place, data, answers)
        else:
            self._exchange.client = peer
            self.send(answers + self._exchange.respond(data), peer)

    @property
    def lost(self) -> int:
        """Answers the kernel did not take."""
        return self._lost + (0 if self._compiled is None else self._compiled.lost)

    def ready(self, events: int, now: float) -> None:
        """Answer what has arrived: as many datagrams as there were lately."""
        budget = self._budget
        for taken in range(budget):
            try:
                self._serve()
            except BlockingIOError:
                self._budget = max(taken, 1)
                self._full_turns = 0
                return
            except OSError:
                pass  # an ICMP error about an earlier answer
        self._full_turns += 1
        if self._full_turns >= PATIENCE and budget < DATAGRAMS:
            self._full_turns = 0
            self._budget = 2 * budget

    def _serve_host(self) -> None:
        data, peer = self.socket.recvfrom(MAX_DATAGRAM)
        if self._allow is not None and not self._allow.admits(peer[0]):
            self.factory.refused += 1
            return
        self._exchange.client = peer
        self.send(self._exchange.respond(data), peer)

    def send(self, responses: bytes, peer: Any, place: bytes = b"") -> None:
        """Send an answer, from the local address ``place`` where the socket has many; it may be lost."""
        if not responses or self.socket is None:
            return
        try:
            if place:
                self.socket.sendmsg((responses,), (self._from(place),), 0, peer)
            else:
                self.socket.sendto(responses, peer)
        except OSError:
            self._lost += 1

    def _serve_place(self) -> None:
        """The same where the address that was asked decides about the devices and the answer."""
        data, facts, _, peer = self.socket.recvmsg(MAX_DATAGRAM, 64)
        if self._allow is not None and not self._allow.admits(peer[0]):
            self.factory.refused += 1
            return
        self._respond(peer, self._asked(facts), data)

    def _respond(self, peer: Any, place: bytes, data: bytes, answers: bytes = b"") -> None:
        try:
            exchange = self._places[place]
        except KeyError:
            exchange = self._remember(place)
        if exchange is None:
            self.factory.refused += 1
            return
        exchange.client = peer
        self.send(answers + exchange.respond(data), peer, place)

    @property
    def _tells_addresses(self) -> bool:
        return self.factory.route is not None or self._host in ("0.0.0.0", "::")

    def _ask_for_addresses(self, bound: socket.socket) -> None:
        if self._ipv6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            bound.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)

    def _asked(self, facts: list[tuple[int, int, bytes]]) -> bytes:
        """The local address, as the kernel has it, out of the facts it told with a datagram."""
        data = facts[0][2]
        return _PKTINFO_6.unpack_from(data)[0] if self._ipv6 else _PKTINFO_4.unpack_from(data)[1]  # type: ignore[no-any-return]

    def _from(self, place: bytes) -> tuple[int, int, bytes]:
        if self._ipv6:
            return socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, _PKTINFO_6.pack(place, 0)
        return socket.IPPROTO_IP, _IP_PKTINFO, _PKTINFO_4.pack(0, place, place)

    def _remember(self, place: bytes) -> Exchange | None:
        """What answers at a local address; None where no device is."""
        family = socket.AF_INET6 if self._ipv6 else socket.AF_INET
        route = self.factory.route
        station = self.factory.station if route is None else route(socket.inet_ntop(family, place))
        if len(self._places) >= MOST_PLACES:
            self._places.clear()
            self._stations.clear()
            self.factory.served += sum(station.answered for station in self.factory.placed)
            self.factory.placed.clear()
        exchange = None if station is None else self._new_exchange(station)
        self._places[place] = exchange
        if exchange is not None and self._compiled is not None:
            self.factory.arm(exchange, _Place(self._stations, place))
            if route is not None and exchange.compiled is not None:
                self.factory.placed.append(exchange.compiled)
        return exchange

    def _new_exchange(self, station: Any) -> Exchange:
        exchange: Exchange = self.factory.exchange(datagram_framer(self.factory.framer))
        exchange.station = station
        return exchange


class _Place:
    """One of the local addresses, as compiled code is told of it."""

    def __init__(self, stations: dict[bytes, Station], place: bytes) -> None:
        self._stations = stations
        self._place = place

    def arm(self, station: Station) -> bool:
        """Let compiled code answer there."""
        self._stations[self._place] = station
        return True
