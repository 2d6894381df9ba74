"""Puts records back where their devices and points are now.

A device is found by its name, a point by its name and the form it had on the wire.  The one rule: what has no
place any more is left out and counted; it never keeps a plant from starting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from simulator.config.names import NameTemplate
from simulator.starting import load, store
from simulator.state.differences import form_of, static_points

if TYPE_CHECKING:
    import numpy.typing as npt

    from simulator.config.plant import PlantConfig
    from simulator.fleet import Fleet
    from simulator.points import Point
    from simulator.state.records import Record
    from simulator.tracks import Track

Homes = Mapping[int, tuple["Fleet", int]]
Part = tuple["Fleet", int, int, "npt.NDArray[np.int64]", "npt.NDArray[np.int64]"]


class Restoring:
    """One state being put back.  ``restored`` and ``left_out`` count values; ``example`` is one left out."""

    def __init__(self, records: Iterable[Record], config: PlantConfig, homes: Homes) -> None:
        self.restored = self.left_out = 0
        self.example = ""
        self._records = list(records)
        self._config = config
        self._homes = homes
        self._groups = {group.name.text: group for group in config.groups}
        self._static = {
            fleet: {point.name: point for point in static_points(fleet)} for fleet, _ in homes.values()
        }
        self._tracks = {
            fleet: {track.point.name: track for track in fleet.tracks} for fleet, _ in homes.values()
        }

    def values(self) -> Iterator[None]:
        """What was written; before the generators read it for the first time."""
        for record in self._records:
            if record.kind == "value":
                for part in self._parts(record):
                    self._put_value(record, part)
                    yield
            elif record.kind == "table":
                for part in self._parts(record):
                    self._put_words(record, part)
                    yield

    def motion(self) -> Iterator[None]:
        """What was held and remembered; after the generators had their first turn."""
        for kind in ("held", "memory"):
            for record in self._records:
                if record.kind == kind:
                    for part in self._parts(record):
                        self._put_motion(record, part)
                        yield

    def _leave_out(self, count: int, what: str) -> None:
        if count:
            self.left_out += count
            self.example = self.example or what

    def _parts(self, record: Record) -> Iterator[Part]:
        """Fleet, its rows of the group, the rows within those and where they stand in the record."""
        group = self._groups.get(record.names)
        if group is not None:
            fleet, first = self._homes[group.index]
            (places,) = (record.rows < group.count).nonzero()
            yield fleet, first, group.count, record.rows[places], places
            if len(gone := record.rows[record.rows >= group.count]):
                self._leave_out(len(gone), f"device {group.name.format(int(gone[0]))}")
            return
        yield from self._found_by_name(record)

    def _found_by_name(self, record: Record) -> Iterator[Part]:
        """The same where the group has another name now, or is several."""
        try:
            names = NameTemplate(record.names)
        except ValueError:
            self._leave_out(len(record.rows), f"device {record.names}")
            return
        found: dict[int, list[tuple[int, int]]] = {}
        for place, row in enumerate(record.rows.tolist()):
            name = names.format(row)
            device = self._config.find(name)
            if device is None:
                self._leave_out(1, f"device {name}")
            else:
                found.setdefault(device[0].index, []).append((device[1], place))
        for index, pairs in found.items():
            fleet, first = self._homes[index]
            rows, places = np.array(pairs, np.int64).T
            yield fleet, first, self._config.groups[index].count, rows, places

    def _point(self, record: Record, points: Mapping[str, Point], fleet: Fleet, count: int) -> Point | None:
        """The point of a record, if it is as it was."""
        point = points.get(record.place)
        if point is not None and record.form == form_of(point):
            return point
        why = "no such point" if point is None else "its data type is another"
        self._leave_out(count, f"{record.place} of {fleet.name}, {why}")
        return None

    def _put_value(self, record: Record, part: Part) -> None:
        fleet, first, count, rows, places = part
        point = self._point(record, self._static[fleet], fleet, len(rows))
        if point is not None:
            self._put(fleet, point, slice(first, first + count), rows, record.wire[places])

    def _put(
        self,
        fleet: Fleet,
        point: Point,
        span: slice,
        rows: npt.NDArray[np.int64],
        wire: npt.NDArray[np.uint8],
    ) -> None:
        kept = fleet.tables[point.table]
        data = load(kept, point, span)
        if wire.shape[1] != data.shape[1]:
            self._leave_out(len(rows), f"{point.name} of {fleet.name}, its length is another")
            return
        data[rows] = wire
        store(kept, point, span, data)
        self.restored += len(rows)

    def _put_words(self, record: Record, part: Part) -> None:
        """Registers and bits no point has; those a point has got meanwhile are its own."""
        fleet, first, _, rows, places = part
        table = next((table for table in fleet.tables if table.label == record.place), None)
        if table is None or record.wire.shape[1:] != (4,):
            self._leave_out(len(rows), f"table {record.place} of {fleet.name}")
            return
        kept = fleet.tables[table]
        addresses, words = np.ascontiguousarray(record.wire[places]).view(">u2").astype(np.int64).T
        free = _free_columns(fleet, kept)
        columns = np.where(addresses < len(free), free[np.minimum(addresses, len(free) - 1)], -1)
        self._leave_out(int((columns < 0).sum()), f"addresses of {record.place} of {fleet.name}")
        rows, columns, words = (each[columns >= 0] for each in (rows + first, columns, words))
        if kept.bits:
            bit = (1 << (columns & 7)).astype(np.uint8)
            np.bitwise_and.at(kept.cells, (rows, columns >> 3), ~bit)
            np.bitwise_or.at(kept.cells, (rows, columns >> 3), bit * (words != 0).astype(np.uint8))
        else:
            kept.cells[rows, 2 * columns] = words >> 8
            kept.cells[rows, 2 * columns + 1] = words & 0xFF
        self.restored += len(rows)

    def _put_motion(self, record: Record, part: Part) -> None:
        fleet, first, count, rows, places = part
        track: Track | None = self._tracks[fleet].get(record.place)
        if track is None:
            self._leave_out(len(rows), f"{record.place} of {fleet.name}, no such generator")
            return
        numbers = np.zeros(count)
        numbers[rows] = record.numbers[places]
        chosen = np.zeros(count, np.bool_)
        chosen[rows] = True
        if record.kind == "memory":
            if track.go_on_from(first, first + count, numbers, chosen):
                self.restored += len(rows)
            else:
                self._leave_out(len(rows), f"{record.place} of {fleet.name}, its generator remembers nothing")
            return
        point = self._point(record, {record.place: track.point}, fleet, len(rows))
        if point is not None:
            self._put(fleet, point, slice(first, first + count), rows, record.wire[places])
            track.hold_some(first, first + count, numbers, chosen)


def _free_columns(fleet: Fleet, kept: object) -> npt.NDArray[np.int64]:
    """By address the column, -1 where there is none or a point has it."""
    spots = next(each.map for each in fleet.tables.values() if each is kept)
    free = np.full(max(1, len(spots.columns)), -1, np.int64)
    for start, stop in spots.ranges:
        free[start:stop] = np.frombuffer(spots.columns, np.int32)[start:stop]
    for point in fleet.profile.points.values():
        if fleet.tables[point.table] is kept:
            free[point.address : point.stop] = -1
    return free
