"""The starting value of a row, as the data type of its point has it.

One rule: a text becomes what the data type takes, where it can; a text that is none is told where points are
made, with the labels it might have been.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from simulator.profiles.maps import words
from simulator.profiles.maps.cells import Cell


def starting_value(cell: Cell, kind: str | None, keys: Mapping[str, Any]) -> Any:
    """The starting value, as the data type has it."""
    value = cell.value
    if keys.get("count", 1) > 1 and (isinstance(value, list) or _is_list(value)):
        return [_element(each, kind, keys) for each in words.listed(cell)]
    if kind == "raw" and (isinstance(value, list) or _is_list(value)):
        return [words.whole(each) for each in words.listed(cell)]
    if kind == "bits":
        return _bits(cell)
    return _element(value, kind, keys)


def _is_list(value: Any) -> bool:
    return isinstance(value, str) and (
        value.lstrip()[:1] == "[" or re.search(r"[;|]|\S\s+\S", value) is not None
    )


def _bits(cell: Cell) -> Any:
    """A number, or names and numbers of bits, or which of them are set."""
    if isinstance(cell.value, dict):
        return cell.value
    if cell.text[:1] == "{":
        return words.in_json(cell.text)
    try:
        return words.whole(cell.value)
    except (ValueError, TypeError):
        found = words.listed(cell)
        is_json = (
            isinstance(cell.value, list) or cell.text.lstrip()[:1] == "["
        )  # it tells a number from a name
        return found if is_json else [int(each) if each.isdigit() else each for each in found]


def _element(value: Any, kind: str | None, keys: Mapping[str, Any]) -> Any:
    if not isinstance(value, str) or kind in ("string", "address", None):
        return value
    if value in keys.get("enum", {}).values() or "{" in value:
        return value
    if kind == "bool":
        try:
            return words.truth(value)
        except ValueError:
            return value
    try:
        return words.number(value)
    except ValueError:
        return value
