"""What can be registered with a server or with one of its devices.

The decorators return the function as it is, and work before the server starts and while it runs.  The one
rule: clients of devices for which nothing is registered notice nothing, not even in speed.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Container, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from simulator.documents.wording import unknown
from simulator.embed.blocks import Route
from simulator.embed.overrides import Hook, Observer, Overrides
from simulator.embed.remotes import Remote
from simulator.protocol.codes import ADDRESSES, EXCEPTION_BIT, Table

if TYPE_CHECKING:
    from simulator.embed.providers import Provider
    from simulator.embed.requests import Request

F = TypeVar("F", bound=Callable[..., Any])
Numbers = int | Iterable[int]


class Registering:
    """Functions of yours that answer requests or are told of writes.

    They run in the thread of the reactor, so they must not wait: what takes long is a coroutine, returns a
    Deferred or a future, or is decorated with ``in_thread``.  What they raise, other than the exceptions of
    :mod:`simulator.errors`, is logged and answered with 0x04.
    """

    _overrides: Overrides

    @abstractmethod
    def _changed(self) -> None:
        """Act by what is registered now."""

    def on_request(self, *functions: int, units: Numbers | None = None) -> Callable[[F], F]:
        """Call ``function(request)`` for requests of these function codes (default: all) and unit ids.

        It returns the response PDU, or None to leave the request to the next; ``request.default()`` asks the
        next, ``request.refuse(code)`` or an exception refuses.  Those registered first are asked first.
        """
        codes = _numbers("function code", functions or None, 1, EXCEPTION_BIT - 1)
        chosen = _numbers("unit id", units, 0, 0xFF)

        def register(function: F) -> F:
            self._overrides.hooks.append(Hook(function, codes, chosen))
            self._changed()
            return function

        return register

    def route_read(
        self,
        addresses: Numbers | None = None,
        *,
        functions: Numbers | None = None,
        units: Numbers | None = None,
    ) -> Callable[[F], F]:
        """Call ``function(request, address)`` for each address that is read; it returns the value.

        None is all addresses, all function codes that read (1 to 4, 22, 23), all unit ids.  What no route is
        for is read as ever; of several routes for an address the newest counts.
        """
        return self._route(addresses, functions, units, writes=False)

    def route_write(
        self,
        addresses: Numbers | None = None,
        *,
        functions: Numbers | None = None,
        units: Numbers | None = None,
    ) -> Callable[[F], F]:
        """Call ``function(request, address, value)`` for each address that is written, in order."""
        return self._route(addresses, functions, units, writes=True)

    def on_write(
        self, table: str | Table | None = None, addresses: Numbers | None = None
    ) -> Callable[[F], F]:
        """Call ``function(change)`` after each write of a client to ``coil`` or ``holding_register``.

        ``addresses`` is one or a run of them; None is all, and both tables.
        """
        return self._observe(table, addresses, changes_only=False)

    def on_change(
        self, table: str | Table | None = None, addresses: Numbers | None = None
    ) -> Callable[[F], F]:
        """The same for writes that change something."""
        return self._observe(table, addresses, changes_only=True)

    def use_provider(self, provider: Provider | None) -> None:
        """Have a provider in place of all four tables; None for the tables again."""
        self._overrides.provider = provider
        self._changed()

    def use_engine(self, engine: Callable[[bytes], Any] | None) -> None:
        """Have ``engine(request PDU)`` make every response PDU, at once or later; b"" is silence."""
        base = None if engine is None else lambda request: engine(request.pdu)
        self._overrides.base = base
        self._changed()

    def forward_to(self, remote: Remote | str | None, unit: int | None = None) -> None:
        """Be the device at ``remote``, a ``Remote`` or a URL; ``unit`` is its id there, default: the same."""
        if remote is None:
            self._overrides.base = None
        else:
            there = remote if isinstance(remote, Remote) else Remote(remote)
            _numbers("unit id", unit, 0, 0xFF)

            def ask(request: Request) -> Any:
                return there.ask(request.unit if unit is None else unit, request.pdu)

            self._overrides.base = ask
            self._uses(there)
        self._changed()

    def unregister(self, function: Callable[..., Any]) -> None:
        """Forget everything a function was registered for."""
        those = self._overrides
        those.hooks = [hook for hook in those.hooks if hook.function is not function]
        those.routes = [route for route in those.routes if route.function is not function]
        those.observers = [one for one in those.observers if one.function is not function]
        self._changed()

    @abstractmethod
    def _uses(self, remote: Remote) -> None:
        """Close a remote when the server stops."""

    def _route(
        self, addresses: Numbers | None, functions: Numbers | None, units: Numbers | None, *, writes: bool
    ) -> Callable[[F], F]:
        places = _numbers("address", addresses, 0, ADDRESSES - 1)
        codes = _numbers("function code", functions, 1, EXCEPTION_BIT - 1)
        chosen = _numbers("unit id", units, 0, 0xFF)

        def register(function: F) -> F:
            self._overrides.routes.append(Route(function, places, codes, chosen, writes))
            self._changed()
            return function

        return register

    def _observe(
        self, table: str | Table | None, addresses: Numbers | None, *, changes_only: bool
    ) -> Callable[[F], F]:
        start, stop = _run(addresses)
        tables = [_WRITABLE[name] for name in _WRITABLE] if table is None else [_table(table)]

        def register(function: F) -> F:
            for each in tables:
                self._overrides.observers.append(Observer(function, each, start, stop, changes_only))
            self._changed()
            return function

        return register


_WRITABLE = {table.label: table for table in Table if table.is_writable}


def _table(table: str | Table) -> Table:
    name = table.label if isinstance(table, Table) else table
    if name not in _WRITABLE:
        raise ValueError(unknown("table", name, _WRITABLE))
    return _WRITABLE[name]


def _numbers(what: str, numbers: Any, low: int, high: int) -> Container[int] | None:
    """The numbers, checked, as something that says which are among them."""
    if numbers is None:
        return None
    listed = (numbers,) if isinstance(numbers, int) else numbers
    if not isinstance(listed, range):
        listed = frozenset(listed)
    wrong = [number for number in listed if not isinstance(number, int) or not low <= number <= high]
    if wrong:
        raise ValueError(f"{what} is {wrong[0]!r}, expected {low} to {high}")
    return listed


def _run(addresses: Numbers | None) -> tuple[int, int]:
    """First address and the one behind the last."""
    if addresses is None:
        return 0, ADDRESSES
    listed = sorted((addresses,) if isinstance(addresses, int) else addresses)
    if not listed or listed != list(range(listed[0], listed[-1] + 1)):
        raise ValueError(f"addresses are {addresses!r}, expected one or a run of them, such as range(10, 20)")
    _numbers("address", (listed[0], listed[-1]), 0, ADDRESSES - 1)
    return listed[0], listed[-1] + 1
