"""Function 24: queues that clients and generators fill (V1.1b3 §6.18)."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.access import gate
from simulator.blocks.base import AddressMap
from simulator.blocks.memory import sequential_registers
from simulator.device import Device, DeviceKind
from simulator.fifos import FifoStore, PushedQueue, SampledQueue
from simulator.functions.standard import function_table

PLENTY = bytes(range(62))  # 31 registers


def hexed(data: bytes) -> str:
    return data.hex(" ").upper()


def response(registers: bytes) -> str:
    """What a queue of these registers answers."""
    count = len(registers) // 2
    return hexed(b"\x18" + (2 + 2 * count).to_bytes(2, "big") + count.to_bytes(2, "big") + registers)


def devices(rows: int = 2, **queues) -> list[Device]:
    """Devices with the queues ``q100=…`` by pointer address; clients push by writing there."""
    store = FifoStore({int(name[1:]): queue for name, queue in queues.items()})
    pushes = {address: queue.push for address, queue in store.queues.items()}
    gates = [None, None, None, gate(AddressMap([(0, 10)]), [], {}, "illegal_data_address", pushes)]
    kind = DeviceKind(function_table(), rows=rows, gates=gates, fifos=store)
    return [Device(kind, row, holding_registers=sequential_registers(0, [0] * 10)) for row in range(rows)]


@pytest.mark.parametrize("count", [0, 1, 31])
def test_a_queue_of_up_to_31_registers_is_read(ask, count):
    device, _ = devices(q100=PushedQueue(PLENTY[: 2 * count], 31))
    assert ask("18 0064", device=device) == response(PLENTY[: 2 * count])


@pytest.mark.parametrize("count", [32, 100])
def test_more_than_31_registers_answer_03(ask, count):
    device, _ = devices(q100=PushedQueue(bytes(2 * count), count))
    assert ask("18 0064", device=device) == "98 03"


@pytest.mark.parametrize("address", [0, 99, 101, 0xFFFF])
def test_a_pointer_without_a_queue_answers_02(ask, address):
    device, _ = devices(q100=PushedQueue(b"", 31))
    assert ask(f"18 {address:04X}", device=device) == "98 02"


@pytest.mark.parametrize("request_", ["18", "18 00", "18 0064 00"])
def test_a_request_of_another_length_answers_03(ask, request_):
    device, _ = devices(q100=PushedQueue(b"", 31))
    assert ask(request_, device=device) == "98 03"


def test_reading_takes_nothing_out(ask):
    device, _ = devices(q100=PushedQueue(b"\x12\x34", 31))
    assert [ask("18 0064", device=device) for _ in range(3)] == [response(b"\x12\x34")] * 3


def test_writing_to_the_pointer_puts_registers_to_the_end(ask):
    device, _ = devices(q100=PushedQueue(b"\xaa\xaa", 31))
    assert ask("06 0064 BBBB", device=device) == "06 00 64 BB BB"
    assert ask("10 0064 0002 04 CCCC DDDD", device=device) == "10 00 64 00 02"
    assert ask("18 0064", device=device) == response(bytes.fromhex("AAAA BBBB CCCC DDDD"))


def test_what_is_over_the_depth_falls_out_at_the_other_end(ask):
    device, _ = devices(q100=PushedQueue(b"", 3))
    for number in range(5):
        ask(f"06 0064 000{number}", device=device)
    assert ask("18 0064", device=device) == response(bytes.fromhex("0002 0003 0004"))
    ask("10 0064 0004 08 0005 0006 0007 0008", device=device)
    assert ask("18 0064", device=device) == response(bytes.fromhex("0006 0007 0008"))


def test_a_deep_queue_can_be_filled_beyond_what_can_be_read(ask):
    device, _ = devices(q100=PushedQueue(PLENTY, 32))
    assert ask("18 0064", device=device) == response(PLENTY)
    ask("06 0064 0001", device=device)
    assert ask("18 0064", device=device) == "98 03"


def test_each_device_has_a_queue_of_its_own(ask):
    one, other = devices(q100=PushedQueue(b"\xaa\xaa", 31))
    ask("06 0064 0001", device=one)
    assert ask("18 0064", device=one) == response(b"\xaa\xaa\x00\x01")
    assert ask("18 0064", device=other) == response(b"\xaa\xaa")


def test_other_registers_are_written_as_ever(ask):
    device, _ = devices(q100=PushedQueue(b"", 31), q5=PushedQueue(b"", 31))
    ask("10 0004 0002 04 1111 2222", device=device)  # begins beside the pointer: a plain write
    ask("06 0005 3333", device=device)
    assert device.holding_registers.read(4, 2) == bytes.fromhex("1111 2222")
    assert ask("18 0005", device=device) == response(b"\x33\x33")
    assert ask("06 0065 0000", device=device) == "86 02"


def test_a_generated_queue_holds_what_stood_in_the_rows(ask):
    cells = np.zeros((3, 8), np.uint8)
    queue = SampledQueue(cells, 2, 2, 3)
    device = devices(3, q100=queue)[2]
    assert ask("18 0064", device=device) == response(b"")
    for tick in range(1, 6):
        cells[:, 3] = tick
        cells[2, 2] = 0xA0
        queue.sample(0, 2)  # a tick comes in slices
        queue.sample(2, 3)
        expected = b"".join(bytes((0xA0, each)) for each in range(max(1, tick - 2), tick + 1))
        assert ask("18 0064", device=device) == response(expected)
    assert queue.registers(0) == bytes.fromhex("0003 0004 0005")


def test_values_of_several_registers_leave_as_a_whole():
    cells = np.zeros((1, 4), np.uint8)
    queue = SampledQueue(cells, 0, 4, 5)  # room for two values
    for tick in range(1, 4):
        cells[0] = tick
        queue.sample(0, 1)
    assert queue.registers(0) == bytes.fromhex("02020202 03030303")


def test_a_generated_queue_takes_no_writes(ask):
    device, _ = devices(q100=SampledQueue(np.zeros((2, 2), np.uint8), 0, 2, 3))
    assert ask("06 0064 0001", device=device) == "86 02"
    assert ask("18 0064", device=device) == response(b"")


def test_a_register_at_the_pointer_shows_the_count():
    counts = np.zeros(2, ">u2")
    pushed = PushedQueue(b"\0\1", 2, counts)
    assert list(counts) == [1, 1]
    for _ in range(2):
        pushed.push(1, b"\0\2")
    assert list(counts) == [1, 2]
    sampled = SampledQueue(np.zeros((2, 4), np.uint8), 0, 4, 31, counts)
    assert list(counts) == [0, 0]
    sampled.sample(0, 1)
    assert list(counts) == [2, 0]
    for _ in range(20):
        sampled.sample(0, 2)
    assert counts[0] == 30


def test_no_plain_write_reaches_a_pointer():
    """What compiled code may write ends at it."""
    stops = gate(AddressMap([(0, 10)]), [], {}, "ignore", {5: lambda row, data: None}).open_stops
    assert list(stops) == [5] * 5 + [0] + [10] * 4
