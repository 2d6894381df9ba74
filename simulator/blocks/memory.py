"""Blocks over a buffer: one table of one device, a slice a read.

``RegisterBlock`` and ``BitBlock`` are views: an address map, a buffer and the place in it where this
device's row begins.  A fleet makes one for each row of a shared buffer; the functions below make one with a
buffer of its own.  The buffer is an anonymous ``mmap``: its slices are ``bytes`` at once, without a copy in
between.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Mapping

from simulator.blocks.base import AddressMap


class RegisterBlock:
    """A table of 16-bit registers.  ``base`` is the byte offset of the row in the buffer."""

    __slots__ = ("base", "buffer", "map")

    def __init__(self, address_map: AddressMap, buffer: mmap.mmap, base: int = 0) -> None:
        self.map = address_map
        self.buffer = buffer
        self.base = base

    def read(self, address: int, quantity: int) -> bytes:
        """Return ``quantity`` big-endian words."""
        spots = self.map
        try:
            if address + quantity <= spots.stops[address]:
                start = self.base + 2 * spots.columns[address]
                return self.buffer[start : start + 2 * quantity]
        except IndexError:
            pass
        raise spots.refuse(address, quantity)

    def write(self, address: int, quantity: int, data: bytes) -> None:
        """Store ``quantity`` big-endian words."""
        spots = self.map
        try:
            if address + quantity <= spots.stops[address]:
                start = self.base + 2 * spots.columns[address]
                self.buffer[start : start + 2 * quantity] = data
                return
        except IndexError:
            pass
        raise spots.refuse(address, quantity)


class BitBlock:
    """A table of single bits, packed.  ``base`` is the byte offset of the row in the buffer."""

    __slots__ = ("base", "buffer", "map")

    def __init__(self, address_map: AddressMap, buffer: mmap.mmap, base: int = 0) -> None:
        self.map = address_map
        self.buffer = buffer
        self.base = base

    def read(self, address: int, quantity: int) -> bytes:
        """Return ``quantity`` bits, the first in bit 0 of the first byte, the last byte padded with zeros."""
        column = self._column(address, quantity)
        start = self.base + (column >> 3)
        shift = column & 7
        window = self.buffer[start : start + ((shift + quantity + 7) >> 3)]
        bits = int.from_bytes(window, "little") >> shift & ((1 << quantity) - 1)
        return bits.to_bytes((quantity + 7) >> 3, "little")

    def write(self, address: int, quantity: int, data: bytes) -> None:
        """Store ``quantity`` bits in the shape ``read`` returns them; padding bits are ignored."""
        column = self._column(address, quantity)
        start = self.base + (column >> 3)
        shift = column & 7
        stop = start + ((shift + quantity + 7) >> 3)
        mask = (1 << quantity) - 1
        kept = int.from_bytes(self.buffer[start:stop], "little") & ~(mask << shift)
        bits = kept | (int.from_bytes(data, "little") & mask) << shift
        self.buffer[start:stop] = bits.to_bytes(stop - start, "little")

    def _column(self, address: int, quantity: int) -> int:
        spots = self.map
        try:
            if address + quantity <= spots.stops[address]:
                return spots.columns[address]
        except IndexError:
            pass
        raise spots.refuse(address, quantity)


def row_bytes(address_map: AddressMap, *, bits: bool) -> int:
    """The bytes one device needs for a table with this map."""
    return (address_map.size + 7) // 8 if bits else 2 * address_map.size


def new_buffer(size: int) -> mmap.mmap:
    """A zeroed buffer of at least ``size`` bytes that shares its pages with forked processes."""
    return mmap.mmap(-1, max(size, 1))


def pack_registers(values: Iterable[int]) -> bytes:
    """Big-endian words from numbers 0 to 65535."""
    return b"".join(value.to_bytes(2, "big") for value in values)


def pack_bits(values: Iterable[object]) -> bytes:
    """Packed bits from truth values, the first in bit 0 of the first byte."""
    packed = bytearray()
    for index, value in enumerate(values):
        if not index & 7:
            packed.append(0)
        if value:
            packed[-1] |= 1 << (index & 7)
    return bytes(packed)


def sequential_registers(address: int, values: Iterable[int]) -> RegisterBlock:
    """A block of registers at ``address`` and after it."""
    return sparse_registers(dict(enumerate(values, address)))


def sparse_registers(values: Mapping[int, int]) -> RegisterBlock:
    """A block of exactly the registers of ``values``: address -> word."""
    spots = _map_of(values)
    block = RegisterBlock(spots, new_buffer(row_bytes(spots, bits=False)))
    for start, stop in spots.ranges:
        block.write(start, stop - start, pack_registers(values[address] for address in range(start, stop)))
    return block


def sequential_bits(address: int, values: Iterable[object]) -> BitBlock:
    """A block of bits at ``address`` and after it."""
    return sparse_bits(dict(enumerate(values, address)))


def sparse_bits(values: Mapping[int, object]) -> BitBlock:
    """A block of exactly the bits of ``values``: address -> truth value."""
    spots = _map_of(values)
    block = BitBlock(spots, new_buffer(row_bytes(spots, bits=True)))
    for start, stop in spots.ranges:
        block.write(start, stop - start, pack_bits(values[address] for address in range(start, stop)))
    return block


def _map_of(values: Mapping[int, object]) -> AddressMap:
    return AddressMap((address, address + 1) for address in values)
