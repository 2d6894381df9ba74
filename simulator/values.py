"""Values from inside: read, write, hold and watch points by name, of one device or of thousands.

``target`` is everywhere the name of a device, a pattern of names, a selection as in files (``{tags: [a]}``)
or a resolved ``Selection``.  Values are engineering values as files have them.  The one rule: a write is
checked as a whole before anything is stored: the point, the label, the range of the data type, ``min`` and
``max``; access rules are those of clients and do not count here.  Then it is stored in all rows at once,
holds the generator as a client's write does, and those who watch the point are told, in slices where they
are many.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.config.selection import Selection, SelectionFile, select
from simulator.documents.problems import suggest, unknown
from simulator.errors import PointError
from simulator.origins import PROGRAM, Origin
from simulator.snapshots import share, snapshot
from simulator.starting import store
from simulator.watches import Subscription, Tell, Watch, Write, decoded

if TYPE_CHECKING:
    import numpy.typing as npt

    from simulator.config.plant import PlantConfig
    from simulator.fleet import Fleet
    from simulator.points import Point
    from simulator.protocol.codes import Table
    from simulator.tracks import Track

Target = str | Selection | SelectionFile | Mapping[str, Any] | Iterable[str]
Told = Callable[[str, str, object, object, Origin], object]  # device, point, old, new, who wrote

AT_ONCE = 64  # devices whose watchers are told before a write returns; the others in slices
_PATTERN = frozenset("*?[")


class Span(NamedTuple):
    """Rows of one fleet, half-open."""

    fleet: Fleet
    start: int
    stop: int


class Values:
    """The points of a plant by name.

    ``homes`` has the fleet and the first row of each group.  ``later`` calls a function without holding the
    reactor; slices of work wait in it.
    """

    def __init__(
        self,
        config: PlantConfig,
        homes: Mapping[int, tuple[Fleet, int]],
        later: Callable[[Callable[[], None]], object],
    ) -> None:
        self._config = config
        self._homes = homes
        self._later = later
        self._watches: dict[Fleet, dict[str, Watch]] = {}
        self._tracks: dict[Fleet, dict[str, Track]] = {}
        self._waiting: deque[Iterator[object]] = deque()

    def spans(self, target: Target) -> list[Span]:
        """The rows that are meant; raises :class:`~simulator.errors.PointError` when there are none."""
        if isinstance(target, str) and (found := self._config.find(target)) is not None:
            return [self._span(found[0].index, found[1], found[1] + 1)]
        if isinstance(target, str) and _PATTERN.isdisjoint(target):
            raise PointError(self._unknown(target))
        try:
            chosen = target if isinstance(target, Selection) else select(target, self._config.groups)
        except ValueError as error:
            raise PointError(str(error)) from None
        return [self._span(*run) for run in chosen]

    def read(self, device: str, point: str) -> object:
        """The value of a point of one device: number, label, truth value, text, names of bits, or a list.

        None where the registers hold no value of the data type, digits that are not decimal for example.
        """
        fleet, row, _ = self.one(device)
        found = _point(fleet, point, device)
        return decoded(found, fleet.device(row).block(found.table).read(found.address, found.quantity))

    def read_all(self, target: Target, point: str) -> dict[str, object]:
        """The values of a point by name of the device, of those that have such a point."""
        return {
            span.fleet.name_of(row): decoded(found, data(row))
            for span, found in self._having(target, point)
            for data in (snapshot(span.fleet, span.start, span.stop, found),)
            for row in range(span.start, span.stop)
        }

    def write(
        self,
        target: Target,
        point: str,
        value: object,
        *,
        origin: Origin = PROGRAM,
        hold: float | None = None,
    ) -> int:
        """Write a value to a point of every device meant that has it; the number of devices.

        ``hold`` is for how many seconds of virtual time a generator has to leave the value alone, by default
        as for a client's write; 0 not at all, infinite until it is released.  Raises
        :class:`~simulator.errors.PointError`, with nothing stored.
        """
        chosen = self._having(target, point)
        wires = {span.fleet: _wire(span, found, value) for span, found in chosen}
        for span, found in chosen:
            self._store(span, found, wires[span.fleet], origin, found.hold if hold is None else hold)
        return sum(span.stop - span.start for span, _ in chosen)

    def check(self, target: Target, point: str, value: object) -> None:
        """Raise what ``write`` would raise, and store nothing."""
        for span, found in self._having(target, point):
            _wire(span, found, value)

    def write_row(self, fleet: Fleet, row: int, point: Point, value: object, origin: Origin) -> None:
        """The same for one row."""
        span = Span(fleet, row, row + 1)
        self._store(span, point, _wire(span, point, value), origin, point.hold)

    def write_span(self, span: Span, point: Point, value: object, origin: Origin, hold: float) -> None:
        """The same for rows of one fleet, held for so many seconds."""
        self._store(span, point, _wire(span, point, value), origin, hold)

    def store_span(self, span: Span, point: Point, wire: npt.NDArray[np.uint8], origin: Origin) -> None:
        """The same for bytes that a point has had before, one row of bytes for each; nothing is held."""
        self._store(span, point, wire, origin, 0.0)

    def write_wire(
        self, span: Span, table: Table, address: int, quantity: int, data: bytes, origin: Origin = PROGRAM
    ) -> None:
        """Store registers or bits of one row as they stand on the wire, whatever the points there take.

        Points that have changed are held, and their watchers told.  Raises
        :class:`~simulator.errors.IllegalDataAddress`.
        """
        fleet, row, _ = span
        block = fleet.device(row).block(table)
        places = fleet.tables.get(table)
        touched = [
            point
            for point in fleet.profile.points.values()
            if fleet.tables[point.table] is places
            and point.address < address + quantity
            and point.stop > address
        ]
        before = [snapshot(fleet, row, row + 1, point)(row) for point in touched]
        block.write(address, quantity, data)
        for point, was in zip(touched, before, strict=True):
            now = snapshot(fleet, row, row + 1, point)(row)
            if now == was:
                continue
            if (track := self._tracks_of(fleet).get(point.name)) is not None:
                track.hold_rows(row, row + 1, point.hold)
            watch = self._watches.get(fleet, {}).get(point.name)
            if watch is not None and watch.touches(row, row + 1):
                watch.tell(row, was, now, origin)

    def release(self, target: Target, point: str | None = None) -> int:
        """Let generators move what was held, of one point or of all; the number of devices."""
        spans = self.spans(target) if point is None else [span for span, _ in self._having(target, point)]
        for span in spans:
            for name, track in self._tracks_of(span.fleet).items():
                if point in (None, name):
                    track.release_rows(span.start, span.stop)
        return sum(span.stop - span.start for span in spans)

    def on_write(self, target: Target, point: str, tell: Told) -> Subscription:
        """Call ``tell(device, point, old, new, origin)`` after each write, until the subscription ends.

        Writes of clients and writes from inside alike; generators do not write in this sense.
        """

        def told(write: Write) -> object:
            return tell(write.device, point, write.old, write.new, write.origin)

        return self.subscribe(self._having(target, point), told)

    def subscribe(self, places: Iterable[tuple[Span, Point]], tell: Tell) -> Subscription:
        """The same for rows, with the ``Write`` as it is."""
        runs: dict[tuple[Fleet, str], list[tuple[int, int]]] = {}
        points: dict[tuple[Fleet, str], Point] = {}
        for span, point in places:
            runs.setdefault((span.fleet, point.name), []).append((span.start, span.stop))
            points[span.fleet, point.name] = point
        made = [
            (self.watch(fleet, points[fleet, name]), Subscription(tell, tuple(sorted(rows))))
            for (fleet, name), rows in runs.items()
        ]
        for watch, subscription in made:
            watch.add(subscription)
        return made[0][1] if len(made) == 1 else _Several([each for _, each in made])

    def watch(self, fleet: Fleet, point: Point) -> Watch:
        """The watch of a point, made when there is none."""
        watches = self._watches.setdefault(fleet, {})
        found = watches.get(point.name)
        if found is None:
            found = watches[point.name] = Watch(fleet, point, partial(self._forget, fleet))
        return found

    def stop(self) -> None:
        """Tell nobody of what waits."""
        self._waiting.clear()

    def _forget(self, fleet: Fleet, watch: Watch) -> None:
        self._watches[fleet].pop(watch.point.name, None)

    def _span(self, group: int, start: int, stop: int) -> Span:
        fleet, first = self._homes[group]
        return Span(fleet, first + start, first + stop)

    def one(self, device: str) -> Span:
        """The row of a device; raises :class:`~simulator.errors.PointError` when there is none."""
        found = self._config.find(device)
        if found is None:
            raise PointError(self._unknown(device))
        return self._span(found[0].index, found[1], found[1] + 1)

    def _unknown(self, device: str) -> str:
        names = [
            name
            for group in self._config.groups
            for name in (group.device_name(0), group.device_name(group.count - 1))
        ]
        hint = suggest(device, names)
        return f"unknown device {device!r}, expected the name of one or a pattern" + (
            f"; {hint}" if hint else ""
        )

    def _having(self, target: Target, point: str) -> list[tuple[Span, Point]]:
        """The rows meant that have the point; raises PointError when none has."""
        spans = self.spans(target)
        found = [
            (span, span.fleet.profile.points[point]) for span in spans if point in span.fleet.profile.points
        ]
        if not found:
            _point(spans[0].fleet, point, target if isinstance(target, str) else spans[0].fleet.name)
        return found

    def _tracks_of(self, fleet: Fleet) -> dict[str, Track]:
        if fleet not in self._tracks:
            self._tracks[fleet] = {track.point.name: track for track in fleet.tracks}
        return self._tracks[fleet]

    def _store(
        self, span: Span, point: Point, wire: npt.NDArray[np.uint8], origin: Origin, hold: float
    ) -> None:
        fleet, start, stop = span
        watched = [
            (watch, snapshot(span.fleet, span.start, span.stop, watch.point))
            for watch in self._watches.get(fleet, {}).values()
            if share(fleet, watch.point, point) and watch.touches(start, stop)
        ]
        store(fleet.tables[point.table], point, slice(start, stop), wire)
        track = self._tracks_of(fleet).get(point.name)
        if track is not None:
            track.hold_rows(start, stop, hold)
        if watched:
            self._work(_telling(span, point, watched, origin))

    def _work(self, steps: Iterator[object]) -> None:
        """Do what is to be done at once, leave the rest for later."""
        if not self._waiting and _exhausted(steps, AT_ONCE):
            return
        self._waiting.append(steps)
        if len(self._waiting) == 1:
            self._later(self._go_on)

    def _go_on(self) -> None:
        if self._waiting and _exhausted(self._waiting[0], AT_ONCE):
            self._waiting.popleft()
        if self._waiting:
            self._later(self._go_on)


class _Several(Subscription):
    """Subscriptions that end together: one point in several fleets."""

    __slots__ = ("_inner",)

    def __init__(self, inner: list[Subscription]) -> None:
        super().__init__(inner[0].tell, ())
        self._inner = inner

    def cancel(self) -> None:
        for each in self._inner:
            each.cancel()


def _exhausted(steps: Iterator[object], most: int) -> bool:
    """Take at most so many steps; True when there are no more."""
    return any(next(steps, _END) is _END for _ in range(most))


_END = object()


def _telling(
    span: Span, point: Point, watched: list[tuple[Watch, Callable[[int], bytes]]], origin: Origin
) -> Iterator[None]:
    """Tell those who watch, device by device."""
    now = [snapshot(span.fleet, span.start, span.stop, watch.point) for watch, _ in watched]
    for row in range(span.start, span.stop):
        for (watch, before), after in zip(watched, now, strict=True):
            if watch.touches(row, row + 1) and (watch.point is point or before(row) != after(row)):
                watch.tell(row, before(row), after(row), origin)
        yield


def _point(fleet: Fleet, name: str, whose: str) -> Point:
    point = fleet.profile.points.get(name)
    if point is None:
        raise PointError(f"{whose}: {unknown('point', name, fleet.profile.points)}")
    return point


def _wire(span: Span, point: Point, value: object) -> npt.NDArray[np.uint8]:
    """The bytes of a value, one row; raises PointError when the point does not take it."""
    try:
        data = point.encode(value)
        point.validate(value)
    except (ValueError, TypeError, OverflowError, struct.error) as error:
        count = span.stop - span.start
        whose = span.fleet.name_of(span.start) + (f" and {count - 1} more" if count > 1 else "")
        raise PointError(f"{whose} {point.name}: {error}") from None
    return np.frombuffer(data, np.uint8).reshape(1, -1)
