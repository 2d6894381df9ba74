"""A block without holes: addresses that do not exist read zero, and writes to them are forgotten.

It lies over another block, which keeps the values; only a range that the other block refuses is taken
apart.  Addresses end at 65535 all the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.blocks.memory import BitBlock, RegisterBlock
from simulator.errors import IllegalDataAddress
from simulator.protocol.codes import ADDRESSES


class ZeroFilled:
    """The table of ``mapped``, with every address."""

    __slots__ = ("mapped",)

    def __init__(self, mapped: RegisterBlock | BitBlock) -> None:
        self.mapped = mapped

    def read(self, address: int, quantity: int) -> bytes:
        """What stands there, zero where nothing does; see :class:`~simulator.blocks.base.Block`."""
        try:
            return self.mapped.read(address, quantity)
        except IllegalDataAddress:
            _check(address, quantity)
        width = self._width
        found = 0  # the first address in the lowest place, whatever the width
        for start, stop in self._existing(address, address + quantity):
            found |= self._number(self.mapped.read(start, stop - start)) << width * (start - address)
        return self._bytes(found, quantity)

    def write(self, address: int, quantity: int, data: bytes) -> None:
        """Store what exists, forget the rest."""
        try:
            self.mapped.write(address, quantity, data)
            return
        except IllegalDataAddress:
            _check(address, quantity)
        width, cells = self._width, self._number(data)
        for start, stop in self._existing(address, address + quantity):
            size = stop - start
            part = cells >> width * (start - address) & (1 << width * size) - 1
            self.mapped.write(start, size, self._bytes(part, size))

    @property
    def _width(self) -> int:
        return 1 if isinstance(self.mapped, BitBlock) else 16

    def _existing(self, address: int, stop: int) -> Iterator[tuple[int, int]]:
        for first, end in self.mapped.map.ranges:
            if first < stop and address < end:
                yield max(first, address), min(end, stop)

    def _number(self, data: bytes) -> int:
        return int.from_bytes(data if self._width == 1 else _swapped(data), "little")

    def _bytes(self, cells: int, quantity: int) -> bytes:
        data = cells.to_bytes((self._width * quantity + 7) // 8, "little")
        return data if self._width == 1 else _swapped(data)


def _swapped(data: bytes) -> bytes:
    """Big-endian words as little-endian ones, and back."""
    swapped = bytearray(data)
    swapped[0::2], swapped[1::2] = data[1::2], data[0::2]
    return bytes(swapped)


def _check(address: int, quantity: int) -> None:
    if address + quantity > ADDRESSES:
        raise IllegalDataAddress(
            f"last address is {address + quantity - 1}, expected at most {ADDRESSES - 1}"
        )
