"""What the format knows and this version does not carry out is refused, never ignored."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.generators.registry import types
from simulator.profiles.schema import PointFile, ProfileFile
from simulator.profiles.unsupported import UNSUPPORTED

Complaints = Callable[..., list[str]]

HEADS = sorted(name for kind, name in UNSUPPORTED if kind == "profile")
POINTS = sorted(name for kind, name in UNSUPPORTED if kind == "point")
GENERATORS = sorted(name for kind, name in UNSUPPORTED if kind == "generator")


@pytest.mark.parametrize("key", HEADS)
def test_a_key_of_a_profile(complaints: Complaints, key: str) -> None:
    assert complaints(f"{key}: {{a: 1}}") == [f"p.yaml:1:1: {key}: not supported by this version"]


@pytest.mark.parametrize("key", POINTS)
def test_a_key_of_a_point(complaints: Complaints, key: str) -> None:
    assert complaints(f"points: {{a: {{table: hr, address: 0, {key}: []}}}}") == [
        f"p.yaml:1:37: points.a.{key}: not supported by this version"
    ]


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator(complaints: Complaints, name: str) -> None:
    assert complaints(f"points: {{a: {{table: hr, address: 0, generator: {{type: {name}, x: 1}}}}}}") == [
        f"p.yaml:1:55: points.a.generator.type: generator {name} is not supported by this version"
    ]


def test_other_mistakes_are_told_beside(complaints: Complaints) -> None:
    points = "a: {table: hr, address: -1, on_write: []}, b: {table: hr, address: 0, scale: 0}"
    text = f"faults: {{}}\npoints: {{{points}}}"
    assert [line.split(": ")[1] for line in complaints(text)] == [
        "faults",
        "points.a.address",
        "points.a.on_write",
        "points.b.scale",
    ]


def test_what_works_is_not_in_the_table() -> None:
    assert not set(GENERATORS) & set(types())
    assert not set(HEADS) & set(ProfileFile.model_fields)
    assert not set(POINTS) & set(PointFile.model_fields)
