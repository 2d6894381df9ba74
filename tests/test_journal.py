"""The journal: what is told of a request, and how much is remembered."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.journal import Entry, Journal, Written, is_client, written
from simulator.protocol.codes import Table

HOME = SimpleNamespace(name_of=lambda row: f"meter-{row}", profile=None)


def raw(pdu: str, at: float = 1.0, *, row: int = 0, client: str = "10.0.0.1:5000", exception: int = 0):
    return (at, 1e9 + at, HOME, row, client, 1, 7, bytes.fromhex(pdu), exception)


def entry(pdu: str, **keys: object) -> Entry:
    return Entry(1, *raw(pdu, **keys))


@pytest.mark.parametrize(
    ("pdu", "reads", "writes"),
    [
        ("03 000a 0002", [(Table.HOLDING_REGISTER, 10, 2)], None),
        ("02 0001 0003", [(Table.DISCRETE_INPUT, 1, 3)], None),
        ("05 0003 ff00", [], (Table.COIL, 3, (True,))),
        ("06 0003 1234", [], (Table.HOLDING_REGISTER, 3, (0x1234,))),
        ("0f 0002 0003 01 05", [], (Table.COIL, 2, (True, False, True))),
        ("10 0002 0002 04 0001 0002", [], (Table.HOLDING_REGISTER, 2, (1, 2))),
        ("16 0004 00f2 0025", [], (Table.HOLDING_REGISTER, 4, None)),
        (
            "17 0003 0002 000e 0001 02 00ff",
            [(Table.HOLDING_REGISTER, 3, 2)],
            (Table.HOLDING_REGISTER, 14, (255,)),
        ),
        ("2b 0e 01 00", [], None),
        ("10 0002", [], None),
    ],
)
def test_a_request_tells_what_it_reads_and_writes(pdu: str, reads: list, writes: tuple | None) -> None:
    found = entry(pdu)
    assert [tuple(each) for each in found.reads] == reads
    assert found.writes == (None if writes is None else Written(*writes))
    assert found.function == int(pdu[:2], 16)


@given(st.binary(min_size=1, max_size=260))
def test_whatever_was_asked_can_be_told(pdu: bytes) -> None:
    found = Entry(1, 0.0, 0.0, HOME, 0, "", 1, 0, pdu, 0)
    assert str(found)
    written(pdu)
    assert (found.address is None) == (found.quantity is None)


def test_an_entry_is_a_line_for_people() -> None:
    line = "     1.000 s  meter-0  10.0.0.1:5000 unit id 1  function 3: read holding_register 10-11"
    assert str(entry("03 000a 0002")) == line
    assert "write coil 3 = true" in str(entry("05 0003 ff00"))
    assert str(entry("06 0001 0002", exception=2)).endswith("-> exception 2 illegal data address")
    assert "mask holding_register 4" in str(entry("16 0004 00f2 0025"))
    assert str(entry("07")).endswith("function 7")


def test_the_oldest_make_room_and_are_counted() -> None:
    journal = Journal(3)
    for number in range(5):
        journal.add(raw("03 0000 0001", at=float(number)))
    assert (journal.count, len(journal), journal.forgotten) == (5, 3, 2)
    assert [(each.number, each.at) for each in journal] == [(3, 2.0), (4, 3.0), (5, 4.0)]
    journal.clear()
    assert (journal.count, len(journal), journal.forgotten) == (0, 0, 0)
    with pytest.raises(ValueError, match="length is 0, expected 1 or more"):
        Journal(0)


def test_entries_are_found_by_whatever_is_known_of_them() -> None:
    journal = Journal()
    journal.add(raw("03 0000 0001", at=1.0))
    journal.add(raw("06 0000 0001", at=2.0, row=1))
    journal.add(raw("03 0000 0001", at=3.0, client="[::1]:9"))
    numbers = lambda **keys: [each.number for each in journal.entries(**keys)]  # noqa: E731
    assert numbers() == [1, 2, 3]
    assert numbers(device="meter-1") == [2]
    assert numbers(device="meter-*", function=3) == [1, 3]
    assert numbers(client="::1") == [3]
    assert numbers(since=2.0) == [2, 3]
    assert numbers(last=2) == [2, 3]
    assert numbers(function=3, last=1) == [3]
    assert numbers(unit=2) == []


def test_a_client_is_meant_with_and_without_its_port() -> None:
    assert is_client("10.0.0.1:5000", "10.0.0.1")
    assert is_client("10.0.0.1:5000", "10.0.0.*")
    assert is_client("10.0.0.1:5000", "10.0.0.1:5000")
    assert not is_client("10.0.0.1:5000", "10.0.0.2")
