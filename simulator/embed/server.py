"""``ModbusServer``: a plant that a program starts and stops, from any thread, as often as it likes.

The one rule: a stopped server keeps its values, its overrides and what is repeated; clients, connections and
virtual time begin anew with every start.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar

from twisted.internet.defer import Deferred, DeferredList, succeed

from simulator.config.plant import PlantConfig
from simulator.embed import areas, threads
from simulator.embed.access import Tables
from simulator.embed.areas import Area
from simulator.embed.awaiting import deferred
from simulator.embed.logs import ToLogging
from simulator.embed.overrides import Chain, Overrides
from simulator.embed.registering import Registering
from simulator.embed.remotes import Remote
from simulator.embed.repeating import Repetition, Repetitions
from simulator.embed.units import Unit
from simulator.plant import Plant
from simulator.protocol.codes import ADDRESSES, TCP_PORT, Table

if TYPE_CHECKING:
    from simulator.embed.identities import Identity
    from simulator.embed.providers import Provider

T = TypeVar("T")

_IDENTITY = {"vendor_name": "modsim", "product_code": "EMBEDDED", "revision": "1.0"}


class ModbusServer(Tables, Registering):
    """A server of one device or several.

    ``host`` and ``port`` are where it listens, port 0 for a free one; ``endpoint`` in place of both is any
    that plant files know, such as ``udp://[::1]:0`` or ``rtu:pty``.  ``units`` are the unit ids, each a
    device of its own; ``any`` is one device for all of them.  Each table is a number of addresses or an
    ``Area``, 0 for none; ``virtual`` is none of them.  ``profile``, by name or as a mapping, in place of
    these is a whole device.  ``provider``, ``engine`` and ``remote`` stand in for the device.  ``settings``
    are more keys of a group of the plant file: ``tls``, ``quirks``, ``allow``, ``unknown_unit``, …

    ``reactor`` is for programs that run Twisted's themselves and start servers before it turns, as with
    ``task.react``: no thread is started for them then.

    Raises ValueError or :class:`~simulator.errors.ConfigError` for what makes no sense.  Nothing opens yet.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = TCP_PORT,
        *,
        endpoint: str | None = None,
        units: int | str | Iterable[int] = "any",
        coils: Area | int = ADDRESSES,
        discrete_inputs: Area | int = ADDRESSES,
        input_registers: Area | int = ADDRESSES,
        holding_registers: Area | int = ADDRESSES,
        virtual: bool = False,
        signed: bool = False,
        identity: Mapping[str, Any] | None = None,
        profile: str | Mapping[str, Any] | None = None,
        provider: Provider | None = None,
        engine: Callable[[bytes], Any] | None = None,
        remote: Remote | str | None = None,
        idle_timeout: float | str | None = None,
        max_connections: int | None = None,
        log_level: str | None = None,
        autostart: bool = False,
        reactor: Any = None,
        **settings: Any,
    ) -> None:
        tables = {
            "coil": coils,
            "discrete_input": discrete_inputs,
            "input_register": input_registers,
            "holding_register": holding_registers,
        }
        is_empty = virtual or provider is not None or engine is not None or remote is not None
        config = areas.plant_of_arguments(
            areas.endpoint_of(host, port) if endpoint is None else endpoint,
            units=units,
            tables={} if is_empty else tables,
            profile=profile,
            signed=signed,
            identity=_IDENTITY if identity is None else identity,
            settings=settings,
            limits={
                "idle_timeout": f"{idle_timeout}s" if isinstance(idle_timeout, int | float) else idle_timeout,
                "max_connections": max_connections,
            },
        )
        self._begin(config, log_level, reactor, signed=signed)
        if provider is not None:
            self.use_provider(provider)
        if engine is not None:
            self.use_engine(engine)
        if remote is not None:
            self.forward_to(remote)
        if autostart:
            self.start()

    @classmethod
    def from_plant(
        cls,
        source: str | os.PathLike[str] | Mapping[str, Any] | PlantConfig,
        *,
        log_level: str | None = None,
        autostart: bool = False,
        reactor: Any = None,
    ) -> Self:
        """A server of a whole plant: a path, a YAML text, or a mapping as a plant file has it.

        Raises :class:`~simulator.errors.ConfigError` with all that is wrong.
        """
        server = cls.__new__(cls)
        server._begin(areas.plant_of(source), log_level, reactor)
        if autostart:
            server.start()
        return server

    def _begin(
        self, config: PlantConfig, log_level: str | None, reactor: Any, *, signed: bool = False
    ) -> None:
        if reactor not in (None, threads.the_reactor()):
            raise ValueError(f"reactor is {reactor!r}, expected that of the process")
        self._has_reactor = reactor is not None
        self.config = config
        self.plant = Plant(config, threads.the_reactor())
        self.is_running = False
        self._overrides = Overrides()
        self._units: dict[str, Unit] = {}
        self._repetitions = Repetitions(self._settle)
        self._remotes: list[Remote] = []
        self._log = None if log_level is None else ToLogging(log_level)
        self._loop: asyncio.AbstractEventLoop | None = None  # that of asyncio, which started the server
        self._is_spent = False  # the plant has been opened: another start needs a new one
        self._starters: list[Deferred[Self]] = []  # who waits for the start that is under way
        self._stopped = threading.Event()
        self._trigger: Any = None  # stops the server with the reactor
        self.is_signed = signed

    def __repr__(self) -> str:
        state = ", ".join(self.endpoints) if self.is_running else "not running"
        return f"<ModbusServer {state}>"

    # its life

    def start(self) -> Any:
        """Listen, and answer from now on; nothing when it does already.

        Returns when clients can connect; inside a running reactor at once, with a Deferred of the server.
        Raises :class:`~simulator.errors.BindError` when an endpoint is taken or cannot be opened.
        """
        return self._open() if self._comes_before() else threads.run(self._open)

    def stop(self) -> Any:
        """Answer what has arrived, then close every connection; nothing when it does not run.

        Inside a running reactor it returns a Deferred at once.
        """
        return self._close() if self._comes_before() else threads.run(self._close)

    def serve_forever(self) -> None:
        """Start, and return when ``stop`` is called elsewhere or the program is interrupted."""
        if threads.inside():
            raise RuntimeError("serve_forever is called in the reactor's own thread, expected start() there")
        self.start()
        try:
            self._stopped.wait()
        except KeyboardInterrupt:
            self.stop()

    async def start_async(self) -> Self:
        """``start`` for asyncio; coroutines of yours run in this event loop from now on."""
        self._loop = asyncio.get_running_loop()
        self._comes_before()
        started: Self = await self._in_loop(self._open)
        return started

    async def stop_async(self) -> None:
        """``stop`` for asyncio."""
        await self._in_loop(self._close)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await self.start_async()

    async def __aexit__(self, *_: object) -> None:
        await self.stop_async()

    # where it is and what it has

    @property
    def endpoints(self) -> list[str]:
        """What is listened on, with the ports the kernel picked; empty while it does not run."""
        return list(self.plant.endpoints) if self.is_running else []

    @property
    def url(self) -> str:
        """The first of them, as a client takes it.  Raises RuntimeError while it does not run."""
        if not self.is_running:
            raise RuntimeError("the server does not run, expected start() first")
        return self.plant.endpoints[0]

    @property
    def port(self) -> int:
        """The port of the first; 0 for a serial line."""
        end = self.url.rpartition(":")[2]
        return int(end) if end.isdigit() else 0

    def unit(self, unit: int) -> Unit:
        """The device behind a unit id, of the first listener that has it.  Raises ValueError."""
        for plan in self.config.listeners:
            found = plan.device_at(plan.spans[0].first_ip, unit)
            if found is not None:
                return self._unit(*found)
        raise ValueError(f"unit id is {unit}, expected one that a device has")

    def device(self, name: str) -> Unit:
        """The device of this name.  Raises :class:`~simulator.errors.PointError`."""
        self.plant.values.one(name)
        found = self.config.find(name)
        assert found is not None
        return self._unit(found[0].index, found[1])

    @property
    def identity(self) -> Identity:
        """What function 43/14 tells of the only device, to be read and edited."""
        return self._only.identity

    # work in the background

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function in the thread of the reactor: no client is answered before it returns."""
        result: T = threads.run(function, *arguments)
        return result

    async def call_async(self, function: Callable[..., T], *arguments: Any) -> T:
        """The same for asyncio."""
        result: T = await self._in_loop(lambda: function(*arguments))
        return result

    def every(self, seconds: float, function: Callable[[], Any]) -> Repetition:
        """Call a function every so many seconds while the server runs, the first time after one interval.

        It may be a coroutine function; one that still runs when its time comes is left alone.  What it raises
        is logged, and it is called again.
        """
        made: Repetition = threads.run(self._repetitions.add, seconds, function)
        return made

    # how it works

    @property
    def _only(self) -> Unit:
        if self.config.device_count != 1:
            count = self.config.device_count
            raise ValueError(f"server has {count} devices, expected unit(ID) or device(NAME) to say which")
        return self._unit(0, 0)

    def _unit(self, group: int, index: int) -> Unit:
        name = self.config.groups[group].device_name(index)
        if name not in self._units:
            self._units[name] = Unit(self, name, group, index)
        return self._units[name]

    def _read(self, table: Table, address: int, quantity: int) -> bytes:
        return self._only._read(table, address, quantity)

    def _write(self, table: Table, address: int, quantity: int, data: bytes) -> None:
        self._only._write(table, address, quantity, data)

    def _uses(self, remote: Remote) -> None:
        if remote not in self._remotes:
            self._remotes.append(remote)

    def _changed(self) -> None:
        threads.run(self._apply_to_all)

    def _apply(self, unit: Unit) -> None:
        threads.run(self._apply_to, unit.group, unit.index)

    def _apply_to_all(self) -> None:
        for group in self.config.groups:
            for index in range(group.count):
                self._apply_to(group.index, index)

    def _apply_to(self, group: int, index: int) -> None:
        """Have a device behave as it is registered."""
        name = self.config.groups[group].device_name(index)
        own = [self._units[name]._overrides] if name in self._units else []
        device = self.plant.device_of(group, index)
        registered = [one for one in (self._overrides, *own) if one]
        chain = Chain(registered, name, self._settle)
        device.override(chain.functions(device.kind.functions) if registered else None)

    def _comes_before(self) -> bool:
        """True when the program's reactor does not turn yet; has one turn when the program runs none."""
        if not self._has_reactor:
            threads.ensure_running()
        return not threads.is_running()

    def _settle(self, outcome: Any) -> Deferred[Any]:
        return deferred(outcome, self._loop)

    async def _in_loop(self, function: Callable[[], Any]) -> Any:
        if not threads.inside():
            return await asyncio.wrap_future(threads.submit(function))
        result = function()
        return await result.asFuture(asyncio.get_running_loop()) if isinstance(result, Deferred) else result

    def _open(self) -> Deferred[Self]:
        started: Deferred[Self] = Deferred()
        if self.is_running:
            started.callback(self)
            return started
        self._starters.append(started)
        if len(self._starters) > 1:
            return started
        if self._is_spent:
            self._renew()
        self._is_spent = True
        self._stopped.clear()
        if self._log is not None:
            self._log.begin()
        opened: Deferred[Any] = self.plant.open()
        opened.addCallbacks(self._opened, self._not_opened).addBoth(self._tell_starters)
        return started

    def _opened(self, _: object) -> Self:
        self.is_running = True
        self._trigger = self.plant.reactor.addSystemEventTrigger("before", "shutdown", self._close)
        self.plant.startService()
        self._repetitions.start(self.plant.time)
        return self

    def _not_opened(self, failure: Any) -> Deferred[Any]:
        return self._end().addBoth(lambda _: failure)

    def _tell_starters(self, result: Any) -> None:
        starters, self._starters = self._starters, []
        for starter in starters:
            starter.callback(result)

    def _close(self) -> Deferred[None]:
        if self._starters:
            opened: Deferred[Any] = Deferred()
            self._starters.append(opened)
            return opened.addBoth(lambda _: self._close())
        if not self.is_running:
            return succeed(None)
        self.is_running = False
        with suppress(ValueError):  # it is the trigger that calls
            self.plant.reactor.removeSystemEventTrigger(self._trigger)
        self._repetitions.stop()
        return self._end()

    def _end(self) -> Deferred[None]:
        closing: list[Deferred[Any]] = [self.plant.stopService(), *(each.close() for each in self._remotes)]
        ended: Deferred[Any] = DeferredList(closing, consumeErrors=True)

        def over(_: object) -> None:
            if self._log is not None:
                self._log.end()
            self._stopped.set()

        return ended.addCallback(over)

    def _renew(self) -> None:
        """A plant like the one before, with its values."""
        old, self.plant = self.plant, Plant(self.config, threads.the_reactor())
        for before, now in zip(old.fleets, self.plant.fleets, strict=True):
            for table, kept in before.tables.items():
                now.tables[table].cells[:] = kept.cells
            now.kind.identities = before.kind.identities
            now.kind.files = before.kind.files
        if self._overrides:
            self._apply_to_all()
        for unit in self._units.values():
            self._apply_to(unit.group, unit.index)
