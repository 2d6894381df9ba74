"""What a number, a digit or a text looks like on the wire, in every type and order."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.blocks.arrays import direct_dtype, encode_many
from simulator.datatypes import DATA_TYPES, ByteOrder, DataType, data_type

ORDERS = [order.value for order in ByteOrder]
WHOLE = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bcd16", "bcd32", "bcd64"]
FLOATS = ["float16", "float32", "float64"]
nan = math.nan


def make(name: str, order: str = "ABCD") -> DataType:
    return data_type(name, order=order, length={"string": 4, "bits": 2, "raw": 3}.get(name))


@pytest.mark.parametrize(
    ("name", "order", "raw", "wire"),
    [
        #                                  A  B  C  D  E  F  G  H
        ("float32", "ABCD", 123456.789, "47 f1 20 65"),
        ("float32", "CDAB", 123456.789, "20 65 47 f1"),
        ("float32", "BADC", 123456.789, "f1 47 65 20"),
        ("float32", "DCBA", 123456.789, "65 20 f1 47"),
        ("float64", "ABCD", 123456.789, "40 fe 24 0c 9f be 76 c9"),
        ("float64", "CDAB", 123456.789, "76 c9 9f be 24 0c 40 fe"),
        ("float64", "BADC", 123456.789, "fe 40 0c 24 be 9f c9 76"),
        ("float64", "DCBA", 123456.789, "c9 76 be 9f 0c 24 fe 40"),
        ("float16", "ABCD", 1.5, "3e 00"),
        ("float16", "CDAB", 1.5, "3e 00"),
        ("float16", "DCBA", 1.5, "00 3e"),
        ("float16", "ABCD", -65504.0, "fb ff"),
        ("uint32", "ABCD", 0x01020304, "01 02 03 04"),
        ("uint32", "CDAB", 0x01020304, "03 04 01 02"),
        ("uint32", "BADC", 0x01020304, "02 01 04 03"),
        ("uint32", "DCBA", 0x01020304, "04 03 02 01"),
        ("uint16", "ABCD", 0x0102, "01 02"),
        ("uint16", "CDAB", 0x0102, "01 02"),
        ("uint16", "BADC", 0x0102, "02 01"),
        ("uint16", "DCBA", 0x0102, "02 01"),
        ("int16", "ABCD", -2, "ff fe"),
        ("int8", "ABCD", -2, "ff fe"),
        ("uint8", "ABCD", 200, "00 c8"),
        ("int32", "CDAB", -2, "ff fe ff ff"),
        ("int64", "ABCD", -(2**63), "80 00 00 00 00 00 00 00"),
        ("uint64", "CDAB", 0x0102030405060708, "07 08 05 06 03 04 01 02"),
        ("bcd16", "ABCD", 1234, "12 34"),
        ("bcd32", "ABCD", 12345678, "12 34 56 78"),
        ("bcd32", "CDAB", 12345678, "56 78 12 34"),
        ("bcd64", "ABCD", 1234567890123456, "12 34 56 78 90 12 34 56"),
        ("bits", "ABCD", 0x80000001, "80 00 00 01"),
        ("bits", "CDAB", 0x80000001, "00 01 80 00"),
        ("raw", "DCBA", [1, 2, 0xFFFF], "00 01 00 02 ff ff"),
        ("bool", "ABCD", 1, "01"),
        ("bool", "DCBA", 0, "00"),
    ],
)
def test_wire_bytes(name: str, order: str, raw: Any, wire: str) -> None:
    kind, data = make(name, order), bytes.fromhex(wire)
    assert kind.encode(raw).hex(" ") == wire
    assert kind.decode(data) == pytest.approx(raw, rel=1e-7)
    if kind.is_numeric:
        many = encode_many(
            kind,
            np.array([raw, 0, raw], float if kind.family == "float" else object).astype(
                float if abs(raw) < 2**53 else "i8" if raw < 0 else "u8"
            ),
        )
        assert many.dtype == np.uint8
        assert [bytes(row) for row in many] == [data, bytes(len(data)), data]
        assert many.shape == (3, kind.registers * 2 or 1)


@given(st.data())
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers_come_back(name: str, order: str, data: st.DataObject) -> None:
    kind = make(name, order)
    low, high = kind.minimum, kind.maximum
    assert low is not None
    assert high is not None
    low, high = int(low), int(high)
    raws = data.draw(st.lists(st.integers(low, high), min_size=1))
    wires = [kind.encode(raw) for raw in raws]
    assert [kind.decode(wire) for wire in wires] == raws
    assert all(len(wire) == 2 * kind.registers for wire in wires)
    dtype = "u8" if high >= 2**63 else "i8"
    assert [bytes(row) for row in encode_many(kind, np.array(raws, dtype))] == wires


@given(st.data())
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", FLOATS)
def test_floats_come_back(name: str, order: str, data: st.DataObject) -> None:
    kind = make(name, order)
    width = {"float16": 16, "float32": 32, "float64": 64}[name]
    raws = data.draw(st.lists(st.floats(width=width, allow_nan=False), min_size=1))  # type: ignore[arg-type]
    wires = [kind.encode(raw) for raw in raws]
    assert [kind.decode(wire) for wire in wires] == raws
    assert [bytes(row) for row in encode_many(kind, np.array(raws))] == wires
    assert np.isnan(kind.decode(kind.encode(nan)))


@given(
    st.lists(
        st.floats() | st.sampled_from([0.5, 1.5, 2.5, -0.5, -1.5, 2.0**63, 2.0**64, -(2.0**63)]), min_size=1
    )
)
@pytest.mark.parametrize("name", [*WHOLE, "bits", "bool"])
def test_a_column_and_one_element_round_and_saturate_alike(name: str, raws: list[float]) -> None:
    kind = make(name)
    assert [bytes(row) for row in encode_many(kind, np.array(raws))] == [kind.encode(raw) for raw in raws]


@pytest.mark.parametrize(
    ("name", "raw", "stored"),
    [
        ("int16", 32767.4, 32767),
        ("int16", 40000, 32767),
        ("int16", -1e9, -32768),
        ("int16", nan, 0),
        ("int16", math.inf, 32767),
        ("int16", 0.5, 0),
        ("int16", 1.5, 2),
        ("int16", 2.5, 2),
        ("int16", -2.5, -2),
        ("uint16", -1, 0),
        ("uint16", 65536, 65535),
        ("int8", 300, 127),
        ("int8", -300, -128),
        ("uint8", 256, 255),
        ("uint32", 1e20, 2**32 - 1),
        ("int64", 1e30, 2**63 - 1),
        ("int64", -1e30, -(2**63)),
        ("uint64", 1e30, 2**64 - 1),
        ("uint64", 2**64, 2**64 - 1),
        ("uint64", nan, 0),
        ("bcd16", 10000, 9999),
        ("bcd16", -1, 0),
        ("bcd32", 1e9, 99999999),
        ("bcd64", 1e17, 10**16 - 1),
        ("bool", 7, 1),
        ("bool", -1, 0),
        ("bool", True, 1),
        ("uint16", np.float32(2.6), 3),
        ("float16", 1e6, math.inf),
        ("float32", -1e300, -math.inf),
        ("float64", 10**400, math.inf),
    ],
)
def test_saturation(name: str, raw: Any, stored: float) -> None:
    kind = make(name)
    assert kind.decode(kind.encode(raw)) == stored
    if not isinstance(raw, int) or abs(raw) < 2**70:
        column = encode_many(kind, np.array([float(raw)]))
        assert kind.decode(column[0].tobytes()) == stored


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "i8", "u8", "?"])
@pytest.mark.parametrize("name", WHOLE)
def test_whole_columns_keep_every_digit(name: str, dtype: str) -> None:
    kind = make(name)
    values = (
        np.array([0, 1], dtype)
        if dtype == "?"
        else np.array([np.iinfo(dtype).min, 5, np.iinfo(dtype).max], dtype)
    )
    assert [kind.decode(row.tobytes()) for row in encode_many(kind, values)] == [
        min(max(int(value), int(kind.minimum or 0)), int(kind.maximum or 0)) for value in values
    ]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", [name for name in DATA_TYPES if make(name).is_numeric])
def test_direct_dtype_writes_the_same_bytes(name: str, order: str) -> None:
    kind = make(name, order)
    raws = np.array([0, 1, 100, 77])
    if direct_dtype(kind) is None:
        assert kind.family in ("bcd", "bool") or (order in ("CDAB", "BADC") and kind.registers > 1)
    else:
        assert direct_dtype(kind).itemsize == kind.registers * 2
        assert raws.astype(direct_dtype(kind)).tobytes() == encode_many(kind, raws).tobytes()


@pytest.mark.parametrize(
    ("text", "string_order", "padding", "wire"),
    [
        ("ABC", "AB", "nul", b"ABC\0\0\0\0\0"),
        ("ABC", "BA", "nul", b"BA\0C\0\0\0\0"),
        ("ABC", "AB", "space", b"ABC     "),
        ("ABC", "BA", "space", b"BA C    "),
        ("", "AB", "space", b"        "),
        ("12345678", "BA", "nul", b"21436587"),
        ("5 °C", "AB", "nul", b"5 \xc2\xb0C\0\0\0"),
    ],
)
def test_strings(text: str, string_order: Any, padding: Any, wire: bytes) -> None:
    kind = data_type("string", length=4, string_order=string_order, padding=padding, order="DCBA")
    assert kind.encode(text) == wire
    assert kind.decode(wire) == text
    assert kind.decode(bytes(8)) == ""


@given(st.text(max_size=8), st.sampled_from(["AB", "BA"]), st.sampled_from(["nul", "space"]))
def test_any_text_comes_back(text: str, string_order: Any, padding: Any) -> None:
    text = text.replace("\0", "").rstrip(" ").encode("utf-8", "replace").decode()
    kind = data_type("string", length=16, string_order=string_order, padding=padding)
    assert kind.decode(kind.encode(text)) == text


@given(st.lists(st.integers(0, 0xFFFF), min_size=3, max_size=3))
def test_raw_words_come_back(words: list[int]) -> None:
    kind = make("raw")
    assert kind.decode(kind.encode(words)) == words
    assert kind.encode(struct.pack(">3H", *words)) == kind.encode(words)
    assert data_type("raw").decode(data_type("raw").encode(words[0])) == words[0]


@pytest.mark.parametrize(
    ("name", "raw", "text"),
    [
        ("float32", "12", "float32 is given no number, got '12', expected a number"),
        ("int16", None, "int16 is given no number, got None, expected a number"),
        ("string", 12, "string is given no text, got 12, expected a text"),
        ("string", "123456789", "text is too long, got 9 bytes in '123456789', expected at most 8 bytes"),
        ("string", "a\0b", "text holds a NUL character, got 'a\\x00b', expected none"),
        ("raw", [1, 2], "raw has a wrong length, got [1, 2], expected 3 words"),
        ("raw", b"12", "raw has a wrong length, got 2 bytes, expected 6"),
        ("raw", [1, 2, 65536], "raw is given no word, got 65536, expected a whole number from 0 to 65535"),
        ("raw", [1, 2, True], "raw is given no word, got True, expected a whole number from 0 to 65535"),
    ],
)
def test_a_wrong_kind_of_value(name: str, raw: Any, text: str) -> None:
    with pytest.raises(ValueError) as caught:
        make(name).encode(raw)
    assert str(caught.value) == text


def test_wrong_wire_bytes() -> None:
    with pytest.raises(ValueError, match=r"^uint32 has a wrong length, got 3 bytes, expected 4$"):
        make("uint32").decode(b"123")
    with pytest.raises(ValueError, match=r"^bcd16 is not decimal, got 0x12A4, expected digits 0 to 9$"):
        make("bcd16").decode(b"\x12\xa4")
    with pytest.raises(
        ValueError, match=r"^string has no column of numbers, got an array, expected a numeric data type$"
    ):
        encode_many(make("string"), np.zeros(1))


@pytest.mark.parametrize(
    ("name", "length", "text"),
    [
        (
            "flaot32",
            None,
            "data type is unknown, got 'flaot32', did you mean float32? expected one of "
            + ", ".join(DATA_TYPES),
        ),
        ("float32", 4, "length is given, got 4, expected none: float32 has its own"),
        ("string", None, "length is missing, got none, expected the number of registers of the string"),
        ("raw", 0, "length is too small, got 0, expected at least 1 register"),
    ],
)
def test_a_wrong_type(name: str, length: int | None, text: str) -> None:
    with pytest.raises(ValueError) as caught:
        data_type(name, length=length)
    assert str(caught.value) == text


def test_sizes_and_limits() -> None:
    assert {name: make(name).registers for name in DATA_TYPES} == {
        "bool": 0,
        "int8": 1,
        "uint8": 1,
        "int16": 1,
        "uint16": 1,
        "int32": 2,
        "uint32": 2,
        "int64": 4,
        "uint64": 4,
        "float16": 1,
        "float32": 2,
        "float64": 4,
        "string": 4,
        "bits": 2,
        "bcd16": 1,
        "bcd32": 2,
        "bcd64": 4,
        "raw": 3,
        "sunssf": 1,
        "acc16": 1,
        "acc32": 2,
        "acc64": 4,
        "enum16": 1,
        "enum32": 2,
        "bitfield16": 1,
        "bitfield32": 2,
        "bitfield64": 4,
        "pad": 1,
        "ipaddr": 2,
        "ipv6addr": 8,
        "eui48": 4,
    }
    assert (make("uint64").minimum, make("uint64").maximum) == (0, 2**64 - 1)
    assert (make("bits").minimum, make("bits").maximum) == (0, 2**32 - 1)
    assert make("float16").maximum == 65504.0
    assert make("string").minimum is None and make("raw").maximum is None
    assert data_type("bits").registers == data_type("raw").registers == 1


@pytest.mark.parametrize(
    ("name", "text", "data"),
    [
        ("ipaddr", "192.0.2.10", "C000 020A"),
        ("ipv6addr", "2001:db8::1", "2001 0DB8 0000 0000 0000 0000 0000 0001"),
        ("eui48", "00:11:22:aa:bb:cc", "0000 0011 22AA BBCC"),
    ],
)
def test_sunspec_addresses_are_texts(name: str, text: str, data: str) -> None:
    kind = make(name)
    assert kind.encode(text) == bytes.fromhex(data)
    assert kind.decode(bytes.fromhex(data)) == text
    assert not kind.is_numeric


@pytest.mark.parametrize(
    ("name", "wrong"), [("ipaddr", "1.2.3"), ("ipv6addr", "::g"), ("eui48", "00:11"), ("ipaddr", 7)]
)
def test_what_is_no_address_is_told(name: str, wrong: object) -> None:
    with pytest.raises(ValueError, match=f"^{name} is given no address, got .*, expected one such as "):
        make(name).encode(wrong)


def test_a_scale_factor_may_be_negative() -> None:
    assert make("sunssf").encode(-2) == b"\xff\xfe"
    assert make("sunssf").decode(b"\x80\x00") == -32768  # not implemented, in SunSpec


@pytest.mark.parametrize("name", ["uint16", "int32", "bcd16"])
def test_a_fraction_does_not_fit_whole_numbers(name: str) -> None:
    kind = data_type(name)
    assert kind.encode_fitting(2.0) == kind.encode_fitting(2) == kind.encode(2)
    with pytest.raises(ValueError, match=f"value does not fit {name}, got 1.5, expected a whole number"):
        kind.encode_fitting(1.5)
