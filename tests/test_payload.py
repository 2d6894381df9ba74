"""Payloads: what a builder made a decoder reads, in every type and order, as registers and as coils."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.datatypes import data_type
from simulator.payload import (
    PayloadBuilder,
    PayloadDecoder,
    crc16,
    lrc,
    pack_bits,
    pack_words,
    unpack_bits,
    unpack_words,
    with_crc,
)

ORDERS = ["ABCD", "CDAB", "BADC", "DCBA"]
LIMITS = {
    **{f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
    **{f"bcd{bits}": (0, 10 ** (bits // 4) - 1) for bits in (16, 32, 64)},
}


@pytest.mark.parametrize("order", ORDERS)
@given(st.data())
def test_e11_payload_of_every_type_comes_back(order: str, data: st.DataObject) -> None:
    parts: list[tuple[str, Any]] = []
    builder = PayloadBuilder(order)
    kinds = st.sampled_from([*LIMITS, "float16", "float32", "float64", "string", "bits", "skip"])
    for kind in data.draw(st.lists(kinds, max_size=12)):
        if kind in LIMITS:
            value: Any = data.draw(st.integers(*LIMITS[kind]))
            builder.add(kind, value)
        elif kind.startswith("float"):
            value = data.draw(st.floats(width=int(kind[5:]), allow_nan=False))  # type: ignore[arg-type]
            builder.add(kind, value)
        elif kind == "string":
            value = data.draw(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6))
            builder.add_string(value, size=30)
        elif kind == "bits":
            value = data.draw(st.lists(st.booleans(), max_size=20))
            builder.add_bits(value)
        else:
            value = data.draw(st.integers(0, 5))
            builder.skip(value)
        parts.append((kind, value))
    for decoder in (
        PayloadDecoder(builder.registers(), order),
        PayloadDecoder.from_coils(builder.coils(), order),
        PayloadDecoder(bytes(builder), order),
    ):
        for _ in range(2):
            for kind, value in parts:
                assert taken(decoder, kind, value) == value
            assert decoder.left in (0, 1)  # half a register
            decoder.reset()


def taken(decoder: PayloadDecoder, kind: str, value: Any) -> Any:
    if kind == "string":
        return decoder.read_string(30)
    if kind == "bits":
        return decoder.read_bits(len(value))
    if kind == "skip":
        decoder.skip(value)
        return value
    return decoder.read(kind)


@pytest.mark.parametrize(
    ("order", "registers"),
    [
        ("ABCD", [0x0102, 0x0304]),
        ("CDAB", [0x0304, 0x0102]),
        ("BADC", [0x0201, 0x0403]),
        ("DCBA", [0x0403, 0x0201]),
    ],
)
def test_e11_the_four_orders(order: str, registers: list[int]) -> None:
    assert PayloadBuilder(order).add("uint32", 0x01020304).registers() == registers
    assert PayloadBuilder().add("uint32", 0x01020304, byte_order=order).registers() == registers
    assert PayloadDecoder(registers, order).read("uint32") == 0x01020304
    assert PayloadDecoder(registers).read("uint32", byte_order=order) == 0x01020304


def test_e11_eight_bits_take_a_byte_and_coils_begin_with_the_highest() -> None:
    builder = PayloadBuilder().add("int8", -1, 5).add_bits([True, False, True]).add("uint8", 0x80)
    assert builder.registers() == [0xFF05, 0x0580]
    assert builder.coils()[16:24] == [False] * 5 + [True, False, True]
    decoder = PayloadDecoder(builder.registers())
    assert decoder.read_many("int8", 2) == [-1, 5]
    assert decoder.read_bits(3) == [True, False, True]
    assert decoder.read("uint8") == 0x80
    assert builder.reset().registers() == []


def test_it_is_the_same_as_a_point() -> None:
    for name in ("int16", "float32", "bcd64", "uint64", "ipaddr"):
        value = "192.0.2.1" if name == "ipaddr" else 7
        for order in ORDERS:
            assert bytes(PayloadBuilder(order).add(name, value)) == data_type(name, order=order).encode(value)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (lambda: PayloadBuilder("ABDC"), "byte_order is 'ABDC', expected ABCD, CDAB, BADC, DCBA"),
        (lambda: PayloadBuilder().add("uint8", 256), "value does not fit uint8, got 256, expected 0 to 255"),
        (lambda: PayloadBuilder().add("int16", 40000), "value does not fit int16, got 40000, expected -32768 to 32767"),
        (lambda: PayloadBuilder().add("uint16", math.nan), "value does not fit uint16, got nan, expected 0 to 65535"),
        (lambda: PayloadBuilder().add("float16", 1e6), "value does not fit float16, got 1000000.0, expected -65504.0 to 65504.0"),
        (lambda: PayloadBuilder().add("string", "a"), "data type is string, expected a number: the others have methods of their own"),
        (lambda: PayloadBuilder().add_string("abc", size=2), "text is too long, got 3 bytes in 'abc', expected at most 2"),
        (lambda: PayloadBuilder().add_bits([2]), "bit 0 is 2, expected true or false"),
        (lambda: PayloadBuilder().add_registers([70000]), "register 0 is 70000, expected 0 to 65535"),
        (lambda: PayloadBuilder().skip(-1), "size is -1, expected 0 or more"),
        (lambda: PayloadDecoder([1]).read("uint32"), "payload is too short, got 2 bytes, expected 4 more"),
        (lambda: PayloadDecoder.from_coils([True] * 15), "number of coils is 15, expected a multiple of 16"),
    ],
)  # fmt: skip
def test_what_does_not_fit(wrong: Any, text: str) -> None:
    with pytest.raises(ValueError) as caught:
        wrong()
    assert str(caught.value) == text


def test_a_typo_is_answered_with_what_was_meant() -> None:
    with pytest.raises(ValueError, match="did you mean float32"):
        PayloadBuilder().add("flaot32", 1)


def test_the_helpers_beneath() -> None:
    assert crc16(b"123456789") == 0x4B37
    assert with_crc(b"\x02\x07") == b"\x02\x07\x41\x12"  # V1.02 §6.2.2
    assert lrc(bytes.fromhex("02 07")) == 0xF7
    assert pack_bits([True, False, True]) == b"\x05"
    assert unpack_bits(b"\x05")[:3] == (True, False, True)
    assert unpack_words(pack_words([1, 2])) == (1, 2)
