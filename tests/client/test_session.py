"""One conversation without I/O: matching, what is counted, what is said when nothing right came."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.client.asks import read_registers
from simulator.client.session import Session, make_framer
from simulator.errors import ConnectionClosed, ModsimError, ProtocolError, TimedOut

FRAMINGS = ["mbap", "rtu", "ascii", "binary"]
ANSWER = b"\x03\x02\x00\x05"


def frame(framing: str, transaction: int = 1, unit: int = 1, pdu: bytes = ANSWER) -> bytes:
    data: bytes = make_framer(framing).build(transaction, unit, pdu)
    return data


@pytest.mark.parametrize("framing", FRAMINGS)
def test_an_answer_whole_byte_by_byte_and_with_a_tail(framing: str) -> None:
    for pieces in ([frame(framing)], [bytes((byte,)) for byte in frame(framing)], [frame(framing) + b"\x00"]):
        session = Session(framing)
        ask = read_registers(3, 0, 1, 1)
        session.begin(ask)
        done = [one for piece in pieces for one in session.receive(piece)]
        assert done == [ask]
        assert (ask.answer, ask.error) == ([5], None)
        assert session.waiting == {}


def test_transaction_ids_count_up_and_pass_over_those_in_use() -> None:
    session = Session("mbap")
    session._last = 65534
    first, second, third = (read_registers(3, 0, 1, 1) for _ in range(3))
    session.begin(first)
    session.begin(second)
    session.begin(third)
    assert [ask.transaction for ask in (first, second, third)] == [65535, 1, 2]
    session._last = 65534
    fourth = read_registers(3, 0, 1, 1)
    session.begin(fourth)
    assert fourth.transaction == 3


def test_late_and_foreign_answers_are_counted_apart() -> None:
    session = Session("mbap", "tcp://a")
    given_up, ask = read_registers(3, 0, 1, 1), read_registers(3, 0, 1, 1)
    session.begin(given_up)
    assert isinstance(session.expire(given_up, 1), TimedOut)
    session.begin(ask)
    assert session.receive(frame("mbap", 1) + frame("mbap", 77)) == []
    assert (session.late, session.foreign) == (1, 1)
    error = session.expire(ask, 1)
    assert isinstance(error, ProtocolError) and error.fault == "transaction"
    assert str(error) == "tcp://a: answer has transaction id 77, expected 2"


@pytest.mark.parametrize("framing", ["rtu", "ascii", "binary"])
def test_one_at_a_time_without_transaction_ids(framing: str) -> None:
    session = Session(framing)
    session.begin(read_registers(3, 0, 1, 1))
    with pytest.raises(
        ValueError, match=r"^a request is in flight, expected one at a time without transaction ids$"
    ):
        session.begin(read_registers(3, 0, 1, 1))


@pytest.mark.parametrize("framing", ["rtu", "ascii", "binary"])
def test_answers_of_others_on_a_line_are_passed_over(framing: str) -> None:
    session = Session(framing)
    ask = read_registers(3, 0, 1, 1)
    session.begin(ask)
    others = (
        frame(framing, unit=9)
        + frame(framing, pdu=b"\x04\x02\x00\x05")
        + frame(framing, pdu=b"\x03\x04" + bytes(4))
    )
    assert session.receive(others) == []
    assert session.foreign == 3
    assert session.receive(frame(framing)) == [ask]
    assert ask.answer == [5]


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_connection_that_ends_finishes_everything(framing: str) -> None:
    session = Session(framing)
    ask = read_registers(3, 0, 1, 1)
    session.begin(ask)
    session.receive(frame(framing)[:-2])
    assert session.closed() == [ask]
    assert isinstance(ask.error, ConnectionClosed)
    assert "bytes of an answer" in str(ask.error)
    assert session.closed() == []
    session.begin(ask)
    assert session.receive(frame(framing, ask.transaction)) == [ask]
    assert ask.error is None


@pytest.mark.parametrize("datagrams", [False, True])
@pytest.mark.parametrize("framing", FRAMINGS)
@given(st.lists(st.binary(max_size=30), max_size=8))
def test_no_bytes_do_harm(framing: str, datagrams: bool, pieces: list[bytes]) -> None:
    session = Session(framing, datagrams=datagrams)
    ask = read_registers(3, 0, 1, 1)
    session.begin(ask)
    done = [one for piece in pieces for one in session.receive(piece)]
    assert len(done) <= 1
    if not done:
        assert isinstance(session.expire(ask, 1), ModsimError)
    assert session.waiting == {}
    if not session.lost:
        session.closed()
        again = read_registers(3, 0, 1, 1)
        session.begin(again)
        assert session.receive(frame(framing, again.transaction)) == [again]


def test_half_a_datagram_does_not_spoil_the_next_one() -> None:
    for framing in FRAMINGS:
        session = Session(framing, datagrams=True)
        ask = read_registers(3, 0, 1, 1)
        session.begin(ask)
        assert session.receive(frame(framing)[:-3]) == []
        assert session.receive(frame(framing)) == [ask]


def test_a_framing_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match=r"^framing is 'rtuu', expected mbap, rtu, ascii or binary$"):
        Session("rtuu")
