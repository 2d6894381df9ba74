"""A device: its tables, its counters and who may write to it."""

from __future__ import annotations

import pytest

from simulator.access import gate
from simulator.blocks.base import AddressMap
from simulator.blocks.memory import sequential_bits, sequential_registers
from simulator.datatypes import data_type
from simulator.device import Device, DeviceKind
from simulator.errors import IllegalDataAddress
from simulator.functions.table import answer, function_table
from simulator.points import Point
from simulator.protocol.codes import Table


def test_each_table_has_its_block():
    blocks = {
        "coils": sequential_bits(0, [1]),
        "discrete_inputs": sequential_bits(0, [1]),
        "input_registers": sequential_registers(0, [1]),
        "holding_registers": sequential_registers(0, [1]),
    }
    device = Device(DeviceKind(function_table()), **blocks)
    assert [device.block(table) for table in Table] == list(blocks.values())


@pytest.mark.parametrize("table", Table)
def test_a_table_the_device_does_not_have_has_no_addresses(table):
    device = Device(DeviceKind(function_table()))
    for address in (0, 1, 0xFFFF):
        with pytest.raises(IllegalDataAddress):
            device.block(table).read(address, 1)


@pytest.mark.parametrize("table", [Table.COIL, Table.HOLDING_REGISTER])
def test_a_table_the_device_does_not_have_cannot_be_written(table):
    with pytest.raises(IllegalDataAddress):
        Device(DeviceKind(function_table())).write(table, 0, 1, b"\x00\x01")


def test_writes_reach_the_table_they_are_meant_for():
    coils, registers = sequential_bits(0, [0] * 4), sequential_registers(0, [0] * 4)
    device = Device(DeviceKind(function_table()), coils=coils, holding_registers=registers)
    device.write(Table.COIL, 1, 2, b"\x03")
    device.write(Table.HOLDING_REGISTER, 2, 1, b"\x12\x34")
    assert coils.read(0, 4) == b"\x06"
    assert registers.read(0, 4) == bytes.fromhex("0000 0000 1234 0000")


def test_the_rules_of_one_table_do_not_bind_the_other():
    serial = Point("serial", Table.HOLDING_REGISTER, 0, data_type("uint16"), access="ro")
    gates = [None, None, None, gate(AddressMap([(0, 4)]), [serial], {}, "illegal_data_address")]
    device = Device(
        DeviceKind(function_table(), gates=gates),
        coils=sequential_bits(0, [0] * 4),
        holding_registers=sequential_registers(0, [7] * 4),
    )
    device.write(Table.COIL, 0, 1, b"\x01")
    device.write(Table.HOLDING_REGISTER, 1, 1, b"\x00\x01")
    with pytest.raises(IllegalDataAddress):
        device.write(Table.HOLDING_REGISTER, 0, 1, b"\x00\x01")
    assert device.holding_registers.read(0, 2) == bytes.fromhex("0007 0001")


def test_a_device_may_come_and_go_and_its_counter_stays():
    kind = DeviceKind(function_table(), rows=3)
    for row in (1, 1, 2):
        answer(Device(kind, row), bytes.fromhex("03 0000 0001"))
    assert list(kind.requests) == [0, 2, 1]


def test_an_edited_identification_stays_with_its_device():
    kind = DeviceKind(function_table(), rows=2, identity=lambda row: {0: b"Acme", 1: b"BOX"})
    Device(kind, 1).set_identity(0, b"Another")
    assert Device(kind, 1).identity() == {0: b"Another", 1: b"BOX"}
    assert Device(kind, 0).identity() == {0: b"Acme", 1: b"BOX"}
    with pytest.raises(ValueError, match=r"^object has 245 bytes, expected at most 244$"):
        Device(kind, 0).set_identity(0, bytes(245))


def test_a_device_without_identification_has_no_objects():
    assert Device(DeviceKind(function_table())).identity() == {}
