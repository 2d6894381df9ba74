"""``extends`` and overrides: one profile's data laid over another's.

One rule: mappings merge key by key, anything else replaces.  Exceptions keep results meaningful:
``null`` takes a key of the base away; a generator of another ``type``, a table of another ``block`` or
``share`` and a queue replace what is below as a whole, because its other keys belong to what is gone;
and of two keys that say the same thing the one laid over wins.  The name of a bundle stands for a mapping of
quirks and replaces what is below.  A list of faults is a mapping by their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.documents.yaml import Path
from simulator.profiles.faults import by_name
from simulator.profiles.quirks import as_mapping

_RIVALS = {"swap": "byte_order", "byte_order": "swap"}


def merge(base: Mapping[Any, Any], over: Mapping[Any, Any], path: Path = ()) -> dict[Any, Any]:
    """``over`` laid on ``base``, both the mapping at ``path`` of a profile; both stay as they are."""
    result = dict(base)
    for key, value in over.items():
        below, here = result.get(key), (*path, key)
        if here == ("quirks",):
            below = as_mapping(below)
        elif here == ("faults",):
            value = by_name(value)
        if _RIVALS.get(key) in result and _RIVALS[key] not in over:
            del result[_RIVALS[key]]
        if value is None and key in result:
            del result[key]
        elif isinstance(value, Mapping) and isinstance(below, Mapping):
            result[key] = dict(value) if _is_another_kind(below, value, here) else merge(below, value, here)
        else:
            result[key] = value
    return result


def _is_another_kind(base: Mapping[Any, Any], over: Mapping[Any, Any], path: Path) -> bool:
    if len(path) == 3 and path[0] == "points" and path[2] == "generator":
        kinds: tuple[str, ...] = ("type",)
    elif len(path) == 2 and path[0] == "tables":
        kinds = ("block", "share")
    else:
        return len(path) == 2 and path[0] == "fifos"
    return any(kind in over and over[kind] != base.get(kind) for kind in kinds)
