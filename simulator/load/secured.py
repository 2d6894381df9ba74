"""A client of a swarm over TLS: the handshake when the connection stands, then as every other."""

from __future__ import annotations

import ssl

from simulator.load.clients import Client


class TlsClient(Client):
    """``context`` and ``server_name`` are set before it connects."""

    __slots__ = ("_secured", "context", "server_name")

    context: ssl.SSLContext
    server_name: str

    def arrived(self) -> bool:
        """Go on with the handshake; True when it is done.  Raises OSError when it comes to nothing."""
        assert self.sock is not None
        if not isinstance(self.sock, ssl.SSLSocket):
            self.sock = self.context.wrap_socket(
                self.sock, do_handshake_on_connect=False, server_hostname=self.server_name
            )
            self._secured = self.sock
            self._recv, self._write = self._receive, self._transmit
        try:
            self._secured.do_handshake()
        except ssl.SSLWantReadError:
            self.wants_write = False
            return False
        except ssl.SSLWantWriteError:
            self.wants_write = True
            return False
        return True

    def _receive(self, size: int) -> bytes:
        try:
            data = self._secured.recv(size)
            while self._secured.pending():  # epoll knows nothing of what is decrypted already
                data += self._secured.recv(self._secured.pending())
        except ssl.SSLWantReadError:
            raise BlockingIOError from None
        return data

    def _transmit(self, data: bytes) -> int:
        try:
            return self._secured.send(data)
        except ssl.SSLWantWriteError:
            raise BlockingIOError from None
