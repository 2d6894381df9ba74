"""Where the devices of a plant are, as clients have to know it: URL and unit id by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from simulator.config.endpoint import format_host
from simulator.documents.wording import suggest
from simulator.errors import PointError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.config.plant import Group, PlantConfig

LOOPBACK, LOOPBACK6 = "127.0.0.1", "::1"


class Found(NamedTuple):
    """A device: its group and number there, its listener's number, the address and the unit id to ask."""

    group: Group
    number: int
    listener: int
    host: str
    unit: int

    def url(self, endpoint: str) -> str:
        """Its URL, from the endpoint of its listener while that is open."""
        scheme, slashes, rest = endpoint.partition("://")
        if not slashes:
            return endpoint
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{rest.rpartition(':')[2]}"


def find(config: PlantConfig, name: str) -> Found:
    """Where a device is; raises PointError for one that is not."""
    found = config.find(name)
    if found is None:
        names = [group.device_name(0) for group in config.groups]
        hint = suggest(name, names)
        raise PointError(f"unknown device {name!r}, expected the name of one" + (f"; {hint}" if hint else ""))
    group, index = found
    place = group.place_of(index)
    unit = 1 if place.unit_id is None else place.unit_id
    for number, plan in enumerate(config.listeners):
        for span in plan.spans:
            if span.group != group.index:
                continue
            ip = place.ip if place.line is None else span.first_ip
            if plan.device_at(ip, unit) == (group.index, index) and place.port in (0, plan.port):
                return Found(group, index, number, _host(place.ip, place.ipv6, place.line is not None), unit)
    raise AssertionError(f"{name} is behind no listener")  # pragma: no cover


def names(config: PlantConfig) -> Sequence[str]:
    """The names of all devices."""
    return [group.device_name(index) for group in config.groups for index in range(group.count)]


def _host(ip: int, ipv6: bool, is_line: bool) -> str:
    """The address to connect to: where a device listens on all of them, that of this machine."""
    if is_line or ip == 0:
        return LOOPBACK6 if ipv6 and not is_line else LOOPBACK
    return format_host(ip, ipv6)
