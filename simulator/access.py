"""What a client may write, and what a write does to a generated value.

A gate belongs to one writable table of one profile.  ``is_open`` tells in one look-up that no rule concerns a
range, and then nothing of this module runs.  Otherwise ``write`` checks every point the range touches, as a
whole, before anything is stored: read-only points, limits, labels; then a written point with a generator is
held.
"""

from __future__ import annotations

import math
import struct
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from simulator.blocks.base import AddressMap, Block
from simulator.blocks.memory import pack_bits
from simulator.errors import IllegalDataAddress, IllegalDataValue, IllegalFunction
from simulator.points import Point

Hold = Callable[[int, float], None]  # row, seconds (infinite: until released)
Push = Callable[[int, bytes], None]  # row, words on the wire


@dataclass(frozen=True, slots=True)
class Rule:
    """A point whose writes are not simply stored; ``hold`` is called when a client has written it."""

    point: Point
    hold: Hold | None = None


class Gate:
    """The rules of one table.  ``open_stops[address]`` ends the run of addresses that no rule concerns.

    ``pushes`` are by address: a write that begins there is no write but goes to the end of a queue.
    """

    def __init__(
        self,
        spots: AddressMap,
        rules: Iterable[Rule],
        read_only: str,
        pushes: Mapping[int, Push] = MappingProxyType({}),
    ) -> None:
        self.rules = tuple(rules)
        self.pushes = pushes
        self.bits = bool(self.rules) and self.rules[0].point.table.is_bits
        self.read_only = read_only
        self.open_stops = _open_stops(spots, self.rules, pushes)

    def is_open(self, address: int, quantity: int) -> bool:
        """True when a write to this range touches no rule."""
        stops = self.open_stops
        return address < len(stops) and address + quantity <= stops[address]

    def write(self, row: int, block: Block, address: int, quantity: int, data: bytes) -> None:
        """Check a client's write and carry it out; raises 01, 02 or 03 with nothing stored."""
        if address in self.pushes:
            self.pushes[address](row, data)
            return
        before = block.read(address, quantity)
        cells = _Cells(data, quantity, self.bits)
        stop = address + quantity
        touched = [rule for rule in self.rules if rule.point.address < stop and rule.point.stop > address]
        written = []
        for rule in touched:
            if rule.point.access == "ro":
                self._protect(rule.point, address, cells, _Cells(before, quantity, self.bits))
            elif self._admit(rule.point, block, address, cells):
                written.append(rule)
        block.write(address, quantity, cells.packed())
        for rule in written:
            if rule.hold is not None:
                rule.hold(row, rule.point.hold)

    def _protect(self, point: Point, address: int, cells: _Cells, before: _Cells) -> None:
        """Keep a read-only point; a bit of a register is refused only when the write would change it."""
        first, last = max(point.address, address), min(point.stop, address + cells.quantity)
        for place in range(first - address, last - address):
            kept = before[place] & point.mask | cells[place] & ~point.mask
            if point.bit is None or cells[place] != kept:
                if self.read_only == "illegal_function":
                    raise IllegalFunction(f"point {point.name} is read-only")
                if self.read_only == "illegal_data_address":
                    raise IllegalDataAddress(f"point {point.name} is read-only")
            cells[place] = kept

    def _admit(self, point: Point, block: Block, address: int, cells: _Cells) -> bool:
        """Put a legal value in place of the written one; False when the point keeps what it has."""
        now = _Cells(block.read(point.address, point.quantity), point.quantity, self.bits)
        wanted = _Cells(now.packed(), point.quantity, self.bits)
        overlap = range(max(point.address, address), min(point.stop, address + cells.quantity))
        for place in overlap:
            wanted[place - point.address] = cells[place - address]
        try:
            value = point.decode(wanted.packed())
            admitted = _admitted(point, value)
        except ValueError as error:  # no number at all: digits that are not decimal
            if point.on_invalid != "ignore":
                raise IllegalDataValue(f"point {point.name}: {error}") from None
            value, admitted = error, None
        if admitted is value:
            return True
        kept = now if admitted is None else _Cells(point.encode(admitted), point.quantity, self.bits)
        for place in overlap:
            bits = kept[place - point.address] & point.mask | cells[place - address] & ~point.mask
            cells[place - address] = bits
        return admitted is not None


class _Cells:
    """The registers or bits of a request as numbers that can be changed one by one."""

    def __init__(self, data: bytes, quantity: int, bits: bool) -> None:
        self.quantity = quantity
        self.bits = bits
        self.full = 1 if bits else 0xFFFF
        if bits:
            self._numbers = [data[place >> 3] >> (place & 7) & 1 for place in range(quantity)]
        else:
            self._numbers = [number for (number,) in struct.iter_unpack(">H", data)]

    def __getitem__(self, place: int) -> int:
        return self._numbers[place]

    def __setitem__(self, place: int, number: int) -> None:
        self._numbers[place] = number & self.full

    def packed(self) -> bytes:
        """The numbers as they stand on the wire."""
        if self.bits:
            return pack_bits(self._numbers)
        return b"".join(number.to_bytes(2, "big") for number in self._numbers)


def gate(
    spots: AddressMap,
    points: Iterable[Point],
    holds: Mapping[str, Hold],
    read_only: str,
    pushes: Mapping[int, Push] = MappingProxyType({}),
) -> Gate | None:
    """The gate of a table with these points, or None when no rule concerns any of them."""
    rules = [
        Rule(replace(point, precision=None), holds.get(point.name))  # limits are not those of rounded numbers
        for point in points
        if is_ruled(point)
    ]
    return Gate(spots, rules, read_only, pushes) if rules or pushes else None


def is_ruled(point: Point) -> bool:
    """True when a write to the point is not simply stored."""
    held = point.generator is not None and point.hold > 0
    return point.access == "ro" or held or bool(point.enum) or point.min is not None or point.max is not None


def _admitted(point: Point, value: object) -> object:
    """``value`` itself, the nearest legal value, or None for the value that stands; raises 03."""
    elements = value if isinstance(value, list) and not point.bits else [value]
    if all(_legal(point, element) for element in elements):
        return value
    if point.on_invalid == "ignore":
        return None
    if point.on_invalid == "clamp" and not point.enum:
        nearest = [_nearest(point, element) for element in elements]
        return nearest if isinstance(value, list) else nearest[0]
    raise IllegalDataValue(f"point {point.name} does not take {value}")


def _legal(point: Point, element: object) -> bool:
    if point.enum:
        return isinstance(element, str)  # a number that has no label stays a number
    if not isinstance(element, int | float):
        return True
    if isinstance(element, float) and math.isnan(element):
        return point.min is None and point.max is None
    return (point.min is None or element >= point.min) and (point.max is None or element <= point.max)


def _nearest(point: Point, element: object) -> object:
    if not isinstance(element, int | float):
        return element
    low = -math.inf if point.min is None else point.min
    high = math.inf if point.max is None else point.max
    if math.isnan(element):
        return high if point.min is None else low
    return min(max(element, low), high)


def _open_stops(spots: AddressMap, rules: Iterable[Rule], pushes: Iterable[int]) -> array[int]:
    stops = array("i", spots.stops)
    ruled_by_points = {place for rule in rules for place in range(rule.point.address, rule.point.stop)}
    ruled = sorted(ruled_by_points.union(pushes))
    for start, stop in spots.ranges:
        free = start
        for place in ruled[bisect_left(ruled, start) : bisect_left(ruled, stop)]:
            stops[free:place] = array("i", (place,)) * (place - free)
            stops[place] = 0
            free = place + 1
    return stops
