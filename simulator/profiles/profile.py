"""A resolved profile: everything the program knows about one kind of device.

One rule: nothing here needs checking again.  Addresses are 0-based, tables are ``Table`` members,
points are ``Point`` objects inside the ranges of their table, texts are templates that render.
The loader makes these values; nobody else does outside tests.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from simulator.points import Point
from simulator.protocol.codes import ADDRESSES, Table
from simulator.quirks import NO_QUIRKS, Quirks

if TYPE_CHECKING:
    from simulator.errors import Problem
    from simulator.faults.files import RuleFile
    from simulator.profiles.reaction_kinds import Reaction

Ranges = tuple[tuple[int, int], ...]
ReadOnly = Literal["illegal_data_address", "illegal_function", "ignore"]

FULL_RANGE: Ranges = ((0, ADDRESSES),)


@dataclass(frozen=True)
class TableLayout:
    """One table of a profile, ready for a block."""

    table: Table
    kind: Literal["sequential", "sparse"]
    ranges: Ranges  # half-open, sorted, disjoint; addresses that are invalid are cut out already
    fill: int = 0
    values: Mapping[int, int] = field(default_factory=dict)  # raw words or bits on top of the fill
    share: Table | None = None  # lives in the block of this other table

    @property
    def size(self) -> int:
        """The number of addresses that exist."""
        return sum(stop - start for start, stop in self.ranges)

    def contains(self, address: int, quantity: int = 1) -> bool:
        """True when every address of the run exists."""
        place = bisect_right(self.ranges, (address, ADDRESSES)) - 1
        return place >= 0 and address + quantity <= self.ranges[place][1]


@dataclass(frozen=True)
class ServerIdLayout:
    """What function 17 tells; ``additional`` is a text template, or bytes."""

    id: bytes
    running: bool
    additional: str | bytes


@dataclass(frozen=True)
class StatusBit:
    """A bit of the exception status: a boolean point, or the bit ``label`` of a point of type bits."""

    point: Point
    label: str | None = None


@dataclass(frozen=True)
class FifoLayout:
    """A queue of at most ``depth`` registers: ``values`` and what clients add, or what ``source`` was."""

    depth: int
    values: tuple[int, ...] = ()
    source: Point | None = None


@dataclass(frozen=True)
class Profile:
    """One kind of device.  Devices with the same ``Profile`` object share one store."""

    name: str
    description: str = ""
    identity: Mapping[int, str | bytes] = field(default_factory=dict)  # object id -> text template, or bytes
    parameters: Mapping[str, float | str] = field(default_factory=dict)
    tables: Mapping[Table, TableLayout] = field(default_factory=dict)  # an absent table does not exist
    points: Mapping[str, Point] = field(default_factory=dict)
    reactions: Mapping[str, tuple[Reaction, ...]] = field(default_factory=dict)  # by point that is written
    read_only: ReadOnly = "illegal_data_address"
    server_id: ServerIdLayout | None = None
    exception_status: tuple[StatusBit, ...] | int | None = None  # bit 0 first
    files: Mapping[int, bytes] = field(default_factory=dict)  # file number -> the words of its records
    fifos: Mapping[int, FifoLayout] = field(default_factory=dict)  # by pointer address
    quirks: Quirks = NO_QUIRKS
    faults: Mapping[str, RuleFile] = field(default_factory=dict)  # by name, in file order
    signals: Mapping[str, Problem] = field(default_factory=dict)  # that formulas read -> where, without text
    numbers: frozenset[str] = frozenset()  # parameters that formulas read
    source: str = ""  # the file it came from

    def points_of(self, table: Table) -> tuple[Point, ...]:
        """The points of one table, by address."""
        found = (point for point in self.points.values() if point.table is table)
        return tuple(sorted(found, key=lambda point: point.address))


def merged(spans: Iterable[tuple[int, int]]) -> Ranges:
    """Half-open ranges sorted, with touching and overlapping ones joined."""
    result: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(stop, result[-1][1]))
        elif start < stop:
            result.append((start, stop))
    return tuple(result)


def without(ranges: Ranges, holes: Iterable[tuple[int, int]]) -> Ranges:
    """``ranges`` with the addresses of ``holes`` cut out; both half-open and as ``merged`` gives them."""
    result = list(ranges)
    for low, high in holes:
        cut = []
        for start, stop in result:
            cut += [(start, min(stop, low)), (max(start, high), stop)]
        result = [(start, stop) for start, stop in cut if start < stop]
    return tuple(result)
