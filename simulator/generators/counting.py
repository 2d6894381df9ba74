"""Values that count: increment and decrement by interval, counter by time.  All are functions of time alone.

``increment`` and ``decrement`` visit whole steps and include both ends; ``counter`` grows evenly and starts
again at 0 *instead of* reaching ``max``, as a register of the size ``max`` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Strict

from simulator.generators.base import Generator, OfTime, Sampler
from simulator.generators.numbers import Step, Value, Values, above_zero
from simulator.generators.registry import generator
from simulator.generators.rows import Rows

Flag = Annotated[bool, Strict()]
_ROUNDING = 1e-9  # of a step: 0.1 goes ten times into 1


def _saturated(tick: int, span: Values, step: Values) -> Values:
    """How far ``tick`` steps have gone, at most ``span``."""
    return np.minimum(tick * step, span)


def _wrapped(tick: int, span: Values, step: Values) -> Values:
    """How far ``tick`` steps have gone since the last that did not fit into ``span``."""
    return tick % (np.floor(span / step + _ROUNDING) + 1.0) * step


@generator("increment")
@dataclass(frozen=True, kw_only=True)
class Increment(Generator):
    """From ``min`` up by ``step`` each interval; behind ``max`` from ``min`` again, or stays there."""

    step: Step = 1.0
    min: Value = 0.0
    max: Value | None = None  # None: until the data type saturates
    wrap: Flag = True

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """One number unless a field is a template."""
        step, low = above_zero("step", rows.number(self.step)), rows.number(self.min)
        if self.max is None:
            return OfTime(lambda tick, t, low, step: low + tick * step, low, step)
        span = rows.number(self.max) - low
        passed = _wrapped if self.wrap else _saturated
        return OfTime(lambda tick, t, low, *rest: low + passed(tick, *rest), low, span, step)


@generator("decrement")
@dataclass(frozen=True, kw_only=True)
class Decrement(Generator):
    """From ``max`` down by ``step`` each interval; below ``min`` from ``max`` again, or stays there."""

    step: Step = 1.0
    min: Value = 0.0
    max: Value
    wrap: Flag = True

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """One number unless a field is a template."""
        step, high = above_zero("step", rows.number(self.step)), rows.number(self.max)
        span = high - rows.number(self.min)
        passed = _wrapped if self.wrap else _saturated
        return OfTime(lambda tick, t, high, *rest: high - passed(tick, *rest), high, span, step)


@generator("counter")
@dataclass(frozen=True, kw_only=True)
class Counter(Generator):
    """``initial`` and ``rate`` each second; at ``max`` from 0 again, or stays there."""

    rate: Value = 1.0
    initial: Value = 0.0
    max: Step | None = None  # None: until the data type saturates
    wrap: Flag = True

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """One number unless a field is a template."""
        rate, initial = rows.number(self.rate), rows.number(self.initial)
        if self.max is None:
            return OfTime(lambda tick, t, rate, initial: initial + rate * t, rate, initial)
        limit = np.mod if self.wrap else np.minimum

        def compute(tick: int, t: float, rate: Values, initial: Values, top: Values) -> Values:
            return limit(initial + rate * t, top)

        return OfTime(compute, rate, initial, above_zero("max", rows.number(self.max)))
