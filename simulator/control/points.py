"""Points by name, of one device or of thousands: read, write, hold, release.

The one rule: a write is checked as a whole, every value for every device, before anything is stored.  Reading
many gives the reactor back after each slice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from simulator.control import results
from simulator.control.context import API, Control
from simulator.control.refusals import Unfit
from simulator.control.verbs import MOST_VALUES
from simulator.errors import PointError
from simulator.snapshots import snapshot
from simulator.watches import decoded

if TYPE_CHECKING:
    from simulator.fleet import Fleet
    from simulator.points import Point
    from simulator.values import Span

AT_ONCE = 64  # devices read in one step


def read(
    control: Control, device: list[str], point: list[str] | None = None, limit: int = MOST_VALUES
) -> Deferred[results.Values]:
    """The values of points, those that a device has; ``limit`` is how many at most."""
    spans = control.spans(device)
    points = control.points(spans, point)
    found: list[results.DeviceValues] = []
    total = sum((span.stop - span.start) * len(points[span.fleet]) for span in spans)
    done = control.slices.do(_reading(spans, points, found, limit))

    def answer(_: object) -> results.Values:
        count = sum(len(each["values"]) for each in found)
        return {"devices": found, "count": count, "left_out": total - count}

    return done.addCallback(answer)


def write(
    control: Control, device: list[str], values: Mapping[str, Any], hold: float | None = None
) -> results.Touched:
    """Write values to the points of all devices meant that have them."""
    if not values:
        raise Unfit("values is an empty mapping, expected the name of a point and its value")
    chosen = control.select(device)
    control.points(control.plant.values.spans(chosen), [*map(_literal, values)])
    plant = control.plant
    try:
        for name, value in values.items():
            plant.values.check(chosen, name, value)
    except PointError as error:
        raise Unfit(str(error)) from None
    return {
        "devices": {
            name: plant.write(chosen, name, value, origin=API, hold=hold) for name, value in values.items()
        }
    }


def hold(
    control: Control, device: list[str], point: list[str] | None = None, seconds: float | None = None
) -> results.Touched:
    """Let the generators of points leave them alone, for some seconds of virtual time or until released."""
    spans = control.spans(device)
    points = control.points(spans, point)
    counts = dict.fromkeys((each.name for found in points.values() for each in found), 0)
    for span in spans:
        names = {each.name for each in points[span.fleet]}
        for track in span.fleet.tracks:
            if track.point.name in names:
                track.hold_rows(span.start, span.stop, math.inf if seconds is None else seconds)
                counts[track.point.name] += span.stop - span.start
    return {"devices": counts}


def release(control: Control, device: list[str], point: list[str] | None = None) -> results.Touched:
    """Let the generators of points move them again."""
    spans = control.spans(device)
    points = control.points(spans, point)
    counts = dict.fromkeys((each.name for found in points.values() for each in found), 0)
    for span in spans:
        names = {each.name for each in points[span.fleet]}
        for track in span.fleet.tracks:
            if track.point.name in names:
                track.release_rows(span.start, span.stop)
                counts[track.point.name] += span.stop - span.start
    return {"devices": counts}


def _literal(name: str) -> str:
    """A pattern that fits this name only; who writes names points."""
    return "".join(f"[{each}]" if each in "*?[" else each for each in name)


def _reading(
    spans: list[Span], points: dict[Fleet, list[Point]], found: list[results.DeviceValues], limit: int
) -> Iterator[None]:
    """Append the values of each device, until there are ``limit``."""
    for span in spans:
        wanted = points[span.fleet]
        for start in range(span.start, span.stop, AT_ONCE):
            stop = min(start + AT_ONCE, span.stop)
            taken: list[results.DeviceValues] = [
                {"device": span.fleet.name_of(row), "values": {}} for row in range(start, stop)
            ]
            for place, point in enumerate(wanted):
                data = snapshot(span.fleet, start, stop, point)
                for row in range(start, stop):
                    if (row - start) * len(wanted) + place < limit:
                        taken[row - start]["values"][point.name] = results.plain(decoded(point, data(row)))
                if place % 32 == 31:
                    yield
            found.extend(each for each in taken if each["values"])
            limit -= len(taken) * len(wanted)
            yield
            if limit <= 0:
                return
