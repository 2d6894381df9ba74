"""Values in an order: constant, ramp, step, toggle.  All are functions of time alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from simulator.generators.base import Generator, OfTime, Sampler
from simulator.generators.numbers import Span, Value, Values, above_zero
from simulator.generators.registry import generator
from simulator.generators.rows import Rows


@generator("constant")
@dataclass(frozen=True, kw_only=True)
class Constant(Generator):
    """``value``, written again at every interval."""

    value: Value

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """One number unless ``value`` is a template."""
        return OfTime(lambda tick, t, value: value, rows.number(self.value))


def _hold(passed: Values) -> Values:
    return np.minimum(passed, 1.0)


def _repeat(passed: Values) -> Values:
    return passed - np.floor(passed)


def _reverse(passed: Values) -> Values:
    return 1.0 - abs(passed - 2.0 * np.floor(passed / 2.0) - 1.0)


_THEN = {"hold": _hold, "repeat": _repeat, "reverse": _reverse}


@generator("ramp")
@dataclass(frozen=True, kw_only=True)
class Ramp(Generator):
    """From ``from`` to ``to`` in ``duration``; then stays there, starts anew, or goes back and forth."""

    from_: Annotated[Value, Field(alias="from")]
    to: Value
    duration: Span
    then: Literal["hold", "repeat", "reverse"] = "hold"

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """One number unless a field is a template."""
        share = _THEN[self.then]

        def compute(tick: int, t: float, first: Values, last: Values, duration: Values) -> Values:
            return first + (last - first) * share(t / duration)

        duration = above_zero("duration", rows.number(self.duration))
        return OfTime(compute, rows.number(self.from_), rows.number(self.to), duration)


@generator("step")
@dataclass(frozen=True, kw_only=True)
class Steps(Generator):
    """``values`` in turn, one for each interval, then from the first again."""

    values: Annotated[tuple[Value, ...], Field(min_length=1)]

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """One number unless a value is a template."""
        return OfTime(lambda tick, t, *values: values[tick % len(values)], *map(rows.number, self.values))


@generator("toggle")
@dataclass(frozen=True, kw_only=True)
class Toggle(Generator):
    """0 and 1 in turn, one for each interval."""

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """One number."""
        return OfTime(lambda tick, t: float(tick % 2))
