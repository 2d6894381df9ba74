"""Where a formula reads: a point's column, a number of the devices, a signal of the plant.

One rule: a source says what is so now, at the virtual instant that is being worked on; it remembers
nothing.  A column of ``simulator.blocks.columns`` is a source as it is.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from simulator.generators.numbers import Values


class Source(Protocol):
    """One input of many devices."""

    def read(self, start: int, stop: int, out: np.ndarray | None = None) -> Values:
        """A float when the same for all devices, else float64 of the rows ``start`` to ``stop``.

        In ``out`` when that is given and an array is to be filled; what comes back is not to be changed.
        """
        ...


class Cell(Protocol):
    """The value of a signal."""

    @property
    def value(self) -> float: ...


class Signals(Protocol):
    """All signals of the plant."""

    def cell(self, name: str) -> Cell:
        """The signal called ``name``; KeyError when there is none."""
        ...


class Numbers:
    """What does not move: a parameter, ``i``, ``n``."""

    def __init__(self, values: Values) -> None:
        self._values = values

    def read(self, start: int, stop: int, out: np.ndarray | None = None) -> Values:
        """A view of the rows."""
        return self._values if isinstance(self._values, float) else self._values[start:stop]


class Signal:
    """What a signal is now."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    def read(self, start: int, stop: int, out: np.ndarray | None = None) -> Values:
        """One number for all rows."""
        return float(self._cell.value)
