"""Where the rules of a plant act: which devices, whose flags, which listeners.

The one rule: a row is flagged as long as a rule that is switched on may act on its requests, and not a moment
longer; compiled code leaves flagged rows to Python.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.device import FAULTY
from simulator.documents.ranges import merge_ranges
from simulator.faults.conditions import Conditions, conditions
from simulator.faults.files import LINK_KINDS

if TYPE_CHECKING:
    from simulator.config.faults import Fault
    from simulator.config.placement import ListenerPlan, Span
    from simulator.faults.rule import Rule
    from simulator.fleet import Fleet
    from simulator.profiles.profile import Profile

Run = tuple[int, int, int]  # group, first device, the one behind the last
Homes = Mapping[int, "tuple[Fleet, int]"]  # by group: its fleet and first row there


class Placed:
    """A rule and where it acts; ``is_of_file`` tells that the plant file has it."""

    def __init__(self, fault: Fault, rule: Rule, *, is_of_file: bool) -> None:
        self.fault = fault
        self.rule = rule
        self.is_of_file = is_of_file
        self._conditions: dict[int, Conditions] = {}  # by profile

    def conditions(self, profile: Profile) -> Conditions:
        """What a request to a device with this profile has to be."""
        found = self._conditions.get(id(profile))
        if found is None:
            found = self._conditions[id(profile)] = conditions(
                self.rule.when, profile.points, units=self.fault.units, blocks=_blocks(profile)
            )
        return found

    @property
    def acts_on_requests(self) -> bool:
        """True when requests have to be looked at."""
        return self.rule.is_down or any(kind not in LINK_KINDS for kind in self.rule.then.kinds)

    def meets(self, other: Placed) -> bool:
        """True when the two may be about the same device."""
        mine, theirs = self.fault.selection.spans, other.fault.selection.spans
        return any(
            mine[group][0][0] < theirs[group][-1][1] and theirs[group][0][0] < mine[group][-1][1]
            for group in mine.keys() & theirs.keys()
        )

    def first_of(self, devices: Iterable[Run]) -> tuple[int, int] | None:
        """The first device, by group and index, of some runs of devices that the rule is about."""
        for group, first, stop in devices:
            for start, end in self.fault.selection.spans.get(group, ()):
                if start < stop and first < end:
                    return group, max(first, start)
        return None


class Flags:
    """The flags of rows for rules that are switched on."""

    def __init__(self, homes: Homes) -> None:
        self._homes = homes

    def mark(self, placed: Placed) -> None:
        """Flag the rows of a rule that is on."""
        if placed.acts_on_requests:
            for group, start, stop in placed.fault.selection:
                self._rows(group)[start:stop] |= np.uint8(FAULTY)

    def unmark(self, gone: Sequence[Placed], others: Iterable[Placed]) -> None:
        """Take the flags of some rules away, where none of the others needs them."""
        for placed in gone:
            for group, start, stop in placed.fault.selection:
                self._rows(group)[start:stop] &= np.uint8(~FAULTY & 0xFF)
        for other in others:
            if other.rule.enabled and (len(gone) > 1 or other.meets(gone[0])):
                self.mark(other)

    def _rows(self, group: int) -> Any:
        fleet, first = self._homes[group]
        return np.frombuffer(fleet.kind.aside, np.uint8)[first:]


class Near:
    """The rules about a device, in file order, without a look at each of the others."""

    def __init__(self, placed: Iterable[Placed]) -> None:
        self._placed = tuple(placed)
        self._groups: dict[int, tuple[Any, Any, Any]] = {}  # first device, end and number of each rule

    def of(self, group: int, index: int) -> Iterator[Placed]:
        """Those about one device."""
        if group not in self._groups:
            self._groups[group] = self._reaches(group)
        firsts, ends, numbers = self._groups[group]
        for number in numbers[(firsts <= index) & (ends > index)].tolist():
            placed = self._placed[number]
            if placed.fault.selection.covers(group, index):
                yield placed

    def _reaches(self, group: int) -> tuple[Any, Any, Any]:
        found = [
            (runs[0][0], runs[-1][1], number)
            for number, placed in enumerate(self._placed)
            if (runs := placed.fault.selection.spans.get(group))
        ]
        firsts, ends, numbers = np.array(found, np.int64).reshape(-1, 3).T
        return firsts, ends, numbers


class Coverage:
    """Which devices some rule is about."""

    def __init__(self, placed: Iterable[Placed]) -> None:
        runs: dict[int, list[tuple[int, int]]] = {}
        for each in placed:
            for group, start, stop in each.fault.selection:
                runs.setdefault(group, []).append((start, stop - 1))
        merged = {group: merge_ranges(found) for group, found in runs.items()}
        self._runs = {
            group: ([first for first, _ in found], [last for _, last in found])
            for group, found in merged.items()
        }

    def meets(self, plan: ListenerPlan) -> bool:
        """True when some rule is about a device of a listener, or of another one between its devices."""
        for span in plan.spans:
            starts, lasts = self._runs.get(span.group, ((), ()))
            first, stop = _reach(span)
            place = bisect_right(lasts, first - 1)
            if place < len(starts) and starts[place] < stop:
                return True
        return False


def _reach(span: Span) -> tuple[int, int]:
    """The first device of a span and the one behind its last."""
    width = 1 if span.units is None else len(span.units)
    addresses = (span.count - 1) // width if span.step else 0
    return span.first, span.first + addresses * span.step + min(width, span.count - addresses * width)


def _blocks(profile: Profile) -> dict[Any, Any]:
    """The block of each table that shares one."""
    return {table: layout.share for table, layout in profile.tables.items() if layout.share is not None}
