"""The fields of a generator: numbers and durations, the same for all devices or different by template.

``min: 228`` is a float for the whole fleet; ``phase: "{i}s"`` and ``max: "{rated_power}"`` are
``Varying``: a template over ``i`` (devices of a group from 0), ``n`` (from 1) and parameters.  One rule:
what is equal for all devices stays one float.  A template that is a field and a unit is computed for all
devices at once; any other text is rendered for each device.  Quoted numbers are refused, as everywhere in
the file, and so are durations without a unit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import PlainValidator, ValidationInfo, WithJsonSchema

from simulator.documents.durations import EXPECTED, PATTERN, UNITS, parse_duration
from simulator.documents.problems import show
from simulator.documents.templates import INDEX_FIELDS, Template

Values = float | np.ndarray  # equal for all devices, or float64 with one element for each
Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Varying:
    """A number written as a template; ``is_duration`` when its text is a duration, in seconds then."""

    template: Template
    is_duration: bool = False

    def __str__(self) -> str:
        return self.template.text

    def over(self, first: int, count: int, parameters: Parameters) -> Values:
        """The numbers of devices ``first`` … of one group; ``ValueError`` when a text is no number."""
        if not self.template.is_indexed:
            return self._parse(first, parameters)
        factor = self._factor()
        if factor is None:
            texts = range(first, first + count)
            return np.fromiter((self._parse(i, parameters) for i in texts), np.float64, count)
        start = first + ("n" in self.template.fields)
        return np.arange(start, start + count, dtype=np.float64) * factor

    def _factor(self) -> float | None:
        """What ``i`` or ``n`` is multiplied by; None when the text is more than a field and a unit."""
        (before, field, spec), *rest = self.template.parts
        unit = "".join(literal for literal, _, _ in rest)
        if before or field not in INDEX_FIELDS or spec or any(other for _, other, _ in rest):
            return None
        return UNITS.get(unit) if self.is_duration else None if unit else 1.0

    def _parse(self, i: int, parameters: Parameters) -> float:
        text = self.template.render(i, **parameters)
        try:
            number = parse_duration(text) if self.is_duration else float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            what = "a duration such as 5s" if self.is_duration else "a number"
            raise ValueError(f"{self.template.text!r} is {text!r} for device {i}, expected {what}")
        return number


Number = float | Varying


def _varying(text: str, info: ValidationInfo, *, is_duration: bool) -> Varying:
    """A checked template.  The context of the validation is the parameters, or None: then any may be used."""
    parameters: Parameters | None = info.context
    template = Template(text, None if parameters is None else INDEX_FIELDS | parameters.keys())
    varying = Varying(template, is_duration)
    if parameters is not None or template.fields <= INDEX_FIELDS:
        varying.over(0, 1, parameters or {})
    return varying


def read_number(value: object, info: ValidationInfo) -> Number:
    """A number of the file or a template of one, for a field of pydantic; raises ValueError."""
    if isinstance(value, str) and "{" in value:
        return _varying(value, info, is_duration=False)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{info.field_name} is {show(value)}, expected a number or a template such as {{i}}")
    return float(value)


def read_duration(value: object, info: ValidationInfo) -> Number:
    """A duration of the file or a template of one, for a field of pydantic; raises ValueError."""
    if isinstance(value, str) and "{" in value:
        return _varying(value, info, is_duration=True)
    try:
        return parse_duration(value)
    except ValueError:
        expected = f"{EXPECTED}, or a template such as {{i}}s"
        raise ValueError(f"{info.field_name} is {show(value)}, expected {expected}") from None


def _above_zero(validate: Callable[[object, ValidationInfo], Number]) -> PlainValidator:
    def check(value: object, info: ValidationInfo) -> Number:
        number = validate(value, info)
        if isinstance(number, float) and number <= 0:
            raise ValueError(f"{info.field_name} is {show(value)}, expected more than 0")
        return number

    return PlainValidator(check)


_NUMBER_SCHEMA = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"\{"}]}
_DURATION_SCHEMA = {"type": "string", "pattern": rf"({PATTERN})|\{{", "examples": ["250ms", "60s", "{i}s"]}

Value = Annotated[Number, PlainValidator(read_number), WithJsonSchema(_NUMBER_SCHEMA)]
"""A number, or a template of one."""
Step = Annotated[Number, _above_zero(read_number), WithJsonSchema(_NUMBER_SCHEMA)]
"""A number above 0, or a template of one."""
Seconds = Annotated[Number, PlainValidator(read_duration), WithJsonSchema(_DURATION_SCHEMA)]
"""A duration, or a template of one; float seconds in the program."""
Span = Annotated[Number, _above_zero(read_duration), WithJsonSchema(_DURATION_SCHEMA)]
"""A duration above 0, or a template of one."""


def above_zero(name: str, values: Values) -> Values:
    """``values``; ``ValueError`` when a template gives a device one that is not above 0."""
    least = values if isinstance(values, float) else float(values.min())
    if not least > 0:
        raise ValueError(f"{name} is {least:g} for a device, expected more than 0")
    return values
