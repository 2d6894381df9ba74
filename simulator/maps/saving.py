"""What a plant holds, and what a profile says, as register maps.

One rule: a saved file of one device is a map of it, with the values of the moment as starting values.
Several devices stand in one file, told apart by ``device``.  A device without points is saved register by
register.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from simulator.datatypes import data_type
from simulator.maps.entries import COLUMNS, Entry, columns_of, entries, entry
from simulator.maps.writing import format_of, lines, write_lines
from simulator.points import Point
from simulator.profiles.profile import Profile
from simulator.protocol.bits import unpack_bits
from simulator.protocol.codes import Table

if TYPE_CHECKING:
    from simulator.fleet import Fleet
    from simulator.plant import Plant

STEP = 200  # rows between two turns of others
_PIECE = 2000  # addresses read at once
_RAW_COLUMNS = ("device", "table", "reference", "address", "value")


def save(
    plant: Plant,
    path: str | os.PathLike[str],
    *,
    devices: Any = "*",
    registers: bool = False,
    format: str | None = None,
) -> int:
    """Write the values of a plant's devices to a file; the number of rows.

    ``devices`` is the name of a device, a pattern of names or a selection; the suffix of ``path`` or
    ``format`` says csv, json or xml.  With ``registers`` every register and bit is a row with its raw value,
    else every point with its value; of devices without points the registers that are not 0.  A file that
    exists is replaced when the new one is complete.  Call it where the plant runs, in the reactor's thread;
    for a large plant take :func:`saving`.  Raises :class:`~simulator.errors.PointError` for devices that do
    not exist, ValueError for another format, OSError.
    """
    last = 0
    for last in saving(plant, path, devices=devices, registers=registers, format=format):  # noqa: B007
        pass
    return last


def saving(
    plant: Plant,
    path: str | os.PathLike[str],
    *,
    devices: Any = "*",
    registers: bool = False,
    format: str | None = None,
) -> Iterator[int]:
    """The same step by step, for ``twisted.internet.task.cooperate``; yields how many rows there are so far.

    The points of one device are of one instant, those of two may not be.
    """
    kind = format_of(path, format)
    spans = plant.values.spans(devices)
    profiles = {id(span.fleet): span.fleet.profile for span in spans}.values()
    columns = _columns(profiles, registers)
    temporary = f"{os.fspath(path)}.{os.getpid()}.part"
    rows = _Counted(_rows(plant, spans, registers))
    try:
        with open(temporary, "w", encoding="utf-8", newline="") as file:
            for line in lines(rows, columns, kind, {"name": plant.config.name}):
                file.write(line)
                if rows.count % STEP == 0:
                    yield rows.count
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)
    yield rows.count


def write(
    profile: Profile,
    target: str | os.PathLike[str] | TextIO,
    *,
    format: str | None = None,
    values: Any = None,
) -> None:
    """Write the points of a profile as a register map, to a path or an open file.

    ``values`` by name stand in for the starting values.  Raises ValueError for an unknown format.
    """
    rows = list(entries(profile, values))
    about = {"name": profile.name, "description": profile.description}
    if isinstance(target, str | os.PathLike):
        kind = format_of(target, format)
        with open(target, "w", encoding="utf-8", newline="") as file:
            write_lines(lines(rows, columns_of(rows), kind, about), file)
    else:
        write_lines(lines(rows, columns_of(rows), format_of("", format or "csv"), about), target)


class _Counted:
    """Rows that count themselves."""

    def __init__(self, rows: Iterable[Entry]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Entry]:
        for row in self._rows:
            self.count += 1
            yield row


def _columns(profiles: Iterable[Profile], registers: bool) -> Sequence[str]:
    used: set[str] = {"device", "value"}
    for profile in profiles:
        raw = registers or not profile.points
        used.update(_RAW_COLUMNS if raw else columns_of(entries(profile)))
    return [column for column in COLUMNS if column in used]


def _rows(plant: Plant, spans: Iterable[Any], registers: bool) -> Iterator[Entry]:
    for fleet, start, stop in spans:
        for row in range(start, stop):
            name = {"device": fleet.name_of(row)}
            if registers or not fleet.profile.points:
                found: Iterable[Entry] = _registers(fleet, row, everything=registers)
            else:
                found = list(_points(fleet, row))  # all at one instant
            for each in found:
                yield {**name, **each}


def _points(fleet: Fleet, row: int) -> Iterator[Entry]:
    for point in fleet.profile.points.values():
        yield entry(point, _value(fleet, row, point))


def _value(fleet: Fleet, row: int, point: Point) -> object:
    try:
        return fleet.read(row, point)
    except ValueError:  # BCD that is not decimal has no value
        return None


def _registers(fleet: Fleet, row: int, *, everything: bool) -> Iterator[Entry]:
    for table, layout in sorted(fleet.profile.tables.items()):
        block = fleet.device(row).block(table)
        kind = data_type("bool" if table.is_bits else "uint16")
        for first, last in layout.ranges:
            for start in range(first, last, _PIECE):
                size = min(_PIECE, last - start)
                for address, raw in _raw(table, block.read(start, size), start, size):
                    if raw or everything:
                        yield _raw_entry(Point(f"{table.label}_{address}", table, address, kind), raw)


def _raw(table: Table, data: bytes, start: int, size: int) -> Iterator[tuple[int, int]]:
    if table.is_bits:
        values = [int(bit) for bit in unpack_bits(data)[:size]]
    else:
        values = [int.from_bytes(data[place : place + 2], "big") for place in range(0, len(data), 2)]
    return zip(range(start, start + size), values, strict=True)


def _raw_entry(point: Point, raw: int) -> Entry:
    return {"table": point.table.label, "reference": point.reference, "address": point.address, "value": raw}
