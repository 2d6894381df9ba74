"""What a client's role allows, in front of every function of every device it reaches.

A guarded station hands out devices whose functions ask the role first and then do what they always did; so the
way of a request is the same for everybody, and costs nothing where there are no roles.  What a role does not
allow is answered with exception 01, as MODBUS/TCP Security says.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from simulator.errors import IllegalFunction
from simulator.roles import Role, touched

if TYPE_CHECKING:
    from simulator.device import Device
    from simulator.functions.table import Function
    from simulator.server.stations import Station


class GuardedStation:
    """The devices of a station as a client of one role sees them; ``refused`` counts requests by role."""

    __slots__ = ("_name", "_refused", "_role", "_station")

    def __init__(self, station: Station, name: str, role: Role, refused: Counter[str]) -> None:
        self._station = station
        self._name = name
        self._role = role
        self._refused = refused

    def get(self, unit: int, /) -> Any:
        """The device of a unit id, guarded; None when there is none."""
        device = self._station.get(unit)
        return None if device is None else GuardedDevice(device, unit, self)

    def functions(self, unit: int) -> tuple[Function, ...]:
        """By function code: what is passed on, what is looked at, what is refused."""
        return tuple(self._function(unit, code) for code in range(256))

    def allows(self, unit: int, pdu: bytes) -> bool:
        """True when a rule allows the whole request."""
        ranges = touched(pdu)
        return any(rule.concerns(unit, pdu[0]) and rule.allows(ranges) for rule in self._role)

    def refuse(self) -> IllegalFunction:
        """Count a refusal."""
        self._refused[self._name] += 1
        return IllegalFunction(f"role {self._name!r} does not allow this")

    def _function(self, unit: int, code: int) -> Any:
        rules = [rule for rule in self._role if rule.concerns(unit, code)]
        if not rules:
            return _refuse
        return _look if all(rule.is_limited for rule in rules) else _pass


class GuardedDevice:
    """Stands in front of a device for one client."""

    __slots__ = ("device", "functions", "kind", "row", "station", "unit")

    def __init__(self, device: Device, unit: int, station: GuardedStation) -> None:
        self.device = device
        self.kind = device.kind
        self.row = device.row
        self.unit = unit
        self.station = station
        self.functions = station.functions(unit)


def _pass(guarded: GuardedDevice, pdu: bytes) -> bytes:
    device = guarded.device
    return device.functions[pdu[0]](device, pdu)


def _look(guarded: GuardedDevice, pdu: bytes) -> bytes:
    if guarded.station.allows(guarded.unit, pdu):
        device = guarded.device
        return device.functions[pdu[0]](device, pdu)
    raise guarded.station.refuse()


def _refuse(guarded: GuardedDevice, pdu: bytes) -> bytes:
    raise guarded.station.refuse()
