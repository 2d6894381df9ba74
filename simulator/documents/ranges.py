"""Whole numbers and ranges of them as files write them: ``7``, ``0x10-0x1F``, ``1-3,5-7,10``.

Ranges include both ends and keep the order of the file.  The one rule: nothing is guessed; a range
that runs backwards, a number outside the limits or an empty text is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

Ranges = tuple[tuple[int, int], ...]

_PART = re.compile(r"\s*(0[xX][0-9a-fA-F]+|[0-9]+)\s*(?:-\s*(0[xX][0-9a-fA-F]+|[0-9]+)\s*)?", re.ASCII)
_DIGITS = 20  # more than any address needs; keeps int() from reading a megabyte of digits


def parse_ranges(
    value: object, *, name: str = "range", minimum: int = 0, maximum: int | None = None
) -> Ranges:
    """Pairs (first, last), both included, of a number, a text or a list of numbers and texts.

    ``name`` is what messages call the thing, ``unit_id`` for example.  Raises ValueError.
    """
    if isinstance(value, (list, tuple)):
        found = tuple(pair for item in value for pair in _parse_item(item, name))
        if not found:
            raise ValueError(f"{name} is an empty list, expected a number or a range such as 1-3,5")
    else:
        found = _parse_item(value, name)
    for first, last in found:
        _check_limits(first, last, name, minimum, maximum)
    return found


def count_ranges(ranges: Iterable[tuple[int, int]]) -> int:
    """How many numbers the ranges hold, repeated ones counted each time."""
    return sum(last - first + 1 for first, last in ranges)


def merge_ranges(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The same numbers as sorted, disjoint ranges that do not touch."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def repeated(ranges: Iterable[tuple[int, int]]) -> int | None:
    """The smallest number that two of the ranges share, None when they are disjoint."""
    end = -1
    for first, last in sorted(ranges):
        if first <= end:
            return first
        end = last
    return None


def format_ranges(ranges: Iterable[tuple[int, int]]) -> str:
    """The text of ranges: ``1-3,5``; ``parse_ranges`` reads it back."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def _parse_item(item: object, name: str) -> Ranges:
    if isinstance(item, int) and not isinstance(item, bool):
        return ((item, item),)
    if not isinstance(item, str):
        raise ValueError(f"{name} is {_shown(item)}, expected a number or a range such as 1-3,5")
    found = []
    for part in item.split(","):
        match = _PART.fullmatch(part)
        if match is None or max(len(part) for part in match.groups(default="")) > _DIGITS:
            raise ValueError(f"{name} is {item!r}, expected a number or a range such as 1-3,5")
        first = _number(match[1])
        last = first if match[2] is None else _number(match[2])
        if last < first:
            raise ValueError(f"{name} {part.strip()} runs backwards, expected {last}-{first}")
        found.append((first, last))
    return tuple(found)


def _shown(item: object) -> str:
    if item is None or isinstance(item, bool):
        return "null" if item is None else str(item).lower()
    return str(item) if isinstance(item, float) else "a list" if isinstance(item, list) else "a mapping"


def _number(text: str) -> int:
    return int(text, 16) if text[:2] in ("0x", "0X") else int(text)


def _check_limits(first: int, last: int, name: str, minimum: int, maximum: int | None) -> None:
    wrong = first if first < minimum else last
    if first < minimum or (maximum is not None and last > maximum):
        expected = f"{minimum} to {maximum}" if maximum is not None else f"{minimum} or more"
        raise ValueError(f"{name} is {wrong}, expected {expected}")
