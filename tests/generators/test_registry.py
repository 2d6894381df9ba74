"""Generators by name: what a file may say, and what a plug-in may register."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pydantic import ValidationError

from simulator.generators import registry
from simulator.generators.base import Generator, OfTime, Sampler
from simulator.generators.registry import generator, make, types
from simulator.generators.rows import Group, GroupRows, Rows

NAMES = (
    "sine, triangle, square, sawtooth, constant, ramp, step, toggle, "
    "increment, decrement, counter, random, normal, random_walk, formula, follow, lag, integrate, pid, "
    "daylight, schedule, csv or script"
)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"type": "sien"}, f"unknown generator 'sien', expected {NAMES}; did you mean 'sine'?"),
        ({"type": 5}, f"unknown generator 5, expected {NAMES}"),
        ({"min": 5}, f"type is missing, expected {NAMES}"),
        ("sine", "generator is 'sine', expected a mapping with a type"),
        (None, "generator is null, expected a mapping with a type"),
    ],
)
def test_types_that_are_none(spec: object, text: str) -> None:
    with pytest.raises(ValueError) as caught:
        make(spec)
    assert str(caught.value) == text


def test_all_wrong_fields_are_told_at_once_with_their_keys() -> None:
    with pytest.raises(ValidationError) as caught:
        make({"type": "ramp", "from": "x", "duration": 5, "intervall": "1s"})
    assert sorted(error["loc"] for error in caught.value.errors()) == [
        ("duration",),
        ("from",),
        ("intervall",),
        ("to",),
    ]


def test_templates_may_use_parameters_that_exist() -> None:
    spec = {"type": "constant", "value": "{rated_power}"}
    assert make(spec, {"rated_power": 5}) == make(spec)
    with pytest.raises(ValueError, match=r"uses \{rated_power\}, expected one of \{i\}, \{n\}, \{power\}"):
        make(spec, {"power": 5})
    with pytest.raises(ValueError, match=r"'\{rated_power\}' is 'high' for device 0, expected a number"):
        make(spec, {"rated_power": "high"})


def test_a_plug_in_registers_one_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_TYPES", dict(types()))

    @generator("double")
    @dataclass(frozen=True, kw_only=True)
    class Double(Generator):
        of: float

        def sampler(self, rows: Rows, point: str) -> Sampler:
            return OfTime(lambda tick, t: 2 * self.of)

    made = make({"type": "double", "of": 4, "noise": 0.5})
    assert Double.type_name == "double"
    assert made.bind(GroupRows([Group("a", 1)]), "x").sample(0, 0.0, 0, 1) == pytest.approx(8, abs=0.5)
    with pytest.raises(ValueError, match="of"):
        make({"type": "double"})


def test_a_name_has_one_owner() -> None:
    types()
    with pytest.raises(
        ValueError, match=r"^generator sine is registered by simulator\.generators\.waves\.Sine, expected "
    ):

        @generator("sine")
        @dataclass(frozen=True)
        class Other(Generator):
            def sampler(self, rows: Rows, point: str) -> Sampler:
                raise NotImplementedError


def test_a_generator_is_a_dataclass() -> None:
    with pytest.raises(
        ValueError, match=r"^generator plain is no dataclass, expected @dataclass below @generator$"
    ):

        @generator("plain")
        class Plain(Generator):
            def sampler(self, rows: Rows, point: str) -> Sampler:
                raise NotImplementedError

    assert "plain" not in types()
