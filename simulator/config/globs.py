"""Patterns of names, matched against whole templates: ``meter-00*`` over ``meter-{n:04}``.

``*`` is any text, ``?`` one character, ``[a-c]`` one of these, ``[!a-c]`` one of the others; case counts.
A template with one decimal number is matched digit by digit for all devices at once; other templates name
by name.  The one rule: the indices found are those whose names ``fnmatch`` would find.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import translate
from functools import cached_property

from simulator.config.names import NameTemplate
from simulator.documents.ranges import merge_ranges

_Step = Callable[[str], object] | None  # does a character fit; None for *
_States = frozenset[int]  # how many steps may be behind us
_Runs = tuple[tuple[int, int], ...]  # half-open


class Glob:
    """A pattern of names.  Equal texts make equal patterns."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.matches: Callable[[str], object] = re.compile(translate(text)).match

    @cached_property
    def start(self) -> _States:
        """Before the first character."""
        return self._behind_stars({0})

    def after(self, states: _States, text: str) -> _States:
        """Where we may be after more characters."""
        for character in text:
            reached: set[int] = set()
            for state in states:
                if state < len(self._steps):
                    fits = self._steps[state]
                    if fits is None:
                        reached.add(state)
                    elif fits(character):
                        reached.add(state + 1)
            states = self._behind_stars(reached)
        return states

    def ends(self, states: _States) -> bool:
        """True when the pattern may end here."""
        return len(self._steps) in states

    def _behind_stars(self, states: set[int]) -> _States:
        for state in tuple(states):
            while state < len(self._steps) and self._steps[state] is None:
                state += 1
                states.add(state)
        return frozenset(states)

    @cached_property
    def _steps(self) -> list[_Step]:
        return [None if part == "*" else re.compile(translate(part)).match for part in _parts(self.text)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Glob) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Glob({self.text!r})"


def matching_indices(glob: Glob, names: NameTemplate, count: int) -> _Runs:
    """The devices of a group of ``count`` whose names fit, as half-open runs."""
    if names.is_constant:
        return ((0, count),) if glob.matches(names.format(0)) else ()
    if not glob.after(glob.start, names.prefix):
        return ()
    numbers = names.numbers(count)
    if numbers is None:
        found = ((i, i) for i in range(count) if glob.matches(names.format(i)))
    else:
        digits, first, last = numbers
        suffix = "".join(literal for literal, _, _ in names.parts[1:])
        found = (
            (low - first, high - first)
            for low, high in _Numbers(glob, names.prefix, suffix).between(first, last, digits)
        )
    return tuple((low, high + 1) for low, high in merge_ranges(found))


class _Numbers:
    """The numbers that fit between two texts."""

    def __init__(self, glob: Glob, prefix: str, suffix: str) -> None:
        self._glob = glob
        self._start = glob.after(glob.start, prefix)
        self._suffix = suffix
        self._known: dict[tuple[_States, int], _Runs] = {}

    def between(self, first: int, last: int, digits: int) -> Iterator[tuple[int, int]]:
        """Pairs of ends, both included, of numbers that are written with ``digits`` at least."""
        for length in range(len(str(first)), len(str(last)) + 1):
            zeros = "0" * (digits - length)
            low, high = (10 ** (length - 1) if length > 1 else 0), 10**length - 1
            for start, end in self._of(self._glob.after(self._start, zeros), length):
                start, end = max(start, low, first), min(end, high, last)
                if start <= end:
                    yield start, end

    def _of(self, states: _States, digits: int) -> _Runs:
        """The numbers of that many digits that fit from here on, as pairs of ends."""
        if not states:
            return ()
        if not digits:
            return ((0, 0),) if self._glob.ends(self._glob.after(states, self._suffix)) else ()
        key = states, digits
        found = self._known.get(key)
        if found is None:
            size = 10 ** (digits - 1)
            every = (
                (digit * size + low, digit * size + high)
                for digit in range(10)
                for low, high in self._of(self._glob.after(states, str(digit)), digits - 1)
            )
            found = self._known[key] = merge_ranges(every)
        return found


def _parts(text: str) -> Iterator[str]:
    """The text character by character, sets in brackets as one; several stars are one."""
    place = 0
    while place < len(text):
        end = place + 1
        if text[place] == "[":
            close = end + text.startswith("!", end)
            close = text.find("]", close + text.startswith("]", close))
            end = close + 1 if close >= 0 else end
        if text[place] != "*" or not text.startswith("*", end):
            yield text[place:end]
        place = end
