"""``gateway`` of a group: a serial line between its listener and its devices.

All devices behind one address and port share the line.  What the line does with requests is the server's
business; this is how long its characters take.  Defaults of the line are those of Modbus over Serial Line
V1.02 §2.5.1: 19200 baud, even parity, one stop bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from simulator.config.serial_line import DEFAULT_BAUDRATE, MAX_BAUDRATE
from simulator.documents.durations import Duration
from simulator.documents.models import FileModel
from simulator.protocol.line import FAST_BAUDRATE, FRAME_GAP, FRAME_GAP_S

_FRAME = 3  # bytes of an RTU frame beside its PDU: unit id and CRC, V1.02 §2.5.1


@dataclass(frozen=True, slots=True)
class GatewayLine:
    """The line behind a gateway, and the gateway's patience with it."""

    baudrate: int = DEFAULT_BAUDRATE
    parity: str = "E"
    stopbits: int = 1
    timeout: float = 1.0  # seconds from the end of a request to the beginning of its answer
    turnaround: float = 0.005  # seconds a device thinks
    queue: int = 32  # requests that wait, beside the one on the line
    alive: bool = True

    @property
    def gap_s(self) -> float:
        """The silence that ends a frame."""
        if self.baudrate > FAST_BAUDRATE:
            return FRAME_GAP_S
        return FRAME_GAP * self._character_s

    def frame_s(self, pdu: bytes) -> float:
        """How long the line is busy with an RTU frame and the silence behind it."""
        return (len(pdu) + _FRAME) * self._character_s + self.gap_s

    @property
    def _character_s(self) -> float:
        return (1 + 8 + (self.parity != "N") + self.stopbits) / self.baudrate


class GatewayFile(FileModel):
    """A serial line between the listener and its devices."""

    baudrate: Annotated[int, Field(ge=50, le=MAX_BAUDRATE)] = DEFAULT_BAUDRATE
    parity: Literal["N", "E", "O"] = "E"
    stopbits: Annotated[int, Field(ge=1, le=2)] = 1
    timeout: Duration = 1.0
    """How long the gateway waits for a device before it answers exception 0x0B."""
    turnaround: Duration = 0.005
    """How long a device takes from the end of a request to the beginning of its answer."""
    queue: Annotated[int, Field(ge=1, le=65535)] = 32
    """Requests that wait for the line; more are answered exception 6."""
    line: Literal["alive", "dead"] = "alive"
    """dead: every request is answered exception 0x0A."""


def gateway_line(file: GatewayFile | None) -> GatewayLine | None:
    """The line of a file; None when there is none."""
    if file is None:
        return None
    settings = dict(file)
    return GatewayLine(alive=settings.pop("line") == "alive", **settings)
