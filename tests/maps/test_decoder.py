"""Registers, bits and bytes by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import ConfigError
from simulator.maps import Decoder

MAP = """\
name,table,address,data_type,size,scale,access,enum
voltage,hr,0,float32 CDAB,2,,,
current,hr,2,int16,1,0.1,,
mode,hr,3,uint16,1,,,0=stop; 1=run
serial,hr,4,string,2,,,
secret,hr,6,uint16,1,,wo,
phases,ir,0,uint16,3,,,
relay,co,1,bool,1,,,
lamps,co,2,bool,2,,,
"""


@pytest.fixture
def decoder(tmp_path: Path) -> Decoder:
    file = tmp_path / "meter.csv"
    file.write_text(MAP)
    return Decoder(file)


WORDS = [0x8000, 0x4366, 0xFFFB, 1, 0x4142, 0x4300, 7]
VALUES = {"voltage": 230.5, "current": -0.5, "mode": "run", "serial": "ABC"}


def test_registers_become_values_by_name(decoder: Decoder) -> None:
    assert decoder.decode(WORDS) == VALUES


def test_bytes_of_a_response_do_as_well(decoder: Decoder) -> None:
    assert decoder.decode(b"".join(word.to_bytes(2, "big") for word in WORDS)) == VALUES


def test_what_is_cut_off_is_left_out(decoder: Decoder) -> None:
    assert decoder.decode(WORDS[1:4], address=1) == {"current": -0.5, "mode": "run"}


def test_bits_and_other_tables(decoder: Decoder) -> None:
    expected = {"relay": True, "lamps": [False, True]}
    assert decoder.decode([False, True, False, True], table="coil") == expected
    assert decoder.decode(bytes([0b1010]), table="co") == expected
    assert decoder.decode([1, 2, 3], table="input_register") == {"phases": [1, 2, 3]}


def test_one_point(decoder: Decoder) -> None:
    assert decoder.decode_point("voltage", [0x8000, 0x4366]) == 230.5
    assert decoder.decode_point("lamps", [True, False]) == [True, False]


def test_values_become_registers(decoder: Decoder) -> None:
    assert decoder.encode("voltage", 230.5) == [0x8000, 0x4366]
    assert decoder.encode("mode", "run") == [1]
    assert decoder.encode("lamps", [True, False]) == [True, False]


def test_words_that_are_unknown(decoder: Decoder) -> None:
    with pytest.raises(KeyError, match=r"unknown point 'volatge', expected .* did you mean 'voltage'"):
        decoder.decode_point("volatge", [0, 0])
    with pytest.raises(ValueError, match="unknown table 'holding_registers', expected"):
        decoder.decode([0], table="holding_registers")
    with pytest.raises(ValueError, match="point has a wrong length, got 2 bytes, expected 4"):
        decoder.decode_point("voltage", [0])
    with pytest.raises(ValueError, match="data has 3 bytes, expected two for each register"):
        decoder.decode(b"\0\0\0")


def test_a_shipped_profile_decodes_too() -> None:
    assert "voltage_l1" in Decoder("energy-meter").decode([0] * 20, table="input_register")


def test_a_map_with_problems_decodes_nothing(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("name,table,address\na,hr,x\n")
    with pytest.raises(ConfigError, match=r"m\.csv:2:6: points\.a\.address"):
        Decoder(tmp_path / "m.csv")
