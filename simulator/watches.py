"""Who is told of writes to a point: subscribers, reactions, and those who may refuse a client's write.

A ``Watch`` belongs to one point of one fleet and exists while somebody cares for it.  A client's write
reaches it through the gate of the table, a write from inside through ``values``.  The one rule: whoever is
told cannot harm the write or the others; what fails is logged, and chains of writes that cause each other
end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from twisted.logger import Logger

from simulator.errors import PointError
from simulator.origins import SERVING, Origin

if TYPE_CHECKING:
    from simulator.fleet import Fleet
    from simulator.points import Point

log = Logger()

LONGEST_CHAIN = 16  # writes that cause each other without time passing

Runs = tuple[tuple[int, int], ...]  # half-open, in order, apart from each other


@dataclass(frozen=True, slots=True)
class Write:
    """One write to a point of one device; values are decoded when they are asked for."""

    fleet: Fleet
    row: int
    point: Point
    before: bytes
    after: bytes
    origin: Origin

    @property
    def device(self) -> str:
        """The name of the device."""
        return self.fleet.name_of(self.row)

    @property
    def old(self) -> object:
        """The value before."""
        return decoded(self.point, self.before)

    @property
    def new(self) -> object:
        """The value that was written."""
        return decoded(self.point, self.after)


Tell = Callable[[Write], object]


class Subscription:
    """Somebody who is told of writes to a point in some rows, until ``cancel``."""

    __slots__ = ("_starts", "runs", "tell", "watches")

    def __init__(self, tell: Tell, runs: Runs) -> None:
        self.tell = tell
        self.runs = runs
        self.watches: list[Watch] = []
        self._starts = [start for start, _ in runs]

    @property
    def only_row(self) -> int | None:
        """The row it is about, None when there are several."""
        ((start, stop), *others) = self.runs or ((0, 0),)
        return start if not others and stop - start == 1 else None

    def covers(self, row: int) -> bool:
        """True for the rows it is about."""
        place = bisect_right(self._starts, row) - 1
        return place >= 0 and row < self.runs[place][1]

    def touches(self, start: int, stop: int) -> bool:
        """True when it is about a row of ``start`` to ``stop``."""
        return any(first < stop and last > start for first, last in self.runs)

    def cancel(self) -> None:
        """Tell no more; doing it twice does nothing."""
        watches, self.watches = self.watches, []
        for watch in watches:
            watch.remove(self)


class Watch:
    """Everybody who cares for one point of one fleet: who wants all devices first, then who wants one."""

    chain: ClassVar[list[str]] = []  # the points of the writes under way that cause each other

    def __init__(self, fleet: Fleet, point: Point, unused: Callable[[Watch], None]) -> None:
        self.fleet = fleet
        self.point = point
        self._unused = unused
        self._wide: tuple[Subscription, ...] = ()
        self._single: dict[int, tuple[Subscription, ...]] = {}  # by row, those about one row only
        self._judges: tuple[Tell, ...] = ()

    def add(self, subscription: Subscription) -> None:
        """Tell somebody from now on."""
        was_idle = self._is_idle
        if (row := subscription.only_row) is None:
            self._wide = (*self._wide, subscription)
        else:
            self._single[row] = (*self._single.get(row, ()), subscription)
        subscription.watches.append(self)
        if was_idle:
            self.fleet.watch(self.point, self)

    def remove(self, subscription: Subscription) -> None:
        """Tell somebody no more."""
        if (row := subscription.only_row) is None:
            self._wide = _without(self._wide, subscription)
        else:
            self._single[row] = _without(self._single[row], subscription)
            if not self._single[row]:
                del self._single[row]
        if self._is_idle:
            self.fleet.watch(self.point, None)
            self._unused(self)

    def add_judge(self, judge: Tell) -> None:
        """Let somebody refuse clients' writes: ``judge`` raises what they are answered with."""
        self._judges = (*self._judges, judge)
        self.fleet.watch(self.point, self)

    @property
    def _is_idle(self) -> bool:
        return not (self._wide or self._single or self._judges)

    def wants(self, row: int) -> bool:
        """False when nobody cares for this row."""
        return bool(self._judges) or bool(self._told(row))

    def touches(self, start: int, stop: int) -> bool:
        """False when nobody is to be told of writes to these rows."""
        if any(each.touches(start, stop) for each in self._wide):
            return True
        if stop - start < len(self._single):
            return any(row in self._single for row in range(start, stop))
        return any(start <= row < stop for row in self._single)

    def _told(self, row: int) -> tuple[Subscription, ...]:
        """Those who are told of writes to a row."""
        return tuple(each for each in self._wide if each.covers(row)) + self._single.get(row, ())

    def judge(self, row: int, before: bytes, after: bytes) -> None:
        """Ask those who may refuse a client's write; raises what the first of them has against it."""
        for judge in self._judges:
            judge(Write(self.fleet, row, self.point, before, after, SERVING.origin()))

    def written(self, row: int, before: bytes, after: bytes) -> None:
        """A client has written."""
        self.tell(row, before, after, SERVING.origin())

    def tell(self, row: int, before: bytes, after: bytes, origin: Origin) -> None:
        """Tell everybody of a write; what fails is logged."""
        chain = Watch.chain
        if len(chain) >= LONGEST_CHAIN:
            path = " -> ".join([*chain, self.point.name])
            raise PointError(f"{self.fleet.name_of(row)}: writes cause each other without end: {path}")
        chain.append(self.point.name)
        write = Write(self.fleet, row, self.point, before, after, origin)
        try:
            for each in self._told(row):
                self._tell_one(each, write)
        finally:
            chain.pop()

    def _tell_one(self, subscription: Subscription, write: Write) -> None:
        try:
            subscription.tell(write)
        except Exception:
            log.failure(
                "{device} {point}: who watches the point fails",
                device=write.device,
                point=self.point.name,
            )


def _without(those: tuple[Subscription, ...], one: Subscription) -> tuple[Subscription, ...]:
    return tuple(each for each in those if each is not one)


def decoded(point: Point, data: bytes) -> object:
    """The value of a point's bytes; None when they are none, digits that are not decimal for example."""
    try:
        return point.decode(data)
    except ValueError:
        return None
