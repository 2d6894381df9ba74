"""The way of a request, once for every transport: frames, device, function, response.

The framer cuts the bytes into requests, the station names the device of each unit id, the device's table
names the function, the function reads or writes a block.  All responses to one piece of input leave
together, in the order of their requests.  Nothing here knows a socket, logs, allocates a Deferred or asks
the clock while all is well.

A function may answer later.  With transaction ids its answer leaves when it is there, whatever came behind
it; a line carries one request at a time, so what comes behind it waits.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from simulator.errors import ModbusException, ServerDeviceBusy
from simulator.functions.later import Later
from simulator.functions.table import refusal
from simulator.origins import SERVING, Origin
from simulator.protocol.codes import MAX_PDU
from simulator.server import lanes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from simulator.device import Device
    from simulator.protocol.frames import Frame, Framer
    from simulator.server._turn import Station as CompiledStation
    from simulator.server.factory import ModbusServerFactory
    from simulator.server.stations import LineStation, Station

NO_UNIT = -1
MOST_OPEN = 64  # requests of one client whose answers come later


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
        "open",
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
        self.open = 0  # requests whose answers come later

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

    @property
    def pending(self) -> bool:
        """True while an answer is to come."""
        return self.open > 0

    def sender(self) -> Callable[[bytes], object]:
        """What sends to the client of this request: a connection, a line, or the sender of a datagram."""
        client, port = self.client, self.factory.port
        if isinstance(client, tuple):
            place = next((place for exchange, place in port.exchanges() if exchange is self), b"")
            return lambda data: port.send(data, client, place)
        return client.send if hasattr(client, "send") else client.write  # type: ignore[no-any-return]

    def _refuse(self, device: Any, pdu: bytes, reason: Exception) -> bytes:
        if isinstance(reason, Later):
            return self._wait(device, pdu, reason.answer)
        self.factory.exceptions += 1
        if not isinstance(reason, (ModbusException, struct.error)):  # the client's fault, see refusal
            self.factory.failed(device, pdu, reason)
        refused = refusal(pdu, reason)
        device.kind.state(device.row).refused(refused[1])
        return refused

    def _wait(self, device: Any, pdu: bytes, answer: Any) -> bytes:
        """The response that is there already, or nothing for now."""
        if self.open >= MOST_OPEN:
            answer.addErrback(lambda _: None)
            answer.cancel()
            return self._refuse(device, pdu, ServerDeviceBusy("too many requests are open"))
        transaction, unit, send = self.transaction, self.unit, self.sender()
        at_once: list[bytes] = []
        self.open += 1

        def answered(response: bytes) -> None:
            self.open -= 1
            if waiting:
                data = self.framer.build(transaction, unit, response) if response else b""
                self._answered_late(data, send)
            else:
                at_once.append(response)

        def failed(failure: Any) -> None:
            answered(self._refuse(device, pdu, failure.value))

        waiting = False
        answer.addCallback(_checked).addCallbacks(answered, failed)
        waiting = not at_once
        return at_once[0] if at_once else b""

    def _answered_late(self, data: bytes, send: Callable[[bytes], object]) -> None:
        if data:
            send(data)
        elif settle := getattr(self, "settle", None):
            settle()


def _checked(response: Any) -> bytes:
    """A response PDU as it was promised."""
    if not isinstance(response, bytes | bytearray) or len(response) > MAX_PDU:
        raise TypeError(f"response is {response!r:.60}, expected up to {MAX_PDU} bytes")
    return bytes(response)


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

    __slots__ = ("delimited", "errors", "queued")

    framer: Any  # of a line, or of a stream of line frames

    def __init__(self, factory: ModbusServerFactory, framer: Any, station: LineStation | None = None) -> None:
        super().__init__(factory, framer, station)
        self.errors = 0
        self.queued: list[Frame] = []  # behind an answer that comes later
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
        if self.open and self._is_ordered:
            self._queue(frames)
            return b""
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
        frames = iter(frames)
        for frame in frames:
            heard[0] += 1
            yield frame
            if self.delimited is not None:
                self._obey()
            if self.open and self._is_ordered:
                self._queue(frames)
                break

    @property
    def _is_ordered(self) -> bool:
        """False for datagrams: each has its own sender."""
        return not isinstance(self.client, tuple)

    def _queue(self, frames: Iterable[Frame]) -> None:
        """Keep requests until the line is free; those that are too many are lost, as on any line."""
        for frame in frames:
            if len(self.queued) < MOST_OPEN:
                self.queued.append(frame)
            else:
                self.factory.discarded += 1

    def _wait(self, device: Any, pdu: bytes, answer: Any) -> bytes:
        if self.compiled is not None and self._is_ordered:  # it would answer what has to wait
            kept = self.client.disarm()
            self.factory.disarmed(self)
            self.framer.receive(kept)
        return super()._wait(device, pdu, answer)

    def _answered_late(self, data: bytes, send: Callable[[bytes], object]) -> None:
        super()._answered_late(data, send)
        if self.queued and not self.open:
            frames, self.queued = self.queued, []
            responses = self.answer(frames)
            if responses:
                send(responses)

    def _obey(self) -> None:
        delimiter = self.station.bus.delimiter
        if self.delimited.delimiter != delimiter:
            self.delimited.delimiter = delimiter
