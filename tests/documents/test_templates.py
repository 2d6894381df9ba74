"""Templates: checked when loaded, filled in for each device."""

from __future__ import annotations

import re

import pytest

from simulator.documents.templates import Template


@pytest.mark.parametrize(
    ("text", "device", "rendered"),
    [
        ("meter-{n:04}", 0, "meter-0001"),
        ("{i}", 41, "41"),
        ("a{i}b{n}", 1, "a1b2"),
        ("plain", 7, "plain"),
        ("{{{n}}}", 0, "{1}"),
        ("{{n}}", 0, "{n}"),
        ("{n:x}", 254, "ff"),
        ("{i:>4}", 2, "   2"),
    ],
)
def test_i_counts_from_0_and_n_from_1(text: str, device: int, rendered: str) -> None:
    assert Template(text).render(device) == rendered


def test_parameters_and_the_name_fill_in_too() -> None:
    template = Template("{name}: {rated_power:.1f} W", legal={"i", "n", "name", "rated_power"})
    assert template.fields == {"name", "rated_power"}
    assert template.render(0, name="pump", rated_power=2.5) == "pump: 2.5 W"


def test_a_template_knows_what_it_depends_on() -> None:
    assert Template("abc").is_constant
    assert not Template("{rated}").is_constant
    assert not Template("{rated}").is_indexed
    assert Template("{rated}{n}").is_indexed


def test_equal_texts_make_equal_templates() -> None:
    assert Template("a{n}") == Template("a{n}")
    assert len({Template("a{n}"), Template("a{n}"), Template("a{i}")}) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{i.__class__}", "'{i.__class__}' uses {i.__class__}, expected a plain name such as {i} or {n}"),
        ("{n[0]}", "'{n[0]}' uses {n[0]}, expected a plain name such as {i} or {n}"),
        ("{}", "'{}' uses {}, expected a plain name such as {i} or {n}"),
        ("{0}", "'{0}' uses {0}, expected a plain name such as {i} or {n}"),
        ("{n!r}", "'{n!r}' uses !r, expected a format such as {n:04}"),
        ("{n:{i}}", "'{n:{i}}' uses the format '{i}', expected a width of at most 999"),
        ("{n:1000000000}", "'{n:1000000000}' uses the format '1000000000', expected a width of at most 999"),
        ("{n:s}", "'{n:s}' uses the format 's', expected one for whole numbers such as 04"),
        ("{x}", "'{x}' uses {x}, expected one of {i}, {n}"),
        (
            "a{",
            (
                "'a{' is no template: single '{' encountered in format string, expected fields such as "
                "{n} or {n:04}"
            ),
        ),
        (
            "a}",
            (
                "'a}' is no template: single '}' encountered in format string, expected fields such as "
                "{n} or {n:04}"
            ),
        ),
    ],
)
def test_what_could_surprise_is_refused_at_load(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        Template(text, legal=("i", "n"))
    assert str(caught.value) == message


def test_a_value_that_does_not_fit_its_format_is_told() -> None:
    with pytest.raises(ValueError, match=r"'\{p:04d\}' cannot be filled in"):
        Template("{p:04d}").render(0, p="text")


def test_a_field_without_a_value_is_told() -> None:
    with pytest.raises(ValueError, match=r"field \{p\} of '\{p\}' has no value"):
        Template("{p}").render(0)
