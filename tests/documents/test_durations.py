"""Durations: a number and a unit; anything else is refused with what was expected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from simulator.documents.durations import PATTERN, Duration, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("100ms", 0.1),
        ("2s", 2.0),
        ("1.5s", 1.5),
        ("5m", 300.0),
        ("1h", 3600.0),
        ("1d", 86400.0),
        ("0s", 0.0),
        (" 7s ", 7.0),
    ],
)
def test_a_number_and_a_unit_are_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (5, "the bare number 5"),
        (0.5, "the bare number 0.5"),
        ("5", "'5'"),
        ("5 parsecs", "'5 parsecs'"),
        ("-5s", "'-5s'"),
        ("1h30m", "'1h30m'"),
        ("s", "'s'"),
        ("", "''"),
        (None, "null"),
        (True, "true"),
        (["5s"], "a list"),
        ({}, "a mapping"),
        ("٣s", "'٣s'"),
    ],
)
def test_anything_else_is_refused_with_examples(value: object, got: str) -> None:
    with pytest.raises(ValueError, match="duration") as caught:
        parse_duration(value)
    assert str(caught.value) == (
        f"duration is {got}, expected a number and a unit, such as 250ms, 2s, 5m, 1h or 1d"
    )


def test_a_duration_beyond_floats_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a finite number of seconds"):
        parse_duration("9" * 400 + "s")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "250ms"),
        (0.0005, "0.5ms"),
        (1, "1s"),
        (1.5, "1500ms"),
        (60, "1m"),
        (90, "90s"),
        (3600, "1h"),
        (7200, "2h"),
        (86400, "1d"),
        (90061, "90061s"),
    ],
)
def test_seconds_are_written_as_a_person_would(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.floats(min_value=0, max_value=1e15, allow_nan=False))
def test_what_is_written_reads_back_the_same(seconds: float) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize("seconds", [-1.0, float("inf"), float("nan")])
def test_seconds_no_file_can_say_are_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="expected zero or a positive finite number"):
        format_duration(seconds)


def test_models_take_texts_and_give_seconds() -> None:
    adapter = TypeAdapter(Duration)
    assert adapter.validate_python("250ms") == 0.25
    assert adapter.json_schema()["pattern"] == PATTERN
    with pytest.raises(ValidationError, match="the bare number 3"):
        adapter.validate_python(3)
