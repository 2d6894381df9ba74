"""A connection of the hub that speaks TLS: what the socket has goes through a TLS session to the protocol.

The session works on memory, so that a chunk costs one read, all of its records are opened before the next one, the
answers leave as one record with one write, and what the kernel does not take is buffered as on every
connection.  The session is made when a first byte says that this may be TLS; until the handshake is done the
protocol hears nothing.  A client that is refused gets its alert before the connection ends.
"""

from __future__ import annotations

import os
import socket
import ssl
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


class TlsConnection(Connection):
    """One accepted connection of a TLS listener."""

    __slots__ = ("_arrived", "_incoming", "_linger_call", "_listener", "_sealed", "_session")

    def __init__(self, listener: TlsListener, hub: Hub, fd: int, now: float) -> None:
        super().__init__(hub, fd, now)
        self._listener = listener
        self._session: Any = None  # an SSLObject, once bytes have come
        self._incoming = ssl.MemoryBIO()
        self._sealed = ssl.MemoryBIO()
        self._arrived = self._shake  # what is done with bytes: _shake, then _open; or _ignore
        self._linger_call: Any = None

    def ready(self, events: int, now: float) -> None:
        """Take what the socket has; handshakes wait for another turn when this one has had enough of them."""
        if events != _IN:
            self._unusual(events, now)
            return
        arrived = self._arrived
        if arrived == self._shake and not self._listener.budget.take(now):
            return
        try:
            data = _read(self.fd, CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(Failure(ConnectionLost(str(error))))
            return
        if data:
            self.seen = now
            arrived(data)
        else:
            self._lost(_DONE)

    def arm(self, station: Station) -> bool:
        """Compiled code reads no TLS."""
        return False

    def write(self, data: bytes) -> None:
        """Seal and send."""
        if self.fd >= 0 and self._arrived == self._open:
            self._session.write(data)
            super().write(self._sealed.read())

    def loseConnection(self) -> None:
        """Say that nothing more follows, and close when everything written has been sent."""
        if self.fd >= 0 and self._arrived == self._open:
            self._arrived = self._ignore
            try:
                self._session.unwrap()
            except ssl.SSLError:  # the client has not said so yet, and need not
                pass
            super().write(self._sealed.read())
        super().loseConnection()

    def client(self) -> str:
        """The address of the client, for the log."""
        try:
            return str(self.getPeer().host)
        except OSError:
            return "that has gone"

    def refuse(self, reason: str, *, at_once: bool = False) -> None:
        """End a handshake: count it, let the client read its alert, close; with a reset when ``at_once``."""
        self._arrived = self._ignore
        self._listener.settled(self)
        self._listener.count(self, reason)
        self._flush_sealed()
        if at_once:
            self.abortConnection()
        elif self.fd >= 0:
            # closed now, with bytes of the client unread, the alert could be lost to a reset
            self._half_close()
            self._linger_call = self.hub.reactor.callLater(LINGER_S, self.abortConnection)

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
            self._flush_sealed()
        except ssl.SSLError as error:
            from simulator.server.tls import refusal_reason

            self.refuse(refusal_reason(error))
        else:
            self._shaken()

    def _shaken(self) -> None:
        """The handshake is done: let the client in, and take what came with the end of it."""
        self._flush_sealed()
        if self.fd < 0:
            return
        self._arrived = self._open
        try:
            self._listener.admit(self, self._session.getpeercert(binary_form=True))
        except RoleError as error:
            self._listener.count(self, str(error))
            self.loseConnection()
        self._listener.settled(self)
        if self._incoming.pending and self._arrived == self._open:
            self._open(b"")

    def _open(self, data: bytes) -> None:
        """Open all records that are complete and hand on what is in them, as one."""
        incoming, session = self._incoming, self._session
        incoming.write(data)
        ended = False
        try:
            opened = session.read(MAX_PLAINTEXT)
            if incoming.pending:
                pieces = [opened]
                ended = self._open_more(pieces)
                opened = b"".join(pieces)
        except ssl.SSLWantReadError:  # half a record, or one of TLS itself
            opened = b""
        except ssl.SSLError as error:
            self._broken(error)
            return
        if opened:
            self.protocol.dataReceived(opened)
        else:
            ended = ended or self._at_end()
        if self.fd >= 0 and self._sealed.pending:
            self._flush_sealed()
        if ended and self.fd >= 0:
            self.loseConnection()

    def _open_more(self, pieces: list[bytes]) -> bool:
        """Open what is left; True when the client has said that nothing follows."""
        try:
            while self._incoming.pending:
                piece = self._session.read(MAX_PLAINTEXT)
                if not piece:
                    return True
                pieces.append(piece)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            return True
        except ssl.SSLError:
            pass
        return False
