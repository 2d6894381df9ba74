"""What the framings of serial lines have in common when they run over a stream.

They find their way back after noise: what belongs to no frame is dropped and counted.  A stream that brings
nothing else for ``noise_limit`` bytes is lost, so that a flood cannot keep its receiver busy.

A beginning is never given up while it may still become a frame, so that it does not matter how a stream was
cut into chunks.  Whoever can tell that the stream has paused for ``idle_s`` calls ``idle``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from simulator.protocol.frames import Frame

NOISE_LIMIT = 4096  # bytes; at up to 5 µs each a flood ends within 20 ms


class StreamFramer(ABC):
    """Cuts one direction of one connection; base of the RTU, ASCII and binary framers.

    ``dropped`` counts bytes that belonged to no frame, ``errors`` frames that were wrong or broken off.
    """

    __slots__ = ("_noise", "_noise_limit", "_tail", "dropped", "errors", "lost")

    idle_s: ClassVar[float]  # a pause after which a beginning is no longer waited for

    def __init__(self, *, noise_limit: int | None = NOISE_LIMIT) -> None:
        self._tail = b""
        self._noise = 0  # bytes dropped since the last frame
        self._noise_limit = noise_limit
        self.dropped = 0
        self.errors = 0
        self.lost = ""

    @property
    def pending(self) -> bool:
        """True while the beginning of a frame is kept."""
        return bool(self._tail)

    @property
    def tail(self) -> bytes:
        """The beginning of a frame that is kept."""
        return self._tail

    @property
    def clean(self) -> bool:
        """True when the last byte ended a frame: another framer could go on from here."""
        return not (self._tail or self._noise or self.lost)

    @abstractmethod
    def receive(self, data: bytes) -> list[Frame]:
        """Return every complete frame; keep at most one ADU's beginning for the next call."""

    def idle(self) -> list[Frame]:
        """The stream has paused: give up what has begun; return the frames that stood behind it."""
        if self._tail:
            self.errors += 1
            self._drop(len(self._tail))
            self._tail = b""
        return []

    @abstractmethod
    def build(self, transaction: int, unit: int, pdu: bytes) -> bytes:
        """Return an ADU; the transaction id is not carried."""

    def _drop(self, count: int) -> None:
        self._noise += count
        self.dropped += count
        if self._noise_limit is not None and self._noise >= self._noise_limit and not self.lost:
            self.lost = f"{self._noise} bytes hold no frame, expected one within {self._noise_limit}"
