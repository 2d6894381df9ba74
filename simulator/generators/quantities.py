"""Fields of a generator that may move: a number, a template of one, or a formula.

``kp: 2``, ``kp: "{gain}"`` and ``kp: "2 * gain"`` are a number, a number by device and a number by device and
time.  The name of a point, a parameter or a signal is the simplest formula.  One rule: a text in braces is
a template, any other text is a formula; quoted numbers are refused, as everywhere in the file, but under
``formula``, where a text is what belongs there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema

from simulator.documents.durations import parse_duration
from simulator.documents.problems import show
from simulator.generators.base import Generator, OfTime, Sampler
from simulator.generators.formulas import Formula, FormulaError, compile_formula
from simulator.generators.numbers import Number, read_duration, read_number
from simulator.generators.rows import Rows

_TEMPLATE = re.compile(r"[\w.+-]*(\{[^{}]*\}[\w.]*)+")  # anything else with braces is a formula gone wrong


def _quantity(value: object, info: ValidationInfo) -> Number | Formula:
    """A number, a template or a formula."""
    return _read(value, info, read_number, "a number, a template such as {i} or a formula")


def _span(value: object, info: ValidationInfo) -> Number | Formula:
    """A duration, a template of one, or a formula of seconds."""
    try:
        number = parse_duration(value)
    except ValueError:
        if isinstance(value, str):
            return _read(value, info, read_duration, "a duration such as 5s, or a formula of seconds")
        return read_duration(value, info)
    if number <= 0:
        raise ValueError(f"{info.field_name} is {show(value)}, expected more than 0")
    return number


def _read(
    value: object, info: ValidationInfo, plain: Callable[[object, ValidationInfo], Number], expected: str
) -> Number | Formula:
    if not isinstance(value, str) or _TEMPLATE.fullmatch(value):
        return plain(value, info)
    if info.field_name != "formula" and _is_quoted_number(value):
        raise ValueError(f"{info.field_name} is {show(value)}, expected {expected}")
    try:
        return compile_formula(value)
    except FormulaError as error:
        raise ValueError(f"{info.field_name} is {show(value)}, {error}") from None


def _is_quoted_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


_SCHEMA = {"anyOf": [{"type": "number"}, {"type": "string", "examples": ["setpoint", "voltage * current"]}]}
_SPAN_SCHEMA = {"type": "string", "examples": ["30s", "{i}s", "10 + 2 * load"]}

Quantity = Annotated[Number | Formula, PlainValidator(_quantity), WithJsonSchema(_SCHEMA)]
"""A number, a template of one, or a formula."""
QuantityOfTime = Annotated[Number | Formula, PlainValidator(_span), WithJsonSchema(_SPAN_SCHEMA)]
"""A duration above 0, a template of one, or a formula of seconds."""


def bind_quantity(quantity: Number | Formula, rows: Rows, point: str, lane: str) -> Sampler:
    """What gives the values of a field; ``lane`` is the name of the field."""
    if isinstance(quantity, Formula):
        return quantity.bind(rows, point, lane)
    return OfTime(lambda tick, t, value: value, rows.number(quantity))


def formulas_of(generator: Generator) -> Mapping[str, Formula]:
    """The formulas of a generator by the key of the file they stand under; those of a list by ``key.0``, …"""
    values: dict[str, Any] = {field.name: getattr(generator, field.name) for field in fields(generator)}
    for name, value in tuple(values.items()):
        if isinstance(value, tuple):
            values.update({f"{name}.{place}": entry for place, entry in enumerate(value)})
    return {name.rstrip("_"): value for name, value in values.items() if isinstance(value, Formula)}


def inputs_of(generator: Generator) -> frozenset[str]:
    """What the formulas of a generator read: points, parameters, ``signal.NAME``, ``t``, ``i``, ``n``."""
    return frozenset[str]().union(*(formula.inputs for formula in formulas_of(generator).values()))
