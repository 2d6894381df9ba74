"""The base class of data of your own: values that are computed, fetched or kept somewhere else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulator.embed.requests import Request
from simulator.errors import IllegalFunction
from simulator.protocol.codes import Table


class Provider:
    """Override ``read``, ``write`` or both; either may be a coroutine, or return a Deferred or a future.

    Lengths, quantities and byte counts are checked already, function codes are taken apart and answers put
    together: all of them that read or write tables, 22 and 23 too, come down to these two.  Raise an
    exception of :mod:`simulator.errors` to refuse: each standard code has a class, and
    ``ModbusException(code=…)`` is for others.  Anything else that is raised is logged and answered with 0x04.
    """

    def read(self, request: Request, table: Table, address: int, quantity: int) -> Sequence[int] | Any:
        """``quantity`` values from ``address`` on: registers as -32768 to 65535, bits as truth values."""
        raise IllegalFunction(f"{table.label} is not provided")

    def write(self, request: Request, table: Table, address: int, values: tuple[int, ...]) -> Any:
        """Take values from ``address`` on: registers as 0 to 65535, bits as 0 and 1."""
        raise IllegalFunction(f"{table.label} cannot be written")
