"""All devices with one profile: their tables, their starting values, what moves them.

Groups of a plant that name the same profile are runs of rows in one fleet, so a thousand entries of one
device each cost a tick no more than one entry of a thousand.  A device is made from its row when somebody
asks for it and goes when nobody holds it any more.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from simulator.access import Function, Gate, Hold, Push, Watch, hide, rules
from simulator.blocks.base import AddressMap, Block
from simulator.blocks.columns import Column, point_column
from simulator.blocks.fleet import FleetTable
from simulator.blocks.zero_filled import ZeroFilled
from simulator.device import Device, DeviceKind
from simulator.errors import ConfigError, Problem
from simulator.fleet_functions import FleetFunctions
from simulator.functions.standard import function_table
from simulator.generators import rows as generator_rows
from simulator.generators.ordering import components
from simulator.generators.rows import EPOCH, GroupRows
from simulator.profiles.overlaps import moving_on
from simulator.protocol.codes import ADDRESSES, Table
from simulator.quirk_functions import functions_with
from simulator.starting import write_starting_values
from simulator.tracks import Track

if TYPE_CHECKING:
    from simulator.config.plant import Group
    from simulator.generators.sources import Signals, Source
    from simulator.points import Point
    from simulator.profiles.profile import Profile, TableLayout

Seconds = Callable[[], float]
Complain = Callable[["Fleet", Track, int, float], None]  # row and virtual second


class Fleet:
    """The devices of every group with one profile, row after row.

    Raises :class:`~simulator.errors.ConfigError` for a generator that the numbers of a device do not suit.
    ``now`` returns the virtual time in seconds, in which holds are counted.  ``complain`` is told of the
    first value of each point that cannot be computed.
    """

    def __init__(
        self,
        profile: Profile,
        groups: Sequence[Group],
        *,
        seed: int,
        now: Seconds,
        epoch: float = EPOCH,
        signals: Signals | None = None,
        complain: Complain | None = None,
    ) -> None:
        self.name = profile.name
        self._told = complain
        self.profile = profile
        self.groups = tuple(groups)
        self.firsts = _firsts(groups)
        self.count = self.firsts.pop()
        self.tables = _tables(profile, self.count)
        for group, first in zip(self.groups, self.firsts, strict=True):
            write_starting_values(profile, group, self.tables, first)
        self.rows = GroupRows(
            map(self._described, self.groups), seed=seed, epoch=epoch, points=self._source, signals=signals
        )
        self.tracks = [
            self._track(point, now) for point in profile.points.values() if point.generator is not None
        ]
        self.components = self._components()
        self._watches: dict[str, Watch] = {}
        found = self.functions = FleetFunctions(profile, self.tables, self.tracks, self._facts)
        self.kind = DeviceKind(
            self._functions(),
            rows=self.count,
            gates=self._gates(),
            identity=found.identity,
            server_id=found.server_id,
            exception_status=found.exception_status,
            files=found.files,
            fifos=found.fifos,
        )
        self._devices: WeakValueDictionary[int, Device] = WeakValueDictionary()

    def device(self, row: int) -> Device:
        """The device of a row."""
        found = self._devices.get(row)
        if found is None:
            blocks = {_ATTRIBUTES[table]: self._block(kept, row) for table, kept in self.tables.items()}
            found = self._devices[row] = Device(self.kind, row, **blocks)
        return found

    def held_devices(self, start: int, stop: int) -> list[Device]:
        """The devices of the rows ``start`` to ``stop`` that somebody holds."""
        if stop - start < len(self._devices):
            found = map(self._devices.get, range(start, stop))
            return [device for device in found if device is not None]
        return [device for row, device in tuple(self._devices.items()) if start <= row < stop]

    def owner(self, row: int) -> tuple[Group, int]:
        """The group of a row, and the device's index in it."""
        place = bisect_right(self.firsts, row) - 1
        return self.groups[place], row - self.firsts[place]

    def name_of(self, row: int) -> str:
        """The device's name."""
        group, index = self.owner(row)
        return group.name.render(index)

    def read(self, row: int, point: Point) -> object:
        """The value of a point."""
        return point.decode(self.device(row).block(point.table).read(point.address, point.quantity))

    def _block(self, kept: FleetTable, row: int) -> Block:
        block = kept.row(row)
        return ZeroFilled(block) if self.profile.quirks.holes == "zero" else block

    def _described(self, group: Group) -> generator_rows.Group:
        parameters = {**self.profile.parameters, **group.parameters}
        started = {name for name, point in self.profile.points.items() if point.value is not None}
        return generator_rows.Group(
            group.name.text, group.count, parameters, started=frozenset(started.union(group.values))
        )

    def _track(self, point: Point, now: Seconds) -> Track:
        """Raises ConfigError when the numbers of some device cannot be used."""
        try:
            return Track(point, self.rows, self._column(point), now, self._complain)
        except ValueError as error:
            place = f"points.{point.name}.generator"
            raise ConfigError([Problem(self.profile.source, 0, 0, place, str(error))]) from None

    def _components(self) -> list[tuple[float, list[Track]]]:
        """The shortest interval and the tracks, inputs first, of each set that depends on each other."""
        tracks = {track.point.name: track for track in self.tracks}
        generators = {name: track.point.generator for name, track in tracks.items() if track.point.generator}
        meeting = moving_on(self.profile.points.values(), self.profile.tables)
        found = components(generators, meeting)
        return [(interval, [tracks[name] for name in names]) for interval, names in found]

    def _complain(self, track: Track, row: int, t: float) -> None:
        if self._told is not None:
            self._told(self, track, row, t)

    def _source(self, name: str) -> Source | None:
        """Where formulas read a point."""
        point = self.profile.points.get(name)
        return None if point is None else self._column(point)

    def _column(self, point: Point) -> Column:
        kept = self.tables[point.table]
        return point_column(kept.buffer, kept.map.columns[point.address], kept.stride, self.count, point)

    def watch(self, point: Point, watch: Watch | None) -> None:
        """Let ``watch`` be asked and told of clients' writes to a point from now on; None for nobody."""
        if watch is None:
            self._watches.pop(point.name, None)
        else:
            self._watches[point.name] = watch
        for table in (Table.COIL, Table.HOLDING_REGISTER):
            gate = self.kind.gates[table]
            if gate is not None and self.tables.get(table) is self.tables[point.table]:
                gate.replace(rules(self._points_in(table), self._holds(), self._watches))

    def _holds(self) -> dict[str, Hold]:
        return {track.point.name: track.hold for track in self.tracks}

    def _gates(self) -> list[Gate | None]:
        gates: list[Gate | None] = [None] * len(Table)
        for table in (Table.COIL, Table.HOLDING_REGISTER):
            pushes = self._pushes() if table == Table.HOLDING_REGISTER else {}
            if table in self.tables or pushes:
                spots = self.tables[table].map if table in self.tables else AddressMap(())
                ruled = rules(self._points_in(table), self._holds())
                gates[table] = Gate(spots, ruled, self.profile.read_only, pushes, bits=table.is_bits)
        return gates

    def _pushes(self) -> dict[int, Push]:
        """What a write to a pointer address does."""
        fifos = self.functions.fifos
        return {} if fifos is None else {address: queue.push for address, queue in fifos.queues.items()}

    def _functions(self) -> Sequence[Function]:
        quirks = self.profile.quirks
        every = AddressMap([(0, ADDRESSES)]) if quirks.holes == "zero" else None
        maps = {table: every or kept.map for table, kept in self.tables.items()}
        points = {table: self._points_in(table) for table in self.tables}
        return functions_with(quirks, hide(function_table(), maps, points))

    def _points_in(self, table: Table) -> list[Point]:
        """The points in the block of a table: its own, and those of tables that share it."""
        block = self.tables.get(table)
        return [point for point in self.profile.points.values() if self.tables[point.table] is block]

    def _facts(self, row: int) -> tuple[int, Mapping[str, object]]:
        """The device's index in its group, and what its texts may use."""
        group, index = self.owner(row)
        return index, {**self.profile.parameters, **group.parameters, "name": group.name.render(index)}


_ATTRIBUTES = {
    Table.COIL: "coils",
    Table.DISCRETE_INPUT: "discrete_inputs",
    Table.INPUT_REGISTER: "input_registers",
    Table.HOLDING_REGISTER: "holding_registers",
}


def _firsts(groups: Iterable[Group]) -> list[int]:
    """The first row of each group, and the number of all rows."""
    firsts = [0]
    for group in groups:
        firsts.append(firsts[-1] + group.count)
    return firsts


def _tables(profile: Profile, rows: int) -> dict[Table, FleetTable]:
    tables = {table: _table(layout, rows) for table, layout in profile.tables.items() if layout.share is None}
    for table, layout in profile.tables.items():
        if layout.share is not None:
            tables[table] = tables[layout.share]
    return tables


def _table(layout: TableLayout, rows: int) -> FleetTable:
    bits = layout.table.is_bits
    spots = AddressMap(layout.ranges)
    template = FleetTable(spots, 1, _filled(spots.size, layout.fill, bits), bits=bits)
    block = template.row(0)
    for address, raw in layout.values.items():
        block.write(address, 1, bytes((raw & 1,)) if bits else raw.to_bytes(2, "big"))
    return FleetTable(spots, rows, template.cells.tobytes(), bits=bits)


def _filled(size: int, fill: int, bits: bool) -> bytes:
    if bits:
        return (b"\xff" if fill else b"\x00") * ((size + 7) // 8)
    return fill.to_bytes(2, "big") * size
