"""What holds a port, and what to do about an address that cannot be bound; read from ``/proc``.

Rule: advice only.  Whatever is missing or unreadable there makes the advice shorter, never an error.
"""

from __future__ import annotations

import errno
import glob
import ipaddress
import os
import re
import sys
from collections.abc import Iterator

TABLES = {"tcp": "0A", "udp": "07"}  # files of /proc/net, and the state of a socket that takes what comes
ENDPOINT = re.compile(r"(?P<scheme>[a-z+]+)://\[?(?P<host>[^\[\]/]*?)\]?:(?P<port>\d+)$")


def bind_advice(endpoint: str, number: int) -> str:
    """What to do when an endpoint could not be bound for reason ``number`` (errno): a line, or ""."""
    match = ENDPOINT.fullmatch(endpoint)
    if match is None:
        return ""
    host, port = match["host"], int(match["port"])
    if number == errno.EADDRINUSE:
        holder = holder_of(host, port, "udp" if match["scheme"].endswith("udp") else "tcp")
        return f"\nit is held by {holder}" if holder else ""
    if number in (errno.EACCES, errno.EPERM):
        return (
            f"\nports below {first_free_port()} need permission: "
            f"choose another port, such as {_higher(port)}, or run with the capability CAP_NET_BIND_SERVICE"
        )
    if number == errno.EADDRNOTAVAIL:
        return f"\nit is not an address of this machine; make it one: {local_route(host)}"
    return ""


def local_route(network: str) -> str:
    """The command that makes an address or a network (CIDR) local."""
    version = " -6" if ":" in network else ""
    return f"ip{version} route add local {ipaddress.ip_network(network)} dev lo"


def first_free_port() -> int:
    """The first port that needs no permission."""
    try:
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 1024


def holder_of(host: str, port: int, transport: str = "tcp") -> str:
    """``pid 123 (command)`` of what listens on a port in the way of ``host``; "" when unknown."""
    inodes = set(_listening(host, port, transport))
    if not inodes:
        return ""
    for path in glob.iglob("/proc/[0-9]*/fd/*"):
        try:
            target = os.readlink(path)
        except OSError:
            continue
        if target.startswith("socket:[") and target[8:-1] in inodes:
            return _process(path.split("/")[2])
    return "a process of another user"


def _listening(host: str, port: int, transport: str) -> Iterator[str]:
    """Inodes of the sockets that listen on ``port`` at ``host`` or everywhere."""
    for table in (transport, f"{transport}6"):
        try:
            with open(f"/proc/net/{table}", encoding="ascii") as file:
                rows = [line.split() for line in file.readlines()[1:]]
        except OSError:
            continue
        for row in rows:
            address, _, number = row[1].partition(":")
            if (
                row[3] == TABLES[transport]
                and int(number, 16) == port
                and _in_the_way(_address(address), host)
            ):
                yield row[9]


def _in_the_way(listening: ipaddress.IPv4Address | ipaddress.IPv6Address, host: str) -> bool:
    try:
        wanted = ipaddress.ip_address(host)
    except ValueError:
        return True
    return listening.is_unspecified or wanted.is_unspecified or listening == wanted


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The kernel prints addresses as 32-bit words in the machine's byte order."""
    words = [int(text[i : i + 8], 16).to_bytes(4, sys.byteorder) for i in range(0, len(text), 8)]
    return ipaddress.ip_address(b"".join(words))


def _process(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            command = file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        command = ""
    return f"pid {pid} ({command[:100]})" if command else f"pid {pid}"


def _higher(port: int) -> int:
    """502 -> 5020: what people choose."""
    return port * 10 if 103 <= port <= 3276 else port + 10000
