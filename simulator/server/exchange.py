"""The way of a request, once for every transport: frames, device, function, response.

The framer cuts the bytes into requests, the station names the device of each unit id, the device's table
names the function, the function reads or writes a block.  All responses to one piece of input leave
together, in the order of their requests.  Nothing here knows a socket, logs, allocates a Deferred or asks
the clock while all is well.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from simulator.errors import ModbusException
from simulator.functions.table import refusal
from simulator.origins import SERVING, Origin
from simulator.server import lanes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from simulator.device import Device
    from simulator.protocol.frames import Frame, Framer
    from simulator.server._turn import Station as CompiledStation
    from simulator.server.factory import ModbusServerFactory
    from simulator.server.stations import LineStation, Station

NO_UNIT = -1


class Exchange:
    """Answers the requests of one peer, or of one line, in order; remembers the device it last asked for.

    ``station`` may be set at any time before the first request.  ``factory`` counts what is answered and
    says what answers for a unit that does not exist.  ``client`` is where requests come from: a transport,
    the address of a datagram, a line.
    """

    __slots__ = (
        "client",
        "compiled",
        "device",
        "factory",
        "faults",
        "framer",
        "station",
        "transaction",
        "unit",
    )

    def __init__(self, factory: ModbusServerFactory, framer: Framer, station: Station | None = None) -> None:
        self.factory = factory
        self.framer = framer
        self.station: Any = station
        self.unit = NO_UNIT
        self.device: Any = None
        self.client: Any = None
        self.faults: Any = None  # what rules do to this exchange, where some rule is about it
        self.transaction = 0  # of the request that is being carried out, or was last
        self.compiled: CompiledStation | None = None

    def origin(self) -> Origin:
        """Who made the request that is being carried out."""
        host, port = _address_of(self.client)
        name = f"[{host}]:{port}" if ":" in host and port else f"{host}:{port}" if port else host
        return Origin("client", name, host, port, max(self.unit, 0), self.transaction)

    def respond(self, data: bytes) -> bytes:
        """The responses to every request that is complete with ``data``, empty when there is nothing to say.

        When the stream is lost, ``framer.lost`` says why.
        """
        return self.answer(self.framer.receive(data))

    def answer(self, frames: Iterable[Frame]) -> bytes:
        """The responses to requests that are cut already."""
        build = self.framer.build
        replies = []
        served = 0
        SERVING.exchange = self
        for self.transaction, unit, pdu in frames:
            if unit != self.unit:
                self._select(unit)
            device = self.device
            device.kind.requests[device.row] += 1
            try:
                reply = device.functions[pdu[0]](device, pdu)
            except Exception as reason:
                reply = self._refuse(device, pdu, reason)
            if reply:
                replies.append(build(self.transaction, unit, reply))
            served += 1
        SERVING.exchange = None
        self.factory.served += served
        return replies[0] if len(replies) == 1 else b"".join(replies)

    def forget(self) -> None:
        """Look the device up again at the next request: the plant has changed."""
        self.unit = NO_UNIT
        self.device = None
        if self.compiled is not None:
            self.compiled.clear()

    def _select(self, unit: int) -> None:
        self.unit = unit
        device: Device | None = self.station.get(unit)
        if device is None:
            self.device = self.factory.absent
            return
        self.device = device
        if self.compiled is not None:
            lanes.admit(self.compiled, unit, device)

    def _refuse(self, device: Any, pdu: bytes, reason: Exception) -> bytes:
        self.factory.exceptions += 1
        if not isinstance(reason, (ModbusException, struct.error)):  # the client's fault, see refusal
            self.factory.failed(device, pdu, reason)
        refused = refusal(pdu, reason)
        device.kind.state(device.row).refused(refused[1])
        return refused


def _address_of(client: Any) -> tuple[str, int]:
    """Host and port of a client; of a serial line its name and 0."""
    if isinstance(client, tuple):  # the sender of a datagram
        return str(client[0]), int(client[1])
    if hasattr(client, "endpoint"):
        return str(client.endpoint), 0
    try:
        peer = client.getPeer()
    except (AttributeError, OSError):  # nobody, or one that has gone
        return "", 0
    return str(getattr(peer, "host", "")), int(getattr(peer, "port", 0))


class LineExchange(Exchange):
    """The exchange of a framing that has a bus: all that is heard is counted, and the delimiter is the bus'.

    A response to the request that changes the delimiter still ends with the old one.
    """

    __slots__ = ("delimited", "errors")

    framer: Any  # of a line, or of a stream of line frames

    def __init__(self, factory: ModbusServerFactory, framer: Any, station: LineStation | None = None) -> None:
        super().__init__(factory, framer, station)
        self.errors = 0
        inner = getattr(framer, "framer", framer)  # a line keeps the framer of its stream
        self.delimited: Any = inner if hasattr(inner, "delimiter") else None

    def respond(self, data: bytes) -> bytes:
        """The responses to every request that is complete with ``data``."""
        framer = self.framer
        if self.delimited is not None:
            self._obey()
        responses = self.answer(framer.receive(data))
        if framer.errors != self.errors:
            self.heard_errors()
        return responses

    def answer(self, frames: Iterable[Frame]) -> bytes:
        """The responses to requests that are cut already."""
        return super().answer(self._heard(frames))

    def idle(self) -> bytes:
        """The stream has paused: give up what has begun; the responses to the requests behind it."""
        responses = self.answer(self.framer.idle())
        if self.framer.errors != self.errors:
            self.heard_errors()
        return responses

    def heard_errors(self, *, overrun: bool = False) -> None:
        """Tell every device of the line that something wrong was heard, once for each piece of input."""
        self.errors = self.framer.errors
        self.factory.line_errors += 1
        for device in self.station.values():
            device.state.heard_error(overrun=overrun)

    def _heard(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Each frame as its turn comes, with what must be so before it and be done after it."""
        heard = self.station.bus.heard
        for frame in frames:
            heard[0] += 1
            yield frame
            if self.delimited is not None:
                self._obey()

    def _obey(self) -> None:
        delimiter = self.station.bus.delimiter
        if self.delimited.delimiter != delimiter:
            self.delimited.delimiter = delimiter
