"""The FIFO queues of devices: registers, the oldest first, behind pointer addresses (V1.1b3 §6.18).

A queue is filled in one of two ways.  Clients push: what they write to the pointer address goes to the end.
Or a generated point pushes: at every tick of its generator what then stands in its registers.  A queue
holds ``depth`` registers; what is over falls out at the other end, a value of several registers as a whole.
Reading takes nothing out.  A queue of more than 31 registers cannot be read and answers 03, as specified.
Where there is a register at the pointer address it shows how many are in the queue.

All devices of a kind begin with the same queue: a device has one of its own only when a client has pushed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from simulator.errors import IllegalDataAddress
from simulator.protocol.codes import ADDRESSES

MAX_DEPTH = ADDRESSES


class Queue(Protocol):
    """A queue of every device of a kind."""

    is_open: bool  # clients may push

    def registers(self, row: int) -> bytes:
        """What a device's queue holds, as words on the wire, the oldest first."""
        ...

    def push(self, row: int, data: bytes) -> None:
        """Put words on the wire to the end of a device's queue."""
        ...


Counts = npt.NDArray[np.uint16]  # of registers in the queue of each row, big-endian: the pointer registers


class PushedQueue:
    """Filled by clients; every device begins with the words of ``template``."""

    is_open = True

    def __init__(self, template: bytes, depth: int, counts: Counts | None = None) -> None:
        self._template = template
        self._size = 2 * depth
        self._counts = counts
        self._pushed: dict[int, bytes] = {}  # by row
        if counts is not None:
            counts[:] = len(template) // 2

    def registers(self, row: int) -> bytes:
        return self._pushed.get(row, self._template)

    def push(self, row: int, data: bytes) -> None:
        queue = self._pushed[row] = (self.registers(row) + data)[-self._size :]
        if self._counts is not None:
            self._counts[row] = len(queue) // 2


class SampledQueue:
    """Filled with what stands in some bytes of each row, whenever ``sample`` is called.

    ``cells`` are all rows of the table of the point, ``start`` and ``size`` the bytes of the point in a row.
    The memory for the samples is taken as they come.
    """

    is_open = False

    def __init__(
        self, cells: npt.NDArray[np.uint8], start: int, size: int, depth: int, counts: Counts | None = None
    ) -> None:
        rows = len(cells)
        self._cells = cells
        self._counts = counts
        self._place = slice(start, start + size)
        self._samples = np.zeros((max(1, 2 * depth // size), rows, size), np.uint8)  # a ring of samples
        self._taken = np.zeros(rows, np.uint32)  # samples of each row since the start
        if counts is not None:
            counts[:] = 0

    def sample(self, start: int, stop: int) -> None:
        """Take what stands in rows ``start`` to ``stop``, which have been taken equally often."""
        ring = self._samples
        ring[self._taken[start] % len(ring), start:stop] = self._cells[start:stop, self._place]
        self._taken[start:stop] += 1
        if self._counts is not None:
            kept = min(int(self._taken[start]), len(ring))
            self._counts[start:stop] = kept * (ring.shape[2] // 2)

    def registers(self, row: int) -> bytes:
        taken, room = int(self._taken[row]), len(self._samples)
        kept = self._samples[:, row]
        if taken < room:
            return bytes(kept[:taken].tobytes())
        return bytes(np.roll(kept, -(taken % room), axis=0).tobytes())

    def push(self, row: int, data: bytes) -> None:
        raise IllegalDataAddress("the queue is filled by a generator and takes no writes")


class FifoStore:
    """Queues by pointer address."""

    def __init__(self, queues: Mapping[int, Queue]) -> None:
        self.queues: dict[int, Any] = dict(queues)

    def registers(self, row: int, address: int) -> bytes:
        """The queue behind a pointer address, as words on the wire; raises 02 where there is none."""
        queue = self.queues.get(address)
        if queue is None:
            raise IllegalDataAddress(f"there is no queue at address {address}")
        return bytes(queue.registers(row))
