"""What must be reached, and the rows that say whether it was.

A bar is a number not to be exceeded and, for most, a stretch goal.  A row holds every measured value;
its median is judged.  A row with a complaint (a wrong answer, a server that did not start) fails
whatever its numbers say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Bar:
    what: str
    limit: float | None  # None: shown for information, not judged
    stretch: float | None = None
    unit: str = ""  # "" is a ratio


@dataclass
class Row:
    bar: Bar
    values: list[float] = field(default_factory=list)
    complaint: str = ""

    @property
    def median(self) -> float | None:
        return median(self.values) if self.values else None

    @property
    def verdict(self) -> str:
        middle = self.median
        if self.complaint or middle is None:
            return "FAIL"
        if self.bar.limit is None:
            return "–"
        if self.bar.stretch is not None and middle <= self.bar.stretch:
            return "stretch"
        return "pass" if middle <= self.bar.limit else "FAIL"


@dataclass
class Outcome:
    """What a scenario found: rows to judge, and tables and remarks that stand behind them."""

    rows: list[Row] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass
class Table:
    title: str
    header: list[str]
    lines: list[list[str]] = field(default_factory=list)


LIBMODBUS_50 = Bar("CPU per request, FC 3 × 10, 50 connections, against libmodbus", 1.3, 1.05)
LIBMODBUS_PIPELINED = Bar("the same with 8 in flight, all answered in order", 0.3, 0.25)
PYMODBUS = {
    1: Bar("against pymodbus 3, 1 connection", 0.3, 0.2),
    50: Bar("against pymodbus 3, 50 connections", 0.3, 0.2),
    1000: Bar("against pymodbus 3, 1000 connections", 0.3, 0.2),
}
MIXES = {
    "fc3x125": Bar("FC 3 × 125 against FC 3 × 10, ours", 1.15),
    "fc1x2000": Bar("FC 1 × 2000 against FC 3 × 10, ours", 1.4),
    "fc16x10": Bar("FC 16 × 10 against FC 3 × 10, ours", 1.3),
}
TRANSPORTS = {
    "udp": Bar("UDP against our TCP, FC 3 × 10, 50 clients", 1.2),
    "rtu+tcp": Bar("RTU over TCP against our TCP, FC 3 × 10, 50 connections", 1.5),
    "tls": Bar("TLS against our TCP, FC 3 × 10, one connection, many requests", 3.0),
}
PORTS_READY = Bar("1 000 devices on 1 000 ports: start of the process to ready", 1.5, 0.7, "s")
LISTENERS_READY = Bar("15 000 listeners in one process: start to ready", 3.0, 2.0, "s")
CONNECTION_MEMORY = Bar(
    "15 000 connections held and polled without error: memory per connection", 2.5, 1.0, "KB"
)
MILLION_READY = Bar("1 000 000 devices on virtual IPs: start to ready", 5.0, 2.0, "s")
MILLION_MEMORY = Bar("the same: memory above a plant of one device, per device", 500, 430, "B")
MILLION_RANDOM = Bar("request to a random one of them against a single-device plant", 1.4, 1.2)
TICKING = (
    Bar("1 000 000 devices × 10 points at 1 Hz, all alike: share of one core", 20, 8, "%"),
    Bar("the same: p99 of requests during it", 5.0, 1.0, "ms"),
    Bar("1 000 000 devices × 10 points at 1 Hz, each its own phase: share of one core", 20, 8, "%"),
    Bar("the same: p99 of requests during it", 5.0, 1.0, "ms"),
    Bar("1 000 000 devices × 10 points at 1 Hz, each its own chance: share of one core", None, None, "%"),
    Bar("the same: p99 of requests during it", None, None, "ms"),
)

FORMULAS = (
    Bar("100 000 devices × 10 points at 1 Hz by formula: CPU per update (5 million/s)", 200, 50, "ns"),
)

FAULTS = (
    Bar("1 000 rules about other units of the listener: CPU per request, against none", 1.1),
    Bar("1 000 devices answer 500 ms late: p99 of the others, against none late", 1.2),
)

STORM = (
    Bar("1 000 devices back, 1 000 clients, each with its port: until all are answered", 5.0, 1.0, "s"),
    Bar("the same, on virtual IPs behind one listener", 5.0, 1.0, "s"),
)

CLIENTS = {
    "blocking": (
        Bar("blocking client: time per round trip, against pymodbus 3's", 1 / 1.5, 0.5),
        Bar("the same: the client's CPU per request", 0.5, 0.4),
    ),
    "asyncio": (
        Bar("client for asyncio, 50 in flight: time per request, against pymodbus 3's", 1 / 3, 0.15),
        Bar("the same: the client's CPU per request", 1 / 3, 0.15),
    ),
}

CLIENT_IMPORT = Bar("import of the blocking client", 60, 40, "ms")

GENERATOR = {  # 30 000 requests a second of one core
    1: Bar("modsim load, 50 clients: time per request of one core", 33.3, 15, "µs"),
    8: Bar("the same with 8 in flight each", 33.3, 10, "µs"),
}

PEERS = (LIBMODBUS_50, LIBMODBUS_PIPELINED, *PYMODBUS.values())
LISTENERS = (LISTENERS_READY, CONNECTION_MEMORY)
MILLION = (MILLION_READY, MILLION_MEMORY, MILLION_RANDOM)
