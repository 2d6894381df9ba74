"""The ways to a server over Twisted: TCP, TLS, UDP and serial ports, as a driver wants them.

TLS works on memory, by ``TlsLayer``.  The one rule: a wire tells its driver of its end once.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from twisted.internet import abstract, defer, error, protocol, threads
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.python.failure import Failure

from simulator.client.driver import Driver
from simulator.client.tls import TlsLayer, client_context, words
from simulator.errors import ConnectionFailed, ConnectionRefused

_CHUNK = 4096


class Stream(protocol.Protocol):
    """A TCP connection."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.over = False

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)  # type: ignore[union-attr]
        self.write = self.transport.write  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        self.driver.received(data)

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        self.over = True
        clean = reason.check(error.ConnectionDone, error.ConnectionAborted)
        self.driver.lost(self, "" if clean else _broken(reason.value))

    def close(self) -> None:
        self.transport.abortConnection()  # type: ignore[union-attr]


class TlsStream(Stream):
    """TLS over one; ``shaken`` fires when the handshake is done."""

    def __init__(self, driver: Driver, layer: TlsLayer) -> None:
        super().__init__(driver)
        self.shaken: defer.Deferred[TlsStream] = defer.Deferred(lambda _: self.close())
        self._layer = layer

    def connectionMade(self) -> None:
        super().connectionMade()
        self.write = self._write
        self.dataReceived(b"")

    def _write(self, data: bytes) -> None:
        self.transport.write(self._layer.send(data))  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        try:
            plain, answer = self._layer.receive(data)
        except ssl.SSLError as reason:
            if not self.shaken.called:
                self.shaken.errback(Failure(reason))
            else:
                self.driver.lost(self, f"the connection broke: {words(reason)}")
            self.close()
            return
        if answer:
            self.transport.write(answer)  # type: ignore[union-attr]
        if self._layer.ready and not self.shaken.called:
            self.shaken.callback(self)
        if plain:
            self.driver.received(plain)
        if self._layer.ended:
            self.close()

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        if not self.shaken.called:
            url = self.driver.client.url
            text = "TLS handshake failed: the server closed the connection"
            self.shaken.errback(Failure(ConnectionFailed(url, text)))
        super().connectionLost(reason)


class Datagrams(protocol.ConnectedDatagramProtocol):
    """A connected UDP socket."""

    over = False

    def __init__(self, driver: Driver) -> None:
        self.driver = driver

    def write(self, data: bytes) -> None:
        self.transport.write(data)  # type: ignore[union-attr,call-arg]

    def datagramReceived(self, data: bytes, address: Any = None) -> None:
        self.driver.received(data)

    def connectionRefused(self) -> None:
        url = self.driver.client.url
        self.driver.refused(ConnectionRefused(url, "connection refused: nobody listens there"))

    def stopProtocol(self) -> None:
        self.driver.lost(self)

    def close(self) -> None:
        self.transport.stopListening()  # type: ignore[union-attr]


class Serial(abstract.FileDescriptor):
    """A serial port."""

    over = False

    def __init__(self, reactor: Any, driver: Driver, port: Any) -> None:
        super().__init__(reactor)
        self.driver = driver
        self._port = port
        self._later = reactor.callLater
        self.connected = 1
        self.startReading()  # type: ignore[no-untyped-call]

    def fileno(self) -> int:
        return -1 if self._port is None else int(self._port.fileno())

    def writeSomeData(self, data: bytes) -> int | Exception:
        try:
            return os.write(self.fileno(), data)
        except BlockingIOError:
            return 0
        except OSError as reason:
            return error.ConnectionLost(str(reason))

    def doRead(self) -> Exception | None:
        try:
            data = os.read(self.fileno(), _CHUNK)
        except BlockingIOError:
            return None
        except OSError as reason:
            return error.ConnectionLost((reason.strerror or str(reason)).lower())
        if not data:
            return error.ConnectionLost("it is gone")
        self.driver.received(data)
        return None

    def connectionLost(self, reason: Failure) -> None:
        from simulator.serial_ports import close_port

        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        self.stopReading()  # type: ignore[no-untyped-call]
        self.stopWriting()  # type: ignore[no-untyped-call]
        port, self._port = self._port, None
        if port is not None:
            close_port(port)
            broken = not reason.check(error.ConnectionDone)
            self.driver.lost(self, "the serial port is gone" if broken else "")

    def close(self) -> None:
        self._later(0, self.connectionLost, Failure(error.ConnectionDone()))


def _broken(reason: BaseException | None) -> str:
    """How a connection ended badly; Twisted does not say how when it was while reading."""
    number = getattr(reason, "osError", None) or getattr(reason, "errno", None)
    return f"the connection broke: {os.strerror(number).lower()}" if number else "the connection broke"


def _open_tcp(reactor: Any, driver: Driver) -> defer.Deferred[Any]:
    factory = protocol.Factory.forProtocol(lambda: Stream(driver))
    connecting: defer.Deferred[Any] = _endpoint(reactor, driver).connect(factory)
    return connecting


def _open_tls(reactor: Any, driver: Driver) -> defer.Deferred[Any]:
    options = driver.options
    layer = TlsLayer(client_context(options), options.server_name or driver.client.target.host)
    factory = protocol.Factory.forProtocol(lambda: TlsStream(driver, layer))
    connecting: defer.Deferred[Any] = _endpoint(reactor, driver).connect(factory)
    return connecting.addCallback(lambda stream: stream.shaken)


def _endpoint(reactor: Any, driver: Driver) -> Any:
    target, options = driver.client.target, driver.options
    place = reactor, target.host, target.port, options.connecting, options.source_address()
    try:
        version = ip_address(target.host).version
    except ValueError:
        return HostnameEndpoint(*place)
    return (TCP4ClientEndpoint if version == 4 else TCP6ClientEndpoint)(*place)


def _open_udp(reactor: Any, driver: Driver) -> defer.Deferred[Any]:
    host = driver.client.target.host
    try:
        found: defer.Deferred[str] = defer.succeed(str(ip_address(host)))
    except ValueError:
        pool = reactor.getThreadPool()
        found = threads.deferToThreadPool(reactor, pool, _address, host)
    return found.addCallback(lambda address: _bound(reactor, driver, address))


def _address(host: str) -> str:
    return str(socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)[0][4][0])


def _bound(reactor: Any, driver: Driver, address: str) -> Datagrams:
    wire = Datagrams(driver)
    source, port = driver.options.source_address() or ("::" if ":" in address else "", 0)
    reactor.listenUDP(port, wire, interface=source)
    wire.transport.connect(address, driver.client.target.port)  # type: ignore[union-attr]
    return wire


def _open_serial(reactor: Any, driver: Driver) -> Serial:
    from simulator.serial_ports import open_port

    line = driver.client.target.line
    assert line is not None
    return Serial(reactor, driver, open_port(line))


OPENERS: dict[str, Callable[[Any, Driver], Any]] = {
    "tcp": _open_tcp,
    "tls": _open_tls,
    "udp": _open_udp,
    "serial": _open_serial,
}
