"""Generators that stand in for a while: another sampler for some rows of a track.

The one rule: nothing is lost.  The generator of the point goes on underneath, so that a row that is given
back is where it would have been; a substitute begins at its own time 0, the instant it is put in.  Where two
want one row, the later has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from simulator.generators.base import Sampler
    from simulator.generators.numbers import Number, Values
    from simulator.generators.rows import GroupRows
    from simulator.generators.scratch import Scratch
    from simulator.generators.sources import Source


class LaterRows:
    """The rows of a fleet as a generator sees them that begins at virtual second ``since``."""

    def __init__(self, rows: GroupRows, since: float) -> None:
        self._rows = rows
        self.count: int = rows.count
        self.seed: int = rows.seed
        self.epoch: float = rows.epoch + since
        self.scratch: Scratch = rows.scratch

    def number(self, number: Number) -> Values:
        """A field, resolved for every device."""
        return self._rows.number(number)

    def keys(self) -> np.ndarray:
        """A hash for each device."""
        return self._rows.keys()

    def source(self, name: str) -> Source:
        """A parameter, a signal, ``i`` or ``n``."""
        return self._rows.source(name)

    def started(self, point: str) -> bool | np.ndarray:
        """No row: what the file gives a point was for its own generator."""
        return False


class Substitute:
    """A sampler for some rows, counted from virtual second ``since``, at which its track had ``tick``."""

    __slots__ = ("_mask", "_sampler", "since", "tick")

    def __init__(self, sampler: Sampler, count: int, tick: int, since: float) -> None:
        self._sampler = sampler
        self._mask = np.zeros(count, bool)
        self.tick = tick
        self.since = since

    def first(self, start: int, stop: int) -> Values:
        """The values of its time 0."""
        return self._sampler.sample(0, 0.0, start, stop)


class Substitutes:
    """All that stand in for the sampler of one track."""

    def __init__(self) -> None:
        self._active: list[Substitute] = []

    def put(self, substitute: Substitute, start: int, stop: int) -> None:
        """Give it the rows ``start`` to ``stop``."""
        self.take_back(start, stop)
        substitute._mask[start:stop] = True
        if substitute not in self._active:
            self._active.append(substitute)

    def take_back(self, start: int, stop: int) -> None:
        """Give the rows back to the generator of the point."""
        for each in self._active:
            each._mask[start:stop] = False
        self._active = [each for each in self._active if each._mask.any()]

    def remove(self, substitute: Substitute) -> None:
        """Give back the rows it still has."""
        self._active = [each for each in self._active if each is not substitute]

    def __bool__(self) -> bool:
        return bool(self._active)

    def over(self, values: Values, tick: int, t: float, start: int, stop: int) -> Values:
        """The values of a tick with those of the substitutes in their rows."""
        out: np.ndarray | None = None
        for each in self._active:
            mask = each._mask[start:stop]
            if mask.any():
                if out is None:
                    out = np.array(np.broadcast_to(values, (stop - start,)))  # before scratch is used again
                found = each._sampler.sample(tick - each.tick, t - each.since, start, stop)
                out[mask] = found if isinstance(found, float) else found[mask]
        return values if out is None else out
