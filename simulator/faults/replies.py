"""Wrong answers that are still PDUs.

Everything here takes the request and the right answer and gives another one.  The one rule: an answer stays
well formed, and no longer than a PDU may be (V1.1b3 §4.1); exceptions and answers of other functions pass as
they are.
"""

from __future__ import annotations

from simulator.faults.fields import ONE_LESS, OTHER
from simulator.faults.words import READS, WRITES
from simulator.protocol import codes
from simulator.protocol.codes import EXCEPTION_BIT

MOST_REMEMBERED = 1024  # answers of a device and rule
MOST_DATA = 250  # bytes of values: function code and byte count stand before them
_BITS = (codes.READ_COILS, codes.READ_DISCRETE_INPUTS)


class Memory:
    """What requests were answered when they came first."""

    __slots__ = ("_answers",)

    def __init__(self) -> None:
        self._answers: dict[bytes, bytes] = {}

    def stale(self, request: bytes, reply: bytes) -> bytes:
        """The answer of earlier to a read; the one given now is remembered when there is none."""
        if request[0] not in READS or reply[0] != request[0]:
            return reply
        asked = request[:5]  # of function 23 without what it writes
        if len(self._answers) >= MOST_REMEMBERED and asked not in self._answers:
            del self._answers[next(iter(self._answers))]
        return self._answers.setdefault(asked, reply)


def wrong_function(reply: bytes, code: int) -> bytes:
    """The answer with another function code, the next one by default; an exception stays one."""
    if code == OTHER:
        code = reply[0] & 0x7F
        return bytes((reply[0] & EXCEPTION_BIT | code % 0x7F + 1,)) + reply[1:]
    return bytes((code,)) + reply[1:]


def wrong_quantity(request: bytes, reply: bytes, quantity: int) -> bytes:
    """The answer with ``quantity`` values; by default one less than asked for, or two where that is one."""
    function = request[0]
    if reply[0] != function or len(request) < 5:
        return reply
    right = int.from_bytes(request[3:5], "big")
    if function in WRITES:
        return reply[:3] + _wanted(right, quantity, 0xFFFF).to_bytes(2, "big")
    if function not in READS:
        return reply
    if function in _BITS:
        wanted = _wanted(right, quantity, 8 * MOST_DATA)
        if quantity == ONE_LESS and (wanted + 7) // 8 == (right + 7) // 8:  # or nobody would see it
            wanted = (right + 7) // 8 * 8 - 8 or 16
        size = (wanted + 7) // 8
    else:
        size = 2 * _wanted(right, quantity, MOST_DATA // 2)
    data = reply[2:].ljust(size, b"\0")[:size]
    return bytes((function, size)) + data


def _wanted(right: int, quantity: int, most: int) -> int:
    if quantity == ONE_LESS:
        return right - 1 or 2
    return min(quantity, most)
