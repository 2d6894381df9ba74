"""A connection of the hub that speaks TLS: what the socket has goes through a TLS session to the protocol.

The session works on memory, so that a chunk costs one read, all records in it are opened before the next one,
the answers leave as one record with one write, and what the kernel does not take is buffered as on every
connection.  The session is made when the first byte says that this may be TLS; until the handshake is done
the protocol hears nothing.  A client that is refused gets its alert before the connection ends.
"""

from __future__ import annotations

import os
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

from simulator.certificates import RoleError
from simulator.server.connection import _DONE, _IN, CHUNK, Connection

if TYPE_CHECKING:
    from simulator.server._turn import Station
    from simulator.server.hub import Hub
    from simulator.server.tls import TlsListener

HANDSHAKE_RECORD = 0x16  # the first byte of every TLS connection, RFC 8446 §5.1
MAX_PLAINTEXT = 1 << 14  # of one record, RFC 8446 §5.1
LINGER_S = 1.0  # how long a refused client may take to read its alert and go

_read = os.read
_SHAKING, _OPEN, _OVER = range(3)


class TlsConnection(Connection):
    """One accepted connection of a TLS listener."""

    __slots__ = ("_incoming", "_lingering", "_listener", "_sealed", "_session", "_state")

    def __init__(self, listener: TlsListener, hub: Hub, fd: int, now: float) -> None:
        super().__init__(hub, fd, now)
        self._listener = listener
        self._session: Any = None  # an SSLObject, once bytes have come
        self._incoming = ssl.MemoryBIO()
        self._sealed = ssl.MemoryBIO()
        self._state = _SHAKING
        self._lingering: Any = None

    def ready(self, events: int, now: float) -> None:
        """Take what the socket has; handshakes wait for another turn when this one has had enough of them."""
        if events != _IN:
            self._unusual(events, now)
            return
        if self._state == _SHAKING and not self._listener.budget.take(now):
            return
        try:
            data = _read(self.fd, CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(Failure(ConnectionLost(str(error))))
            return
        if not data:
            self._lost(_DONE)
            return
        self.seen = now
        if self._state == _OPEN:
            self._open(data)
        elif self._state == _SHAKING:
            self._shake(data)

    def arm(self, station: Station) -> bool:
        """Compiled code reads no TLS."""
        return False

    def write(self, data: bytes) -> None:
        """Seal and send."""
        if self.fd >= 0 and self._state == _OPEN:
            self._session.write(data)
            super().write(self._sealed.read())

    def loseConnection(self) -> None:
        """Say that nothing more follows, and close when everything written has been sent."""
        if self.fd >= 0 and self._state == _OPEN:
            self._state = _OVER
            with suppress(ssl.SSLError):  # wants to hear the same from the client, which is not waited for
                self._session.unwrap()
            self._send_sealed()
        self._settle()
        super().loseConnection()

    def abortConnection(self) -> None:
        self._settle()
        super().abortConnection()

    def client(self) -> str:
        """The address of the client, for the log."""
        try:
            return str(self.getPeer().host)
        except OSError:
            return "that has gone"

    def refuse(self, reason: str, *, at_once: bool = False) -> None:
        """End a handshake: count it, let the client read its alert and go, or do not wait for that."""
        self._settle()
        self._listener.count(self, reason)
        if at_once:
            self.abortConnection()
        else:
            self._await_end()

    def _shake(self, data: bytes) -> None:
        """Go on with the handshake."""
        if self._session is None:
            if data[0] != HANDSHAKE_RECORD:
                self.refuse("client does not speak TLS")
                return
            self._session = self._listener.context.wrap_bio(self._incoming, self._sealed, server_side=True)
        self._incoming.write(data)
        try:
            self._session.do_handshake()
        except ssl.SSLWantReadError:
            self._send_sealed()
        except ssl.SSLError as error:
            self.refuse(self._listener.reason(error))
        else:
            self._send_sealed()
            if self.fd >= 0:
                self._shaken()

    def _shaken(self) -> None:
        """The handshake is done: let the client in, and take what came with the end of it."""
        self._settle()
        self._state = _OPEN
        try:
            self._listener.admit(self, self._session.getpeercert(binary_form=True))
        except RoleError as error:
            self._listener.count(self, str(error))
            self.loseConnection()
        else:
            if self._incoming.pending:
                self._open(b"")

    def _open(self, data: bytes) -> None:
        """Open all records that are complete and hand on what is in them, as one."""
        incoming, read = self._incoming, self._session.read
        incoming.write(data)
        pieces = []
        ended = False
        try:
            while piece := read(MAX_PLAINTEXT):  # one record at a time, whole
                pieces.append(piece)
                if not incoming.pending:
                    break
            else:
                ended = True  # the client says that nothing more follows
        except ssl.SSLWantReadError:  # half a record, or one of TLS itself
            pass
        except ssl.SSLError as error:  # no answer could be sealed any more
            self._state = _OVER
            self.protocol.factory.stream_lost(self._listener.reason(error))
            self._await_end()
            return
        if pieces:
            self.protocol.dataReceived(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if self._sealed.pending:  # TLS has something to say of its own, such as new keys
            self._send_sealed()
        if ended and self.fd >= 0:
            self.loseConnection()

    def _await_end(self) -> None:
        """Send what TLS has to say, and let the client read it before the connection ends.

        Closed at once, with bytes of the client unread, a reset would overtake the alert.
        """
        self._send_sealed()
        if self.fd >= 0:
            with suppress(OSError):
                self._half_close()
            self._lingering = self.hub.reactor.callLater(LINGER_S, self._linger_over)

    def _send_sealed(self) -> None:
        if self.fd >= 0 and self._sealed.pending:
            super().write(self._sealed.read())

    def _settle(self) -> None:
        """The handshake is no longer under way."""
        if self._state == _SHAKING:
            self._state = _OVER
            self._listener.settled(self)

    def _half_close(self) -> None:
        borrowed = socket.socket(fileno=self.fd)
        try:
            borrowed.shutdown(socket.SHUT_WR)
        finally:
            borrowed.detach()

    def _linger_over(self) -> None:
        self._lingering = None
        self.abortConnection()

    def _lost(self, reason: Failure) -> None:
        if self._state == _SHAKING:
            self._settle()
            self._listener.count(self, "client hung up")
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        self._state = _OVER
        self._session = None  # its keys and buffers
        super()._lost(reason)
