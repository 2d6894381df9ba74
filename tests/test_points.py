"""What a user writes for a point, and what stands in the registers then."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.datatypes import data_type
from simulator.generators.registry import make
from simulator.points import Point
from simulator.protocol.codes import Table


def point(
    kind: str = "int16", /, table: Table = Table.HOLDING_REGISTER, address: int = 10, **keys: Any
) -> Point:
    form = {name: keys.pop(name) for name in ("order", "length", "padding", "string_order") if name in keys}
    return Point("p", table, address, data_type(kind, **form), **keys)


@pytest.mark.parametrize(
    ("table", "address", "reference"),
    [
        (Table.HOLDING_REGISTER, 10, "400011"),
        (Table.INPUT_REGISTER, 0, "300001"),
        (Table.DISCRETE_INPUT, 9999, "110000"),
        (Table.COIL, 65535, "065536"),
    ],
)
def test_reference(table: Table, address: int, reference: str) -> None:
    assert point("bool", table, address).reference == reference


@pytest.mark.parametrize(
    ("made", "quantity", "stop"),
    [
        (point("float32"), 2, 12),
        (point("float64", count=3), 12, 22),
        (point("string", length=8), 8, 18),
        (point("bool", bit=3), 1, 11),
        (point("bool"), 1, 11),
        (point("bool", Table.COIL, count=9), 9, 19),
        (point("bits", length=2), 2, 12),
    ],
)
def test_size(made: Point, quantity: int, stop: int) -> None:
    assert (made.quantity, made.stop) == (quantity, stop)


@pytest.mark.parametrize(
    ("made", "value", "wire", "shown"),
    [
        (point(scale=0.1), 21.3, "00 d5", 21.3),
        (point(scale=0.1), 21.26, "00 d5", 21.3),
        (point(scale=0.1, offset=-40), -40, "00 00", -40.0),
        (point("uint32", scale=0.01), 1234.56, "00 01 e2 40", 1234.56),
        (point("int16", scale=10), 1230, "00 7b", 1230.0),
        (point("uint16", scale=-1), -5, "00 05", -5.0),
        (point("float32"), 21.3, "41 aa 66 66", 21.3),
        (point("float32", precision=1), 230.04, "43 66 0a 3d", 230.0),
        (point("float16"), 0.1, "2e 66", 0.1),
        (point("float64", order="CDAB"), 1, "00 00 00 00 00 00 3f f0", 1.0),
        (point("uint16"), True, "00 01", 1),
        (point("uint64"), 2**64 - 1, "ff ff ff ff ff ff ff ff", 2**64 - 1),
        (point("uint16", enum={0: "stop", 1: "run"}), "run", "00 01", "run"),
        (point("uint16", enum={0: "stop", 1: "run"}), 0, "00 00", "stop"),
        (point("uint16", enum={0: "stop", 1: "run"}), 7, "00 07", 7),
        (point("bits", bits={0: "running", 3: "alarm"}), ["alarm", "running"], "00 09", ["running", "alarm"]),
        (
            point("bits", bits={0: "running", 3: "alarm"}),
            {"alarm": True, "running": False},
            "00 08",
            ["alarm"],
        ),
        (point("bits", bits={0: "running"}), ["running", 15], "80 01", ["running", 15]),
        (point("bits", bits={0: "running"}), [], "00 00", []),
        (point("bits", bits={0: "running"}), 1, "00 01", ["running"]),
        (point("bits", bits={17: "far"}, length=2), ["far"], "00 02 00 00", ["far"]),
        (point("bits"), 5, "00 05", 5),
        (point("string", length=3), "Abc", "41 62 63 00 00 00", "Abc"),
        (point("string", length=2, padding="space", string_order="BA"), "A", "20 41 20 20", "A"),
        (point("raw", length=2), [1, 0xFFFF], "00 01 ff ff", [1, 0xFFFF]),
        (point("bcd16", scale=0.1), 12.3, "01 23", 12.3),
        (point("int16", count=3), [1, -1, 2], "00 01 ff ff 00 02", [1, -1, 2]),
        (point("int16", count=2), 7, "00 07 00 07", [7, 7]),
        (point("bool"), True, "00 01", True),
        (point("bool", bit=3), True, "00 08", True),
        (point("bool", bit=3), False, "00 00", False),
        (point("bool", bit=3, order="BADC"), 1, "08 00", True),
        (point("bool", bit=12, enum={0: "open", 1: "closed"}), "closed", "10 00", "closed"),
        (point("bool", Table.COIL), True, "01", True),
        (point("bool", Table.COIL, count=10), [True, False] * 5, "55 01", [True, False] * 5),
        (point("bool", Table.COIL, count=9), 1, "ff 01", [True] * 9),
        (point("bool", Table.DISCRETE_INPUT, enum={0: "open", 1: "closed"}), "open", "00", "open"),
    ],
)
def test_value_and_wire(made: Point, value: object, wire: str, shown: object) -> None:
    assert made.encode(value).hex(" ") == wire
    assert made.decode(bytes.fromhex(wire)) == shown
    assert type(made.decode(bytes.fromhex(wire))) is type(shown)
    assert made.encode(shown).hex(" ") == wire or made.precision is not None


@given(
    st.integers(-(2**15), 2**15 - 1),
    st.sampled_from([1.0, 0.1, 0.01, 0.5, 10.0, -0.2]),
    st.sampled_from([0.0, -40.0, 0.3]),
)
def test_every_register_value_comes_back(raw: int, scale: float, offset: float) -> None:
    made = point(scale=scale, offset=offset)
    data = raw.to_bytes(2, "big", signed=True)
    assert made.encode(made.decode(data)) == data


@given(st.floats(width=32, allow_nan=False), st.integers(0, 1))
def test_every_float32_comes_back_as_a_short_number(value: float, word: int) -> None:
    made = point("float32", order=["ABCD", "CDAB"][word])
    data = made.encode(value)
    assert made.encode(made.decode(data)) == data


@pytest.mark.parametrize(
    ("made", "value", "text"),
    [
        (point(), 40000, "value does not fit int16, got 40000, expected -32768 to 32767"),
        (point(scale=0.1), 4000, "value does not fit int16, got 4000, expected -3276.8 to 3276.7"),
        (point("uint16", scale=-0.5), 1, "value does not fit uint16, got 1, expected -32767.5 to 0.0"),
        (point(), math.nan, "value does not fit int16, got nan, expected -32768 to 32767"),
        (point(), math.inf, "value does not fit int16, got inf, expected -32768 to 32767"),
        (point("bits", length=1), 65536, "value does not fit bits, got 65536, expected 0 to 65535"),
        (point(), "12", "int16 is given no number, got '12', expected a number"),
        (point(), None, "int16 is given no number, got None, expected a number"),
        (point("float32"), [1], "float32 is given no number, got [1], expected a number"),
        (
            point(enum={0: "stop", 1: "run"}),
            "rnu",
            "label is unknown, got 'rnu', did you mean run? expected one of stop, run",
        ),
        (
            point("bits", bits={0: "running"}),
            ["runing"],
            "bit is unknown, got 'runing', did you mean running? expected one of running",
        ),
        (
            point("bits", bits={0: "running"}),
            {"runing": False},
            "bit is unknown, got 'runing', did you mean running? expected one of running",
        ),
        (point("bits"), ["on"], "bit is unknown, got 'on', expected a number: the point names none"),
        (point("bits"), [16], "bit is out of range, got 16, expected 0 to 15"),
        (point("string", length=1), 5, "string is given no text, got 5, expected a text"),
        (
            point("string", length=1),
            "abc",
            "text is too long, got 3 bytes in 'abc', expected at most 2 bytes",
        ),
        (point("bool", bit=0), "true", "value is no truth value, got 'true', expected true or false"),
        (point("bool", Table.COIL), 2, "value is no truth value, got 2, expected true or false"),
        (point(count=3), [1, 2], "array has a wrong length, got 2 values, expected 3"),
    ],
)
def test_values_that_cannot_be_stored(made: Point, value: object, text: str) -> None:
    with pytest.raises(ValueError) as caught:
        made.encode(value)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("made", "data", "text"),
    [
        (point("float32"), b"12", "point has a wrong length, got 2 bytes, expected 4"),
        (point("bool", Table.COIL, count=9), b"1", "point has a wrong length, got 1 bytes, expected 2"),
    ],
)
def test_bytes_of_another_length(made: Point, data: bytes, text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}$"):
        made.decode(data)


def test_limits_are_for_writers() -> None:
    limited = point(scale=0.1, min=5, max=35)
    limited.validate(5)
    limited.validate([20.0, 35.0])
    limited.validate("a label")
    with pytest.raises(ValueError, match=r"^value is out of range, got 35\.1, expected 5 to 35$"):
        limited.validate([6, 35.1])
    with pytest.raises(ValueError, match=r"^value is out of range, got 4, expected at least 5$"):
        point(min=5).validate(4)
    with pytest.raises(ValueError, match=r"^value is out of range, got 6, expected at most 5$"):
        point(max=5).validate(6)
    with pytest.raises(ValueError, match=r"^value is out of range, got nan, expected at most 5$"):
        point(max=5).validate(math.nan)


def test_access_follows_the_table() -> None:
    assert [point("bool", table).access for table in Table] == ["rw", "ro", "ro", "rw"]
    assert point(access="ro").access == "ro"


def test_the_mask_is_what_a_point_owns_of_its_registers() -> None:
    assert point().mask == 0xFFFF
    assert point("bool").mask == 0xFFFF
    assert point("bool", bit=9).mask == 0x0200
    assert point("bool", bit=9, order="DCBA").mask == 0x0002


def test_equal_points_are_equal_and_hashable() -> None:
    keys: dict[str, Any] = {"enum": {0: "stop"}, "generator": make({"type": "toggle"})}
    assert point(**keys) == point(**keys)
    assert hash(point(**keys)) == hash(point(**keys))
    assert point(**keys) != point()


@pytest.mark.parametrize(
    ("kind", "keys", "text"),
    [
        ("int16", {"count": 0}, "count is too small, got 0, expected at least 1"),
        (
            "float32",
            {"address": 65535},
            "point leaves the table, got addresses 65535 to 65537 (exclusive), expected 0 to 65536",
        ),
        (
            "int16",
            {"address": -1},
            "point leaves the table, got addresses -1 to 0 (exclusive), expected 0 to 65536",
        ),
        ("int16", {"table": Table.COIL}, "data type does not suit coil, got int16, expected bool"),
        ("bool", {"table": Table.COIL, "bit": 0}, "bit is given in a table of bits, got 0, expected none"),
        ("int16", {"bit": 3}, "bit is given with int16, got 3, expected data type bool"),
        ("bool", {"bit": 16}, "bit is out of range, got 16, expected 0 to 15"),
        ("bool", {"bit": 1, "count": 2}, "count is given for a bit of a register, got 2, expected 1"),
        (
            "int16",
            {"scale": 0},
            "scale is unusable, got 0 and offset 0.0, expected finite numbers, scale not 0",
        ),
        (
            "string",
            {"length": 1, "scale": 2},
            "scale is given with string, got 2 and offset 0.0, expected none",
        ),
        ("int16", {"min": 5, "max": 4}, "min is above max, got 5 and 4, expected min at most max"),
        ("float32", {"enum": {0: "a"}}, "enum is given with float32, got labels, expected a whole data type"),
        ("int16", {"bits": {0: "a"}}, "bits are given with int16, got names, expected data type bits"),
        (
            "bits",
            {"bits": {16: "a"}},
            "bits are out of range, got {16: 'a'}, expected numbers below 16 for each register",
        ),
        (
            "int16",
            {"enum": {0: "a", 1: "a"}},
            "enum has a label twice, got {0: 'a', 1: 'a'}, expected different labels",
        ),
        (
            "bits",
            {"bits": {0: "a", 1: "a"}},
            "bits have a name twice, got {0: 'a', 1: 'a'}, expected different names",
        ),
        (
            "uint16",
            {"enum": {70000: "a"}},
            "enum does not fit uint16, got {70000: 'a'}, expected raw numbers that uint16 can hold",
        ),
        (
            "int16",
            {"enum": {0: "a", -40000: "b"}},
            "enum does not fit int16, got {0: 'a', -40000: 'b'}, expected raw numbers that int16 can hold",
        ),
        ("int16", {"hold": -1}, "hold is negative, got -1, expected seconds from 0"),
    ],
)
def test_points_that_cannot_be(kind: str, keys: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError) as caught:
        point(kind, **keys)
    assert str(caught.value) == text


def test_a_text_has_no_generator() -> None:
    with pytest.raises(
        ValueError, match=r"^generator is given with string, got toggle, expected a numeric data type$"
    ):
        point("string", length=1, generator=make({"type": "toggle"}))


@pytest.mark.parametrize(("kind", "value"), [("float16", 70000), ("float32", 1e300), ("float32", -1e300)])
def test_a_number_is_refused_where_it_would_become_infinity(kind: str, value: float) -> None:
    text = rf"^value does not fit {kind}, got -?[0-9e+]+, expected a raw number in -[0-9.e+]+ to [0-9.e+]+$"
    with pytest.raises(ValueError, match=text):
        point(kind).encode(value)


@pytest.mark.parametrize("value", [math.inf, -math.inf, 3.4028235e38])
def test_infinity_and_the_largest_number_are_floats(value: float) -> None:
    assert point("float32").decode(point("float32").encode(value)) == pytest.approx(value)
