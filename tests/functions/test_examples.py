"""The worked examples of MODBUS Application Protocol V1.1b3, byte for byte, and what they leave behind."""

from __future__ import annotations

import pytest

from simulator.blocks.memory import sequential_bits, sequential_registers, sparse_registers
from simulator.device import Device, DeviceKind
from simulator.functions.standard import function_table


def bits(text: str) -> list[int]:
    """Bits as the specification draws them, byte by byte, the highest of each first."""
    return [int(bit) for byte in text.split() for bit in reversed(byte)]


def spaced(text: str) -> str:
    return bytes.fromhex(text).hex(" ").upper()


def test_01_read_coils_20_to_38(ask):
    """§6.1"""
    coils = sequential_bits(19, bits("11001101 01101011 00000101"))
    #  function
    #  |  address                       function
    #  |  |     quantity                |  byte count
    #  |  |     |                       |  |  27-20 35-28 38-36
    assert ask("01 00 13 00 13", coils=coils) == "01 03 CD 6B 05"


def test_02_read_discrete_inputs_197_to_218(ask):
    """§6.2"""
    inputs = sequential_bits(196, bits("10101100 11011011 00110101"))
    #  function
    #  |  address                       function
    #  |  |     quantity                |  byte count
    #  |  |     |                       |  |  204-197 212-205 218-213
    assert ask("02 00 C4 00 16", discrete_inputs=inputs) == "02 03 AC DB 35"


def test_03_read_holding_registers_108_to_110(ask):
    """§6.3"""
    registers = sequential_registers(107, [0x022B, 0x0000, 0x0064])
    #  function
    #  |  address                       function
    #  |  |     quantity                |  byte count
    #  |  |     |                       |  |  108   109   110
    assert ask("03 00 6B 00 03", holding_registers=registers) == "03 06 02 2B 00 00 00 64"


def test_04_read_input_register_9(ask):
    """§6.4"""
    #  function
    #  |  address                       function
    #  |  |     quantity                |  byte count
    #  |  |     |                       |  |  9
    assert ask("04 00 08 00 01", input_registers=sequential_registers(8, [10])) == "04 02 00 0A"


def test_05_write_coil_173_on_and_off(ask):
    """§6.5"""
    coils = sequential_bits(172, [0])
    #  function
    #  |  address
    #  |  |     value                   the response is the request
    assert ask("05 00 AC FF 00", coils=coils) == "05 00 AC FF 00"
    assert ask("01 00 AC 00 01", coils=coils) == "01 01 01"
    assert ask("05 00 AC 00 00", coils=coils) == "05 00 AC 00 00"
    assert ask("01 00 AC 00 01", coils=coils) == "01 01 00"


def test_06_write_register_2(ask):
    """§6.6"""
    registers = sequential_registers(0, [1, 1, 1])
    #  function
    #  |  address
    #  |  |     value                   the response is the request
    assert ask("06 00 01 00 03", holding_registers=registers) == "06 00 01 00 03"
    assert ask("03 00 00 00 03", holding_registers=registers) == "03 06 00 01 00 03 00 01"


def test_15_write_coils_20_to_29(ask):
    """§6.11"""
    coils = sequential_bits(18, [1] + [0] * 10 + [1])
    #  function
    #  |  address
    #  |  |     quantity
    #  |  |     |     byte count        function
    #  |  |     |     |  27-20 29-28    |  address
    #  |  |     |     |  |  |           |  |     quantity
    assert ask("0F 00 13 00 0A 02 CD 01", coils=coils) == "0F 00 13 00 0A"
    assert ask("01 00 13 00 0A", coils=coils) == "01 02 CD 01"
    assert ask("01 00 12 00 0C", coils=coils) == "01 02 9B 0B"  # and the coils beside them as they were


def test_16_write_registers_2_and_3(ask):
    """§6.12"""
    registers = sequential_registers(0, [7, 7, 7, 7])
    #  function
    #  |  address
    #  |  |     quantity
    #  |  |     |     byte count        function
    #  |  |     |     |  2     3        |  address
    #  |  |     |     |  |     |        |  |     quantity
    assert ask("10 00 01 00 02 04 00 0A 01 02", holding_registers=registers) == "10 00 01 00 02"
    assert ask("03 00 00 00 04", holding_registers=registers) == "03 08 00 07 00 0A 01 02 00 07"


def test_22_mask_write_register_5(ask):
    """§6.16: 12 AND F2 OR (25 AND NOT F2) is 17"""
    registers = sequential_registers(4, [0x0012])
    #  function
    #  |  address
    #  |  |     AND mask
    #  |  |     |     OR mask           the response is the request
    assert ask("16 00 04 00 F2 00 25", holding_registers=registers) == "16 00 04 00 F2 00 25"
    assert ask("03 00 04 00 01", holding_registers=registers) == "03 02 00 17"


@pytest.mark.parametrize(
    ("masks", "result"),
    [
        ("00 00 AB CD", "AB CD"),  # AND of nothing: the OR mask
        ("FF FF AB CD", "12 34"),  # AND of everything: as it was
        ("FF FE 00 01", "12 35"),  # one bit set
        ("FF EF 00 00", "12 24"),  # one bit cleared
    ],
)
def test_22_masks_at_their_ends(ask, masks, result):
    registers = sequential_registers(4, [0x1234])
    ask(f"16 00 04 {masks}", holding_registers=registers)
    assert ask("03 00 04 00 01", holding_registers=registers) == f"03 02 {result}"


def test_23_read_registers_4_to_9_and_write_15_to_17(ask):
    """§6.17"""
    values = dict(zip(range(3, 9), [0x00FE, 0x0ACD, 0x0001, 0x0003, 0x000D, 0x00FF], strict=True))
    registers = sparse_registers({**values, 14: 0, 15: 0, 16: 0})
    #  function
    #  |  read address
    #  |  |     read quantity
    #  |  |     |     write address
    #  |  |     |     |     write quantity
    #  |  |     |     |     |     byte count
    #  |  |     |     |     |     |  15    16    17
    request = "17 00 03 00 06 00 0E 00 03 06 00 FF 00 FF 00 FF"
    #  function
    #  |  byte count
    #  |  |  4     5     6     7     8     9
    response = "17 0C 00 FE 0A CD 00 01 00 03 00 0D 00 FF"
    assert ask(request, holding_registers=registers) == response
    assert ask("03 00 0E 00 03", holding_registers=registers) == "03 06 00 FF 00 FF 00 FF"


def test_23_writes_before_it_reads(ask):
    """§6.17: "the write operation is performed before the read" """
    registers = sequential_registers(0, [1, 2, 3])
    assert ask("17 00 00 00 03 00 01 00 01 02 BE EF", holding_registers=registers) == "17 06 00 01 BE EF 00 03"


def test_43_14_read_basic_identification(ask):
    """§6.21; the conformity level says 81 and not 01: single objects can be read as well."""
    objects = {0: b"Company identification", 1: b"Product code XX", 2: b"V2.11"}
    device = Device(DeviceKind(function_table(), identity=lambda row: objects))
    #  function
    #  |  MEI type
    #  |  |  read device id code
    #  |  |  |  object id
    request = "2B 0E 01 00"
    response = (
        #  function
        #  |  MEI type
        #  |  |  read device id code
        #  |  |  |  conformity level
        #  |  |  |  |  more follows
        #  |  |  |  |  |  next object
        #  |  |  |  |  |  |  number of objects
        "2B 0E 01 81 00 00 03"
        #  object id
        #  |  length
        #  |  |  value
        f" 00 16 {b'Company identification'.hex()}"
        f" 01 0F {b'Product code XX'.hex()}"
        f" 02 05 {b'V2.11'.hex()}"
    )
    assert ask(request, device=device) == spaced(response)
