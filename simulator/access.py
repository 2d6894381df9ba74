"""What a client may write and read, and what a write does to a generated value.

A gate belongs to one writable table of one profile.  ``is_open`` tells in one look-up that no rule concerns a
range, and then nothing of this module runs.  Otherwise ``write`` checks every point the range touches, as a
whole, before anything is stored: read-only points, limits, labels, conditions; then a written point with a
generator is held, and who watches it is told.  Rules may come and go while compiled code looks at
``open_stops``: the array stays the same, what stands in it changes.
"""

from __future__ import annotations

import math
import struct
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol

from simulator.blocks.base import AddressMap, Block
from simulator.blocks.memory import pack_bits
from simulator.errors import IllegalDataAddress, IllegalDataValue, IllegalFunction
from simulator.points import Point
from simulator.protocol import codes
from simulator.protocol.codes import Table

_READS = {  # table and greatest quantity of the functions that begin with address and quantity to read
    codes.READ_COILS: (Table.COIL, codes.MAX_READ_BITS),
    codes.READ_DISCRETE_INPUTS: (Table.DISCRETE_INPUT, codes.MAX_READ_BITS),
    codes.READ_HOLDING_REGISTERS: (Table.HOLDING_REGISTER, codes.MAX_READ_REGISTERS),
    codes.READ_INPUT_REGISTERS: (Table.INPUT_REGISTER, codes.MAX_READ_REGISTERS),
    codes.READ_WRITE_MULTIPLE_REGISTERS: (Table.HOLDING_REGISTER, codes.MAX_READ_WRITE_READ),
}

Function = Callable[[Any, bytes], bytes]
Hold = Callable[[int, float], None]  # row, seconds (infinite: until released)
Push = Callable[[int, bytes], None]  # row, words on the wire


class Watch(Protocol):
    """Who wants to know of writes to a point, and who may refuse them."""

    def wants(self, row: int) -> bool:
        """False when nobody cares for this row."""
        ...

    def judge(self, row: int, before: bytes, after: bytes) -> None:
        """Raise the exception with which a client's write is refused; nothing is stored yet."""
        ...

    def written(self, row: int, before: bytes, after: bytes) -> None:
        """A client has written the point, whose bytes were ``before`` and are ``after``."""
        ...


@dataclass(frozen=True, slots=True)
class Rule:
    """A point whose writes are not simply stored; ``hold`` is called when a client has written it."""

    point: Point
    hold: Hold | None = None
    watch: Watch | None = None


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
        *,
        bits: bool = False,
    ) -> None:
        self.rules = tuple(rules)
        self._is_watched = any(rule.watch is not None for rule in self.rules)
        self.pushes = pushes
        self.bits = bits
        self.read_only = read_only
        self._spots = spots
        self.open_stops = self._stops()

    def replace(self, rules: Iterable[Rule]) -> None:
        """Have these rules from now on; compiled code, which shares ``open_stops``, obeys at once."""
        self.rules = tuple(rules)
        self._is_watched = any(rule.watch is not None for rule in self.rules)
        self.open_stops[:] = self._stops()

    def _stops(self) -> array[int]:
        return _open_stops(self._spots, _places(rule.point for rule in self.rules).union(self.pushes))

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
        written = [rule for rule in written if _concerns(rule.point, address, before, cells)]
        watched = self._judged(row, written, block, address, cells) if self._is_watched else ()
        block.write(address, quantity, cells.packed())
        for rule in written:
            if rule.hold is not None:
                rule.hold(row, rule.point.hold)
        for watch, was, wanted in watched:
            watch.written(row, was, wanted)

    def _judged(
        self, row: int, written: list[Rule], block: Block, address: int, cells: _Cells
    ) -> Sequence[tuple[Watch, bytes, bytes]]:
        """Who is to be told, and the point's bytes before and after; raises what a watch refuses with."""
        watched = []
        for rule in written:
            if rule.watch is None or not rule.watch.wants(row):
                continue
            point = rule.point
            was = block.read(point.address, point.quantity)
            wanted = _Cells(was, point.quantity, self.bits)
            for place in range(max(point.address, address), min(point.stop, address + cells.quantity)):
                wanted[place - point.address] = cells[place - address]
            watched.append((rule.watch, was, wanted.packed()))
        for watch, was, after in watched:
            watch.judge(row, was, after)
        return watched

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


def _concerns(point: Point, address: int, before: bytes, cells: _Cells) -> bool:
    """False for a bit of a register that a write of its whole word has left as it was."""
    if point.bit is None:
        return True
    was = _Cells(before, cells.quantity, cells.bits)
    return (was[point.address - address] ^ cells[point.address - address]) & point.mask != 0


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
    found = rules(points, holds)
    bits = bool(found) and found[0].point.table.is_bits
    return Gate(spots, found, read_only, pushes, bits=bits) if found or pushes else None


def rules(
    points: Iterable[Point],
    holds: Mapping[str, Hold],
    watches: Mapping[str, Watch] = MappingProxyType({}),
) -> list[Rule]:
    """A rule for each of the points whose writes are not simply stored; holds and watches are by name."""
    return [
        Rule(
            replace(point, precision=None),  # limits are not those of rounded numbers
            holds.get(point.name),
            watches.get(point.name),
        )
        for point in points
        if is_ruled(point) or point.name in watches
    ]


def is_ruled(point: Point) -> bool:
    """True when a write to the point is not simply stored."""
    held = point.generator is not None and (point.hold > 0 or point.generator.is_stateful)
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


def hide(
    functions: Sequence[Function], spots: Mapping[Table, AddressMap], points: Mapping[Table, Iterable[Point]]
) -> Sequence[Function]:
    """The functions of a device whose write-only points answer a read with 02; the same where it has none."""
    guarded = list(functions)
    for code, (table, most) in _READS.items():
        hidden = [point for point in points.get(table, ()) if point.access == "wo"]
        if hidden:
            guarded[code] = _guarded(functions[code], most, _open_stops(spots[table], _places(hidden)))
    return tuple(guarded)


def _guarded(function: Function, most: int, stops: array[int]) -> Function:
    """``function``, which begins with address and quantity to read, behind a look at ``stops``."""

    def read(device: Any, pdu: bytes) -> bytes:
        address, quantity = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
        is_legal = 1 <= quantity <= most and address < len(stops)  # otherwise the function says what is wrong
        if is_legal and address + quantity > stops[address]:
            raise IllegalDataAddress(f"addresses {address} to {address + quantity - 1} are not all readable")
        return function(device, pdu)

    return read


def _places(points: Iterable[Point]) -> set[int]:
    return {place for point in points for place in range(point.address, point.stop)}


def _open_stops(spots: AddressMap, closed: Iterable[int]) -> array[int]:
    """The ends of the runs of existing addresses without the ``closed`` ones; 0 for those."""
    stops = array("i", spots.stops)
    ruled = sorted(closed)
    for start, stop in spots.ranges:
        free = start
        for place in ruled[bisect_left(ruled, start) : bisect_left(ruled, stop)]:
            stops[free:place] = array("i", (place,)) * (place - free)
            stops[place] = 0
            free = place + 1
    return stops
