"""What a swarm is to do: where to, how many clients, how fast, which requests; checked once.

Rule: whoever has a ``Plan`` need not check anything again.  A rate makes the load *open*: requests are due by
the clock, whether or not the server keeps up, and a latency counts from when its request was due.  Without a
rate it is *closed*: each client sends as soon as an answer makes room.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from simulator.config.schemes import Framing, Transport
from simulator.explanation.names import function_code, function_name
from simulator.load.shots import FIXED, MOST

Order = Literal["random", "sequential"]
Arrivals = Literal["even", "poisson"]

MAX_DEPTH = 1024
MAX_CLIENTS = 1_000_000
_PART = re.compile(
    r"\s*(?:fc)?(?P<function>[A-Za-z0-9_ /-]+?)(?:x(?P<quantity>\d+))?(?:=(?P<weight>\d+))?\s*"
)


@dataclass(frozen=True, slots=True)
class Target:
    """An address and a port of a server, and how it is spoken to."""

    host: str
    port: int
    transport: Transport
    framing: Framing
    ipv6: bool

    def __str__(self) -> str:
        scheme = self.transport if self.framing == "mbap" else f"{self.framing}+{self.transport}"
        return f"{scheme}://{f'[{self.host}]' if self.ipv6 else self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Part:
    """A kind of request in the mix, and how often it comes in proportion to the others."""

    function: int
    quantity: int
    weight: int = 1

    def __str__(self) -> str:
        name = function_name(self.function).text
        return name if self.function in FIXED else f"{name} x {self.quantity}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a swarm needs to know.  Seconds are floats, ``rate`` is of each client."""

    targets: tuple[Target, ...]
    clients: int = 10
    rate: float | None = None
    arrivals: Arrivals = "even"
    depth: int = 1
    duration_s: float = 10.0
    ramp_s: float = 0.0
    timeout_s: float = 1.0
    mix: tuple[Part, ...] = (Part(3, 10),)
    addresses: tuple[tuple[int, int], ...] = ((0, 99),)  # both ends included
    units: tuple[tuple[int, int], ...] = ((1, 1),)
    order: Order = "random"
    seed: int = 1
    ca: str | None = None  # TLS, as for every client
    certificate: str | None = None
    key: str | None = None
    server_name: str | None = None

    def __post_init__(self) -> None:
        _check("clients", self.clients, 1, MAX_CLIENTS)
        _check("depth", self.depth, 1, MAX_DEPTH)
        if self.rate is not None and not 0 < self.rate <= 1e6:
            raise ValueError(f"rate is {self.rate:g}, expected more than 0 and at most 1000000 a second")
        if self.timeout_s <= 0 or self.duration_s <= 0:
            raise ValueError("duration or timeout is 0s, expected more")
        line = next((target for target in self.targets if target.framing != "mbap"), None)
        if line is not None and self.depth > 1:
            raise ValueError(f"depth is {self.depth}, expected 1 for {line}, which has no transaction ids")
        room = max(last - first + 1 for first, last in self.addresses)
        for part in self.mix:
            if part.function not in FIXED and part.quantity > room:
                raise ValueError(
                    f"{part} does not fit into {room} addresses, expected a wider range of addresses"
                )

    @property
    def is_open(self) -> bool:
        """True when requests are due by the clock."""
        return self.rate is not None


def parse_mix(text: str) -> tuple[Part, ...]:
    """``3x10=9,16x2=1``: function (number or name), quantity, weight; ValueError for anything else."""
    return tuple(_part(item) for item in text.split(","))


def _part(item: str) -> Part:
    match = _PART.fullmatch(item)
    if match is None:
        raise ValueError(f"request is {item!r}, expected a function, quantity and weight such as 3x10=9")
    function = function_code(match["function"])
    if function not in MOST and function not in FIXED:
        known = ", ".join(str(code) for code in sorted({*MOST, *FIXED}))
        raise ValueError(f"function is {function}, expected one of {known}")
    quantity, weight = int(match["quantity"] or 1), int(match["weight"] or 1)
    _check(f"quantity of function {function}", quantity, 1, MOST.get(function, 1))
    _check("weight", weight, 1, 1_000_000)
    return Part(function, quantity, weight)


def _check(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{what} is {value}, expected {low} to {high}")
