"""Numbers and ranges of numbers: both ends belong to a range, order is kept, nothing is guessed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.documents.ranges import count_ranges, format_ranges, merge_ranges, parse_ranges, repeated

PAIRS = st.tuples(st.integers(0, 300), st.integers(0, 20)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@pytest.mark.parametrize(
    ("value", "pairs"),
    [
        (7, ((7, 7),)),
        ("7", ((7, 7),)),
        ("1-3,5-7,10", ((1, 3), (5, 7), (10, 10))),
        ("0x10-0x1F", ((16, 31),)),
        (" 1 - 3 , 5 ", ((1, 3), (5, 5))),
        ([5, "10-15"], ((5, 5), (10, 15))),
        ("9,1", ((9, 9), (1, 1))),
        ("007", ((7, 7),)),
        (["1,2", 3], ((1, 1), (2, 2), (3, 3))),
    ],
)
def test_numbers_ranges_and_lists_of_them(value: object, pairs: tuple[tuple[int, int], ...]) -> None:
    assert parse_ranges(value) == pairs


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "unit_id is '', expected a number or a range such as 1-3,5"),
        ("1-", "unit_id is '1-', expected a number or a range such as 1-3,5"),
        ("1-3-5", "unit_id is '1-3-5', expected a number or a range such as 1-3,5"),
        ("1,,2", "unit_id is '1,,2', expected a number or a range such as 1-3,5"),
        ("-3", "unit_id is '-3', expected a number or a range such as 1-3,5"),
        ("9" * 30, f"unit_id is '{'9' * 30}', expected a number or a range such as 1-3,5"),
        (True, "unit_id is true, expected a number or a range such as 1-3,5"),
        (None, "unit_id is null, expected a number or a range such as 1-3,5"),
        (1.5, "unit_id is 1.5, expected a number or a range such as 1-3,5"),
        ([[1]], "unit_id is a list, expected a number or a range such as 1-3,5"),
        ({}, "unit_id is a mapping, expected a number or a range such as 1-3,5"),
        ([], "unit_id is an empty list, expected a number or a range such as 1-3,5"),
        ("7-3", "unit_id 7-3 runs backwards, expected 3-7"),
        (300, "unit_id is 300, expected 1 to 247"),
        ("0-5", "unit_id is 0, expected 1 to 247"),
        ("5-248", "unit_id is 248, expected 1 to 247"),
        (-3, "unit_id is -3, expected 1 to 247"),
    ],
)
def test_everything_else_is_refused_by_name(value: object, message: str) -> None:
    with pytest.raises(ValueError, match="unit_id") as caught:
        parse_ranges(value, name="unit_id", minimum=1, maximum=247)
    assert str(caught.value) == message


def test_without_a_maximum_the_message_names_the_minimum() -> None:
    with pytest.raises(ValueError, match="record is 0, expected 1 or more"):
        parse_ranges(0, name="record", minimum=1)


@given(st.lists(PAIRS, min_size=1, max_size=8))
def test_what_is_written_reads_back_the_same(pairs: list[tuple[int, int]]) -> None:
    assert parse_ranges(format_ranges(pairs)) == tuple(pairs)


@given(st.lists(PAIRS, max_size=8))
def test_merging_keeps_the_numbers_and_separates_the_ranges(pairs: list[tuple[int, int]]) -> None:
    merged = merge_ranges(pairs)
    numbers = {number for first, last in pairs for number in range(first, last + 1)}
    assert {number for first, last in merged for number in range(first, last + 1)} == numbers
    assert count_ranges(merged) == len(numbers)
    assert all(left[1] + 1 < right[0] for left, right in itertools.pairwise(merged))


@given(st.lists(PAIRS, max_size=8))
def test_a_number_in_two_ranges_is_found(pairs: list[tuple[int, int]]) -> None:
    numbers = [number for first, last in pairs for number in range(first, last + 1)]
    twice = repeated(pairs)
    if twice is None:
        assert len(numbers) == len(set(numbers))
    else:
        assert numbers.count(twice) > 1
