"""A plant file, checked: groups of devices and the listeners they are reached at.

The one rule: nothing here needs checking again, and nothing here grows with the number of devices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from simulator.config.allow import AllowList
from simulator.config.clock import Clock
from simulator.config.control import ControlSettings
from simulator.config.endpoint import Endpoint
from simulator.config.faults import Fault
from simulator.config.gateway import GatewayLine
from simulator.config.names import NameTemplate
from simulator.config.placement import ListenerPlan, Place, Places
from simulator.config.scripts import Script
from simulator.config.security import TlsSettings
from simulator.config.state import State
from simulator.config.steps import ScenarioPlan
from simulator.documents.problems import unknown
from simulator.generators.base import Generator
from simulator.profiles.profile import Profile


@dataclass(frozen=True, slots=True)
class Limits:
    """What the plant allows its clients; None is no limit."""

    max_connections: int | None = None
    max_connections_per_device: int | None = None
    max_connections_per_host: int | None = None
    idle_timeout: float | None = None  # seconds
    allow: AllowList | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """One entry of ``devices``.  Groups with the same ``profile`` object can share one store."""

    index: int
    name: NameTemplate
    profile: Profile  # with the generators of the group
    places: Places
    tags: tuple[str, ...] = ()
    parameters: Mapping[str, float | str] = field(default_factory=dict)  # those the group sets itself
    values: Mapping[str, Any] = field(default_factory=dict)  # by point name; texts may be templates
    unknown_unit: str = "gateway_target_failed"
    bind_each: bool = False
    position: str = ""  # file:line:column of the entry
    tls: TlsSettings | None = None  # of a group behind tls://
    allow: AllowList | None = None  # the group's own
    gateway: GatewayLine | None = None

    @property
    def count(self) -> int:
        """How many devices."""
        return self.places.count

    @property
    def endpoint(self) -> Endpoint:
        """Where the devices are reached."""
        return self.places.endpoint

    def device_name(self, i: int) -> str:
        """The name of device ``i``."""
        return self.name.format(i)

    def place_of(self, i: int) -> Place:
        """Address, port and unit id of device ``i``."""
        return self.places.place_of(i)


@dataclass(frozen=True)
class PlantConfig:
    """A plant ready to be built."""

    name: str
    seed: int
    groups: tuple[Group, ...]
    listeners: tuple[ListenerPlan, ...]
    limits: Limits = Limits()
    clock: Clock = field(default_factory=Clock)
    scripts: tuple[Script, ...] = ()
    signals: Mapping[str, Generator] = field(default_factory=dict)  # inputs before those who read them
    faults: tuple[Fault, ...] = ()  # those of profiles behind those of the file
    scenarios: Mapping[str, ScenarioPlan] = field(default_factory=dict)
    control: ControlSettings | None = None  # where operators reach it
    source: str = ""  # the file as it was named
    state: State | None = None  # where written values outlive the program

    @property
    def device_count(self) -> int:
        """Devices of all groups."""
        return sum(group.count for group in self.groups)

    def find(self, name: str) -> tuple[Group, int] | None:
        """The device of this name: its group and its number there; None when there is none."""
        if (index := self._single.get(name)) is not None:
            return self.groups[index], 0
        for group in self._many:
            if (i := group.name.index_of(name, group.count)) is not None:
                return group, i
        return None

    def with_scenarios(self, names: Iterable[str]) -> PlantConfig:
        """The same plant with these scenarios started, too; raises ValueError for an unknown name."""
        plans = dict(self.scenarios)
        for name in names:
            if name not in plans:
                raise ValueError(unknown("scenario", name, plans))
            plans[name] = replace(plans[name], starts=True)
        return replace(self, scenarios=plans)

    @cached_property
    def _single(self) -> dict[str, int]:
        return {group.device_name(0): group.index for group in self.groups if group.count == 1}

    @cached_property
    def _many(self) -> list[Group]:
        return [group for group in self.groups if group.count > 1]
