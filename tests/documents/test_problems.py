"""Problems: every mistake once, at its place, as fact, got, expected, with the near miss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from simulator.documents import yaml
from simulator.documents.durations import Duration
from simulator.documents.models import FileModel
from simulator.documents.problems import from_validation_error, one_of, show, suggest, unknown


@dataclass(frozen=True)
class Wave:
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    min: float
    max: float = 1


class Inner(FileModel):
    count: Annotated[int, Field(ge=1, le=10)] = 1
    mode: Literal["ignore", "answer"] = "ignore"
    unit: int | str = 1
    wait: Duration = 1.0
    on: bool = False
    many: Annotated[list[int], Field(max_length=2)] = Field(default_factory=list)


class Outer(FileModel):
    inner: Inner
    each: dict[str, Inner] = Field(default_factory=dict)
    listed: list[Inner] = Field(default_factory=list)
    ratio: float = 1.0
    text: Annotated[str, Field(min_length=1)] = "x"


def problems(text: str, model: Any = Outer, prefix: yaml.Path = ()) -> list[str]:
    document = yaml.read_text(text, file="f.yaml", environ={})
    data = document.data
    for part in prefix:
        data = data[part]
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(model).validate_python(data)
    return [str(problem) for problem in from_validation_error(document, caught.value, prefix, model)]


KEYS = "count, mode, unit, wait, on or many"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("count: abc", "1:17: inner.count: count is 'abc', expected a whole number"),
        ("count: '5'", "1:17: inner.count: count is '5', expected a whole number"),
        ("count: true", "1:17: inner.count: count is true, expected a whole number"),
        ("count: 1.5", "1:17: inner.count: count is 1.5, expected a whole number"),
        ("count: 0", "1:17: inner.count: count is 0, expected 1 or more"),
        ("count: 11", "1:17: inner.count: count is 11, expected 10 or less"),
        ("count:", "1:17: inner.count: count is null, expected a whole number"),
        ("conut: 5", f"1:10: inner.conut: unknown key 'conut', expected {KEYS}; did you mean 'count'?"),
        ("zzz: 5", f"1:10: inner.zzz: unknown key 'zzz', expected {KEYS}"),
        ("7: 5", f"1:10: inner.7: unknown key 7, expected {KEYS}"),
        (
            "mode: ignored",
            "1:16: inner.mode: mode is 'ignored', expected ignore or answer; did you mean 'ignore'?",
        ),
        ("unit: []", "1:16: inner.unit: unit is an empty list, expected a whole number or text"),
        ("unit: true", "1:16: inner.unit: unit is true, expected a whole number or text"),
        (
            "wait: 5",
            (
                "1:16: inner.wait: duration is the bare number 5, expected a number and a unit, such as "
                "250ms, 2s, 5m, 1h or 1d"
            ),
        ),
        ("on: yes", "1:14: inner.on: on is 'yes', expected true or false"),
        ("on: 1", "1:14: inner.on: on is 1, expected true or false"),
        ("many: [1, x]", "1:20: inner.many.1: entry is 'x', expected a whole number"),
        ("many: [1, 2, 3]", "1:16: inner.many: many has 3 entries, expected at most 2"),
        ("many: 5", "1:16: inner.many: many is 5, expected a list"),
    ],
)
def test_one_mistake(entry: str, message: str) -> None:
    assert problems(f"inner: {{ {entry} }}") == [f"f.yaml:{message}"]


def test_dataclasses_are_models_too() -> None:
    text = "list:\n  - {maxx: 2}\n  - 3\n"
    assert problems(text, dict[str, list[Wave]]) == [
        "f.yaml:2:5: list.0.min: min is missing, expected it here",
        "f.yaml:2:6: list.0.maxx: unknown key 'maxx', expected min or max; did you mean 'max'?",
        "f.yaml:3:5: list.1: entry is 3, expected a mapping",
    ]


def test_mistakes_of_a_file_come_together() -> None:
    text = "each:\n  a: {count: x}\n  b: 5\n  7: {}\nlisted:\n  - {cuont: 1}\nratio: .inf\ntext: ''\n"
    assert problems(text) == [
        "f.yaml:1:1: inner: inner is missing, expected it here",
        "f.yaml:2:14: each.a.count: count is 'x', expected a whole number",
        "f.yaml:3:6: each.b: b is 5, expected a mapping",
        "f.yaml:4:3: each.7: key is 7, expected text",
        f"f.yaml:6:6: listed.0.cuont: unknown key 'cuont', expected {KEYS}; did you mean 'count'?",
        "f.yaml:7:8: ratio: ratio is inf, expected a finite number",
        "f.yaml:8:7: text: text is '', expected 1 or more characters",
    ]


def test_a_list_of_wrong_entries_is_not_called_short() -> None:
    wrong = problems("[a, b]", Annotated[tuple[Duration, ...], Field(min_length=1)])
    assert [line.split(" ")[0] for line in wrong] == ["f.yaml:1:2:", "f.yaml:1:5:"]
    assert len(problems("[]", Annotated[tuple[Duration, ...], Field(min_length=1)])) == 1


def test_the_very_word_is_no_suggestion() -> None:
    assert problems("'1'", Literal[1]) == ["f.yaml:1:1: file is '1', expected 1"]


def test_a_part_of_a_document_has_its_full_path() -> None:
    text = "devices:\n  - {}\n  - {count: -1}\n"
    assert problems(text, Inner, ("devices", 1)) == [
        "f.yaml:3:13: devices.1.count: count is -1, expected 1 or more"
    ]


def test_a_value_with_a_problem_gets_no_second_one() -> None:
    document = yaml.read_text("count: ${NOPE}\nunit: []", file="f.yaml", environ={})
    with pytest.raises(ValidationError) as caught:
        Inner.model_validate(document.data)
    found = from_validation_error(document, caught.value, model=Inner)
    assert [problem.path for problem in document.problems] == ["count"]
    assert [problem.path for problem in found] == ["unit"]


def test_models_are_strict_and_immutable() -> None:
    inner = Inner.model_validate({"count": 3})
    with pytest.raises(ValidationError):
        inner.count = 4  # type: ignore[misc]
    assert Inner.model_json_schema()["additionalProperties"] is False


def test_suggestions_are_near_misses_only() -> None:
    assert suggest("conut", ["count", "name"]) == "did you mean 'count'?"
    assert suggest("COUNT", ["count", "name"]) == "did you mean 'count'?"
    assert suggest("zzz", ["count", "name"]) == ""
    assert suggest("x", []) == ""


def test_the_legal_words_are_listed() -> None:
    assert one_of(["a"]) == "a"
    assert one_of(["a", "b", "c"]) == "a, b or c"
    assert one_of(range(40), limit=3) == "one of 0, 1, 2, … (40 in all)"
    assert unknown("point", "a", []) == "unknown point 'a', expected none"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (5, "5"),
        (1.5, "1.5"),
        ("a", "'a'"),
        ("a" * 99, repr("a" * 57 + "...")),
        ([], "an empty list"),
        ([1], "a list"),
        ({}, "an empty mapping"),
        ({"a": 1}, "a mapping"),
        (10**80, "a number of 81 digits"),
    ],
)
def test_values_are_shown_as_the_file_shows_them(value: object, text: str) -> None:
    assert show(value) == text
