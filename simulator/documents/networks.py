"""Networks of clients as files write them, and which addresses are in them.

IPv4 and IPv6 networks, or single addresses.  The one rule: nothing is guessed; bits behind a prefix, zones
and names are refused.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from simulator.documents.wording import show

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MOST_REMEMBERED = 1 << 16  # addresses


class AllowList:
    """Networks, and what was found of the addresses that were looked up."""

    __slots__ = ("_found", "networks")

    def __init__(self, networks: Iterable[Network]) -> None:
        self.networks = tuple(networks)
        self._found: dict[str, bool] = {}

    def admits(self, host: str) -> bool:
        """True for the address of a client in one of the networks."""
        found = self._found.get(host)
        if found is None:
            if len(self._found) >= MOST_REMEMBERED:
                self._found.clear()
            found = self._found[host] = self._look_up(host)
        return found

    def _look_up(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self.networks)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AllowList) and set(self.networks) == set(other.networks)

    def __hash__(self) -> int:
        return hash(frozenset(self.networks))

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.networks))}]"


def parse_network(text: object) -> Network:
    """A network such as 192.0.2.0/24 or fd00::/8, or one address.  Raises ValueError."""
    expected = "expected one such as 192.0.2.0/24, fd00::/8 or a single address"
    if not isinstance(text, str):
        raise ValueError(f"network is {show(text)}, {expected}")
    try:
        if "%" in text:
            raise ValueError
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"network is {show(text)}, {expected}") from None
    if ipaddress.ip_address(text.partition("/")[0]) != network.network_address:
        raise ValueError(f"network {text} has bits set behind its prefix, expected {network}")
    return network


NetworkField = Annotated[
    Network,
    PlainValidator(parse_network),
    WithJsonSchema({"type": "string", "examples": ["127.0.0.0/8", "192.0.2.17", "fd00::/8"]}),
]
