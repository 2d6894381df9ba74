"""The journal: the last requests that devices were asked, in order, in bounded memory.

A ring of tuples: what is written down is what is at hand, and all that can be told from a request is read
from its bytes when somebody looks.  The one rule: writing down costs little and never fails; a full journal
forgets the oldest and counts it.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, Protocol

from simulator.errors import exception_name
from simulator.protocol import codes
from simulator.protocol.codes import Table
from simulator.roles import Touched, touched

LENGTH = 65_536  # requests that are remembered, unless said otherwise

Raw = tuple[float, float, "Home", int, str, int, int, bytes, int]


class Home(Protocol):
    """Devices by row."""

    profile: Any

    def name_of(self, row: int) -> str:
        """The name of a device."""
        ...


class Written(NamedTuple):
    """What a request writes: registers as numbers, bits as truth values, None for a mask."""

    table: Table
    address: int
    values: tuple[int | bool, ...] | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One request.

    ``at`` is in virtual seconds, ``time`` in Unix seconds; ``client`` is ``host:port`` or the name of a line,
    ``exception`` the exception code it was refused with, 0 when it was carried out.  ``pdu`` is the request.
    """

    number: int  # of all that were written down, from 1
    at: float
    time: float
    home: Home
    row: int
    client: str
    unit: int
    transaction: int
    pdu: bytes
    exception: int

    @property
    def device(self) -> str:
        """The name of the device."""
        return self.home.name_of(self.row)

    @property
    def function(self) -> int:
        """The function code."""
        return self.pdu[0]

    @property
    def reads(self) -> tuple[Touched, ...]:
        """What it reads: table, first address, quantity."""
        return () if self.function in _WRITES else touched(self.pdu)[:1]

    @property
    def writes(self) -> Written | None:
        """What it writes, None for a request that writes nothing."""
        return written(self.pdu)

    @property
    def address(self) -> int | None:
        """The first address, of what is read where it reads and writes; None for a function without."""
        found = touched(self.pdu)
        return found[0].address if found else None

    @property
    def quantity(self) -> int | None:
        """How many registers or bits from there on."""
        found = touched(self.pdu)
        return found[0].quantity if found else None

    def __str__(self) -> str:
        refused = f" -> exception {self.exception} {exception_name(self.exception)}" if self.exception else ""
        return (
            f"{self.at:10.3f} s  {self.device}  {self.client} unit id {self.unit}  {self._asked()}{refused}"
        )

    def _asked(self) -> str:
        """``read holding_register 10-11``, ``write coil 3 = true``."""
        told = [f"read {_span(*each)}" for each in self.reads if self.function in _READS]
        if (wrote := self.writes) is not None:
            if wrote.values is None:
                told.append(f"mask {_span(wrote.table, wrote.address, 1)}")
            else:
                values = ", ".join(str(value).lower() for value in wrote.values[:8])
                more = ", …" if len(wrote.values) > 8 else ""
                told.append(f"write {_span(wrote.table, wrote.address, len(wrote.values))} = {values}{more}")
        return f"function {self.function}" + (f": {', '.join(told)}" if told else "")


class Journal:
    """The last ``length`` requests.  ``count`` is how many were ever written down."""

    def __init__(self, length: int = LENGTH) -> None:
        if length < 1:
            raise ValueError(f"length is {length}, expected 1 or more")
        self.count = 0
        self._ring: deque[Raw] = deque(maxlen=length)

    def add(self, raw: Raw) -> None:
        """Write a request down: the fields of an entry but its number."""
        self.count += 1
        self._ring.append(raw)

    def clear(self) -> None:
        """Forget all of them; ``count`` begins anew."""
        self._ring.clear()
        self.count = 0

    def copy(self) -> Journal:
        """The same requests, to be looked through while others are written down."""
        copied = Journal(self._ring.maxlen or 1)
        copied.count, copied._ring = self.count, self._ring.copy()
        return copied

    @property
    def forgotten(self) -> int:
        """How many had to make room."""
        return self.count - len(self._ring)

    def __len__(self) -> int:
        return len(self._ring)

    def __iter__(self) -> Iterator[Entry]:
        first = self.forgotten + 1
        return (Entry(number, *raw) for number, raw in enumerate(tuple(self._ring), first))

    def entries(
        self,
        *,
        device: str | None = None,
        client: str | None = None,
        unit: int | None = None,
        function: int | None = None,
        since: float | None = None,
        last: int | None = None,
    ) -> list[Entry]:
        """Those that fit, the oldest first: patterns of device and client, virtual seconds ``since`` when.

        ``last`` is how many of them at most, from the newest.
        """
        found = (
            entry
            for entry in reversed(list(self))
            if (since is None or entry.at >= since)
            and (unit is None or entry.unit == unit)
            and (function is None or entry.function == function)
            and (client is None or is_client(entry.client, client))
            and (device is None or fnmatchcase(entry.device, device))
        )
        return list(islice(found, last))[::-1]


def is_client(name: str, pattern: str) -> bool:
    """True when a pattern fits a client, with its port or without."""
    return fnmatchcase(name, pattern) or fnmatchcase(name.rpartition(":")[0].strip("[]"), pattern)


def written(pdu: bytes) -> Written | None:
    """What a request writes; None for one that writes nothing, and for half a request."""
    reader = _WRITERS.get(pdu[0])
    try:
        return None if reader is None else reader(pdu)
    except (struct.error, IndexError):
        return None


_PAIR = struct.Struct(">HH")


def _coil(pdu: bytes) -> Written:
    address, value = _PAIR.unpack_from(pdu, 1)
    return Written(Table.COIL, address, (bool(value),))


def _register(pdu: bytes) -> Written:
    address, value = _PAIR.unpack_from(pdu, 1)
    return Written(Table.HOLDING_REGISTER, address, (value,))


def _coils(pdu: bytes) -> Written:
    address, quantity = _PAIR.unpack_from(pdu, 1)
    values = tuple(bool(pdu[6 + place // 8] >> place % 8 & 1) for place in range(quantity))
    return Written(Table.COIL, address, values)


def _registers(pdu: bytes, at: int = 1) -> Written:
    address, quantity = _PAIR.unpack_from(pdu, at)
    return Written(Table.HOLDING_REGISTER, address, struct.unpack_from(f">{quantity}H", pdu, at + 5))


def _mask(pdu: bytes) -> Written:
    address, _ = _PAIR.unpack_from(pdu, 1)
    return Written(Table.HOLDING_REGISTER, address, None)


_WRITERS: dict[int, Callable[[bytes], Written]] = {
    codes.WRITE_SINGLE_COIL: _coil,
    codes.WRITE_SINGLE_REGISTER: _register,
    codes.WRITE_MULTIPLE_COILS: _coils,
    codes.WRITE_MULTIPLE_REGISTERS: _registers,
    codes.MASK_WRITE_REGISTER: _mask,
    codes.READ_WRITE_MULTIPLE_REGISTERS: partial(_registers, at=5),
}
_WRITES = _WRITERS.keys() - {codes.READ_WRITE_MULTIPLE_REGISTERS}  # and read nothing
_READS = frozenset((1, 2, 3, 4, 23, 24))


def _span(table: Table, address: int, quantity: int) -> str:
    last = address + quantity - 1
    return f"{table.label} {address}" + (f"-{last}" if last > address else "")
