"""A generated point of a fleet: asks its generator, writes the column, leaves alone what somebody holds.

One rule: a written value is the truth.  It stands as long as it is held, and a generator that remembers goes
on from it, not from what it would have been.  What a generator cannot compute (``on_error``) is counted here;
who moves the tracks tells the user.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from simulator.blocks.columns import Column
from simulator.substitutes import Substitute, Substitutes

if TYPE_CHECKING:
    from simulator.fifos import SampledQueue
    from simulator.generators.numbers import Values
    from simulator.generators.rows import GroupRows
    from simulator.points import Point

Seconds = Callable[[], float]
Mask = npt.NDArray[np.bool_]
Complain = Callable[["Track", int, float], None]  # track, row, virtual second


class Track:
    """One generated point of all devices of a fleet.

    ``errors`` counts values that could not be computed, one a device and tick; ``complain`` is told of the
    first of them.
    """

    def __init__(
        self, point: Point, rows: GroupRows, column: Column, now: Seconds, complain: Complain | None = None
    ) -> None:
        assert point.generator is not None
        self.point = point
        self.interval = float(point.generator.interval)
        self.errors = 0
        self._sampler = point.generator.bind(rows, point.name)
        self._remembers = point.generator.is_stateful
        self._on_error = point.generator.on_failure
        self._column = column
        self._count = rows.count
        self._now = now
        self._complain = complain
        self._held_until: npt.NDArray[np.float64] | None = None  # by row, made when the first is held
        self.queues: list[SampledQueue] = []  # filled at each tick
        self.substitutes = Substitutes()

    def run(self, tick: int, t: float, start: int, stop: int) -> None:
        """Write the values of virtual time ``t``; rows that a client holds keep theirs."""
        values = self._sampler.sample(tick, t, start, stop)
        if self.substitutes:
            values = self.substitutes.over(values, tick, t, start, stop)
        held = None if self._held_until is None else self._held_until[start:stop] > t
        kept = held
        if self._on_error is not None and not _is_sound(values):
            values, kept = self._without_errors(values, held, t, start, stop)
        self._column.write(start, stop, values, kept)
        if self._remembers and held is not None and held.any():
            self._sampler.adopt(start, stop, self._column.read(start, stop), held)
        for queue in self.queues:
            queue.sample(start, stop)

    def substitute(self, substitute: Substitute, start: int, stop: int) -> None:
        """Let another sampler move the rows from now on, with its first values at once."""
        self.substitutes.put(substitute, start, stop)
        self._on_error = self._on_error or "hold"
        values, now = substitute.first(start, stop), self._now()
        held = None if self._held_until is None else self._held_until[start:stop] > now
        values, held = self._without_errors(values, held, now, start, stop)
        self._column.write(start, stop, values, held)

    def hold(self, row: int, seconds: float) -> None:
        """Let the value that has been written to a row stand for ``seconds`` of virtual time."""
        self.hold_rows(row, row + 1, seconds)

    def hold_rows(self, start: int, stop: int, seconds: float) -> None:
        """The same for the rows ``start`` to ``stop``."""
        if self._remembers:
            self._sampler.adopt(start, stop, self._column.read(start, stop))
        if self._held_until is None:
            self._held_until = np.zeros(self._count)
        self._held_until[start:stop] = self._now() + seconds

    def release(self, row: int) -> None:
        """Let a row move again."""
        self.release_rows(row, row + 1)

    def release_rows(self, start: int, stop: int) -> None:
        """Let the rows ``start`` to ``stop`` move again."""
        if self._held_until is not None:
            self._held_until[start:stop] = 0.0

    def held(self) -> Mask | None:
        """Which rows are held now; None when none ever was."""
        return None if self._held_until is None else self._held_until > self._now()

    def hold_some(self, start: int, stop: int, seconds: npt.NDArray[np.float64], chosen: Mask) -> None:
        """Let what stands in the rows that are ``chosen`` stand for so many seconds each."""
        if self._remembers:
            self._sampler.adopt(start, stop, self._column.read(start, stop), chosen)
        if self._held_until is None:
            self._held_until = np.zeros(self._count)
        np.copyto(self._held_until[start:stop], self._now() + seconds, where=chosen)

    def held_for(self, start: int, stop: int) -> npt.NDArray[np.float64] | None:
        """For how many seconds more rows are held, 0 for those that are not; None when none ever was."""
        if self._held_until is None:
            return None
        left: npt.NDArray[np.float64] = np.maximum(self._held_until[start:stop] - self._now(), 0.0)
        return left

    def remembered(self, start: int, stop: int) -> npt.NDArray[np.float64] | None:
        """What the generator goes on from in these rows, at full precision; None if it remembers nothing."""
        return self._sampler.remembered(start, stop) if self._remembers else None

    def go_on_from(self, start: int, stop: int, values: npt.NDArray[np.float64], chosen: Mask) -> bool:
        """Let it go on from there in the rows that are ``chosen``; False when it remembers nothing."""
        if not self._remembers or self._sampler.remembered(start, stop) is None:
            return False
        self._sampler.adopt(start, stop, values, chosen)
        kept = ~(chosen & np.isfinite(values))
        held = self.held_for(start, stop)
        self._column.write(start, stop, values, kept if held is None else kept | (held > 0))
        return True

    def _without_errors(
        self, values: Values, held: Mask | None, t: float, start: int, stop: int
    ) -> tuple[Values, Mask | None]:
        """What to write, and which rows are to be left as they are; errors are counted, the first is told."""
        wrong: Mask = ~np.isfinite(np.broadcast_to(values, (stop - start,)))
        if held is not None:
            wrong &= ~held
        found = int(wrong.sum())
        if found and not self.errors and self._complain is not None:
            self._complain(self, start + int(wrong.argmax()), t)
        self.errors += found
        if self._on_error == "hold":
            return values, wrong if held is None else wrong | held
        return np.where(wrong, 0.0 if self._on_error == "zero" else np.nan, values), held

    def __repr__(self) -> str:
        return f"point {self.point.name}"


def _is_sound(values: Values) -> bool:
    """Whether all values are finite."""
    if isinstance(values, float):
        return values - values == 0
    return bool(np.isfinite(values).all())
