"""What the operations on a plant share: the plant, which devices are meant, recordings, where counting began.

The one rule: nothing here grows with what operators do; whatever they begin they can end.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.config.selection import Selection, SelectionFile, resolve
from simulator.control.refusals import NotFound
from simulator.documents.ranges import merge_ranges
from simulator.documents.wording import show, suggest, unknown
from simulator.origins import Origin
from simulator.slices import Slices

if TYPE_CHECKING:
    from simulator.config.placement import Place
    from simulator.fleet import Fleet
    from simulator.plant import Plant
    from simulator.points import Point
    from simulator.recording import Recording
    from simulator.values import Span

API = Origin("api")
_PATTERN = frozenset("*?[")


class Control:
    """A plant in the hands of its operators.

    ``stop`` ends the program that serves it; None where there is no such thing.
    """

    def __init__(self, plant: Plant, stop: Callable[[], object] | None = None) -> None:
        self.plant = plant
        self.stop = stop
        self.slices = Slices(plant.reactor, at_once=True)
        self.recordings: list[Recording] = []
        self._counted: dict[Fleet, array[int]] = {}  # requests when counting began
        self.accepted = self.refused = 0  # connections then
        self._free: dict[int, list[tuple[int, int, Any]]] | None = None

    def select(self, texts: Iterable[str]) -> Selection:
        """The devices of names and patterns; raises NotFound for one that fits nothing."""
        groups = self.plant.config.groups
        found: dict[int, list[tuple[int, int]]] = {}
        for text in dict.fromkeys(texts):
            one = self.plant.config.find(text)
            if one is not None:
                found.setdefault(one[0].index, []).append((one[1], one[1]))
                continue
            chosen = resolve(SelectionFile(devices=(text,)), groups) if _PATTERN & set(text) else None
            if not chosen:
                raise NotFound(self._unknown(text))
            for group, start, stop in chosen:
                found.setdefault(group, []).append((start, stop - 1))
        if not found:
            raise NotFound("no device is named, expected a name, a pattern such as 'meter-*', or several")
        runs = {
            group: tuple((start, last + 1) for start, last in merge_ranges(found[group]))
            for group in sorted(found)
        }
        return Selection(runs, groups)

    def spans(self, texts: Iterable[str]) -> list[Span]:
        """The same as rows of fleets."""
        return self.plant.values.spans(self.select(texts))

    def one(self, device: str) -> Span:
        """The row of one device; raises NotFound."""
        if self.plant.config.find(device) is None:
            raise NotFound(self._unknown(device))
        return self.plant.values.one(device)

    def points(self, spans: Iterable[Span], patterns: Iterable[str] | None) -> dict[Fleet, list[Point]]:
        """The points that patterns mean in each fleet; NotFound for a pattern that fits nowhere."""
        fleets = list(dict.fromkeys(span.fleet for span in spans))
        if patterns is None:
            return {fleet: list(fleet.profile.points.values()) for fleet in fleets}
        names = list(dict.fromkeys(patterns))
        every = dict.fromkeys(name for fleet in fleets for name in fleet.profile.points)
        for name in names:
            if name not in every and not any(fnmatchcase(each, name) for each in every):
                raise NotFound(f"{fleets[0].name}: {unknown('point', name, every)}")
        return {fleet: _fitting(fleet, names) for fleet in fleets}

    def requests(self, fleet: Fleet, row: int) -> int:
        """Requests to one device since counting began."""
        before = self._counted.get(fleet)
        return int(fleet.kind.requests[row] - (before[row] if before is not None else 0))

    @property
    def all_requests(self) -> int:
        """Requests to all devices since counting began."""
        return sum(
            _sum(fleet.kind.requests) - (_sum(self._counted[fleet]) if fleet in self._counted else 0)
            for fleet in self.plant.fleets
        )

    def count_anew(self) -> None:
        """Count from now on."""
        hub = self.plant.hub
        self._counted = {fleet: fleet.kind.requests[:] for fleet in self.plant.fleets}
        self.accepted, self.refused = hub.accepted, hub.refused

    def endpoint(self, group: int, index: int, place: Place) -> str:
        """Where a device is reached, with the port that the system picked."""
        if place.line is not None:
            return f"{place.scheme}:{place.line.text()}"
        text = str(place).partition(" ")[0]
        if place.port:
            return text
        for first, stop, factory in self._free_ports().get(group, ()):
            if first <= index < stop:
                return text.rpartition(":")[0] + ":" + str(factory.port.endpoint).rpartition(":")[2]
        return text

    def _free_ports(self) -> dict[int, list[tuple[int, int, Any]]]:
        if self._free is None:
            self._free = {}
            pairs = zip(self.plant.config.listeners, self.plant.factories, strict=False)
            for plan, factory in pairs:
                if plan.line is None and plan.port == 0:
                    for span in plan.spans:
                        run = span.first, span.first + span.count, factory
                        self._free.setdefault(span.group, []).append(run)
        return self._free

    def _unknown(self, text: str) -> str:
        names = [
            name
            for group in self.plant.config.groups
            for name in dict.fromkeys((group.device_name(0), group.device_name(group.count - 1)))
        ]
        hint = suggest(text, names)
        return f"no device is named {show(text)}, expected a name or a pattern such as 'meter-*'" + (
            f"; {hint}" if hint else ""
        )


def rows_of(spans: Iterable[Span]) -> Iterator[tuple[Fleet, int]]:
    """Every row of some spans."""
    return ((span.fleet, row) for span in spans for row in range(span.start, span.stop))


def _fitting(fleet: Fleet, names: Iterable[str]) -> list[Point]:
    points = fleet.profile.points
    found: dict[str, Point] = {}
    for name in names:
        if name in points:
            found[name] = points[name]
        else:
            found.update({each: points[each] for each in points if fnmatchcase(each, name)})
    return list(found.values())


def _sum(column: array[int]) -> int:
    return int(np.frombuffer(column, np.uint64).sum())
