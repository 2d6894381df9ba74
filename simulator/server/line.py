"""A serial line of the hub: bytes with the time they came, and answers as soon as the line is silent.

What is at the other end, a serial port or a pseudo-terminal, is the *source*'s business: it opens and
closes a descriptor.  A source that vanishes is opened again, after a second first and then ever less often;
each change is logged once.  An answer that the line does not take, because nobody reads there, is lost as
it would be on a wire: nothing waits for it and nothing grows.
"""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger
from zope.interface import implementer

from simulator.errors import BindError

if TYPE_CHECKING:
    from simulator.protocol.line import LineFramer
    from simulator.server.hub import Hub

log = Logger()

CHUNK = 4096  # bytes of one read: all a terminal keeps
FIRST_PAUSE_S = 1.0  # before a port that has vanished is looked for
LONGEST_PAUSE_S = 30.0
FOREVER_S = float("inf")
CLOCK_TICK_S = 1e-6  # less than the rounding of a timer is no waiting

_IN = select.EPOLLIN


class Source(Protocol):
    """Where a line comes from."""

    @property
    def endpoint(self) -> str:
        """What the line is called, ``rtu:/dev/ttyUSB0``."""
        ...

    def open(self) -> int:
        """A descriptor that does not block; raises :class:`~simulator.errors.BindError`."""
        ...

    def close(self) -> None:
        """Give back what ``open`` took, in whatever state it is."""
        ...


@implementer(IListeningPort)
class LinePort:
    """One serial line and the factory that serves it."""

    def __init__(self, hub: Hub, source: Source, framer: LineFramer, factory: Any) -> None:
        self.hub = hub
        self.source = source
        self.factory = factory
        self.line = framer
        self.fd = -1
        self.lost = 0  # answers the line did not take
        self._exchange = factory.exchange(framer)
        self._exchange.station = factory.station
        self._exchange.client = self
        self._overruns = 0
        self._lag_s = 0.0
        self._outgoing = b""
        self._timer: Any = None
        self._reopening: Any = None
        self._pause_s = FIRST_PAUSE_S

    def startListening(self) -> None:
        """Open the line; raises :class:`~simulator.errors.BindError`."""
        self._open()
        self.hub.lines.add(self)
        self.factory.doStart()

    def finish(self) -> bool:
        """Answer the request that has come and hear no more; True when there was one."""
        if self.fd < 0:
            return False
        responses = self._exchange.answer(self.line.silence(FOREVER_S))
        self.send(responses)
        if self.fd >= 0:
            self.hub.others.remove(self.fd)
        return bool(responses)

    def stopListening(self) -> Deferred[None]:
        """Close the line."""
        if self in self.hub.lines:
            self.hub.lines.remove(self)
            if self._reopening is not None:
                self._reopening.cancel()
                self._reopening = None
            self._close()
            self.factory.doStop()
        return succeed(None)

    def getHost(self) -> Any:
        """A line has no address."""
        return None

    @property
    def endpoint(self) -> str:
        """``rtu:/dev/ttyUSB0?baudrate=9600``"""
        return self.source.endpoint

    @property
    def is_open(self) -> bool:
        """False while the port is gone."""
        return self.fd >= 0

    def pause(self) -> None:
        """A line has no connections."""

    def resume(self) -> None:
        """See ``pause``."""

    def forget(self) -> None:
        """Look devices up again: the plant has changed."""
        self._exchange.forget()

    def exchanges(self) -> list[tuple[Any, bytes]]:
        """What answers; a line has no addresses."""
        return [(self._exchange, b"")]

    def ready(self, events: int, now: float) -> None:
        """Take what has arrived."""
        if events & select.EPOLLOUT:
            self._flush()
        if self.fd >= 0 and events & ~select.EPOLLOUT:
            self._read(now)

    def _read(self, now: float) -> bool:
        """True when bytes were there."""
        try:
            data = os.read(self.fd, CHUNK)
        except BlockingIOError:
            return False
        except OSError as error:
            self._vanished(error.strerror or str(error))
            return False
        if not data:
            self._vanished("hung up")
            return False
        self._exchange_frames(self.line.receive(data, self._line_time(now)))
        return True

    def _line_time(self, now: float) -> float:
        """When bytes that are read now came, on the clock of the line.

        Bytes found after the deadline may have come before it, while others were served: as long as nobody
        has seen the silence, there was none.  The clock of the line then stays behind until the frame ends.
        """
        deadline = self.line.deadline
        if deadline is None:
            self._lag_s = 0.0
        elif now - self._lag_s > deadline:
            self._lag_s = now - deadline
            return deadline
        return now - self._lag_s

    def _exchange_frames(self, frames: Any) -> None:
        """Answer requests, count what was wrong, and wait for the next silence."""
        self.send(self._exchange.answer(frames) if frames else b"")
        overruns = getattr(self.line, "overruns", 0)
        if self.line.errors != self._exchange.errors or overruns != self._overruns:
            self._exchange.heard_errors(overrun=overruns != self._overruns)
            self._overruns = overruns
        if self.line.deadline is not None and self._timer is None and self.fd >= 0:
            rest = self.line.deadline + self._lag_s - self.hub.reactor.seconds()
            self._timer = self.hub.reactor.callLater(max(rest, 0.0), self._look)

    def _look(self) -> None:
        """The line may have been silent; what came while others were served is taken first."""
        self._timer = None
        now = self.hub.reactor.seconds()
        if self.fd < 0 or self._read(now) or self.fd < 0:
            return
        deadline = self.line.deadline
        if deadline is not None:
            passed = now - self._lag_s + CLOCK_TICK_S >= deadline
            self._exchange_frames(self.line.silence(deadline) if passed else [])

    def send(self, data: bytes) -> None:
        """Write an answer; it is lost when nobody reads."""
        if not data or self.fd < 0:
            return
        if self._outgoing:  # nobody reads: the line is still busy with the answer before
            self.lost += 1
            return
        try:
            sent = os.write(self.fd, data)
        except BlockingIOError:
            self.lost += 1
            return
        except OSError as error:
            self._vanished(error.strerror or str(error))
            return
        if sent < len(data):
            self._outgoing = data[sent:]
            self.hub.others.watch(self.fd, _IN | select.EPOLLOUT)

    def _flush(self) -> None:
        try:
            sent = os.write(self.fd, self._outgoing)
        except BlockingIOError:
            return
        except OSError as error:
            self._vanished(error.strerror or str(error))
            return
        self._outgoing = self._outgoing[sent:]
        if not self._outgoing:
            self.hub.others.watch(self.fd, _IN)

    def _open(self) -> None:
        self.fd = self.source.open()
        self._outgoing = b""
        self.hub.others.add(self.fd, self)

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        fd, self.fd = self.fd, -1
        if fd >= 0:
            self.hub.others.remove(fd)
        self.source.close()

    def _vanished(self, reason: str) -> None:
        log.warn("{endpoint} has vanished: {reason}", endpoint=self.endpoint, reason=reason)
        self._close()
        self.line.silence(FOREVER_S)  # what had begun is over
        self._pause_s = FIRST_PAUSE_S
        self._reopening = self.hub.reactor.callLater(self._pause_s, self._reopen)

    def _reopen(self) -> None:
        self._reopening = None
        try:
            self._open()
        except BindError:
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
            self._reopening = self.hub.reactor.callLater(self._pause_s, self._reopen)
            return
        log.info("{endpoint} is back", endpoint=self.endpoint)
