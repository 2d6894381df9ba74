"""What scenarios change in values: points, signals and generators, and how each change is taken back.

A ``Change`` owns the rows it has set until another one sets them or it is taken back; then a point moves
again by its generator, or has the value it had before the first change.  The one rule: what a client has
written since is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import floor, inf
from typing import TYPE_CHECKING

import numpy as np

from simulator.config.selection import Selection
from simulator.starting import Wire, load
from simulator.substitutes import LaterRows, Substitute
from simulator.values import Span

if TYPE_CHECKING:
    from simulator.config.steps import ChangeGenerator, SetPoint, SetSignal
    from simulator.fleet import Fleet
    from simulator.origins import Origin
    from simulator.points import Point
    from simulator.signals import Signals
    from simulator.tracks import Track
    from simulator.values import Values

INSTANT = 1e-9  # of an interval: a tick that near to now is now


class Change:
    """One change; compared by identity."""

    __slots__ = ("__weakref__",)


class Changes:
    """All changes of a plant that are not taken back.  ``homes`` has fleet and first row of each group.

    What may concern thousands of rows is an iterator of short steps.
    """

    def __init__(self, homes: Mapping[int, tuple[Fleet, int]], values: Values, signals: Signals) -> None:
        self._homes = homes
        self._values = values
        self._signals = signals
        self._points: dict[tuple[Fleet, str], _Owned] = {}
        self._held: dict[str, Change] = {}  # by signal
        self._substitutes: dict[Change, list[tuple[Track, Substitute]]] = {}

    def set_point(self, change: Change, action: SetPoint, origin: Origin) -> Iterator[None]:
        """Write a value to devices and hold it; raises PointError."""
        for fleet, start, stop in self._rows(action.selection):
            point = fleet.profile.points.get(action.point)
            if point is None:
                continue
            owned = self._points.setdefault((fleet, point.name), _Owned(fleet, point))
            before = owned.load(start, stop)
            self._values.write_span(Span(fleet, start, stop), point, action.value, origin, inf)
            owned.note(change, before, start, stop)
            yield

    def set_signal(self, change: Change, action: SetSignal) -> None:
        """Hold a signal."""
        self._signals.hold(action.name, action.value)
        self._held[action.name] = change

    def release_signal(self, name: str) -> None:
        """Let a signal move again, whoever holds it."""
        self._signals.release(name)
        self._held.pop(name, None)

    def release_points(self, selection: Selection, name: str | None) -> Iterator[None]:
        """Let points move again, whoever holds them."""
        for fleet, start, stop in self._rows(selection):
            for track in fleet.tracks:
                if name in (None, track.point.name):
                    track.release_rows(start, stop)
            for (owner, point), owned in self._points.items():
                if owner is fleet and name in (None, point):
                    owned.forget(start, stop)
            yield

    def change_generator(self, change: Change, action: ChangeGenerator, now: float) -> Iterator[None]:
        """Let another generator move a point of devices from virtual second ``now`` on."""
        made: dict[Track, Substitute] = {}
        for group, runs in action.selection.spans.items():
            generator = action.generators.get(group)
            if generator is None:
                continue
            fleet, first = self._homes[group]
            track = next(each for each in fleet.tracks if each.point.name == action.point)
            substitute = made.get(track)
            if substitute is None:
                tick = floor(now / track.interval + INSTANT)
                sampler = generator.bind(LaterRows(fleet.rows, now), action.point)
                substitute = made[track] = Substitute(sampler, fleet.count, tick, now)
                self._substitutes.setdefault(change, []).append((track, substitute))
            for start, stop in runs:
                track.substitute(substitute, first + start, first + stop)
                yield

    def take_back(self, change: Change, origin: Origin) -> Iterator[None]:
        """Undo a change where nobody has changed more since."""
        for track, substitute in self._substitutes.pop(change, ()):
            track.substitutes.remove(substitute)
        for name in [name for name, owner in self._held.items() if owner is change]:
            self.release_signal(name)
        for owned in self._points.values():
            yield from owned.take_back(change, self._values, origin)

    def clear(self, origin: Origin) -> Iterator[None]:
        """Undo every change."""
        for changes in tuple(self._substitutes.values()):
            for track, substitute in changes:
                track.substitutes.remove(substitute)
        self._substitutes.clear()
        for name in tuple(self._held):
            self.release_signal(name)
        for owned in self._points.values():
            yield from owned.take_back(None, self._values, origin)

    def _rows(self, selection: Selection) -> Iterator[tuple[Fleet, int, int]]:
        for group, start, stop in selection:
            fleet, first = self._homes[group]
            yield fleet, first + start, first + stop


class _Owned:
    """One point of a fleet: who has set which row, from what to what."""

    def __init__(self, fleet: Fleet, point: Point) -> None:
        self._fleet = fleet
        self._point = point
        self._track = next((track for track in fleet.tracks if track.point is point), None)
        self._owners = np.zeros(fleet.count, np.int32)  # numbers of changes, 0 for nobody
        self._numbers: dict[Change, int] = {}
        self._last = 0
        width = self.load(0, 1).shape[1]
        self._before: Wire = np.zeros((fleet.count, width), np.uint8)
        self._set: Wire = np.zeros((fleet.count, width), np.uint8)

    def load(self, start: int, stop: int) -> Wire:
        """What the point has on the wire."""
        return load(self._fleet.tables[self._point.table], self._point, slice(start, stop))

    def note(self, change: Change, before: Wire, start: int, stop: int) -> None:
        """Rows have been set."""
        number = self._numbers.get(change)
        if number is None:
            self._last += 1
            number = self._numbers[change] = self._last
        owners = self._owners[start:stop]
        fresh = owners == 0
        self._before[start:stop][fresh] = before[fresh]
        self._set[start:stop] = self.load(start, stop)
        owners[...] = number

    def forget(self, start: int, stop: int) -> None:
        """Nobody has set these rows."""
        self._owners[start:stop] = 0

    def take_back(self, change: Change | None, values: Values, origin: Origin) -> Iterator[None]:
        """Undo one change, or all of them for None."""
        if change is None:
            owned = self._owners != 0
            self._numbers.clear()
        else:
            number = self._numbers.pop(change, 0)
            if not number:
                return
            owned = self._owners == number
        self._owners[owned] = 0
        for start, stop in _runs(owned & self._untouched(owned)):
            if self._track is None:
                span = Span(self._fleet, start, stop)
                values.store_span(span, self._point, self._before[start:stop], origin)
            else:
                self._track.release_rows(start, stop)
            yield

    def _untouched(self, owned: np.ndarray) -> np.ndarray:
        """Rows that nobody else has written since they were set."""
        rows = np.flatnonzero(owned)
        untouched = np.zeros(len(owned), bool)
        if len(rows):
            start, stop = int(rows[0]), int(rows[-1]) + 1
            same = self.load(start, stop) == self._set[start:stop]
            untouched[start:stop] = same.all(axis=1)
        return untouched


def _runs(chosen: np.ndarray) -> Iterator[tuple[int, int]]:
    """The runs of true elements, half-open."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], chosen, [False]))))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
