"""What the devices of a fleet have that they would not have by themselves.

That is: values of points without a generator other than those they began with, registers and bits without a
point likewise, generated points that somebody holds, and what generators remember.  The one rule: the work
grows with the tables, the result with what has been written; each step of an iterator here is short.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.protocol.codes import Table
from simulator.snapshots import share
from simulator.starting import load
from simulator.state.records import Record

if TYPE_CHECKING:
    import numpy.typing as npt

    from simulator.blocks.fleet import FleetTable
    from simulator.config.plant import Group
    from simulator.fleet import Fleet
    from simulator.points import Point

BYTES_PER_STEP = 1 << 17  # of a table, compared in one go

_NO_WIRE = np.empty((0, 0), np.uint8)


def form_of(point: Point) -> str:
    """How a point stands on the wire: what reads the same bytes as the same value."""
    kind = point.data_type
    parts = (kind.name, kind.order.name, kind.registers, kind.string_order, kind.padding)
    return " ".join(map(str, (*parts, point.count, point.scale, point.offset, point.bit)))


def static_points(fleet: Fleet) -> list[Point]:
    """Points that nothing but a write changes."""
    points = list(fleet.profile.points.values())
    moving = [point for point in points if point.generator is not None]
    return [
        point
        for point in points
        if point.generator is None and not any(share(fleet, point, other) for other in moving)
    ]


class _Rest(NamedTuple):
    """The places of a table that no point has: by column the address, and which bits they are."""

    table: Table
    kept: FleetTable
    addresses: npt.NDArray[np.int64]
    mask: npt.NDArray[np.uint8]  # of a row


def rest_of(fleet: Fleet) -> list[_Rest]:
    """Each block once, those that have such places."""
    found: list[_Rest] = []
    seen: list[FleetTable] = []
    for table, kept in fleet.tables.items():
        if any(kept is other for other in seen):
            continue
        seen.append(kept)
        ranges = [np.arange(start, stop) for start, stop in kept.map.ranges]
        addresses = np.concatenate(ranges) if ranges else np.empty(0, np.int64)
        free = np.ones(len(addresses), np.uint8)
        for point in fleet.profile.points.values():
            if fleet.tables[point.table] is kept:
                column = kept.map.columns[point.address]
                free[column : column + point.quantity] = 0
        mask = np.zeros(kept.stride, np.uint8)
        own = np.packbits(free, bitorder="little") if kept.bits else np.repeat(free * np.uint8(0xFF), 2)
        mask[: len(own)] = own
        if free.any():
            found.append(_Rest(table, kept, addresses, mask))
    return found


class Beginnings:
    """What the points of a fleet begin with; made before anybody writes, and as small as that allows."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.points = static_points(fleet)
        self.rest = rest_of(fleet)
        self._wires = [
            [_begun(fleet, point, first, first + group.count) for point in self.points]
            for group, first in zip(fleet.groups, fleet.firsts, strict=True)
        ]
        self._rows = [rest.kept.cells[0].copy() for rest in self.rest]

    def changes(self, now: float) -> Iterator[Record | None]:
        """Records of all groups, None between two steps of work; ``now`` in virtual seconds."""
        for number, (group, first) in enumerate(zip(self.fleet.groups, self.fleet.firsts, strict=True)):
            for point, begun in zip(self.points, self._wires[number], strict=True):
                yield from _written(self.fleet, group, first, point, begun)
            for rest, row in zip(self.rest, self._rows, strict=True):
                yield from _beside_points(rest, row, group, first)
            yield from _moving(self.fleet, group, first)


def _begun(fleet: Fleet, point: Point, start: int, stop: int) -> npt.NDArray[np.uint8]:
    """The bytes of a point by row, one row when they are all the same."""
    wire = load(fleet.tables[point.table], point, slice(start, stop))
    return wire[:1].copy() if (wire == wire[:1]).all() else wire


def _steps(first: int, count: int, width: int) -> Iterator[tuple[int, int]]:
    """Rows of the fleet, cut so that a step is short."""
    size = max(1, BYTES_PER_STEP // max(1, width))
    for start in range(first, first + count, size):
        yield start, min(start + size, first + count)


def _written(
    fleet: Fleet, group: Group, first: int, point: Point, begun: npt.NDArray[np.uint8]
) -> Iterator[Record | None]:
    """Values other than those at the beginning."""
    kept = fleet.tables[point.table]
    rows, wires = [], []
    for start, stop in _steps(first, group.count, begun.shape[1]):
        wire = load(kept, point, slice(start, stop))
        was = begun if len(begun) == 1 else begun[start - first : stop - first]
        found = np.flatnonzero((wire != was).any(axis=1))
        if len(found):
            rows.append(found + (start - first))
            wires.append(wire[found])
        yield None
    if rows:
        joined = np.concatenate(rows), np.concatenate(wires)
        yield Record(group.name.text, "value", point.name, form_of(point), *joined)


def _beside_points(
    rest: _Rest, begun: npt.NDArray[np.uint8], group: Group, first: int
) -> Iterator[Record | None]:
    """Registers and bits no point has, address and word each."""
    rows, words = [], []
    for start, stop in _steps(first, group.count, rest.kept.stride):
        cells = rest.kept.cells[start:stop]
        changed = (cells ^ begun) & rest.mask
        places = np.flatnonzero(changed.any(axis=1))
        for place in places:
            columns = _columns(changed[place], rest)
            rows.append(np.full(len(columns), place + (start - first)))
            words.append(_words(cells[place], columns, rest))
        yield None
    if rows:
        joined = np.concatenate(rows), np.concatenate(words)
        yield Record(group.name.text, "table", rest.table.label, "word", *joined)


def _columns(changed: npt.NDArray[np.uint8], rest: _Rest) -> npt.NDArray[np.int64]:
    if rest.kept.bits:
        return np.flatnonzero(np.unpackbits(changed, bitorder="little")[: len(rest.addresses)])
    return np.flatnonzero(changed[: 2 * len(rest.addresses)].reshape(-1, 2).any(axis=1))


def _words(
    cells: npt.NDArray[np.uint8], columns: npt.NDArray[np.int64], rest: _Rest
) -> npt.NDArray[np.uint8]:
    """Address and word, big-endian, one row of four bytes each."""
    if rest.kept.bits:
        words = cells[columns >> 3] >> (columns & 7) & 1
    else:
        words = cells[2 * columns].astype(np.uint16) << 8 | cells[2 * columns + 1]
    pairs = np.stack([rest.addresses[columns], words], axis=1).astype(">u2")
    return pairs.view(np.uint8).reshape(len(columns), 4)


def _moving(fleet: Fleet, group: Group, first: int) -> Iterator[Record | None]:
    """What is held, and what is remembered."""
    every = np.arange(group.count)
    for track in fleet.tracks:
        point, last = track.point, first + group.count
        left = track.held_for(first, last)
        if left is not None and len(rows := np.flatnonzero(left)):
            wire = load(fleet.tables[point.table], point, slice(first, last))[rows]
            yield Record(group.name.text, "held", point.name, form_of(point), rows, wire, left[rows])
        remembered = track.remembered(first, last)
        if remembered is not None:
            yield Record(group.name.text, "memory", point.name, "number", every, _NO_WIRE, remembered)
        yield None
