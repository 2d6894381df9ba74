"""Points as rows of a register map: plain values by column.

One rule: what a row leaves out is the default, so that reading the row again gives the same point, but
for its generator and its reactions, which no register map can hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from simulator.documents.durations import format_duration
from simulator.documents.templates import Template
from simulator.points import Point
from simulator.profiles.profile import Profile
from simulator.profiles.resolving import DEVICE_FIELDS

Entry = dict[str, Any]

COLUMNS = (
    "device", "name", "table", "reference", "address", "data_type", "length", "count", "byte_order",
    "string_order", "padding", "scale", "offset", "unit_of_measurement", "precision", "access", "value",
    "min", "max", "on_invalid", "hold", "enum", "bits", "bit", "overlap", "description",
)  # fmt: skip
"""All columns in their order; ``device`` is that of files with several."""

_LENGTHY = ("string", "bits", "raw")


def entries(profile: Profile, values: Mapping[str, object] | None = None) -> Iterator[Entry]:
    """The points of a profile, with these values by name or the starting values of the profile."""
    for point in profile.points.values():
        value = _starting(point, profile) if values is None else values.get(point.name)
        yield entry(point, value)


def entry(point: Point, value: object = None) -> Entry:
    """One point."""
    kind = point.data_type
    found: Entry = {
        "name": point.name,
        "table": point.table.label,
        "reference": point.reference,
        "address": point.address,
        "data_type": kind.name,
        "length": kind.registers if kind.name in _LENGTHY and kind.registers != 1 else None,
        "byte_order": None if kind.order.value == "ABCD" else kind.order.value,
        "string_order": None if kind.string_order == "AB" else kind.string_order,
        "padding": None if kind.padding == "nul" else kind.padding,
        "count": None if point.count == 1 else point.count,
        "scale": None if point.scale == 1 else point.scale,
        "offset": point.offset or None,
        "unit_of_measurement": point.unit_of_measurement or None,
        "precision": point.precision,
        "access": point.access,
        "value": value,
        "min": point.min,
        "max": point.max,
        "on_invalid": None if point.on_invalid == "illegal_data_value" else point.on_invalid,
        "hold": _hold(point.hold),
        "enum": dict(point.enum) if point.enum else None,
        "bits": dict(point.bits) if point.bits else None,
        "bit": point.bit,
        "overlap": point.overlap or None,
        "description": point.description or None,
    }
    return {column: found[column] for column in COLUMNS[1:] if found[column] is not None}


def columns_of(rows: Iterable[Mapping[str, Any]]) -> Sequence[str]:
    """The columns that some row fills, in their order."""
    used: set[str] = set()
    for row in rows:
        used.update(row)
    return [column for column in COLUMNS if column in used]


def _starting(point: Point, profile: Profile) -> object:
    """The starting value; parameters, which maps do not have, are put in."""
    value = point.value
    if not isinstance(value, str) or not profile.parameters or value in (point.enum or {}).values():
        return value
    try:
        Template(value, DEVICE_FIELDS)
    except ValueError:
        fields = (*DEVICE_FIELDS, *profile.parameters)
        return Template(value, fields).render(0, name="device", **profile.parameters)
    return value


def _hold(seconds: float) -> str | None:
    if math.isinf(seconds):
        return None
    return "none" if seconds == 0 else format_duration(seconds)
