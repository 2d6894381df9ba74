"""Requests by events, with a clock turned by hand: deadlines, retries, pauses; no socket, no waiting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from simulator.client.base import Configured
from simulator.client.driver import Driver
from simulator.client.verbs import Verbs
from simulator.errors import (
    ConnectionClosed,
    ConnectionRefused,
    IllegalDataAddress,
    ModsimError,
    ProtocolError,
    TimedOut,
)
from simulator.protocol.mbap import MbapFramer


class Wire:
    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self.closed = True
        self.driver.lost(self)


class Promise:
    value: Any = None
    error: BaseException | None = None
    done = False
    gone = False  # nobody waits for it


class Loop:
    """An event loop by hand; ``opened`` lists the connections, ``refusals`` how many fail first."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.wires: list[Wire] = []
        self.refusals = 0
        self.attempts: list[float] = []

    def seconds(self) -> float:
        return float(self.clock.seconds())

    def call_later(self, seconds: float, function: Callable[[], object]) -> Any:
        return self.clock.callLater(seconds, function)

    def soon(self, function: Callable[[], object]) -> Any:
        return self.clock.callLater(0, function)

    def open(self, driver: Driver) -> Any:
        def connect() -> None:
            self.attempts.append(self.seconds())
            if self.refusals:
                self.refusals -= 1
                driver.failed(ConnectionRefused("tcp://a", "refused"))
                return
            self.wires.append(Wire(driver))
            driver.opened(self.wires[-1])

        return self.clock.callLater(0, connect)

    def promise(self) -> Promise:
        return Promise()

    def keep(self, promise: Promise, value: Any, error: BaseException | None) -> None:
        if promise.gone:
            return
        assert not promise.done
        promise.value, promise.error, promise.done = value, error, True

    def dropped(self, promise: Promise) -> bool:
        return promise.gone


class Verbal(Configured):
    """A client that only makes plans."""

    def plan(self, name: str, *args: Any, **keywords: Any) -> Any:
        return vars_of(name)(self, *args, **keywords)

    def _unit(self, unit: int | None) -> int:
        return self.unit if unit is None else unit


def vars_of(name: str) -> Callable[..., Any]:
    from simulator.client.plans import verbs

    return verbs(Verbs)[name].plan


class Stage:
    def __init__(self, url: str = "tcp://a", **options: Any) -> None:
        self.client = Verbal(url, **options)
        self.loop = Loop()
        self.driver = Driver(self.client, self.loop)

    def read(self, address: int = 0, **keywords: Any) -> Promise:
        promise: Promise = self.driver.run(self.client.plan("read_holding_registers", address, **keywords))
        return promise

    def advance(self, seconds: float = 0) -> None:
        self.loop.clock.advance(seconds)
        self.loop.clock.advance(0)

    @property
    def wire(self) -> Wire:
        return self.loop.wires[-1]

    def asked(self) -> list[Any]:
        """The requests of the last connection, as frames."""
        framer = MbapFramer()
        return framer.receive(b"".join(self.wire.sent))

    def answer(self, frame: Any, pdu: bytes = b"\x03\x02\x00\x05") -> None:
        self.driver.received(MbapFramer().build(frame.transaction, frame.unit, pdu))

    def idle(self) -> bool:
        """Nothing is left: no timer, no plan."""
        return not self.loop.clock.getDelayedCalls() and not self.driver.pending


def test_it_connects_with_the_first_request() -> None:
    stage = Stage()
    assert stage.idle() and not stage.driver.connected
    promise = stage.read()
    stage.advance()
    assert stage.driver.connected
    (frame,) = stage.asked()
    stage.answer(frame)
    assert promise.value == [5]
    stage.driver.close()
    assert stage.idle()


def test_a_deadline_is_kept_to_the_moment() -> None:
    stage = Stage(timeout=2, in_flight=9)
    first = stage.read()
    stage.advance()
    stage.advance(1)
    second = stage.read()
    stage.advance(0.999)
    assert not first.done
    stage.advance(0.001)
    assert isinstance(first.error, TimedOut)
    assert not second.done
    stage.advance(1)
    assert isinstance(second.error, TimedOut)
    assert stage.idle()
    late, _ = stage.asked()
    stage.answer(late)
    assert stage.driver.session.late == 1


def test_retries_are_new_requests_with_ids_of_their_own() -> None:
    stage = Stage(timeout=1, retries=2)
    promise = stage.read()
    stage.advance()
    stage.advance(1)
    stage.advance(1)
    frames = stage.asked()
    assert [frame.transaction for frame in frames] == [1, 2, 3]
    stage.answer(frames[0], b"\x03\x02\x00\x09")
    assert not promise.done
    stage.answer(frames[2])
    assert promise.value == [5]


def test_a_connection_that_ends_fails_what_is_in_flight_and_the_rest_goes_on() -> None:
    stage = Stage(in_flight=1)
    first, second = stage.read(), stage.read()
    stage.advance()
    stage.wire.close()
    assert isinstance(first.error, ConnectionClosed)
    stage.advance()
    (frame,) = stage.asked()
    assert len(stage.loop.wires) == 2
    stage.answer(frame)
    assert second.value == [5]


def test_connecting_is_tried_again_with_growing_pauses() -> None:
    stage = Stage(reconnect=3, reconnect_delay=1, reconnect_delay_max=3)
    stage.loop.refusals = 3
    promise = stage.read()
    stage.advance()
    for _ in range(100):
        stage.advance(0.1)
    gaps = [
        after - before for before, after in zip(stage.loop.attempts, stage.loop.attempts[1:], strict=False)
    ]
    assert len(gaps) == 3
    assert 0.5 <= gaps[0] <= 1.3
    assert 1 <= gaps[1] <= 2.3
    assert 1.5 <= gaps[2] <= 3.3
    assert isinstance(promise.error, TimedOut)  # connected at last, but nobody answered


def test_connecting_in_vain_fails_every_request_that_waits() -> None:
    stage = Stage(reconnect=1)
    stage.loop.refusals = 2
    promises = [stage.read() for _ in range(3)]
    stage.advance()
    stage.advance(1)
    assert all(isinstance(promise.error, ConnectionRefused) for promise in promises)
    assert stage.idle()
    again = stage.read()
    stage.advance()
    stage.answer(stage.asked()[0])
    assert again.value == [5]


def test_a_stream_that_is_lost_is_closed_and_opened_anew() -> None:
    stage = Stage()
    promise = stage.read()
    stage.advance()
    stage.driver.received(b"\x00\x01\x77\x77\x00\x05\x01\x03\x02\x00\x05")
    assert isinstance(promise.error, ProtocolError)
    assert stage.loop.wires[0].closed
    again = stage.read()
    stage.advance()
    stage.answer(stage.asked()[0])
    assert again.value == [5]


def test_half_an_answer_ends_the_connection() -> None:
    stage = Stage(timeout=1)
    promise = stage.read()
    stage.advance()
    stage.driver.received(b"\x00\x01\x00\x00\x00\x05\x01\x03")
    stage.advance(1)
    assert isinstance(promise.error, ProtocolError) and promise.error.fault == "half"
    assert stage.wire.closed
    assert stage.idle()


def test_a_line_is_free_only_after_its_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage("rtu:/dev/null?baudrate=9600")
    assert stage.client.gap_s == pytest.approx(3.5 * 11 / 9600)
    first, second = stage.read(), stage.read()
    stage.advance()
    assert len(stage.wire.sent) == 1
    stage.driver.received(bytes.fromhex("01 03 02 00 05 78 47"))
    assert first.value == [5]
    assert len(stage.wire.sent) == 1
    stage.advance(0.0039)
    assert len(stage.wire.sent) == 1
    stage.advance(0.0002)
    assert len(stage.wire.sent) == 2
    stage.driver.received(bytes.fromhex("01 03 02 00 05 78 47"))
    assert second.value == [5]


def test_after_a_broadcast_a_line_rests() -> None:
    stage = Stage("rtu:/dev/null?baudrate=9600")
    told = stage.driver.run(stage.client.plan("write_single_register", 0, 1, unit=0))
    other = stage.read()
    stage.advance()
    assert told.done and told.error is None
    assert len(stage.wire.sent) == 1
    stage.advance(0.1)
    assert len(stage.wire.sent) == 2
    assert not other.done


def test_a_plan_may_take_another_way_after_a_refusal() -> None:
    stage = Stage()

    def plan() -> Any:
        try:
            return (yield from stage.client.plan("read_holding_registers", 9))
        except IllegalDataAddress:
            return (yield from stage.client.plan("read_input_registers", 9))

    promise = stage.driver.run(plan())
    stage.advance()
    stage.answer(stage.asked()[0], b"\x83\x02")
    stage.answer(stage.asked()[1], b"\x04\x02\x00\x07")
    assert promise.value == [7]


@given(st.data())
def test_every_request_ends_whatever_happens(data: st.DataObject) -> None:
    stage = Stage(timeout=2, retries=1, reconnect=1, in_flight=3)
    promises: list[Promise] = []
    steps = ("ask", "answer", "garbage", "advance", "cut", "refuse", "close", "half", "swap", "drop")
    for step in data.draw(st.lists(st.sampled_from(steps), max_size=40)):
        if step == "ask":
            promises.append(stage.read(len(promises)))
        elif step == "advance":
            stage.advance(data.draw(st.floats(0, 3)))
        elif step == "refuse":
            stage.loop.refusals = 1
        elif step == "close":
            stage.driver.close()
        elif step == "drop" and promises:
            promises[data.draw(st.integers(0, len(promises) - 1))].gone = True
        elif stage.loop.wires and not stage.wire.closed:
            frames = stage.asked()
            if step == "cut":
                stage.wire.close()
            elif step == "garbage":
                stage.driver.received(data.draw(st.binary(max_size=20)))
            elif step == "half":
                stage.driver.received(b"\x00\x01\x00\x00")
            elif frames:
                stage.answer(data.draw(st.sampled_from(frames)) if step == "swap" else frames[-1])
    for _ in range(40):
        stage.advance(3)
    assert all(promise.done or promise.gone for promise in promises)
    assert all(promise.error is None or isinstance(promise.error, ModsimError) for promise in promises)
    assert stage.idle()
