"""Patterns of names: what is found is what naive matching of every name would find."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.config.globs import Glob, matching_indices
from simulator.config.names import NameTemplate

LITERALS = st.text(alphabet="ab01-[]!?*{", max_size=4).map(
    lambda text: text.replace("{", "{{").replace("}", "}}")
)
FIELDS = st.sampled_from(["{n}", "{i}", "{n:03}", "{i:02d}", "{n:x}", "{i:4}"])
TEMPLATES = st.lists(st.one_of(LITERALS, FIELDS), min_size=1, max_size=4).map("".join)
PATTERNS = st.text(alphabet="ab0123-*?[]!", max_size=8)


def naive(pattern: str, names: NameTemplate, count: int) -> list[int]:
    return [i for i in range(count) if fnmatchcase(names.format(i), pattern)]


def listed(runs: tuple[tuple[int, int], ...]) -> list[int]:
    return [i for start, stop in runs for i in range(start, stop)]


@settings(max_examples=300, deadline=None)
@given(template=TEMPLATES, pattern=PATTERNS, count=st.integers(1, 1200))
def test_any_pattern_finds_what_naive_matching_finds(template: str, pattern: str, count: int) -> None:
    if not template.strip():
        template += "x"
    names = NameTemplate(template)
    assert listed(matching_indices(Glob(pattern), names, count)) == naive(pattern, names, count)


@settings(max_examples=300, deadline=None)
@given(
    prefix=st.sampled_from(["", "m-", "m1"]),
    spec=st.sampled_from(["", ":02", ":04", ":d"]),
    suffix=st.sampled_from(["", "-x", "0"]),
    pattern=st.lists(
        st.sampled_from(["m", "-", "0", "1", "2", "9", "*", "?", "[0-4]", "[!15]", "x"]), max_size=6
    ).map("".join),
    count=st.integers(1, 2500),
)
def test_patterns_that_fit_often_find_what_naive_matching_finds(
    prefix: str, spec: str, suffix: str, pattern: str, count: int
) -> None:
    names = NameTemplate(f"{prefix}{{n{spec}}}{suffix}")
    for whole in (pattern, prefix + pattern):
        assert listed(matching_indices(Glob(whole), names, count)) == naive(whole, names, count)


@pytest.mark.parametrize(
    ("pattern", "runs"),
    [
        ("meter-00*", ((0, 99),)),
        ("meter-0[1-3]*", ((99, 399),)),
        ("meter-0042", ((41, 42),)),
        ("*", ((0, 100_000),)),
        ("meter-?????", ((9_999, 99_999),)),
        ("METER-*", ()),
        ("other-*", ()),
        ("meter-1", ()),
    ],
)
def test_runs_of_a_large_group(pattern: str, runs: tuple[tuple[int, int], ...]) -> None:
    assert matching_indices(Glob(pattern), NameTemplate("meter-{n:04}"), 100_000) == runs


def test_wide_fields_and_braces() -> None:
    assert matching_indices(Glob("0*7"), NameTemplate("{n:099}"), 20) == ((6, 7), (16, 17))
    assert matching_indices(Glob("{a}*"), NameTemplate("{{a}}{n}"), 3) == ((0, 3),)


def test_the_pattern_of_the_format_is_quick_over_a_million_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The digits of one template are looked at, not a million names: nobody formats one."""
    names = NameTemplate("meter-{n:04}")
    monkeypatch.setattr(NameTemplate, "format", None)
    monkeypatch.setattr(NameTemplate, "render", None)
    assert matching_indices(Glob("meter-*"), names, 1_000_000) == ((0, 1_000_000),)
    assert matching_indices(Glob("x*"), names, 1_000_000) == ()
    assert matching_indices(Glob("meter-00*"), names, 1_000_000) == ((0, 99),)
