"""Tables of a device as one request sees them: behind routes or a provider, or watched.

A function of the table of functions runs as ever, over blocks that ask functions of yours.  Where one of
those answers later the function is given up and runs again when the answer is there; ``Calls`` remembers what
was answered, so that each of yours is called once.  The one rule: what has an effect goes through it, once.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from simulator.blocks.base import Block
from simulator.blocks.memory import pack_bits
from simulator.embed.awaiting import is_later
from simulator.protocol.codes import Table
from simulator.protocol.contract import pack_words, unpack_words

if TYPE_CHECKING:
    from simulator.embed.providers import Provider
    from simulator.embed.requests import Request

Settle = Callable[[Any], Deferred[Any]]
Tell = Callable[[int, tuple[int, ...], tuple[int, ...]], object]  # address, old and new values


class Waiting(Exception):
    """A function of yours answers later."""

    def __init__(self, outcome: Deferred[Any]) -> None:
        super().__init__("a value comes later")
        self.outcome = outcome


class Calls:
    """What one request has asked so far, and what it was answered."""

    def __init__(self, settle: Settle) -> None:
        self._settle = settle
        self._answers: list[Any] = []
        self._place = 0

    def begin(self) -> None:
        """The request is carried out from its beginning."""
        self._place = 0

    def do(self, call: Callable[[], Any]) -> Any:
        """What a call returns, which is made once; raises Waiting when it comes later."""
        if self._place == len(self._answers):
            outcome = call()
            if is_later(outcome):
                raise Waiting(self._settle(outcome).addBoth(self._answers.append))
            self._answers.append(outcome)
        answer = self._answers[self._place]
        self._place += 1
        if isinstance(answer, Failure):
            answer.raiseException()
        return answer


@dataclass(frozen=True, slots=True)
class Route:
    """A function for addresses of some function codes and unit ids; None is all."""

    function: Callable[..., Any]
    addresses: Container[int] | None
    functions: Container[int] | None
    units: Container[int] | None
    writes: bool

    def concerns(self, request: Request) -> bool:
        """True for requests of its function codes and unit ids."""
        return (self.functions is None or request.function in self.functions) and (
            self.units is None or request.unit in self.units
        )


class OnceBlock:
    """A table of a request that may be carried out more than once: what has been done is not done again."""

    def __init__(self, inner: Block, calls: Calls) -> None:
        self._inner = inner
        self._calls = calls

    def read(self, address: int, quantity: int) -> bytes:
        """See :class:`~simulator.blocks.base.Block`."""
        data: bytes = self._calls.do(lambda: self._inner.read(address, quantity))
        return data

    def write(self, address: int, quantity: int, data: bytes) -> None:
        """See :class:`~simulator.blocks.base.Block`."""
        self._calls.do(lambda: self._inner.write(address, quantity, data))


class RoutedBlock:
    """A table behind routes; what no route is for is done in ``inner``, which does it once."""

    def __init__(
        self, inner: Block, routes: Sequence[Route], request: Request, table: Table, calls: Calls
    ) -> None:
        self._inner = inner
        self._routes = routes
        self._request = request
        self._table = table
        self._calls = calls

    def read(self, address: int, quantity: int) -> bytes:
        """See :class:`~simulator.blocks.base.Block`."""
        values: list[Any] = []
        for route, start, stop in self._runs(address, quantity, writes=False):
            if route is None:
                values += unpacked(self._table, self._inner.read(start, stop - start), stop - start)
                continue
            for place in range(start, stop):
                values.append(self._calls.do(partial(route.function, self._request, place)))
        return packed(self._table, values)

    def write(self, address: int, quantity: int, data: bytes) -> None:
        """See :class:`~simulator.blocks.base.Block`."""
        values = unpacked(self._table, data, quantity)
        runs = list(self._runs(address, quantity, writes=True))
        for route, start, stop in runs:
            if route is None and isinstance(self._inner, OnceBlock):  # refused before anything is written
                self._inner.read(start, stop - start)
        for route, start, stop in runs:
            some = values[start - address : stop - address]
            if route is None:
                self._inner.write(start, len(some), packed(self._table, some))
                continue
            for place, value in enumerate(some, start):
                self._calls.do(partial(route.function, self._request, place, value))

    def _runs(self, address: int, quantity: int, *, writes: bool) -> Iterator[tuple[Route | None, int, int]]:
        """The route of each run of addresses; the newest counts where there are several."""
        routes = [route for route in self._routes if route.writes is writes]
        start, found = address, self._route(routes, address)
        for place in range(address + 1, address + quantity):
            other = self._route(routes, place)
            if other is not found:
                yield found, start, place
                start, found = place, other
        yield found, start, address + quantity

    def _route(self, routes: Sequence[Route], address: int) -> Route | None:
        for route in reversed(routes):
            if route.addresses is None or address in route.addresses:
                return route
        return None


class ProvidedBlock:
    """A table whose values a provider has."""

    def __init__(self, provider: Provider, request: Request, table: Table, calls: Calls) -> None:
        self._provider = provider
        self._request = request
        self._table = table
        self._calls = calls

    def read(self, address: int, quantity: int) -> bytes:
        """See :class:`~simulator.blocks.base.Block`."""
        values = self._calls.do(lambda: self._provider.read(self._request, self._table, address, quantity))
        if len(values) != quantity:
            raise ValueError(f"provider has read {len(values)} values, expected {quantity}")
        return packed(self._table, values)

    def write(self, address: int, quantity: int, data: bytes) -> None:
        """See :class:`~simulator.blocks.base.Block`."""
        values = unpacked(self._table, data, quantity)
        self._calls.do(lambda: self._provider.write(self._request, self._table, address, values))


class WatchedBlock:
    """A table of which somebody wants to know what clients write."""

    def __init__(self, inner: Block, table: Table, tell: Tell) -> None:
        self._inner = inner
        self._table = table
        self._tell = tell

    def read(self, address: int, quantity: int) -> bytes:
        """See :class:`~simulator.blocks.base.Block`."""
        return self._inner.read(address, quantity)

    def write(self, address: int, quantity: int, data: bytes) -> None:
        """See :class:`~simulator.blocks.base.Block`."""
        old = self._inner.read(address, quantity)
        self._inner.write(address, quantity, data)
        new = self._inner.read(address, quantity)
        table = self._table
        self._tell(address, unpacked(table, old, quantity), unpacked(table, new, quantity))


def packed(table: Table, values: Sequence[Any]) -> bytes:
    """Values as they stand on the wire.  Raises ValueError for those that are no registers."""
    if table.is_bits:
        return pack_bits(values)
    for value in values:
        if not isinstance(value, int) or not -0x8000 <= value <= 0xFFFF:
            raise ValueError(f"register is {value!r}, expected -32768 to 65535")
    return pack_words(tuple(value & 0xFFFF for value in values))


def unpacked(table: Table, data: bytes, quantity: int) -> tuple[int, ...]:
    """What stands on the wire as values: registers 0 to 65535, bits 0 and 1."""
    if table.is_bits:
        return tuple(data[place >> 3] >> (place & 7) & 1 for place in range(quantity))
    return unpack_words(data)
