"""daylight: the irradiance of a day, a bell from sunrise to sunset, and clouds that pass.

The sun climbs as the sine of the part of the day that is over, and the air takes more of its light the lower
it stands: Haurwitz's clear-sky model (J. Meteorology 2, 1945), ``cos z × exp(-0.057 / cos z)``, scaled to
``max`` at noon.  Clouds are random numbers by device and place in time, joined smoothly; three of five take
nothing.  One rule: all is a function of time.  The night is dark: noise, too, is scaled with the light, so
that a panel gives nothing before sunrise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.generators.base import Chance, Generator, OfTime, Sampler, cut
from simulator.generators.numbers import Value, Values
from simulator.generators.registry import generator
from simulator.generators.rows import Rows
from simulator.generators.times import TimeOfDay, UtcOffset, second_of_day

EXTINCTION = 0.057  # Haurwitz 1945
CLOUD_S = 360.0  # from one random number of the sky to the next
_HORIZON = 1e-3  # of the sine of the height; below it there is no light


@generator("daylight")
@dataclass(frozen=True, kw_only=True)
class Daylight(Generator):
    """0 at night, ``max`` half way between ``sunrise`` and ``sunset``; clouds take up to ``clouds`` of it."""

    max: Value
    sunrise: TimeOfDay = 6 * 3600.0
    sunset: TimeOfDay = 18 * 3600.0
    utc_offset: UtcOffset = 0.0
    clouds: Value = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sunset <= self.sunrise:
            sunrise = f"{self.sunrise // 3600:02.0f}:{self.sunrise // 60 % 60:02.0f}"
            raise ValueError(f"sunset is not after sunrise, expected a time of day after {sunrise}")
        if isinstance(self.clouds, float) and not 0 <= self.clouds <= 1:
            raise ValueError(f"clouds is {self.clouds:g}, expected 0 to 1")

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """One number unless there are clouds or ``max`` is a template."""
        return self._sampler(rows, point, 0.0)

    def bind(self, rows: Rows, point: str) -> Sampler:
        """With noise that is brighter by day."""
        return self._sampler(rows, point, rows.number(self.noise))

    def _sampler(self, rows: Rows, point: str, noise: Values) -> Sampler:
        sun = _Sun(rows.epoch + self.utc_offset, self.sunrise, self.sunset)
        highest, clouds = rows.number(self.max), rows.number(self.clouds)
        if all(isinstance(each, float) and each == 0 for each in (noise, clouds)):
            return OfTime(lambda tick, t, highest: highest * sun.level(t), highest)
        return _Sky(rows, point, sun, highest, clouds, noise)


class _Sun:
    """How bright it is, from 0 to 1; ``start`` is local Unix time at virtual second 0."""

    def __init__(self, start: float, sunrise: float, sunset: float) -> None:
        self._start, self._sunrise, self._length = start, sunrise, sunset - sunrise

    def level(self, t: float) -> float:
        """The part of the noon's light at virtual second ``t``."""
        passed = (second_of_day(self._start + t) - self._sunrise) / self._length
        if not 0 < passed < 1:
            return 0.0
        height = math.sin(math.pi * passed)
        return height * math.exp(EXTINCTION * (1 - 1 / height)) if height > _HORIZON else 0.0


class _Sky(Sampler):
    """The sun behind clouds, and noise in proportion to the light of a clear sky."""

    def __init__(
        self, rows: Rows, point: str, sun: _Sun, highest: Values, clouds: Values, noise: Values
    ) -> None:
        self._sun, self._highest, self._clouds, self._noise = sun, highest, clouds, noise
        self._now, self._next = (Chance(rows, point, "clouds") for _ in range(2))
        self._chance = Chance(rows, point, "noise")
        self._scratch = rows.scratch

    def sample(self, tick: int, t: float, start: int, stop: int) -> Values:
        """An array by day, 0 by night."""
        level = self._sun.level(t)
        if level == 0:
            return 0.0
        out, noise = self._scratch.take("value", stop - start), self._scratch.take("noise", stop - start)
        self._cover(out, noise, t, start, stop)
        np.multiply(out, cut(self._clouds, start, stop), out=out)
        np.subtract(1.0, out, out=out)
        np.multiply(out, cut(self._highest, start, stop), out=out)
        self._chance.fill_around(noise, self._noise, tick, start, stop)
        np.add(out, noise, out=out)
        np.multiply(out, level, out=out)
        return out

    def _cover(self, out: np.ndarray, other: np.ndarray, t: float, start: int, stop: int) -> None:
        """``out`` becomes how much of the sky is covered, from 0 to 1."""
        place, passed = divmod(t, CLOUD_S)
        share = passed / CLOUD_S
        share = share * share * (3 - 2 * share)
        for chance, cover, at in ((self._now, out, int(place)), (self._next, other, int(place) + 1)):
            chance.fill(cover, at, start, stop)
            np.multiply(cover, 2.5, out=cover)
            np.subtract(cover, 1.5, out=cover)
            np.maximum(cover, 0.0, out=cover)
        np.subtract(other, out, out=other)
        np.multiply(other, share, out=other)
        np.add(out, other, out=out)
