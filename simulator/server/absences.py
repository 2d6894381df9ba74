"""Which devices are not there: the books, by row of their fleets, and the flags that silence them.

An ``Outage`` is one reason for some devices to be gone; a device is there when no outage holds it.  Outages
of two kinds may overlap: where one of them is a closing, the device is closed.  The one rule: the flags of a
row always say what the books say, so that compiled code and Python agree from the same moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from simulator.config.selection import Runs, Selection, without
from simulator.device import OFFLINE, SILENT

if TYPE_CHECKING:
    from simulator.config.placement import Span
    from simulator.fleet import Fleet

How = Literal["close", "drop"]
Counts = npt.NDArray[np.uint16]
Homes = Mapping[int, "tuple[Fleet, int]"]  # by group: its fleet and first row there

MOST = 60_000  # outages that may hold one device
REFRESHED = 256  # devices told of their mode in one step


class Outage:
    """Devices that are gone for one reason; ``spans`` are those of a selection, fewer when some came back."""

    __slots__ = ("how", "spans")

    def __init__(self, selection: Selection, how: How) -> None:
        self.spans: dict[int, Runs] = dict(selection.spans)
        self.how: How = how


class Absences:
    """What holds each device of a plant off; ``devices`` is how many are gone."""

    def __init__(self, homes: Homes) -> None:
        self.devices = 0
        self.outages: dict[Outage, None] = {}
        self._homes = homes
        self._counts: dict[int, tuple[Counts, Counts]] = {}  # by fleet: closings and drops that hold a row

    def begin(self, outage: Outage) -> Iterator[None]:
        """Take the devices of an outage away, some at each step.

        Raises OverflowError for the 60 001st that begins before one has ended.
        """
        if len(self.outages) >= MOST:
            raise OverflowError(f"{MOST} outages are under way, expected fewer")
        self.outages[outage] = None
        for group, runs in outage.spans.items():
            yield from self._apply(group, runs, outage.how, 1)

    def end(self, outage: Outage) -> Iterator[None]:
        """An outage is over; a second time does nothing."""
        if outage in self.outages:
            del self.outages[outage]
            for group, runs in outage.spans.items():
                yield from self._apply(group, runs, outage.how, -1)

    def release(self, selection: Selection) -> Iterator[None]:
        """No outage holds these devices any more."""
        for outage in tuple(self.outages):
            for group in outage.spans.keys() & selection.spans.keys():
                rest = without(outage.spans[group], selection.spans[group])
                gone = without(outage.spans[group], rest)
                outage.spans[group] = rest
                yield from self._apply(group, gone, outage.how, -1)
            if not any(outage.spans.values()):
                del self.outages[outage]

    def all_closed(self, spans: Iterable[Span]) -> bool:
        """True when every device of the spans of a listener is closed."""
        return all(part.all() for span in spans for part in _parts(*self._seen(span, 0)))

    def any_closed(self, spans: Iterable[Span]) -> bool:
        """True when some device of them is."""
        return any(part.any() for span in spans for part in _parts(*self._seen(span, 0)))

    def all_gone(self, spans: Iterable[Span]) -> bool:
        """True when every device of them is closed or dropped."""
        return all(
            np.logical_or(closed, dropped).all()
            for span in spans
            for closed, dropped in zip(
                _parts(*self._seen(span, 0)), _parts(*self._seen(span, 1)), strict=True
            )
        )

    def tell(self, span: Span, how: int) -> None:
        """Let ``how``, a value of ``OFFLINE``, be what clients hear of the closed devices of a span."""
        fleet, base = self._homes[span.group]
        aside = np.frombuffer(fleet.kind.aside, np.uint8)[base + span.first :]
        is_new = False
        for flags, closed in zip(_parts(aside, span), _parts(*self._seen(span, 0)), strict=True):
            wrong = (closed != 0) & (flags & OFFLINE != how)
            if wrong.any():
                flags[wrong] = flags[wrong] & ~np.uint8(OFFLINE) | np.uint8(how)
                is_new = True
        if is_new:
            first = base + span.first
            for device in fleet.held_devices(first, first + reach(span)):
                device.refresh()

    def closed_at(self, spans: Iterable[Span], ip: int) -> bool:
        """True when every device behind one address is closed."""
        for span in spans:
            fleet, first = self._homes[span.group]
            closed = self._of(fleet)[0]
            if not all(closed[first + index] for _, index in span.devices_at(ip)):
                return False
        return True

    def _apply(self, group: int, runs: Runs, how: How, change: int) -> Iterator[None]:
        """Count an outage of a group in or out, and set flags and devices to what the books say then."""
        fleet, first = self._homes[group]
        counts = self._of(fleet)
        aside = np.frombuffer(fleet.kind.aside, np.uint8)
        for start, stop in runs:
            rows = slice(first + start, first + stop)
            closed, dropped = counts[0][rows], counts[1][rows]
            before = np.count_nonzero(aside[rows] & OFFLINE)
            (closed if how == "close" else dropped)[...] += np.uint16(change & 0xFFFF)  # wraps: -1 is 65535
            told = np.logical_or(closed, dropped)
            aside[rows] = aside[rows] & ~np.uint8(OFFLINE) | told * np.uint8(SILENT)
            self.devices += int(np.count_nonzero(told)) - int(before)
            yield
        yield from self._refresh(fleet, first, runs)

    def _refresh(self, fleet: Fleet, first: int, runs: Runs) -> Iterator[None]:
        """Tell the devices that somebody holds."""
        rows = (row for start, stop in runs for row in fleet.held_devices(first + start, first + stop))
        while some := list(islice(rows, REFRESHED)):
            for device in some:
                device.refresh()
            yield

    def _of(self, fleet: Fleet) -> tuple[Counts, Counts]:
        found = self._counts.get(id(fleet))
        if found is None:
            found = np.zeros(fleet.count, np.uint16), np.zeros(fleet.count, np.uint16)
            self._counts[id(fleet)] = found
        return found

    def _seen(self, span: Span, which: int) -> tuple[Counts, Span]:
        """What counts the closings (0) or drops (1), from the first device of a span on."""
        fleet, base = self._homes[span.group]
        return self._of(fleet)[which][base + span.first :], span


def reach(span: Span) -> int:
    """How many devices of the group there are from the first to the last of a span."""
    width = 1 if span.units is None else len(span.units)
    if span.step in (0, width):
        return span.count
    full, rest = divmod(span.count, width)
    return (full - (not rest)) * span.step + (rest or width)


def _parts(column: npt.NDArray[Any], span: Span) -> Iterator[npt.NDArray[Any]]:
    """The devices of a span in a column that begins at its first: views, which together are all of them."""
    width = 1 if span.units is None else len(span.units)
    if span.step in (0, width):
        yield column[: span.count]
        return
    full, rest = divmod(span.count, width)
    if full:
        strides = span.step * column.itemsize, column.itemsize
        yield np.lib.stride_tricks.as_strided(column, (full, width), strides)
    if rest:
        yield column[full * span.step : full * span.step + rest]
