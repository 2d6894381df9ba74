"""One client of a swarm: its requests in flight, and what each answer is worth.

A right answer is recognised by one comparison with the bytes that were expected; everything else takes the
slow way, which says what is wrong with it.  Modbus TCP matches by transaction id; framings of serial lines
have one request in flight, and begin anew after a timeout, because a late answer could be taken for the next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import perf_counter_ns
from typing import TYPE_CHECKING, ClassVar

from simulator.explanation.names import exception_name
from simulator.load.histogram import BITS
from simulator.load.sockets import CLOSED, kind_of_error
from simulator.protocol.ascii import AsciiFramer
from simulator.protocol.binary import BinaryFramer
from simulator.protocol.codes import EXCEPTION_BIT
from simulator.protocol.mbap import HEADER, MAX_LENGTH, MIN_LENGTH
from simulator.protocol.messages import response_length
from simulator.protocol.rtu import RtuFramer

if TYPE_CHECKING:
    import socket

    from simulator.config.schemes import Framing
    from simulator.load.plan import Target
    from simulator.load.shots import Shot
    from simulator.load.tally import Tally

CHUNK = 1 << 16
TRANSACTIONS = tuple(number.to_bytes(2, "big") for number in range(1 << 16))
TIMEOUT, FOREIGN = "timeout", "answer to no request"
_FINE = BITS + 1
_LATE_KEPT = 64  # transaction ids of requests that were given up

InFlight = tuple[int, int, "Shot"]  # due, sent, what


class Client:
    """A client over Modbus TCP framing; the base of the others.

    Times are nanoseconds of ``perf_counter_ns``.  ``fd`` is -1 while there is no socket.
    """

    __slots__ = (
        "_datagrams",
        "_late",
        "_next",
        "_out",
        "_place",
        "_recv",
        "_ring",
        "_tail",
        "_write",
        "backlog",
        "connected",
        "depth",
        "eager",
        "failed",
        "fd",
        "index",
        "pending",
        "scheduled",
        "since",
        "sock",
        "tally",
        "target",
        "wants_write",
    )

    closes_after_timeout: ClassVar[bool] = False

    def __init__(self, index: int, target: Target, ring: tuple[Shot, ...], place: int, tally: Tally) -> None:
        self.index = index
        self.target = target
        self.depth = 1
        self.eager = False  # to send again as soon as there is room: a closed loop
        self.tally = tally
        self.scheduled = False
        self.failed = False  # to connect, so far every time
        self.sock: socket.socket | None = None
        self.fd = -1
        self.since = 0  # when the connection was begun, or lost
        self.connected = False
        self.wants_write = False
        self.pending: dict[bytes, InFlight] = {}
        self.backlog: deque[int] = deque()  # when requests were due that there was no room for
        self._ring = ring
        self._place = place % len(ring)
        self._next = 0
        self._datagrams = target.transport == "udp"
        self._recv: Callable[[int], bytes]  # of the socket
        self._write: Callable[[bytes], int]
        self._late: deque[bytes] = deque(maxlen=_LATE_KEPT)
        self._tail = b""
        self._out = b""

    @property
    def room(self) -> int:
        """How many more requests may be sent now."""
        return self.depth - len(self.pending) if self.connected and not self._out else 0

    def begin(self, sock: socket.socket, now: int) -> None:
        """A connection has begun."""
        self.sock, self.fd, self.since = sock, sock.fileno(), now
        self._recv, self._write = sock.recv, sock.send
        self.connected = False
        self._tail = self._out = b""
        self._late.clear()

    def arrived(self) -> bool:
        """The connection stands: True when requests may follow."""
        return True

    def drop(self, now: int) -> list[InFlight]:
        """Close; return what was in flight."""
        if self.sock is not None:
            self.sock.close()
        self.sock, self.fd, self.since = None, -1, now
        self.connected = self.wants_write = False
        lost = list(self.pending.values())
        self.pending.clear()
        return lost

    def fire(self, due: list[int], now: int) -> str:
        """Send a request for each time in ``due``; "" or the kind of error that lost the connection."""
        ring, pending, number, place = self._ring, self.pending, self._next, self._place
        out = []
        for when in due:
            transaction = TRANSACTIONS[number]
            shot = ring[place]
            number = number + 1 & 0xFFFF
            place = (place + 1) % len(ring)
            pending[transaction] = (when, now, shot)
            out.append(transaction + shot.tail)
        self._next, self._place = number, place
        self.tally.sent += len(out)
        if self._datagrams:
            return next(filter(None, map(self._send, out)), "")
        return self._send(out[0] if len(out) == 1 else b"".join(out))

    def flush(self) -> str:
        """The socket takes more: send what was left."""
        left, self._out = self._out, b""
        self.wants_write = False
        return self._send(left) if left else ""

    def readable(self) -> str:
        """Read and judge what has come; "" or the kind of error that lost the connection."""
        try:
            data = self._recv(CHUNK)
        except BlockingIOError:
            return ""
        except OSError as error:
            return kind_of_error(error)
        if not data and not self._datagrams:
            return CLOSED
        now = perf_counter_ns()
        self.tally.bytes_received += len(data)
        lost = self.take(data, now)
        if self.eager and not lost and not self._out and len(self.pending) < self.depth:
            return self.fire([now] * (self.depth - len(self.pending)), now)
        return lost

    def take(self, data: bytes, now: int) -> str:
        """Judge the answers in ``data``; the tail of one is kept."""
        if self._tail:
            data = self._tail + data
        pending, tally = self.pending, self.tally
        responses, services = tally.response.counts, tally.service.counts
        offset, size = 0, len(data)
        while size - offset >= 9:
            transaction = data[offset : offset + 2]
            found = pending.get(transaction)
            if found is not None:
                due, sent, shot = found
                stop = offset + shot.size
                if shot.size and stop <= size and data.startswith(shot.expected, offset + 2):
                    del pending[transaction]
                    value = now - due
                    shift = value.bit_length() - _FINE
                    responses[value if shift <= 0 else (shift << BITS) + (value >> shift)] += 1
                    value = now - sent
                    shift = value.bit_length() - _FINE
                    services[value if shift <= 0 else (shift << BITS) + (value >> shift)] += 1
                    tally.answered += 1
                    offset = stop
                    continue
            protocol_id, length = HEADER.unpack_from(data, offset)[1:3]
            if protocol_id or not MIN_LENGTH <= length <= MAX_LENGTH:
                return "no Modbus: " + (f"protocol id {protocol_id}" if protocol_id else f"length {length}")
            if offset + 6 + length > size:
                break
            self._odd(
                data[offset : offset + 2], data[offset + 6], data[offset + 7 : offset + 6 + length], now
            )
            offset += 6 + length
        self._tail = b"" if self._datagrams or offset == size else data[offset:]
        return ""

    def give_up(self, before: int, now: int) -> int:
        """Forget requests that were sent before; how many there were."""
        gone = [transaction for transaction, (_, sent, _) in self.pending.items() if sent < before]
        for transaction in gone:
            del self.pending[transaction]
            self._late.append(transaction)
        if gone:
            self.tally.errors[TIMEOUT] += len(gone)
        return len(gone)

    def _odd(self, transaction: bytes, unit: int, pdu: bytes, now: int) -> None:
        """An answer that is not as expected, or one whose length varies."""
        found = self.pending.pop(transaction, None)
        if found is not None:
            self.judge(found, unit, pdu, now)
        elif transaction in self._late:
            self._late.remove(transaction)  # its timeout is counted already
            self.tally.late += 1
        else:
            self.tally.errors[FOREIGN] += 1

    def judge(self, asked: InFlight, unit: int, pdu: bytes, now: int) -> None:
        """Count an answer as right or as what is wrong with it."""
        due, sent, shot = asked
        wrong = _wrong(shot, unit, pdu)
        if wrong:
            self.tally.errors[wrong] += 1
            return
        self.tally.answered += 1
        self.tally.response.record(now - due)
        self.tally.service.record(now - sent)

    def _send(self, data: bytes) -> str:
        try:
            sent = self._write(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            return kind_of_error(error)
        if sent < len(data) and not self._datagrams:
            self._out = data[sent:]
            self.wants_write = True
        return ""


class LineClient(Client):
    """A client that speaks a framing of serial lines: one request in flight."""

    __slots__ = ("_framer",)

    closes_after_timeout = True

    def begin(self, sock: socket.socket, now: int) -> None:
        """A connection has begun."""
        super().begin(sock, now)
        self._framer = _framer(self.target.framing)

    def fire(self, due: list[int], now: int) -> str:
        """Send the one request there is room for."""
        shot = self._ring[self._place]
        self._place = (self._place + 1) % len(self._ring)
        self.pending[b""] = (due[0], now, shot)
        self.tally.sent += 1
        return self._send(self._framer.build(0, shot.unit, shot.pdu))

    def take(self, data: bytes, now: int) -> str:
        """Judge the answer in ``data``, when it is whole."""
        for frame in self._framer.receive(data):
            asked = self.pending.pop(b"", None)
            if asked is None:
                self.tally.errors[FOREIGN] += 1
            else:
                self.judge(asked, frame.unit, frame.pdu, now)
        return self._framer.lost


def _framer(framing: Framing) -> RtuFramer | AsciiFramer | BinaryFramer:
    if framing == "rtu":
        return RtuFramer(response_length)
    return AsciiFramer() if framing == "ascii" else BinaryFramer()


_COUNTED = frozenset((1, 2, 3, 4, 23))  # whose answers begin with the number of their bytes


def _wrong(shot: Shot, unit: int, pdu: bytes) -> str:
    """What is wrong with an answer; "" when nothing is."""
    function = shot.pdu[0]
    if unit != shot.unit:
        return "wrong unit id"
    if pdu[0] == function | EXCEPTION_BIT and len(pdu) == 2:
        return f"exception {pdu[1]}, {exception_name(pdu[1])}"
    if pdu[0] != function:
        return "wrong function"
    if shot.answer_size and len(pdu) != shot.answer_size:
        return "wrong length"
    if pdu.startswith(shot.answer):
        return ""
    return "wrong byte count" if function in _COUNTED else "wrong echo"
