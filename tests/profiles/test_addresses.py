"""Addresses as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.profiles.addresses import TABLE_NAMES, AddressBase, parse_address, parse_address_ranges
from simulator.protocol.codes import Table

HR, IR, DI, CO = Table.HOLDING_REGISTER, Table.INPUT_REGISTER, Table.DISCRETE_INPUT, Table.COIL


@pytest.mark.parametrize(
    ("written", "base", "table", "expected"),
    [
        (0, 0, HR, (HR, 0)),
        (65535, 0, HR, (HR, 65535)),
        ("0x10", 0, IR, (IR, 16)),
        ("40", 0, IR, (IR, 40)),
        (1, 1, HR, (HR, 0)),
        (65536, 1, HR, (HR, 65535)),
        (40001, "modicon", None, (HR, 0)),
        (49999, "modicon", None, (HR, 9998)),
        (400001, "modicon", None, (HR, 0)),
        (465536, "modicon", HR, (HR, 65535)),
        (30011, "modicon", None, (IR, 10)),
        (300011, "modicon", None, (IR, 10)),
        (10001, "modicon", None, (DI, 0)),
        (165536, "modicon", None, (DI, 65535)),
        (1, "modicon", None, (CO, 0)),
        (9999, "modicon", CO, (CO, 9998)),
        ("00001", "modicon", None, (CO, 0)),
        ("010001", "modicon", None, (CO, 10000)),
        ("065536", "modicon", CO, (CO, 65535)),
    ],
)
def test_an_address_is_read(
    written: int | str, base: AddressBase, table: Table | None, expected: tuple[Table, int]
) -> None:
    assert parse_address(written, base, table) == expected


REFERENCE = "0, 1, 3 or 4 and then 0001 to 9999 or 00001 to 65536, such as 40001 or 400001"


@pytest.mark.parametrize(
    ("written", "base", "table", "message"),
    [
        (65536, 0, HR, "address is 65536, expected 0 to 65535"),
        (-1, 0, HR, "address is -1, expected 0 to 65535"),
        (0, 1, HR, "address is 0, expected 1 to 65536 with address_base 1"),
        (65537, 1, HR, "address is 65537, expected 1 to 65536 with address_base 1"),
        ("ten", 0, HR, "address is 'ten', expected a number such as 40 or 0x28"),
        ("0xGG", 0, HR, "address is '0xGG', expected a number such as 40 or 0x28"),
        (40000, "modicon", None, f"address is 40000, expected a reference: {REFERENCE}"),
        (0, "modicon", None, f"address is 0, expected a reference: {REFERENCE}"),
        (20001, "modicon", None, f"address is 20001, expected a reference: {REFERENCE}"),
        (465537, "modicon", None, f"address is 465537, expected a reference: {REFERENCE}"),
        ("4x001", "modicon", None, f"address is '4x001', expected a reference: {REFERENCE}"),
        (-1, "modicon", None, f"address is -1, expected a reference: {REFERENCE}"),
        (
            40001,
            "modicon",
            IR,
            (
                "address 40001 is a reference to holding_register, got table input_register, "
                "expected a reference that starts with 3"
            ),
        ),
        (
            7,
            "modicon",
            HR,
            (
                "address 00007 is a reference to coil, got table holding_register, "
                "expected a reference that starts with 4"
            ),
        ),
    ],
)
def test_a_wrong_address_is_told(
    written: int | str, base: AddressBase, table: Table | None, message: str
) -> None:
    with pytest.raises(ValueError) as caught:
        parse_address(written, base, table)
    assert str(caught.value) == message


@given(st.sampled_from(list(Table)), st.integers(0, 65535))
def test_every_six_digit_reference_leads_to_its_address(table: Table, address: int) -> None:
    reference = f"{table.reference_digit}{address + 1:05d}"
    assert parse_address(reference, "modicon") == (table, address)
    if table is not Table.COIL:  # as a number a coil loses its leading zero
        assert parse_address(int(reference), "modicon") == (table, address)


@given(st.sampled_from(list(Table)), st.integers(0, 9998))
def test_every_five_digit_reference_leads_to_its_address(table: Table, address: int) -> None:
    reference = f"{table.reference_digit}{address + 1:04d}"
    assert parse_address(reference, "modicon") == parse_address(int(reference), "modicon") == (table, address)


@given(st.integers(0, 65535))
def test_base_one_is_one_more_than_the_wire(address: int) -> None:
    assert parse_address(address + 1, 1, HR) == parse_address(address, 0, HR) == (HR, address)


def test_ranges_are_half_open_and_keep_their_order() -> None:
    assert parse_address_ranges("0-9, 20,0x1E-0x1F", 0, HR) == [(0, 10), (20, 21), (30, 32)]
    assert parse_address_ranges(7, 0, HR) == [(7, 8)]
    assert parse_address_ranges("1-10", 1, HR) == [(0, 10)]
    assert parse_address_ranges("40001-40100", "modicon", HR) == [(0, 100)]
    assert parse_address_ranges("010001-010010", "modicon", CO) == [(10000, 10010)]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("9-3", "range '9-3' runs backwards, expected first-last"),
        ("1-", "range is '1-', expected an address or first-last"),
        ("", "range is '', expected an address or first-last"),
        ("1 2", "range is '1 2', expected an address or first-last"),
        ("5-70000", "address is 70000, expected 0 to 65535"),
    ],
)
def test_a_wrong_range_is_told(written: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_address_ranges(written, 0, HR)
    assert str(caught.value) == message


def test_all_names_of_the_tables() -> None:
    assert {table: [name for name, other in TABLE_NAMES.items() if other is table] for table in Table} == {
        CO: ["coil", "co", "0x"],
        DI: ["discrete_input", "di", "1x"],
        IR: ["input_register", "input", "ir", "3x"],
        HR: ["holding_register", "holding", "hr", "4x"],
    }
