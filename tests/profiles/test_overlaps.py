"""Points on each other, and outside their table."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import ConfigError
from simulator.profiles.loader import ProfileLibrary
from simulator.profiles.overlaps import moving_on
from simulator.profiles.profile import Profile

Load = Callable[..., Profile]
Complaints = Callable[..., list[str]]

DIFFERENT = "expected different addresses or overlap: true"


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (
            "a: {table: hr, address: 100, data_type: int32}\n  b: {table: hr, address: 101}",
            f"3:3: points.b: point 'b' overlaps point 'a', got holding_register 101 and 100-101, {DIFFERENT}",
        ),
        (
            "a: {table: hr, address: 4}\n  b: {table: hr, address: 2, count: 3}",
            f"2:3: points.a: point 'a' overlaps point 'b', got holding_register 4 and 2-4, {DIFFERENT}",
        ),
        (
            "a: {table: co, address: 0, count: 8}\n  b: {table: co, address: 7}",
            f"3:3: points.b: point 'b' overlaps point 'a', got coil 7 and 0-7, {DIFFERENT}",
        ),
        (
            (
                "a: {table: hr, address: 5, data_type: bool, bit: 3}\n"
                "  b: {table: hr, address: 5, data_type: bool, bit: 3}"
            ),
            (
                "3:3: points.b: point 'b' is bit 3 of register 5 and so is point 'a', "
                "expected another bit or overlap: true"
            ),
        ),
        (
            (
                "a: {table: hr, address: 5, data_type: bool, bit: 3}\n"
                "  b: {table: hr, address: 5, data_type: bits}"
            ),
            f"3:3: points.b: point 'b' overlaps point 'a', got holding_register 5 and 5, {DIFFERENT}",
        ),
    ],
)
def test_an_overlap_names_both_points(complaints: Complaints, points: str, expected: str) -> None:
    assert complaints(f"points:\n  {points}") == [f"p.yaml:{expected}"]


def test_every_overlap_is_told(complaints: Complaints) -> None:
    found = complaints(
        "points:\n  a: {table: hr, address: 0, count: 9}\n  b: {table: hr, address: 1}\n"
        "  c: {table: hr, address: 5, count: 2}\n  d: {table: hr, address: 6}"
    )
    assert [text.split(", got")[0].partition(": point ")[2] for text in found] == [
        "'b' overlaps point 'a'",
        "'c' overlaps point 'a'",
        "'d' overlaps point 'a'",
        "'d' overlaps point 'c'",
    ]


def test_an_overlap_on_purpose_is_fine(load: Load) -> None:
    profile = load(
        "points: {a: {table: hr, address: 5, data_type: bits}, "
        "b: {table: hr, address: 5, data_type: bool, bit: 3, overlap: true}}"
    )
    assert [point.overlap for point in profile.points.values()] == [False, True]


def test_different_bits_of_a_register_do_not_overlap(load: Load) -> None:
    points = ", ".join(f"b{bit}: {{table: hr, address: 5, data_type: bool, bit: {bit}}}" for bit in range(16))
    assert load(f"points: {{{points}}}").points["b15"].mask == 0x8000


def test_the_same_addresses_of_different_tables_do_not_overlap(load: Load) -> None:
    tables = ("co", "di", "ir", "hr")
    points = ", ".join(f"{table}: {{table: {table}, address: 0}}" for table in tables)
    assert len(load(f"points: {{{points}}}").points) == 4


def test_points_of_tables_that_share_a_block_may_stand_on_each_other(
    load: Load, complaints: Complaints
) -> None:
    text = "tables: {ir: {share: hr}}\npoints:\n  a: {table: hr, address: 1}\n  b: {table: ir, address: 1}"
    assert len(load(text).points) == 2
    assert complaints(f"{text}\n  c: {{table: ir, address: 1}}") == [
        f"p.yaml:5:3: points.c: point 'c' overlaps point 'b', got input_register 1 and 1, {DIFFERENT}"
    ]


@pytest.mark.parametrize(
    ("table", "point", "expected"),
    [
        (
            "{block: sequential, address: 10, count: 20}",
            "address: 30",
            "got holding_register 30, expected addresses in 10-29",
        ),
        (
            "{block: sequential, address: 10, count: 20}",
            "address: 29, data_type: float32",
            "got holding_register 29-30, expected addresses in 10-29",
        ),
        (
            "{ranges: [0-9, 20], invalid: [3]}",
            "address: 2, count: 2",
            "got holding_register 2-3, expected addresses in 0-2, 4-9, 20",
        ),
        (
            "{ranges: '0,2,4,6,8,10,12'}",
            "address: 1",
            "got holding_register 1, expected addresses in 0, 2, 4, 6, 8, 10, … (7 ranges)",
        ),
        (
            "{ranges: 5, invalid: 5}",
            "address: 5",
            "got holding_register 5, expected addresses in no address at all",
        ),
    ],
)
def test_a_point_outside_its_table_is_an_error(
    complaints: Complaints, table: str, point: str, expected: str
) -> None:
    assert complaints(f"tables: {{hr: {table}}}\npoints: {{a: {{table: hr, {point}}}}}") == [
        f"p.yaml:2:10: points.a: point leaves its table, {expected}"
    ]


SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 4)), max_size=8)


@given(SPANS)
def test_overlaps_are_those_that_comparing_all_pairs_finds(spans: list[tuple[int, int]]) -> None:
    points = {
        f"p{place}": {"table": "hr", "address": address, "count": count}
        for place, (address, count) in enumerate(spans)
    }
    expected = {
        frozenset((f"p{i}", f"p{j}"))
        for i, (one, size) in enumerate(spans)
        for j, (two, more) in enumerate(spans[:i])
        if one < two + more and two < one + size
    }
    try:
        ProfileLibrary(inline={"p": {"points": points}}).get("p")
        found = set()
    except ConfigError as error:
        texts = [problem.message.split("'") for problem in error.problems]
        found = {frozenset((words[1], words[3])) for words in texts}
    assert found == expected


def test_who_moves_on_the_registers_of_a_point(load: Load) -> None:
    wave = "generator: {type: toggle}"
    profile = load(
        "tables: {coil: {share: discrete_input}}\npoints:\n"
        "  status: {table: hr, address: 5, data_type: bits, overlap: true}\n"
        f"  low: {{table: hr, address: 5, data_type: bool, bit: 0, {wave}}}\n"
        f"  high: {{table: hr, address: 5, data_type: bool, bit: 15, {wave}}}\n"
        "  lamp: {table: di, address: 0}\n"
        f"  switch: {{table: coil, address: 0, {wave}}}\n"
        f"  alone: {{table: hr, address: 6, {wave}}}\n"
    )
    found = moving_on(profile.points.values(), profile.tables)
    assert found == {"status": ["low", "high"], "lamp": ["switch"]}
