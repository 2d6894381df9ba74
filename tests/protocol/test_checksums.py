"""CRC, in Python and compiled, and LRC: against the textbook loop, at every length a frame can have."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.protocol import crc
from simulator.protocol.checksums import CRC_START, lrc, with_crc
from simulator.protocol.crc import CRC_POLYNOMIAL

Crc = Callable[..., int]


@pytest.fixture(params=["python", "compiled"], scope="module")
def crc16(request: pytest.FixtureRequest) -> Any:
    """Either function."""
    if request.param == "python":
        return crc.crc16
    return pytest.importorskip("simulator.protocol._crc16", reason="it could not be built here").crc16


def bit_by_bit(data: bytes, crc: int = CRC_START) -> int:
    """The CRC as V1.02 §6.2.2 describes it."""
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (CRC_POLYNOMIAL if crc & 1 else 0)
    return crc


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("02 07", 0x1241),  # V1.02 §6.2.2: unit 2, function 7; on the wire 41 12
        ("01 03 00 00 00 01", 0x0A84),
        ("11 03 00 6B 00 03", 0x8776),
        ("", CRC_START),
    ],
)
def test_known_crcs(crc16: Crc, data: str, expected: int) -> None:
    assert crc16(bytes.fromhex(data)) == expected


def test_the_check_value_of_the_crc_catalogue(crc16: Crc) -> None:
    """CRC-16/MODBUS of the nine digits."""
    assert crc16(b"123456789") == 0x4B37


def test_every_length_gives_the_crc_of_the_textbook(crc16: Crc) -> None:
    source = random.Random(7)
    for size in range(600):
        data = source.randbytes(size)
        assert crc16(data) == bit_by_bit(data), size


@pytest.mark.parametrize(
    "data", [bytes(256), b"\xff" * 256, bytes(255), b"\xff" * 255, b"\xff\xff" + bytes(99)]
)
def test_plain_data(crc16: Crc, data: bytes) -> None:
    assert crc16(data) == bit_by_bit(data)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_a_crc_goes_on_where_it_was_left(crc16: Crc, first: bytes, second: bytes) -> None:
    assert crc16(second, crc16(first)) == crc16(first + second)


@given(st.binary(max_size=300))
def test_a_frame_with_its_own_crc_has_the_crc_0(crc16: Crc, data: bytes) -> None:
    assert crc16(with_crc(data)) == 0
    assert with_crc(data)[-2:] == bit_by_bit(data).to_bytes(2, "little")


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((), TypeError, "got 0 arguments, expected 1 or 2"),
        ((b"", 1, 2), TypeError, "got 3 arguments"),
        (("text",), TypeError, "bytes-like"),
        ((b"", "text"), TypeError, "integer"),
        ((b"", -1), ValueError, "CRC is -1, expected 0 to 65535"),
        ((b"", 1 << 16), ValueError, "CRC is 65536"),
    ],
)
def test_the_compiled_one_refuses_what_is_no_crc(
    arguments: tuple[Any, ...], error: type[Exception], text: str
) -> None:
    compiled = pytest.importorskip("simulator.protocol._crc16", reason="it could not be built here")
    with pytest.raises(error, match=text):
        compiled.crc16(*arguments)


def test_python_on_request() -> None:
    code = "from simulator.protocol.checksums import crc16; print(crc16.__module__)"
    environment = {**os.environ, "MODSIM_PURE": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "simulator.protocol.crc"


@pytest.mark.parametrize(("a", "d", "e"), crc._FOLDS)
def test_each_fold_leaves_the_crc_as_it_is(a: int, d: int, e: int) -> None:
    """Four bits flipped at these distances cannot be seen in the CRC."""
    assert a % 16 == 0
    bits = 1 | 1 << a | 1 << a + d | 1 << a + e
    assert bit_by_bit(bits.to_bytes(a // 8 + 32, "little"), 0) == 0


@pytest.mark.parametrize(
    ("data", "expected"),
    [("01 03 00 6B 00 03", 0x8E), ("", 0), ("FF", 1), ("02 07", 0xF7), ("FF" * 255, 0xFF)],
)
def test_known_lrcs(data: str, expected: int) -> None:
    assert lrc(bytes.fromhex(data)) == expected


@given(st.binary(max_size=300))
def test_bytes_and_their_lrc_sum_up_to_0(data: bytes) -> None:
    assert (sum(data) + lrc(data)) % 256 == 0
