"""Values by chance: random, normal, random_walk.

The numbers of a device depend on the seed, its identity, the point's name and the tick, so each draw is
the same on any slicing.  ``random_walk`` alone remembers something: its place, 8 bytes a device; it goes
one step for each call and so needs every tick exactly once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.generators.base import Chance, Generator, Sampler, cut
from simulator.generators.numbers import Value, Values
from simulator.generators.registry import generator
from simulator.generators.rows import Rows


@generator("random")
@dataclass(frozen=True, kw_only=True)
class Random(Generator):
    """Uniform from ``min`` to ``max``; a whole data type rounds, so both ends come half as often."""

    min: Value
    max: Value

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """An array: devices differ."""
        return _Uniform(rows, point, rows.number(self.min), rows.number(self.max))


class _Uniform(Sampler):
    def __init__(self, rows: Rows, point: str, low: Values, high: Values) -> None:
        self._chance = Chance(rows, point, "random")
        self._scratch = rows.scratch
        self._low, self._high = low, high

    def sample(self, tick: int, t: float, start: int, stop: int) -> Values:
        out, low = self._scratch.take("value", stop - start), cut(self._low, start, stop)
        self._chance.fill(out, tick, start, stop)
        np.multiply(out, cut(self._high, start, stop) - low, out=out)
        np.add(out, low, out=out)
        return out


@generator("normal")
@dataclass(frozen=True, kw_only=True)
class Normal(Generator):
    """Normally distributed; no value is farther than 6.7 deviations from the mean."""

    mean: Value
    deviation: Value

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """An array: devices differ."""
        return _Gauss(rows, point, rows.number(self.mean), rows.number(self.deviation))


class _Gauss(Sampler):
    """Box and Muller 1958: two words for each number, always."""

    def __init__(self, rows: Rows, point: str, mean: Values, deviation: Values) -> None:
        self._radius, self._angle = Chance(rows, point, "radius"), Chance(rows, point, "angle")
        self._scratch = rows.scratch
        self._mean, self._deviation = mean, deviation

    def sample(self, tick: int, t: float, start: int, stop: int) -> Values:
        count, out = stop - start, self._scratch.take("value", stop - start)
        radius = self._scratch.take("radius", count, np.float32)
        angle = self._scratch.take("angle", count, np.float32)
        self._radius.fill(out, tick, start, stop)
        np.add(out, 2.0**-33, out=out)  # never 0
        np.copyto(radius, out, casting="same_kind")
        np.log(radius, out=radius)
        np.multiply(radius, -2, out=radius)
        np.sqrt(radius, out=radius)
        np.copyto(angle, self._angle.words(tick, start, stop).view(np.int32), casting="same_kind")
        np.multiply(angle, math.pi * 2.0**-31, out=angle)
        np.cos(angle, out=angle)
        np.multiply(radius, angle, out=radius)
        np.copyto(out, radius)
        np.multiply(out, cut(self._deviation, start, stop), out=out)
        np.add(out, cut(self._mean, start, stop), out=out)
        return out


@generator("random_walk")
@dataclass(frozen=True, kw_only=True)
class RandomWalk(Generator):
    """Starts at ``initial``, goes at most ``step`` up or down each interval, stops at ``min`` and ``max``."""

    initial: Value | None = None  # None: half way between min and max, 0 when one is missing
    step: Value
    min: Value | None = None
    max: Value | None = None

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """An array: devices differ."""
        low = -math.inf if self.min is None else rows.number(self.min)
        high = math.inf if self.max is None else rows.number(self.max)
        middle = 0.0 if self.min is None or self.max is None else (low + high) / 2
        initial = middle if self.initial is None else rows.number(self.initial)
        return _Walk(rows, point, initial, rows.number(self.step), low, high)


class _Walk(Sampler):
    def __init__(
        self, rows: Rows, point: str, initial: Values, step: Values, low: Values, high: Values
    ) -> None:
        self._chance = Chance(rows, point, "walk")
        self._scratch = rows.scratch
        self._step, self._low, self._high = step, low, high
        self._place = np.empty(rows.count)
        self._place[:] = np.clip(initial, low, high)

    def sample(self, tick: int, t: float, start: int, stop: int) -> Values:
        place, by = self._place[start:stop], self._scratch.take("value", stop - start)
        if tick:  # the first value is the initial one
            self._chance.fill_around(by, self._step, tick, start, stop)
            np.add(place, by, out=place)
            np.maximum(place, cut(self._low, start, stop), out=place)
            np.minimum(place, cut(self._high, start, stop), out=place)
        return place
