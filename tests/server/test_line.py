"""A serial line by the clock: when it answers, what it does with noise, and how it waits for a port that is gone."""

from __future__ import annotations

import errno
import os
import select
import termios
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import globalLogPublisher

from simulator.blocks.memory import sequential_registers
from simulator.config.serial_line import SerialLine, parse_line
from simulator.device import Device, DeviceKind
from simulator.errors import BindError
from simulator.functions.standard import function_table
from simulator.protocol.ascii import AsciiFramer
from simulator.protocol.checksums import with_crc
from simulator.protocol.line import RtuLine, StreamLine
from simulator.protocol.rtu import RtuFramer
from simulator.server.factory import ModbusServerFactory
from simulator.server.hub import Hub
from simulator.server.line import LinePort
from simulator.server.pty import PtySource

READ = bytes.fromhex("01 03 0000 0001")
ANSWER = with_crc(bytes.fromhex("01 03 02 0007"))
REQUEST = with_crc(READ)


class Desk:
    """A line with units 1 and 2 at one end of a pseudo-terminal, a client at the other, and a clock by hand."""

    def __init__(
        self, framing: str = "rtu", baudrate: int = 9600, source: Any = None, strict_gap: bool = False
    ) -> None:
        self.clock = MemoryReactorClock()
        self.hub = Hub(self.clock, compiled=False)
        stream: Any = RtuFramer if framing == "rtu" else AsciiFramer
        kind = DeviceKind(function_table(), rows=2)
        self.devices = {
            unit: Device(kind, unit - 1, holding_registers=sequential_registers(0, [7] * 10))
            for unit in (1, 2)
        }
        self.factory = ModbusServerFactory(self.devices, framer=stream)
        self.line: Any = (
            RtuLine(baudrate, strict_gap=strict_gap) if framing == "rtu" else StreamLine(stream())
        )
        self.source = source or PtySource(framing, SerialLine("", ""))
        self.port = LinePort(self.hub, self.source, self.line, self.factory)
        self.port.startListening()
        self.client = os.open(self.source.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def send(self, data: bytes) -> None:
        """Send, and let the line take it at the present time."""
        os.write(self.client, data)
        assert select.select([self.hub.others.fileno()], [], [], 10)[0], "nothing arrived"
        self.hub.others.doRead()

    def receive(self) -> bytes:
        """What has come back: the line writes at once."""
        try:
            return os.read(self.client, 4096)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        os.close(self.client)
        self.hub.close()


@pytest.fixture
def desks() -> Iterator[Any]:
    made: list[Desk] = []

    def make(*arguments: Any, **options: Any) -> Desk:
        made.append(Desk(*arguments, **options))
        return made[-1]

    yield make
    for desk in made:
        desk.close()


@pytest.mark.parametrize(
    ("baudrate", "silence_s"),
    [(1200, 3.5 * 11 / 1200), (9600, 3.5 * 11 / 9600), (19200, 3.5 * 11 / 19200),
     (38400, 0.00175), (115200, 0.00175)],
)  # fmt: skip
def test_an_answer_comes_after_a_silence_of_3_5_characters(
    desks: Any, baudrate: int, silence_s: float
) -> None:
    desk = desks(baudrate=baudrate)
    desk.send(REQUEST)
    desk.clock.advance(0.95 * silence_s)
    assert desk.receive() == b""
    desk.clock.advance(0.1 * silence_s)
    assert desk.receive() == ANSWER


def test_a_request_that_comes_in_pieces_is_answered_after_its_last(desks: Any) -> None:
    desk = desks(baudrate=9600)
    for byte in REQUEST:
        desk.send(bytes((byte,)))
        desk.clock.advance(0.001)
    assert desk.receive() == b""
    desk.clock.advance(0.004)
    assert desk.receive() == ANSWER


@pytest.mark.parametrize("baudrate", [300, 1200, 9600, 19200, 38400, 115200])
@pytest.mark.parametrize("characters", [1.4, 1.6, 2.4])
@pytest.mark.parametrize("strict", [True, False])
def test_a_pause_inside_a_frame(desks: Any, baudrate: int, characters: float, strict: bool) -> None:
    """Up to 1.5 characters belong to it; with strict_gap a longer one makes the frame bad."""
    desk = desks(baudrate=baudrate, strict_gap=strict)
    pause_s = characters * (11 / baudrate if baudrate <= 19200 else 0.0005)  # fixed 750 µs and 1750 µs above
    desk.send(REQUEST[:4])
    for place, byte in enumerate(REQUEST[4:]):
        desk.clock.advance(11 / baudrate + (0 if place else pause_s))
        desk.send(bytes((byte,)))
    desk.clock.advance(1)
    is_heard = not strict or characters < 1.5
    assert desk.receive() == (ANSWER if is_heard else b"")
    assert desk.line.errors == (0 if is_heard else 1)
    desk.send(REQUEST)
    desk.clock.advance(1)
    assert desk.receive() == ANSWER


def test_bytes_that_came_while_others_were_served_are_taken_before_the_silence_counts(desks: Any) -> None:
    desk = desks(baudrate=9600)
    desk.send(REQUEST[:4])
    os.write(desk.client, REQUEST[4:])  # the reactor is busy, and the timer is the first it looks at
    assert select.select([desk.hub.others.fileno()], [], [], 10)[0]
    desk.clock.advance(0.02)
    assert desk.receive() == b""
    desk.clock.advance(0.0041)
    assert desk.receive() == ANSWER


def test_a_byte_count_that_lies_is_answered_with_exception_3(desks: Any) -> None:
    """The silence ends the frame and the CRC is right, so the request is heard and refused."""
    desk = desks()
    desk.send(with_crc(bytes.fromhex("01 10 0000 0001 09 1234")))
    desk.clock.advance(1)
    assert desk.receive() == with_crc(bytes.fromhex("01 90 03"))


def test_noise_is_not_answered_and_counted_by_every_device(desks: Any) -> None:
    desk = desks()
    for noise in (b"\x00", bytes(range(40)), REQUEST[:-1] + b"\x00"):
        desk.send(noise)
        desk.clock.advance(1)
    assert desk.receive() == b""
    assert [device.state.bus_errors for device in desk.devices.values()] == [3, 3]
    assert [device.state.overruns for device in desk.devices.values()] == [0, 0]
    desk.send(REQUEST)
    desk.clock.advance(1)
    assert desk.receive() == ANSWER


def test_more_characters_than_a_frame_has_are_an_overrun(desks: Any) -> None:
    desk = desks()
    desk.send(bytes(300))
    desk.clock.advance(1)
    assert [device.state.overruns for device in desk.devices.values()] == [1, 1]
    assert desk.receive() == b""


def test_requests_to_strangers_and_their_answers_are_none_of_our_business(desks: Any) -> None:
    desk = desks()
    desk.send(with_crc(bytes.fromhex("09 06 0000 0042")))
    desk.clock.advance(0.01)
    desk.send(with_crc(bytes.fromhex("09 06 0000 0042")))  # the stranger echoes, as this function does
    desk.clock.advance(0.01)
    assert desk.receive() == b""
    desk.send(with_crc(bytes.fromhex("01 08 000B 0000")))
    desk.clock.advance(0.01)
    assert desk.receive()[:5] == bytes.fromhex("01 08 000B 00")
    assert [device.state.messages for device in desk.devices.values()] == [1, 0]


def test_two_devices_of_a_line_answer_in_turn(desks: Any) -> None:
    desk = desks()
    for unit in (1, 2, 1):
        desk.send(with_crc(bytes((unit,)) + READ[1:]))
        desk.clock.advance(0.01)
        assert desk.receive()[:1] == bytes((unit,))


def test_ascii_needs_no_silence_and_a_pause_of_a_second_drops_what_has_begun(desks: Any) -> None:
    desk = desks("ascii")
    request = AsciiFramer().build(0, 1, READ[1:])
    desk.send(request)
    assert desk.receive() == AsciiFramer().build(0, 1, bytes.fromhex("03 02 0007"))
    desk.send(request[:7])
    desk.clock.advance(1.1)
    desk.send(request[7:])
    assert desk.receive() == b""
    desk.send(request.lower())
    assert desk.receive() == AsciiFramer().build(0, 1, bytes.fromhex("03 02 0007"))
    assert desk.devices[1].state.bus_errors == 1


def test_the_ascii_delimiter_of_a_line_can_be_changed(desks: Any) -> None:
    desk = desks("ascii")
    change = bytes.fromhex("08 0003 2100")
    desk.send(AsciiFramer().build(0, 2, change))
    assert desk.receive() == AsciiFramer().build(0, 2, change)
    desk.send(AsciiFramer(0x21).build(0, 1, READ[1:]))
    assert desk.receive() == AsciiFramer(0x21).build(0, 1, bytes.fromhex("03 02 0007"))


def test_answers_that_nobody_reads_are_lost_and_the_line_goes_on(desks: Any) -> None:
    desk = desks()
    long = with_crc(bytes.fromhex("01 08 0000") + bytes(200))
    for _ in range(2000):
        os.write(desk.client, long)
        desk.hub.others.doRead()
        desk.clock.advance(0.01)
    assert desk.port.lost > 0
    termios.tcflush(desk.client, termios.TCIFLUSH)
    while desk.receive():
        desk.hub.others.doRead()
    desk.hub.others.doRead()
    desk.receive()
    desk.send(REQUEST)
    desk.clock.advance(0.01)
    assert desk.receive().endswith(ANSWER)


class Wire:
    """A source whose port can be pulled out: a fresh pseudo-terminal each time it is opened."""

    endpoint = "rtu:/dev/ttyTEST"

    def __init__(self) -> None:
        self.there = True
        self.opened = 0
        self.ends: tuple[int, ...] = ()
        self.path = ""

    def open(self) -> int:
        if not self.there:
            raise BindError(self.endpoint, errno.ENOENT, "there is no such serial port")
        self.opened += 1
        ours, theirs = os.openpty()
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        self.ends = ours, theirs
        self.path = os.ttyname(theirs)
        return ours

    def close(self) -> None:
        ends, self.ends = self.ends, ()
        for end in ends:
            os.close(end)

    def pull_out(self) -> None:
        """From now on the port is gone, and reading from it fails."""
        self.there = False
        ours, theirs = self.ends
        os.close(theirs)
        self.ends = (ours,)


def test_a_port_that_vanishes_is_looked_for_ever_less_often_and_answers_again(desks: Any) -> None:
    wire = Wire()
    desk = desks(source=wire)
    events: list[str] = []

    def watch(event: Any) -> None:
        if "endpoint" in event:
            events.append(event["log_format"].format(**event))

    globalLogPublisher.addObserver(watch)
    try:
        wire.pull_out()
        os.close(desk.client)
        assert select.select([desk.hub.others.fileno()], [], [], 10)[0]
        desk.hub.others.doRead()
        assert not desk.port.is_open
        tries = []
        before = wire.open

        def counted() -> int:
            tries.append(desk.clock.seconds())
            return before()

        wire.open = counted  # type: ignore[method-assign]
        desk.clock.pump([0.5] * 260)
        assert tries == [1, 3, 7, 15, 31, 61, 91, 121]
        wire.there = True
        desk.clock.pump([0.5] * 60)
        assert desk.port.is_open
        assert tries[-1] == 151
    finally:
        globalLogPublisher.removeObserver(watch)
    desk.client = os.open(wire.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    desk.send(REQUEST)
    desk.clock.advance(0.01)
    assert desk.receive() == ANSWER
    assert events == [
        "rtu:/dev/ttyTEST has vanished: Input/output error",
        "rtu:/dev/ttyTEST is back",
    ]


def test_a_line_that_is_closed_while_its_port_is_gone_looks_for_it_no_more(desks: Any) -> None:
    wire = Wire()
    desk = desks(source=wire)
    wire.pull_out()
    os.close(desk.client)
    assert select.select([desk.hub.others.fileno()], [], [], 10)[0]
    desk.hub.others.doRead()
    desk.client = os.open(os.devnull, os.O_RDWR)
    desk.port.stopListening()
    assert desk.clock.getDelayedCalls() == []


def test_a_hub_that_stops_answers_what_has_come_and_leaves_no_line_behind(desks: Any) -> None:
    desk = desks()
    desk.send(REQUEST)
    desk.hub.stop()
    assert desk.receive() == ANSWER
    desk.clock.advance(0.2)
    assert not desk.port.is_open
    gone = desks(source=Wire())
    gone.source.pull_out()
    os.close(gone.client)
    gone.client = os.open(os.devnull, os.O_RDWR)
    assert select.select([gone.hub.others.fileno()], [], [], 10)[0]
    gone.hub.others.doRead()
    assert gone.hub.lines == {gone.port}
    gone.hub.stop()
    gone.clock.advance(100)
    assert not gone.port.is_open
    assert gone.clock.getDelayedCalls() == []


@given(
    st.lists(st.binary(max_size=80) | st.just(REQUEST[:5]) | st.just(REQUEST[3:]), max_size=6),
    st.sampled_from(["rtu", "ascii"]),
)
@settings(max_examples=40, deadline=None)
def test_after_any_garbage_and_a_pause_the_line_answers(pieces: list[bytes], framing: str) -> None:
    desk = Desk(framing)
    try:
        for piece in filter(None, pieces):
            desk.send(piece)
            desk.clock.advance(0.0007)
        desk.clock.advance(2)
        desk.receive()
        if framing == "rtu":
            desk.send(REQUEST)
            desk.clock.advance(1)
            assert desk.receive() == ANSWER
        else:
            desk.send(AsciiFramer().build(0, 1, READ[1:]))
            assert desk.receive() == AsciiFramer().build(0, 1, bytes.fromhex("03 02 0007"))
    finally:
        desk.close()


def _pty(link: Path) -> PtySource:
    return PtySource("rtu", parse_line("", "rtu", f"pty?link={link}&baudrate=9600"))


def test_the_link_of_a_pseudo_terminal_comes_and_goes_with_it(tmp_path: Path) -> None:
    link = tmp_path / "line"
    source = _pty(link)
    source.open()
    assert os.readlink(link) == source.path
    assert source.endpoint == f"rtu:{link}?baudrate=9600"
    source.close()
    assert not os.path.lexists(link)


def test_without_a_link_the_endpoint_names_the_pseudo_terminal() -> None:
    source = PtySource("ascii", parse_line("", "ascii", "pty?baudrate=9600"))
    assert source.endpoint == "ascii:pty?baudrate=9600"
    source.open()
    assert source.endpoint == f"ascii:{source.path}?baudrate=9600"
    source.close()


def test_a_link_that_leads_nowhere_is_replaced(tmp_path: Path) -> None:
    link = tmp_path / "line"
    link.symlink_to("/dev/pts/999999")
    source = _pty(link)
    source.open()
    assert os.readlink(link) == source.path
    source.close()


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_nothing_else_is_replaced(tmp_path: Path, kind: str) -> None:
    link = tmp_path / "line"
    if kind == "file":
        link.write_text("precious")
    elif kind == "folder":
        link.mkdir()
    else:
        link.symlink_to(os.devnull)
    with pytest.raises(BindError, match=f"^rtu:{link}[?]baudrate=9600: {link}: file exists$") as caught:
        _pty(link).open()
    assert caught.value.errno == errno.EEXIST
    assert os.path.lexists(link)


def test_a_link_that_somebody_has_replaced_stays(tmp_path: Path) -> None:
    link = tmp_path / "line"
    source = _pty(link)
    source.open()
    link.unlink()
    link.symlink_to(os.devnull)
    source.close()
    assert os.readlink(link) == os.devnull


def test_a_pseudo_terminal_releases_everything(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    with pytest.raises(BindError):
        _pty(tmp_path / "no" / "folder").open()
    source = _pty(tmp_path / "line")
    source.open()
    source.close()
    assert os.listdir("/proc/self/fd") == before
