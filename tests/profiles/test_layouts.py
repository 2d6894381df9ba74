"""The tables of a profile: which addresses exist and what stands there."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.profiles.profile import Profile, TableLayout, merged, without
from simulator.protocol.codes import Table

Load = Callable[..., Profile]
Complaints = Callable[..., list[str]]

HR, IR, DI, CO = Table.HOLDING_REGISTER, Table.INPUT_REGISTER, Table.DISCRETE_INPUT, Table.COIL


def test_without_a_word_a_table_has_the_registers_of_its_points(load: Load) -> None:
    profile = load(
        "points: {a: {table: hr, address: 5, data_type: float64}, b: {table: hr, address: 9}, "
        "c: {table: hr, address: 20, count: 3}, d: {table: co, address: 2, count: 9}}"
    )
    assert profile.tables == {
        CO: TableLayout(CO, "sparse", ((2, 11),)),
        HR: TableLayout(HR, "sparse", ((5, 10), (20, 23))),
    }


def test_a_sequential_block(load: Load) -> None:
    profile = load("tables: {hr: {block: sequential, address: 10, count: 5, fill: 9, values: {11: 0x1234}}}")
    assert profile.tables == {HR: TableLayout(HR, "sequential", ((10, 15),), 9, {11: 0x1234})}


def test_a_count_makes_a_block_sequential(load: Load) -> None:
    assert load("tables: {hr: {count: 5}}").tables == {HR: TableLayout(HR, "sequential", ((0, 5),))}


def test_a_sparse_block_with_invalid_addresses(load: Load) -> None:
    text = "tables: {input: {block: sparse, ranges: [0-255, 65528-65535], fill: 1, invalid: [5, 10-15]}}"
    assert load(text).tables == {
        IR: TableLayout(IR, "sparse", ((0, 5), (6, 10), (16, 256), (65528, 65536)), 1)
    }


def test_values_fill_the_addresses_that_follow(load: Load) -> None:
    layout = load("tables: {hr: {count: 30, values: {7: 0x1234, 20: [1, 2, 3]}}}").tables[HR]
    assert layout.values == {7: 0x1234, 20: 1, 21: 2, 22: 3}


def test_values_exist_without_ranges(load: Load) -> None:
    text = "tables: {hr: {values: {9: [1, 2]}}}\npoints: {a: {table: hr, address: 3}}"
    assert load(text).tables[HR].ranges == ((3, 4), (9, 11))


def test_bits_are_numbers_or_truth_values(load: Load) -> None:
    layout = load("tables: {co: {count: 8, fill: true, values: {0: 0, 1: [false, true]}}}").tables[CO]
    assert (layout.fill, layout.values) == (1, {0: 0, 1: 0, 2: 1})


def test_a_shared_block_holds_the_points_of_both_tables(load: Load) -> None:
    profile = load(
        "tables: {coil: {share: discrete_input}}\n"
        "points: {a: {table: co, address: 3}, b: {table: di, address: 8, count: 2}}"
    )
    assert profile.tables == {
        CO: TableLayout(CO, "sparse", ((3, 4), (8, 10)), share=DI),
        DI: TableLayout(DI, "sparse", ((3, 4), (8, 10))),
    }


def test_sharing_a_declared_block(load: Load) -> None:
    profile = load("tables: {ir: {share: hr}, hr: {count: 4, fill: 3, values: {1: 5}}}")
    assert profile.tables[IR] == TableLayout(IR, "sequential", ((0, 4),), 3, {1: 5}, share=HR)


def test_the_address_base_holds_for_tables_too(load: Load) -> None:
    profile = load(
        "address_base: modicon\ntables: {hr: {address: 40011, count: 10, values: {40012: 7}}, "
        "co: {ranges: ['000001-000008'], invalid: 5}}"
    )
    assert profile.tables[HR] == TableLayout(HR, "sequential", ((10, 20),), 0, {11: 7})
    assert profile.tables[CO].ranges == ((0, 4), (5, 8))
    assert load("address_base: 1\ntables: {hr: {address: 1, count: 2}}").tables[HR].ranges == ((0, 2),)


@pytest.mark.parametrize("name", ["holding_register", "holding", "hr", "4x", "HR"])
def test_tables_have_several_names(load: Load, name: str) -> None:
    profile = load(f"tables: {{{name}: {{count: 2}}}}\npoints: {{a: {{table: {name}, address: 1}}}}")
    assert list(profile.tables) == [HR]
    assert profile.points["a"].table is HR


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        (
            "holdng: {}",
            (
                "1:10: tables.holdng: unknown table 'holdng', expected coil, discrete_input, "
                "input_register or holding_register; did you mean 'holding'?"
            ),
        ),
        (
            "hr: {}, 4x: {}",
            "1:18: tables.4x: table holding_register is given twice, got hr and 4x, expected one",
        ),
        (
            "hr: {block: sequential}",
            "1:14: tables.hr: count is missing, expected the number of addresses of a sequential block",
        ),
        (
            "hr: {address: 65530, count: 10}",
            "1:38: tables.hr.count: count is 10 from address 65530 on, expected at most 6",
        ),
        ("hr: {count: 0}", "1:22: tables.hr.count: count is 0, expected 1 or more"),
        ("hr: {count: 70000}", "1:22: tables.hr.count: count is 70000, expected 65536 or less"),
        ("hr: {address: -1, count: 1}", "1:24: tables.hr.address: address is -1, expected 0 to 65535"),
        (
            "hr: {block: sparse, count: 1}",
            "1:37: tables.hr.count: count is given for a sparse block, expected ranges",
        ),
        (
            "hr: {count: 1, ranges: 1-2}",
            "1:33: tables.hr.ranges: ranges is given for a sequential block, expected address and count",
        ),
        (
            "hr: {block: dense}",
            "1:22: tables.hr.block: block is 'dense', expected sequential or sparse",
        ),
        (
            "hr: {ranges: [0-9, 9-0]}",
            "1:29: tables.hr.ranges.1: range '9-0' runs backwards, expected first-last",
        ),
        ("hr: {ranges: x-y}", "1:23: tables.hr.ranges: address is 'x', expected a number such as 40 or 0x28"),
        (
            "hr: {count: 5, values: {7: 1}}",
            "1:37: tables.hr.values.7: address 7 does not exist, expected one in 0-4",
        ),
        (
            "hr: {count: 5, values: {0: 70000}}",
            "1:37: tables.hr.values.0: word is 70000, expected 0 to 65535",
        ),
        (
            "hr: {count: 5, values: {0: [1, -1]}}",
            "1:41: tables.hr.values.0.1: word is -1, expected 0 to 65535; a negative word needs signed: true",
        ),
        ("hr: {count: 5, values: {0: true}}", "1:37: tables.hr.values.0: word is true, expected 0 to 65535"),
        (
            "hr: {count: 5, fill: -2}",
            "1:31: tables.hr.fill: word is -2, expected 0 to 65535; a negative word needs signed: true",
        ),
        ("co: {count: 5, fill: 2}", "1:31: tables.co.fill: bit is 2, expected 0 to 1"),
        (
            "hr: {count: 5, values: {0: [1, 2], 1: 3}}",
            "1:48: tables.hr.values.1: address 1 has two values, expected one",
        ),
        (
            "hr: {count: 5, values: {70000: 3}}",
            "1:41: tables.hr.values.70000: address is 70000, expected 0 to 65535",
        ),
        ("co: {share: co}", "1:22: tables.co.share: coil shares its own block, expected another table"),
        (
            "co: {share: hr}",
            (
                "1:22: tables.co.share: coil cannot share holding_register, one holds bits and the other "
                "registers, expected discrete_input"
            ),
        ),
        (
            "ir: {share: co}",
            (
                "1:22: tables.ir.share: input_register cannot share coil, one holds bits and the other "
                "registers, expected holding_register"
            ),
        ),
        (
            "co: {share: di, count: 4, fill: 1}",
            (
                "1:22: tables.co.share: share is given with count or fill, expected share alone: "
                "the block is that of discrete_input"
            ),
        ),
        (
            "co: {share: dj}",
            (
                "1:22: tables.co.share: unknown table 'dj', expected coil, discrete_input, input_register or "
                "holding_register"
            ),
        ),
    ],
)
def test_a_mistake_in_a_table_is_told(complaints: Complaints, tables: str, expected: str) -> None:
    assert complaints(f"tables: {{{tables}}}") == [f"p.yaml:{expected}"]


def test_sharing_in_a_circle_is_refused_at_both_ends(complaints: Complaints) -> None:
    own = "expected a table with a block of its own"
    assert complaints("tables: {co: {share: di}, di: {share: co}}") == [
        f"p.yaml:1:22: tables.co.share: discrete_input shares a block itself, {own}",
        f"p.yaml:1:39: tables.di.share: coil shares a block itself, {own}",
    ]


def test_no_point_suffers_for_a_mistake_in_its_table(complaints: Complaints) -> None:
    text = "tables: {hr: {ranges: 0-x}}\npoints: {a: {table: hr, address: 900}}"
    assert complaints(text) == [
        "p.yaml:1:23: tables.hr.ranges: address is 'x', expected a number such as 40 or 0x28"
    ]


RANGES = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 12)).map(lambda t: (t[0], t[0] + t[1])), max_size=6
)


def _addresses(ranges: object) -> set[int]:
    return {address for start, stop in ranges for address in range(start, stop)}  # type: ignore[attr-defined]


@given(RANGES, RANGES)
def test_ranges_are_sets_of_addresses(one: list[tuple[int, int]], two: list[tuple[int, int]]) -> None:
    ranges, holes = merged(one), merged(two)
    assert _addresses(ranges) == _addresses(one)
    assert all(before[1] < after[0] for before, after in pairwise(ranges))
    assert _addresses(without(ranges, holes)) == _addresses(one) - _addresses(two)
    assert all(start < stop for start, stop in without(ranges, holes))


@given(RANGES, st.integers(0, 80), st.integers(1, 6))
def test_a_layout_contains_what_its_ranges_contain(
    ranges: list[tuple[int, int]], address: int, quantity: int
) -> None:
    layout = TableLayout(HR, "sparse", merged(ranges))
    assert layout.contains(address, quantity) == (
        set(range(address, address + quantity)) <= _addresses(ranges)
    )
    assert layout.size == len(_addresses(ranges))
