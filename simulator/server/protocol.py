"""One connection of a listener: bytes in, one write out.

What the bytes mean is the exchange's business.  Nothing here logs, allocates a Deferred or asks the clock
while all is well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.protocol import Protocol

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from simulator.server.factory import ModbusServerFactory


class ModbusServerProtocol(Protocol):
    """Answers the requests of one client in order."""

    __slots__ = ("exchange", "host", "idle_timeout", "place")

    factory: ModbusServerFactory
    host: str  # the client's, kept only where connections are counted by it
    transport: Any

    def connectionMade(self) -> None:
        self.exchange = self.factory.exchange(self.factory.framer())
        self.place = ""  # kept only where connections are counted by it
        self.idle_timeout = self.factory.idle_timeout
        self.factory.connection_made(self)

    def connectionLost(self, reason: Failure | None = None) -> None:
        self.factory.connection_lost(self)

    def dataReceived(self, data: bytes) -> None:
        """Answer every request that is complete."""
        exchange = self.exchange
        responses = exchange.respond(data)
        if responses:
            self.transport.write(responses)
        if exchange.framer.lost:
            self.factory.stream_lost(exchange.framer.lost)
            self.transport.loseConnection()


class LineServerProtocol(ModbusServerProtocol):
    """The same for the framings of serial lines over a stream: a beginning is not waited for for ever."""

    __slots__ = ("_heard", "_timer")

    exchange: Any  # a LineExchange

    def connectionMade(self) -> None:
        self._timer: Any = None
        self._heard = 0.0
        super().connectionMade()

    def connectionLost(self, reason: Failure | None = None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:
        """Answer every request that is complete, and wait for the rest of one that has begun."""
        exchange = self.exchange
        responses = exchange.respond(data)
        if responses:
            self.transport.write(responses)
        framer = exchange.framer
        if framer.lost:
            self.factory.stream_lost(framer.lost)
            self.transport.loseConnection()
        elif framer.pending:
            self._heard = self.factory.clock.seconds()
            if self._timer is None:
                self._wait(self.exchange.framer.idle_s)
        elif exchange.compiled is not None and framer.clean:
            self.transport.release()

    def _wait(self, seconds: float) -> None:
        self._timer = self.factory.clock.callLater(seconds, self._look)

    def _look(self) -> None:
        """When nothing came since, look once more after a turn: timers run before what has come is read."""
        self._timer = None
        rest = self._rest()
        if rest is None:
            return
        if rest > 0:
            self._wait(rest)
        else:
            self._timer = self.factory.clock.callLater(0, self._give_up)

    def _rest(self) -> float | None:
        """How much longer to wait for what has begun; None when nothing has."""
        framer = self.exchange.framer
        if not framer.pending or not self.transport:
            return None
        return float(self._heard + framer.idle_s - self.factory.clock.seconds())

    def _give_up(self) -> None:
        """Give up what has begun, unless more of it was read in the turn between."""
        self._timer = None
        rest = self._rest()
        if rest is None:
            return
        if rest > 0:
            self._wait(rest)
            return
        responses = self.exchange.idle()
        if responses:
            self.transport.write(responses)
