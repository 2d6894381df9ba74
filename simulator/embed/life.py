"""The life of a server: started and stopped, from any thread, as often as the program likes.

The one rule: a stopped server keeps its values, what is registered and what is repeated; clients,
connections, faults and virtual time begin anew with every start.
"""

from __future__ import annotations

import asyncio
import threading
from abc import abstractmethod
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

from twisted.internet.defer import Deferred, DeferredList

from simulator.embed import threads
from simulator.embed.awaiting import deferred
from simulator.embed.logs import ToLogging
from simulator.embed.repeating import Repetition, Repetitions
from simulator.plant import Plant

if TYPE_CHECKING:
    from simulator.config.plant import PlantConfig
    from simulator.embed.remotes import Remote

T = TypeVar("T")


class Life:
    """What a server does with its plant."""

    def __init__(self, config: PlantConfig, reactor: Any, log_level: str | None) -> None:
        if reactor not in (None, threads.the_reactor()):
            raise ValueError(f"reactor is {reactor!r}, expected that of the process")
        self.config = config
        self.plant = Plant(config, threads.the_reactor())
        self.is_running = False
        self._has_reactor = reactor is not None  # the program has it turn
        self._log = None if log_level is None else ToLogging(log_level)
        self._loop: asyncio.AbstractEventLoop | None = None  # that of asyncio, which started the server
        self._remotes: list[Remote] = []
        self._repetitions = Repetitions(self._settle)
        self._is_spent = False  # the plant has been opened: another start needs a new one
        self._starters: list[Deferred[Any]] = []  # who waits for the start that is under way
        self._ending: Deferred[None] | None = None  # while it is being stopped
        self._stopped = threading.Event()
        self._trigger: Any = None  # stops the server with the reactor

    @abstractmethod
    def _apply_everything(self) -> None:
        """Have the devices of the plant behave as it is registered."""

    def start(self) -> Any:
        """Listen, and answer from now on; nothing when it does already.

        Returns when clients can connect; inside a running reactor at once, with a Deferred of the server.
        Raises :class:`~simulator.errors.BindError` when an endpoint is taken or cannot be opened.
        """
        return self._open() if self._comes_before() else threads.run(self._open)

    def stop(self) -> Any:
        """Answer what has arrived, then close every connection; nothing when it does not run.

        Inside a running reactor it returns a Deferred at once.
        """
        if threads.is_running():
            return threads.run(self._close)
        closed = self._close()
        return closed if self._has_reactor else None

    def serve_forever(self) -> None:
        """Start, and return when ``stop`` is called elsewhere or the program is interrupted."""
        if threads.inside():
            raise RuntimeError("serve_forever is called in the reactor's own thread, expected start() there")
        self.start()
        try:
            self._stopped.wait()
        except KeyboardInterrupt:
            self.stop()

    async def start_async(self) -> Self:
        """``start`` for asyncio; coroutines of yours run in this event loop from now on."""
        self._loop = asyncio.get_running_loop()
        self._comes_before()
        started: Self = await self._in_loop(self._open)
        return started

    async def stop_async(self) -> None:
        """``stop`` for asyncio."""
        await self._in_loop(self._close)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await self.start_async()

    async def __aexit__(self, *_: object) -> None:
        await self.stop_async()

    @property
    def endpoints(self) -> list[str]:
        """What is listened on, with the ports the kernel picked; empty while it does not run."""
        return list(self.plant.endpoints) if self.is_running else []

    @property
    def url(self) -> str:
        """The first of them, as a client takes it.  Raises RuntimeError while it does not run."""
        if not self.is_running:
            raise RuntimeError("the server does not run, expected start() first")
        return self.plant.endpoints[0]

    @property
    def port(self) -> int:
        """The port of the first; 0 for a serial line."""
        end = self.url.rpartition(":")[2]
        return int(end) if end.isdigit() else 0

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function in the thread of the reactor: no client is answered before it returns."""
        result: T = threads.run(function, *arguments)
        return result

    async def call_async(self, function: Callable[..., T], *arguments: Any) -> T:
        """The same for asyncio."""
        result: T = await self._in_loop(lambda: function(*arguments))
        return result

    def every(self, seconds: float, function: Callable[[], Any]) -> Repetition:
        """Call a function every so many seconds while the server runs, the first time after one interval.

        It may be a coroutine function; one that still runs when its time comes is left alone.  What it raises
        is logged, and it is called again.
        """
        made: Repetition = threads.run(self._repetitions.add, seconds, function)
        return made

    def _comes_before(self) -> bool:
        """True when the program's reactor does not turn yet; has one turn when the program runs none."""
        if not self._has_reactor:
            threads.ensure_running()
        return not threads.is_running()

    def _settle(self, outcome: Any) -> Deferred[Any]:
        return deferred(outcome, self._loop)

    async def _in_loop(self, function: Callable[[], Any]) -> Any:
        if not threads.inside():
            return await asyncio.wrap_future(threads.submit(function))
        result = function()
        return await result.asFuture(asyncio.get_running_loop()) if isinstance(result, Deferred) else result

    def _open(self) -> Deferred[Any]:
        started: Deferred[Any] = Deferred()
        if self.is_running:
            started.callback(self)
            return started
        self._starters.append(started)
        if len(self._starters) == 1 and self._ending is None:
            self._listen()
        return started

    def _listen(self) -> None:
        if self._is_spent:
            self._renew()
        self._is_spent = True
        self._stopped.clear()
        if self._log is not None:
            self._log.begin()
        opened: Deferred[Any] = self.plant.open()
        opened.addCallbacks(self._opened, self._not_opened)

    def _opened(self, _: object) -> None:
        self.is_running = True
        self._trigger = self.plant.reactor.addSystemEventTrigger("before", "shutdown", self._close)
        self.plant.startService()
        self._repetitions.start(self.plant.time)
        starters, self._starters = self._starters, []
        for starter in starters:
            starter.callback(self)

    def _not_opened(self, failure: Any) -> None:
        starters, self._starters = self._starters, []
        ended = self._end()
        for starter in starters:
            ended.addCallback(partial(_refuse, starter, failure))

    def _close(self) -> Deferred[None]:
        if self._starters:
            opened: Deferred[Any] = Deferred()
            self._starters.append(opened)
            return opened.addBoth(lambda _: self._close())
        ended: Deferred[None] = Deferred()
        if self.is_running:
            self.is_running = False
            with suppress(ValueError):  # it is the trigger that calls
                self.plant.reactor.removeSystemEventTrigger(self._trigger)
            self._repetitions.stop()
            self._end().chainDeferred(ended)
        elif self._ending is not None:
            self._ending.addCallback(lambda _: ended.callback(None))
        else:
            ended.callback(None)
        return ended

    def _end(self) -> Deferred[None]:
        """Give back what is open; who wants to start meanwhile waits for it."""
        closing: list[Deferred[Any]] = [self.plant.stopService(), *(each.close() for each in self._remotes)]
        ending = self._ending = Deferred()

        def over(_: object) -> None:
            if self._log is not None:
                self._log.end()
            self._stopped.set()
            self._ending = None
            if self._starters:
                self._listen()
            ending.callback(None)

        DeferredList(closing, consumeErrors=True).addCallback(over)
        return ending

    def _renew(self) -> None:
        """A plant like the one before, with its values."""
        old, self.plant = self.plant, Plant(self.config, threads.the_reactor())
        for before, now in zip(old.fleets, self.plant.fleets, strict=True):
            for table, kept in before.tables.items():
                now.tables[table].cells[:] = kept.cells
            now.kind.identities = before.kind.identities
            now.kind.files = before.kind.files
        self._apply_everything()


def _refuse(starter: Deferred[Any], failure: Any, _: object) -> None:
    starter.errback(failure)
