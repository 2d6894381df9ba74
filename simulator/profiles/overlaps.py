"""Which points stand where they must not: on each other, or outside their table.

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


def _overlapping(points: list[Point]) -> Iterator[tuple[Point, Point]]:
    open_points: list[Point] = []
    for point in sorted(points, key=lambda point: point.address):
        open_points = [other for other in open_points if other.stop > point.address]
        for other in open_points:
            if not (point.overlap or other.overlap or _are_different_bits(point, other)):
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
