"""Names: one template for a group, no two devices of one name, and a million names cost nothing."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.config import names as module
from simulator.config.names import NameTemplate, duplicate_within, duplicates_between

TEXTS = st.sampled_from(
    [
        "a{i}",
        "a{n}",
        "a{n:02}",
        "a{i:03d}",
        "a{n}b",
        "a{n}1",
        "a1{n}",
        "{n}",
        "{i}-{n}",
        "{i}{n}",
        "a{n:x}",
        "a{n:>3}",
        "a1",
        "a2b",
        "a{n}{{x}}",
        "a{{{n}",
        "a{n:02}{i:02}",
    ]
)


@given(TEXTS, st.integers(1, 150))
def test_a_name_leads_back_to_its_device(text: str, count: int) -> None:
    names = NameTemplate(text)
    for i in range(count):
        found = names.index_of(names.format(i), count)
        assert found is not None
        assert names.format(found) == names.format(i)
        if names.is_injective:
            assert found == i


@pytest.mark.parametrize("name", ["a0", "a01", "a151", "a-1", "b1", "a", "a1x", "a" + "9" * 5000, "a٣"])
def test_a_name_nobody_has_leads_nowhere(name: str) -> None:
    assert NameTemplate("a{n}").index_of(name, 150) is None


@given(TEXTS, st.integers(1, 150))
def test_duplicates_in_a_group_are_those_that_comparing_all_finds(text: str, count: int) -> None:
    names = NameTemplate(text)
    all_names = [names.format(i) for i in range(count)]
    twice = duplicate_within(names, count)
    assert (twice is None) == (len(set(all_names)) == count)
    if twice is not None:
        assert all_names[twice[0]] == all_names[twice[1]]
        assert twice[0] > twice[1]


@given(
    st.lists(st.tuples(TEXTS, st.integers(1, 130)), min_size=2, max_size=5), st.sampled_from([0, 10, 1000])
)
def test_groups_that_share_a_name_are_found(groups: list[tuple[str, int]], small: int) -> None:
    """With any number of groups in the listed and in the analytic half."""
    asked = [(NameTemplate(text), count) for text, count in groups]
    sets = [{names.format(i) for i in range(count)} for names, count in asked]
    clashing = {g for g, h in combinations(range(len(sets)), 2) if sets[g] & sets[h]}
    clashing |= {h for g, h in combinations(range(len(sets)), 2) if sets[g] & sets[h]}
    before, module.SMALL = module.SMALL, small
    try:
        found = list(duplicates_between(asked))
    finally:
        module.SMALL = before
    for same in found:
        assert same.group > same.other
        assert asked[same.group][0].format(same.device) == asked[same.other][0].format(same.other_device)
    assert {same.group for same in found} | {same.other for same in found} == clashing


def test_two_million_names_are_compared_without_being_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    original = NameTemplate.format
    monkeypatch.setattr(NameTemplate, "format", lambda self, i: made.append(i) or original(self, i))
    plain, padded, other = NameTemplate("a{n}"), NameTemplate("a{n:08}"), NameTemplate("b{n}")
    million = 1_000_000
    assert list(duplicates_between([(plain, million), (padded, million), (other, million)])) == []
    assert duplicate_within(plain, million) is None
    assert list(duplicates_between([(plain, 20 * million), (padded, 20 * million)])) == [
        (1, 9_999_999, 0, 9_999_999)
    ]
    assert len(made) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "name is '', expected text"),
        ("  ", "name is '  ', expected text"),
        ("{x}", "'{x}' uses {x}, expected one of {i}, {n}"),
        (
            "a{",
            (
                "'a{' is no template: single '{' encountered in format string, expected fields such as "
                "{n} or {n:04}"
            ),
        ),
    ],
)
def test_what_is_no_name(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        NameTemplate(text)
    assert str(caught.value) == message
