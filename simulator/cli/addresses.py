"""Which addresses are local to this machine, and the networks that cover others.

Read from the kernel's tables of local routes, which also name whole networks (127.0.0.0/8, and what
``ip route add local`` added); works on ranges, so a million addresses cost as much as one.
Addresses are integers here, ranges half-open.  This module never changes the machine.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from simulator.profiles.profile import Ranges, merged, without

IPV6_LOCAL = 0x80000000  # RTF_LOCAL, flags column of /proc/net/ipv6_route
LOOPBACK = {False: (0x7F000000, 0x80000000), True: (1, 2)}


def local_ranges(*, ipv6: bool) -> Ranges:
    """The address ranges that this machine answers for."""
    try:
        return merged(_local_v6() if ipv6 else _local_v4())
    except OSError:
        return (LOOPBACK[ipv6],)


def not_local(wanted: Iterable[tuple[int, int]], *, ipv6: bool) -> Ranges:
    """What of ``wanted`` this machine does not answer for."""
    return without(merged(wanted), local_ranges(ipv6=ipv6))


def networks(start: int, stop: int, *, ipv6: bool) -> list[str]:
    """A range as networks in CIDR notation.

    The hosts of a network (all but its first and last address) come back as that one network.
    """
    kind = ipaddress.IPv6Address if ipv6 else ipaddress.IPv4Address
    first, last = start, stop - 1
    if first < last and first & 1 and not last & 1:
        whole = list(ipaddress.summarize_address_range(kind(first - 1), kind(last + 1)))
        if len(whole) == 1:
            return [str(whole[0])]
    return [str(network) for network in ipaddress.summarize_address_range(kind(first), kind(last))]


def _local_v4() -> Iterator[tuple[int, int]]:
    """Leaves of ``/proc/net/fib_trie``: an address, then lines such as ``/8 host LOCAL``."""
    address = 0
    with open("/proc/net/fib_trie", encoding="ascii") as file:
        for line in file:
            words = line.split()
            if words[0] == "|--":
                address = int(ipaddress.IPv4Address(words[1]))
            elif words[-1] == "LOCAL" and words[0].startswith("/"):
                yield address, (address | (1 << 32 - int(words[0][1:])) - 1) + 1


def _local_v6() -> Iterator[tuple[int, int]]:
    with open("/proc/net/ipv6_route", encoding="ascii") as file:
        for line in file:
            words = line.split()
            if int(words[8], 16) & IPV6_LOCAL:
                address = int(words[0], 16)
                yield address, (address | (1 << 128 - int(words[1], 16)) - 1) + 1
