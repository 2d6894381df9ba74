"""Work in slices: in order, one piece after the other, and a failure is its own."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from twisted.internet.task import Clock

from simulator.slices import SLICE_S, Slices


def work(name: str, steps: int, done: list[str], *, slow: bool = False) -> Iterator[None]:
    for step in range(steps):
        done.append(f"{name}{step}")
        if slow:
            time.sleep(SLICE_S)
        yield


def test_pieces_are_done_in_order() -> None:
    clock, done, fired = Clock(), list[str](), list[str]()
    slices = Slices(clock)
    slices.do(work("a", 2, done, slow=True)).addCallback(lambda _: fired.append("a"))
    slices.do(work("b", 1, done)).addCallback(lambda _: fired.append("b"))
    assert done == []
    clock.pump([0] * 9)
    assert (done, fired) == (["a0", "a1", "b0"], ["a", "b"])


def test_at_once_the_first_slice_is_done_before_it_returns() -> None:
    clock, done = Clock(), list[str]()
    slices = Slices(clock, at_once=True)
    slices.do(work("a", 3, done, slow=True))
    assert done == ["a0"]
    slices.do(work("b", 1, done))
    assert done == ["a0"], "what comes later waits"
    clock.pump([0] * 9)
    assert done == ["a0", "a1", "a2", "b0"]
    slices.do(work("c", 1, done))
    assert done[-1] == "c0"


def test_what_is_asked_for_by_a_piece_comes_behind_it() -> None:
    done: list[str] = []
    slices = Slices(Clock(), at_once=True)

    def outer() -> Iterator[None]:
        done.append("outer begins")
        slices.do(work("inner", 1, done))
        done.append("outer ends")
        yield

    slices.do(outer())
    assert done == ["outer begins", "outer ends", "inner0"]


def test_a_failure_stops_its_own_piece_only() -> None:
    done: list[str] = []
    slices = Slices(Clock(), at_once=True)

    def failing() -> Iterator[None]:
        yield
        raise ValueError("broken")

    failures: list[object] = []
    slices.do(failing()).addErrback(lambda failure: failures.append(failure.value))
    slices.do(work("b", 1, done))
    assert [str(failure) for failure in failures] == ["broken"]
    assert done == ["b0"]


@pytest.mark.parametrize("slow", [False, True])
def test_nothing_is_done_after_a_stop(slow: bool) -> None:
    clock, done = Clock(), list[str]()
    slices = Slices(clock, at_once=slow)
    slices.do(work("a", 3, done, slow=slow))
    slices.stop()
    clock.pump([0] * 9)
    assert done == (["a0"] if slow else [])
    assert clock.getDelayedCalls() == []
