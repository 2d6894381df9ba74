"""The blocking ways to a server: TCP, UDP, TLS and serial ports, each with the same methods.

``send`` and ``receive`` wait at most the client's timeout, ``wait`` says whether bytes come within some
seconds, ``drain`` takes what is there already.  Errors of the operating system become those of
``simulator.errors`` here and nowhere else.
"""

from __future__ import annotations

import os
import select
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from simulator.errors import (
    ConnectionClosed,
    ConnectionFailed,
    ConnectionRefused,
    HostUnknown,
    NetworkError,
)

if TYPE_CHECKING:
    from simulator.client.options import Options
    from simulator.client.target import Target

_CHUNK = 65536
_STREAM_CHUNK = 460  # more than any frame but ASCII's longest; small objects are quick to make
_SERIAL_CHUNK = 4096


class Link(Protocol):
    """An open way to a server.  ``send`` and ``receive`` are often those of the socket itself.

    Both raise TimeoutError or BlockingIOError after the client's timeout, any other OSError at a bad end;
    ``ended`` has the words for that.
    """

    @property
    def send(self) -> Callable[[bytes], object]:
        """Send all of it."""
        ...

    @property
    def receive(self) -> Callable[[int], bytes]:
        """At most so many bytes, as they come; none at the end of a connection."""
        ...

    @property
    def chunk(self) -> int:
        """How many to ask for."""
        ...

    def wait(self, seconds: float) -> bool:
        """True when there is something to receive within that time."""
        ...

    def drain(self) -> bytes | None:
        """What has come already; None when the other side has closed."""
        ...

    def ended(self, error: OSError) -> NetworkError:
        """What a bad end is called."""
        ...

    def close(self) -> None:
        """Close at once."""
        ...


def open_link(target: Target, options: Options) -> Link:
    """Connect; raises NetworkError, everything released."""
    return _OPENERS[target.transport](target, options)


def network_error(text: str, error: Exception, seconds: float) -> NetworkError:
    """What keeps a connection from being made, as an error of ours."""
    if isinstance(error, NetworkError):
        return error
    if isinstance(error, socket.gaierror | UnicodeError):
        reason = getattr(error, "strerror", None) or "it is no host name"
        return HostUnknown(text, f"host is unknown: {str(reason).lower()}")
    if isinstance(error, ConnectionRefusedError):
        return ConnectionRefused(text, "connection refused: nobody listens there")
    if isinstance(error, TimeoutError):
        return ConnectionFailed(text, f"no connection within {seconds:g} s")
    if isinstance(error, OSError) and type(error).__module__ == "ssl":
        from simulator.client.tls import words

        return ConnectionFailed(text, f"TLS handshake failed: {words(error)}")
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return ConnectionFailed(text, str(reason).lower())


class SocketLink:
    """A connected TCP or UDP socket.  The kernel keeps the time: one call for each direction of a request."""

    def __init__(self, text: str, connected: socket.socket, timeout: float) -> None:
        self._text = text
        self._socket = connected
        self.send: Callable[[bytes], object] = connected.sendall
        self.receive: Callable[[int], bytes] = connected.recv
        self.chunk = _STREAM_CHUNK if connected.type == socket.SOCK_STREAM else _CHUNK
        connected.settimeout(None)
        whole = int(timeout)
        limit = struct.pack("@ll", whole, max(1, int((timeout - whole) * 1e6)))
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def wait(self, seconds: float) -> bool:
        return _readable(self._socket.fileno(), seconds)

    def drain(self) -> bytes | None:
        pieces = []
        for _ in range(64):
            try:
                data = self._socket.recv(_CHUNK, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except OSError:
                return None
            if not data and self._socket.type == socket.SOCK_STREAM:
                return None
            pieces.append(data)
        return b"".join(pieces)

    def close(self) -> None:
        self._socket.close()

    def ended(self, error: OSError) -> NetworkError:
        if isinstance(error, ConnectionRefusedError):  # the answer to a datagram
            return ConnectionRefused(self._text, "connection refused: nobody listens there")
        return ConnectionClosed(self._text, f"the connection broke: {(error.strerror or str(error)).lower()}")


class TlsLink:
    """A TLS connection."""

    chunk = _CHUNK

    def __init__(self, text: str, connected: Any, timeout: float) -> None:
        self._text = text
        self._socket = connected
        self._timeout = timeout
        self.send: Callable[[bytes], object] = connected.sendall
        self.receive: Callable[[int], bytes] = connected.recv
        connected.settimeout(timeout)

    def wait(self, seconds: float) -> bool:
        return self._socket.pending() > 0 or _readable(self._socket.fileno(), seconds)

    def drain(self) -> bytes | None:
        import ssl

        self._socket.settimeout(0)
        try:
            return self._socket.recv(_CHUNK) or None
        except (ssl.SSLWantReadError, BlockingIOError):
            return b""
        except OSError:
            return None
        finally:
            self._socket.settimeout(self._timeout)

    def close(self) -> None:
        self._socket.close()

    def ended(self, error: OSError) -> NetworkError:
        from simulator.client.tls import words

        return ConnectionClosed(self._text, f"the connection broke: {words(error)}")


class SerialLink:
    """A serial port."""

    chunk = _SERIAL_CHUNK

    def __init__(self, text: str, port: Any, timeout: float) -> None:
        self._text = text
        self._port = port
        self._timeout = timeout
        self._fd: int = port.fileno()

    def send(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:
                poll = select.poll()
                poll.register(self._fd, select.POLLOUT)
                if not poll.poll(self._timeout * 1000):
                    raise TimeoutError from None

    def receive(self, size: int) -> bytes:
        if not self.wait(self._timeout):
            raise TimeoutError
        return os.read(self._fd, size)

    def wait(self, seconds: float) -> bool:
        return _readable(self._fd, seconds)

    def drain(self) -> bytes | None:
        pieces = []
        for _ in range(64):
            try:
                data = os.read(self._fd, _SERIAL_CHUNK)
            except BlockingIOError:
                break
            except OSError:
                return None
            if not data:
                return None
            pieces.append(data)
        return b"".join(pieces)

    def close(self) -> None:
        from simulator.serial_ports import close_port

        close_port(self._port)

    def ended(self, error: OSError) -> NetworkError:
        return ConnectionClosed(
            self._text, f"the serial port is gone: {(error.strerror or str(error)).lower()}"
        )


def _readable(fd: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(max(0, seconds) * 1000))


def _open_tcp(target: Target, options: Options) -> Link:
    connected = _tcp_socket(target, options)
    return SocketLink(target.text, connected, options.timeout)


def _tcp_socket(target: Target, options: Options) -> socket.socket:
    try:
        connected = socket.create_connection(
            (target.host, target.port), options.connecting, options.source_address()
        )
    except (OSError, UnicodeError) as error:
        raise network_error(target.text, error, options.connecting) from None
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


def _open_tls(target: Target, options: Options) -> Link:
    from simulator.client.tls import client_context

    context = client_context(options)
    connected = _tcp_socket(target, options)
    try:
        name = options.server_name or target.host
        wrapped = context.wrap_socket(connected, server_hostname=name)
    except (OSError, ValueError) as error:
        connected.close()
        raise network_error(target.text, error, options.connecting) from None
    return TlsLink(target.text, wrapped, options.timeout)


def _open_udp(target: Target, options: Options) -> Link:
    made = None
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = found[0]
        made = socket.socket(family, kind, protocol)
        if options.source is not None:
            made.bind(options.source_address() or ("", 0))
        made.connect(address)
    except (OSError, UnicodeError) as error:
        if made is not None:
            made.close()
        raise network_error(target.text, error, options.connecting) from None
    return SocketLink(target.text, made, options.timeout)


def _open_serial(target: Target, options: Options) -> Link:
    from simulator.serial_ports import open_port

    assert target.line is not None
    try:
        port = open_port(target.line)
    except OSError as error:
        raise ConnectionFailed(target.text, error.strerror or str(error)) from None
    return SerialLink(target.text, port, options.timeout)


_OPENERS: dict[str, Callable[[Target, Options], Link]] = {
    "tcp": _open_tcp,
    "tls": _open_tls,
    "udp": _open_udp,
    "serial": _open_serial,
}
