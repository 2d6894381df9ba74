"""The types of the compiled turn, alone: what they serve, what they leave, what wrong numbers do to them."""

from __future__ import annotations

import select
import socket
import struct
import sys
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from simulator.blocks.memory import new_buffer
from simulator.protocol.checksums import with_crc

_turn = pytest.importorskip("simulator.server._turn", reason="the compiled turn could not be built here")

READ_3 = bytes.fromhex("03 0000 0003")


def adu(pdu: bytes, unit: int = 1) -> bytes:
    return struct.pack(">HHHB", 0x0102, 0, len(pdu) + 1, unit) + pdu


def _answer(value: int) -> bytes:
    return adu(b"\x03\x06" + struct.pack(">H", value) * 3)


class Wire:
    """Lanes over a socket pair, alone."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.lanes = _turn.Lanes(self.epoll.fileno())
        self.near, self.far = socket.socketpair()
        self.epoll.register(self.near.fileno(), select.EPOLLIN)

    def send(self, data: bytes) -> list[Any]:
        self.far.sendall(data)
        return self.lanes.turn(512, 1.0)


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.near.close()
    made.far.close()
    made.epoll.close()


def _layout(
    columns: list[int] | None = None,
    stops: list[int] | None = None,
    rows: int = 1,
    codes: bytes = b"\x03\x10",
    aside: bytearray | None = None,
) -> tuple[Any, Any]:
    buffer = new_buffer(8)
    table = (
        array("i", columns or range(4)),
        array("i", stops or [4] * 4),
        array("i", stops or [4] * 4),
        buffer,
    )
    return _turn.Layout((None, None, None, table), array("Q", bytes(8 * rows)), codes, aside), buffer


def test_an_unarmed_socket_is_pythons(wire: Wire) -> None:
    assert wire.send(adu(READ_3)) == [(wire.near.fileno(), select.EPOLLIN, None, None, None)]
    assert wire.near.recv(99) == adu(READ_3)


def test_what_is_left_comes_back_with_the_answers_before_it(wire: Wire) -> None:
    layout, _ = _layout()
    station = _turn.Station()
    station.put(1, layout, 0, (0, 0, 0, 0))
    wire.lanes.arm(wire.near.fileno(), station)
    asked = adu(READ_3) + adu(b"\x01\x00\x00\x00\x01") + adu(READ_3) + adu(READ_3)[:11]
    left = adu(b"\x01\x00\x00\x00\x01") + adu(READ_3)
    assert wire.send(asked) == [(wire.near.fileno(), select.EPOLLIN, left, _answer(0), None)]
    assert wire.lanes.seen(wire.near.fileno()) == 1.0
    assert wire.lanes.disarm(wire.near.fileno()) == adu(READ_3)[:11]
    assert wire.lanes.disarm(wire.near.fileno()) == b""
    assert wire.lanes.seen(wire.near.fileno()) == 0.0


def test_writes_without_open_stops_are_pythons(wire: Wire) -> None:
    spots, buffer = array("i", range(4)), new_buffer(8)
    layout = _turn.Layout(
        (None, None, None, (spots, array("i", [4] * 4), None, buffer)), array("Q", [0]), b"\x03\x06"
    )
    station = _turn.Station()
    station.put(1, layout, 0, (0, 0, 0, 0))
    wire.lanes.arm(wire.near.fileno(), station)
    write = adu(bytes.fromhex("06 0000 1234"))
    assert wire.send(write) == [(wire.near.fileno(), select.EPOLLIN, write, b"", None)]
    assert wire.send(adu(READ_3)) == []
    assert wire.far.recv(99) == _answer(0)


def test_a_row_that_is_set_aside_is_pythons(wire: Wire) -> None:
    aside = bytearray(2)
    layout, _ = _layout(rows=2, aside=aside)
    station = _turn.Station()
    station.put(1, layout, 0, (0, 0, 0, 0))
    station.put(2, layout, 1, (0, 0, 0, 0))
    wire.lanes.arm(wire.near.fileno(), station)
    for value, left in ((1, [adu(READ_3, 2)]), (0, [])):
        aside[1] = value
        assert [data for _, _, data, _, _ in wire.send(adu(READ_3, 2))] == left
    aside[1] = 1
    assert wire.send(adu(READ_3)) == []


def _rtu(pdu: bytes, unit: int = 1) -> bytes:
    return with_crc(bytes((unit,)) + pdu)


def _known(*arguments: Any) -> Any:
    """A station with unit 1."""
    station = _turn.Station(*arguments)
    station.put(1, _layout()[0], 0, (0, 0, 0, 0))
    return station


def test_what_is_no_plain_rtu_frame_holds_the_lane_until_it_is_released(wire: Wire) -> None:
    fd = wire.near.fileno()
    wire.lanes.arm(fd, _known(True))
    plain, answer = _rtu(READ_3), _rtu(b"\x03\x06" + bytes(6))
    left = b"\x55" + plain * 2
    assert wire.send(plain + left) == [(fd, select.EPOLLIN, left, answer, None)]
    assert wire.send(plain) == [(fd, select.EPOLLIN, None, None, None)]
    assert wire.near.recv(99) == plain
    wire.lanes.release(fd)
    assert wire.send(plain * 2) == []
    assert wire.far.recv(99) == answer * 2
    assert wire.lanes.disarm(fd) == b""
    wire.lanes.release(fd)  # of none: nothing happens


@pytest.mark.parametrize(
    "request_frame",
    [
        _rtu(READ_3)[:-1],
        _rtu(READ_3)[:-1] + b"\x00",
        _rtu(READ_3, 2),
        _rtu(b"\x03\x00\x03\x00\x02"),
        _rtu(b"\x01\x00\x00\x00\x01"),
        _rtu(b"\x10\x00\x00\x00\x01\x04\x00\x01\x00\x02"),
        _rtu(b"\x10\x00\x00\x00\x01\xff" + bytes(255)),
        _rtu(b"\x11"),
        b"\x01",
    ],
    ids=["cut off", "wrong CRC", "stranger", "address", "function", "count", "too long", "short", "one byte"],
)
def test_rtu_frames_that_are_pythons(wire: Wire, request_frame: bytes) -> None:
    wire.lanes.arm(wire.near.fileno(), _known(True))
    assert wire.send(request_frame) == [(wire.near.fileno(), select.EPOLLIN, request_frame, b"", None)]


def test_a_bus_hears_every_request_that_is_answered(wire: Wire) -> None:
    heard = array("Q", [40])
    station = _known(True, heard)
    wire.lanes.arm(wire.near.fileno(), station)
    wire.send(_rtu(READ_3) * 2 + _rtu(b"\x63"))
    assert (heard[0], station.answered) == (42, 2)
    with pytest.raises(BufferError):
        heard.append(0)


@pytest.fixture
def post() -> Iterator[tuple[Any, socket.socket, socket.socket]]:
    """Lanes, a datagram socket in their epoll and one that sends to it."""
    epoll = select.epoll()
    near, far = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    near.bind(("127.0.0.1", 0))
    far.connect(near.getsockname())
    epoll.register(near.fileno(), select.EPOLLIN)
    yield _turn.Lanes(epoll.fileno()), near, far
    for one in (epoll, near, far):
        one.close()


def test_datagrams_behind_one_that_is_pythons_are_pythons(post: Any) -> None:
    lanes, near, far = post
    fd = near.fileno()
    lanes.arm(fd, _known(), True)
    for data in (adu(READ_3), adu(READ_3) + adu(b"\x63"), adu(READ_3)):
        far.send(data)
    sender = (far.getsockname(), b"")
    assert lanes.turn(512, 2.0) == [
        (fd, select.EPOLLIN, adu(b"\x63"), _answer(0), sender),
        (fd, select.EPOLLIN, adu(READ_3), b"", sender),
    ]
    assert far.recv(99) == _answer(0)
    assert lanes.seen(fd) == 2.0
    assert lanes.turn(512, 3.0) == []


def test_a_turn_takes_64_datagrams(post: Any) -> None:
    lanes, near, far = post
    station = _known()
    lanes.arm(near.fileno(), station, True)
    for _ in range(70):
        far.send(adu(READ_3))
    assert [lanes.turn(512, 1.0), station.answered] == [[], 64]
    assert [lanes.turn(512, 1.0), station.answered] == [[], 70]


def test_the_stations_of_places_are_looked_up(post: Any) -> None:
    lanes, near, far = post
    near.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
    fd, sender = near.fileno(), (far.getsockname(), bytes((127, 0, 0, 1)))
    places: dict[bytes, Any] = {}
    held = sys.getrefcount(places)
    lanes.arm(fd, _turn.Station(), True, places)
    assert sys.getrefcount(places) == held + 1
    far.send(adu(READ_3))
    assert lanes.turn(512, 1.0) == [(fd, select.EPOLLIN, adu(READ_3), b"", sender)]
    places[sender[1]] = "no station"
    far.send(adu(READ_3))
    assert len(lanes.turn(512, 1.0)) == 1
    places[sender[1]] = _known()
    far.send(adu(READ_3))
    assert lanes.turn(512, 1.0) == []
    assert far.recv(99) == _answer(0)
    lanes.disarm(fd)
    assert sys.getrefcount(places) == held


def test_a_station_is_held_by_the_lanes_it_is_armed_in(wire: Wire) -> None:
    station, other = _turn.Station(), _turn.Station()
    held = sys.getrefcount(station)
    wire.lanes.arm(5, station)
    wire.lanes.arm(5000, station)
    assert sys.getrefcount(station) == held + 2
    wire.lanes.arm(5, other)
    assert sys.getrefcount(station) == held + 1
    wire.lanes.disarm(5000)
    assert sys.getrefcount(station) == held
    wire.lanes.arm(70_000, station)
    del wire.lanes
    assert sys.getrefcount(station) == held


@pytest.mark.parametrize(
    ("columns", "stops", "base"),
    [
        ([2, 3, 4, 5], None, 0),
        ([-1, 0, 1, 2], None, 0),
        ([-1, 0, 1, 2], None, 2),
        ([2**31 - 1] * 4, None, 0),
        (None, [2**31 - 1] * 4, 4),
        (None, None, 3),
        (None, None, 2**63 - 1),
    ],
)
def test_arrays_that_point_outside_the_buffer_do_no_harm(
    wire: Wire, columns: list[int] | None, stops: list[int] | None, base: int
) -> None:
    layout, buffer = _layout(columns, stops)
    station = _turn.Station()
    station.put(1, layout, 0, (0, 0, 0, base))
    wire.lanes.arm(wire.near.fileno(), station)
    fd = wire.near.fileno()
    write_3 = bytes.fromhex("10 0000 0003 06 FFFF FFFF FFFF")
    for request in (adu(READ_3), adu(write_3)):
        assert wire.send(request) == [(fd, select.EPOLLIN, request, b"", None)]
    assert buffer[:] == bytes(8)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: _turn.Layout((None, None, None), array("Q", [0]), b""), TypeError, "sequence of length 4"),
        (lambda: _turn.Layout((None,) * 4, array("i", [0]), b""), TypeError, "items of format i, expected Q"),
        (lambda: _layout(rows=2, aside=bytearray(1)), ValueError, "aside has fewer rows than requests"),
        (lambda: _layout([0, 1]), ValueError, "columns and stops differ in length"),
        (
            lambda: _turn.Layout((None, None, None, 5), array("Q"), b""),
            TypeError,
            "a table is a tuple or None",
        ),
        (lambda: _turn.Layout((None, None, None, ()), array("Q"), b""), TypeError, "a table is .columns"),
        (lambda: _turn.Station().put(1, _layout()[0], 1, (0,) * 4), IndexError, "row is 1, expected 0 to 0"),
        (lambda: _turn.Station().put(1, _layout()[0], 0, (0, 0, 0, -2)), ValueError, "base is -2"),
        (lambda: _turn.Station().put(256, _layout()[0], 0, (0,) * 4), OverflowError, "greater than maximum"),
        (lambda: _turn.Station(False, array("Q")), ValueError, "heard is empty, expected one item"),
        (lambda: _turn.Station(False, array("i", [0])), TypeError, "items of format i, expected Q"),
        (lambda: _turn.Lanes(0).arm(1, _turn.Station(), True, []), TypeError, "places are a dictionary"),
        (lambda: _turn.Lanes(0).release("1"), TypeError, "integer"),
        (lambda: _turn.Lanes(0).arm(-1, _turn.Station()), ValueError, "descriptor is -1"),
        (lambda: _turn.Lanes(0).arm(1 << 30, _turn.Station()), ValueError, "descriptor is 1073741824"),
        (lambda: _turn.Lanes(0).turn(0, 0.0), ValueError, "max_events is 0, expected 1 to 1024"),
        (lambda: _turn.Lanes(-1).turn(1, 0.0), OSError, "Bad file descriptor"),
    ],
)
def test_wrong_arguments_are_refused(make: Callable[[], object], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        make()


def test_the_buffers_of_a_layout_stay(wire: Wire) -> None:
    layout, buffer = _layout()
    with pytest.raises(BufferError):
        buffer.close()
    del layout
    buffer.close()


def test_a_station_holds_every_unit_id(wire: Wire) -> None:
    layout, _ = _layout(rows=256)
    station = _turn.Station()
    before = sys.getrefcount(layout)
    for _ in range(2):
        for unit in range(255, -1, -1):
            station.put(unit, layout, unit, (0, 0, 0, 0))
    assert sys.getrefcount(layout) - before == 256
    wire.lanes.arm(wire.near.fileno(), station)
    for unit in range(256):
        assert wire.send(adu(READ_3, unit)) == []
        assert wire.far.recv(99)[6] == unit
    assert station.answered == 256
    station.clear()
    assert sys.getrefcount(layout) == before
    assert wire.send(adu(READ_3))[0][2] == adu(READ_3)
