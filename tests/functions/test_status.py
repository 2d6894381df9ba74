"""Functions 07, 11, 12 and 17: exception status, event counter, event log, server id (V1.1b3 §6.7, 6.9, 6.10, 6.13)."""

from __future__ import annotations

import pytest

from simulator.blocks.memory import sequential_registers
from simulator.device import Device, DeviceKind, ServerId
from simulator.functions.standard import function_table
from simulator.functions.table import answer


def device(rows: int = 1, **functions) -> Device:
    return Device(
        DeviceKind(function_table(), rows=rows, **functions),
        holding_registers=sequential_registers(0, [0] * 4),
    )


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ("07", "87 01"),
        ("11", "91 01"),
        ("14 07 06 0004 0001 0002", "94 01"),
        ("15 09 06 0004 0000 0001 0000", "95 01"),
        ("18 04DE", "98 01"),
    ],
)
def test_a_device_does_not_have_the_functions_its_profile_says_nothing_of(ask, request_, expected):
    assert ask(request_) == expected


def test_07_is_asked_of_the_device_each_time(ask):
    asked = device(exception_status=lambda device: device.holding_registers.read(0, 1)[1])
    assert ask("07", device=asked) == "07 00"
    ask("06 0000 0081", device=asked)
    assert ask("07", device=asked) == "07 81"


@pytest.mark.parametrize("request_", ["07 00", "0B 00", "0C 00", "11 00", "0C 00 00"])
def test_a_request_with_anything_behind_its_code_answers_03(ask, request_):
    asked = device(exception_status=lambda device: 0, server_id=lambda row: ServerId(b"\x01"))
    assert ask(request_, device=asked) == f"{int(request_[:2], 16) | 0x80:02X} 03"


@pytest.mark.parametrize(("running", "indicator"), [(True, "FF"), (False, "00")])
def test_17_tells_id_run_indicator_and_what_the_vendor_adds(ask, running, indicator):
    asked = device(server_id=lambda row: ServerId(b"\x11\x22", running, b"EM3"))
    #                                           function
    #                                           |  byte count
    #                                           |  |  server id
    #                                           |  |  |     run indicator
    #                                           |  |  |     |           additional data
    assert ask("11", device=asked) == f"11 06 11 22 {indicator} 45 4D 33"


def test_17_tells_of_the_device_that_is_asked(ask):
    kind = DeviceKind(function_table(), rows=3, server_id=lambda row: ServerId(bytes((row,))))
    assert ask("11", device=Device(kind, 2)) == "11 02 02 FF"


def test_11_counts_what_was_completed_well_and_nothing_else(ask):
    asked = device()
    assert ask("0B", device=asked) == "0B 00 00 00 00"
    for _ in range(3):
        ask("06 0000 0001", device=asked)  # counts
    ask("08 0000 1234", device=asked)  # counts
    ask("03 0000 0009", device=asked)  # refused: 02
    ask("63", device=asked)  # refused: 01
    ask("0B", device=asked)
    ask("0C", device=asked)
    assert ask("0B", device=asked) == "0B 00 00 00 04"


def test_11_and_12_tell_that_a_program_command_is_in_progress(ask):
    asked = device()
    asked.state.in_progress = True
    assert ask("0B", device=asked) == "0B FF FF 00 00"
    assert ask("0C", device=asked)[:11] == "0C 09 FF FF"
    asked.state.in_progress = False
    assert ask("0B", device=asked) == "0B 00 00 00 00"


def test_11_wraps_after_65535(ask):
    asked = device()
    asked.kind.requests[0] = 0x1FFFF
    assert ask("0B", device=asked) == "0B 00 00 FF FF"
    ask("08 0000 1234", device=asked)
    assert ask("0B", device=asked) == "0B 00 00 00 00"


def test_12_of_a_fresh_device_knows_only_that_it_is_asked(ask):
    #  function
    #  |  byte count
    #  |  |  status
    #  |  |  |     event count
    #  |  |  |     |     message count
    #  |  |  |     |     |     event 0: received
    assert ask("0C", device=device()) == "0C 07 00 00 00 00 00 01 80"


def test_12_tells_events_newest_first(ask):
    asked = device()
    ask("03 0000 0001", device=asked)  # 80 40
    ask("03 0000 0009", device=asked)  # 80 41: exception 02
    ask("06 0000 0001", device=asked)  # 80 40
    #  function
    #  |  byte count
    #  |  |  status
    #  |  |  |     event count
    #  |  |  |     |     message count
    #  |  |  |     |     |     received
    #  |  |  |     |     |     |  sent, received
    #  |  |  |     |     |     |  |     sent exception, received
    #  |  |  |     |     |     |  |     |     sent, received
    assert ask("0C", device=asked) == "0C 0D 00 00 00 02 00 04 80 40 80 41 80 40 80"


def test_12_keeps_64_events(ask):
    asked = device()
    for _ in range(40):
        ask("03 0000 0001", device=asked)
    log = bytes.fromhex(ask("0C", device=asked))
    assert log[:8] == bytes.fromhex("0C 46 0000 0028 0029")
    assert log[8:] == b"\x80" + b"\x40\x80" * 31 + b"\x40"
    assert len(log) == 8 + 64


def test_an_empty_response_is_no_answer():
    asked = device()
    answer(asked, bytes.fromhex("08 0004 0000"))
    assert answer(asked, b"\x0c") == b""
