"""The client's side of connections without sockets: the ordinary client over a link in memory.

While a client waits, the clock of the plant runs, so a timeout costs virtual seconds and no real ones.  The
one rule: time passes for waiting only; a request that is answered at once takes none.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulator.client.blocking import Client
from simulator.errors import ConnectionClosed, ConnectionRefused, NetworkError

if TYPE_CHECKING:
    from simulator.client.asks import Ask
    from simulator.client.links import Link
    from simulator.testing.memory import MemoryConnection

Run = Callable[[float, Callable[[], object]], bool]  # seconds at most, until when; False for in vain
Connect = Callable[[Any], "MemoryConnection | None"]  # with the client's options


class MemoryLink:
    """A way to a plant in the same process; ``run`` lets its time pass."""

    chunk = 65_536

    def __init__(self, text: str, connection: MemoryConnection, run: Run, timeout: float) -> None:
        self._text = text
        self._connection = connection
        self._run = run
        self._timeout = timeout
        self._left = timeout  # of the request that was sent last

    def send(self, data: bytes) -> None:
        if self._connection.ended:
            raise _broken(self._connection.ended)
        self._left = self._timeout
        self._connection.hear(data)

    def receive(self, most: int) -> bytes:
        if not self.wait(self._left):
            raise TimeoutError
        connection = self._connection
        data = bytes(connection.outgoing[:most])
        del connection.outgoing[:most]
        if not data and connection.ended == "reset":
            raise _broken("reset")
        return data

    def wait(self, seconds: float) -> bool:
        """Whatever real seconds are left, it is virtual ones that count."""
        connection = self._connection
        began = connection.hub.reactor.seconds()
        found = self._run(self._left, lambda: connection.outgoing or connection.ended)
        self._left = max(0.0, self._left - (connection.hub.reactor.seconds() - began))
        return found

    def drain(self) -> bytes | None:
        data = bytes(self._connection.outgoing)
        self._connection.outgoing.clear()
        return None if self._connection.ended else data

    def ended(self, error: OSError) -> NetworkError:
        return ConnectionClosed(self._text, f"the connection broke: {(error.strerror or str(error)).lower()}")

    def close(self) -> None:
        self._connection.leave()

    leave = close


class MemoryClient(Client):
    """The blocking client, connected by ``connect`` rather than by a socket."""

    def __init__(self, url: str, connect: Connect, run: Run, **options: Any) -> None:
        super().__init__(url, **options)
        self._connect = connect
        self._run_clock = run

    def _once(self, ask: Ask[Any]) -> Any:
        self._used = float("-inf")  # always look before sending: real time must not matter
        return super()._once(ask)

    def _open(self) -> Link:
        connection = self._connect(self.options)
        if connection is None:
            raise ConnectionRefused(self.target.text, "connection refused: nobody listens there")
        self._link = link = MemoryLink(self.target.text, connection, self._run_clock, self.options.timeout)
        return link


def _broken(how: str) -> OSError:
    """What the operating system would have said."""
    number = errno.ECONNRESET if how == "reset" else errno.EPIPE
    return OSError(number, os.strerror(number))
