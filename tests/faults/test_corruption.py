"""Wrong values: every type on every kind of point."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.datatypes import DATA_TYPES, data_type
from simulator.faults.corruption import Corruption
from simulator.faults.files import CorruptFile
from simulator.points import Point
from simulator.protocol.codes import Table

LENGTHS = {"string": 2, "bits": 1, "raw": 2}


def points() -> dict[str, Point]:
    """One point of every data type, one after the other."""
    found, address = {}, 0
    for name in DATA_TYPES:
        kind = data_type(name, length=LENGTHS.get(name))
        bit = 3 if kind.family == "bool" else None
        point = Point(name, Table.HOLDING_REGISTER, address, kind, bit=bit)
        found[name] = point
        address = point.stop
    return found


POINTS = points()
SIZE = max(point.stop for point in POINTS.values())


def corrupted(how: dict, data: bytes, names=None, seconds: float = 0.0, function: int = 3) -> bytes:
    quantity = len(data) // 2
    request = struct.pack(">BHH", function, 0, quantity)
    reply = bytes((function, len(data) & 0xFF)) + data
    return Corruption(CorruptFile.model_validate(how), POINTS, names).corrupt(request, reply, seconds)[2:]


@given(st.binary(min_size=2 * SIZE, max_size=2 * SIZE), st.sampled_from(["drift", "spike", "nan", "stuck"]),
       st.floats(-1e6, 1e6))  # fmt: skip
def test_whatever_the_registers_hold_the_size_stays(data, kind, seconds):
    assert len(corrupted({"type": kind}, data, seconds=seconds)) == len(data)


@pytest.mark.parametrize(
    ("kind", "raw", "how", "expected"),
    [
        ("int16", 100, {"type": "spike"}, 1000),
        ("int16", 10000, {"type": "spike"}, 32767),
        ("int16", -10000, {"type": "spike"}, -32768),
        ("uint16", 10, {"type": "spike", "by": -50}, 0),
        ("uint32", 7, {"type": "drift", "rate": 2}, 207),
        ("float32", 1.5, {"type": "drift", "rate": -0.5}, -48.5),
        ("float64", 2.5, {"type": "spike", "factor": -2}, -5.0),
        ("int32", 5, {"type": "nan"}, -(2**31)),
        ("uint64", 5, {"type": "nan"}, 2**64 - 1),
        ("bcd16", 42, {"type": "spike"}, 420),
        ("bcd16", 42, {"type": "nan"}, 42),
        ("uint16", 42, {"type": "stuck", "value": 7}, 7),
    ],
)
def test_numbers(kind, raw, how, expected):
    point = Point("p", Table.HOLDING_REGISTER, 0, data_type(kind))
    data = point.data_type.encode(raw)
    request = struct.pack(">BHH", 3, 0, point.quantity)
    found = Corruption(CorruptFile.model_validate(how), {"p": point}).corrupt(
        request, bytes((3, len(data))) + data, 100.0
    )
    assert point.data_type.decode(found[2:]) == expected


def test_nan_of_a_float():
    for kind in ("float16", "float32", "float64"):
        point = Point("p", Table.HOLDING_REGISTER, 0, data_type(kind))
        data = point.data_type.encode(1.0)
        found = Corruption(CorruptFile(type="nan"), {"p": point}).corrupt(
            struct.pack(">BHH", 3, 0, point.quantity), bytes((3, len(data))) + data, 0.0
        )
        assert math.isnan(point.data_type.decode(found[2:]))


def test_a_scale_and_an_array():
    point = Point("p", Table.HOLDING_REGISTER, 0, data_type("int16"), count=2, scale=0.1, offset=5)
    found = Corruption(CorruptFile(type="spike", factor=2), {"p": point}).corrupt(
        struct.pack(">BHH", 3, 0, 2), b"\x03\x04" + struct.pack(">2h", 50, -50), 0.0
    )
    assert struct.unpack(">2h", found[2:]) == (150, -50), "10.0 becomes 20.0, and 0.0 stays"


def test_half_a_point_is_left_alone():
    point = Point("p", Table.HOLDING_REGISTER, 0, data_type("float32"))
    spike = Corruption(CorruptFile(type="spike"), {"p": point})
    assert (
        spike.corrupt(struct.pack(">BHH", 3, 1, 2), b"\x03\x04\x00\x05\x00\x06", 0.0)
        == b"\x03\x04\x00\x05\x00\x3c"
    )


def test_tables_that_share_a_block_share_their_points():
    point = Point("p", Table.HOLDING_REGISTER, 0, data_type("int16"))
    blocks = {Table.INPUT_REGISTER: Table.HOLDING_REGISTER}
    nan = Corruption(CorruptFile(type="nan"), {"p": point}, ["p"], blocks)
    assert nan.corrupt(struct.pack(">BHH", 4, 0, 1), b"\x04\x02\x00\x05", 0.0) == b"\x04\x02\x80\x00"
    alone = Corruption(CorruptFile(type="nan"), {"p": point}, ["p"])
    assert alone.corrupt(struct.pack(">BHH", 4, 0, 1), b"\x04\x02\x00\x05", 0.0) == b"\x04\x02\x00\x05"


def test_exceptions_and_writes_are_left_alone():
    nan = Corruption(CorruptFile(type="nan"), POINTS)
    assert nan.corrupt(struct.pack(">BHH", 3, 0, 1), b"\x83\x02", 0.0) == b"\x83\x02"
    assert nan.corrupt(b"\x06\0\0\0\1", b"\x06\0\0\0\1", 0.0) == b"\x06\0\0\0\1"
