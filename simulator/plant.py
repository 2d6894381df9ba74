"""A plant: every device of a plant file, the listeners they answer at, and what moves their values.

``open`` makes everything ready to answer, ``startService`` lets time run, ``stopService`` answers what has
arrived and closes.  Opening is all or nothing: when one endpoint cannot be opened, the others are released.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from time import time as wall_clock
from typing import TYPE_CHECKING, Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.task import Cooperator
from twisted.logger import Logger

from simulator.config.allow import AllowList
from simulator.config.placement import ListenerPlan
from simulator.config.plant import Group, PlantConfig
from simulator.config.selection import Selectable, Selection, select
from simulator.device import Device
from simulator.errors import BindError
from simulator.fleet import Fleet
from simulator.reactions import Reactions
from simulator.recording import Recorder
from simulator.scenarios import Scenarios
from simulator.scripting.handle import handle
from simulator.scripting.running import Scripts
from simulator.server.endpoints import FRAMERS, open_listener
from simulator.server.factory import HostLimit, ModbusServerFactory
from simulator.server.faulty_rules import Faults
from simulator.server.hub import Hub
from simulator.server.offline import Offline
from simulator.server.quirky_factory import QuirkyServerFactory, planned_fronts
from simulator.server.stations import planned_route, planned_station
from simulator.signals import Signals
from simulator.stage import PlantStage
from simulator.ticker import WHOLE, Ticker
from simulator.values import Values
from simulator.virtual_time import VirtualClock

if TYPE_CHECKING:
    from simulator.server.absences import How, Outage
    from simulator.server.tls import TlsListeners
    from simulator.state.keeping import Keeper
    from simulator.tracks import Track

Progress = Callable[[int, int], None]
log = Logger()


class Plant(MultiService):
    """The devices, listeners and clocks of one process.

    ``time`` is virtual time, ``epoch`` the Unix second of its 0, ``signals`` the
    values of the whole plant by name.  ``part`` (k, n) lets values move in the
    k-th of n shares, from 0, of the rows of every fleet only; all shares together are the whole plant.

    Raises :class:`~simulator.errors.ConfigError` for certificates that cannot be used, ``ValueError`` for a
    part that is none.
    ``devices`` is their number, ``endpoints`` what is listened on, with the ports the kernel picked.
    """

    def __init__(self, config: PlantConfig, reactor: Any, part: tuple[int, int] = WHOLE) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.config = config
        self.devices = config.device_count
        self.factories: list[ModbusServerFactory] = []
        self.reactor = self._reactor = reactor
        self._tls = _tls_listeners(config, reactor)
        self.time = VirtualClock(reactor, config.clock.time_scale)
        self.epoch = wall_clock() if config.clock.epoch is None else config.clock.epoch
        self.signals = Signals(config.signals, seed=config.seed, epoch=self.epoch)
        self._homes: dict[int, tuple[Fleet, int]] = {}  # group -> fleet and first row
        self.fleets = self._settle()
        self.values = Values(config, self._homes, self._later)
        self.write = self.values.write  # the ways to the points from inside
        self.read = self.values.read
        self.release = self.values.release
        self.on_write = self.values.on_write
        self.reactions = Reactions(self.values, self.fleets, self.time, partial(handle, self))
        self.scripts = Scripts(self, config.scripts)
        self.state = self._make_keeper()
        self.recorder = Recorder(config.groups, self._homes, self.time.seconds)
        self.hub = self._make_hub()
        self.faults = Faults(config, self._homes, reactor, self.time, self.hub)
        self.ticker = Ticker(self.time, self.fleets, self.signals if self.signals else None, part)
        everything = Selection({group.index: ((0, group.count),) for group in config.groups}, config.groups)
        self._stage = PlantStage(
            self._homes, self.values, self.signals, self.faults, lambda: self.outages, everything, self.time
        )
        self.scenarios = Scenarios(config.scenarios, self.time, self._stage)
        per_host = config.limits.max_connections_per_host
        self._host_limit = HostLimit(per_host) if per_host else None

    def now(self) -> float:
        """Virtual seconds since the plant started."""
        return self.time.seconds()

    def device(self, name: str) -> Device | None:
        """The device of this name."""
        found = self.config.find(name)
        return None if found is None else self.device_of(found[0].index, found[1])

    def device_of(self, group: int, index: int) -> Device:
        """A device by its group and its place there."""
        fleet, first = self._homes[group]
        return fleet.device(first + index)

    def select(self, what: Selectable) -> Selection:
        """Devices by patterns of their names, or by a mapping as plant files have it in ``offline``.

        Raises ValueError for what is no selection, and for a pattern that fits nothing.
        """
        return select(what, self.config.groups)

    @cached_property
    def outages(self) -> Offline:
        """Which devices of the open plant are offline, and why."""
        return Offline(self.config, self._homes, self.factories, self.hub)

    def offline(self, what: Selectable, how: How = "close") -> Deferred[Outage]:
        """Take devices away: ``close`` lets clients know, ``drop`` leaves them without an answer.

        The Deferred fires with the outage, which ``outages.end`` ends.  Raises what ``select`` raises, and
        RuntimeError before the plant is open.
        """
        if len(self.factories) < len(self.config.listeners):
            raise RuntimeError("the plant is not open, expected an open plant to take devices away from")
        outage, begun = self.outages.begin(self.select(what), how)
        return begun.addCallback(lambda _: outage)

    def online(self, what: Selectable) -> Deferred[None]:
        """Bring devices back, whatever outages there are; fires when they can be reached.

        Fails with :class:`~simulator.errors.BindError` when another program has taken a port meanwhile, which
        is asked for again every second.
        """
        return self.outages.release(self.select(what))

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
        """Let time run; scripts and scenarios begin at its second 0, however long they take to."""
        super().startService()  # type: ignore[no-untyped-call]
        self.ticker.start()
        self.faults.start()
        if self.state is not None:
            self.state.start()
        self.scripts.start()
        self.scenarios.start()
        self.time.start()

    def stopService(self) -> Deferred[None]:
        """Answer what has arrived, then close; the Deferred fires when nothing is left open."""
        self.ticker.stop()
        self.scenarios.stop()
        self._stage.stop()
        self.scripts.stop()
        self.reactions.stop()
        self.values.stop()
        self.time.stop()
        self.faults.stop()
        self.outages.stop()
        if self.running:
            super().stopService()  # type: ignore[no-untyped-call]
        closed = self.hub.stop()
        return closed if self.state is None else closed.addCallback(self._keep, self.state)

    def _keep(self, _: None, state: Keeper) -> Deferred[None]:
        """Nobody writes any more: keep what has been written."""
        return state.stop()

    def _later(self, work: Callable[[], None]) -> None:
        """Go on when others had their turn."""
        clock = self.time if self.running and not self.time.paused else self._reactor
        clock.callLater(0, work)

    def _settle(self) -> list[Fleet]:
        """Give every group its rows: groups with one profile share a fleet."""
        by_profile: dict[int, list[Group]] = {}
        for group in self.config.groups:
            by_profile.setdefault(id(group.profile), []).append(group)
        fleets = []
        for groups in by_profile.values():
            fleet = Fleet(
                groups[0].profile,
                groups,
                seed=self.config.seed,
                now=self.now,
                epoch=self.epoch,
                signals=self.signals,
                complain=_complain,
            )
            fleets.append(fleet)
            for group, first in zip(groups, fleet.firsts, strict=True):
                self._homes[group.index] = fleet, first
        return fleets

    def _opening(self, progress: Progress | None) -> Iterator[None]:
        if self.state is not None:
            yield from self.state.begin()
        for _ in self.ticker.prime():
            yield
        if self.state is not None:
            yield from self.state.go_on()
        total = len(self.config.listeners)
        for done, plan in enumerate(self.config.listeners, 1):
            factory = self._factory(plan)
            factory.tls = None if self._tls is None else self._tls.of(plan)
            try:
                factory.port = self._listen(plan, factory)
            except BindError:
                self.hub.close()
                self.factories.clear()
                if self.state is not None:
                    self.state.close()
                raise
            self.factories.append(factory)
            self.faults.attach(factory, plan)
            if progress is not None:
                progress(done, total)
            yield

    def _make_keeper(self) -> Keeper | None:
        """Who keeps what has been written, where the plant file wants that."""
        if self.config.state is None:
            return None
        from simulator.state.keeping import Keeper

        return Keeper(self.config.state, self.config, self._homes, self.fleets, self._reactor, self.now)

    def _make_hub(self) -> Hub:
        """What sockets are opened in; one without any has its own."""
        return Hub(self.reactor, self.config.limits.max_connections or 0)

    def _listen(self, plan: ListenerPlan, factory: ModbusServerFactory) -> Any:
        """Open one listener; raises BindError."""
        return open_listener(self.hub, plan, factory)

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


_FAILURE = {"hold": "keeps its value", "zero": "is 0", "nan": "is not a number"}


def _complain(fleet: Fleet, track: Track, row: int, t: float) -> None:
    """Log the first value of a point that cannot be computed."""
    generator = track.point.generator
    log.warn(
        "{fleet}: {point} of {device} cannot be computed at {t:g} s and {does}; more of it is only counted",
        fleet=fleet.name,
        point=track.point.name,
        device=fleet.name_of(row),
        t=t,
        does=_FAILURE[(generator and generator.on_failure) or "hold"],
    )


def _tls_listeners(config: PlantConfig, reactor: Any) -> TlsListeners | None:
    """What the TLS listeners of a plant share; None for a plant that has none, which needs no TLS library."""
    if all(group.tls is None for group in config.groups):
        return None
    from simulator.server.tls import TlsListeners

    return TlsListeners(config.groups, reactor)
