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
from simulator.protocol.frames import Frame
from simulator.protocol.line import RtuLine
from simulator.protocol.mbap import HEADER, MAX_LENGTH, MIN_LENGTH, MbapFramer
from simulator.protocol.rtu import RtuFramer
from simulator.protocol.stream import StreamFramer

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
_unpack = HEADER.unpack_from


class MbapDatagrams(MbapFramer):
    """Cuts datagrams of MBAP ADUs; nothing is kept from one to the next."""

    __slots__ = ("errors",)

    def __init__(self) -> None:
        super().__init__()
        self.errors = 0

    def receive(self, data: bytes) -> list[Frame]:
        """Return the requests of one datagram."""
        if len(data) > HEADER.size:
            transaction, protocol_id, length, unit = _unpack(data)
            if length == len(data) - 6 and not protocol_id and MIN_LENGTH <= length <= MAX_LENGTH:
                return [Frame(transaction, unit, data[7:])]
        frames = super().receive(data)
        if self._tail or self.lost:
            self.errors += 1
            self._tail = b""
            self.lost = ""
        return frames


class LineDatagrams:
    """Cuts datagrams of a line framing; the end of a datagram is the pause."""

    def __init__(self, framer: StreamFramer) -> None:
        self.framer = framer
        self.lost = ""
        self.build = framer.build

    @property
    def errors(self) -> int:
        """Frames that were wrong or broken off."""
        return self.framer.errors

    def receive(self, data: bytes) -> list[Frame]:
        """Return the requests of one datagram."""
        frames = self.framer.receive(data)
        if self.framer.pending:
            frames += self.framer.idle()
        return frames


class RtuDatagrams:
    """Cuts datagrams of RTU frames.  As on a line, the CRC over the whole decides, not a byte count."""

    def __init__(self) -> None:
        self._line = RtuLine(1)
        self.lost = ""
        self.build = self._line.build

    @property
    def errors(self) -> int:
        """Datagrams that are no frames."""
        return self._line.errors + self._line.overruns

    def receive(self, data: bytes) -> list[Frame]:
        """Return the requests of one datagram."""
        self._line.receive(data, 0.0)
        return self._line.silence(self._line.frame_gap_s)


def datagram_framer(framer: Any) -> Any:
    """What cuts datagrams where ``framer`` cuts streams."""
    if framer is MbapFramer:
        return MbapDatagrams()
    if framer is RtuFramer:
        return RtuDatagrams()
    return LineDatagrams(framer(noise_limit=None))


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
        else:
            self._exchange = self._new_exchange(self.factory.station)
        self.hub.others.add(bound.fileno(), self)
        if self._exchange is not None and self._allow is None:
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

    def arm(self, station: Station) -> bool:
        """Let compiled code answer plain requests; False when there is none."""
        if not self.hub.others.arm(self.socket.fileno(), station, datagrams=True):
            return False
        self._compiled = station
        return True

    def take_from(self, peer: Any, data: bytes, answers: bytes) -> None:
        """Go on after compiled code: ``answers`` are not sent yet, the requests in ``data`` not answered."""
        self._send(answers + self._exchange.respond(data), peer)

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
        self._send(self._exchange.respond(data), peer)

    def _send(self, responses: bytes, peer: Any) -> None:
        if responses:
            try:
                self.socket.sendto(responses, peer)
            except OSError:
                self._lost += 1

    def _serve_place(self) -> None:
        """The same where the address that was asked decides about the devices and the answer."""
        data, facts, _, peer = self.socket.recvmsg(MAX_DATAGRAM, 64)
        if self._allow is not None and not self._allow.admits(peer[0]):
            self.factory.refused += 1
            return
        place = self._asked(facts)
        try:
            exchange = self._places[place]
        except KeyError:
            exchange = self._remember(place)
        if exchange is None:
            self.factory.refused += 1
            return
        responses = exchange.respond(data)
        if responses:
            try:
                self.socket.sendmsg((responses,), (self._from(place),), 0, peer)
            except OSError:
                self._lost += 1

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
        exchange = None if station is None else self._new_exchange(station)
        self._places[place] = exchange
        return exchange

    def _new_exchange(self, station: Any) -> Exchange:
        exchange: Exchange = self.factory.exchange(datagram_framer(self.factory.framer))
        exchange.station = station
        return exchange
