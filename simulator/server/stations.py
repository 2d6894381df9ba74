"""Which device stands behind a unit id and a local address.

A *station* is what one connection sees: ``get(unit)`` returns the device, or None, and ``values()`` all of
them.  A plain dictionary of unit ids is one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Protocol

from simulator.device import OFFLINE, DeviceKind
from simulator.diagnostics import Bus
from simulator.errors import GatewayPathUnavailable, GatewayTargetFailed, ModbusException
from simulator.functions.later import Later
from simulator.functions.table import Function

if TYPE_CHECKING:
    from simulator.config.placement import ListenerPlan
    from simulator.device import Device

DeviceOf = Callable[[int, int], "Device"]  # group, index in the group
Failed = Callable[[Any, bytes, Exception], None]  # device, PDU, what was raised


class Station(Protocol):
    """The devices behind one address and port."""

    def get(self, unit: int, /) -> Any: ...

    def values(self) -> Iterable[Device]: ...


class AnyUnit:
    """One device that answers whatever the unit id."""

    __slots__ = ("device",)

    def __init__(self, device: Device) -> None:
        self.device = device

    def get(self, unit: int, /) -> Device | None:
        return self.device

    def values(self) -> Iterable[Device]:
        return (self.device,)


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

    def values(self) -> Iterator[Device]:
        for span in self.plan.spans_at(self.ip):
            for _, index in span.devices_at(self.ip):
                yield self.device_of(span.group, index)


class LineStation:
    """The devices of another station on one bus, with everybody behind unit id 0 (V1.02 §2.2).

    ``failed`` is told of a fault of ours in carrying out a broadcast.
    """

    __slots__ = ("_everybody", "bus", "failed", "station")

    def __init__(self, station: Station, failed: Failed) -> None:
        self.station = station
        self.bus = Bus()
        self.failed = failed
        self._everybody = Everybody(self)

    def get(self, unit: int, /) -> Any:
        return self._on_bus(self.station.get(unit)) if unit else self._everybody

    def values(self) -> Iterator[Device]:
        for device in self.station.values():
            yield self._on_bus(device)

    def _on_bus(self, device: Any) -> Any:
        if device is not None:
            device.kind.buses[device.row] = self.bus
        return device


class Everybody:
    """All devices of a line: each carries the request out, none answers."""

    __slots__ = ("functions", "kind", "row", "station")

    def __init__(self, station: LineStation) -> None:
        self.station = station
        self.functions = (_broadcast,) * 256
        self.kind = DeviceKind(self.functions)  # where broadcasts are counted once
        self.row = 0


def _broadcast(everybody: Any, pdu: bytes) -> bytes:
    """A device that refuses does so in silence, too."""
    for device in everybody.station.values():
        if device.kind.aside[device.row] & OFFLINE:
            continue
        device.kind.requests[device.row] += 1
        state = device.state
        state.broadcast = True
        try:
            device.functions[pdu[0]](device, pdu)
        except Later as later:
            later.answer.addErrback(_broadcast_failed, everybody.station, device, pdu)
        except Exception as reason:
            _blame(everybody.station, device, pdu, reason)
        state.silent()
        state.broadcast = False
    return b""


def _broadcast_failed(failure: Any, station: LineStation, device: Any, pdu: bytes) -> None:
    _blame(station, device, pdu, failure.value)


def _blame(station: LineStation, device: Any, pdu: bytes, reason: Exception) -> None:
    if not isinstance(reason, (ModbusException, struct.error)):
        station.failed(device, pdu, reason)


class UnitsOf:
    """The unit ids of a station as a container: ``5 in UnitsOf(station)``."""

    __slots__ = ("_station",)

    def __init__(self, station: Station) -> None:
        self._station = station

    def __contains__(self, unit: object) -> bool:
        return isinstance(unit, int) and self._station.get(unit) is not None


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
