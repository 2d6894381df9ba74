"""One descriptor in the reactor for all listeners and connections.

The reactor watches a single epoll descriptor; behind it a nested epoll holds every socket.  One turn of
the reactor takes all that is ready and calls each socket's ``ready``.  That spares the reactor's work per
descriptor, and the two ``epoll_ctl`` and one ``epoll_wait`` that its buffered writes cost per response,
while protocols and factories stay ordinary Twisted ones.

A second nested epoll holds the listening sockets, so that one call stops all accepting when the
connection limit is reached or the descriptors run out.  A third holds what is neither: datagram sockets and
serial lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from simulator.server.connection import Connection
from simulator.server.lanes import COMPILED, event_pool
from simulator.server.pool import EventPool

if TYPE_CHECKING:
    from simulator.server.line import LinePort
    from simulator.server.port import HubPort

log = Logger()

SWEEPS_PER_TIMEOUT = 8  # an idle connection ends at most an eighth late
LAST_TURNS = 4  # looks at the sockets before a stop, so that requests on their way are answered
GRACE_S = 2.0  # how long a stop waits for clients to take their answers
LINE_GRACE_S = 0.1  # and a pseudo-terminal, whose answers go with it
COMPLAINT_S = 60.0  # between two complaints about the same
DESCRIPTOR_PAUSE_S = 1.0  # how long accepting rests when the process has no descriptor left


class Hub:
    """All listeners, connections, datagram sockets and serial lines of a process.

    ``max_connections`` is how many connections it holds at once, 0 for as many as there are descriptors.
    ``compiled`` lets compiled code answer plain requests.
    """

    def __init__(self, reactor: Any, max_connections: int = 0, *, compiled: bool = COMPILED) -> None:
        self.reactor = reactor
        self.max_connections = max_connections
        self.connections = event_pool(reactor, "connections", compiled=compiled)
        self.ports = EventPool(reactor, "listeners")
        self.others = event_pool(reactor, "datagrams and lines", compiled=compiled)
        self.lines: set[LinePort] = set()  # those whose port is gone among them
        self.withdrawn: set[HubPort] = set()  # listeners that refuse clients for a while
        self.accepted = 0
        self.refused = 0
        self.idle_closed = 0
        self._sweeper = LoopingCall(self._sweep)
        self._sweeper.clock = reactor
        self._pause_call: Any = None
        self._complained = -COMPLAINT_S
        self._stopped: Deferred[None] | None = None
        self._grace: Any = None

    def listen(
        self,
        host: str,
        port: int,
        factory: Any,
        backlog: int = 4096,
        *,
        scheme: str = "tcp",
        connection: Callable[[Hub, int, float], Connection] = Connection,
    ) -> HubPort:
        """Open a listening socket whose connections ``factory`` serves, each through a ``connection``.

        Raises :class:`~simulator.errors.BindError`, which names the endpoint by its ``scheme``.  4096 is
        Linux's default ceiling of the backlog.
        """
        from simulator.server.port import HubPort

        listening = HubPort(self, host, port, factory, backlog, scheme, connection)
        listening.startListening()
        timeout = getattr(factory, "idle_timeout", 0)
        if timeout:
            self._sweep_every(timeout / SWEEPS_PER_TIMEOUT)
        return listening

    def full(self) -> bool:
        """True when no more connection may be taken; accepting then rests until one ends."""
        if self.max_connections and len(self.connections) >= self.max_connections:
            self.ports.pause()
            return True
        return False

    def out_of_descriptors(self) -> None:
        """Rest accepting for a moment: the process has no descriptor left."""
        self.ports.pause()
        if self._pause_call is None:
            self._complain()
            self._pause_call = self.reactor.callLater(DESCRIPTOR_PAUSE_S, self._pause_over)

    def connection_closed(self) -> None:
        """A connection ended: there is room for another."""
        if self._stopped is not None:
            if not self.connections and self._grace.active():
                self._grace.reset(LINE_GRACE_S if self.lines else 0)
        else:
            self._pause_over()

    def stop(self) -> Deferred[None]:
        """Take no more connections, answer what has arrived, close each when its answers are sent.

        Fires when all are closed; what a client has not taken after ``GRACE_S`` is lost.
        """
        if self.ports.closed:
            return succeed(None)
        self.ports.doRead()  # who has connected already is a client, too
        for port in (*self.ports, *self.withdrawn):
            port.stopListening()
        for _ in range(LAST_TURNS):
            self.connections.doRead()
            self.others.doRead()
        answering = {line for line in self.lines if line.finish()}
        self._close_others(self.lines - answering)
        for connection in self.connections:
            connection.loseConnection()  # type: ignore[attr-defined]
        self._stopped = Deferred()
        grace = GRACE_S if self.connections else LINE_GRACE_S if answering else 0
        self._grace = self.reactor.callLater(grace, self._end)
        return self._stopped

    def close(self) -> None:
        """Close every socket at once; a second time does nothing."""
        if self.ports.closed:
            return
        if self._sweeper.running:
            self._sweeper.stop()
        if self._pause_call is not None:
            self._pause_call.cancel()
            self._pause_call = None
        for port in (*self.ports, *self.withdrawn):
            port.stopListening()
        self._close_others(self.lines)
        for connection in self.connections:
            connection.abortConnection()  # type: ignore[attr-defined]
        self.ports.close()
        self.others.close()
        self.connections.close()

    def _complain(self) -> None:
        now = self.reactor.seconds()
        if now - self._complained >= COMPLAINT_S:
            self._complained = now
            log.error(
                "no file descriptors left: accepting rests; raise `ulimit -n` or set limits.max_connections"
            )

    def _close_others(self, lines: Iterable[LinePort]) -> None:
        for line in tuple(lines):
            line.stopListening()
        for other in self.others:
            other.stopListening()  # type: ignore[attr-defined]

    def _end(self) -> None:
        self.close()
        assert self._stopped is not None
        self._stopped.callback(None)

    def _pause_over(self) -> None:
        if self._pause_call is not None and self._pause_call.active():
            self._pause_call.cancel()
        self._pause_call = None
        self.ports.resume()

    def _sweep_every(self, interval: float) -> None:
        if self._sweeper.running:
            interval = min(interval, self._sweeper.interval or interval)
            self._sweeper.stop()
        self._sweeper.start(interval, now=False)

    def _sweep(self) -> None:
        now = self.reactor.seconds()
        for connection in self.connections:
            if connection.idle_since(now):  # type: ignore[attr-defined]
                self.idle_closed += 1
                connection.abandon()  # type: ignore[attr-defined]
