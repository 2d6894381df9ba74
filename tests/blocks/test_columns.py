"""A column writes what one device at a time would have been given, and nothing beside it."""

from __future__ import annotations

import math
import mmap
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.blocks.columns import bit_column, column, point_column
from simulator.datatypes import DATA_TYPES, ByteOrder, DataType, data_type
from simulator.points import Point
from simulator.protocol.codes import Table

ROWS, STRIDE = 7, 24
ORDERS = [order.value for order in ByteOrder]
TEXTS = ("string", "raw", "pad", "ipaddr", "ipv6addr", "eui48")
NUMERIC = [name for name in DATA_TYPES if name not in ("bool", *TEXTS)]


def store(fill: int = 0xA5) -> tuple[mmap.mmap, np.ndarray]:
    buffer = mmap.mmap(-1, ROWS * STRIDE)
    cells = np.frombuffer(buffer, np.uint8).reshape(ROWS, STRIDE)
    cells[:] = fill
    return buffer, cells


def make(name: str, order: str = "ABCD", length: int = 3) -> DataType:
    return data_type(name, order=order, length=length if name == "bits" else None)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", NUMERIC)
def test_the_bytes_are_those_of_the_data_type(name: str, order: str) -> None:
    kind = make(name, order)
    values = np.array([0.0, 1.0, 2.5, -3.5, 99.4, 1e30, math.nan])
    buffer, cells = store()
    column(buffer, 6, STRIDE, ROWS, kind).write(0, ROWS, values)
    size = kind.registers * 2
    assert [bytes(row[6 : 6 + size]) for row in cells] == [kind.encode(value) for value in values]
    assert (cells[:, :6] == 0xA5).all()
    assert (cells[:, 6 + size :] == 0xA5).all()


@pytest.mark.parametrize("value", [0.0, -7.5, 300.0, 1e30, math.nan, math.inf])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", NUMERIC)
def test_one_number_for_all_is_the_same_as_an_array_of_it(name: str, order: str, value: float) -> None:
    kind = make(name, order)
    (one, one_cells), (many, many_cells) = store(), store()
    target = column(one, 2, STRIDE, ROWS, kind, scale=0.5, shift=1)
    target.write(0, 3, value)
    target.write(3, 6, value)
    column(many, 2, STRIDE, ROWS, kind, scale=0.5, shift=1).write(0, 6, np.full(6, value))
    assert one_cells.tobytes() == many_cells.tobytes()
    assert (one_cells[6] == 0xA5).all()


@given(st.lists(st.floats(-1e6, 1e6), min_size=ROWS, max_size=ROWS))
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.1, 0.0), (0.1, -40.0), (-2.0, 3.0), (1.0, 5.0)])
@pytest.mark.parametrize("name", ["int16", "uint32", "float32", "int64", "bcd32"])
def test_scale_and_offset_are_those_of_the_point(
    name: str, scale: float, shift: float, drawn: list[float]
) -> None:
    kind = make(name)
    buffer, cells = store()
    column(buffer, 0, STRIDE, ROWS, kind, scale=scale, shift=shift).write(0, ROWS, np.array(drawn))
    size = kind.registers * 2
    assert [bytes(row[:size]) for row in cells] == [kind.encode((value - shift) / scale) for value in drawn]


def test_values_are_left_as_they_were() -> None:
    values = np.array([1.4, -40000.0, math.nan])
    before = values.copy()
    column(store()[0], 0, STRIDE, ROWS, make("int16"), scale=0.5, shift=2).write(0, 3, values)
    column(store()[0], 0, STRIDE, ROWS, make("int16")).write(0, 3, values)
    np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize("values", [5.0, np.array([5.0, 6.0, 7.0, 8.0])])
@pytest.mark.parametrize("order", ORDERS)
def test_held_rows_keep_theirs(order: str, values: Any) -> None:
    kind = make("float32", order)
    buffer, cells = store()
    held = np.array([False, True, False, True])
    column(buffer, 4, STRIDE, ROWS, kind).write(2, 6, values, held)
    changed = [(row[4:8] != 0xA5).any() for row in cells]
    assert changed == [False, False, True, False, True, False, False]
    expected = values if isinstance(values, float) else values[2]
    assert kind.decode(bytes(cells[4, 4:8])) == expected


@pytest.mark.parametrize("values", [-3.0, np.full(ROWS, -3.0)])
@pytest.mark.parametrize("order", ORDERS)
def test_every_element_of_an_array_gets_the_value(order: str, values: Any) -> None:
    kind = make("int32", order)
    buffer, cells = store()
    column(buffer, 2, STRIDE, ROWS, kind, count=4).write(0, ROWS, values)
    assert all(bytes(row[2:18]) == kind.encode(-3) * 4 for row in cells)
    assert (cells[:, 18:] == 0xA5).all()


@pytest.mark.parametrize("bit", range(16))
@pytest.mark.parametrize("order", ORDERS)
def test_a_bit_of_a_register_leaves_the_others(order: str, bit: int) -> None:
    for fill, values in ((0x00, [1.0, 0.0]), (0xFF, [0.0, 1.0])):
        buffer, cells = store(fill)
        target = column(buffer, 4, STRIDE, ROWS, make("bool", order), bit=bit)
        target.write(0, 2, np.array(values))
        target.write(2, 4, values[0])
        word = data_type("uint16", order=order)
        changed = word.encode(1 << bit if fill == 0 else 0xFFFF ^ 1 << bit)
        rows = [bytes(row[4:6]) for row in cells]
        assert rows == [changed, bytes([fill] * 2), changed, changed, *[bytes([fill] * 2)] * 3]
        assert (np.delete(cells, [4, 5], axis=1) == fill).all()


def test_a_bool_without_a_bit_is_a_register() -> None:
    buffer, cells = store()
    column(buffer, 4, STRIDE, ROWS, make("bool")).write(0, 4, np.array([0.0, 1.0, 7.0, math.nan]))
    assert [bytes(row[4:6]) for row in cells[:4]] == [b"\0\0", b"\0\1", b"\0\1", b"\0\0"]


@pytest.mark.parametrize("held", [None, np.zeros(4, bool)])
def test_packed_bits(held: np.ndarray | None) -> None:
    buffer, cells = store(0)
    target = bit_column(buffer, 1, STRIDE, ROWS, 6, count=4)
    target.write(0, 4, np.array([1.0, 0.0, 0.5, math.nan]), held)
    target.write(4, 5, 1.0)
    #                       ........ 6 and 7 of byte 1, 0 and 1 of byte 2
    assert [bytes(row[:4]) for row in cells] == [
        b"\0\xc0\x03\0",
        *[bytes(4)] * 3,
        b"\0\xc0\x03\0",
        *[bytes(4)] * 2,
    ]
    target.write(0, 2, 1.0, np.array([True, False]))
    target.write(4, 6, 0.0, np.array([True, False]))
    assert [bool(row.any()) for row in cells] == [True, True, False, False, True, False, False]


@pytest.mark.parametrize(
    "point",
    [
        Point(
            "a", Table.HOLDING_REGISTER, 100, data_type("int16", order="DCBA"), scale=0.1, offset=-40, count=2
        ),
        Point("b", Table.INPUT_REGISTER, 100, data_type("float64", order="CDAB")),
        Point("c", Table.HOLDING_REGISTER, 100, data_type("bool"), bit=9),
        Point("d", Table.HOLDING_REGISTER, 100, data_type("bool", order="BADC"), bit=3),
        Point("e", Table.COIL, 100, data_type("bool"), count=11),
    ],
)
def test_the_column_of_a_point_holds_what_the_point_encodes(point: Point) -> None:
    buffer, cells = store(0)
    point_column(buffer, 3, STRIDE, ROWS, point).write(1, 2, np.array([1.0]))
    data = point.encode(1)
    if point.table.is_bits:
        assert int.from_bytes(bytes(cells[1]), "little") == int.from_bytes(data, "little") << 3
    else:
        assert bytes(cells[1]) == bytes(6) + data + bytes(STRIDE - 6 - len(data))
    assert not np.delete(cells, 1, axis=0).any()


def test_texts_have_no_column() -> None:
    with pytest.raises(ValueError, match=r"^column is of string, expected a numeric data type$"):
        column(store()[0], 0, STRIDE, ROWS, data_type("string", length=2))


def test_a_column_beyond_the_buffer_is_refused() -> None:
    with pytest.raises((ValueError, TypeError)):
        column(store()[0], STRIDE - 1, STRIDE, ROWS, make("float32"))


def whole_register(name: str, order: str, length: int) -> tuple[DataType, int]:
    kind = make(name, order, length)
    return kind, kind.registers * 2


def as_point(kind: DataType, scale: float, offset: float) -> Point:
    scaled = kind.family in ("int", "float", "bcd")
    return Point("p", Table.HOLDING_REGISTER, 3, kind, scale=scale if scaled else 1, offset=offset * scaled)


@given(data=st.binary(min_size=ROWS * STRIDE, max_size=ROWS * STRIDE), length=st.integers(1, 6),
       scale=st.sampled_from([1.0, 0.1, -2.5]), offset=st.sampled_from([0.0, -40.0]))  # fmt: skip
@settings(max_examples=15)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", NUMERIC)
def test_what_is_read_is_what_the_data_type_decodes(
    name: str, order: str, data: bytes, length: int, scale: float, offset: float
) -> None:
    kind, size = whole_register(name, order, length)
    point = as_point(kind, scale, offset)
    buffer = bytearray(data)
    expected = []
    for row in range(ROWS):
        place = row * STRIDE + 6
        try:
            raw = kind.decode(data[place : place + size])
        except ValueError:  # digits that are not decimal
            expected.append(math.nan)
        else:
            assert isinstance(raw, int | float)
            expected.append(float(raw) * point.scale + point.offset)
    found = point_column(buffer, 3, STRIDE, ROWS, point).read(0, ROWS)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, expected)
    assert bytes(buffer) == data


@given(st.binary(min_size=ROWS * STRIDE, max_size=ROWS * STRIDE), st.integers(0, 15))
@settings(max_examples=50)
@pytest.mark.parametrize("order", ORDERS)
def test_truth_is_read_as_the_point_says(order: str, data: bytes, bit: int) -> None:
    kind = make("bool", order)
    whole = Point("p", Table.HOLDING_REGISTER, 3, kind)
    one = Point("p", Table.HOLDING_REGISTER, 3, kind, bit=bit)
    coil = Point("p", Table.COIL, 3, data_type("bool"))
    words = [data[row * STRIDE + 6 : row * STRIDE + 8] for row in range(ROWS)]
    for point in (whole, one):
        found = point_column(bytearray(data), 3, STRIDE, ROWS, point).read(0, ROWS)
        assert found.tolist() == [float(bool(point.decode(word))) for word in words]
    found = point_column(bytearray(data), 3, STRIDE, ROWS, coil).read(1, ROWS)
    assert found.tolist() == [float(data[row * STRIDE] >> 3 & 1) for row in range(1, ROWS)]


@given(st.lists(st.floats(-1e4, 1e4), min_size=ROWS, max_size=ROWS))
@settings(max_examples=30)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", ["int16", "int32", "float64", "float32", "int64"])
def test_what_was_written_is_read(name: str, order: str, drawn: list[float]) -> None:
    target = column(store()[0], 2, STRIDE, ROWS, make(name, order), scale=0.5, shift=1)
    target.write(0, ROWS, np.array(drawn))
    places = 1e-3 if name == "float32" else 0.2501 if name != "float64" else 1e-9
    np.testing.assert_allclose(target.read(0, ROWS), drawn, atol=places)


def test_a_read_fills_the_memory_it_is_given() -> None:
    buffer, _ = store(0)
    target = column(buffer, 0, STRIDE, ROWS, make("int16"), scale=0.1)
    target.write(0, ROWS, 12.3)
    out = np.zeros(3)
    assert target.read(2, 5, out) is out
    assert out.tolist() == [123 * 0.1] * 3


def test_an_array_is_read_as_its_first_element() -> None:
    buffer, _ = store(0)
    point = Point("p", Table.HOLDING_REGISTER, 0, make("int32"), count=3)
    buffer[:12] = point.encode([70000, 5, 6])
    assert point_column(buffer, 0, STRIDE, ROWS, point).read(0, 1).tolist() == [70000]
