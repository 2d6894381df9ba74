"""Waves between ``min`` and ``max``: sine, triangle, square, sawtooth.

All are one shape over the position in the period, ``(t + phase) mod period``: a phase makes a device
early.  ``duty`` is the share of the period that the first half of the shape takes: above the middle for a
sine, rising for a triangle, at ``max`` for a square, rising for a sawtooth (the rest of it is ``min``).

Positions are exact in float64, so edges fall where the arithmetic of the file says; the sine itself is
float32, within 5e-7 of the amplitude.  Phases take 4 bytes a device where float32 holds them exactly
(whole seconds), else 8.  A wave that is equal for all devices is one number.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from simulator.generators.base import Fleetwide, Generator, Sampler, cut
from simulator.generators.numbers import Seconds, Span, Value, Values, above_zero
from simulator.generators.registry import generator
from simulator.generators.rows import Rows
from simulator.generators.scratch import Scratch

_INSTANT = 1e-9  # seconds; the least length of a flank, in place of a division by zero
Share = Annotated[float, Field(gt=0, le=1, strict=True)]


@dataclass(frozen=True, kw_only=True)
class Wave(Generator):
    """What all waves are made of."""

    min: Value
    max: Value
    period: Span = 60.0
    phase: Seconds = 0.0
    duty: Share = 0.5

    @staticmethod
    @abstractmethod
    def shape(u: np.ndarray, period: Values, duty: float, scratch: Scratch) -> None:
        """Turn positions ``0 <= u < period`` into levels from 0 to 1, in place."""

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """One number when the parameters of all devices are equal."""
        wave = _WaveSampler(self, rows)
        return Fleetwide(wave) if wave.is_fleetwide else wave


class _WaveSampler(Sampler):
    def __init__(self, wave: Wave, rows: Rows) -> None:
        self._shape, self._duty = wave.shape, wave.duty
        self._low = rows.number(wave.min)
        self._span = rows.number(wave.max) - self._low
        self._period = above_zero("period", rows.number(wave.period))
        phase = np.mod(rows.number(wave.phase), self._period)
        self.is_fleetwide = not any(
            isinstance(each, np.ndarray) for each in (self._low, self._span, phase, self._period)
        )
        self._phase = _compact(np.broadcast_to(phase, (1 if self.is_fleetwide else rows.count,)))
        self._scratch = rows.scratch

    def sample(self, tick: int, t: float, start: int, stop: int) -> Values:
        period, u = cut(self._period, start, stop), self._scratch.take("value", stop - start)
        now = math.fmod(t, period) if isinstance(period, float) else np.fmod(t, period)
        np.add(self._phase[start:stop], now, out=u, dtype=np.float64)
        turned = self._scratch.take("turned", stop - start)
        np.multiply(np.greater_equal(u, period), period, out=turned, dtype=np.float64)
        np.subtract(u, turned, out=u)
        self._shape(u, period, self._duty, self._scratch)
        np.multiply(u, cut(self._span, start, stop), out=u)
        np.add(u, cut(self._low, start, stop), out=u)
        return u


def _compact(numbers: np.ndarray) -> np.ndarray:
    """The same numbers in float32 where that loses nothing."""
    small = numbers.astype(np.float32)
    if np.array_equal(small, numbers):
        return small
    return np.ascontiguousarray(numbers)


@generator("sine")
@dataclass(frozen=True, kw_only=True)
class Sine(Wave):
    """Rises from the middle at position 0."""

    @staticmethod
    def shape(u: np.ndarray, period: Values, duty: float, scratch: Scratch) -> None:
        if duty == 0.5:
            np.multiply(u, 1 / period, out=u)
        else:  # the first half of the circle in duty × period, the second in the rest
            first = np.minimum(u / (2 * duty * period), 0.5)
            rest = np.maximum((1 - duty) * period, _INSTANT)
            np.add(first, np.maximum(u - duty * period, 0) / (2 * rest), out=u)
        np.subtract(u, np.rint(u), out=u)  # half circles left and right of 0
        angle = scratch.take("angle", len(u), np.float32)
        np.multiply(u, 2 * math.pi, out=angle, casting="same_kind")
        np.sin(angle, out=angle)
        np.multiply(angle, 0.5, out=u, dtype=np.float64)
        np.add(u, 0.5, out=u)


@generator("triangle")
@dataclass(frozen=True, kw_only=True)
class Triangle(Wave):
    """Rises from ``min`` at position 0 to ``max`` at duty × period, then falls."""

    @staticmethod
    def shape(u: np.ndarray, period: Values, duty: float, scratch: Scratch) -> None:
        falling = scratch.take("falling", len(u))
        np.subtract(period, u, out=falling)
        np.multiply(falling, 1 / np.maximum((1 - duty) * period, _INSTANT), out=falling)
        np.multiply(u, 1 / (duty * period), out=u)
        np.minimum(u, falling, out=u)


@generator("square")
@dataclass(frozen=True, kw_only=True)
class Square(Wave):
    """``max`` from position 0 to duty × period, then ``min``."""

    @staticmethod
    def shape(u: np.ndarray, period: Values, duty: float, scratch: Scratch) -> None:
        np.copyto(u, np.less(u, duty * period))


@generator("sawtooth")
@dataclass(frozen=True, kw_only=True)
class Sawtooth(Wave):
    """Rises from ``min`` at position 0 towards ``max`` at duty × period, then is ``min``."""

    duty: Share = 1.0

    @staticmethod
    def shape(u: np.ndarray, period: Values, duty: float, scratch: Scratch) -> None:
        rising = np.less(u, duty * period)
        np.multiply(u, 1 / (duty * period), out=u)
        np.multiply(u, rising, out=u)
