"""Which requests an expectation means, by what they read and write of which device.

A point is met by every request that has one of its addresses; its value by a write of all of it.  The one
rule: addresses are those of the device that was asked, with the tables it shares.
"""

from __future__ import annotations

from collections.abc import Callable

from simulator.expectations.wanted import Area, Expectation, What
from simulator.journal import Entry, Written, is_client
from simulator.protocol.codes import Table
from simulator.roles import Touched


def test_of(wanted: Expectation) -> Callable[[Entry], bool]:
    """Which requests are meant."""

    def test(entry: Entry) -> bool:
        return (
            (wanted.unit is None or entry.unit == wanted.unit)
            and (wanted.function is None or entry.function in wanted.function)
            and (wanted.exception is None or entry.exception == wanted.exception)
            and (wanted.client is None or is_client(entry.client, wanted.client))
            and (wanted.read in (None, False) or _reads(entry, wanted.read))
            and (wanted.write in (None, False) or _writes(entry, wanted.write, wanted.value))
        )

    return test


def _places(entry: Entry, what: What) -> list[Touched]:
    """The addresses that are meant, of the device that was asked; none when it has no such point."""
    if isinstance(what, Area):
        return [Touched(what.table, first, last - first + 1) for first, last in what.address]
    point = entry.home.profile.points.get(what)
    return [] if point is None else [Touched(point.table, point.address, point.quantity)]


def _block(entry: Entry, table: Table) -> Table:
    """The table itself, or the one whose registers it shows."""
    layout = entry.home.profile.tables.get(table)
    return table if layout is None or layout.share is None else layout.share


def _meets(entry: Entry, place: Touched, table: Table, address: int, quantity: int) -> bool:
    """True when a request and a place have an address in common."""
    same = _block(entry, place.table) == _block(entry, table)
    return same and address < place.address + place.quantity and place.address < address + quantity


def _reads(entry: Entry, what: What | None) -> bool:
    reads = entry.reads
    if what is True or what is None:
        return bool(reads)
    return any(_meets(entry, place, *each) for place in _places(entry, what) for each in reads)


def _writes(entry: Entry, what: What | None, value: object) -> bool:
    wrote = entry.writes
    if wrote is None or what is True or what is None:
        return wrote is not None
    size = 1 if wrote.values is None else len(wrote.values)
    hit = any(_meets(entry, place, wrote.table, wrote.address, size) for place in _places(entry, what))
    return hit and (value is None or _is_value(entry, what, wrote, value))


def _is_value(entry: Entry, what: What, wrote: Written, value: object) -> bool:
    """True when the whole place was written, to this value."""
    if wrote.values is None:
        return False
    place = _places(entry, what)[0]
    first = place.address - wrote.address
    part = wrote.values[max(first, 0) : first + place.quantity]
    if first < 0 or len(part) < place.quantity:
        return False
    if isinstance(what, Area):
        expected = value if isinstance(value, (list, tuple)) else (value,) * place.quantity
        return tuple(part) == tuple(expected)
    point = entry.home.profile.points[what]
    wanted: bytes = point.encode(value)
    if point.table.is_bits:
        bits = sum(bool(bit) << number for number, bit in enumerate(part))
        return wanted == bits.to_bytes((place.quantity + 7) // 8, "little")
    data = b"".join(int(word).to_bytes(2, "big") for word in part)
    if point.bit is not None:
        return bool(int.from_bytes(data, "big") & point.mask == int.from_bytes(wanted, "big"))
    return wanted == data
