"""TLS for clients: a context from the options, on the standard library.

The server's certificate is always checked, and its name, unless a context of the caller's own says otherwise.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.client.options import Options


_PIECE = 16384  # the most a record holds, RFC 8446 §5.1


def client_context(options: Options) -> ssl.SSLContext:
    """The context of a client.  Raises ValueError for files that cannot be used."""
    if options.tls is not None:
        return options.tls
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # MODBUS/TCP Security V2.1 §5
    if options.ca is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        _load("ca", options.ca, lambda: context.load_verify_locations(options.ca))
    if options.certificate is not None:
        files = f"{options.certificate}" + (f" with {options.key}" if options.key else "")
        _load(
            "certificate",
            files,
            lambda: context.load_cert_chain(options.certificate, options.key, lambda: b""),
        )
    return context


def _load(what: str, file: str, load: object) -> None:
    try:
        load()  # type: ignore[operator]
    except (OSError, ValueError) as error:
        raise ValueError(f"{what} {file!r} cannot be used: {words(error)}") from None


def words(error: Exception) -> str:
    """What a TLS library or an operating system says, in a few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate of the server: {error.verify_message}"
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    return str(reason).lower().replace("_", " ")


class TlsLayer:
    """TLS without a socket: what a transport that knows none is wrapped in.

    ``ready`` is true when the handshake is done, ``ended`` when the other side has said that nothing follows.
    Raises ssl.SSLError when the handshake comes to nothing or the bytes are no TLS.
    """

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self.ready = self.ended = False

    def receive(self, data: bytes) -> tuple[bytes, bytes]:
        """Take bytes of the transport, none to begin with: what they hold, and what to send back."""
        self._incoming.write(data)
        plain = b""
        try:
            if not self.ready:
                self._object.do_handshake()
                self.ready = True
            while piece := self._object.read(_PIECE):
                plain += piece
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        return plain, self._outgoing.read()

    def send(self, plain: bytes) -> bytes:
        """The bytes that carry ``plain``."""
        self._object.write(plain)
        return self._outgoing.read()
