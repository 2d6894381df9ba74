"""Wrong answers that are still PDUs, and wrong bytes of ADUs."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.faults.chance import Draws
from simulator.faults.fields import AS_LONG, HALF, ONE_LESS, OTHER
from simulator.faults.replies import MOST_REMEMBERED, Memory, wrong_function, wrong_quantity
from simulator.faults.wire import cut, noise, truncated, with_wrong_checksum
from simulator.protocol.ascii import AsciiFramer
from simulator.protocol.binary import BinaryFramer
from simulator.protocol.messages import response_length
from simulator.protocol.rtu import RtuFramer


def h(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.mark.parametrize(
    ("request_", "reply", "quantity", "expected"),
    [
        ("03 0000 0002", "03 04 1111 2222", ONE_LESS, "03 02 1111"),
        ("03 0000 0001", "03 02 1111", ONE_LESS, "03 04 1111 0000"),
        ("03 0000 0001", "03 02 1111", 125, "03 FA 1111" + "0000" * 124),
        ("03 0000 0001", "03 02 1111", 60000, "03 FA 1111" + "0000" * 124),
        ("01 0000 0009", "01 02 FF 01", ONE_LESS, "01 01 FF"),
        ("01 0000 0010", "01 02 FF FF", ONE_LESS, "01 01 FF"),
        ("01 0000 0011", "01 03 FF FF 01", ONE_LESS, "01 02 FF FF"),
        ("17 0000 0002 0000 0001 02 0005", "17 04 0005 2222", 1, "17 02 0005"),
        ("10 0000 0003 06 0000 0000 0000", "10 0000 0003", ONE_LESS, "10 0000 0002"),
        ("06 0000 0003", "06 0000 0003", ONE_LESS, "06 0000 0003"),
        ("03 0000 0002", "83 02", ONE_LESS, "83 02"),
        ("2B 0E 01 00", "2B 0E 01", 3, "2B 0E 01"),
    ],
)
def test_another_number_of_values(request_, reply, quantity, expected):
    assert wrong_quantity(h(request_), h(reply), quantity) == h(expected)


@given(st.sampled_from([1, 2, 3, 4]), st.integers(1, 100), st.sampled_from([ONE_LESS]) | st.integers(1, 300))
def test_the_answer_is_well_formed_and_another_one(function, asked, quantity):
    size = (asked + 7) // 8 if function <= 2 else 2 * asked
    reply = bytes((function, size)) + bytes(size)
    wrong = wrong_quantity(struct.pack(">BHH", function, 0, asked), reply, quantity)
    assert len(wrong) == response_length(wrong) <= 253
    if quantity == ONE_LESS:
        assert len(wrong) != len(reply)


def test_another_function():
    assert wrong_function(h("03 02 1111"), OTHER) == h("04 02 1111")
    assert wrong_function(h("7F 00"), OTHER) == h("01 00")
    assert wrong_function(h("83 02"), OTHER) == h("84 02")
    assert wrong_function(h("83 02"), 3) == h("03 02")


def test_the_memory_of_answers_is_bounded():
    memory = Memory()
    for number in range(MOST_REMEMBERED + 10):
        request = struct.pack(">BHH", 3, number, 1)
        memory.stale(request, b"\x03\x02" + struct.pack(">H", number))
    assert memory.stale(h("03 0000 0001"), h("03 02 FFFF")) == h("03 02 FFFF"), "the oldest is forgotten"
    assert memory.stale(h("03 0100 0001"), h("03 02 FFFF")) == h("03 02 0100")
    assert memory.stale(h("83 0100"), h("83 02")) == h("83 02")


@given(st.integers(0, 255), st.binary(min_size=2, max_size=100).filter(lambda pdu: pdu[0] not in (0,)))
def test_a_wrong_checksum_is_wrong(unit, pdu):
    for name, framer in (("rtu", RtuFramer()), ("ascii", AsciiFramer()), ("binary", BinaryFramer())):
        right = framer.build(0, unit, pdu)
        wrong = with_wrong_checksum(name, right, unit, pdu)
        assert wrong != right
        if name != "rtu":
            assert framer.receive(wrong) + framer.idle() == []
            assert [frame.pdu for frame in framer.receive(right)] == [pdu]
    assert with_wrong_checksum("mbap", b"whatever", unit, pdu) == b"whatever"


@given(st.binary(min_size=1, max_size=300), st.integers(1, 400))
def test_pieces_make_the_whole(adu, pieces):
    found = cut(adu, pieces)
    assert b"".join(found) == adu
    assert len(found) == min(pieces, len(adu))
    assert max(map(len, found)) - min(map(len, found)) <= 1


def test_what_is_left_and_what_is_added():
    assert truncated(b"abcdef", HALF) == b"abc"
    assert truncated(b"abcdef", 4) == b"abcd"
    assert truncated(b"abcdef", 40) == b"abcdef"
    assert noise(b"xy", 9, Draws(1)) == b"xy"
    assert len(noise(AS_LONG, 9, Draws(1))) == 9
    assert len(noise(20, 9, Draws(1))) == 20
