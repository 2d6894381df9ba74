"""A plant: every device of a plant file, the listeners they answer at, and what moves their values.

``open`` makes everything ready to answer, ``startService`` lets time run, ``stopService`` answers what has
arrived and closes.  Opening is all or nothing: when one endpoint cannot be opened, the others are released.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.task import Cooperator

from simulator.config.allow import AllowList
from simulator.config.placement import ListenerPlan
from simulator.config.plant import Group, PlantConfig
from simulator.device import Device
from simulator.errors import BindError
from simulator.fleet import Fleet
from simulator.server.endpoints import FRAMERS, open_listener
from simulator.server.factory import HostLimit, ModbusServerFactory
from simulator.server.hub import Hub
from simulator.server.quirky_factory import QuirkyServerFactory, planned_fronts
from simulator.server.stations import planned_route, planned_station
from simulator.ticker import Ticker

if TYPE_CHECKING:
    from simulator.server.tls import TlsListeners

Progress = Callable[[int, int], None]


class Plant(MultiService):
    """The devices, listeners and clocks of one process.

    Raises :class:`~simulator.errors.ConfigError` for certificates that cannot be used.
    ``devices`` is their number, ``endpoints`` what is listened on, with the ports the kernel picked.
    """

    def __init__(self, config: PlantConfig, reactor: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.config = config
        self.devices = config.device_count
        self.factories: list[ModbusServerFactory] = []
        self._reactor = reactor
        self._started: float | None = None
        self._tls = _tls_listeners(config, reactor)
        self._homes: dict[int, tuple[Fleet, int]] = {}  # group -> fleet and first row
        self.fleets = self._settle()
        self.hub = Hub(reactor, config.limits.max_connections or 0)
        self.ticker = Ticker(reactor, self.fleets)
        per_host = config.limits.max_connections_per_host
        self._host_limit = HostLimit(per_host) if per_host else None

    def now(self) -> float:
        """Virtual seconds since the plant started."""
        return 0.0 if self._started is None else self._reactor.seconds() - self._started

    def device(self, name: str) -> Device | None:
        """The device of this name."""
        found = self.config.find(name)
        return None if found is None else self.device_of(found[0].index, found[1])

    def device_of(self, group: int, index: int) -> Device:
        """A device by its group and its place there."""
        fleet, first = self._homes[group]
        return fleet.device(first + index)

    def open(self, progress: Progress | None = None) -> Deferred[None]:
        """Write the starting values and open every listener, without holding the reactor.

        ``progress`` is called with how many listeners are open and how many there are.  Fails with
        :class:`~simulator.errors.BindError`, every endpoint released.
        """
        cooperator = Cooperator(scheduler=lambda step: self._reactor.callLater(0, step))
        opened: Deferred[None] = cooperator.coiterate(self._opening(progress)).addCallback(lambda _: None)
        return opened

    @property
    def endpoints(self) -> list[str]:
        """``tcp://host:port`` of each listener, in the order of the plant file."""
        return [factory.port.endpoint for factory in self.factories]

    def startService(self) -> None:
        """Let time run."""
        super().startService()  # type: ignore[no-untyped-call]
        self._started = self._reactor.seconds()
        self.ticker.start()

    def stopService(self) -> Deferred[None]:
        """Answer what has arrived, then close; the Deferred fires when nothing is left open."""
        self.ticker.stop()
        if self.running:
            super().stopService()  # type: ignore[no-untyped-call]
        return self.hub.stop()

    def _settle(self) -> list[Fleet]:
        """Give every group its rows: groups with one profile share a fleet."""
        by_profile: dict[int, list[Group]] = {}
        for group in self.config.groups:
            by_profile.setdefault(id(group.profile), []).append(group)
        fleets = []
        for groups in by_profile.values():
            fleet = Fleet(groups[0].profile, groups, seed=self.config.seed, now=self.now)
            fleets.append(fleet)
            for group, first in zip(groups, fleet.firsts, strict=True):
                self._homes[group.index] = fleet, first
        return fleets

    def _opening(self, progress: Progress | None) -> Iterator[None]:
        for _ in self.ticker.prime():
            yield
        total = len(self.config.listeners)
        for done, plan in enumerate(self.config.listeners, 1):
            factory = self._factory(plan)
            factory.tls = None if self._tls is None else self._tls.of(plan)
            try:
                factory.port = open_listener(self.hub, plan, factory)
            except BindError:
                self.hub.close()
                self.factories.clear()
                raise
            self.factories.append(factory)
            if progress is not None:
                progress(done, total)
            yield

    def _factory(self, plan: ListenerPlan) -> ModbusServerFactory:
        limits = self.config.limits
        fronts = planned_fronts(plan, self.config.groups)
        make: Callable[..., ModbusServerFactory] = ModbusServerFactory
        if fronts is not None:
            make = partial(QuirkyServerFactory, front_at=fronts[0], fronts=fronts[1])
        return make(
            None if plan.wildcard else planned_station(plan, self.device_of),
            route=planned_route(plan, self.device_of) if plan.wildcard else None,
            allow=self._allow(plan),
            framer=FRAMERS[plan.kind.framing],
            unknown_unit=plan.unknown_unit,
            idle_timeout=limits.idle_timeout or 0,
            max_connections=limits.max_connections_per_device or 0,
            host_limit=self._host_limit,
        )

    def _allow(self, plan: ListenerPlan) -> AllowList | None:
        """The list of a listener's groups, else the plant's."""
        lists = (self.config.groups[span.group].allow for span in plan.spans)
        return next(filter(None, lists), self.config.limits.allow)


def _tls_listeners(config: PlantConfig, reactor: Any) -> TlsListeners | None:
    """What the TLS listeners of a plant share; None for a plant that has none, which needs no TLS library."""
    if all(group.tls is None for group in config.groups):
        return None
    from simulator.server.tls import TlsListeners

    return TlsListeners(config.groups, reactor)
