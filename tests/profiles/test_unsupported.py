"""What the format knows and this version does not carry out is refused, never ignored."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.profiles.schema import ProfileFile
from simulator.profiles.unsupported import UNSUPPORTED

Complaints = Callable[..., list[str]]


@pytest.mark.parametrize("key", sorted(UNSUPPORTED))
def test_a_key_of_a_profile(complaints: Complaints, key: str) -> None:
    assert complaints(f"{key}: {{a: 1}}") == [f"p.yaml:1:1: {key}: not supported by this version"]


def test_other_mistakes_are_told_beside(complaints: Complaints) -> None:
    points = "a: {table: hr, address: -1}, b: {table: hr, address: 0, scale: 0}"
    text = f"store: {{}}\npoints: {{{points}}}"
    assert [line.split(": ")[1] for line in complaints(text)] == [
        "store",
        "points.a.address",
        "points.b.scale",
    ]


def test_what_works_is_not_in_the_table() -> None:
    assert not UNSUPPORTED & set(ProfileFile.model_fields)
