"""Finding what a device has: unit ids that answer, and the address ranges of every table.

That a range is refused says only that something in it is missing; an empty table can only be known to be so
by asking for each address.  So one address in every ``step`` is asked for, and from each that is there the
range around it is felt out in growing and shrinking pieces; then every address near what was found.  With a
step of 1 nothing is missed; otherwise islands far from others and shorter than it may be.  It only reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from simulator.errors import (
    GatewayPathUnavailable,
    GatewayTargetFailed,
    IllegalDataValue,
    IllegalFunction,
    ModbusException,
    ProtocolError,
    TimedOut,
)
from simulator.protocol import codes
from simulator.protocol.codes import Table

Span = tuple[int, int]  # half-open


_NOT_SUPPORTED = "function not supported"
NEAR = 100  # addresses on both sides of what was found that are all asked for
_SILENCES = 3  # requests without an answer after which a table is given up


class Device(Protocol):
    """What is asked of a client."""

    def read_coils(self, address: int, quantity: int = 1, *, unit: int | None = None) -> list[bool]: ...
    def read_discrete_inputs(
        self, address: int, quantity: int = 1, *, unit: int | None = None
    ) -> list[bool]: ...
    def read_input_registers(
        self, address: int, quantity: int = 1, *, unit: int | None = None
    ) -> list[int]: ...
    def read_holding_registers(
        self, address: int, quantity: int = 1, *, unit: int | None = None
    ) -> list[int]: ...


class Spent(Exception):
    """No more requests may be sent."""


@dataclass(slots=True)
class Budget:
    """How many requests may still be sent; ``progress`` is told after each."""

    left: int
    progress: Callable[[int], None] = lambda sent: None
    sent: int = 0

    def spend(self) -> None:
        """One request; raises Spent when there is none left."""
        if self.left <= 0:
            raise Spent
        self.left -= 1
        self.sent += 1
        self.progress(self.sent)


@dataclass(slots=True)
class Found:
    """A table of a unit: the ranges that can be read, those not looked at, and why there are none."""

    table: Table
    ranges: list[Span] = field(default_factory=list)
    unknown: list[Span] = field(default_factory=list)
    reason: str = ""


def units(client: Device, candidates: Iterable[int], budget: Budget) -> tuple[list[int], list[int]]:
    """Unit ids that answer, with a value or a refusal of their own; and those not asked."""
    answering: list[int] = []
    waiting = list(candidates)
    while waiting:
        try:
            budget.spend()
        except Spent:
            break
        if _answers(client, unit := waiting.pop(0)):
            answering.append(unit)
    return answering, waiting


def table(
    client: Device, unit: int, which: Table, spans: Iterable[Span], budget: Budget, step: int = 1
) -> Found:
    """The ranges of one table that can be read, as far as one in ``step`` addresses leads to them."""
    search = _Search(client, unit, which, budget)
    found = Found(which)
    wanted = merged(spans)
    waiting = list(wanted)
    try:
        _look(search, found, waiting, step)
        if step > 1:
            near = merged((start - NEAR, stop + NEAR) for start, stop in found.ranges)
            waiting = [(max(a, c), min(b, d)) for a, b in wanted for c, d in near if max(a, c) < min(b, d)]
            _look(search, found, waiting, 1)
    except _GivenUp as reason:
        found.reason = str(reason)
    found.ranges = merged(found.ranges)
    found.unknown = [] if found.reason == _NOT_SUPPORTED else merged(waiting)
    return found


def _look(search: _Search, found: Found, waiting: list[Span], step: int) -> None:
    """Ask for one in ``step`` addresses of what is ``waiting``, which is kept up to date."""
    while waiting:
        probe, stop = waiting[0]
        after = next((end for begin, end in found.ranges if begin <= probe < end), None)
        if after is None:
            after = (probe // step + 1) * step  # maps like to begin at round addresses
            if search.has(probe, 1):
                below = [end for _, end in found.ranges if end <= probe]
                above = [begin for begin, _ in found.ranges if begin > probe]
                least = max([probe - step + 1, 0, *below])
                found.ranges.append(search.around(probe, least, min([stop, *above])))
        else:
            after = -(-after // step) * step
        waiting[:1] = [(after, stop)] if after < stop else []


class _GivenUp(Exception):
    """It makes no sense to go on in this table."""


class _Search:
    """Asks for pieces of one table, and learns how large they may be."""

    def __init__(self, client: Device, unit: int, which: Table, budget: Budget) -> None:
        self._client = client
        self._unit = unit
        self._which = which
        self._budget = budget
        self._most = codes.MAX_READ_BITS if which.is_bits else codes.MAX_READ_REGISTERS
        self._silent = 0  # requests without an answer, one behind the other

    def has(self, start: int, quantity: int) -> bool:
        """Can this piece be read as a whole?"""
        try:
            self._budget.spend()
        except Spent:
            raise _GivenUp("no requests left") from None
        refused = _refusal(self._client, self._unit, self._which, start, quantity)
        if isinstance(refused, IllegalFunction):
            raise _GivenUp(_NOT_SUPPORTED)
        if isinstance(refused, TimedOut | ProtocolError):
            self._silent += 1
            if self._silent >= _SILENCES:
                raise _GivenUp(str(refused))
        else:
            self._silent = 0
        if isinstance(refused, IllegalDataValue) and quantity > 1:
            self._most = min(self._most, quantity // 2)  # the device has a limit of its own
        return refused is None

    def around(self, probe: int, least: int, stop: int) -> Span:
        """The range around an address that is there, within ``least`` and ``stop``."""
        size, last = 1, probe + 1
        while size and last < stop:
            size = min(size, self._most, stop - last)
            if self.has(last, size):
                last, size = last + size, 2 * size
            else:
                size //= 2
        size, first = 1, probe
        while size and first > least:
            size = min(size, self._most, first - least)
            if self.has(first - size, size):
                first, size = first - size, 2 * size
            else:
                size //= 2
        return first, last


def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch joined."""
    joined: list[Span] = []
    for start, stop in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return joined


def _answers(client: Device, unit: int) -> bool:
    try:
        client.read_holding_registers(0, 1, unit=unit)
    except (GatewayPathUnavailable, GatewayTargetFailed, TimedOut, ProtocolError):
        return False
    except ModbusException:
        return True
    return True


def _refusal(
    client: Device, unit: int, which: Table, start: int, quantity: int
) -> ModbusException | TimedOut | ProtocolError | None:
    """Why a range cannot be read as a whole; None when it can."""
    asks: dict[Table, Callable[..., object]] = {
        Table.COIL: client.read_coils,
        Table.DISCRETE_INPUT: client.read_discrete_inputs,
        Table.INPUT_REGISTER: client.read_input_registers,
        Table.HOLDING_REGISTER: client.read_holding_registers,
    }
    try:
        asks[which](start, quantity, unit=unit)
    except (ModbusException, TimedOut, ProtocolError) as error:
        return error
    return None
