"""What a device remembers of its communication, told directly: log, counters, the line it hangs on."""

from __future__ import annotations

from array import array
from collections.abc import Callable

import pytest

from simulator.device import Device, DeviceKind
from simulator.diagnostics import Bus, DeviceState


class Told:
    """A state, and requests that reach it one by one."""

    def __init__(self, bus: Bus | None = None) -> None:
        self.requests = array("Q", [0, 0, 0])
        self.state = DeviceState(self.requests, 1, bus)

    def plain(self, times: int = 1) -> None:
        self.requests[1] += times

    def refused(self, code: int) -> None:
        self.plain()
        self.state.refused(code)

    def broadcast(self, does: Callable[[], None] = lambda: None) -> None:
        self.plain()
        self.state.broadcast = True
        does()
        self.state.silent()
        self.state.broadcast = False

    @property
    def log(self) -> str:
        return self.state.log().hex(" ")


@pytest.fixture
def told() -> Told:
    return Told()


def test_plain_requests_are_written_when_somebody_looks(told):
    assert told.log == ""
    told.plain(3)
    assert told.log == "40 80 40 80 40 80"
    assert told.log == "40 80 40 80 40 80"
    told.plain()
    assert told.log == "40 80 40 80 40 80 40 80"


@pytest.mark.parametrize(
    ("code", "event"),
    [
        (1, "41"), (2, "41"), (3, "41"),  # read exception
        (4, "42"),  # abort
        (5, "44"), (6, "44"),  # busy
        (7, "48"),  # program NAK
        (8, "40"), (10, "40"), (11, "40"), (0x42, "40"),
    ],
)  # fmt: skip
def test_a_refusal_is_sent_with_the_bit_of_its_code(told, code, event):
    told.plain()
    told.refused(code)
    told.plain()
    assert told.log == f"40 80 {event} 80 40 80"


def test_a_broadcast_is_received_by_all_and_answered_by_none(told):
    told.broadcast()
    assert told.log == "40 c0"
    assert (told.state.messages, told.state.no_responses, told.state.events) == (1, 1, 1)


def test_modes_can_be_broadcast_and_each_request_is_told_of_once(told):
    told.broadcast(lambda: told.state.listen(()))
    assert told.log == "60 04 c0"
    told.broadcast(told.state.silent)
    assert told.log == "60 e0 60 04 c0"
    assert (told.state.no_responses, told.state.messages) == (2, 2)
    told.broadcast(lambda: told.state.restart(clear_log=False))
    assert told.log == "00 60 e0 60 e0 60 04 c0"
    assert (told.state.no_responses, told.state.listen_only) == (0, False)


def test_what_a_silent_device_hears(told):
    told.plain()
    told.state.listen(())
    told.broadcast()
    told.state.heard_error()
    assert told.log == "a2 60 e0 60 04 80"


@pytest.mark.parametrize(("overrun", "event"), [(False, "82"), (True, "92")])
def test_an_error_on_the_line_stands_where_it_came(told, overrun, event):
    told.plain()
    told.state.heard_error(overrun=overrun)
    told.plain()
    assert told.log == f"40 80 {event} 40 80"
    assert told.state.messages == 2


def test_the_log_holds_the_last_64_events(told):
    told.refused(2)
    told.plain(31)
    assert told.log == "40 80 " * 31 + "41 80"
    told.plain()
    assert told.log == ("40 80 " * 32).strip()
    told.plain(10**9)
    assert told.log == ("40 80 " * 32).strip()
    told.refused(4)
    assert told.log == "42 80 " + ("40 80 " * 31).strip()
    told.state.heard_error()
    assert told.log == "82 42 80 " + "40 80 " * 30 + "40"


def test_asking_is_received_but_not_yet_answered(told):
    told.plain(2)
    assert told.state.log(asking=True).hex(" ") == "80 40 80"
    assert told.log == "40 80 40 80"


def test_counters_are_16_bits_wide(told):
    told.plain(0x10005)
    for _ in range(0x10001):
        told.state.heard_error(overrun=True)
    state = told.state
    assert (state.messages, state.bus_messages, state.events, state.bus_errors, state.overruns) == (
        5,
        5,
        5,
        1,
        1,
    )
    for _ in range(0x10002):
        told.refused(7)
    assert (state.exceptions, state.naks, state.busies) == (2, 2, 0)


def test_the_devices_of_a_line_hear_each_others_messages():
    bus = Bus()
    one, other = Told(bus), Told(bus)
    for _ in range(3):
        bus.heard[0] += 1
        one.plain()
    bus.heard[0] += 1
    other.plain()
    assert [told.state.bus_messages for told in (one, other)] == [4, 4]
    assert [told.state.messages for told in (one, other)] == [3, 1]
    one.state.clear_counters()
    bus.heard[0] += 1
    assert [told.state.bus_messages for told in (one, other)] == [1, 5]


def test_the_delimiter_is_that_of_the_whole_line():
    bus = Bus()
    kind = DeviceKind((), rows=3)
    kind.buses.update({0: bus, 1: bus})
    Device(kind, 0).state.change_delimiter(0x21)
    assert (bus.delimiter, Device(kind, 1).state.delimiter, Device(kind, 2).state.delimiter) == (
        0x21,
        0x21,
        0x0A,
    )


def test_statistics_are_54_words(told):
    with pytest.raises(ValueError) as caught:
        told.state.statistics = bytes(107)
    assert str(caught.value) == "statistics have 107 bytes, expected 108"
    words = bytes(range(108))
    told.plain(7)
    told.state.statistics = words
    assert told.state.statistics == words
    told.plain(300)
    assert told.state.statistics == words[:41] + bytes((41 + 300 & 255,)) + words[42:]


def test_a_state_is_made_when_it_is_needed():
    kind = DeviceKind((), rows=1000)
    kind.requests[7] += 5
    assert kind.states == {}
    assert Device(kind, 7).state.messages == 5
    assert Device(kind, 7).state is kind.state(7)
    assert list(kind.states) == [7]
