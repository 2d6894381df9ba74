"""Whatever stands in a profile file, it is a profile or a list of problems, never a traceback."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.documents.yaml import read_file
from simulator.errors import ConfigError
from simulator.profiles.loader import ProfileLibrary
from simulator.profiles.schema import PointFile, ProfileFile, TableFile
from simulator.profiles.sources import LIBRARY
from simulator.profiles.unsupported import UNSUPPORTED

EXAMPLES = int(os.environ.get("EXAMPLES", "150"))

TELLING = (
    "hr co ir di holding 40001 1-5 0x10 float32 string bits bool int16 sunssf modicon sequential sparse ABCD "
    "word ro rw wo sine step formula 30s {i}s {n} {p} { forever none on energy-meter p q 0xFF [key] type x"
)
WORDS = st.sampled_from(TELLING.split())
PLAIN = st.none() | st.booleans() | st.integers(-2, 70000) | st.floats() | WORDS | st.text(max_size=3)
KEYS = WORDS | st.integers(-1, 300)
ANYTHING = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


def _mapping(keys: Any, values: Any = ANYTHING) -> Any:
    return st.dictionaries(st.sampled_from(sorted(keys)) | KEYS, values, max_size=6)


GENERATORS = _mapping(
    ["type", "min", "max", "period", "phase", "values", "interval", "noise", "rate", "step"]
)
POINTS = _mapping(PointFile.model_fields, ANYTHING | GENERATORS)
SOUND = st.fixed_dictionaries(
    {"table": st.sampled_from(["hr", "co", "ir"]), "address": st.integers(0, 9)},
    optional=dict.fromkeys(
        ("data_type", "count", "value", "bit", "bits", "enum", "scale", "length"), ANYTHING
    ),
)
TABLES = _mapping(TableFile.model_fields)
PROFILES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys((*ProfileFile.model_fields, *UNSUPPORTED, "nme"), ANYTHING),
        "points": st.dictionaries(KEYS, POINTS | SOUND | SOUND | ANYTHING, max_size=4) | ANYTHING,
        "tables": st.dictionaries(KEYS, TABLES | ANYTHING, max_size=3) | ANYTHING,
        "identity": _mapping(["vendor_name", "objects"], ANYTHING),
        "parameters": ANYTHING,
    },
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(PROFILES | ANYTHING, PROFILES, st.dictionaries(KEYS, GENERATORS | ANYTHING, max_size=2))
def test_anything_is_a_profile_or_has_problems(data: Any, base: Any, generators: Any) -> None:
    library = ProfileLibrary(inline={"p": data, "q": base})
    try:
        profile = library.resolve("p", {"generators": generators})
    except ConfigError as error:
        problems = error.problems
    else:
        assert profile.points.keys() <= set(map(str, data.get("points") or {})) | _points_of(base, data)
        for point in profile.points.values():
            assert profile.tables[point.table].contains(point.address, point.quantity)
        return
    assert problems
    assert all(problem.message for problem in problems)


def _points_of(base: Any, data: Any) -> set[str]:
    extends = data.get("extends")
    if extends == "q":
        return set(map(str, base.get("points") or {})) | (
            _points_of({}, base) if base.get("extends") else set()
        )
    return set(ProfileLibrary().get(extends).points) if extends else set()


def _places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside."""
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in entries:
        yield (*path, key)
        yield from _places(value, (*path, key))


SHIPPED = {name: read_file(LIBRARY / f"{name}.yaml").data for name in ("battery-bms", "plc-tank", "vfd")}
PLACES = {name: list(_places(data)) for name, data in SHIPPED.items()}


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data(), st.sampled_from(sorted(SHIPPED)))
def test_a_profile_with_some_wrong_values_is_a_profile_or_has_problems(
    choose: st.DataObject, name: str
) -> None:
    data = copy.deepcopy(SHIPPED[name])
    for _ in range(choose.draw(st.integers(1, 3))):
        *path, last = choose.draw(st.sampled_from(PLACES[name]))
        inner = data
        for part in path:
            inner = inner[part] if isinstance(inner, dict | list) and _has(inner, part) else None
        if isinstance(inner, dict | list) and _has(inner, last):
            inner[last] = choose.draw(ANYTHING)
    try:
        profile = ProfileLibrary(inline={"p": data}).get("p")
    except ConfigError as error:
        problems = error.problems
    else:
        for point in profile.points.values():
            assert profile.tables[point.table].contains(point.address, point.quantity)
        return
    assert problems
    assert all(problem.message for problem in problems)


def _has(data: Any, part: Any) -> bool:
    return part in data if isinstance(data, dict) else isinstance(part, int) and part < len(data)
