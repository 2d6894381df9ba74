"""Which device sits where: pure arithmetic, no list of places.

The places of a group are the product of its addresses, ports and unit ids; unit ids turn fastest,
then ports, then addresses.  Device ``i`` has the ``i``-th place.  Seen from a listener, a group is a
``Span``: a run of addresses with the same unit ids on each.  The one rule: placing a million devices
costs the same as placing one; ``place_of`` and ``Span.device_at`` are each other's inverse.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from simulator.config.endpoint import Endpoint, format_endpoint, format_host
from simulator.config.schemes import SCHEMES, Scheme
from simulator.config.serial_line import SerialLine

MAX_UNIT_ID = 255  # one byte, TCP V1.0b §3.1.3
ALL_UNITS = (1 << (MAX_UNIT_ID + 1)) - 1


class Place(NamedTuple):
    """Where one device is reached."""

    ip: int
    ipv6: bool
    port: int
    unit_id: int | None  # None answers every unit id
    scheme: str = "tcp"
    line: SerialLine | None = None  # instead of address and port

    def __str__(self) -> str:
        unit = "any unit id" if self.unit_id is None else f"unit id {self.unit_id}"
        if self.line is not None:
            return f"{self.scheme}:{self.line.text()} {unit}"
        return f"{format_endpoint(self.ip, self.ipv6, self.port, self.scheme)} {unit}"


@dataclass(frozen=True, slots=True)
class Places:
    """The places of ``count`` devices of one group."""

    endpoint: Endpoint
    units: tuple[int, ...] | None  # in order; None: any unit id, one device
    count: int

    @property
    def width(self) -> int:
        """Devices on one port of one address."""
        return 1 if self.units is None else len(self.units)

    @property
    def slots(self) -> int:
        """Ports turned through before the next address; with a free port as many as are needed."""
        if not self.endpoint.free_port:
            return self.endpoint.port_count
        return max(1, -(-self.count // (self.endpoint.addresses * self.width)))

    @property
    def addresses(self) -> int:
        """Addresses that are used."""
        return -(-self.count // (self.slots * self.width))

    def place_of(self, i: int) -> Place:
        """The place of device ``i``."""
        if not 0 <= i < self.count:
            raise IndexError(f"device is {i}, expected 0 to {self.count - 1}")
        rest, unit = divmod(i, self.width)
        address, slot = divmod(rest, self.slots)
        unit_id = None if self.units is None else self.units[unit]
        end = self.endpoint
        return Place(end.first_ip + address, end.ipv6, self._port(slot), unit_id, end.scheme, end.line)

    def ports(self) -> Iterator[tuple[int, int]]:
        """(slot, port) of every port that has a device."""
        used = min(self.slots, -(-self.count // self.width))
        if self.endpoint.free_port:
            yield from ((slot, 0) for slot in range(used))
            return
        slot = 0
        for first, last in self.endpoint.ports:
            for port in range(first, last + 1):
                if slot == used:
                    return
                yield slot, port
                slot += 1

    def span(self, group: int, slot: int) -> Span:
        """The devices on one port as a listener sees them."""
        step = self.slots * self.width
        first = slot * self.width
        full, rest = divmod(self.count, step)
        partly = min(max(rest - first, 0), self.width)
        addresses = full + (partly > 0)
        first_ip, last_ip = self.endpoint.first_ip, self.endpoint.first_ip + addresses - 1
        if self.endpoint.everywhere:
            last_ip = (1 << (128 if self.endpoint.ipv6 else 32)) - 1
            step = 0
        return Span(first_ip, last_ip, group, first, step, self.units, full * self.width + partly)

    def _port(self, slot: int) -> int:
        if self.endpoint.free_port:
            return 0
        for first, last in self.endpoint.ports:
            if slot <= last - first:
                return first + slot
            slot -= last - first + 1
        raise IndexError(f"port number {slot} of {self.endpoint.text}")  # pragma: no cover


@dataclass(frozen=True, slots=True)
class Span:
    """A run of devices behind a listener: the same unit ids on each address of a run.

    A span whose ``step`` is 0 has the same devices on every address (listening everywhere).
    """

    first_ip: int
    last_ip: int
    group: int
    first: int  # device of the group at the first address and unit id
    step: int  # devices between one address and the next
    units: tuple[int, ...] | None  # in order; None: any unit id, one device
    count: int  # devices of the span; the last address may be partly used

    def device_at(self, ip: int, unit_id: int) -> int | None:
        """The device of the group behind this address and unit id, None when there is none."""
        if not self.first_ip <= ip <= self.last_ip:
            return None
        position = 0 if self.units is None else _position(self.units, unit_id)
        address = ip - self.first_ip if self.step else 0
        width = 1 if self.units is None else len(self.units)
        if position < 0 or address * width + position >= self.count:
            return None
        return self.first + address * self.step + position

    def devices_at(self, ip: int) -> Iterator[tuple[int | None, int]]:
        """(unit id, device) of every device on one address; unit id None answers all."""
        if not self.first_ip <= ip <= self.last_ip:
            return
        address = ip - self.first_ip if self.step else 0
        units = (None,) if self.units is None else self.units
        here = self.count - address * len(units)
        for position, unit_id in enumerate(units[: max(0, here)]):
            yield unit_id, self.first + address * self.step + position


def _position(units: tuple[int, ...], unit_id: int) -> int:
    try:
        return units.index(unit_id)
    except ValueError:
        return -1


@dataclass(frozen=True)
class ListenerPlan:
    """One listening socket, or one serial line, and the devices behind it."""

    scheme: str
    host: str  # as the operating system takes it: 127.0.0.1, 0.0.0.0, ::1; "" for a line
    port: int  # 0: the operating system picks one
    wildcard: bool  # listens everywhere to tell devices apart by the local address of a connection
    spans: tuple[Span, ...]
    unknown_unit: str
    ipv6: bool = False
    line: SerialLine | None = None

    @property
    def kind(self) -> Scheme:
        """Framing and transport."""
        return SCHEMES[self.scheme]

    @property
    def endpoint(self) -> str:
        """``tcp://127.0.0.1:5020``, ``rtu:/dev/ttyUSB0?baudrate=9600``"""
        if self.line is not None:
            return f"{self.scheme}:{self.line.text()}"
        host = f"[{self.host}]" if self.ipv6 else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def device_count(self) -> int:
        """Devices behind the listener."""
        return sum(span.count for span in self.spans)

    def spans_at(self, ip: int) -> list[Span]:
        """The spans that hold an address; empty for an address that is not in the plan."""
        starts, reach, spans = self._index
        found = []
        for position in range(bisect_right(starts, ip) - 1, -1, -1):
            if reach[position] < ip:
                break
            if spans[position].last_ip >= ip:
                found.append(spans[position])
        return found

    def device_at(self, ip: int, unit_id: int) -> tuple[int, int] | None:
        """(group, device) behind a local address and unit id, None when nobody is there."""
        for span in self.spans_at(ip):
            if (device := span.device_at(ip, unit_id)) is not None:
                return span.group, device
        return None

    @cached_property
    def _index(self) -> tuple[list[int], list[int], list[Span]]:
        """First addresses in order, the furthest address reached so far, the spans."""
        spans = sorted(self.spans, key=lambda span: span.first_ip)
        reach, furthest = [], -1
        for span in spans:
            furthest = max(furthest, span.last_ip)
            reach.append(furthest)
        return [span.first_ip for span in spans], reach, spans


def unit_mask(units: Iterable[int] | None) -> int:
    """Unit ids as bits of a number; all bits for any unit id."""
    if units is None:
        return ALL_UNITS
    mask = 0
    for unit in units:
        mask |= 1 << unit
    return mask


def host_of(ip: int, ipv6: bool, *, wildcard: bool = False) -> str:
    """The address to bind."""
    return format_host(0 if wildcard else ip, ipv6)
