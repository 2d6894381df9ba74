"""``when`` of a request: what is known of it, and whether a rule is about it.

Conditions are made once for a rule and a profile, because a point stands somewhere else in each.  The one
rule: every key that is given has to fit, and those about addresses have to fit the same run of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from simulator.documents.networks import AllowList
from simulator.documents.ranges import Ranges
from simulator.faults.files import WhenFile
from simulator.points import Point
from simulator.protocol.codes import Table
from simulator.roles import Touched

Places = frozenset[tuple[Table, int, int]]  # table, first address, the one behind the last


class Asked(NamedTuple):
    """A request as rules see it.  ``client`` is the address of who asks, "" on a line."""

    function: int
    unit: int
    touched: tuple[Touched, ...]
    client: str = ""
    scheme: str = "tcp"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a request has to be; None is no condition.  ``blocks`` says which tables share one."""

    functions: frozenset[int] | None = None
    addresses: Ranges | None = None
    starts: Ranges | None = None
    quantities: Ranges | None = None
    places: Places | None = None
    clients: AllowList | None = None
    schemes: frozenset[str] | None = None
    units: Ranges | None = None
    blocks: Mapping[Table, Table] | None = None

    def fit(self, asked: Asked) -> bool:
        """True when the rule is about this request."""
        if self.functions is not None and asked.function not in self.functions:
            return False
        if self.units is not None and not _inside(self.units, asked.unit):
            return False
        if not self.reach(asked.client, asked.scheme):
            return False
        return not self._has_runs or any(map(self._fits, asked.touched))

    def reach(self, client: str, scheme: str) -> bool:
        """True when the rule is about what this client does over this transport."""
        if self.schemes is not None and scheme not in self.schemes:
            return False
        return self.clients is None or self.clients.admits(client)

    @property
    def _has_runs(self) -> bool:
        keys = (self.addresses, self.starts, self.quantities, self.places)
        return any(key is not None for key in keys)

    def _fits(self, run: Touched) -> bool:
        stop = run.address + max(run.quantity, 1)
        if self.starts is not None and not _inside(self.starts, run.address):
            return False
        if self.quantities is not None and not _inside(self.quantities, run.quantity):
            return False
        if self.addresses is not None and not _meets(self.addresses, run.address, stop):
            return False
        return self.places is None or self._touches(run, stop)

    def _touches(self, run: Touched, stop: int) -> bool:
        block = self._block(run.table)
        return any(
            self._block(table) == block and start < stop and run.address < end
            for table, start, end in self.places or ()
        )

    def _block(self, table: Table) -> Table:
        return self.blocks.get(table, table) if self.blocks else table


def conditions(
    when: WhenFile,
    points: Mapping[str, Point],
    *,
    units: Ranges | None = None,
    blocks: Mapping[Table, Table] | None = None,
) -> Conditions:
    """The conditions for devices with these points; points that they do not have are nowhere."""
    return Conditions(
        functions=_set(when.function),
        addresses=when.address,
        starts=when.start,
        quantities=when.quantity,
        places=None if when.point is None else _places(points[name] for name in when.point if name in points),
        clients=when.client,
        schemes=_set(when.transport),
        units=units,
        blocks=blocks,
    )


def _set(items: Iterable[Any] | None) -> frozenset[Any] | None:
    return None if items is None else frozenset(items)


def _places(points: Iterable[Point]) -> Places:
    return frozenset((point.table, point.address, point.stop) for point in points)


def _inside(ranges: Ranges, number: int) -> bool:
    return any(first <= number <= last for first, last in ranges)


def _meets(ranges: Ranges, start: int, stop: int) -> bool:
    return any(first < stop and start <= last for first, last in ranges)
