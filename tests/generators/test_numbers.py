"""Numbers that differ by device, and the devices they differ by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator.documents.templates import Template
from simulator.generators.numbers import Varying
from simulator.generators.rows import Group, GroupRows
from simulator.generators.scratch import Scratch


@pytest.mark.parametrize(
    ("text", "is_duration", "expected"),
    [
        ("{i}", False, [4, 5, 6]),
        ("{n}", False, [5, 6, 7]),
        ("{n:04}", False, [5, 6, 7]),
        ("1{i}", False, [14, 15, 16]),
        ("-{i}.5", False, [-4.5, -5.5, -6.5]),
        ("{i}{n}", False, [45, 56, 67]),
        ("{i}s", True, [4, 5, 6]),
        ("{n}ms", True, [0.005, 0.006, 0.007]),
        ("{i}m", True, [240, 300, 360]),
        ("1{i}.5s", True, [14.5, 15.5, 16.5]),
        ("{power}", False, 3000),
        ("{power}.25", False, 3000.25),
        ("{delay}", True, 5),
        ("{power}ms", True, 3),
    ],
)
def test_templates(text: str, is_duration: bool, expected: Any) -> None:
    varying = Varying(Template(text), is_duration)
    values = varying.over(4, 3, {"power": 3000, "delay": "5s"})
    assert isinstance(values, float) == isinstance(expected, int | float)
    np.testing.assert_allclose(values, expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("text", "is_duration", "message"),
    [
        ("{i}V", False, "'{i}V' is '4V' for device 4, expected a number"),
        ("{power}", True, "'{power}' is '3000' for device 4, expected a duration such as 5s"),
        ("{word}", False, "'{word}' is 'high' for device 4, expected a number"),
        ("{word}", True, "'{word}' is 'high' for device 4, expected a duration such as 5s"),
        ("1e999{i}", False, "'1e999{i}' is '1e9994' for device 4, expected a number"),
        ("{absent}", False, "field {absent} of '{absent}' has no value"),
    ],
)
def test_texts_that_are_no_number(text: str, is_duration: bool, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        Varying(Template(text), is_duration).over(4, 3, {"power": 3000, "word": "high"})
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["{i}", "{n}", "{i}s"])
def test_a_million_devices_need_no_loop(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Template, "render")
    values = Varying(Template(text), text.endswith("s")).over(0, 1_000_000, {})
    assert isinstance(values, np.ndarray)
    assert len(values) == 1_000_000


def test_equal_numbers_of_all_groups_are_one() -> None:
    rows = GroupRows([Group("a", 2, {"p": 5}), Group("b", 1, {"p": 5.0}), Group("c", 2, {"p": 6})])
    same = GroupRows(rows.groups[:2])
    assert rows.number(3.5) == 3.5
    assert same.number(Varying(Template("{p}"))) == 5.0
    assert isinstance(same.number(Varying(Template("{p}"))), float)
    assert np.asarray(rows.number(Varying(Template("{p}")))).tolist() == [5, 5, 5, 6, 6]
    assert np.asarray(rows.number(Varying(Template("{n}")))).tolist() == [1, 2, 1, 1, 2]
    assert rows.count == 5
    assert GroupRows([]).number(Varying(Template("{n}"))) == 0.0


def test_keys_belong_to_the_device_wherever_its_row_is() -> None:
    a, b = Group("a", 3), Group("b", 2)
    there, here = GroupRows([a, b], seed=1).keys(), GroupRows([b, a], seed=1).keys()
    np.testing.assert_array_equal(there[:3], here[2:])
    np.testing.assert_array_equal(there[3:], here[:2])
    np.testing.assert_array_equal(GroupRows([Group("a", 1, first=2)], seed=1).keys(), there[2:3])
    assert len(set(there.tolist())) == 5
    rows = GroupRows([a])
    assert rows.keys() is rows.keys()


def test_scratch_is_used_again() -> None:
    scratch = Scratch()
    first = scratch.take("a", 100)
    assert np.shares_memory(first, scratch.take("a", 50))
    assert not np.shares_memory(first, scratch.take("b", 50))
    assert len(scratch.take("a", 200)) == 200
    assert scratch.take("c", 3, np.float32).dtype == np.float32
