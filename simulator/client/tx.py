"""The client for Twisted: every verb returns a Deferred.

It connects by endpoints, and needs no pyOpenSSL for TLS.  A client keeps its connection open; its requests
are in flight together where transaction ids tell the answers apart.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, TypeVar

from twisted.internet import defer, error
from twisted.python.failure import Failure

from simulator.client.asks import Ask
from simulator.client.base import Configured
from simulator.client.driver import Driver
from simulator.client.links import network_error
from simulator.client.plans import Plan, TwistedFace
from simulator.client.tx_wires import OPENERS
from simulator.client.verbs import Verbs
from simulator.errors import ConnectionFailed, ConnectionRefused, HostUnknown, NetworkError

if TYPE_CHECKING:
    from simulator.client.devices import TwistedDevice
    from simulator.profiles.profile import Profile

T = TypeVar("T")


class TwistedClient(Configured, TwistedFace, Verbs):
    """``client = TwistedClient("tcp://127.0.0.1:502"); words = await client.read_holding_registers(0, 10)``.

    It connects with the first request, or with ``connect``.  Deferreds fail with what ``Client`` raises; one
    that is cancelled is forgotten, its answer dropped.  ``reactor`` is Twisted's own unless another is given.
    """

    def __init__(self, url: str, *, reactor: Any = None, **options: Any) -> None:
        super().__init__(url, **options)
        if reactor is None:
            from twisted.internet import reactor as installed

            reactor = installed
        self._driver = Driver(self, TwistedLoop(reactor))

    @property
    def connected(self) -> bool:
        """True while a connection is open."""
        return self._driver.connected

    def connect(self) -> defer.Deferred[Self]:
        """Connect now; nothing when connected already.  Fails with NetworkError."""
        connected: defer.Deferred[Self] = self._driver.connect().addCallback(lambda _: self)
        return connected

    def close(self) -> defer.Deferred[None]:
        """End the connection and every request under way; another request would open it again."""
        closed: defer.Deferred[None] = self._driver.close()
        return closed

    async def __aenter__(self) -> Self:
        return await self.connect()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def device(self, profile: Profile | str, *, unit: int | None = None) -> TwistedDevice:
        """A device with the names of a profile: one that is shipped, by its name, or a profile object."""
        from simulator.client.devices import TwistedDevice

        return TwistedDevice(self, profile, unit)

    def _run(self, plan: Plan[T] | Ask[T]) -> defer.Deferred[T]:
        promise: defer.Deferred[T] = self._driver.run(plan)
        return promise


class TwistedLoop:
    """A reactor, as a driver sees it."""

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor
        self.seconds = reactor.seconds
        self.call_later: Callable[..., Any] = reactor.callLater
        self.promise: Callable[[], defer.Deferred[Any]] = defer.Deferred

    def soon(self, function: Callable[[], object]) -> object:
        return self.reactor.callLater(0, function)

    def keep(self, promise: defer.Deferred[Any], value: Any, error: BaseException | None) -> None:
        if promise.called:
            return
        if error is None:
            promise.callback(value)
        else:
            promise.errback(Failure(error))

    def dropped(self, promise: defer.Deferred[Any]) -> bool:
        return bool(promise.called)

    def open(self, driver: Driver) -> defer.Deferred[Any]:
        opening: defer.Deferred[Any] = defer.maybeDeferred(
            OPENERS[driver.client.target.transport], self.reactor, driver
        )
        later = self.reactor.callLater(driver.options.connecting, opening.cancel)
        state = {"called off": False, "in time": True}

        def stop() -> None:
            state["called off"] = True
            opening.cancel()

        def opened(wire: Any) -> None:
            driver.opened(wire)
            if wire.over:
                driver.lost(wire)

        def settled(result: Any) -> Any:
            state["in time"] = later.active()
            if later.active():
                later.cancel()
            return result

        def failed(failure: Failure) -> None:
            if not state["called off"]:
                driver.failed(_network_error(driver, failure, in_time=state["in time"]))

        opening.addBoth(settled).addCallbacks(opened, failed)
        return _Opening(stop)  # type: ignore[return-value]


class _Opening:
    def __init__(self, cancel: Callable[[], None]) -> None:
        self.cancel = cancel


def _network_error(driver: Driver, failure: Failure, *, in_time: bool) -> NetworkError:
    reason = failure.value
    url, seconds = driver.client.url, driver.options.connecting
    if not in_time or isinstance(reason, error.TimeoutError):
        return ConnectionFailed(url, f"no connection within {seconds:g} s")
    if isinstance(reason, error.DNSLookupError):
        return HostUnknown(url, "host is unknown: it has no address")
    if isinstance(reason, error.ConnectionRefusedError):
        return ConnectionRefused(url, "connection refused: nobody listens there")
    if isinstance(reason, error.ConnectError):
        text = os.strerror(reason.osError) if reason.osError else str(reason)
        return ConnectionFailed(url, text.lower())
    return network_error(url, reason if isinstance(reason, Exception) else Exception(str(reason)), seconds)
