"""The URL of a server: ``tcp://host:502``, ``ascii+udp://[::1]``, ``rtu:/dev/ttyUSB0?baudrate=9600``.

The grammar is that of endpoints in plant files: the same schemes, the same options of serial lines.  One
thing is different: a client goes to a single place, so a host may be a name, and ranges are refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from simulator.config.schemes import SCHEMES, Framing, Transport
from simulator.documents.wording import unknown

if TYPE_CHECKING:
    from simulator.config.serial_line import SerialLine

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+]*):(//)?(.*)", re.DOTALL)
_HOST = re.compile(r"[^\s/?#@\[\]:]+")
_MAX_PORT = 65535


class Target(NamedTuple):
    """Where a server is, and which framing it speaks."""

    text: str
    framing: Framing
    transport: Transport
    host: str = ""
    port: int = 0
    line: SerialLine | None = None

    @property
    def is_line(self) -> bool:
        """True for the framings of serial lines, over whatever transport: unit id 0 is everybody."""
        return self.framing != "mbap"


def parse_url(text: str) -> Target:
    """Where a URL leads; ValueError with the fact, what it got and what it expected."""
    match = _URL.fullmatch(text)
    if match is None:
        raise ValueError(f"URL is {text!r}, expected one such as tcp://127.0.0.1:502")
    name, slashes, rest = match[1].lower(), match[2], match[3]
    if name not in SCHEMES:
        raise ValueError(unknown("scheme", name, SCHEMES))
    scheme = SCHEMES[name]
    if scheme.transport == "serial":
        return Target(text, *scheme, line=_line(text, name, slashes, rest))
    if not slashes:
        raise ValueError(f"URL is {text!r}, expected // behind {name}:")
    host, port = _host(text, rest)
    return Target(text, *scheme, host, scheme.default_port if port is None else port)


def _line(text: str, scheme: str, slashes: str | None, rest: str) -> SerialLine:
    if slashes and rest[:1] != "/":
        raise ValueError(
            f"URL is {text!r}, expected {scheme}+tcp:// or {scheme}+udp:// for an address, "
            f"or a serial port such as {scheme}:/dev/ttyUSB0"
        )
    from simulator.config.serial_line import parse_line

    line = parse_line(text, scheme, rest)
    if line.is_pty:
        raise ValueError(
            f"serial port is 'pty' in {text!r}, expected the path that the server's ready line shows"
        )
    return line


def _host(text: str, rest: str) -> tuple[str, int | None]:
    if rest.startswith("["):
        host, bracket, behind = rest[1:].partition("]")
        colon, port = behind[:1], behind[1:]
        if not bracket or (behind and colon != ":") or ":" not in host:
            raise ValueError(f"URL is {text!r}, expected an IPv6 address in brackets and a port")
    else:
        host, colon, port = rest.partition(":")
        if ":" in port:
            raise ValueError(
                f"URL is {text!r}, expected an IPv6 address in brackets, such as tcp://[::1]:502"
            )
        if not _HOST.fullmatch(host):
            raise ValueError(f"host is {host!r} in {text!r}, expected a name or an address such as 127.0.0.1")
    return host, _port(text, port) if colon else None


def _port(text: str, port: str) -> int:
    if not (port.isascii() and port.isdigit()) or not 1 <= int(port[:6]) <= _MAX_PORT:
        raise ValueError(f"port is {port!r} in {text!r}, expected 1 to {_MAX_PORT}")
    return int(port)
