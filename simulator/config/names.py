"""Names of devices: one template for a group, unique in the plant.

A group of a million devices has a million names, so none of them is made to find duplicates where
arithmetic tells: a template with one decimal field gives every device another name, and two groups
can only share a name when their fixed beginnings and ends fit.  The one rule: a name means one
device, in messages, on the command line and for clients.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from simulator.documents.templates import INDEX_FIELDS, Template

SMALL = 1000  # groups up to this size are compared name by name

_DECIMAL = re.compile(r"(?:0[0-9]+)?d?", re.ASCII)  # formats that print digits only: {n}, {n:04}, {n:d}


class NameTemplate(Template):
    """The names of a group: ``meter-{n:04}``; ``i`` counts from 0, ``n`` from 1."""

    __slots__ = ("_match", "_offset", "prefix", "suffix")

    def __init__(self, text: str) -> None:
        """Raises ValueError for a text that is no template over ``i`` and ``n``, or is empty."""
        super().__init__(text, legal=INDEX_FIELDS)
        if not text.strip():
            raise ValueError(f"name is {text!r}, expected text")
        self.prefix: str = self.parts[0][0]  # before the first field
        self.suffix: str = "" if self.parts[-1][1] is not None else self.parts[-1][0]
        self._match, self._offset = self._inverse()

    def format(self, i: int) -> str:
        """The name of device ``i``."""
        return self.render(i)

    @property
    def is_injective(self) -> bool:
        """True when the first field alone tells the devices apart."""
        return self._match is not None

    def index_of(self, name: str, count: int) -> int | None:
        """The device of ``count`` that has this name; None when there is none."""
        if not (name.startswith(self.prefix) and name.endswith(self.suffix)):
            return None
        if self._match is None:
            return next((i for i in range(count) if self.format(i) == name), None)
        found = self._match.match(name)
        if found is None or len(found[1]) > len(str(count)) + 999:
            return None
        i = int(found[1]) - self._offset
        return i if 0 <= i < count and self.format(i) == name else None

    def numbers(self, count: int) -> tuple[int, int, int] | None:
        """Digits at least, first and last number, of names that differ in ONE decimal number only."""
        if not self.is_injective or any(field for _, field, _ in self.parts[1:]):
            return None
        digits = int(self.parts[0][2].rstrip("d") or 1)
        return digits, self._offset, self._offset + count - 1

    def _inverse(self) -> tuple[re.Pattern[str] | None, int]:
        """A pattern whose group 1 is the number of the first field, and what to subtract from it."""
        literal, field, spec = self.parts[0]
        if field is None or not _DECIMAL.fullmatch(spec):
            return None, 0
        pattern = f"{re.escape(literal)}([0-9]+)"
        if len(self.parts) > 1:
            behind, next_field, _ = self.parts[1]
            if not behind or behind[0].isdigit():
                if len(self.parts) > 2 or next_field is not None:
                    return None, 0  # digits follow digits: {n}{i} cannot be taken apart
                pattern += re.escape(behind) + r"\Z"
        return re.compile(pattern, re.ASCII), int(field == "n")


Names = tuple[NameTemplate, int]  # template and number of devices of a group


class Same(NamedTuple):
    """Two devices of one name; the group that comes later in the file first."""

    group: int
    device: int
    other: int
    other_device: int


def duplicate_within(names: NameTemplate, count: int) -> tuple[int, int] | None:
    """Two devices of one group with the same name, the later first."""
    if count < 2:
        return None
    if names.is_constant:
        return 1, 0
    if names.is_injective:
        return None
    seen: dict[str, int] = {}
    for i in range(count):
        if (earlier := seen.setdefault(names.format(i), i)) != i:
            return i, earlier
    return None


def duplicates_between(groups: Sequence[Names]) -> Iterator[Same]:
    """The first shared name of every two groups that share one."""
    listed: dict[str, tuple[int, int]] = {}
    reported: set[tuple[int, int]] = set()
    for group, (names, count) in enumerate(groups):
        if count > SMALL:
            continue
        for i in range(count):
            owner, device = listed.setdefault(names.format(i), (group, i))
            if owner != group and (group, owner) not in reported:
                reported.add((group, owner))
                yield Same(group, i, owner, device)
    large = [group for group, (_, count) in enumerate(groups) if count > SMALL]
    if large:
        yield from _against_listed(groups, large, listed)
        yield from _between_large(groups, large)


def _against_listed(
    groups: Sequence[Names], large: Sequence[int], listed: dict[str, tuple[int, int]]
) -> Iterator[Same]:
    words = sorted(listed)
    for group in large:
        names, count = groups[group]
        reported: set[int] = set()
        for name in words[bisect_left(words, names.prefix) :]:
            if not name.startswith(names.prefix):
                break
            owner, device = listed[name]
            if owner not in reported and (i := names.index_of(name, count)) is not None:
                reported.add(owner)
                yield Same(*max((group, i, owner, device), (owner, device, group, i)))


def _between_large(groups: Sequence[Names], large: Sequence[int]) -> Iterator[Same]:
    ordered = sorted(large, key=lambda group: groups[group][0].prefix)
    for position, group in enumerate(ordered):
        names, _ = groups[group]
        for other in ordered[position + 1 :]:
            if not groups[other][0].prefix.startswith(names.prefix):
                break
            found = _shared(groups[other], groups[group])
            if found is not None:
                mine, theirs = found[1], found[0]
                yield Same(*max((group, mine, other, theirs), (other, theirs, group, mine)))


def _shared(left: Names, right: Names) -> tuple[int, int] | None:
    """The first name of two large groups: index in the left, index in the right."""
    if not (left[0].suffix.endswith(right[0].suffix) or right[0].suffix.endswith(left[0].suffix)):
        return None
    if left[0].parts == right[0].parts:
        return 0, 0
    numbers = left[0].numbers(left[1]), right[0].numbers(right[1])
    if (
        numbers[0]
        and numbers[1]
        and left[0].prefix == right[0].prefix
        and left[0].parts[1:] == right[0].parts[1:]
    ):
        return _shared_number(*numbers[0], *numbers[1])
    if left[1] > right[1]:
        found = _shared(right, left)
        return (found[1], found[0]) if found else None
    lookup = right[0].index_of if right[0].is_injective else _table(right)
    for i in range(left[1]):
        if (theirs := lookup(left[0].format(i), right[1])) is not None:
            return i, theirs
    return None


def _shared_number(
    digits: int, first: int, last: int, other_digits: int, other_first: int, other_last: int
) -> tuple[int, int] | None:
    """The first number that both write alike: any with equal padding, else one too long to be padded."""
    unpadded = 0 if digits == other_digits else 10 ** (max(digits, other_digits) - 1)
    number = max(first, other_first, unpadded)
    return (number - first, number - other_first) if number <= min(last, other_last) else None


def _table(names: Names) -> Callable[[str, int], int | None]:
    known = {names[0].format(i): i for i in range(names[1])}
    return lambda name, _: known.get(name)
