"""``control``: where operators reach the plant over HTTP, and what they have to know.

The one rule: whoever can reach the address can do anything to the plant, so that any other address than one
of this machine's loopback demands a token.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from simulator.documents.models import FileModel
from simulator.documents.problems import show

SHORTEST = 8  # characters of a token
_EXPECTED = "an IP address and a port such as 127.0.0.1:8080 or [::1]:8080"

Address = tuple[str, int]


def parse_address(value: object) -> Address:
    """Host and port of ``127.0.0.1:8080``; raises ValueError."""
    if not isinstance(value, str):
        raise ValueError(f"http is {show(value)}, expected {_EXPECTED}")
    host, _, port = value.rpartition(":")
    try:
        address = ipaddress.IPv6Address(host[1:-1]) if host.startswith("[") and host.endswith("]") else None
        found = ipaddress.IPv4Address(host) if address is None else address
    except ValueError:
        raise ValueError(f"http is {show(value)}, expected {_EXPECTED}") from None
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 0xFFFF):
        raise ValueError(f"http is {show(value)}, expected a port from 0 to 65535")
    return str(found), int(port)


def parse_token(value: object) -> str | None:
    """A token; None for an empty text, as of a variable that is not set.  Raises ValueError."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) < SHORTEST or not (value.isascii() and value.isprintable()):
        what = "a text" if isinstance(value, str) else show(value)
        raise ValueError(f"token is {what}, expected {SHORTEST} printable ASCII characters or more")
    if value != value.strip():
        raise ValueError("token has spaces at its ends, expected none")
    return value


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """Where the API is, and what clients have to know."""

    host: str
    port: int
    token: str | None = None

    @property
    def is_open(self) -> bool:
        """True when others than this machine can reach it, and need no token."""
        return self.token is None and not ipaddress.ip_address(self.host).is_loopback


class ControlFile(FileModel):
    """The API of a running plant."""

    http: Annotated[
        Address,
        PlainValidator(parse_address),
        WithJsonSchema({"type": "string", "examples": ["127.0.0.1:8080", "[::1]:8080", "127.0.0.1:0"]}),
    ]
    """Address and port; port 0 is one that is free."""
    token: Annotated[
        str | None,
        PlainValidator(parse_token),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]}),
    ] = None
    """What clients have to know; needed for any address but one of the loopback."""

    def settings(self) -> ControlSettings:
        """The settings."""
        return ControlSettings(*self.http, self.token)


NO_TOKEN = "http is {host}, which others can reach, expected a token with it or a loopback address"
