"""A nested epoll: many sockets behind one descriptor of the reactor."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from zope.interface import implementer

from simulator.server.connection import Connection

if TYPE_CHECKING:
    from simulator.server._turn import Station

log = Logger()

MAX_EVENTS = 512  # sockets served in one turn before timers get theirs


class Sink(Protocol):
    """A socket in the hub."""

    def ready(self, events: int, now: float) -> None: ...


@implementer(IReadDescriptor)
class EventPool:
    """An epoll of sockets that is itself one readable descriptor of the reactor."""

    def __init__(self, reactor: Any, name: str) -> None:
        self._reactor = reactor
        self._name = name
        self._epoll = select.epoll()
        self._poll = self._epoll.poll
        self._sinks: dict[int, Sink] = {}
        self._seconds: Callable[[], float] = reactor.seconds
        self._watched = False

    def fileno(self) -> int:
        return -1 if self._epoll.closed else self._epoll.fileno()

    def logPrefix(self) -> str:
        return self._name

    def add(self, fd: int, sink: Sink) -> None:
        """Watch a descriptor for reading."""
        self._epoll.register(fd, select.EPOLLIN)
        self._sinks[fd] = sink
        if not self._watched:
            self.resume()

    def watch(self, fd: int, events: int) -> None:
        """Change what a descriptor is watched for."""
        self._epoll.modify(fd, events)

    def remove(self, fd: int) -> None:
        """Forget a descriptor; call it before the descriptor is closed."""
        if self._sinks.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def doRead(self) -> None:
        """Serve every socket that is ready, at most ``MAX_EVENTS`` of them."""
        sinks = self._sinks
        now = self._seconds()
        for fd, events in self._poll(0, MAX_EVENTS):
            try:
                sink = sinks[fd]
            except KeyError:  # an earlier socket of this turn closed it
                continue
            try:
                sink.ready(events, now)
            except Exception:
                log.failure("{sink} failed", sink=sink)
                self._drop(sink)

    def arm(
        self,
        fd: int,
        station: Station,
        *,
        datagrams: bool = False,
        places: dict[bytes, Station] | None = None,
    ) -> bool:
        """Let compiled code answer on a socket; False where there is none.

        ``places`` are the stations by local address, where a socket for datagrams has many.
        """
        return False

    def disarm(self, fd: int) -> bytes:
        """Let Python answer on a socket from now on; the beginning of an ADU that compiled code kept."""
        return b""

    def release(self, fd: int) -> None:
        """Let compiled code go on with a connection that has had requests for Python."""

    def seen(self, fd: int) -> float:
        """When compiled code last received bytes of a connection, 0 for never."""
        return 0.0

    def pause(self) -> None:
        """Stop looking at all of the sockets."""
        if self._watched:
            self._watched = False
            self._reactor.removeReader(self)

    def resume(self) -> None:
        """Look at the sockets again."""
        if not self._watched and not self._epoll.closed:
            self._watched = True
            self._reactor.addReader(self)

    def close(self) -> None:
        """Give the descriptor back; the sockets are the caller's to close."""
        self.pause()
        self._epoll.close()

    @property
    def closed(self) -> bool:
        """True when the descriptor has been given back."""
        return self._epoll.closed

    def connectionLost(self, reason: object) -> None:
        """The reactor stops."""

    def __iter__(self) -> Iterator[Sink]:
        return iter(list(self._sinks.values()))

    def __len__(self) -> int:
        return len(self._sinks)

    @staticmethod
    def _drop(sink: Sink) -> None:
        if isinstance(sink, Connection):
            sink.abortConnection()
