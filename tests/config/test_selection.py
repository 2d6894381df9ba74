"""Selections: exactly the devices that naive matching of every device would find, and told when they are none."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.config.loader import parse_plant
from simulator.config.plant import PlantConfig
from simulator.config.selection import SelectionFile, mistakes, resolve, select, without

GROUPS: list[dict[str, Any]] = [
    {"name": "meter-{n:04}", "profile": "energy-meter", "count": 120, "endpoint": "tcp://127.0.0.1:20001-20120",
     "tags": ["feeder-a", "metering"]},
    {"name": "loop-{n}", "profile": "temperature-loop", "endpoint": "tcp://127.0.0.1:5020", "unit_id": "1-20"},
    {"name": "loop-b{n:x}", "profile": "temperature-loop", "endpoint": "tcp://127.0.0.1:5021-5023",
     "unit_id": "7,3,1-2", "tags": ["feeder-a"]},
    {"name": "gateway", "profile": "generic", "endpoint": "tcp://127.0.0.1:5030", "unit_id": "any"},
]  # fmt: skip


def plan(groups: list[dict[str, Any]]) -> PlantConfig:
    return parse_plant(json.dumps({"devices": groups}))


PLANT = plan(GROUPS)


def naive(file: SelectionFile) -> set[tuple[int, int]]:
    """Every device looked at on its own."""
    found = set()
    for group in PLANT.groups:
        for i in range(group.count):
            unit = group.place_of(i).unit_id
            units = range(256) if unit is None else (unit,)
            rights = [
                file.devices is None or any(fnmatchcase(group.device_name(i), glob) for glob in file.devices),
                file.tags is None or bool({*file.tags} & {*group.tags}),
                file.group is None or any(fnmatchcase(group.name.text, glob) for glob in file.group),
                file.profile is None or any(fnmatchcase(group.profile.name, glob) for glob in file.profile),
                file.unit_id is None or any(a <= unit <= b for unit in units for a, b in file.unit_id),
            ]
            if all(rights):
                found.add((group.index, i))
    return found


PATTERNS = st.sampled_from(
    ["*", "meter-*", "meter-00*", "meter-?1*", "loop-*", "loop-b*", "loop-1[0-4]", "*1", "gateway", "x*"]
)
FILES = st.fixed_dictionaries(
    {},
    optional={
        "devices": st.lists(PATTERNS, min_size=1, max_size=3),
        "tags": st.lists(st.sampled_from(["feeder-a", "metering", "other"]), min_size=1, max_size=2),
        "group": st.sampled_from(["meter-*", "loop-{n}", "*", "g*", "loop-b{n:x}"]),
        "profile": st.sampled_from(["energy-*", "temperature-loop", "*"]),
        "unit_id": st.sampled_from([1, "1-3", [7, "9-12"], 255]),
    },
)


@given(FILES)
def test_a_selection_is_what_naive_matching_finds(keys: dict[str, Any]) -> None:
    file = SelectionFile.model_validate(keys)
    selection = resolve(file, PLANT.groups)
    expected = naive(file)
    assert {(group, i) for group, start, stop in selection for i in range(start, stop)} == expected
    assert selection.count == len(expected)
    assert selection.is_everything == (len(expected) == PLANT.device_count)
    for group in PLANT.groups:
        for i in range(group.count):
            assert selection.covers(group.index, i) == ((group.index, i) in expected)
    if not expected:
        assert next(mistakes(file, PLANT.groups), None) is not None


def test_a_hundred_thousand_devices_are_a_few_runs() -> None:
    large = plan([{**GROUPS[0], "count": 100_000, "endpoint": "tcp://127.64.0.0/12:502"}])
    assert select("meter-00*", large.groups).spans == {0: ((0, 99),)}
    assert select({"devices": ["meter-0*", "meter-1????"]}, large.groups).spans == {
        0: ((0, 999), (9_999, 19_999))
    }
    assert select({"unit_id": 1}, large.groups).is_everything


@pytest.mark.parametrize(
    ("keys", "path", "message"),
    [
        ({"devices": "metre-*"}, ("devices",), "no device is named 'metre-*', expected the name of a device"),
        ({"devices": "meter-001"}, ("devices",), "did you mean 'meter-0001'?"),
        ({"devices": ["meter-*", "x*"]}, ("devices",), "no device is named 'x*'"),
        ({"tags": "feeder-b"}, ("tags",), "unknown tag 'feeder-b', expected feeder-a or metering; did you"),
        ({"group": "loops-*"}, ("group",), "no group is named 'loops-*', expected the name of a group"),
        ({"profile": "energy"}, ("profile",), "no profile is named 'energy'"),
        ({"devices": "meter-*", "unit_id": "7-9"}, ("unit_id",), "no device selected has unit_id 7-9"),
        ({"devices": "meter-*", "profile": "temp*"}, (), "no device has all of this"),
    ],
)
def test_what_means_no_device_is_told_with_its_path(keys: Any, path: Any, message: str) -> None:
    found = list(mistakes(SelectionFile.model_validate(keys), PLANT.groups))
    assert [wrong[0] for wrong in found] == [path]
    assert message in found[0][1]
    with pytest.raises(ValueError, match="expected"):
        select(keys, PLANT.groups)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"device": "meter-*"}, "unknown key 'device', expected devices, tags, group, profile or unit_id"),
        ({"devices": []}, "devices: list is empty"),
        ({"unit_id": 256}, "unit_id: unit_id is 256, expected 0 to 255"),
        ([5], "devices: entry is 5, expected a text"),
    ],
)
def test_what_is_no_selection_is_refused(what: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        select(what, PLANT.groups)


RUNS = st.sets(st.integers(0, 40)).map(lambda numbers: tuple((n, n + 1) for n in sorted(numbers))) | st.lists(
    st.integers(1, 9), max_size=8
).map(
    lambda lengths: tuple(
        (sum(lengths[:place]), sum(lengths[: place + 1])) for place in range(0, len(lengths), 2)
    )
)


@given(RUNS, RUNS)
def test_what_is_left_of_runs_is_what_none_of_the_others_holds(runs: Any, others: Any) -> None:
    def indices(which: Any) -> set[int]:
        return {i for start, stop in which for i in range(start, stop)}

    left = without(runs, others)
    assert indices(left) == indices(runs) - indices(others)
    assert list(left) == sorted(left)
    assert all(start < stop for start, stop in left)
