"""One client over TLS and the same over TCP: what an encrypted request costs the server.

The client is made of the standard library.  It asks the next request when the answer to the last one is
there and right; a wrong answer ends the measurement with a complaint.  The handshake is not measured.
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from .bars import TRANSPORTS, Row, Table
from .comparing import Pace, progress
from .machine import cores
from .ours import start_plant
from .plants import Plant, meter
from .processes import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .workshop import Workshop

REQUEST = struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, 0, 10)
ANSWER = struct.pack(">HHHBBB10H", 1, 0, 23, 1, 3, 20, *range(10))
WARM_UP = 200  # requests that are not measured


def secured(shop: Workshop, pace: Pace, port: int) -> tuple[Row, Table]:
    """Measure both in turn; UnavailableError when there are no certificates."""
    certificates = shop.certificates()
    tls = "".join(
        f"  {key}: '{certificates / name}'\n"
        for key, name in (("certificate", "server.pem"), ("key", "server.key"), ("ca", "ca.pem"))
    )
    row = Row(TRANSPORTS["tls"])
    costs: dict[str, list[float]] = {"tcp": [], "tls": []}
    with ExitStack() as stack:
        plain = start_plant(shop, stack, Plant("one-tcp", f"tcp://127.0.0.1:{port}", 1, meter()))
        sealed = Plant("one-tls", f"tls://127.0.0.1:{port + 1}", 1, meter(), f"tls:\n{tls}")
        over = start_plant(shop, stack, sealed)
        stack.enter_context(_pinned(cores()[0]))
        for number in range(pace.rounds):
            progress(f"TLS: round {number + 1} of {pace.rounds}")
            try:
                tcp = _cost(plain, _connect(port), pace.seconds)
                costs["tcp"].append(tcp)
                costs["tls"].append(_cost(over, _seal(_connect(port + 1), certificates), pace.seconds))
            except (OSError, ValueError) as error:
                row.complaint = str(error)
                break
            row.values.append(costs["tls"][-1] / tcp)
    table = Table("TLS, ours, FC 3 × 10, one connection", ["endpoint", "CPU µs/request"])
    table.lines += [[f"{name}://", f"{median(found):.2f}"] for name, found in costs.items() if found]
    return row, table


def _connect(port: int) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=5)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _seal(connection: socket.socket, certificates: Path) -> socket.socket:
    context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    context.load_cert_chain(certificates / "client-operator.pem", certificates / "client-operator.key")
    return context.wrap_socket(connection, server_hostname="127.0.0.1")


def _cost(server: Server, connection: socket.socket, seconds: float) -> float:
    """CPU of the server per request, in µs."""
    with connection:
        for _ in range(WARM_UP):
            _ask(connection)
        before, requests, limit = server.cpu_s(), 0, time.monotonic() + seconds
        while time.monotonic() < limit:
            _ask(connection)
            requests += 1
        return (server.cpu_s() - before) / requests * 1e6


def _ask(connection: socket.socket) -> None:
    connection.sendall(REQUEST)
    answer = connection.recv(len(ANSWER))
    while len(answer) < len(ANSWER):
        more = connection.recv(len(ANSWER) - len(answer))
        if not more:
            raise ValueError(f"connection closed after {len(answer)} bytes of an answer")
        answer += more
    if answer != ANSWER:
        raise ValueError(f"answer is {answer.hex(' ')}, expected {ANSWER.hex(' ')}")


@contextmanager
def _pinned(core: int) -> Iterator[None]:
    """Run on the server's core, as the load generator does."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
