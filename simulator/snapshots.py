"""What points have in many rows at one moment, copied in one go.

One rule: a snapshot gives the bytes of a row as a block would have read them, and stays as it is whatever is
written afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.fleet import Fleet
    from simulator.points import Point


def share(fleet: Fleet, one: Point, other: Point) -> bool:
    """True when a write to one point may change the other."""
    if fleet.tables[one.table] is not fleet.tables[other.table]:
        return False
    return one.address < other.stop and other.address < one.stop and bool(one.mask & other.mask)


def snapshot(fleet: Fleet, start: int, stop: int, point: Point) -> Callable[[int], bytes]:
    """What a point has in each of the rows now, as it stands on the wire."""
    kept = fleet.tables[point.table]
    column = kept.map.columns[point.address]
    if not kept.bits:
        cells = kept.cells[start:stop, 2 * column : 2 * (column + point.quantity)].copy()
        return lambda row: cells[row - start].tobytes()
    window = kept.cells[start:stop, column >> 3 : (column + point.quantity + 7) >> 3].copy()

    def bits(row: int) -> bytes:
        number = int.from_bytes(window[row - start].tobytes(), "little") >> (column & 7)
        return (number & (1 << point.quantity) - 1).to_bytes((point.quantity + 7) >> 3, "little")

    return bits
