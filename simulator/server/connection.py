"""The transport of one connection in the hub: write at once, buffer only what the kernel will not take.

While bytes are waiting to be sent nothing is read, so a client that never reads its answers can make
the server hold no more than the answers to one chunk of requests.
"""

from __future__ import annotations

import os
import select
import socket
import struct
from typing import TYPE_CHECKING, Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import ITCPTransport
from twisted.python.failure import Failure
from zope.interface import implementer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulator.server._turn import Station
    from simulator.server.hub import Hub

DRAINED = 16  # chunks thrown away at the most before a close
CHUNK = 8192  # the bytes of one read: some 680 pipelined requests

_IN = select.EPOLLIN
_read = os.read
_write = os.write
_DONE = Failure(ConnectionDone())
_ABORTED = Failure(ConnectionAborted())


@implementer(ITCPTransport)
class Connection:
    """One accepted connection; ``fd`` is -1 once it is closed."""

    __slots__ = ("_closing", "_outgoing", "_paused", "fd", "hub", "protocol", "seen")

    def __init__(self, hub: Hub, fd: int, now: float) -> None:
        self.hub = hub
        self.fd = fd
        self.protocol: Any = None
        self.seen = now
        self._outgoing = b""
        self._closing = False
        self._paused = False

    def ready(self, events: int, now: float) -> None:
        """Take what the socket has."""
        if events == _IN:
            try:
                data = _read(self.fd, CHUNK)
            except BlockingIOError:
                return
            except OSError as error:
                self._lost(Failure(ConnectionLost(str(error))))
                return
            if data:
                self.seen = now
                self.protocol.dataReceived(data)
            else:
                self._lost(_DONE)
        else:
            self._unusual(events, now)

    def arm(self, station: Station) -> bool:
        """Let compiled code answer the plain requests of this connection; False when there is none."""
        return self.fd >= 0 and self.hub.connections.arm(self.fd, station)

    def disarm(self) -> bytes:
        """Let Python answer from now on; what has come of a request that is not complete."""
        return self.hub.connections.disarm(self.fd) if self.fd >= 0 else b""

    def release(self) -> None:
        """Let compiled code go on: every byte that has come is answered."""
        self.hub.connections.release(self.fd)

    def take(self, data: bytes, answers: bytes) -> None:
        """Go on after compiled code: ``answers`` are not sent yet, the requests in ``data`` not answered."""
        self._outgoing += answers
        if data:
            self.protocol.dataReceived(data)
        if self._outgoing:
            outgoing, self._outgoing = self._outgoing, b""
            self.write(outgoing)
            if self._closing and self.fd >= 0 and not self._outgoing:
                self._close()

    def write(self, data: bytes) -> None:
        """Send now; what the kernel does not take is sent when it has room."""
        if self._outgoing or self.fd < 0:
            if self.fd >= 0:
                self._outgoing += data
            return
        try:
            sent = _write(self.fd, data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._lost(Failure(ConnectionLost(str(error))))
            return
        if sent != len(data):
            self._outgoing = data[sent:]
            self._watch()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """Close when everything written has been sent."""
        if self._outgoing:
            self._closing = True
        elif self.fd >= 0:
            self._close()

    def abortConnection(self) -> None:
        """Close with a reset; what was not sent is lost."""
        if self.fd >= 0:
            self._linger()
            self._lost(_ABORTED)

    def abandon(self) -> None:
        """Close now: a client that takes no more of its answers has no right to them."""
        if self._outgoing:
            self.abortConnection()
        else:
            self.loseConnection()

    def pauseProducing(self) -> None:
        self._paused = True
        self._watch()

    def resumeProducing(self) -> None:
        self._paused = False
        self._watch()

    def stopProducing(self) -> None:
        self.loseConnection()

    def registerProducer(self, producer: object, streaming: bool) -> None:
        raise RuntimeError("a Modbus connection takes no producer: write whole responses")

    def unregisterProducer(self) -> None:
        """There is none."""

    def idle_since(self, now: float) -> bool:
        """True when nothing came, and nothing was taken, for the idle timeout of the protocol."""
        timeout = getattr(self.protocol, "idle_timeout", 0)
        return bool(timeout) and now - max(self.seen, self.hub.connections.seen(self.fd)) >= timeout

    @property
    def waiting(self) -> bool:
        """True while bytes are buffered."""
        return bool(self._outgoing)

    def getPeer(self) -> IPv4Address | IPv6Address:
        return _address(self._socket_name("getpeername"))

    def getHost(self) -> IPv4Address | IPv6Address:
        return _address(self._socket_name("getsockname"))

    def getTcpNoDelay(self) -> bool:
        return bool(self._option(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    def setTcpNoDelay(self, enabled: bool) -> None:
        self._option(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(enabled))

    def getTcpKeepAlive(self) -> bool:
        return bool(self._option(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    def setTcpKeepAlive(self, enabled: bool) -> None:
        self._option(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(enabled))

    def loseWriteConnection(self) -> None:
        self.loseConnection()

    def _unusual(self, events: int, now: float) -> None:
        if events & select.EPOLLOUT:
            self.seen = now  # the client has taken some of its answers
            self._flush()
        if self.fd >= 0 and events & _IN:
            self.ready(_IN, now)
        elif self.fd >= 0 and events & (select.EPOLLHUP | select.EPOLLERR):
            self._lost(Failure(ConnectionLost()))

    def _flush(self) -> None:
        try:
            sent = _write(self.fd, self._outgoing)
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(Failure(ConnectionLost(str(error))))
            return
        self._outgoing = self._outgoing[sent:]
        if not self._outgoing:
            if self._closing:
                self._close()
            else:
                self._watch()

    def _watch(self) -> None:
        if self.fd >= 0:
            reading = 0 if self._outgoing or self._paused else _IN
            writing = select.EPOLLOUT if self._outgoing else 0
            self.hub.connections.watch(self.fd, reading | writing)

    def _close(self) -> None:
        """Close so that the answers arrive: bytes left unread would make the kernel send a reset instead."""
        try:
            for _ in range(DRAINED):
                if len(_read(self.fd, CHUNK)) < CHUNK:
                    break
        except OSError:
            pass
        self._lost(_DONE)

    def _lost(self, reason: Failure) -> None:
        fd, self.fd = self.fd, -1
        self._outgoing = b""
        self.hub.connections.remove(fd)
        os.close(fd)
        protocol, self.protocol = self.protocol, None
        self.hub.connection_closed()
        protocol.connectionLost(reason)

    def _linger(self) -> None:
        self._option(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _socket_name(self, which: str) -> tuple[Any, ...]:
        borrowed = socket.socket(fileno=self.fd)
        try:
            name: tuple[Any, ...] = getattr(borrowed, which)()
            return name
        finally:
            borrowed.detach()

    def _option(self, level: int, option: int, value: int | bytes | None = None) -> int:
        borrowed = socket.socket(fileno=self.fd)
        try:
            if value is None:
                return borrowed.getsockopt(level, option)
            borrowed.setsockopt(level, option, value)
            return 0
        finally:
            borrowed.detach()


def _address(name: tuple[Any, ...]) -> IPv4Address | IPv6Address:
    if len(name) == 2:
        return IPv4Address("TCP", *name)
    return IPv6Address("TCP", *name)
