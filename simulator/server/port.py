"""A listening socket of the hub.

Keep-alive and no-delay are set on the listening socket, from which Linux hands them to every connection.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IListeningPort
from zope.interface import implementer

from simulator.errors import BindError
from simulator.server.connection import Connection, _address

if TYPE_CHECKING:
    from simulator.server.hub import Hub

ACCEPTS = 256  # connections taken in one turn before others get theirs
_OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


@implementer(IListeningPort)
class HubPort:
    """One listener: an address, a port and the factory that serves it."""

    __slots__ = (
        "_backlog",
        "_connection",
        "_host",
        "_paused",
        "_port",
        "_scheme",
        "factory",
        "hub",
        "socket",
    )

    def __init__(
        self,
        hub: Hub,
        host: str,
        port: int,
        factory: Any,
        backlog: int,
        scheme: str = "tcp",
        connection: Callable[[Hub, int, float], Connection] = Connection,
    ) -> None:
        self.hub = hub
        self.factory = factory
        self.socket: socket.socket | None = None
        self._host = host
        self._port = port
        self._backlog = backlog
        self._scheme = scheme
        self._connection = connection
        self._paused = False

    def startListening(self) -> None:
        """Bind and listen; raises :class:`~simulator.errors.BindError` with everything released."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setblocking(False)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.bind((self._host, self._port))
            listening.listen(self._backlog)
        except OSError as error:
            listening.close()
            raise BindError(self.endpoint, error.errno or 0, error.strerror or str(error)) from None
        self.socket = listening
        self._port = listening.getsockname()[1]
        self.hub.ports.add(listening.fileno(), self)
        self.factory.doStart()

    def stopListening(self) -> Deferred[None]:
        """Close the listening socket; its connections go on."""
        if self.socket is not None:
            self.hub.ports.remove(self.socket.fileno())
            self.socket.close()
            self.socket = None
            self.factory.doStop()
        return succeed(None)

    def getHost(self) -> Any:
        """The address it listens on, with the port the kernel picked when 0 was asked for."""
        name = (self._host, self._port, 0, 0) if ":" in self._host else (self._host, self._port)
        return _address(name)

    def pause(self) -> None:
        """Take no more connections until ``resume``."""
        if self.socket is not None and not self._paused:
            self._paused = True
            self.hub.ports.watch(self.socket.fileno(), 0)

    def resume(self) -> None:
        """Take connections again."""
        if self.socket is not None and self._paused:
            self._paused = False
            self.hub.ports.watch(self.socket.fileno(), 1)

    def ready(self, events: int, now: float) -> None:
        """Accept what is waiting."""
        for _ in range(ACCEPTS):
            if self.socket is None or self._paused or self.hub.full():
                return
            try:
                accepted, peer = self.socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _OUT_OF_DESCRIPTORS:
                    self.hub.out_of_descriptors()
                    return
                continue  # that client went away before it was accepted
            self._serve(accepted, peer, now)

    def _serve(self, accepted: socket.socket, peer: tuple[Any, ...], now: float) -> None:
        self.hub.accepted += 1
        protocol = self.factory.buildProtocol(_address(peer))
        if protocol is None:
            self.hub.refused += 1
            accepted.close()
            return
        accepted.setblocking(False)
        fd = accepted.detach()
        connection = self._connection(self.hub, fd, now)
        connection.protocol = protocol
        self.hub.connections.add(fd, connection)
        protocol.makeConnection(connection)

    @property
    def endpoint(self) -> str:
        """``tcp://host:port``"""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{self._scheme}://{host}:{self._port}"
