"""A listener in front of another device: TCP to serial, serial to TCP, any pair; many units behind a client.

Requests go on as they are, whatever their function code; answers come back with the unit id and transaction
id of the request, to each client in the order it asked.  The same read that several clients wait for is sent
once, as long as nobody writes to the unit in between.  What the device does not do a gateway says:

==========================================  ===============================================
no way to the device                        0x0A
no answer in time, or nonsense              0x0B
more requests in flight than ``MOST``       0x06
a broadcast over a serial line              nobody answers
==========================================  ===============================================
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from simulator.config.endpoint import Endpoint, format_host
from simulator.config.placement import ListenerPlan
from simulator.errors import (
    GatewayPathUnavailable,
    GatewayTargetFailed,
    IllegalFunction,
    ModbusException,
    NetworkError,
    ProtocolError,
    ServerDeviceBusy,
    TimedOut,
)
from simulator.functions.table import refusal
from simulator.protocol.codes import READ_COILS, READ_INPUT_REGISTERS
from simulator.server.endpoints import FRAMERS, open_listener
from simulator.server.exchange import Exchange, LineExchange
from simulator.server.factory import ModbusServerFactory
from simulator.server.hub import Hub
from simulator.server.stations import UNKNOWN_UNIT, AnyUnit

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred
    from twisted.python.failure import Failure

    from simulator.client.tx import TwistedClient
    from simulator.protocol.frames import Frame

MOST = 64  # requests in flight of one client
READS = range(READ_COILS, READ_INPUT_REGISTERS + 1)  # functions that change nothing

Answered = Callable[[bytes], None]  # with the response PDU, empty for none


class Upstream:
    """The device that everything is forwarded to; counts what is sent, shared and failed.

    ``unit`` is the unit id that every request goes to, None for that of the request.
    """

    def __init__(self, client: TwistedClient, unit: int | None = None) -> None:
        self.client = client
        self.unit = unit
        self.sent = 0
        self.shared = 0  # reads that were answered with the answer to another one
        self.failed = 0
        self._reads: dict[tuple[int, bytes], list[Answered]] = {}  # under way, and who waits

    def ask(self, unit: int, pdu: bytes, answered: Answered) -> Callable[[], None]:
        """Forward a request; ``answered`` is called once, later or at once.

        What is returned takes a read back, for a client that has gone; a write is carried out all the same.
        """
        unit = unit if self.unit is None else self.unit
        key = (unit, pdu)
        if key in self._reads:
            self.shared += 1
            self._reads[key].append(answered)
            return lambda: None
        waiting = [answered]
        if pdu[0] in READS:
            self._reads[key] = waiting
        else:  # a read that comes behind a write must see it
            self._reads = {other: who for other, who in self._reads.items() if unit and other[0] != unit}
        self.sent += 1
        asked = self.client.execute_pdu(pdu, unit=unit)

        def done(answer: bytes) -> None:
            if self._reads.get(key) is waiting:
                del self._reads[key]
            for each in waiting:
                each(answer)

        def take_back() -> None:
            if pdu[0] in READS and waiting == [answered]:
                waiting.clear()
                asked.cancel()

        asked.addCallbacks(
            lambda answer: done(answer or b""), lambda failure: done(self._refusal(pdu, failure))
        )
        return take_back

    def close(self) -> Deferred[None]:
        """Close the connection; who waits is answered."""
        return self.client.close()

    def _refusal(self, pdu: bytes, failure: Failure) -> bytes:
        reason = failure.value
        if isinstance(reason, ModbusException):
            return refusal(pdu, reason)
        self.failed += 1
        if isinstance(reason, (TimedOut, ProtocolError)):
            return refusal(pdu, GatewayTargetFailed("the unit did not respond"))
        if isinstance(reason, NetworkError):
            return refusal(pdu, GatewayPathUnavailable("no way to the device"))
        if isinstance(reason, ValueError):  # what cannot be sent: a function code above 127, a broadcast read
            return (
                b"" if self.client.target.is_line and 0 < pdu[0] < 0x80 else refusal(pdu, IllegalFunction())
            )
        return refusal(pdu, reason if isinstance(reason, Exception) else Exception(str(reason)))


class _Slot:
    """A request of a client, and its answer when there is one; None while there is none."""

    __slots__ = ("adu", "frame", "take_back")

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.take_back: Callable[[], None] = lambda: None
        self.adu: bytes | None = None


class _Forwarding(Exchange):
    """Mixed into an exchange: hands requests on, writes their answers in order when they come."""

    __slots__ = ()

    factory: ForwardingFactory
    slots: deque[_Slot]

    def answer(self, frames: Iterable[Frame]) -> bytes:
        """Forward requests; nothing is answered at once."""
        for frame in frames:
            slot, write = _Slot(frame), self.sender()
            self.slots.append(slot)
            if len(self.slots) > MOST:
                self._settle(slot, write, refusal(frame.pdu, ServerDeviceBusy("too many requests in flight")))
                continue

            def answered(pdu: bytes, slot: _Slot = slot, write: Any = write) -> None:
                self._settle(slot, write, pdu)

            slot.take_back = self.factory.upstream.ask(frame.unit, frame.pdu, answered)
        return b""

    def gone(self) -> None:
        """The client has gone: its reads are not wanted any more."""
        slots = list(self.slots)
        self.slots.clear()
        for slot in slots:
            slot.take_back()

    def _settle(self, slot: _Slot, write: Callable[[bytes], object], pdu: bytes) -> None:
        frame = slot.frame
        slot.adu = self.framer.build(frame.transaction, frame.unit, pdu) if pdu else b""
        self.factory.served += 1
        if pdu and pdu[0] & 0x80:
            self.factory.exceptions += 1
        if isinstance(self.client, tuple):  # datagrams have no order, and each its own sender
            self.slots.remove(slot)
            if slot.adu:
                write(slot.adu)
            return
        ready = []
        while self.slots and self.slots[0].adu is not None:
            ready.append(self.slots.popleft().adu or b"")
        if any(ready):
            write(b"".join(ready))


class ForwardingExchange(_Forwarding):
    """For framings with transaction ids."""

    __slots__ = ("slots",)


class ForwardingLineExchange(_Forwarding, LineExchange):
    """For framings of serial lines."""

    __slots__ = ("slots",)

    def heard_errors(self, *, overrun: bool = False) -> None:
        """Count what was wrong on a line; the device behind has its own counters."""
        self.errors = self.framer.errors
        self.factory.line_errors += 1


class ForwardingFactory(ModbusServerFactory):
    """Serves one listener whose devices are all ``upstream``."""

    compiled = False

    def __init__(self, upstream: Upstream, **settings: Any) -> None:
        super().__init__(AnyUnit(UNKNOWN_UNIT["gateway_target_failed"]), **settings)  # type: ignore[arg-type]
        self.upstream = upstream

    def exchange(self, framer: Any) -> Exchange:
        """What hands on the requests that ``framer`` cuts."""
        made = (ForwardingLineExchange if self.is_line else ForwardingExchange)(self, framer)
        made.slots = deque()
        return made

    def connection_lost(self, protocol: Any) -> None:
        """Take a connection off the books, and its reads off the line."""
        super().connection_lost(protocol)
        protocol.exchange.gone()


def listening_plan(endpoint: Endpoint) -> ListenerPlan:
    """The listener at one address and port, or on one line; ValueError for ranges and for TLS."""
    if endpoint.addresses * endpoint.port_count != 1:
        raise ValueError(f"source is {endpoint.text!r}, expected one address and one port")
    if endpoint.scheme == "tls":
        raise ValueError(f"source is {endpoint.text!r}, expected one without TLS")
    port = endpoint.ports[0][0] if endpoint.line is None else 0
    host = "" if endpoint.line is not None else format_host(endpoint.first_ip, endpoint.ipv6)
    return ListenerPlan(
        endpoint.scheme, host, port, False, (), "ignore", ipv6=endpoint.ipv6, line=endpoint.line
    )


def forward(hub: Hub, endpoint: Endpoint, upstream: Upstream) -> Any:
    """Open a listener that forwards; what is opened has ``endpoint`` and ``stopListening``.

    Raises :class:`~simulator.errors.BindError` when it cannot be opened.
    """
    plan = listening_plan(endpoint)
    factory = ForwardingFactory(upstream, framer=FRAMERS[plan.kind.framing])
    factory.port = open_listener(hub, plan, factory)
    return factory.port
