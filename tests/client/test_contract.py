"""What every client can do over every transport and framing, against a running plant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simulator.errors import IllegalDataAddress, IllegalDataValue, ModbusException, TimedOut
from simulator.protocol.diagnostics import Diagnostic, DiagnosticsRequest


def test_c4_e4_registers_and_coils_are_written_and_read(ask: Any) -> None:
    assert ask.read_discrete_inputs(0, 5) == [True, False, False, True, True]
    ask.write_single_register(200, 777)
    ask.write_multiple_registers(201, [1, 65535])
    assert ask.read_holding_registers(200, 3) == [777, 1, 65535]
    ask.write_single_coil(300, True)
    ask.write_multiple_coils(301, [False, True, True])
    assert ask.read_coils(300, 4) == [True, False, True, True]
    assert ask.read_input_registers(0, 2) == [0x4367, 0x8000]
    assert ask.read_holding_registers(0, unit=2) == [2]
    assert len(ask.read_coils(0, 2000)) == 2000
    assert len(ask.read_holding_registers(0, 125)) == 125


def test_c4_e4_the_other_function_codes(ask: Any, scheme: str) -> None:
    ask.write_single_register(210, 0x12)
    ask.mask_write_register(210, 0xF2, 0x25)
    assert ask.read_holding_registers(210) == [0x17]
    assert ask.read_write_multiple_registers(210, 2, 211, [9]) == [0x17, 9]
    assert ask.read_fifo_queue(3000) == [0x01B8, 0x1284]
    assert ask.read_file_record((4, 1, 2), (3, 0, 1)) == [[0x0DFE, 0x0020], [7]]
    ask.write_file_record((4, 7, [1, 2]))
    assert ask.read_file_record((4, 7, 2)) == [[1, 2]]
    assert ask.report_server_id().split(2) == (b"\x11\x22", True, b"")
    objects = ask.read_device_identification(3)
    assert objects[0] == b"Acme"
    assert (objects[0x90], objects[0x91]) == (b"x" * 200, b"y" * 200)  # of a second answer
    assert ask.read_device_identification(4, 1) == {1: b"BOX"}
    assert isinstance(ask.execute_pdu(bytes((3, 0, 0, 0, 1))), bytes)


def test_typed_values(ask: Any) -> None:
    ask.write("float32", 220, 21.5, byte_order="CDAB")
    assert ask.read("float32", 220, byte_order="CDAB") == 21.5
    assert ask.read("float32", 0, table="ir") == 231.5
    assert ask.read("uint32", 2, table="input_register", byte_order="CDAB") == 123456
    ask.write("int16", 222, [-1, 2, -3])
    assert ask.read("int16", 222, count=3) == [-1, 2, -3]
    ask.write("string", 230, "Grüße", length=8)
    assert ask.read("string", 230, length=8) == "Grüße"
    ask.write("bool", 310, [True, False])
    assert ask.read("bool", 310, count=2) == [True, False]
    ask.write("uint32", 400, list(range(100)))  # two requests
    assert ask.read("uint32", 400, count=100) == list(range(100))


def test_a_refusal_is_one_error_with_function_and_code(ask: Any) -> None:
    with pytest.raises(IllegalDataAddress) as caught:
        ask.read_holding_registers(1999, 2)
    assert (caught.value.function, caught.value.code, caught.value.unit) == (3, 2, 1)
    assert str(caught.value) == "unit 1 refused function 3: exception 0x02, illegal data address"
    with pytest.raises(IllegalDataValue):
        ask.write_single_register(120, 11)
    with pytest.raises(ModbusException):
        ask.read_file_record((9, 0, 1))
    assert ask.read_holding_registers(120) == [5]


def test_what_cannot_be_sent_is_told_before(ask: Any) -> None:
    for call, text in (
        (lambda: ask.read_holding_registers(0, 126), "quantity is 126, expected 1 to 125"),
        (lambda: ask.read_coils(70000), "address is 70000, expected 0 to 65535"),
        (lambda: ask.write_single_register(0, 65536), "value is 65536, expected 0 to 65535"),
        (lambda: ask.write_multiple_registers(0, []), "number of registers is 0, expected 1 to 123"),
        (lambda: ask.write_multiple_registers(0, [1, -1]), "register 1 is -1, expected 0 to 65535"),
        (lambda: ask.write_multiple_registers(-1, [1]), "address is -1, expected 0 to 65535"),
        (lambda: ask.read_coils(0, unit=256), "unit id is 256, expected 0 to 255"),
        (lambda: ask.write("uint16", 0, 70000), "value does not fit uint16, got 70000, expected 0 to 65535"),
        (lambda: ask.read("uint16", 0, count=0), "count is 0, expected 1 or more"),
        (
            lambda: ask.write("uint16", 0, 1, table="ir"),
            "table is input_register, expected one that can be written: coil or holding_register",
        ),
    ):
        with pytest.raises(ValueError) as caught:
            call()
        assert str(caught.value) == text
        assert not isinstance(caught.value, ModbusException)


def test_a_typo_is_answered_with_what_was_meant(ask: Any) -> None:
    with pytest.raises(ValueError, match="did you mean float32"):
        ask.read("flaot32", 0)
    with pytest.raises(ValueError, match="did you mean 'coil'"):
        ask.read("bool", 0, table="coli")
    with pytest.raises(ValueError, match="unknown byte_order 'ABDC'"):
        ask.read("uint32", 0, byte_order="ABDC")


def test_points_by_name_from_a_profile(ask: Any, box: Any) -> None:
    device = type(ask)(ask.face, ask.client.device(box, unit=2))
    assert device.__getitem__("voltage") == 231.5
    everything = device.read()
    assert list(everything) == list(box.points)
    assert everything["energy"] == 123456
    assert everything["current"] == -1.5
    assert everything["serial"] == "SN000042"
    assert everything["doors"] == [True, False, True]
    assert everything["alarms"] == ["wet"]
    device.write("mode", "cool")
    device.write("curve", [7, 8, 9])
    device.write("flag", False)
    device.write("relay", False)
    assert device.read("mode", "curve", "flag", "relay") == {
        "mode": "cool",
        "curve": [7, 8, 9],
        "flag": False,
        "relay": False,
    }
    device.write("mode", "heat")
    device.write("flag", True)
    device.write("relay", True)
    with pytest.raises(KeyError, match=r"unknown point 'voltaeg', .*; did you mean 'voltage'"):
        device.read("voltaeg")


@pytest.mark.parametrize("scheme", ["rtu+tcp", "rtu", "ascii", "binary"], indirect=True)
def test_diagnostics_of_a_line(ask: Any) -> None:
    assert ask.return_query_data([1, 2, 3]) == [1, 2, 3]
    ask.clear_counters()
    before = ask.return_server_message_count()
    ask.read_exception_status()
    assert ask.return_server_message_count() == before + 2
    for verb in (
        ask.return_diagnostic_register,
        ask.return_bus_communication_error_count,
        ask.return_bus_exception_error_count,
        ask.return_server_no_response_count,
        ask.return_server_nak_count,
        ask.return_server_busy_count,
        ask.return_bus_character_overrun_count,
    ):
        assert verb() == 0
    assert ask.return_bus_message_count() > 0
    ask.clear_overrun_counter()
    assert len(ask.get_modbus_plus_statistics()) == 54
    ask.clear_modbus_plus_statistics()
    assert ask.get_comm_event_counter().busy is False
    assert ask.get_comm_event_log().message_count > 0
    ask.restart_communications(clear_log=True)
    answer = ask.execute(DiagnosticsRequest(Diagnostic.RETURN_QUERY_DATA, (5,)))
    assert answer.data == (5,)


@pytest.mark.parametrize("scheme", ["rtu+tcp", "rtu", "ascii"], indirect=True)
def test_a_broadcast_is_not_waited_for(ask: Any) -> None:
    assert ask.write_single_register(500, 1234, unit=0) is None
    assert ask.read_holding_registers(500, unit=1) == [1234]
    assert ask.read_holding_registers(500, unit=2) == [1234]
    with pytest.raises(ValueError, match=r"^unit id is 0, expected 1 to 255: nobody answers a broadcast$"):
        ask.read_holding_registers(500, unit=0)


@pytest.mark.parametrize("scheme", ["rtu+tcp", "rtu", "udp"], indirect=True)
def test_a_unit_that_nobody_has_is_silent_on_a_line(
    make: Callable[..., Any], listening: Any, scheme: str
) -> None:
    ask = make(listening.url(scheme), timeout=0.3)
    error: type[Exception] = ModbusException if scheme == "udp" else TimedOut
    with pytest.raises(error):
        ask.read_coils(0, unit=99)
    assert ask.read_holding_registers(0) == [1]


@pytest.mark.parametrize("scheme", ["tcp"], indirect=True)
def test_addresses_may_count_from_one(make: Callable[..., Any], listening: Any, scheme: str) -> None:
    ask = make(listening.url(scheme), address_base=1, unit=2)
    assert ask.read_holding_registers(1) == [2]
    assert ask.read("float32", 1, table="ir") == 231.5
    with pytest.raises(ValueError, match=r"^address is -1, expected 0 to 65535$"):
        ask.read_coils(0)
