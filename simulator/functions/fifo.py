"""Function 24: read a FIFO queue (V1.1b3 §6.18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import IllegalFunction
from simulator.functions.table import function
from simulator.protocol import codes
from simulator.protocol.contract import unpack_words
from simulator.protocol.fifo import ReadFifoQueueRequest, ReadFifoQueueResponse

if TYPE_CHECKING:
    from simulator.device import Device


@function(codes.READ_FIFO_QUEUE)
def read_fifo_queue(device: Device, pdu: bytes) -> bytes:
    """24: the queue stays as it is; one of more than 31 registers answers 03, an unknown pointer 02."""
    fifos = device.kind.fifos
    if fifos is None:
        raise IllegalFunction("the device has no queues")
    request = ReadFifoQueueRequest.decode(pdu)
    return ReadFifoQueueResponse(unpack_words(fifos.registers(device.row, request.address))).encode()
