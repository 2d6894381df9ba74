"""What single words of register maps mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.datatypes import DATA_TYPES
from simulator.profiles.maps import words
from simulator.profiles.maps.fields import FIELDS, field_of
from simulator.profiles.maps.orders import combined, order_word
from simulator.profiles.maps.types import Named, data_type_word, sized
from simulator.protocol.codes import Table


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ("Register Address", "address"), ("Addr. (dec)", "address"), ("Modicon", "reference"), ("Tag Name", "name"),
        ("R/W", "access"), ("No. of registers", "size"), ("Unit of Measurement", "unit_of_measurement"),
        ("Units", "unit_of_measurement"), ("dataType", "data_type"), ("FC", "function"), ("Multiplier", "scale"),
        ("Divisor", "divisor"), ("Default Value", "value"), ("slave_id", "device"), ("input_type", "table"),
        ("Endianness", "byte_order"), ("colour", None),
    ],
)  # fmt: skip
def test_names_of_columns(written: str, field: str | None) -> None:
    assert field_of(written) == field


def test_every_field_is_called_by_its_own_name_too() -> None:
    assert [field for field in FIELDS if field_of(field) != field] == []


@pytest.mark.parametrize("name", DATA_TYPES)
def test_names_of_data_types_mean_themselves(name: str) -> None:
    assert data_type_word(name) == Named(name)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("UINT16", Named("uint16")), ("U16", Named("uint16")), ("WORD", Named("uint16")), ("S32", Named("int32")),
        ("unsigned 32 bit", Named("uint32")), ("Signed Int 16", Named("int16")), ("16-bit unsigned", Named("uint16")),
        ("32 bit float", Named("float32")), ("REAL", Named("float32")), ("LREAL", Named("float64")),
        ("DINT", Named("int32")), ("UDINT", Named("uint32")), ("Float", Named("float")), ("Boolean", Named("bool")),
        ("STRING[16]", Named("string", 8)), ("string(5)", Named("string", 3)), ("char8", Named("int8")),
        ("bits(32)", Named("bits", 2)), ("float32 CDAB", Named("float32", None, "CDAB")),
        ("FLOAT32-AB-CD", Named("float32", None, "ABCD")), ("uint32_le", Named("uint32", None, "DCBA")),
        ("int32 (word swapped)", Named("int32", None, "CDAB")), ("IEEE754", Named("float32")),
    ],
)  # fmt: skip
def test_data_types_as_others_write_them(written: str, expected: Named) -> None:
    assert data_type_word(written) == expected


def test_a_size_tells_which_of_a_family() -> None:
    assert [sized("int", size) for size in (None, 1, 2, 4)] == ["int16", "int16", "int32", "int64"]
    assert sized("float", None) == "float32"


def test_a_data_type_that_does_not_exist() -> None:
    with pytest.raises(ValueError) as caught:
        data_type_word("uint61")
    assert str(caught.value) == (
        "data type is 'uint61', expected a data type such as uint16, int32, float32, bool, string or bits; "
        "did you mean 'uint64'?"
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", 0.1), ("0,1", 0.1), ("1/10", 0.1), ("/10", 0.1), ("x10", 10), ("× 0.5", 0.5), ("10^-2", 0.01),
        ("0x28", 40), ("28h", 40), ("-0x10", -16), ("1e3", 1000.0), ("12", 12), ("+5", 5),
    ],
)  # fmt: skip
def test_numbers(text: str, value: float) -> None:
    assert words.number(text) == value


@pytest.mark.parametrize("text", ["", "ten", "1/0", "1.2.3", "0x", "--1"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError):
        words.number(text)


@given(st.one_of(st.integers(-(10**30), 10**30), st.floats(allow_nan=False)))
def test_numbers_as_python_writes_them(value: float) -> None:
    assert words.number(repr(value)) == value


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("3", Table.HOLDING_REGISTER), ("FC04", Table.INPUT_REGISTER), ("3/6/16", Table.HOLDING_REGISTER),
        ("0x01", Table.COIL), ("1, 5, 15", Table.COIL), ("fn 2", Table.DISCRETE_INPUT), ("3, 4", None), ("99", None),
    ],
)  # fmt: skip
def test_tables_by_function_code(text: str, table: Table | None) -> None:
    assert words.table_of_function(text) is table


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("0=stop; 1=run", {0: "stop", 1: "run"}), ("0: off, 1: on", {0: "off", 1: "on"}),
        ('{"0": "a;b"}', {0: "a;b"}), ('["low", "high"]', {0: "low", 1: "high"}), ("0x10 - fault", {16: "fault"}),
        ("0=stop\n1=run", {0: "stop", 1: "run"}),
    ],
)  # fmt: skip
def test_labels(text: str, labels: dict[int, str]) -> None:
    assert words.labels(text) == labels


@pytest.mark.parametrize(
    ("byte", "word", "order"),
    [
        (None, None, None), ("big", None, "ABCD"), ("Little Endian", None, "DCBA"), ("big", "little", "CDAB"),
        ("little", "big", "BADC"), ("little", "little", "DCBA"), (None, "LSW first", "CDAB"), ("2301", None, "CDAB"),
    ],
)  # fmt: skip
def test_orders_of_bytes_and_words(byte: str | None, word: str | None, order: str | None) -> None:
    assert combined(byte, word) == order


def test_a_word_that_is_no_order() -> None:
    assert order_word("sideways") is None
