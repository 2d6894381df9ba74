"""Reading YAML: plain data, strict where YAML surprises, and the place of everything."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.documents import yaml
from simulator.errors import ConfigError


def read(text: str, **environ: str) -> yaml.Document:
    return yaml.read_text(text, file="f.yaml", environ=environ)


def problems(text: str, **environ: str) -> list[str]:
    return [str(problem) for problem in read(text, **environ).problems]


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("no", "no"),
        ("y", "y"),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("+3", 3),
        ("0x1F", 31),
        ("0x1f", 31),
        ("0o17", 15),
        ("017", 17),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.5e-1", -0.05),
        ("1.", 1.0),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("1-3", "1-3"),
        ("-", [None]),
        ("2026-01-01", "2026-01-01"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("5m", "5m"),
        ("1.2.3", "1.2.3"),
        ("tcp://127.0.0.1:502", "tcp://127.0.0.1:502"),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    data = read(text).data
    assert data == value
    assert type(data) is type(value)


def test_not_a_number_can_be_written() -> None:
    assert math.isnan(read(".nan").data)


def test_collections_anchors_and_merges() -> None:
    text = "base: &b {a: 1, b: 2}\nmore:\n  <<: *b\n  b: 3\nlist: [1, [2], {x: 3}]\nagain: *b\n"
    base = {"a": 1, "b": 2}
    assert read(text).data == {
        "base": base,
        "more": {"a": 1, "b": 3},
        "list": [1, [2], {"x": 3}],
        "again": base,
    }
    assert read("x: {<<: [{a: 1}, {a: 2, b: 2}], c: 3}").data == {"x": {"a": 1, "b": 2, "c": 3}}


def test_an_empty_file_has_no_data() -> None:
    assert read("").data is None
    assert read("# only a comment\n").data is None
    assert read("").place(("a",)) == (0, 0)


def test_every_value_and_key_has_a_place() -> None:
    document = read("a: 1\nlist:\n  - x\n  - {k: v}\nmerged:\n  <<: {deep: 5}\n0x10: hex\n")
    assert document.place(("a",)) == (1, 4)
    assert document.place(("a",), key=True) == (1, 1)
    assert document.place(("list", 1, "k")) == (4, 9)
    assert document.place(("list", 1, "k"), key=True) == (4, 6)
    assert document.place(("merged", "deep")) == (6, 14)
    assert document.place((16,)) == (7, 7)
    assert document.place(("list", 9)) == (3, 3)  # does not exist: the list itself
    assert document.place(("list", 1, "missing", "deeper")) == (4, 5)
    assert str(document.problem(("list", 0), "x is wrong")) == "f.yaml:3:5: list.0: x is wrong"


def test_a_duplicate_key_is_told_with_the_line_of_the_first() -> None:
    text = "a: 1\nb:\n  c: 1\n  c: 2\na: 3\n"
    assert problems(text) == [
        "f.yaml:4:3: b.c: key 'c' is a duplicate, expected it once (first on line 3)",
        "f.yaml:5:1: a: key 'a' is a duplicate, expected it once (first on line 1)",
    ]
    assert read(text).data == {"a": 1, "b": {"c": 1}}


def test_keys_are_texts_or_whole_numbers() -> None:
    assert problems("{true: 1, [a]: 2, 1.5: 3, ~: 4, 7: 5, on: 6}") == [
        "f.yaml:1:2: key is true, expected text or a whole number",
        "f.yaml:1:11: key is a collection, expected text or a whole number",
        "f.yaml:1:19: key is 1.5, expected text or a whole number",
        "f.yaml:1:27: key is ~, expected text or a whole number",
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "x"),
        ("a-${A}-${B}", "a-x-5"),
        ("${B}", 5),
        ("'${B}'", "5"),
        ("${C:-7}", 7),
        ("${C:-}", None),
        ("'${C:-}'", ""),
        ("${EMPTY:-z}", "z"),
        ("${EMPTY}", None),
        ("$${A}", "${A}"),
        ("$A ${A}", "$A x"),
        ("${A:-y}", "x"),
        ("${C:-a b}", "a b"),
        ("${YES}", True),
        ("${BRACES}", "[1, 2]"),
    ],
)
def test_variables_fill_in_values_never_structure(text: str, value: object) -> None:
    environ = {"A": "x", "B": "5", "EMPTY": "", "YES": "true", "BRACES": "[1, 2]"}
    assert read(f"k: {text}", **environ).data == {"k": value}


def test_variables_fill_in_keys() -> None:
    document = read("${A}: 1", A="key")
    assert document.data == {"key": 1}
    assert document.place(("key",)) == (1, 7)


def test_a_missing_variable_is_told_at_its_place() -> None:
    document = read("a:\n  b: x${NOPE}\n  c: '${A-b}'\n  d: '${OPEN'\n")
    assert [str(problem) for problem in document.problems] == [
        "f.yaml:2:6: a.b: environment variable NOPE is not set, expected a value or ${NOPE:-default}",
        "f.yaml:3:6: a.c: ${A-b} names no environment variable, expected ${NAME}",
        "f.yaml:4:6: a.d: ${OPEN} names no environment variable, expected ${NAME}",
    ]
    assert document.broken == {("a", "b"), ("a", "c"), ("a", "d")}


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODSIM_TEST_VALUE", "here")
    assert yaml.read_text("${MODSIM_TEST_VALUE}", file="f").data == "here"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b: c", "f.yaml:1:5: YAML syntax: mapping values are not allowed in this context"),
        ("a:\n\t- b", "f.yaml:2:1: YAML syntax: line is indented with a tab, expected spaces"),
        (
            "a: [${X}]",
            (
                "f.yaml:1:6: YAML syntax: did not find expected ',' or ']' while parsing a flow sequence; "
                'inside [ ] and { } write a variable in quotes: "${NAME}"'
            ),
        ),
        ("a: *b", "f.yaml:1:4: YAML syntax: found undefined alias"),
        ("a: 1\n---\nb: 2", "f.yaml:2:1: YAML syntax: a second document begins, expected one"),
        ("é: \x01", "f.yaml:1:4: YAML syntax: file holds the control character 0x01"),
        ("[" * 100_000, "f.yaml:1:100: YAML syntax: more than 100 levels"),
        ("- " * 100_000, "f.yaml:1:199: YAML syntax: more than 100 levels"),
    ],
)
def test_what_is_no_yaml_is_refused_at_its_place(text: str, message: str) -> None:
    assert refusal(text) == message


def test_tags_are_refused() -> None:
    assert problems("a: !!python/object:os.system x\nb: !foo {c: 1}") == [
        "f.yaml:1:4: a: tag is tag:yaml.org,2002:python/object:os.system, expected none",
        "f.yaml:2:4: b: tag is !foo, expected none",
    ]


def test_an_alias_inside_its_own_value_is_refused() -> None:
    assert problems("a: &x [*x]") == [
        "f.yaml:1:4: a.0: alias refers to a value that contains it, expected no circle"
    ]


def test_aliases_of_aliases_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "MAX_VALUES", 1000)
    lines = ["a0: &a0 [1,1,1,1,1,1,1,1,1,1]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert refusal("\n".join(lines)).endswith("YAML syntax: more than 1000 values")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "missing.yaml"
    with pytest.raises(ConfigError) as caught:
        yaml.read_file(missing)
    assert str(caught.value) == f"{missing}: file cannot be read: no such file or directory"
    with pytest.raises(ConfigError, match="file cannot be read: is a directory"):
        yaml.read_file(tmp_path)


def test_a_file_is_utf_8_with_or_without_a_mark(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\n")
    assert yaml.read_file(file).data == {"a": "é"}
    file.write_bytes(b"a: 1\nb: \xe9\n")
    with pytest.raises(ConfigError) as caught:
        yaml.read_file(file)
    assert str(caught.value) == f"{file}:2:4: file holds the byte 0xE9, expected UTF-8"


def test_the_parser_without_libyaml_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from simulator.documents.slow_yaml import CParser as SlowParser

    methods: dict[str, Any] = {
        name: getattr(yaml._Parser, name)
        for name in ("_depth", "resolve", "descend_resolver", "ascend_resolver")
    }
    text = "a: [1, 'x', {b: &q true}, *q]\nc:\n  - 0x10\n  - ${V}\n"
    fast = read(text, V="1")
    monkeypatch.setattr(yaml, "_Parser", type("Slow", (SlowParser,), methods))
    slow = read(text, V="1")
    assert slow.data == fast.data == {"a": [1, "x", {"b": True}, True], "c": [16, 1]}
    assert slow.place(("c", 1)) == fast.place(("c", 1)) == (4, 5)
    assert refusal("[" * 200) == "f.yaml:1:100: YAML syntax: more than 100 levels"


@given(st.text(st.sampled_from("ab:-[]{}'\"$&*!|>#,?\n\t 1\x00é"), max_size=40))
def test_any_text_is_data_or_problems(text: str) -> None:
    try:
        document = read(text)
    except ConfigError as error:
        _check_syntax_problem(error)
    else:
        assert document.data is None or document.place(()) >= (1, 1)


def _check_syntax_problem(error: ConfigError) -> None:
    (problem,) = error.problems
    assert problem.line >= 1
    assert problem.column >= 1
    assert problem.message.startswith("YAML syntax: ")
