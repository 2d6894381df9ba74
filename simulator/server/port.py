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
from twisted.logger import Logger
from zope.interface import implementer

from simulator.errors import BindError
from simulator.server.connection import Connection, _address

if TYPE_CHECKING:
    from simulator.server.hub import Hub

log = Logger()

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
        "_withdrawn",
        "factory",
        "hub",
        "reserved",
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
        self.reserved: socket.socket | None = None  # keeps the port while nobody listens
        self._withdrawn: set[object] = set()  # why nobody does

    def startListening(self) -> None:
        """Bind and listen; raises :class:`~simulator.errors.BindError` with everything released."""
        self._listen(self._bound())
        self.factory.doStart()

    def stopListening(self) -> Deferred[None]:
        """Close the listening socket; its connections go on."""
        if self.socket is not None or self.reserved is not None:
            self._close()
            self.factory.doStop()
        return succeed(None)

    def withdraw(self, why: object) -> None:
        """Refuse clients until ``restore`` is called for the same reason, and for every other there is.

        Connections go on.  The port is kept, so that neither a client nor another program gets it meanwhile.
        """
        self._withdrawn.add(why)
        if self.socket is not None:
            self._close()
            try:
                self.reserved = self._bound()
            except BindError as error:  # somebody was quicker; to be told when it is wanted back
                log.warn("{error}", error=error)
            self.hub.withdrawn.add(self)

    def restore(self, why: object) -> None:
        """Take one reason back, and listen again when it was the last.

        Raises :class:`~simulator.errors.BindError` when another program has the port by now.
        """
        self._withdrawn.discard(why)
        if not self._withdrawn and self in self.hub.withdrawn:
            self.hub.withdrawn.remove(self)
            reserved, self.reserved = self.reserved, None
            try:
                self._listen(self._bound() if reserved is None else reserved)
            except BindError:
                self._withdrawn.add(why)
                self.hub.withdrawn.add(self)
                raise

    @property
    def is_listening(self) -> bool:
        """False while it is withdrawn, or closed."""
        return self.socket is not None

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

    def _bound(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            bound.setblocking(False)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.bind((self._host, self._port))
        except OSError as error:
            raise self._refused(bound, error) from None
        self._port = bound.getsockname()[1]
        return bound

    def _listen(self, bound: socket.socket) -> None:
        try:
            bound.listen(self._backlog)
        except OSError as error:
            raise self._refused(bound, error) from None
        self.socket = bound
        self._paused = False
        self.hub.ports.add(bound.fileno(), self)

    def _refused(self, bound: socket.socket, error: OSError) -> BindError:
        bound.close()
        return BindError(self.endpoint, error.errno or 0, error.strerror or str(error))

    def _close(self) -> None:
        """Give up what listens, or what keeps the port."""
        if self.socket is not None:
            self.hub.ports.remove(self.socket.fileno())
            self.socket.close()
            self.socket = None
        if self.reserved is not None:
            self.reserved.close()
            self.reserved = None
        self.hub.withdrawn.discard(self)

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
