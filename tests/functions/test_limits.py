"""Every limit of V1.1b3, on it and beside it, every exception code, and which of two reasons is told.

The state diagrams of §6 ask in one order: is the function supported (01), are quantity, byte count and value
right (03), do the addresses exist (02), did it work (04).
"""

from __future__ import annotations

import pytest

from simulator.blocks.memory import sequential_bits, sequential_registers
from simulator.device import Device, DeviceKind
from simulator.functions.standard import function_table

ALL = 0x10000


@pytest.fixture(scope="module")
def blocks():
    """Every address of every table."""
    return {
        "coils": sequential_bits(0, bytes(ALL)),
        "discrete_inputs": sequential_bits(0, bytes(ALL)),
        "input_registers": sequential_registers(0, bytes(ALL)),
        "holding_registers": sequential_registers(0, bytes(ALL)),
    }


def words(*numbers: int) -> str:
    return "".join(f"{number:04X}" for number in numbers)


def write_coils(quantity: int, address: int = 0) -> str:
    count = (quantity + 7) // 8
    return f"0F {words(address, quantity)} {count & 255:02X}" + "FF" * count


def write_registers(quantity: int, address: int = 0) -> str:
    return f"10 {words(address, quantity)} {quantity * 2 & 255:02X}" + "ABCD" * quantity


def read_write(read: int, write: int, read_address: int = 0, write_address: int = 0) -> str:
    head = words(read_address, read, write_address, write)
    return f"17 {head} {write * 2 & 255:02X}" + "ABCD" * write


READS = [(1, 2000), (2, 2000), (3, 125), (4, 125)]


@pytest.mark.parametrize(("function", "most"), READS)
def test_a_read_may_ask_for_1_to_its_maximum(ask, blocks, function, most):
    for quantity in (1, most):
        size = -(-quantity // 8) if function < 3 else 2 * quantity
        expected = bytes((function, size)) + bytes(size)
        assert ask(f"{function:02X} {words(0, quantity)}", **blocks) == expected.hex(" ").upper()
    for quantity in (0, most + 1, 0x7FFF, 0xFFFF):
        assert ask(f"{function:02X} {words(0, quantity)}", **blocks) == f"{function | 0x80:02X} 03"


@pytest.mark.parametrize(
    ("function", "write", "most"), [("0F", write_coils, 1968), ("10", write_registers, 123)]
)
def test_a_write_may_carry_1_to_its_maximum(ask, blocks, function, write, most):
    for quantity in (1, most):
        assert ask(write(quantity), **blocks) == bytes.fromhex(function + words(0, quantity)).hex(" ").upper()
    for quantity in (0, most + 1):
        assert ask(write(quantity), **blocks) == f"{int(function, 16) | 0x80:02X} 03"


def test_23_may_read_125_and_write_121(ask, blocks):
    assert ask(read_write(125, 121), **blocks).startswith("17 FA AB CD")
    assert ask(read_write(1, 1), **blocks) == "17 02 AB CD"
    for read, write in [(126, 1), (0, 1), (1, 122), (1, 0), (0, 0)]:
        assert ask(read_write(read, write), **blocks) == "97 03"


@pytest.mark.parametrize("value", ["0001", "00FF", "FF01", "FFFF", "0100"])
def test_a_coil_is_written_ff00_or_0000_and_nothing_else(ask, value):
    for state in (0, 1):
        coils = sequential_bits(0, [state])
        assert ask(f"05 0000 {value}", coils=coils) == "85 03"
        assert ask("01 0000 0001", coils=coils) == f"01 01 0{state}"


LAST_ADDRESSES = [
    ("01", "FFFF 0001", "FFFF 0002"),
    ("02", "F830 07D0", "F831 07D0"),
    ("03", "FF83 007D", "FF84 007D"),
    ("04", "FFFF 0001", "FFFF 0002"),
    ("0F", "FFFE 0002 01 03", "FFFF 0002 01 03"),
    ("10", "FFFE 0002 04 0001 0002", "FFFF 0002 04 0001 0002"),
    ("17", "FFFF 0001 FFFF 0001 02 0001", "FFFF 0002 FFFF 0001 02 0001"),
    ("17", "0000 0001 FFFE 0002 04 0001 0002", "0000 0001 FFFF 0002 04 0001 0002"),
]


@pytest.mark.parametrize(("function", "inside", "outside"), LAST_ADDRESSES)
def test_a_range_may_end_at_65535_and_not_beyond(ask, blocks, function, inside, outside):
    assert ask(f"{function} {inside}", **blocks).startswith(function)
    assert ask(f"{function} {outside}", **blocks) == f"{int(function, 16) | 0x80:02X} 02"


REQUESTS = {
    1: "01 0000 0001",
    2: "02 0000 0001",
    3: "03 0000 0001",
    4: "04 0000 0001",
    5: "05 0000 FF00",
    6: "06 0000 0001",
    15: "0F 0000 0001 01 01",
    16: "10 0000 0001 02 0001",
    22: "16 0000 0000 0001",
    23: "17 0000 0001 0000 0001 02 0001",
}
by_request = pytest.mark.parametrize(("function", "request_"), REQUESTS.items())


@by_request
def test_a_device_without_the_table_answers_02(ask, function, request_):
    assert ask(request_) == f"{function | 0x80:02X} 02"


@by_request
def test_a_device_without_the_function_answers_01_whatever_else_is_wrong(ask, blocks, function, request_):
    expected = f"{function | 0x80:02X} 01"
    assert ask(request_, without=[function], **blocks) == expected
    assert ask(request_[:2], without=[function]) == expected
    assert ask(request_ + "00", without=[function]) == expected


@by_request
def test_a_request_cut_short_at_any_byte_answers_03(ask, blocks, function, request_):
    whole = bytes.fromhex(request_)
    for size in range(1, len(whole)):
        assert ask(whole[:size].hex(), **blocks) == f"{function | 0x80:02X} 03"


@by_request
def test_a_request_with_bytes_too_many_answers_03(ask, blocks, function, request_):
    for extra in ("00", "0000", "00" * 200):
        assert ask(request_ + extra, **blocks) == f"{function | 0x80:02X} 03"


@pytest.mark.parametrize(
    "request_",
    [
        #      byte count
        "0F 0000 0009 01 FF",
        "0F 0000 0009 03 FFFFFF",
        "0F 0000 0008 02 FFFF",
        "0F 0000 0008 00",
        "10 0000 0002 02 0001",
        "10 0000 0002 03 000100",
        "10 0000 0001 04 0001 0002",
        "10 0000 0002 04 0001",
        "10 0000 0001 00",
        "17 0000 0001 0000 0002 02 0001",
        "17 0000 0001 0000 0001 04 0001 0002",
        "17 0000 0001 0000 0001 02",
    ],
)
def test_a_byte_count_that_does_not_fit_answers_03_and_writes_nothing(ask, blocks, request_):
    before = [block.read(0, 100) for block in blocks.values()]
    assert ask(request_, **blocks) == f"{bytes.fromhex(request_)[0] | 0x80:02X} 03"
    assert [block.read(0, 100) for block in blocks.values()] == before


@pytest.mark.parametrize(
    "request_",
    [
        "01 FFFF 0000",
        "02 FFFF 07D1",
        "03 FFFF 007E",
        "04 FFFF 0000",
        "05 FFFF 0001",
        "0F FFFF 0010 01 FF",
        "10 FFFF 0002 02 0001",
        "17 FFFF 0000 0000 0001 02 0001",
        "17 FFFF 0001 FFFF 0002 02 0001",
    ],
)
def test_a_wrong_quantity_or_value_is_told_before_a_wrong_address(ask, request_):
    """Nothing has an address here: 03 can only come first."""
    assert ask(request_) == f"{bytes.fromhex(request_)[0] | 0x80:02X} 03"


@pytest.mark.parametrize(
    ("request_", "refused"),
    [
        ("17 0000 0001 000A 0001 02 FFFF", "the write address"),
        ("17 000A 0001 0000 0001 02 FFFF", "the read address"),
        ("17 0000 0001 0009 0002 04 FFFF FFFF", "the last write address"),
    ],
)
def test_23_changes_nothing_when_one_of_its_ranges_does_not_exist(ask, request_, refused):
    registers = sequential_registers(0, range(10))
    assert ask(request_, holding_registers=registers) == "97 02", refused
    assert registers.read(0, 10) == bytes.fromhex(words(*range(10)))


def test_writes_to_what_does_not_exist_change_nothing(ask):
    coils, registers = sequential_bits(0, [0] * 10), sequential_registers(0, [0] * 10)
    for request in ("05 000A FF00", "0F 0005 0006 01 FF"):
        assert ask(request, coils=coils).endswith(" 02")
    for request in ("06 000A 0001", "10 0009 0002 04 0001 0002", "16 000A 0000 FFFF"):
        assert ask(request, holding_registers=registers).endswith(" 02")
    assert coils.read(0, 10) == bytes(2)
    assert registers.read(0, 10) == bytes(20)


UNASSIGNED = [9, 10, 13, 14, 18, 19, *range(25, 43), *range(44, 128)]  # V1.1b3 §5.1


@pytest.mark.parametrize("code", UNASSIGNED)
def test_a_code_that_nobody_knows_answers_01(ask, blocks, code):
    for rest in ("", "0000 0001"):
        assert ask(f"{code:02X} {rest}", **blocks) == f"{code | 0x80:02X} 01"


@pytest.mark.parametrize("code", [0x00, 0x80, 0x83, 0xFF])
def test_a_code_outside_1_to_127_answers_01_with_the_high_bit_set(ask, blocks, code):
    assert ask(f"{code:02X} 0000 0001", **blocks) == f"{code | 0x80:02X} 01"


def test_a_fault_of_ours_answers_04(ask):
    class Broken:
        def read(self, address: int, quantity: int) -> bytes:
            raise RuntimeError("out of order")

    assert (
        ask("03 0000 0001", device=Device(DeviceKind(function_table()), holding_registers=Broken()))
        == "83 04"
    )
