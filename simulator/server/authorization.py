"""What a client's role allows, in front of every function of every device it reaches.

A guarded station hands out devices whose functions ask the role first and then do what they always did; so
the way of a request is the same for everybody, and costs nothing where there are no roles.  What a role does
not allow is answered with exception 01, as MODBUS/TCP Security says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.errors import IllegalFunction
from simulator.roles import Role, touched

if TYPE_CHECKING:
    from simulator.device import Device
    from simulator.functions.table import Function
    from simulator.server.stations import Station


class Authority:
    """What the clients of one role may do at one listener; ``refused`` counts requests it did not allow."""

    __slots__ = ("_name", "_role", "_tables", "refused")

    def __init__(self, name: str, role: Role) -> None:
        self.refused = 0
        self._name = name
        self._role = role
        self._tables: dict[int | None, tuple[Function, ...]] = {}  # by unit id, None for all

    def functions(self, unit: int) -> tuple[Function, ...]:
        """By function code: what is passed on, what is looked at, what is refused."""
        key = unit if any(rule.unit_ids is not None for rule in self._role) else None
        table = self._tables.get(key)
        if table is None:
            table = self._tables[key] = tuple(self._function(unit, code) for code in range(256))
        return table

    def allows(self, unit: int, pdu: bytes) -> bool:
        """True when a rule allows the whole request."""
        ranges = touched(pdu)
        return any(rule.concerns(unit, pdu[0]) and rule.allows(ranges) for rule in self._role)

    def refuse(self) -> IllegalFunction:
        """Count a request that is not allowed."""
        self.refused += 1
        return IllegalFunction(f"role {self._name!r} does not allow this")

    def _function(self, unit: int, code: int) -> Any:
        rules = [rule for rule in self._role if rule.concerns(unit, code)]
        if not rules:
            return _refuse
        return _look if all(rule.is_limited for rule in rules) else _pass


class GuardedStation:
    """The devices of a station as the clients of a role see them."""

    __slots__ = ("_authority", "_station")

    def __init__(self, station: Station, authority: Authority) -> None:
        self._station = station
        self._authority = authority

    def get(self, unit: int, /) -> Any:
        """The device of a unit id, guarded; None when there is none."""
        device = self._station.get(unit)
        return None if device is None else GuardedDevice(device, unit, self._authority)


class GuardedDevice:
    """Stands in front of a device for one client."""

    __slots__ = ("authority", "device", "functions", "kind", "row", "unit")

    def __init__(self, device: Device, unit: int, authority: Authority) -> None:
        self.device = device
        self.kind = device.kind
        self.row = device.row
        self.unit = unit
        self.authority = authority
        self.functions = authority.functions(unit)


def _pass(guarded: GuardedDevice, pdu: bytes) -> bytes:
    device = guarded.device
    return device.functions[pdu[0]](device, pdu)


def _look(guarded: GuardedDevice, pdu: bytes) -> bytes:
    if guarded.authority.allows(guarded.unit, pdu):
        device = guarded.device
        return device.functions[pdu[0]](device, pdu)
    raise guarded.authority.refuse()


def _refuse(guarded: GuardedDevice, pdu: bytes) -> bytes:
    raise guarded.authority.refuse()
