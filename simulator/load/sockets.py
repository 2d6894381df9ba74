"""One client's socket: connecting without waiting, and reasons in words.

Nothing here blocks.  What an operating system's error means to somebody who tests a server is said in one
table, so that errors can be counted by kind.
"""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.load.plan import Target

KINDS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.EPIPE: "connection reset",
    errno.ECONNABORTED: "connection reset",
    errno.ETIMEDOUT: "connect timeout",
    errno.EHOSTUNREACH: "host unreachable",
    errno.ENETUNREACH: "network unreachable",
    errno.EADDRNOTAVAIL: "no free local port",
    errno.EMFILE: "too many open files",
    errno.ENFILE: "too many open files",
}
CONNECT_TIMEOUT, CLOSED = "connect timeout", "connection closed"


def kind_of(number: int) -> str:
    """The kind of error that a number of the operating system stands for."""
    return KINDS.get(number) or errno.errorcode.get(number, f"errno {number}").lower()


def kind_of_error(error: OSError) -> str:
    """The kind of an error as it was raised; those of TLS in the words of its library."""
    if type(error).__module__ == "ssl":
        from simulator.client.tls import words

        return f"TLS: {words(error)}"
    return kind_of(error.errno or 0)


def open_socket(target: Target) -> socket.socket:
    """A socket on its way to the target; OSError when that fails at once."""
    family = socket.AF_INET6 if target.ipv6 else socket.AF_INET
    kind = socket.SOCK_DGRAM if target.transport == "udp" else socket.SOCK_STREAM
    made = socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        if target.transport != "udp":
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = made.connect_ex((target.host, target.port))
        if number not in (0, errno.EINPROGRESS):
            raise OSError(number, kind_of(number))
    except BaseException:
        made.close()
        raise
    return made
