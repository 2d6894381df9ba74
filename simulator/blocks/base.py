"""The contract of a block, and the map from addresses to places.

A block is one table of one device.  Values cross its border as they stand on the wire: registers as
big-endian words, bits packed eight to a byte, the first in the lowest bit (V1.1b3 §4.2, §6.1).  A block
knows which addresses exist and nothing of points, units or access rules.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Protocol

import numpy as np

from simulator.errors import IllegalDataAddress
from simulator.protocol.codes import ADDRESSES


class Block(Protocol):
    """What the function codes ask of a table.

    ``read`` returns ``2 * quantity`` bytes for registers and ``(quantity + 7) // 8`` for bits, whose
    unused high bits are zero.  ``write`` takes the same shapes and ignores the unused bits.  Both raise
    :class:`~simulator.errors.IllegalDataAddress` when an address of the range does not exist, and then
    change nothing.  ``quantity`` is at least 1: the function codes have checked it.
    """

    def read(self, address: int, quantity: int) -> bytes: ...

    def write(self, address: int, quantity: int, data: bytes) -> None: ...


class AddressMap:
    """Which addresses of a table exist, and the column each is kept in.

    ``ranges`` are half-open ``(start, stop)`` pairs in any order; touching ones are joined.  Columns number
    the existing addresses from 0.  ``columns[address]`` is an address's column, and ``stops[address]`` the
    end of the run of existing addresses it stands in, 0 where there is none: a range is readable exactly
    when ``address + quantity <= stops[address]``.
    """

    __slots__ = ("columns", "ranges", "size", "stops")

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        self.ranges = _joined(ranges)
        last = self.ranges[-1][1] if self.ranges else 0
        columns = np.zeros(last, dtype="i4")
        stops = np.zeros(last, dtype="i4")
        size = 0
        for start, stop in self.ranges:
            columns[start:stop] = np.arange(size, size + stop - start)
            stops[start:stop] = stop
            size += stop - start
        self.columns = array("i", columns.tobytes())
        self.stops = array("i", stops.tobytes())
        self.size = size

    def refuse(self, address: int, quantity: int) -> IllegalDataAddress:
        """The exception for a range that does not exist as a whole."""
        return IllegalDataAddress(f"addresses {address} to {address + quantity - 1} do not all exist")


def _joined(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    joined: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        if not 0 <= start < stop <= ADDRESSES:
            raise ValueError(f"address range is {start} to {stop - 1}, expected within 0 to {ADDRESSES - 1}")
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return tuple(joined)
