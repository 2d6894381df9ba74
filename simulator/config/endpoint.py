"""Endpoints: ``tcp://127.0.0.1:20001-21000``, ``udp://127.64.0.0/12:502``, ``rtu:/dev/ttyUSB0``.

An endpoint is a run of addresses and ranges of ports, or a serial line, parsed once into numbers.  The one
rule: only what can be listened on is accepted, so host names other than ``localhost`` are refused (nobody
should need a name server to know where a device sits).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from simulator.config.schemes import SCHEMES, Scheme
from simulator.config.serial_line import SerialLine, parse_line
from simulator.documents.ranges import Ranges, count_ranges, format_ranges, parse_ranges, repeated
from simulator.documents.wording import unknown

MAX_PORT = 65535

_FORM = "an endpoint such as tcp://127.0.0.1:5020"
_ENDPOINT = re.compile(r"([A-Za-z][A-Za-z0-9+]*):(//)?(.*)", re.DOTALL)
_IPv4 = ipaddress.IPv4Address
_IPv6 = ipaddress.IPv6Address
_BROADCAST = _IPv4("255.255.255.255")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a group of devices is reached."""

    text: str
    scheme: str
    first_ip: int  # as a number; 0 when ``everywhere``
    last_ip: int
    ipv6: bool
    ports: Ranges  # both ends included; ((0, 0),) is a free port for each, or a pseudo-terminal
    line: SerialLine | None = None  # a serial line instead of addresses, which are 0

    @property
    def is_line(self) -> bool:
        """True where unit 0 is everybody: framings of serial lines, over whatever transport."""
        return SCHEMES[self.scheme].is_line

    @property
    def everywhere(self) -> bool:
        """True for ``0.0.0.0`` and ``[::]``, which listen on every address of the machine."""
        return self.first_ip == 0 and self.line is None

    @property
    def addresses(self) -> int:
        """How many addresses; listening everywhere counts as one."""
        return self.last_ip - self.first_ip + 1

    @property
    def free_port(self) -> bool:
        """True when the operating system picks the port, or makes pseudo-terminals."""
        return self.ports == ((0, 0),)

    @property
    def port_count(self) -> int:
        """How many ports."""
        return count_ranges(self.ports)


def parse_endpoint(text: str) -> Endpoint:
    """Raises ValueError with the fact, what it got and what it expected."""
    match = _ENDPOINT.fullmatch(text)
    if match is None:
        raise ValueError(f"endpoint is {text!r}, expected {_FORM}")
    scheme, slashes, rest = match.groups()
    kind = _scheme(scheme.lower())
    if kind.transport == "serial":
        return _serial(text, scheme.lower(), kind, slashes, rest)
    if not slashes:
        raise ValueError(f"endpoint is {text!r}, expected // behind {scheme}:")
    if "?" in rest:
        raise ValueError(f"endpoint {text!r} has options behind ?, expected none for {scheme}://")
    host, ports = _split(text, rest, kind.default_port)
    first, last, ipv6 = _parse_v6(text, host[1:-1]) if host.startswith("[") else _parse_v4(text, host)
    return Endpoint(text, scheme.lower(), first, last, ipv6, _parse_ports(ports))


def format_endpoint(ip: int, ipv6: bool, port: int, scheme: str = "tcp") -> str:
    """The text of one address and port: ``tcp://127.0.0.1:5020``, ``tcp://[::1]:5020``."""
    return f"{scheme}://{format_host(ip, ipv6, bracket=True)}:{port}"


def format_host(ip: int, ipv6: bool, *, bracket: bool = False) -> str:
    """The text of one address."""
    if not ipv6:
        return str(_IPv4(ip))
    return f"[{_IPv6(ip)}]" if bracket else str(_IPv6(ip))


def _scheme(scheme: str) -> Scheme:
    if scheme not in SCHEMES:
        raise ValueError(unknown("scheme", scheme, SCHEMES))
    return SCHEMES[scheme]


def _serial(text: str, scheme: str, kind: Scheme, slashes: str | None, rest: str) -> Endpoint:
    if slashes and rest[:1] != "/":
        raise ValueError(
            f"endpoint is {text!r}, expected {scheme}+tcp:// or {scheme}+udp:// for an address, "
            f"or a serial port such as {scheme}:/dev/ttyUSB0"
        )
    line = parse_line(text, kind.framing, rest)
    ports = ((0, 0),) if line.is_pty and not line.link else ((1, 1),)
    return Endpoint(text, scheme, 0, 0, False, ports, line)


def _split(text: str, rest: str, default_port: int) -> tuple[str, str]:
    """Host and ports; the standard port when none is given."""
    if rest.startswith("["):
        host, bracket, behind = rest.partition("]")
        if not bracket or (behind and not behind.startswith(":")):
            raise ValueError(f"endpoint is {text!r}, expected an IPv6 address in brackets and a port")
        return host + "]", behind[1:] if behind else str(default_port)
    if rest.count(":") > 1:
        raise ValueError(
            f"endpoint is {text!r}, expected an IPv6 address in brackets, such as tcp://[::1]:5020"
        )
    host, colon, ports = rest.partition(":")
    return host, ports if colon else str(default_port)


def _parse_ports(text: str) -> Ranges:
    ports = parse_ranges(text, name="port", minimum=0, maximum=MAX_PORT)
    if ports == ((0, 0),):
        return ports
    if any(first == 0 for first, _ in ports):
        raise ValueError(f"port is {format_ranges(ports)}, expected 0 alone or 1 to {MAX_PORT}")
    if (twice := repeated(ports)) is not None:
        raise ValueError(f"port {twice} is listed twice in {format_ranges(ports)}, expected it once")
    return ports


def _parse_v4(text: str, host: str) -> tuple[int, int, bool]:
    if host == "localhost":
        host = "127.0.0.1"
    if "/" in host:
        network = _network(text, host, ipaddress.IPv4Network)
        without_ends = 1 if network.prefixlen < 31 else 0  # network and broadcast address are no hosts
        first, last = int(network.network_address), int(network.broadcast_address)
        return _checked(text, first + without_ends, last - without_ends, False)
    low, dash, high = host.partition("-")
    first = _address(text, low, _IPv4)
    return _checked(text, first, _address(text, high, _IPv4) if dash else first, False)


def _parse_v6(text: str, host: str) -> tuple[int, int, bool]:
    if "/" in host:
        network = _network(text, host, ipaddress.IPv6Network)
        return _checked(text, int(network.network_address), int(network.broadcast_address), True)
    low, dash, high = host.partition("-")
    first = _address(text, low, _IPv6)
    return _checked(text, first, _address(text, high, _IPv6) if dash else first, True)


def _checked(text: str, first: int, last: int, ipv6: bool) -> tuple[int, int, bool]:
    ends = f"{format_host(first, ipv6)}-{format_host(last, ipv6)}"
    if last < first:
        raise ValueError(f"address range {ends} runs backwards, expected the lower address first")
    if first == 0 and last > 0:
        raise ValueError(f"address range {ends} begins at the unspecified address, expected another one")
    for end in (first, last):
        address = _IPv6(end) if ipv6 else _IPv4(end)
        if address.is_multicast or address == _BROADCAST:
            raise ValueError(f"address {address} is one of many receivers, expected one of a single machine")
    return first, last, ipv6


def _address(text: str, host: str, kind: type[_IPv4] | type[_IPv6]) -> int:
    try:
        if "%" in host:
            raise ValueError
        return int(kind(host))
    except ValueError:
        example = "127.0.0.1" if kind is _IPv4 else "::1"
        version = "IPv4" if kind is _IPv4 else "IPv6"
        raise ValueError(
            f"address is {host!r} in {text!r}, expected an {version} address such as {example}"
        ) from None


def _network(
    text: str, host: str, kind: type[ipaddress.IPv4Network] | type[ipaddress.IPv6Network]
) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        network = kind(host, strict=False)
    except ValueError:
        example = "127.64.0.0/12" if kind is ipaddress.IPv4Network else "fd00::/112"
        raise ValueError(f"network is {host!r} in {text!r}, expected one such as {example}") from None
    address = ipaddress.ip_address(host.partition("/")[0])
    if address != network.network_address:
        raise ValueError(f"network {host} has bits set behind its prefix, expected {network}")
    return network
