"""What a framer hands over, and the contract every framer keeps.

A framer cuts a stream of bytes into requests and wraps responses; it does no I/O and knows no device.
It never raises for bytes a peer sent: it sets ``lost`` to the reason when the stream cannot be cut any
further, after it has handed over every request that came before.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Frame(NamedTuple):
    """One ADU, opened.  ``transaction`` is 0 in framings that carry none."""

    transaction: int
    unit: int
    pdu: bytes


class Framer(Protocol):
    """Cuts one direction of one connection."""

    lost: str

    def receive(self, data: bytes) -> list[Frame]:
        """Take bytes as they came; return every frame that is now complete, in order."""
        ...

    def build(self, transaction: int, unit: int, pdu: bytes) -> bytes:
        """Return the bytes of one ADU."""
        ...
