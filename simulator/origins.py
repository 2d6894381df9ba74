"""Who wrote a value: a client of the wire, or something inside.

An ``Origin`` says who, where from and, for a reaction, what it reacts to.  A client's write need not carry
one: whoever answers requests notes itself in ``SERVING``, and only a write that somebody wants to know of
asks it.  The one rule: noting costs one assignment for a piece of input, whatever comes of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["client", "script", "scenario", "reaction", "api", "program"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Who wrote.

    ``name`` is the client's ``host:port``, or the name of the script, the scenario, or the point that reacts.
    ``host``, ``port``, ``unit`` and ``transaction`` are a client's; ``transaction`` is 0 in framings without
    transaction ids, ``port`` 0 for a serial line, whose name stands in ``host``.  ``cause`` is who made the
    write that a reaction reacts to.
    """

    kind: Kind
    name: str = ""
    host: str = ""
    port: int = 0
    unit: int = 0
    transaction: int = 0
    cause: Origin | None = None

    @property
    def first(self) -> Origin:
        """Who made the write that everything began with."""
        origin = self
        while origin.cause is not None:
            origin = origin.cause
        return origin

    def __str__(self) -> str:
        if self.kind == "client":
            return f"client {self.name} unit id {self.unit} transaction id {self.transaction}"
        own = f"{self.kind} {self.name}".rstrip()
        return own if self.cause is None else f"{own} after {self.cause}"


PROGRAM = Origin("program")


class Answering(Protocol):
    """Whoever answers requests."""

    def origin(self) -> Origin:
        """Who made the request that is being carried out."""
        ...


class Serving:
    """Whose requests are being carried out; ``exchange`` is None while nobody's are."""

    __slots__ = ("exchange",)

    def __init__(self) -> None:
        self.exchange: Answering | None = None

    def origin(self) -> Origin:
        """Who made the request that is being carried out; the program itself when there is none."""
        return PROGRAM if self.exchange is None else self.exchange.origin()


SERVING = Serving()  # of the process: requests are carried out one at a time
