"""What functions of yours are given: a ``Request`` of a client, a ``Change`` of values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from twisted.internet.defer import Deferred

from simulator.errors import STANDARD, ModbusException
from simulator.origins import Origin
from simulator.protocol.codes import Table
from simulator.roles import Touched, touched

Answer = bytes | Deferred[bytes]  # a response PDU, at once or later


class Request:
    """One request: ``function`` code, ``unit`` id, ``client``, the ``pdu`` as it came.

    ``client`` says who asks: ``host``, ``port``, ``unit``, ``transaction``; its text is all of it.
    """

    __slots__ = ("_next", "client", "device", "pdu")

    def __init__(self, pdu: bytes, client: Origin, device: str, default: Callable[[Request], Answer]) -> None:
        self.pdu = pdu
        self.client = client
        self.device = device  # its name
        self._next = default

    @property
    def function(self) -> int:
        """The function code."""
        return self.pdu[0]

    @property
    def unit(self) -> int:
        """The unit id that was asked."""
        return self.client.unit

    @property
    def transaction(self) -> int:
        """The transaction id; 0 in framings that have none."""
        return self.client.transaction

    @property
    def touches(self) -> tuple[Touched, ...]:
        """Table, address and quantity of what the request reads and writes; empty when it has no address."""
        return touched(self.pdu)

    def default(self) -> Answer:
        """The response PDU as it would be without the function that asks; a Deferred where it comes later.

        Raises the exception with which the device refuses the request.
        """
        return self._next(self)

    def refuse(self, code: int, message: str = "") -> NoReturn:
        """Answer with an exception code, a standard one or one of your own, 1 to 255."""
        kind = STANDARD.get(code, ModbusException)
        raise kind(message or f"exception {code:#04x} on purpose", code=code)

    def __repr__(self) -> str:
        return f"<request {self.pdu.hex(' ')} of {self.client}>"


@dataclass(frozen=True, slots=True)
class Change:
    """Values that a client has written: numbers of registers or truth values of coils, in order.

    ``client`` says who wrote: ``host``, ``port``, ``unit``, ``transaction``.
    """

    device: str
    table: Table
    address: int
    old: tuple[int, ...]
    new: tuple[int, ...]
    client: Origin
