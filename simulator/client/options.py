"""What a client may be told, the same for every face; checked once, when the client is made.

Times are seconds.  See ``docs/reference/client.md`` for each.  Refused: a time that is not above 0, a number
of repeats below 0, certificates for a URL that has no TLS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ssl


class Options(NamedTuple):
    """``client = Client(url, timeout=1, retries=2)``."""

    timeout: float = 3.0
    """For an answer, from the last byte of the request on."""
    connect_timeout: float | None = None
    """For a connection, TLS included; default: as ``timeout``."""
    retries: int = 0
    """How often a request is sent again that was not answered, or not rightly."""
    retry_on_empty: bool = True
    """Whether that includes silence, and a connection closed without a byte, or damaged answers only."""
    reconnect: int = 0
    """How often connecting is tried again within one request, with growing pauses."""
    reconnect_delay: float = 0.1
    """The first of those pauses; each is twice the one before, less a random part of up to a half."""
    reconnect_delay_max: float = 10.0
    """The longest of them."""
    source: str | tuple[str, int] | None = None
    """The address, or address and port, that connections come from."""
    unit: int = 1
    """The unit id of a request that names none."""
    address_base: int = 0
    """0: addresses as on the wire; 1: addresses count from 1."""
    in_flight: int = 1
    """How many requests may be unanswered at once, where transaction ids tell their answers apart.

    Servers need not take more than one (TCP V1.0b §4.2.1 has 1 to 16), and many do not.
    """
    ca: str | None = None
    """TLS: the file with the authorities whose certificates are accepted; default: those of the machine."""
    certificate: str | None = None
    """TLS: the file with the client's certificate."""
    key: str | None = None
    """TLS: the file with its key; default: it is in ``certificate``."""
    server_name: str | None = None
    """TLS: the name the server's certificate has to have; default: the host of the URL."""
    tls: ssl.SSLContext | None = None
    """TLS: a context of your own in place of the three files."""

    @property
    def connecting(self) -> float:
        """The time for a connection."""
        return self.timeout if self.connect_timeout is None else self.connect_timeout

    def delay(self, attempt: int) -> float:
        """The pause before connecting is tried again for the ``attempt``-th time, from 1."""
        import random

        longest = min(self.reconnect_delay_max, self.reconnect_delay * 2.0 ** min(attempt - 1, 60))
        return longest * (1 - random.random() / 2)

    def source_address(self) -> tuple[str, int] | None:
        """Address and port to bind, port 0 for any."""
        return (self.source, 0) if isinstance(self.source, str) else self.source


_ABOVE_ZERO = ("timeout", "connect_timeout", "reconnect_delay", "reconnect_delay_max")
_COUNTS = ("retries", "reconnect")
_TLS_ONLY = ("ca", "certificate", "key", "server_name", "tls")


def checked(options: Options, transport: str) -> Options:
    """The options, if they make sense for a transport; ValueError else."""
    for name in _ABOVE_ZERO:
        value = getattr(options, name)
        if value is not None and not value > 0:
            raise ValueError(f"{name} is {value}, expected more than 0 seconds")
    for name in _COUNTS:
        if getattr(options, name) < 0:
            raise ValueError(f"{name} is {getattr(options, name)}, expected 0 or more")
    if options.in_flight < 1:
        raise ValueError(f"in_flight is {options.in_flight}, expected 1 or more")
    if options.address_base not in (0, 1):
        raise ValueError(f"address_base is {options.address_base!r}, expected 0 or 1")
    if not 0 <= options.unit <= 0xFF:
        raise ValueError(f"unit id is {options.unit!r}, expected 0 to 255")
    given = [name for name in _TLS_ONLY if getattr(options, name) is not None]
    if given and transport != "tls":
        raise ValueError(f"{given[0]} is given, expected none: only tls:// has certificates")
    if options.tls is not None and set(given) - {"tls", "server_name"}:
        raise ValueError(f"{given[0]} is given beside tls, expected either files or a context")
    return options
