"""Whatever stands in a plant file: a plant or a list of problems, never another exception."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.config.loader import parse_plant
from simulator.errors import ConfigError

WORDS = (
    "any 1-3 tcp:// tcp://[::]:0 tcp://127.0.0.0/8:1-9 {n} {i:04} { 5m ${X} 0x10 "
    "each meter generic sine ro bool"
)
NAMES = (
    "name profile count endpoint unit_id values generators parameters type points p table "
    "address devices limits idle_timeout tables identity"
)
TEXTS = st.one_of(st.text(max_size=8), st.sampled_from(WORDS.split()))
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 70000), st.just(10**30), st.floats(), TEXTS)
KEYS = st.one_of(TEXTS, st.sampled_from(NAMES.split()))
THINGS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=8,
)


def whole() -> dict[str, Any]:
    point = {"table": "holding_register", "address": 0, "data_type": "int16", "scale": 0.1, "value": 5}
    moving = {**point, "address": 1, "generator": {"type": "sine", "min": 0, "max": 9, "period": "5s"}}
    return {
        "name": "n",
        "seed": 1,
        "limits": {"max_connections": 5, "idle_timeout": "5s"},
        "plugins": [],
        "profiles": {"meter": {"parameters": {"r": 1}, "points": {"p": point, "q": moving}}},
        "devices": [
            {
                "name": "a{n}",
                "profile": "meter",
                "endpoint": "tcp://127.0.0.1:1-9",
                "unit_id": "1-3",
                "count": 4,
                "tags": ["t"],
                "parameters": {"r": 2},
                "values": {"p": 7},
                "generators": {"q": {"max": 5}},
            },
            {"name": "b", "profile": "generic", "endpoint": "tcp://127.0.0.1:50"},
        ],
    }


@st.composite
def spoilt(draw: st.DrawFn) -> Any:
    """A good plant with some of its values or keys replaced."""
    data: Any = whole()
    for _ in range(draw(st.integers(1, 3))):
        here = data
        while True:
            keys = list(here) if isinstance(here, dict) else list(range(len(here)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(here[key], (dict, list)) and draw(st.booleans()):
                here = here[key]
                continue
            if isinstance(here, dict) and draw(st.booleans()):
                here[draw(KEYS)] = here.pop(key)
            elif key != "plugins":  # nobody's modules are imported at random
                here[key] = draw(THINGS)
            break
    data.pop("plugins", None)
    return data


@settings(max_examples=60, deadline=None)
@given(st.one_of(spoilt(), THINGS))
def test_a_plant_or_problems_at_places(data: Any) -> None:
    text = json.dumps(data)
    try:
        config = parse_plant(text, file="f.yaml", environ={})
    except ConfigError as error:
        _check_problems(error, is_empty=not data)
    else:
        for group in config.groups:
            assert config.find(group.device_name(group.count - 1)) == (group, group.count - 1)


def _check_problems(error: ConfigError, *, is_empty: bool) -> None:
    assert error.problems
    for problem in error.problems:
        assert problem.file == "f.yaml"
        assert problem.message
        assert problem.line or is_empty
