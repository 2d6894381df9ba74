"""Roles: what a client may ask for, by function code, table, address and unit id.

A role is one rule or several; a request is allowed when one of them allows all of it.  What a request touches
is read from its first bytes by one table.  The one rule: nothing is allowed that no rule allows.  A request
whose bytes do not fit its function touches nothing, and its function answers 03 as it always does.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from simulator.documents.ranges import Ranges
from simulator.protocol import codes
from simulator.protocol.codes import Table


class Touched(NamedTuple):
    """A run of addresses that a request reads or writes."""

    table: Table
    address: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One permission; None is no limit.  ``addresses`` are sorted and disjoint, both ends included."""

    functions: frozenset[int] | None = None
    tables: frozenset[Table] | None = None
    addresses: Ranges | None = None
    unit_ids: frozenset[int] | None = None

    def concerns(self, unit: int, function: int) -> bool:
        """True when the rule allows this function at this unit id, if the addresses are right."""
        if self.unit_ids is not None and unit not in self.unit_ids:
            return False
        if self.functions is None:
            return function in TOUCHES or not self.is_limited
        return function in self.functions

    @property
    def is_limited(self) -> bool:
        """True when not every table or address is allowed."""
        return self.tables is not None or self.addresses is not None

    def allows(self, touched: tuple[Touched, ...]) -> bool:
        """True when everything touched is allowed."""
        return all(
            (self.tables is None or table in self.tables)
            and (self.addresses is None or _inside(self.addresses, address, quantity))
            for table, address, quantity in touched
        )


Role = tuple[Rule, ...]

NOBODY: Role = ()  # may do nothing


def touched(pdu: bytes) -> tuple[Touched, ...]:
    """What a request reads and writes; empty for a function that has no address, and for half a request."""
    reader = TOUCHES.get(pdu[0])
    try:
        return () if reader is None else reader(pdu)
    except struct.error:
        return ()


def _inside(ranges: Ranges, address: int, quantity: int) -> bool:
    place = bisect_right(ranges, address, key=lambda pair: pair[0]) - 1
    return place >= 0 and address + max(quantity, 1) - 1 <= ranges[place][1]


_PAIR = struct.Struct(">HH")
_ONE = struct.Struct(">H")


def _many(table: Table) -> Callable[[bytes], tuple[Touched, ...]]:
    def read(pdu: bytes) -> tuple[Touched, ...]:
        address, quantity = _PAIR.unpack_from(pdu, 1)
        return (Touched(table, address, quantity),)

    return read


def _single(table: Table) -> Callable[[bytes], tuple[Touched, ...]]:
    def read(pdu: bytes) -> tuple[Touched, ...]:
        (address,) = _ONE.unpack_from(pdu, 1)
        return (Touched(table, address, 1),)

    return read


def _read_and_write(pdu: bytes) -> tuple[Touched, ...]:
    reading, writing = _PAIR.unpack_from(pdu, 1), _PAIR.unpack_from(pdu, 5)
    return Touched(Table.HOLDING_REGISTER, *reading), Touched(Table.HOLDING_REGISTER, *writing)


# what follows the function code: a first address and a quantity, or one address (V1.1b3 §6)
TOUCHES: dict[int, Callable[[bytes], tuple[Touched, ...]]] = {
    codes.READ_COILS: _many(Table.COIL),
    codes.READ_DISCRETE_INPUTS: _many(Table.DISCRETE_INPUT),
    codes.READ_HOLDING_REGISTERS: _many(Table.HOLDING_REGISTER),
    codes.READ_INPUT_REGISTERS: _many(Table.INPUT_REGISTER),
    codes.WRITE_SINGLE_COIL: _single(Table.COIL),
    codes.WRITE_SINGLE_REGISTER: _single(Table.HOLDING_REGISTER),
    codes.WRITE_MULTIPLE_COILS: _many(Table.COIL),
    codes.WRITE_MULTIPLE_REGISTERS: _many(Table.HOLDING_REGISTER),
    codes.MASK_WRITE_REGISTER: _single(Table.HOLDING_REGISTER),
    codes.READ_WRITE_MULTIPLE_REGISTERS: _read_and_write,
    codes.READ_FIFO_QUEUE: _single(Table.HOLDING_REGISTER),
}
