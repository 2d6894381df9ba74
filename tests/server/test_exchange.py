"""The loop of requests without a transport: which device answers, what a line's devices share."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.blocks.memory import sequential_registers
from simulator.device import Device, DeviceKind
from simulator.functions.standard import function_table
from simulator.protocol.ascii import AsciiFramer
from simulator.protocol.checksums import with_crc
from simulator.protocol.mbap import MbapFramer
from simulator.protocol.rtu import RtuFramer
from simulator.server.exchange import Exchange
from simulator.server.factory import ModbusServerFactory

READ = bytes.fromhex("03 0000 0001")
WRITE = bytes.fromhex("06 0000 0042")


def device(value: int = 7, functions: Any = None) -> Device:
    kind = DeviceKind(functions or function_table())
    return Device(kind, holding_registers=sequential_registers(0, [value] * 10))


def exchange(station: Any, framer: Any = MbapFramer, **options: Any) -> Exchange:
    factory = ModbusServerFactory(station, framer=framer, **options)
    made = factory.exchange(framer())
    made.station = factory.station
    return made


def adu(pdu: bytes, unit: int = 1, transaction: int = 1) -> bytes:
    return MbapFramer().build(transaction, unit, pdu)


def rtu(pdu: bytes, unit: int = 1) -> bytes:
    return with_crc(bytes((unit,)) + pdu)


def test_all_responses_to_one_piece_come_together_and_in_order() -> None:
    made = exchange({1: device(1), 2: device(2)})
    pieces = adu(READ, 2, 10) + adu(READ, 1, 11) + adu(READ, 2, 12)
    expected = [(10, 2, 2), (11, 1, 1), (12, 2, 2)]
    assert made.respond(pieces) == b"".join(
        adu(bytes((3, 2, 0, value)), unit, transaction) for transaction, unit, value in expected
    )


def test_half_a_request_is_answered_when_its_other_half_has_come() -> None:
    made = exchange({1: device()})
    assert made.respond(adu(READ)[:5]) == b""
    assert made.respond(adu(READ)[5:]) == adu(bytes.fromhex("03 02 0007"))


def test_requests_are_counted_at_once() -> None:
    """A counter that a request asks for has counted that request, and those before it in the same piece."""
    made = exchange({1: device()})
    count = adu(bytes.fromhex("08 000E 0000"))
    assert made.respond(adu(READ) * 3 + count)[-2:] == bytes((0, 4))
    assert made.factory.requests == 4


def test_an_unknown_unit_is_told_of_over_mbap_and_left_alone_on_a_line() -> None:
    assert exchange({1: device()}).respond(adu(READ, 9)) == adu(b"\x83\x0b", 9)
    assert exchange({1: device()}, RtuFramer).respond(rtu(READ, 9)) == b""


def test_what_answers_for_an_unknown_unit_can_be_chosen_on_a_line_too() -> None:
    made = exchange({1: device()}, RtuFramer, unknown_unit="gateway_path_unavailable")
    assert made.respond(rtu(READ, 9)) == rtu(b"\x83\x0a", 9)


def test_unit_0_is_an_ordinary_unit_over_mbap() -> None:
    made = exchange({0: device()})
    assert made.respond(adu(READ, 0)) == adu(bytes.fromhex("03 02 0007"), 0)


@pytest.mark.parametrize("framer", [RtuFramer, AsciiFramer])
def test_a_broadcast_on_a_line_is_executed_by_all_and_answered_by_none(framer: Any) -> None:
    devices = {1: device(), 5: device(), 247: device()}
    made = exchange(devices, framer)
    build = framer().build
    assert made.respond(build(0, 0, WRITE)) == b""
    for unit in devices:
        assert made.respond(build(0, unit, READ)) == build(0, unit, bytes.fromhex("03 02 0042"))
    assert [one.state.messages for one in devices.values()] == [2, 2, 2]
    assert [one.state.no_responses for one in devices.values()] == [1, 1, 1]


def test_a_device_that_cannot_carry_a_broadcast_out_keeps_no_other_from_it() -> None:
    table = list(function_table())

    def fails(device: Device, pdu: bytes) -> bytes:
        raise RuntimeError("broken")

    table[6] = fails
    devices = {1: device(functions=table), 2: device(functions=function_table(without=[6])), 3: device()}
    made = exchange(devices, RtuFramer)
    assert made.respond(rtu(WRITE, 0)) == b""
    assert devices[3].holding_registers.read(0, 1) == b"\x00\x42"
    assert made.respond(rtu(READ, 3)) == rtu(bytes.fromhex("03 02 0042"), 3)


def test_every_device_of_a_line_hears_what_is_wrong_on_it() -> None:
    devices = {1: device(), 2: device()}
    made = exchange(devices, RtuFramer)
    damaged = rtu(READ)[:-1] + b"\x00"
    assert made.respond(damaged) == b""
    assert made.idle() == b""  # type: ignore[attr-defined]  # of a line
    assert made.respond(rtu(READ)) == rtu(bytes.fromhex("03 02 0007"))
    assert [one.state.bus_errors for one in devices.values()] == [1, 1]
    assert made.factory.line_errors == 1


def test_the_bus_counts_messages_to_others() -> None:
    """08/11 counts what is on the line, 08/14 what was for this device."""
    made = exchange({1: device(), 2: device()}, RtuFramer)
    for unit in (2, 2, 9):
        made.respond(rtu(READ, unit))
    assert made.respond(rtu(bytes.fromhex("08 000B 0000"))) == rtu(bytes.fromhex("08 000B 0004"))
    assert made.respond(rtu(bytes.fromhex("08 000E 0000"))) == rtu(bytes.fromhex("08 000E 0002"))


def test_a_new_ascii_delimiter_holds_from_the_next_message_on() -> None:
    made = exchange({1: device()}, AsciiFramer)
    build = AsciiFramer().build
    change = bytes.fromhex("08 0003 2100")
    assert made.respond(build(0, 1, change)) == build(0, 1, change)
    new = AsciiFramer(0x21).build
    assert made.respond(new(0, 1, READ)) == new(0, 1, bytes.fromhex("03 02 0007"))
    assert new(0, 1, READ).endswith(b"\r!")


def test_a_delimiter_that_came_with_the_change_already_holds_for_what_follows_in_the_same_piece() -> None:
    made = exchange({1: device()}, AsciiFramer)
    old, new = AsciiFramer().build, AsciiFramer(0x21).build
    change = bytes.fromhex("08 0003 2100")
    assert made.respond(old(0, 1, change) + new(0, 1, READ)[:-1]) == old(0, 1, change)
    assert made.respond(b"!") == new(0, 1, bytes.fromhex("03 02 0007"))


def test_another_device_is_found_after_the_plant_has_changed() -> None:
    devices = {1: device(1)}
    made = exchange(devices)
    assert made.respond(adu(READ)).endswith(b"\x01")
    devices[1] = device(2)
    assert made.respond(adu(READ)).endswith(b"\x01")
    made.forget()
    assert made.respond(adu(READ)).endswith(b"\x02")
