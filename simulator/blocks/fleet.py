"""One table of many devices in one buffer: a row a device, a column an address.

All devices of a profile have the same addresses, so one address map and one buffer serve them all, and a
tick writes one column in one call.  Nothing is kept per device: a row's block is made when it is asked for.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.blocks.base import AddressMap
from simulator.blocks.memory import BitBlock, RegisterBlock, new_buffer, row_bytes


class FleetTable:
    """A table of ``rows`` devices, every row filled with ``template`` (the table's bytes in column order)."""

    def __init__(self, address_map: AddressMap, rows: int, template: bytes, *, bits: bool) -> None:
        self.map = address_map
        self.rows = rows
        self.bits = bits
        self.stride = row_bytes(address_map, bits=bits)
        if len(template) != self.stride:
            raise ValueError(f"template has {len(template)} bytes, expected {self.stride}")
        self.buffer = new_buffer(self.stride * rows)
        self.cells: npt.NDArray[np.uint8] = np.frombuffer(
            self.buffer, dtype=np.uint8, count=self.stride * rows
        ).reshape(rows, self.stride)
        if any(template):
            self.cells[:] = np.frombuffer(template, dtype=np.uint8)

    def row(self, index: int) -> RegisterBlock | BitBlock:
        """The block of one device."""
        if not 0 <= index < self.rows:
            raise IndexError(f"row is {index}, expected 0 to {self.rows - 1}")
        make = BitBlock if self.bits else RegisterBlock
        return make(self.map, self.buffer, index * self.stride)
