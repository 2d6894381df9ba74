"""schedule: values by the time of day, and by the day of the week where it matters.

``{"06:00": 21, "22:00": 17}`` is a day that repeats; ``"mon-fri 06:00"`` or ``"sat,sun 08:00"`` are moments
of a week.  One rule: a moment's value stands until the next moment comes, over midnight and over the end of
the week; with ``interpolate`` it moves evenly towards the next one.  Two values for one moment are refused.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import PlainValidator, Strict, TypeAdapter, ValidationError, ValidationInfo, WithJsonSchema

from simulator.documents.problems import one_of, show
from simulator.generators.base import Generator, Sampler, cut
from simulator.generators.numbers import Number, Value, Values
from simulator.generators.registry import generator
from simulator.generators.rows import Rows
from simulator.generators.times import DAY_S, WEEK_S, UtcOffset, parse_time, second_of_week

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_VALUE: TypeAdapter[Number] = TypeAdapter(Value)

Moments = tuple[tuple[float, Number], ...]
"""Seconds since Monday 00:00 and the value from then on, ascending."""


def _days(text: str) -> list[int]:
    """The days of ``mon-fri``, ``sat,sun`` or ``wed``, Monday being 0."""
    found: list[int] = []
    for part in text.lower().split(","):
        ends = [_day(name.strip()) for name in part.split("-", 1)]
        first, last = ends[0], ends[-1]
        found += [day % 7 for day in range(first, (last if last >= first else last + 7) + 1)]
    return found


def _day(name: str) -> int:
    if name not in DAYS:
        raise ValueError(f"day is {show(name)}, expected {one_of(DAYS)}")
    return DAYS.index(name)


def _moments(value: object, info: ValidationInfo) -> Moments:
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f'values is {show(value)}, expected a mapping such as {{"06:00": 21, "22:00": 17}}')
    found: dict[float, Number] = {}
    for key, written in value.items():
        number = _number(key, written, info.context)
        for moment in _moments_of(key):
            if moment in found:
                raise ValueError(f"values has {show(key)} twice, expected one value for each moment")
            found[moment] = number
    return tuple(sorted(found.items(), key=lambda item: item[0]))


def _number(key: object, value: Any, context: Any) -> Number:
    try:
        return _VALUE.validate_python(value, context=context)
    except ValidationError as error:
        reason = str(error.errors()[0]["ctx"]["error"])
        raise ValueError(f"values, {show(key)}: {reason.replace('None is', 'value is', 1)}") from None


def _moments_of(key: object) -> list[float]:
    """Seconds since Monday 00:00 of each moment that a key names."""
    days, _, time = str(key).strip().rpartition(" ")
    try:
        second = parse_time(time if isinstance(key, str) else key)
        return [(day * DAY_S + second) % WEEK_S for day in (_days(days) if days else range(7))]
    except ValueError as error:
        raise ValueError(f"values, {show(key)}: {error}") from None


_SCHEMA = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"\{"}]},
    "examples": [{"06:00": 21, "22:00": 17}, {"mon-fri 06:00": 21, "sat,sun 08:00": 20, "22:00": 17}],
}


@generator("schedule")
@dataclass(frozen=True, kw_only=True)
class Schedule(Generator):
    """The value of the last moment that has come, or a line from it to the next."""

    values: Annotated[Moments, PlainValidator(_moments), WithJsonSchema(_SCHEMA)]
    interpolate: Annotated[bool, Strict()] = False
    utc_offset: UtcOffset = 0.0

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """One number unless a value is a template."""
        moments = [moment for moment, _ in self.values]
        values = [rows.number(value) for _, value in self.values]
        return _Calendar(rows.epoch + self.utc_offset, moments, values, self.interpolate)


class _Calendar(Sampler):
    """``start`` is local Unix time at virtual second 0."""

    def __init__(self, start: float, moments: list[float], values: list[Values], interpolate: bool) -> None:
        self._start, self._interpolate = start, interpolate
        self._moments = [moments[-1] - WEEK_S, *moments, moments[0] + WEEK_S]
        self._values = [values[-1], *values, values[0]]

    def sample(self, tick: int, t: float, start: int, stop: int) -> Values:
        """The same float for all rows unless the values at hand are templates."""
        second = second_of_week(self._start + t)
        place = bisect_right(self._moments, second) - 1
        here = cut(self._values[place], start, stop)
        if not self._interpolate:
            return here
        since, until = self._moments[place : place + 2]
        share = (second - since) / (until - since)
        result = here + (cut(self._values[place + 1], start, stop) - here) * share
        return result if isinstance(result, np.ndarray) else float(result)
