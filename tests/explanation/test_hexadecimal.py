"""Bytes as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.explanation.hexadecimal import parse_hex


@pytest.mark.parametrize(
    "text",
    ["00012a", "00 01 2A", "0x00,0x01,0x2a", "0x00012A", "00:01:2a", "[00][01][2A]", "0 1 2a", r"\x00\x01\x2a",
     "00h 01h 2Ah", "00-01-2A", "$00 $01 $2A", "b'\\x00\\x01\\x2a'"[1:], "{0x00, 0x01, 0x2A};", "0001\n2a"],
)  # fmt: skip
def test_every_way_of_writing_bytes(text):
    assert parse_hex(text) == b"\x00\x01\x2a"


def test_an_ascii_frame_is_its_characters():
    assert parse_hex(":010300000001FB") == b":010300000001FB\r\n"
    assert parse_hex(":010300000001FB\\r\\n") == b":010300000001FB\r\n"
    assert parse_hex(":010300000001FB\n:010300000001FB") == b":010300000001FB\r\n" * 2


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("0103zz", "'z' in '0103zz' is no hexadecimal digit, expected bytes such as '00 01 2A'"),
        ("01 030", "'030' has 3 digits, expected two for each byte"),
        ("TX: 01 03", "'T' in 'TX: 01 03' is no hexadecimal digit"),
    ],
)
def test_anything_else_is_refused(text, fact):
    with pytest.raises(ValueError) as caught:
        parse_hex(text)
    assert str(caught.value).startswith(fact)


@given(st.binary(max_size=50))
def test_bytes_survive_every_separator(data):
    for shown in (data.hex(), data.hex(" "), data.hex("-"), ", ".join(f"0x{byte:02x}" for byte in data)):
        assert parse_hex(shown) == data
