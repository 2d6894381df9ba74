"""A pool of connections: every verb returns a ``concurrent.futures.Future``.

For programs with threads of their own, or none: up to ``size`` requests are under way at once, each on a
connection of its own, over every transport that can be opened several times.  It starts at most ``size``
threads, when they are needed, and ``close`` ends them.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Self, TypeVar

from simulator.client.asks import Ask
from simulator.client.base import Configured
from simulator.client.blocking import Client
from simulator.client.forks import after_fork
from simulator.client.plans import Plan, PoolFace
from simulator.client.verbs import Verbs

if TYPE_CHECKING:
    from simulator.client.devices import PoolDevice
    from simulator.profiles.profile import Profile

T = TypeVar("T")


class ClientPool(Configured, PoolFace, Verbs):
    """``with ClientPool("tcp://127.0.0.1:502", size=8) as pool: future = pool.read_coils(0, 8)``.

    Options are those of ``Client``.  Futures fail with what ``Client`` raises.
    """

    def __init__(self, url: str, *, size: int = 4, **options: Any) -> None:
        super().__init__(url, **options)
        if size < 1:
            raise ValueError(f"size is {size}, expected 1 or more")
        if self.target.line is not None and size > 1:
            raise ValueError(f"size is {size} with {url!r}, expected 1: a serial port is opened once")
        self.size = size
        self._clients = [Client(url, **options) for _ in range(size)]
        self._threads: ThreadPoolExecutor | None
        self._fresh()
        after_fork(self)

    def _fresh(self) -> None:
        """Every client is idle."""
        self._idle: SimpleQueue[Client] = SimpleQueue()
        for client in self._clients:
            self._idle.put(client)
        self._threads = ThreadPoolExecutor(self.size, "modsim-client")

    def forked(self) -> None:
        """In a child process: no thread is here, and what is under way belongs to the parent."""
        if self._threads is not None:
            self._fresh()

    def close(self) -> None:
        """Finish what is under way, then end every connection and thread; what has not begun is cancelled."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=True, cancel_futures=True)
            for client in self._clients:
                client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def device(self, profile: Profile | str, *, unit: int | None = None) -> PoolDevice:
        """A device with the names of a profile: one that is shipped, by its name, or a profile object."""
        from simulator.client.devices import PoolDevice

        return PoolDevice(self, profile, unit)

    def _run(self, plan: Plan[T] | Ask[T]) -> Future[T]:
        if self._threads is None:
            raise ValueError("pool is closed, expected an open one")
        return self._threads.submit(self._work, plan)

    def _work(self, plan: Plan[T] | Ask[T]) -> T:
        client = self._idle.get()
        try:
            return client._run(plan)
        finally:
            self._idle.put(client)
