"""Who answers a request of a device: functions of yours in their order, then the device as it is.

``Overrides`` are what was registered for one device or for all of a server; ``Chain`` makes of them, and of
what the device does by itself, the table of functions the device has from then on.  The one rule: a function
code that nobody has registered anything for keeps the function it has.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from simulator.device import Device
from simulator.embed.awaiting import is_later
from simulator.embed.blocks import (
    Calls,
    OnceBlock,
    ProvidedBlock,
    Route,
    RoutedBlock,
    Settle,
    Waiting,
    WatchedBlock,
)
from simulator.embed.requests import Answer, Change, Request
from simulator.functions.later import Later
from simulator.origins import SERVING, Origin
from simulator.protocol import codes
from simulator.protocol.codes import EXCEPTION_BIT, Table

if TYPE_CHECKING:
    from simulator.blocks.base import Block
    from simulator.embed.providers import Provider
    from simulator.functions.table import Function

log = Logger()

Codes = Container[int] | None  # None is all
Answering = Callable[[Request], Any]  # a response PDU, None to leave it to the next, or what comes to that
Observing = Callable[[Change], Any]

# the functions of the specification that look at no table, and the one that changes the device itself
_WITHOUT_TABLES = frozenset(
    (
        codes.READ_EXCEPTION_STATUS,
        codes.DIAGNOSTICS,
        codes.GET_COMM_EVENT_COUNTER,
        codes.GET_COMM_EVENT_LOG,
        codes.REPORT_SERVER_ID,
        codes.READ_FILE_RECORD,
        codes.WRITE_FILE_RECORD,
        codes.READ_FIFO_QUEUE,
        codes.ENCAPSULATED_INTERFACE_TRANSPORT,
    )
)
_READING = range(codes.READ_COILS, codes.READ_INPUT_REGISTERS + 1)  # and nothing else
_NAMES = {table: f"{table.label}s" for table in Table}  # the attributes of a device


@dataclass(frozen=True, slots=True)
class Hook:
    """A function that may answer requests of some function codes and unit ids."""

    function: Answering
    functions: Codes
    units: Codes


@dataclass(frozen=True, slots=True)
class Observer:
    """A function that is told what clients write to a range of a table."""

    function: Observing
    table: Table
    start: int
    stop: int
    changes_only: bool


class Overrides:
    """What was registered, in order."""

    def __init__(self) -> None:
        self.hooks: list[Hook] = []
        self.routes: list[Route] = []
        self.observers: list[Observer] = []
        self.provider: Provider | None = None
        self.base: Answering | None = None  # in place of all that the device does itself

    def __bool__(self) -> bool:
        return bool(
            self.hooks or self.routes or self.observers or self.provider is not None or self.base is not None
        )


class Chain:
    """The overrides of one device together, those of the whole server first."""

    def __init__(self, overrides: Iterable[Overrides], name: str, settle: Settle) -> None:
        every = tuple(overrides)
        self._name = name
        self._settle = settle
        self._hooks = [hook for one in every for hook in one.hooks]
        self._routes = [route for one in every for route in one.routes]
        self._observers = [observer for one in every for observer in one.observers]
        self._provider = next((one.provider for one in reversed(every) if one.provider is not None), None)
        self._base = next((one.base for one in reversed(every) if one.base is not None), None)

    def functions(self, own: Sequence[Function]) -> tuple[Function, ...]:
        """The functions of the device; ``own`` are those it has by itself."""
        return tuple(self._function(code, own[code]) for code in range(256))

    def _function(self, code: int, own: Function) -> Function:
        hooks = [hook for hook in self._hooks if hook.functions is None or code in hook.functions]
        is_plain = code in _WITHOUT_TABLES or not (
            self._routes or self._provider is not None or (self._observers and code not in _READING)
        )
        if not hooks and is_plain and self._base is None:
            return own

        def last(device: Device, request: Request) -> Answer:
            if self._base is not None:
                return self._awaited(self._base(request), request, None)
            return _called(own, device, request.pdu) if is_plain else self._carry_out(own, device, request)

        def behave(device: Device, pdu: bytes) -> bytes:
            answer = self._ask(hooks, 0, device, pdu, SERVING.origin(), last)
            if isinstance(answer, Deferred):
                raise Later(answer)
            return answer

        return behave

    def _ask(
        self,
        hooks: list[Hook],
        place: int,
        device: Device,
        pdu: bytes,
        client: Origin,
        last: Callable[[Device, Request], Answer],
    ) -> Answer:
        """What the hooks from ``place`` on make of a request, and who is behind them."""

        def behind(request: Request) -> Answer:
            return self._ask(hooks, place + 1, device, pdu, client, last)

        request = Request(pdu, client, self._name, behind)
        if place == len(hooks):
            return last(device, request)
        hook = hooks[place]
        if hook.units is not None and request.unit not in hook.units:
            return behind(request)
        return self._awaited(hook.function(request), request, behind)

    def _awaited(self, outcome: Any, request: Request, behind: Callable[[Request], Answer] | None) -> Answer:
        """A response, at once or later, of what a function has returned."""
        if is_later(outcome):
            later: Deferred[Any] = self._settle(outcome)
            return later.addCallback(self._awaited, request, behind)
        if outcome is None and behind is not None:
            return behind(request)
        if not isinstance(outcome, bytes | bytearray) or len(outcome) > codes.MAX_PDU:
            expected = f"expected up to {codes.MAX_PDU} bytes or None"
            raise TypeError(f"a function has answered {outcome!r:.60}, {expected}")
        return bytes(outcome)

    def _carry_out(self, own: Function, device: Device, request: Request) -> Answer:
        """Let the function of the device run over its tables as the request sees them."""
        calls = Calls(self._settle)
        blocks = {_NAMES[table]: self._block(device, request, table, calls) for table in Table}
        seen = Device(device.kind, device.row, **blocks)

        def again(_: object = None) -> Answer:
            calls.begin()
            try:
                return _called(own, seen, request.pdu)
            except Waiting as waiting:
                return waiting.outcome.addCallback(again)

        return again()

    def _block(self, device: Device, request: Request, table: Table, calls: Calls) -> Block:
        block = device.block(table)
        observers = [observer for observer in self._observers if observer.table == table]
        if observers:

            def tell(address: int, old: tuple[int, ...], new: tuple[int, ...]) -> None:
                for observer in observers:
                    self._tell(observer, Change(self._name, table, address, old, new, request.client))

            block = WatchedBlock(block, table, tell)
        routes = [route for route in self._routes if route.concerns(request)]
        if routes:
            block = OnceBlock(block, calls)
        if self._provider is not None:
            block = ProvidedBlock(self._provider, request, table, calls)
        return RoutedBlock(block, routes, request, table, calls) if routes else block

    def _tell(self, observer: Observer, change: Change) -> None:
        """Tell one who watches; what fails is logged and harms nobody."""
        part = _cut(change, observer.start, observer.stop)
        if part is None or (observer.changes_only and part.old == part.new):
            return
        try:
            outcome = observer.function(part)
            if is_later(outcome):
                self._settle(outcome).addErrback(lambda failure: _complain(observer, failure))
        except Exception:
            _complain(observer, None)


def _called(own: Function, device: Device, pdu: bytes) -> Answer:
    """What a function answers, later perhaps."""
    try:
        return own(device, pdu)
    except Later as later:
        answer: Deferred[bytes] = later.answer
        return answer


def _cut(change: Change, start: int, stop: int) -> Change | None:
    """The part of a change inside a range, None when there is none."""
    first = max(change.address, start)
    last = min(change.address + len(change.new), stop)
    if first >= last:
        return None
    part = slice(first - change.address, last - change.address)
    return Change(change.device, change.table, first, change.old[part], change.new[part], change.client)


def _complain(observer: Observer, failure: Any) -> None:
    log.failure("{function} fails, which watches values", failure=failure, function=observer.function)


def refused(pdu: bytes, code: int) -> bytes:
    """The exception response to a request, for engines of your own."""
    return bytes((pdu[0] | EXCEPTION_BIT, code))
