"""pid: the output of a controller that takes a value to its setpoint.

The standard form in parallel terms: ``kp × e + ki × ∫ e dt - kd × d(of)/dt`` with ``e = setpoint - of``.  The
derivative is that of the measurement, so that a new setpoint is no kick.  One rule: while the output is at
``min`` or ``max`` the integral does not grow in that direction (anti-windup by conditional integration,
Åström and Hägglund 1995, §3.5), nor beyond ``min`` and ``max`` while other terms make up for it: what was
summed up under one set of gains would take long to go away under another.  A written output is where the
controller goes on from: manual operation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.generators.base import Sampler, cut
from simulator.generators.numbers import Value, Values
from simulator.generators.process import Process
from simulator.generators.quantities import Quantity, bind_quantity
from simulator.generators.registry import generator
from simulator.generators.rows import Rows


@generator("pid")
@dataclass(frozen=True, kw_only=True)
class Pid(Process):
    """The output for ``of`` and ``setpoint``; gains below zero cool what heats."""

    of: Quantity
    setpoint: Quantity
    kp: Quantity = 1.0
    ki: Quantity = 0.0  # each second
    kd: Quantity = 0.0  # seconds
    min: Value | None = None
    max: Value | None = None
    initial: Value | None = None  # the output at first; None: that of kp alone

    @property
    def is_stateful(self) -> bool:
        """It goes on from its integral."""
        return True

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """An array: devices may be written."""
        return _Controller(self, rows, point)


class _Controller(Sampler):
    """The integral, the last measurement and the rest of the output for each row."""

    def __init__(self, pid: Pid, rows: Rows, point: str) -> None:
        def bound(name: str) -> Sampler | float:
            field = getattr(pid, name)
            return field if isinstance(field, float) else bind_quantity(field, rows, point, name)

        self._of, self._setpoint = bound("of"), bound("setpoint")
        self._kp, self._ki, self._kd = bound("kp"), bound("ki"), bound("kd")
        self._low = -np.inf if pid.min is None else rows.number(pid.min)
        self._high = np.inf if pid.max is None else rows.number(pid.max)
        self._interval, self._scratch = pid.interval, rows.scratch
        self._initial = None if pid.initial is None else rows.number(pid.initial)
        self._given = rows.started(point)
        self._own = rows.source(point) if np.any(self._given) else None
        self._integral, self._measured, self._rest = np.zeros((3, rows.count))

    def sample(self, tick: int, t: float, start: int, stop: int) -> Values:
        """The output; where an input is not finite, NaN, and nothing is remembered."""
        instant = tick, t, start, stop
        integral, measured = self._integral[start:stop], self._measured[start:stop]
        out, direct, summed = (
            self._scratch.take(name, stop - start) for name in ("value", "direct", "summed")
        )
        with np.errstate(all="ignore"):
            of = _now(self._of, *instant)
            error = np.subtract(
                _now(self._setpoint, *instant), of, out=self._scratch.take("error", stop - start)
            )
            np.multiply(error, _now(self._kp, *instant), out=direct)
            kd = _now(self._kd, *instant)
            if tick and not (isinstance(kd, float) and kd == 0):
                slope = np.subtract(of, measured, out=out)
                np.multiply(slope, kd / self._interval, out=slope)
                np.subtract(direct, slope, out=direct)
            if tick:
                growth = np.multiply(error, _now(self._ki, *instant) * self._interval, out=error)
                np.add(integral, growth, out=summed)
                self._bound(integral, summed, start, stop)
                self._limit(direct, summed, out, start, stop)
                self._unwind(growth, integral, direct, summed, out, start, stop)
            else:
                self._begin(direct, summed, start, stop)
                self._limit(direct, summed, out, start, stop)
            np.add(direct, summed, out=error)  # what the limits hide: an infinity behind them
        sound = np.isfinite(error)
        if sound.all():
            integral[:], measured[:], self._rest[start:stop] = summed, of, direct
            return out
        for kept, new in ((integral, summed), (measured, of), (self._rest[start:stop], direct)):
            np.copyto(kept, new, where=sound)
        out[~sound] = np.nan
        return out

    def adopt(self, start: int, stop: int, values: np.ndarray, chosen: np.ndarray | bool = True) -> None:
        """A written output is what the integral makes up for: no bump when the controller takes over."""
        wanted = values - self._rest[start:stop]
        np.copyto(self._integral[start:stop], wanted, where=np.isfinite(wanted) & chosen)

    def remembered(self, start: int, stop: int) -> np.ndarray:
        """The output before its limits, which the integral makes up for."""
        found: np.ndarray = self._integral[start:stop] + self._rest[start:stop]
        return found

    def _limit(self, direct: np.ndarray, summed: np.ndarray, out: np.ndarray, start: int, stop: int) -> None:
        """Put the output for an integral into ``out``."""
        np.add(direct, summed, out=out)
        np.maximum(out, cut(self._low, start, stop), out=out)
        np.minimum(out, cut(self._high, start, stop), out=out)

    def _bound(self, integral: np.ndarray, summed: np.ndarray, start: int, stop: int) -> None:
        """Let the integral go no further beyond the limits of the output than it is."""
        bound, sound = self._scratch.take("excess", stop - start), np.isfinite(summed)
        np.minimum(integral, cut(self._low, start, stop), out=bound)
        np.maximum(summed, bound, out=summed, where=sound)
        np.maximum(integral, cut(self._high, start, stop), out=bound)
        np.minimum(summed, bound, out=summed, where=sound)

    def _unwind(
        self,
        growth: np.ndarray,
        integral: np.ndarray,
        direct: np.ndarray,
        summed: np.ndarray,
        out: np.ndarray,
        start: int,
        stop: int,
    ) -> None:
        """Take back growth that would only go further beyond a limit."""
        excess = np.add(direct, summed, out=self._scratch.take("excess", stop - start))
        np.subtract(excess, out, out=excess)
        if not excess.any():
            return
        np.multiply(excess, growth, out=excess)
        np.copyto(summed, integral, where=excess > 0)
        self._limit(direct, summed, out, start, stop)

    def _begin(self, direct: np.ndarray, summed: np.ndarray, start: int, stop: int) -> None:
        """The integral with which the first output is what the file says."""
        summed[:] = 0.0 if self._initial is None else cut(self._initial, start, stop) - direct
        if self._own is not None:
            given = self._given if isinstance(self._given, bool) else self._given[start:stop]
            np.copyto(summed, self._own.read(start, stop) - direct, where=given)


def _now(field: Sampler | float, tick: int, t: float, start: int, stop: int) -> Values:
    return field if isinstance(field, float) else field.sample(tick, t, start, stop)
