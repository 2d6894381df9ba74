"""Devices that go offline and come back, thousands at once: listeners, connections, silence.

================================  ==============================  ===============================
of a listener are offline         close                           drop
================================  ==============================  ===============================
all devices                       stops listening: connection     no answer to anything; connections
                                  refused; its connections reset  stay, new ones are taken
all devices of one address        connections there are reset,    no answer
                                  new ones, too
some unit ids                     as a unit id nobody has         no answer
================================  ==============================  ===============================

Datagrams and serial lines know silence only, and behind a gateway's line a device that is gone is silent, so
that the gateway says what it says then.  The one rule: what is wanted is written in the books first, and
listeners follow the books in slices; nothing holds the reactor, and the last wish counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import numpy as np
from twisted.logger import Logger
from twisted.python.failure import Failure

from simulator.config.selection import Runs, Selection
from simulator.device import NO_PATH, NO_TARGET, SILENT
from simulator.errors import BindError
from simulator.server.absences import Absences, Homes, How, Outage, reach
from simulator.server.stations import UNKNOWN_UNIT
from simulator.slices import Slices

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from simulator.config.placement import ListenerPlan
    from simulator.config.plant import PlantConfig
    from simulator.server.factory import ModbusServerFactory
    from simulator.server.hub import Hub

log = Logger()

RETRY_S = 1.0  # until a port that another program has taken is asked for again
PASSED = 64  # connections looked at in one step
MANY_RUNS = 1000  # more than this are not looked up one by one

_TOLD = {"ignore": SILENT, "gateway_path_unavailable": NO_PATH, "gateway_target_failed": NO_TARGET}
_WHY = "offline"  # why a port is withdrawn


class Offline:
    """Takes devices of an open plant off and brings them back, in the order it is asked to.

    ``factories`` are those of the listeners of ``config``, in their order.
    """

    def __init__(
        self, config: PlantConfig, homes: Homes, factories: Sequence[ModbusServerFactory], hub: Hub
    ) -> None:
        self.absences = Absences(homes)
        self._config = config
        self._factories = factories
        self._hub = hub
        self._slices = Slices(hub.reactor)
        self._retry: Any = None
        self._unopened: set[int] = set()  # listeners whose port another program has
        self._routes: dict[int, Any] = {}  # by listener: its route, while another one asks the books
        self._near: dict[int, _Near] = {}

    @property
    def devices(self) -> int:
        """How many devices are offline."""
        return self.absences.devices

    @property
    def outages(self) -> tuple[Outage, ...]:
        """What is under way, the oldest first."""
        return tuple(self.absences.outages)

    def begin(self, selection: Selection, how: How = "close") -> tuple[Outage, Deferred[None]]:
        """Take devices away; the Deferred fires when the last of their clients has been told."""
        outage = Outage(selection, how)
        return outage, self._do(self.absences.begin(outage), outage.spans)

    def end(self, outage: Outage) -> Deferred[None]:
        """An outage is over: those of its devices that no other one holds come back.

        The Deferred fires when they can be reached, and fails with :class:`~simulator.errors.BindError` when
        another program has taken one of their ports; that port is asked for again every second.
        """
        return self._do(self.absences.end(outage), outage.spans)

    def release(self, selection: Selection) -> Deferred[None]:
        """Bring devices back, whatever holds them; the Deferred is that of ``end``."""
        return self._do(self.absences.release(selection), selection.spans)

    def stop(self) -> None:
        """Leave everything as it is."""
        self._slices.stop()
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def _do(self, books: Iterator[None], spans: Mapping[int, Runs]) -> Deferred[None]:
        return self._slices.do(self._steps(books, spans))

    def _steps(self, books: Iterator[None], spans: Mapping[int, Runs]) -> Iterator[None]:
        concerned = {group: runs for group, runs in spans.items() if runs}
        yield from books
        numbers: set[int] = set()
        for group, runs in concerned.items():
            for found in self._listeners(group, runs):
                numbers |= found
                yield
        yield from self._follow(sorted(numbers))

    def _follow(self, numbers: Iterable[int]) -> Iterator[None]:
        """Let listeners be as the books say; raises the first BindError when all others are."""
        changed: dict[Any, int] = {}  # by factory
        first: BindError | None = None
        for number in numbers:
            try:
                if self._settle(number):
                    changed[self._factories[number]] = number
            except BindError as error:
                first = first or error
                self._try_later(number, error)
            yield
        if changed:
            yield from self._tell_connections(changed)
        if first is not None:
            raise first

    def _settle(self, number: int) -> bool:
        """Let one listener be as the books say; True when that concerns its connections."""
        plan, factory, books = self._config.listeners[number], self._factories[number], self.absences
        gone = books.all_gone(plan.spans)
        absent = UNKNOWN_UNIT["ignore" if gone else plan.unknown_unit]
        is_new = factory.absent is not absent  # without a device nobody speaks for unit ids that do not exist
        factory.absent = absent
        if plan.kind.transport not in ("tcp", "tls"):
            if is_new:
                factory.port.forget()
            return False
        closed = gone and books.all_closed(plan.spans)
        if not closed:
            self._tell(plan)
        if closed:
            factory.port.withdraw(_WHY)
        else:
            factory.port.restore(_WHY)
            self._unopened.discard(number)
        if plan.wildcard:
            some = closed or books.any_closed(plan.spans)
            self._guard(number, factory, some)
            return some or is_new
        return closed or is_new

    def _tell(self, plan: ListenerPlan) -> None:
        """Closed devices that share an address with others are told as unit ids that nobody has are.

        Those that have one of their own are silent until their connections are ended, and those behind a
        gateway's line are silent on it.
        """
        told = _TOLD[plan.unknown_unit]
        is_alone = len(plan.spans) == 1 and len(plan.spans[0].units or (0,)) == 1
        if not is_alone and told != SILENT:
            for span in plan.spans:
                if self._config.groups[span.group].gateway is None:
                    self.absences.tell(span, told)

    def _guard(self, number: int, factory: ModbusServerFactory, some: bool) -> None:
        """Let the route of a listener on many addresses know which of them are closed."""
        if some and number not in self._routes:
            route: Any = factory.route
            self._routes[number] = route

            def open_route(address: str) -> Any:
                return None if self._is_closed(number, address) else route(address)

            factory.route = open_route
        elif not some and number in self._routes:
            factory.route = self._routes.pop(number)

    def _is_closed(self, number: int, address: str) -> bool:
        ip = int(ip_address(address))
        spans = self._config.listeners[number].spans_at(ip)
        return bool(spans) and self.absences.closed_at(spans, ip)

    def _tell_connections(self, changed: Mapping[Any, int]) -> Iterator[None]:
        """End the connections to closed places; the others ask again who is there."""
        for passed, connection in enumerate(self._hub.connections):
            protocol: Any = connection.protocol  # type: ignore[attr-defined]
            number = None if protocol is None else changed.get(protocol.factory)
            if number is not None:
                if self._is_lost(number, connection):
                    connection.abortConnection()  # type: ignore[attr-defined]
                else:
                    protocol.exchange.forget()
            if number is not None or passed % PASSED == 0:
                yield

    def _is_lost(self, number: int, connection: Any) -> bool:
        """True for a connection to a place without a device."""
        plan, port = self._config.listeners[number], self._factories[number].port
        if not port.is_listening:
            return True
        return plan.wildcard and self._is_closed(number, connection.getHost().host)

    def _try_later(self, number: int, error: BindError) -> None:
        if number not in self._unopened:
            log.error("{error}; it is asked for again every {s:g} s", error=error, s=RETRY_S)
        self._unopened.add(number)
        if self._retry is None:
            self._retry = self._hub.reactor.callLater(RETRY_S, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        self._slices.do(self._follow(sorted(self._unopened))).addErrback(_known)

    def _listeners(self, group: int, runs: Runs) -> Iterator[set[int]]:
        """The listeners of some devices, a few more perhaps."""
        near = self._near.get(group)
        if near is None:
            near = self._near[group] = _Near(self._config.listeners, group)
        if len(runs) > MANY_RUNS:
            runs = ((runs[0][0], runs[-1][1]),)
        for start, stop in runs:
            yield near.between(start, stop)


class _Near:
    """The listeners of a group by the devices they have."""

    def __init__(self, listeners: Sequence[ListenerPlan], group: int) -> None:
        found = [
            (number, span.first, span.first + reach(span))
            for number, plan in enumerate(listeners)
            for span in plan.spans
            if span.group == group
        ]
        self._numbers, self._firsts, self._ends = np.array(found, np.int64).T

    def between(self, start: int, stop: int) -> set[int]:
        """The numbers of those that may have a device of a run."""
        return set(self._numbers[(self._firsts < stop) & (self._ends > start)].tolist())


def _known(failure: Failure) -> None:
    failure.trap(BindError)
