"""Which points stand on each other, and which stand where they must not: there, or outside their table.

One rule: two points of a table may share an address only when one of them says ``overlap: true``, or when
both are single bits of one register and different ones.  Points of two tables that share a block may stand on
each other: that is what sharing is for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from simulator.points import Point
from simulator.profiles.layers import LayeredDocument
from simulator.profiles.layouts import format_ranges
from simulator.profiles.profile import TableLayout
from simulator.protocol.codes import Table


def check_places(
    points: Iterable[Point], tables: Mapping[Table, TableLayout], document: LayeredDocument
) -> None:
    """Report every overlap and every point outside its table."""
    by_table: dict[Table, list[Point]] = {}
    for point in points:
        layout = tables[point.table]
        by_table.setdefault(point.table, []).append(point)
        if not layout.contains(point.address, point.quantity):
            where = f"{point.table.label} {_addresses(point)}"
            expected = f"expected addresses in {format_ranges(layout.ranges)}"
            message = f"point leaves its table, got {where}, {expected}"
            document.report(("points", point.name), message, key=True)
    for neighbours in by_table.values():
        for first, second in _overlapping(neighbours):
            document.report(("points", second.name), _overlap(first, second), key=True)


def moving_on(points: Iterable[Point], tables: Mapping[Table, TableLayout]) -> dict[str, list[str]]:
    """For each point that shares registers or bits with moving points: the names of these."""
    by_block: dict[Table, list[Point]] = {}
    for point in points:
        layout = tables[point.table]
        by_block.setdefault(layout.share if layout.share is not None else point.table, []).append(point)
    found: dict[str, list[str]] = {}
    for neighbours in by_block.values():
        for first, second in _meeting(neighbours):
            for one, other in ((first, second), (second, first)):
                if other.generator is not None:
                    found.setdefault(one.name, []).append(other.name)
    return found


def _overlapping(points: list[Point]) -> Iterator[tuple[Point, Point]]:
    return (pair for pair in _meeting(points) if not (pair[0].overlap or pair[1].overlap))


def _meeting(points: list[Point]) -> Iterator[tuple[Point, Point]]:
    """Every two points that have a register or bit in common."""
    open_points: list[Point] = []
    for point in sorted(points, key=lambda point: point.address):
        open_points = [other for other in open_points if other.stop > point.address]
        for other in open_points:
            if not _are_different_bits(point, other):
                yield other, point
        open_points.append(point)


def _are_different_bits(first: Point, second: Point) -> bool:
    return first.bit is not None and second.bit is not None and not first.mask & second.mask


def _overlap(first: Point, second: Point) -> str:
    if first.bit is not None and second.bit is not None:
        return (
            f"point {second.name!r} is bit {second.bit} of register {second.address} "
            f"and so is point {first.name!r}, expected another bit or overlap: true"
        )
    return (
        f"point {second.name!r} overlaps point {first.name!r}, got {second.table.label} {_addresses(second)} "
        f"and {_addresses(first)}, expected different addresses or overlap: true"
    )


def _addresses(point: Point) -> str:
    return str(point.address) if point.quantity == 1 else f"{point.address}-{point.stop - 1}"
