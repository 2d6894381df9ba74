"""The client for asyncio: every verb returns a future.  Loads no Twisted.

Programs on Tornado 5 and later run on asyncio and use it as it is.  A client belongs to the event loop in
which it was first used, and keeps its connection open; it may be shared by any number of tasks, whose
requests are in flight together where transaction ids tell the answers apart.
"""

from __future__ import annotations

import asyncio
import os
from asyncio import get_running_loop
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, TypeVar

from simulator.client.asks import Ask
from simulator.client.base import Configured
from simulator.client.driver import Driver
from simulator.client.links import network_error
from simulator.client.plans import AsyncioFace, Plan
from simulator.client.verbs import Verbs
from simulator.errors import ConnectionRefused

if TYPE_CHECKING:
    from simulator.client.devices import AsyncDevice
    from simulator.profiles.profile import Profile

T = TypeVar("T")

_CHUNK = 4096


class AsyncClient(Configured, AsyncioFace, Verbs):
    """``async with AsyncClient("tcp://127.0.0.1:502") as client: await client.read_coils(0, 8)``.

    It connects with the first request, or with ``connect``.  Verbs raise as those of ``Client`` do.  A
    request whose task is cancelled is not asked again; its answer is dropped.
    """

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(url, **options)
        self._driver: Driver | None = None
        self._loop: asyncio.AbstractEventLoop | None = None  # of the driver

    @property
    def connected(self) -> bool:
        """True while a connection is open."""
        return self._driver is not None and self._driver.connected

    async def connect(self) -> Self:
        """Connect now; nothing when connected already.  Raises NetworkError."""
        await self._started().connect()
        return self

    async def close(self) -> None:
        """End the connection and every request under way; another request would open it again."""
        if self._driver is not None:
            await self._started().close()

    async def __aenter__(self) -> Self:
        return await self.connect()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def device(self, profile: Profile | str, *, unit: int | None = None) -> AsyncDevice:
        """A device with the names of a profile: one that is shipped, by its name, or a profile object."""
        from simulator.client.devices import AsyncDevice

        return AsyncDevice(self, profile, unit)

    def _run(self, plan: Plan[T] | Ask[T]) -> asyncio.Future[T]:
        driver = self._driver
        if driver is None or self._loop is not get_running_loop():
            driver = self._started()
        promise: asyncio.Future[T] = driver.run(plan)
        return promise

    def _started(self) -> Driver:
        """The driver in the running loop; a new one where the loop of the first is over.

        Raises RuntimeError where no loop runs, and where the client belongs to another one.
        """
        loop = get_running_loop()
        if self._driver is not None and self._loop is loop:
            return self._driver
        if self._loop is not None and not self._loop.is_closed():
            raise RuntimeError(
                f"{self.url}: client belongs to another event loop, expected one for each loop"
            )
        self._loop, self._driver = loop, Driver(self, AsyncioLoop(loop))
        return self._driver


class AsyncioLoop:
    """An event loop of asyncio, as a driver sees it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.seconds = loop.time
        self.call_later: Callable[..., asyncio.TimerHandle] = loop.call_later
        self.soon: Callable[..., asyncio.Handle] = loop.call_soon
        self.promise: Callable[[], asyncio.Future[Any]] = loop.create_future

    def keep(self, promise: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
        if promise.done():
            return
        if error is None:
            promise.set_result(value)
        else:
            promise.set_exception(error)

    def dropped(self, promise: asyncio.Future[Any]) -> bool:
        return promise.done()

    def open(self, driver: Driver) -> asyncio.Task[None]:
        return self.loop.create_task(self._open(driver))

    async def _open(self, driver: Driver) -> None:
        client, seconds = driver.client, driver.options.connecting
        made: list[Any] = []  # where the wire is put when there is one
        try:
            async with asyncio.timeout(seconds):
                await _OPENERS[client.target.transport](self.loop, driver, made)
        except BaseException as error:
            for wire in made:
                wire.close()
            if not isinstance(error, OSError | ValueError):
                raise
            driver.failed(network_error(client.url, error, seconds))
        else:
            driver.opened(made[0])
            if made[0].over:
                driver.lost(made[0])


class _Stream(asyncio.Protocol):
    """A TCP or TLS connection."""

    def __init__(self, driver: Driver, made: list[Any]) -> None:
        self._driver = driver
        self._made = made
        self._transport: Any = None
        self.data_received = driver.received  # type: ignore[method-assign]
        self.over = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.write = transport.write
        self._made.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.over = True
        self._driver.lost(self, "" if error is None else f"the connection broke: {_words(error)}")

    def close(self) -> None:
        self._transport.abort()


class _Datagrams(asyncio.DatagramProtocol):
    """A connected UDP socket."""

    over = False

    def __init__(self, driver: Driver, made: list[Any]) -> None:
        self._driver = driver
        self._made = made
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.write = transport.sendto
        self._made.append(self)

    def datagram_received(self, data: bytes, address: Any) -> None:
        self._driver.received(data)

    def error_received(self, error: Exception) -> None:
        url = self._driver.client.url
        if isinstance(error, ConnectionRefusedError):
            self._driver.refused(ConnectionRefused(url, "connection refused: nobody listens there"))
        else:
            self._driver.refused(network_error(url, error, 0))

    def connection_lost(self, error: Exception | None) -> None:
        self._driver.lost(self)

    def close(self) -> None:
        self._transport.abort()


class _Serial:
    """A serial port."""

    over = False

    def __init__(self, loop: asyncio.AbstractEventLoop, driver: Driver, port: Any) -> None:
        self._loop = loop
        self._driver = driver
        self._port = port
        self._fd: int = port.fileno()
        self._rest = b""
        loop.add_reader(self._fd, self._readable)

    def write(self, data: bytes) -> None:
        self._rest += data
        self._writable()

    def close(self) -> None:
        self._loop.call_soon(self._end, "")

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(f"the serial port is gone: {(error.strerror or str(error)).lower()}")
            return
        if data:
            self._driver.received(data)
        else:
            self._end("the serial port is gone")

    def _writable(self) -> None:
        try:
            self._rest = self._rest[os.write(self._fd, self._rest) :]
        except BlockingIOError:
            pass
        except OSError as error:
            self._loop.call_soon(self._end, f"the serial port is gone: {error}")
            return
        if self._rest:
            self._loop.add_writer(self._fd, self._writable)
        else:
            self._loop.remove_writer(self._fd)

    def _end(self, reason: str) -> None:
        from simulator.serial_ports import close_port

        port, self._port = self._port, None
        if port is None:
            return
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        close_port(port)
        self._driver.lost(self, reason)


def _words(error: Exception) -> str:
    if type(error).__module__ == "ssl":
        from simulator.client.tls import words

        return words(error)
    return str(getattr(error, "strerror", None) or error).lower()


async def _open_stream(loop: asyncio.AbstractEventLoop, driver: Driver, made: list[Any]) -> None:
    target, options = driver.client.target, driver.options
    secure: dict[str, Any] = {}
    if target.transport == "tls":
        from simulator.client.tls import client_context

        secure = {"ssl": client_context(options), "server_hostname": options.server_name or target.host}
    source = options.source_address()
    await loop.create_connection(
        lambda: _Stream(driver, made), target.host, target.port, local_addr=source, **secure
    )


async def _open_datagrams(loop: asyncio.AbstractEventLoop, driver: Driver, made: list[Any]) -> None:
    target = driver.client.target
    await loop.create_datagram_endpoint(
        lambda: _Datagrams(driver, made),
        remote_addr=(target.host, target.port),
        local_addr=driver.options.source_address(),
    )


async def _open_serial(loop: asyncio.AbstractEventLoop, driver: Driver, made: list[Any]) -> None:
    from simulator.serial_ports import open_port

    line = driver.client.target.line
    assert line is not None
    made.append(_Serial(loop, driver, open_port(line)))


_OPENERS: dict[str, Any] = {
    "tcp": _open_stream,
    "tls": _open_stream,
    "udp": _open_datagrams,
    "serial": _open_serial,
}
