"""Waves between ``min`` and ``max``: sine, triangle, square, sawtooth.

All are one shape over the position in the period, ``(t + phase) mod period``: a phase makes a device
early.  ``duty`` is the share of the period that the first half of the shape takes: above the middle for a
sine, rising for a triangle, at ``max`` for a square, rising for a sawtooth (the rest of it is ``min``).

Positions are exact in float64, so edges fall where the arithmetic of the file says; the sine is computed
in float32, within a millionth of its height.  Phases take 4 bytes a device for a sine and where float32
holds them exactly (whole seconds), else 8.  A wave that is equal for all devices is one number.
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
        place = _Place(self, rows)
        wave = self.moving(place, rows.scratch)
        return Fleetwide(wave) if place.is_fleetwide else wave

    def moving(self, place: _Place, scratch: Scratch) -> Sampler:
        """The sampler for one row or all."""
        return _WaveSampler(self, place, scratch)


class _Place:
    """Low end, height, period and phase of a wave, each one number or one for each row."""

    def __init__(self, wave: Wave, rows: Rows) -> None:
        self.low = rows.number(wave.min)
        self.height = rows.number(wave.max) - self.low
        self.period = above_zero("period", rows.number(wave.period))
        self.phase = np.mod(rows.number(wave.phase), self.period)
        numbers = (self.low, self.height, self.period, self.phase)
        self.is_fleetwide = not any(isinstance(number, np.ndarray) for number in numbers)
        self.count = 1 if self.is_fleetwide else rows.count

    def elapsed(self, t: float, start: int, stop: int) -> Values:
        """The seconds of the current period without the phase."""
        if isinstance(self.period, float):
            return math.fmod(t, self.period)
        return np.fmod(t, self.period[start:stop])

    def scale(self, levels: np.ndarray, start: int, stop: int) -> None:
        """Turn levels from 0 to 1 into values, in place."""
        np.multiply(levels, cut(self.height, start, stop), out=levels)
        np.add(levels, cut(self.low, start, stop), out=levels)


class _WaveSampler(Sampler):
    """Exact positions, for waves with edges."""

    def __init__(self, wave: Wave, place: _Place, scratch: Scratch) -> None:
        self._shape, self._duty = wave.shape, wave.duty
        self._place, self._scratch = place, scratch
        phase = np.broadcast_to(np.asarray(place.phase, np.float64), (place.count,))
        small = phase.astype(np.float32)
        self._phase = small if np.array_equal(small, phase) else np.ascontiguousarray(phase)

    def sample(self, tick: int, t: float, start: int, stop: int) -> Values:
        period, u = cut(self._place.period, start, stop), self._scratch.take("value", stop - start)
        np.copyto(u, self._phase[start:stop])
        np.add(u, self._place.elapsed(t, start, stop), out=u)
        turned = self._scratch.take("turned", stop - start)
        np.copyto(turned, np.greater_equal(u, period))
        np.multiply(turned, period, out=turned)
        np.subtract(u, turned, out=u)
        self._shape(u, period, self._duty, self._scratch)
        self._place.scale(u, start, stop)
        return u


@generator("sine")
@dataclass(frozen=True, kw_only=True)
class Sine(Wave):
    """Rises from the middle at position 0."""

    def moving(self, place: _Place, scratch: Scratch) -> Sampler:
        """With equal halves and periods a turn is all there is to know."""
        if self.duty != 0.5 or isinstance(place.period, np.ndarray):
            return _WaveSampler(self, place, scratch)
        return _SineSampler(place, place.period, scratch)

    @staticmethod
    def shape(u: np.ndarray, period: Values, duty: float, scratch: Scratch) -> None:
        """The first half of the circle in duty × period, the second in the rest."""
        first = np.minimum(u / (2 * duty * period), 0.5)
        rest = np.maximum((1 - duty) * period, _INSTANT)
        np.add(first, np.maximum(u - duty * period, 0) / (2 * rest), out=u)
        turns = scratch.take("turns", len(u), np.float32)
        np.copyto(turns, u, casting="same_kind")
        _level(turns, u)


class _SineSampler(Sampler):
    """Phases as float32 turns: 4 bytes a device."""

    def __init__(self, place: _Place, period: float, scratch: Scratch) -> None:
        self._place, self._scratch, self._period = place, scratch, period
        self._phase = np.broadcast_to(np.float32(place.phase / period), (place.count,))

    def sample(self, tick: int, t: float, start: int, stop: int) -> Values:
        turns = self._scratch.take("turns", stop - start, np.float32)
        u = self._scratch.take("value", stop - start)
        np.add(self._phase[start:stop], math.fmod(t, self._period) / self._period, out=turns)
        _level(turns, u)
        self._place.scale(u, start, stop)
        return u


def _level(turns: np.ndarray, out: np.ndarray) -> None:
    """The height of a circle from 0 to 1 after so many turns; changes ``turns``."""
    whole = np.rint(turns)
    np.subtract(turns, whole, out=turns)
    np.multiply(turns, 2 * math.pi, out=turns)
    np.sin(turns, out=turns)
    np.multiply(turns, 0.5, out=turns)
    np.add(turns, 0.5, out=turns)
    np.copyto(out, turns)


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
