"""Function 08: every sub-function, its limits, and listen-only mode (V1.1b3 §6.8)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.blocks.memory import sequential_registers
from simulator.device import Device, DeviceKind
from simulator.errors import NegativeAcknowledge, ServerDeviceBusy
from simulator.functions.standard import function_table

READ, BAD_READ, EVENTS = "03 0000 0001", "03 0000 0009", "0C"


@pytest.fixture
def device() -> Device:
    return Device(DeviceKind(function_table()), holding_registers=sequential_registers(0, [0x1234]))


@pytest.fixture
def say(ask, device) -> Callable[[str], str]:
    """Ask the one device of the test."""
    return lambda request: ask(request, device=device)


def counter(say, sub_function: int) -> int:
    """What a counting sub-function returns."""
    response = bytes.fromhex(say(f"08 {sub_function:04X} 0000"))
    assert response[:3] == bytes((8, 0, sub_function))
    assert len(response) == 5
    return int.from_bytes(response[3:], "big")


@pytest.mark.parametrize("data", ["0000", "A537", "A537 0001 FFFF", "ABCD" * 125])
def test_00_returns_what_it_got(say, data):
    assert say(f"08 0000 {data}") == bytes.fromhex(f"08 0000 {data}").hex(" ").upper()


@pytest.mark.parametrize("sub_function", [5, 9, 19, 22, 0x0100, 0xFFFF])
def test_an_unknown_sub_function_answers_01(say, sub_function):
    assert say(f"08 {sub_function:04X} 0000") == "88 01"


@pytest.mark.parametrize(
    "request_",
    [
        "08", "08 00",  # no sub-function
        "08 0000", "08 0000 A5", "08 0000 A537 01",  # no words
        "08 0001", "08 0001 0001", "08 0001 FFFF", "08 0001 00FF", "08 0001 0000 0000",
        "08 0002 0001", "08 0002", "08 0002 0000 0000",
        "08 0003 0A01", "08 0003",
        "08 0004 0001", "08 0004 0000 0000",
        "08 000A 0001", "08 000B FF00", "08 000C 0001", "08 000D 0001", "08 000E 0001", "08 000F 0001",
        "08 0010 0001", "08 0011 0001", "08 0012 0001", "08 0014 0001",
        "08 0015 0000", "08 0015 0002", "08 0015 0005", "08 0015", "08 0015 0003 0000",
    ],
)  # fmt: skip
def test_wrong_data_answers_03_and_changes_nothing(say, device, request_):
    assert say(request_) == "88 03"
    assert not device.state.listen_only
    assert device.state.delimiter == 0x0A


def test_02_returns_the_diagnostic_register_and_0a_clears_it(say, device):
    device.state.diagnostic_register = 0xBEEF
    #                                function
    #                                |  sub-function
    #                                |  |     diagnostic register
    assert say("08 0002 0000") == "08 00 02 BE EF"
    assert say("08 000A 0000") == "08 00 0A 00 00"
    assert say("08 0002 0000") == "08 00 02 00 00"


def test_03_changes_the_delimiter_of_this_device(say, device):
    assert say("08 0003 2100") == "08 00 03 21 00"
    assert device.state.delimiter == ord("!")


@pytest.mark.parametrize("character", [":", "0", "9", "A", "F", "a", "f"])
def test_03_refuses_what_ascii_frames_are_made_of(say, device, character):
    assert say(f"08 0003 {ord(character):02X}00") == "88 03"
    assert device.state.delimiter == 0x0A


def test_the_counters_of_messages_count_the_request_that_asks(say):
    assert counter(say, 11) == 1
    say(READ)
    say(BAD_READ)
    assert counter(say, 11) == 4
    assert counter(say, 14) == 5


def test_exceptions_are_counted_and_those_of_6_and_7_by_themselves(say, device):
    def busy(device, pdu):
        raise ServerDeviceBusy("not now")

    def never(device, pdu):
        raise NegativeAcknowledge("no")

    table = list(device.functions)
    table[65], table[66] = busy, never
    device.functions = tuple(table)
    assert [counter(say, each) for each in (13, 16, 17)] == [0, 0, 0]
    assert say("41") == "C1 06"
    assert [say("42"), say("42")] == ["C2 07"] * 2
    assert say(BAD_READ) == "83 02"
    assert [counter(say, each) for each in (13, 16, 17)] == [4, 2, 1]
    assert counter(say, 15) == 0


def test_what_a_line_tells_is_counted(say, device):
    device.state.heard_error()
    device.state.heard_error()
    device.state.heard_error(overrun=True)
    assert counter(say, 12) == 3
    assert counter(say, 18) == 1
    assert counter(say, 14) == 3  # such bytes are no message to the device


def test_14_clears_the_overruns_alone(say, device):
    device.state.heard_error(overrun=True)
    assert say("08 0014 0000") == "08 00 14 00 00"
    assert counter(say, 18) == 0
    assert counter(say, 12) == 1


def test_0a_clears_all_counters_and_keeps_the_log(say, device):
    say(BAD_READ)
    device.state.heard_error(overrun=True)
    assert say("08 000A 0000") == "08 00 0A 00 00"
    assert [counter(say, each) for each in (12, 13, 15, 16, 17, 18)] == [0] * 6
    assert counter(say, 11) == 7  # the six before, and this one
    assert say("0B") == "0B 00 00 00 07"
    assert say(EVENTS).endswith(" 40 80 92 41 80")  # the oldest: refused, then the line


def test_15_returns_54_words_and_clears_them(say, device):
    device.state.statistics = bytes.fromhex("0001 0203") + bytes(104)
    response = bytes.fromhex(say("08 0015 0003"))
    #                                            function
    #                                            |  sub-function
    #                                            |  |    operation
    #                                            |  |    |    words 0, 1, 2
    assert response[:11] == bytes.fromhex("08 0015 0003 0001 0203 0000")
    assert len(response) == 5 + 2 * 54
    assert say("08 0015 0004") == "08 00 15 00 04"
    assert bytes.fromhex(say("08 0015 0003"))[5:] == bytes(41) + b"\x01" + bytes(66)


def test_15_counts_good_packets_since_it_was_cleared(say):
    """Word 20, low byte."""
    say(READ)
    say(READ)
    assert bytes.fromhex(say("08 0015 0003"))[5 + 41] == 3
    say("08 000A 0000")  # another matter
    assert bytes.fromhex(say("08 0015 0003"))[5 + 41] == 5
    say("08 0015 0004")
    assert bytes.fromhex(say("08 0015 0003"))[5 + 41] == 1


def test_01_answers_then_clears_counters_and_marks_the_log(say):
    say(BAD_READ)
    assert say("08 0001 0000") == "08 00 01 00 00"
    assert [counter(say, each) for each in (13, 11)] == [0, 2]
    #  received; 2 × sent and received; restarted; sent, received; sent exception, received
    assert say(EVENTS) == "0C 10 00 00 00 02 00 03 80 40 80 40 80 00 40 80 41 80"


def test_01_ff00_clears_the_log_as_well(say):
    say(READ)
    assert say("08 0001 FF00") == "08 00 01 FF 00"
    assert say(EVENTS) == "0C 08 00 00 00 00 00 01 80 00"


def test_04_silences_the_device_until_01(say, device):
    assert say("08 0004 0000") == ""
    assert device.state.listen_only
    for request in (
        READ,
        "06 0000 0001",
        "0B",
        "0C",
        "11",
        "08 0000 1234",
        "08 000B 0000",
        "08 0004 0000",
        "63",
        "08 0001 1234",
    ):
        assert say(request) == "", request
    assert device.holding_registers.read(0, 1) == b"\x12\x34"
    assert say("08 0001 0000") == ""
    assert not device.state.listen_only
    assert say(READ) == "03 02 12 34"


def test_a_silent_device_goes_on_counting(say, device):
    say(READ)
    say("08 0004 0000")
    for _ in range(3):
        say(READ)
    state = device.state
    assert (state.messages, state.bus_messages, state.no_responses, state.events) == (5, 5, 4, 1)
    say("08 0001 0000")
    assert (state.messages, state.no_responses, state.events) == (0, 0, 0)
    assert counter(say, 15) == 0


def test_the_log_tells_of_listen_only_mode(say):
    say("08 0004 0000")
    say(READ)
    say("08 0001 0000")
    #  head                        received
    #                              |  restarted
    #                              |  |  no response, received; both: listen only
    #                              |  |  |     the same for the read
    #                              |  |  |     |     no response: listen only
    #                              |  |  |     |     |  entered listen-only mode
    #                              |  |  |     |     |  |  received
    assert say(EVENTS) == "0C 0F 00 00 00 00 00 01 80 00 60 A0 60 A0 60 04 80"


def test_a_silent_device_restarted_with_ff00_has_an_empty_log(say):
    say("08 0004 0000")
    say("08 0001 FF00")
    assert say(EVENTS) == "0C 08 00 00 00 00 00 01 80 00"


def test_devices_of_a_kind_have_nothing_of_this_in_common(ask):
    kind = DeviceKind(function_table(), rows=2)
    one, other = (Device(kind, row, holding_registers=sequential_registers(0, [row])) for row in (0, 1))
    ask(BAD_READ, device=one)
    one.state.diagnostic_register = 7
    ask("08 0003 2100", device=one)
    ask("08 0004 0000", device=one)
    assert ask(READ, device=one) == ""
    assert ask(READ, device=other) == "03 02 00 01"
    assert ask("08 0002 0000", device=other) == "08 00 02 00 00"
    assert ask("08 000D 0000", device=other) == "08 00 0D 00 00"
    assert other.state.delimiter == 0x0A
    assert ask(EVENTS, device=other) == "0C 0D 00 00 00 03 00 04 80 40 80 40 80 40 80"


def test_a_silent_device_is_silent_however_often_it_is_made():
    """Devices come and go; what a row is in stays."""
    kind = DeviceKind(function_table())
    Device(kind).listen(())
    assert Device(kind).functions == ()
    Device(kind).restart(clear_log=False)
    assert Device(kind).functions is kind.functions
