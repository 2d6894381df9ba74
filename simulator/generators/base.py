"""The contract of a generator, and what all generators share: interval and noise.

A ``Generator`` is what the file says: an immutable dataclass whose fields are the keys of the YAML
mapping.  ``bind`` makes a ``Sampler``, which knows the devices.  ``sample`` is called once for each tick
and row, rows in slices of any size and order; values depend on seed, point, device and time only.

To add a generator: a dataclass with ``@generator(name)`` and a ``sampler`` method.  It need not care for
noise, validation, slicing into tables, data types (whole types round and saturate) or errors in a tick.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from simulator.documents.durations import Duration
from simulator.generators import randomness
from simulator.generators.numbers import Value, Values
from simulator.generators.rows import Rows

OnError = Literal["hold", "zero", "nan"]
SHORTEST_S = 0.001  # more beats than this would leave no time for anything else


class Sampler(ABC):
    """One point of one fleet, in motion."""

    @abstractmethod
    def sample(self, tick: int, t: float, start: int, stop: int) -> Values:
        """The values of rows ``start`` to ``stop`` at ``tick``, counted from 0, and virtual second ``t``.

        A float when all are the same, else an array of ``stop - start``, which may be scratch memory:
        read it before any sampler of the fleet is asked again, and do not change it.
        """

    def adopt(  # noqa: B027 - most samplers remember nothing
        self, start: int, stop: int, values: np.ndarray, chosen: np.ndarray | bool = True
    ) -> None:
        """Go on from ``values`` (float64 of the rows) where ``chosen``: somebody has written the point."""

    def remembered(self, start: int, stop: int) -> np.ndarray | None:
        """What it goes on from: a copy, float64 of the rows; None when it remembers nothing."""
        return None


@dataclass(frozen=True, kw_only=True)
class Generator(ABC):
    """How the value of a point moves."""

    interval: Annotated[Duration, Field(ge=SHORTEST_S)] = 1.0
    noise: Value = 0.0  # uniform in ± noise, added to the value

    type_name: ClassVar[str]  # set by the registry
    file_key: ClassVar[str] = ""  # the key that names a file, if one does

    def __post_init__(self) -> None:
        names = {field.name for field in fields(self)}
        if names >= {"min", "max"}:
            low, high = self.__dict__["min"], self.__dict__["max"]
            if isinstance(low, float) and isinstance(high, float) and low > high:
                raise ValueError(f"min is {low:g}, expected at most max, which is {high:g}")

    @classmethod
    def beside(cls, name: str, folder: str) -> str:
        """What ``file_key`` says, ``name``, as it is found from the folder of the file it was written in."""
        return os.path.join(folder, name)

    @abstractmethod
    def sampler(self, rows: Rows, point: str) -> Sampler:
        """The sampler without noise; ``ValueError`` when the numbers of a device cannot be used."""

    def bind(self, rows: Rows, point: str) -> Sampler:
        """The sampler of the point called ``point`` for these devices."""
        noise, sampler = rows.number(self.noise), self.sampler(rows, point)
        return sampler if isinstance(noise, float) and noise == 0 else Noisy(sampler, noise, rows, point)

    @property
    def on_failure(self) -> OnError | None:
        """What the point shows where the sampler gives NaN or infinity: what it showed, 0 or NaN.

        None for generators whose arithmetic cannot fail.
        """
        return None

    @property
    def is_stateful(self) -> bool:
        """True when it goes on from where it is, so that what a client writes is where it goes on from.

        What it reads may then depend on it: it takes the value of the tick before.
        """
        return False


class OfTime(Sampler):
    """A pure function of tick and time, with numbers that may differ by device."""

    def __init__(self, compute: Callable[..., Values], *numbers: Values) -> None:
        self._compute = compute
        self._numbers = numbers

    def sample(self, tick: int, t: float, start: int, stop: int) -> Values:
        """``compute(tick, t, *numbers)``, the numbers cut to the rows."""
        numbers = [number if isinstance(number, float) else number[start:stop] for number in self._numbers]
        values = self._compute(tick, t, *numbers)
        return values if isinstance(values, np.ndarray) and values.ndim else float(values)


class Fleetwide(Sampler):
    """One number for the whole fleet: the first row of a sampler that has only one, asked once a tick."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler
        self._now: tuple[int, float] | None = None
        self._value = 0.0

    def sample(self, tick: int, t: float, start: int, stop: int) -> Values:
        """The same float for every slice of a tick."""
        if self._now != (tick, t):
            value = self._sampler.sample(tick, t, 0, 1)
            self._value = value if isinstance(value, float) else float(value[0])
            self._now = (tick, t)
        return self._value


class Chance:
    """The random numbers of one point; ``lane`` tells several uses in one point apart."""

    def __init__(self, rows: Rows, point: str, lane: str) -> None:
        self._stream = randomness.key(rows.seed, f"{point}\0{lane}")
        self._keys = rows.keys()
        self._scratch = rows.scratch
        self._tick, self._multiplier = -1, 1

    def words(self, tick: int, start: int, stop: int) -> np.ndarray:
        """32 random bits for each row, uint32 in scratch memory: used before the next words."""
        if self._tick != tick:
            self._tick, self._multiplier = tick, randomness.multiplier(self._stream, tick)
        return randomness.draw(self._keys[start:stop], self._multiplier, self._scratch)

    def fill(self, out: np.ndarray, tick: int, start: int, stop: int) -> None:
        """``out`` (float64) becomes uniform in 0 <= number < 1."""
        np.copyto(out, self.words(tick, start, stop))
        np.multiply(out, 2.0**-32, out=out)

    def fill_around(self, out: np.ndarray, reach: Values, tick: int, start: int, stop: int) -> None:
        """``out`` (float64) becomes uniform in ± reach."""
        np.copyto(out, self.words(tick, start, stop).view(np.int32))
        np.multiply(out, cut(reach, start, stop) * 2.0**-31, out=out)


def cut(values: Values, start: int, stop: int) -> Values:
    """The rows ``start`` to ``stop`` of an array; a float as it is."""
    return values if isinstance(values, float) else values[start:stop]


class Noisy(Sampler):
    """Uniform noise on top of another sampler."""

    def __init__(self, sampler: Sampler, noise: Values, rows: Rows, point: str) -> None:
        self._sampler = sampler
        self._noise = noise
        self._chance = Chance(rows, point, "noise")
        self._scratch = rows.scratch

    def sample(self, tick: int, t: float, start: int, stop: int) -> Values:
        """Always an array."""
        values = self._sampler.sample(tick, t, start, stop)
        out = self._scratch.take("noise", stop - start)
        self._chance.fill_around(out, self._noise, tick, start, stop)
        np.add(out, values, out=out)
        return out

    def adopt(self, start: int, stop: int, values: np.ndarray, chosen: np.ndarray | bool = True) -> None:
        """The noise is not remembered."""
        self._sampler.adopt(start, stop, values, chosen)

    def remembered(self, start: int, stop: int) -> np.ndarray | None:
        """What is below the noise."""
        return self._sampler.remembered(start, stop)
