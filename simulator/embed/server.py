"""``ModbusServer``: a plant inside a program, its devices, and what is registered with all of them.

The one rule: a server of one device is that device, too; one of several says which is meant.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from simulator.config.plant import PlantConfig
from simulator.embed import areas, threads
from simulator.embed.access import Tables
from simulator.embed.areas import Area
from simulator.embed.life import Life
from simulator.embed.overrides import Chain, Overrides
from simulator.embed.registering import Registering
from simulator.embed.remotes import Remote
from simulator.embed.units import Unit
from simulator.protocol.codes import ADDRESSES, TCP_PORT, Table

if TYPE_CHECKING:
    from simulator.embed.identities import Identity
    from simulator.embed.providers import Provider

T = TypeVar("T")

_IDENTITY = {"vendor_name": "modsim", "product_code": "EMBEDDED", "revision": "1.0"}


class ModbusServer(Life, Tables, Registering):
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
        self._begin(config, log_level, reactor, signed=areas.signed_tables(tables, signed))
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
        self,
        config: PlantConfig,
        log_level: str | None,
        reactor: Any,
        *,
        signed: frozenset[Table] = frozenset(),
    ) -> None:
        Life.__init__(self, config, reactor, log_level)
        self._overrides = Overrides()
        self._units: dict[str, Unit] = {}
        self.signed = signed

    def __repr__(self) -> str:
        state = ", ".join(self.endpoints) if self.is_running else "not running"
        return f"<ModbusServer {state}>"

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

    def _apply_everything(self) -> None:
        if self._overrides:
            self._apply_to_all()
        for unit in self._units.values():
            self._apply_to(unit.group, unit.index)

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
