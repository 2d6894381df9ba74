"""A device with names for its values: ``device["voltage"]``, ``device.read()``, ``device.write("limit", 2)``.

The names, places and data types are those of a profile, the same that the simulator serves.  Points that
stand close to each other are read with one request, over gaps that the profile says can be read.  The one
rule: values are those of the profile, scaled, labelled, in lists; what the device refuses, it refuses itself:
neither limits nor access rights of the profile are checked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from simulator.client.asks import ask
from simulator.client.plans import AsyncioFace, BlockingFace, Plan, PoolFace, TwistedFace, verb
from simulator.client.typed import read_span, write_span
from simulator.documents.wording import unknown
from simulator.errors import IllegalDataAddress, IllegalFunction
from simulator.protocol import codes
from simulator.protocol.codes import Table

if TYPE_CHECKING:
    import os

    from simulator.points import Point
    from simulator.profiles.profile import Profile

MAX_GAP = 16  # registers or bits between two points that are cheaper to read along than to ask for apart


def profile(name: str, *folders: str | os.PathLike[str]) -> Profile:
    """A profile by its name: one that is shipped, or one of these folders.  Raises ConfigError."""
    from simulator.profiles.loader import ProfileLibrary

    return ProfileLibrary(folders).get(name)


class DeviceVerbs:
    """What a device can be asked by name."""

    def __init__(self, client: Any, kind: Profile | str, unit: int | None = None) -> None:
        self.client = client
        self.profile = profile(kind) if isinstance(kind, str) else kind
        self.unit: int = client.unit if unit is None else unit

    @property
    def names(self) -> list[str]:
        """The names of all points, in the order of the profile."""
        return list(self.profile.points)

    def __iter__(self) -> Iterator[str]:
        return iter(self.profile.points)

    def _run(self, plan: Plan[Any]) -> Any:
        return self.client._run(plan)

    @verb
    def read(self, *names: str) -> Plan[dict[str, object]]:
        """The values of these points by name; of all that can be read when none is named."""
        points = [self._point(name) for name in names] or [
            point for point in self.profile.points.values() if point.access != "wo"
        ]
        found: dict[str, object] = {}
        for span in self._spans(points):
            try:
                data = yield from read_span(span.table, span.start, span.stop - span.start, self.unit)
            except IllegalDataAddress:
                if len(span.points) == 1:
                    raise
                for point in span.points:  # the device does not have all that the profile has
                    found[point.name] = yield from self._value(point)
            else:
                found.update((point.name, _decoded(point, data, span.start)) for point in span.points)
        return {point.name: found[point.name] for point in points}

    @verb
    def __getitem__(self, name: str) -> Plan[object]:
        """The value of one point."""
        return (yield from self._value(self._point(name)))

    @verb
    def write(self, name: str, value: object) -> Plan[None]:
        """Set a point to a number, label, text, truth value or a list, as the profile has it."""
        point = self._point(name)
        data = point.encode(value)
        if point.table.is_bits:
            from simulator.protocol.bits import unpack_bits

            data = bytes(unpack_bits(data)[: point.quantity])
        if point.bit is not None and point.count == 1:
            yield from self._write_bit(point, int.from_bytes(data, "big"))
        else:
            yield from write_span(point.table, point.address, data, self.unit)

    def _write_bit(self, point: Point, word: int) -> Plan[None]:
        """Change the bit of a register: by function 22, else by reading and writing the register."""
        from simulator.protocol.registers import MaskWriteRegisterRequest

        keep = ~point.mask & 0xFFFF
        try:
            yield ask(MaskWriteRegisterRequest(point.address, keep, word), self.unit)
        except IllegalFunction:
            data = yield from read_span(point.table, point.address, 1, self.unit)
            changed = int.from_bytes(data, "big") & keep | word
            yield from write_span(point.table, point.address, changed.to_bytes(2, "big"), self.unit)

    def _value(self, point: Point) -> Plan[object]:
        data = yield from read_span(point.table, point.address, point.quantity, self.unit)
        return _decoded(point, data, point.address)

    def _point(self, name: str) -> Point:
        point = self.profile.points.get(name)
        if point is None:
            raise KeyError(unknown("point", name, self.profile.points))
        return point

    def _spans(self, points: Iterable[Point]) -> list[_Span]:
        """What to read: runs of points with small gaps that exist, as long as one request can be."""
        spans: list[_Span] = []
        for point in sorted(points, key=lambda point: (point.table, point.address)):
            last = spans[-1] if spans else None
            if last is not None and last.table is point.table and self._joins(last, point):
                spans[-1] = _Span(last.table, last.start, max(last.stop, point.stop), [*last.points, point])
            else:
                spans.append(_Span(point.table, point.address, point.stop, [point]))
        return spans

    def _joins(self, span: _Span, point: Point) -> bool:
        most = codes.MAX_READ_BITS if span.table.is_bits else codes.MAX_READ_REGISTERS
        if max(span.stop, point.stop) - span.start > most:
            return False
        gap = point.address - span.stop
        if gap <= 0:
            return True
        layout = self.profile.tables.get(span.table)
        secret = (
            other.table is span.table and other.address < point.address and other.stop > span.stop
            for other in self.profile.points.values()
            if other.access == "wo"
        )
        return gap <= MAX_GAP and layout is not None and layout.contains(span.stop, gap) and not any(secret)


class _Span(NamedTuple):
    table: Table
    start: int
    stop: int
    points: list[Point]


def _decoded(point: Point, data: bytes, start: int) -> object:
    """The value of a point in what ``read_span`` gave from address ``start`` on."""
    first, size = point.address - start, point.quantity
    if point.table.is_bits:
        from simulator.protocol.bits import pack_bits

        return point.decode(pack_bits([bool(bit) for bit in data[first : first + size]]))
    return point.decode(data[2 * first : 2 * (first + size)])


class Device(DeviceVerbs, BlockingFace):
    """A device of a blocking client; ``device["setpoint"] = 21.5`` writes."""

    def __setitem__(self, name: str, value: object) -> None:
        self.write(name, value)


class AsyncDevice(DeviceVerbs, AsyncioFace):
    """A device of a client for asyncio: ``await device["voltage_l1"]``."""


class TwistedDevice(DeviceVerbs, TwistedFace):
    """A device of a client for Twisted."""


class PoolDevice(DeviceVerbs, PoolFace):
    """A device of a pool."""
