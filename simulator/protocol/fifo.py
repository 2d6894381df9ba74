"""The messages of function 24, read FIFO queue (V1.1b3 §6.18)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Self

from simulator.protocol import codes
from simulator.protocol.contract import (
    Counted,
    MessageError,
    Request,
    Response,
    check,
    check_word,
    pack_words,
    settle,
    unpack_words,
    words,
)

MAX_FIFO = 31  # registers in a queue that can be read, V1.1b3 §6.18

_HEAD = Struct(">BHH")  # function, byte count, FIFO count


@dataclass(frozen=True, slots=True)
class ReadFifoQueueRequest(Request):
    """24 (V1.1b3 §6.18): read the queue behind a pointer address, without emptying it."""

    function = codes.READ_FIFO_QUEUE
    layout = Struct(">H")
    address: int

    def __post_init__(self) -> None:
        check_word("FIFO pointer address", self.address)


@dataclass(frozen=True, slots=True)
class ReadFifoQueueResponse(Response):
    """24 (V1.1b3 §6.18): the 0 to 31 registers in the queue, the oldest first."""

    function = codes.READ_FIFO_QUEUE
    length = Counted(1, 2)
    registers: tuple[int, ...]

    def __post_init__(self) -> None:
        settle(self, "registers", words(self.registers, 0, MAX_FIFO))

    def encode(self) -> bytes:
        """The PDU: byte count, FIFO count and registers."""
        count = len(self.registers)
        return _HEAD.pack(self.function, 2 + 2 * count, count) + pack_words(self.registers)

    @classmethod
    def decode(cls, pdu: bytes) -> Self:
        """The queue of a PDU; both counts must be right."""
        cls.body(pdu, least=4)
        _, byte_count, count = _HEAD.unpack_from(pdu)
        if byte_count != len(pdu) - 3:
            raise MessageError(f"byte count is {byte_count}, expected {len(pdu) - 3} as bytes follow")
        check("FIFO count", count, 0, MAX_FIFO)
        if byte_count != 2 + 2 * count:
            raise MessageError(f"byte count is {byte_count}, expected {2 + 2 * count}")
        return cls(unpack_words(pdu[5:]))
