"""One connection of a listener: bytes in, one write out.

The framer cuts the chunk into requests, the station names the device of each unit id, the device's table
names the function, the function reads or writes a block; all responses of a chunk leave in one write, in the
order of their requests.  Nothing here logs, allocates a Deferred or asks the clock while all is well.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from twisted.internet.protocol import Protocol
from twisted.logger import Logger

from simulator.errors import ModbusException
from simulator.functions.table import refusal
from simulator.server import lanes

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from simulator.device import Device
    from simulator.server._turn import Station as CompiledStation
    from simulator.server.factory import ModbusServerFactory

log = Logger()

NO_UNIT = -1


class ModbusServerProtocol(Protocol):
    """Answers the requests of one client in order; remembers the device it last asked for."""

    __slots__ = ("compiled", "device", "framer", "host", "place", "served", "station", "unit")

    factory: ModbusServerFactory
    transport: Any

    def connectionMade(self) -> None:
        self.framer = self.factory.framer()
        self.unit = NO_UNIT
        self.device: Any = None
        self.served = 0
        self.host = self.place = ""  # kept only where connections are counted by them
        self.station: Any = None
        self.compiled: CompiledStation | None = None
        if self.factory.host_limit is not None:
            self.host = str(self.transport.getPeer().host)
        self.factory.connection_made(self)

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._settle()
        self.factory.connection_lost(self)

    def dataReceived(self, data: bytes) -> None:
        """Answer every request that is complete."""
        framer = self.framer
        build = framer.build
        replies = []
        for transaction, unit, pdu in framer.receive(data):
            if unit != self.unit:
                self._select(unit)
            device = self.device
            try:
                reply = device.functions[pdu[0]](device, pdu)
            except Exception as reason:
                reply = self._refuse(device, pdu, reason)
            if reply:
                replies.append(build(transaction, unit, reply))
            self.served += 1
        if replies:
            self.transport.write(replies[0] if len(replies) == 1 else b"".join(replies))
        if framer.lost:
            self.factory.stream_lost(framer.lost)
            self.transport.loseConnection()

    def forget(self) -> None:
        """Look the device up again at the next request: the plant has changed."""
        self._settle()
        self.unit = NO_UNIT
        self.device = None
        if self.compiled is not None:
            self.compiled.clear()

    def _select(self, unit: int) -> None:
        self._settle()
        self.unit = unit
        device: Device | None = self.station.get(unit)
        if device is None:
            self.device = self.factory.absent
            return
        self.device = device
        if self.compiled is not None:
            lanes.admit(self.compiled, unit, device)

    def _settle(self) -> None:
        """Add what was served since the last change of device to the counters."""
        if self.served:
            self.factory.count(self.device, self.served)
            self.served = 0

    def _refuse(self, device: Any, pdu: bytes, reason: Exception) -> bytes:
        self.factory.exceptions += 1
        if not isinstance(reason, (ModbusException, struct.error)):  # the client's fault, see refusal
            self.factory.failed(device, pdu, reason)
        return refusal(pdu, reason)
