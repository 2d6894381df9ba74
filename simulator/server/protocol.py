"""One connection of a listener: bytes in, one write out.

What the bytes mean is the exchange's business.  Nothing here logs, allocates a Deferred or asks the clock
while all is well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.protocol import Protocol

from simulator.server.exchange import Exchange

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from simulator.server.factory import ModbusServerFactory


class ModbusServerProtocol(Protocol):
    """Answers the requests of one client in order."""

    __slots__ = ("exchange", "host", "place")

    factory: ModbusServerFactory
    transport: Any

    def connectionMade(self) -> None:
        self.exchange = Exchange(self.factory, self.factory.framer())
        self.host = self.place = ""  # kept only where connections are counted by them
        if self.factory.host_limit is not None:
            self.host = str(self.transport.getPeer().host)
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
