"""Wrong values in the answer to a read.

Values are those of the points that lie in the answer as a whole, in engineering units; registers without a
point are numbers of 16 bits.  Points that are no numbers (texts, labels, flags) keep what they say, but for
``stuck``.  What does not fit a data type becomes the nearest that does.  ``nan`` is NaN for floats and, for
whole numbers, what SunSpec says of values that are not implemented: the smallest signed, the largest
unsigned number (SunSpec Information Model Specification 1.9).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from simulator.datatypes import DataType
from simulator.faults.files import CorruptFile
from simulator.faults.words import READS
from simulator.points import Point
from simulator.protocol.codes import Table
from simulator.roles import touched

USUAL_RATE = 1.0  # a second
USUAL_FACTOR = 10.0

_WORD = DataType("uint16")


class Corruption:
    """What a rule does to the values of one device; ``names`` are the points it is about, None for all."""

    __slots__ = ("_all", "_blocks", "_how", "_points", "_stuck")

    def __init__(
        self,
        how: CorruptFile,
        points: Mapping[str, Point],
        names: Sequence[str] | None = None,
        blocks: Mapping[Table, Table] | None = None,
    ) -> None:
        self._how = how
        self._all = names is None
        self._blocks = blocks or {}
        chosen = points.values() if names is None else [points[name] for name in names if name in points]
        self._points = sorted(chosen, key=lambda point: point.address)
        self._stuck: dict[tuple[Table, int], bytes] = {}

    def corrupt(self, request: bytes, reply: bytes, seconds: float) -> bytes:
        """The answer with wrong values; ``seconds`` is how long the rule has been on."""
        if request[0] not in READS or reply[0] != request[0]:
            return reply
        runs = touched(request)
        if not runs:
            return reply
        table, address, quantity = runs[0]
        if table.is_bits:
            return reply[:2] + self._bits(table, address, quantity, reply[2:])
        if self._how.type == "stuck" and self._how.value is None:
            return reply[:2] + self._standing(table, address, reply[2:])
        data = bytearray(reply[2:])
        for place, size, point in self._spots(table, address, quantity):
            at = slice(2 * (place - address), 2 * (place - address + size))
            data[at] = self._registers(bytes(data[at]), point, seconds)
        return reply[:2] + bytes(data)

    def _spots(self, table: Table, address: int, quantity: int) -> Iterator[tuple[int, int, Point | None]]:
        """Address, registers and point of what is changed as one; None for a register without a point."""
        stop = address + quantity
        covered: set[int] = set()
        for point in self._points:
            if self._block(point.table) == self._block(table) and point.address < stop:
                places = range(point.address, point.stop)
                if address <= point.address and point.stop <= stop:
                    yield point.address, point.quantity, point
                covered.update(places)
        if self._all:
            yield from ((place, 1, None) for place in range(address, stop) if place not in covered)

    def _block(self, table: Table) -> Table:
        return self._blocks.get(table, table)

    def _registers(self, data: bytes, point: Point | None, seconds: float) -> bytes:
        if point is None:
            return self._changed(_WORD, data, 1.0, 0.0, seconds)
        kind = point.data_type
        if not kind.is_numeric or kind.family in ("bool", "bits") or point.enum:
            return data
        size = 2 * kind.registers
        elements = (data[at : at + size] for at in range(0, len(data), size))
        return b"".join(self._changed(kind, each, point.scale, point.offset, seconds) for each in elements)

    def _standing(self, table: Table, address: int, data: bytes) -> bytes:
        """Each register as it was when it was first read."""
        words = [data[at : at + 2] for at in range(0, len(data), 2)]
        for number, word in enumerate(words):
            if self._all or self._has_point(table, address + number):
                words[number] = self._stuck.setdefault((table, address + number), word)
        return b"".join(words)

    def _changed(self, kind: DataType, data: bytes, scale: float, offset: float, seconds: float) -> bytes:
        how = self._how
        if how.type == "nan":
            return _none(kind, data)
        if how.value is not None:
            return _fitting(kind, (how.value - offset) / scale)
        try:
            value = float(kind.decode(data)) * scale + offset  # type: ignore[arg-type]  # it is numeric
        except ValueError:  # digits of a BCD number that are none
            return data
        if how.type == "drift":
            value += (USUAL_RATE if how.rate is None else how.rate) * seconds
        elif how.by is not None:
            value += how.by
        else:
            value *= USUAL_FACTOR if how.factor is None else how.factor
        return _fitting(kind, (value - offset) / scale)

    def _bits(self, table: Table, address: int, quantity: int, data: bytes) -> bytes:
        """Bits stand still or, with ``spike``, are the other way round."""
        number = int.from_bytes(data, "little")
        for bit in range(quantity):
            place, value = address + bit, number >> bit & 1
            if not self._all and not self._has_point(table, place):
                continue
            if self._how.type == "stuck":
                held = self._stuck.setdefault((table, place), bytes((value,)))[0]
                wanted = held if self._how.value is None else int(self._how.value >= 0.5)
            else:
                wanted = value ^ (self._how.type == "spike")
            number ^= (value ^ wanted) << bit
        return number.to_bytes(len(data), "little")

    def _has_point(self, table: Table, place: int) -> bool:
        block = self._block(table)
        return any(
            self._block(point.table) == block and point.address <= place < point.stop
            for point in self._points
        )


def _fitting(kind: DataType, raw: float) -> bytes:
    """A raw number as the data type has it, the nearest one when it does not fit."""
    low, high = kind.minimum, kind.maximum
    if math.isnan(raw):
        return _none(kind, kind.encode(0))
    if low is not None and high is not None:
        raw = min(max(raw, low), high)
    return kind.encode(round(raw) if kind.is_integer else raw)


def _none(kind: DataType, data: bytes) -> bytes:
    """What says that there is no value."""
    if kind.family == "float":
        return kind.encode(math.nan)
    if kind.family == "int" and kind.minimum is not None and kind.maximum is not None:
        return kind.encode(int(kind.minimum if kind.minimum < 0 else kind.maximum))
    return data
