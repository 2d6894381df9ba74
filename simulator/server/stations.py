"""Which device stands behind a unit id and a local address.

A *station* is what one connection sees: ``get(unit)`` returns the device, or None.  A plain dictionary of
unit ids is one.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Protocol

from simulator.device import DeviceKind
from simulator.errors import GatewayPathUnavailable, GatewayTargetFailed
from simulator.functions.table import Function

if TYPE_CHECKING:
    from simulator.config.placement import ListenerPlan
    from simulator.device import Device

DeviceOf = Callable[[int, int], "Device"]  # group, index in the group


class Station(Protocol):
    """The devices behind one address and port."""

    def get(self, unit: int, /) -> Device | None: ...


class AnyUnit:
    """One device that answers whatever the unit id."""

    __slots__ = ("device",)

    def __init__(self, device: Device) -> None:
        self.device = device

    def get(self, unit: int, /) -> Device | None:
        return self.device


class PlannedStation:
    """The devices of a listener's plan at one address, each looked up when it is asked for."""

    __slots__ = ("device_of", "ip", "plan")

    def __init__(self, plan: ListenerPlan, ip: int, device_of: DeviceOf) -> None:
        self.plan = plan
        self.ip = ip
        self.device_of = device_of

    def get(self, unit: int, /) -> Device | None:
        found = self.plan.device_at(self.ip, unit)
        return None if found is None else self.device_of(*found)


def planned_station(plan: ListenerPlan, device_of: DeviceOf) -> Station:
    """The station of a listener on one address, or on every address with the same devices."""
    return PlannedStation(plan, plan.spans[0].first_ip, device_of)


def planned_route(plan: ListenerPlan, device_of: DeviceOf) -> Callable[[str], Station | None]:
    """From the local address of a connection to its station; None for an address without devices."""

    def route(address: str) -> Station | None:
        ip = int(ip_address(address))
        return PlannedStation(plan, ip, device_of) if plan.spans_at(ip) else None

    return route


def _silence(device: object, pdu: bytes) -> bytes:
    return b""


def _no_path(device: object, pdu: bytes) -> bytes:
    raise GatewayPathUnavailable("no path to the unit")


def _no_target(device: object, pdu: bytes) -> bytes:
    raise GatewayTargetFailed("the unit did not respond")


class Absent:
    """Stands in for a unit that does not exist: every function code does what the policy says."""

    __slots__ = ("functions", "kind", "row")

    def __init__(self, behaviour: Function) -> None:
        self.functions = (behaviour,) * 256
        self.kind = DeviceKind(self.functions)  # where requests to nobody are counted
        self.row = 0


UNKNOWN_UNIT = {
    "ignore": Absent(_silence),
    "gateway_path_unavailable": Absent(_no_path),
    "gateway_target_failed": Absent(_no_target),
}
