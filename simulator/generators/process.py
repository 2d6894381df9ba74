"""Values that follow from others: formula, follow, lag, integrate.

Their fields may be formulas over the device's points, its parameters and the plant's signals; the fleet asks
them after what they read.  ``lag`` and ``integrate`` remember their value in full precision, 8 bytes a
device; a written value becomes what they remember.  One rule: what cannot be computed (a division by zero,
NaN) is given as it is and remembered by nobody; ``on_error`` says what the point shows then.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Strict

from simulator.generators.base import Generator, OnError, Sampler, cut
from simulator.generators.formulas import Formula
from simulator.generators.numbers import Seconds, Span, Value, Values, above_zero
from simulator.generators.quantities import Quantity, QuantityOfTime, bind_quantity
from simulator.generators.registry import generator
from simulator.generators.rows import Rows

Flag = Annotated[bool, Strict()]
MOST_STEPS = 86_400  # intervals that a delay may remember: a day at 1 s
MOST_HISTORY = 1 << 27  # numbers that a delay may remember for all devices: 1 GB
_NOTHING = float(np.finfo(np.float32).tiny)  # what is less is 0: computing with such numbers is slow
_INSTANT = 1e-9  # seconds; a time constant below it is as good as none


@dataclass(frozen=True, kw_only=True)
class Process(Generator):
    """What computes from other values shares what happens when that fails."""

    on_error: OnError = "hold"

    @property
    def on_failure(self) -> OnError:
        """As the file says."""
        return self.on_error


@generator("formula")
@dataclass(frozen=True, kw_only=True)
class Computed(Process):
    """The value of ``formula``."""

    formula: Quantity

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """One number where the formula reads nothing that differs by device."""
        return bind_quantity(self.formula, rows, point, "formula")


@generator("follow")
@dataclass(frozen=True, kw_only=True)
class Follow(Process):
    """``gain`` times what ``of`` was ``delay`` ago; until then what it was at first."""

    of: Quantity
    delay: Seconds = 0.0
    gain: Quantity = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.delay, float) and self.delay > MOST_STEPS * self.interval:
            got = f"got {self.delay / self.interval:.0f} intervals of {self.interval:g} s"
            raise ValueError(
                f"delay is too long, {got}, expected at most {MOST_STEPS}: a longer interval helps"
            )

    @property
    def is_stateful(self) -> bool:
        """With a delay it shows the past."""
        return self.delay != 0

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """Remembers ``delay`` ÷ ``interval`` numbers a device; ``ValueError`` when that is too much."""
        of, gain = bind_quantity(self.of, rows, point, "of"), bind_quantity(self.gain, rows, point, "gain")
        of = _Product(rows, of, gain)
        if not self.is_stateful:
            return of
        delay = rows.number(self.delay)
        steps = np.maximum(np.rint(np.asarray(delay) / self.interval), delay != 0).astype(np.int64)
        if (int(steps.max()) + 1) * rows.count > MOST_HISTORY:
            got = f"{int(steps.max())} intervals for each of {rows.count} devices"
            raise ValueError(f"delay is {got}, expected at most {MOST_HISTORY} numbers in all")
        return _Delayed(of, steps, rows)


class _Product(Sampler):
    """One times the other; in memory of its own unless it is one number."""

    def __init__(self, rows: Rows, of: Sampler, gain: Sampler) -> None:
        self._of, self._gain, self._scratch = of, gain, rows.scratch

    def sample(self, tick: int, t: float, start: int, stop: int) -> Values:
        of, gain = self._of.sample(tick, t, start, stop), self._gain.sample(tick, t, start, stop)
        if isinstance(gain, float) and gain == 1:
            return of
        if isinstance(of, float) and isinstance(gain, float):
            return of * gain
        with np.errstate(all="ignore"):
            product: np.ndarray = np.multiply(of, gain, out=self._scratch.take("value", stop - start))
        return product


class _Delayed(Sampler):
    """A ring of the last ticks, (ticks, rows)."""

    def __init__(self, of: Sampler, steps: np.ndarray, rows: Rows) -> None:
        self._of, self._steps = of, steps
        self._ring = np.zeros((int(steps.max()) + 1, rows.count))
        self._row = np.arange(rows.count) if steps.ndim else None

    def sample(self, tick: int, t: float, start: int, stop: int) -> Values:
        ring, now = self._ring, self._of.sample(tick, t, start, stop)
        ring[tick % len(ring) if tick else slice(None), start:stop] = now
        if self._row is None:
            past: np.ndarray = ring[(tick - int(self._steps)) % len(ring), start:stop]
            return past
        return ring[(tick - self._steps[start:stop]) % len(ring), self._row[start:stop]]  # type: ignore[no-any-return]


class Stateful(Sampler):
    """Goes on from a state, (rows,), in which a number that is not finite never stays."""

    def __init__(self, rows: Rows, point: str, initial: Sampler) -> None:
        self._initial, self._given = initial, rows.started(point)
        self._own = rows.source(point) if np.any(self._given) else None
        self._scratch = rows.scratch
        self._state = np.zeros(rows.count)

    def sample(self, tick: int, t: float, start: int, stop: int) -> Values:
        """At tick 0 what it begins with, then one step after the other."""
        state, out = self._state[start:stop], self._scratch.take("value", stop - start)
        with np.errstate(all="ignore"):
            if tick:
                self.step(out, state, tick, t, start, stop)
                size = np.absolute(out, out=self._scratch.take("size", stop - start))
                np.copyto(out, 0.0, where=size < _NOTHING)
            else:
                out[:] = self._initial.sample(tick, t, start, stop)
                self._begin(out, start, stop)
        if np.isfinite(out, out=self._scratch.take("finite", stop - start, np.bool_)).all():
            np.copyto(state, out)
        else:
            np.copyto(state, out, where=np.isfinite(out))
        return out

    @abstractmethod
    def step(self, out: np.ndarray, state: np.ndarray, tick: int, t: float, start: int, stop: int) -> None:
        """Put what follows ``state`` one interval later into ``out``."""

    def adopt(self, start: int, stop: int, values: np.ndarray, chosen: np.ndarray | bool = True) -> None:
        """A written number is the state from now on."""
        np.copyto(self._state[start:stop], values, where=np.isfinite(values) & chosen)

    def remembered(self, start: int, stop: int) -> np.ndarray:
        """The state."""
        return self._state[start:stop].copy()

    def _begin(self, out: np.ndarray, start: int, stop: int) -> None:
        """Starting values of the file go before ``initial``."""
        if self._own is not None:
            given = self._given if isinstance(self._given, bool) else self._given[start:stop]
            np.copyto(out, self._own.read(start, stop), where=given)


@generator("lag")
@dataclass(frozen=True, kw_only=True)
class Lag(Process):
    """Approaches ``of``: 63 % of a step in one ``time_constant``, 95 % in three."""

    of: Quantity
    time_constant: QuantityOfTime
    initial: Quantity | None = None  # None: begins at what it follows

    @property
    def is_stateful(self) -> bool:
        """It goes on from where it is."""
        return True

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """An array: devices may be written."""
        of = bind_quantity(self.of, rows, point, "of")
        initial = of if self.initial is None else bind_quantity(self.initial, rows, point, "initial")
        return _Lagging(rows, point, initial, of, self._share(rows, point), self.interval)

    def _share(self, rows: Rows, point: str) -> Sampler | Values:
        """The part of the way that an interval takes, or what gives the time constant."""
        if isinstance(self.time_constant, Formula):
            return bind_quantity(self.time_constant, rows, point, "time_constant")
        return _share(self.interval, above_zero("time_constant", rows.number(self.time_constant)))


def _share(interval: float, time_constant: Values) -> Values:
    """``1 - exp(-interval / time_constant)``: exact for an input that stands still."""
    share = -np.expm1(-interval / np.maximum(time_constant, _INSTANT))
    return share if share.ndim else float(share)


class _Lagging(Stateful):
    def __init__(
        self, rows: Rows, point: str, initial: Sampler, of: Sampler, share: Sampler | Values, interval: float
    ) -> None:
        super().__init__(rows, point, initial)
        self._of, self._share, self._interval = of, share, interval

    def step(self, out: np.ndarray, state: np.ndarray, tick: int, t: float, start: int, stop: int) -> None:
        """``state + (of - state) × share``."""
        np.subtract(self._of.sample(tick, t, start, stop), state, out=out)
        share = self._share
        if isinstance(share, Sampler):
            share = _share(self._interval, share.sample(tick, t, start, stop))
        else:
            share = cut(share, start, stop)
        np.multiply(out, share, out=out)
        np.add(out, state, out=out)


@generator("integrate")
@dataclass(frozen=True, kw_only=True)
class Integrate(Process):
    """The sum of ``of`` over time: an ``of`` of 1 adds 1 in each ``per``.

    It stops at ``min`` and ``max``; with ``wrap`` it goes on at ``min`` (or 0) where it reaches ``max``.
    """

    of: Quantity
    per: Span = 1.0
    initial: Quantity = 0.0
    min: Value | None = None
    max: Value | None = None
    wrap: Flag = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.wrap and self.max is None:
            raise ValueError("wrap is true without max, expected max, where it wraps")

    @property
    def is_stateful(self) -> bool:
        """It goes on from where it is."""
        return True

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """An array: devices may be written."""
        share = self.interval / above_zero("per", rows.number(self.per))
        low = (0.0 if self.wrap else None) if self.min is None else rows.number(self.min)
        high = None if self.max is None else rows.number(self.max)
        if self.wrap and low is not None and high is not None:
            above_zero("max - min", high - low)
        initial = bind_quantity(self.initial, rows, point, "initial")
        of = bind_quantity(self.of, rows, point, "of")
        return _Integral(rows, point, initial, of, share, low, high, wrap=self.wrap)


class _Integral(Stateful):
    def __init__(
        self,
        rows: Rows,
        point: str,
        initial: Sampler,
        of: Sampler,
        share: Values,
        low: Values | None,
        high: Values | None,
        *,
        wrap: bool,
    ) -> None:
        super().__init__(rows, point, initial)
        self._of, self._share, self._wrap = of, share, wrap
        self._low, self._high = low, high

    def step(self, out: np.ndarray, state: np.ndarray, tick: int, t: float, start: int, stop: int) -> None:
        """``state + of × interval / per``, within bounds."""
        np.multiply(self._of.sample(tick, t, start, stop), cut(self._share, start, stop), out=out)
        np.add(out, state, out=out)
        low = None if self._low is None else cut(self._low, start, stop)
        high = None if self._high is None else cut(self._high, start, stop)
        if self._wrap and low is not None and high is not None:
            np.subtract(out, low, out=out)
            np.mod(out, high - low, out=out)
            np.add(out, low, out=out)
            return
        if low is not None:
            np.maximum(out, low, out=out)
        if high is not None:
            np.minimum(out, high, out=out)
