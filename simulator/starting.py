"""The values with which devices start: those of the plant file first, else those of the profile.

A value that is the same for every device of a group is encoded once and laid over all rows; a template
is rendered and encoded for each device, and all of them are stored in one go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from simulator.blocks.fleet import FleetTable
from simulator.documents.templates import Template
from simulator.protocol.codes import Table

if TYPE_CHECKING:
    from simulator.config.plant import Group
    from simulator.points import Point
    from simulator.profiles.profile import Profile

Wire = npt.NDArray[np.uint8]  # (rows or 1, bytes): what a point holds, as ``Point.encode`` makes it


def write_starting_values(
    profile: Profile, group: Group, tables: Mapping[Table, FleetTable], first: int
) -> None:
    """Fill the rows of a group, which begin at ``first``."""
    rows = slice(first, first + group.count)
    parameters = {**profile.parameters, **group.parameters}
    for point in profile.points.values():
        value = group.values.get(point.name, point.value)
        if value is not None:
            store(tables[point.table], point, rows, _wire(point, value, group, parameters))


def _wire(point: Point, value: object, group: Group, parameters: Mapping[str, object]) -> Wire:
    """The bytes of the point in each row, or in one for all."""
    if not isinstance(value, list) or point.data_type.family == "bits":
        values = _rendered(value, group, parameters)
    else:
        elements = [_rendered(element, group, parameters) for element in value]
        count = max(map(len, elements), default=1)
        values = [list(row) for row in zip(*(each * (count // len(each)) for each in elements), strict=True)]
    data = b"".join(point.encode(_read(point, value)) for value in values)
    return np.frombuffer(data, dtype=np.uint8).reshape(len(values), -1)


def _rendered(value: object, group: Group, parameters: Mapping[str, object]) -> list[object]:
    """The value of each device, or one when it is the same for all."""
    if not isinstance(value, str):
        return [value]
    template = Template(value)
    if template.fields <= parameters.keys():
        return [template.render(0, **parameters)]
    if "name" in template.fields:
        names = map(group.name.render, range(group.count))
        return [template.render(i, **{**parameters, "name": name}) for i, name in enumerate(names)]
    return [template.render(i, **parameters) for i in range(group.count)]


def _read(point: Point, value: object) -> object:
    """A value of a file; a text given for a number is read as one, unless it is a label."""
    if isinstance(value, list) and point.data_type.family != "bits":
        return [_read(point, element) for element in value]
    if isinstance(value, str) and point.data_type.is_numeric and value not in (point.enum or {}).values():
        return int(value) if value.lstrip("+-").isdigit() else float(value)
    return value


def store(kept: FleetTable, point: Point, rows: slice, wire: Wire) -> None:
    """Put the bytes of a point into rows: one row of bytes for each, or one for all; other bits stay."""
    column = kept.map.columns[point.address]
    if kept.bits:
        bits = np.unpackbits(wire, axis=1, count=point.count, bitorder="little")
        for place in range(point.count):
            cells = kept.cells[rows, (column + place) >> 3]
            mask = np.uint8(1 << ((column + place) & 7))
            cells[:] = np.where(bits[:, place], cells | mask, cells & ~mask)
        return
    cells = kept.cells[rows, 2 * column : 2 * column + wire.shape[1]]
    if point.bit is None:
        cells[:] = wire
    else:
        own = np.frombuffer(point.mask.to_bytes(2, "big") * point.count, dtype=np.uint8)
        cells[:] = cells & ~own | wire & own


def load(kept: FleetTable, point: Point, rows: slice) -> Wire:
    """The bytes of a point, one row of bytes for each row; ``store`` puts them back."""
    column = kept.map.columns[point.address]
    if kept.bits:
        bits = [
            kept.cells[rows, place >> 3] >> (place & 7) & 1 for place in range(column, column + point.count)
        ]
        return np.packbits(np.stack(bits, axis=1), axis=1, bitorder="little")
    cells = kept.cells[rows, 2 * column : 2 * (column + point.quantity)]
    if point.bit is None:
        return cells.copy()
    own = np.frombuffer(point.mask.to_bytes(2, "big") * point.count, dtype=np.uint8)
    return cells & own
