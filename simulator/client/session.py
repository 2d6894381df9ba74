"""One conversation with a server, without I/O: requests in, bytes out; bytes in, answers out.

``begin`` gives the bytes of a request and remembers it, ``receive`` takes what came and returns what is
finished, ``expire`` gives a request up and says what went wrong.  Answers are matched by transaction id where
the framing carries one, so any number may be in flight; else by unit id and function code, one at a time.

The one rule: only an answer that certainly belongs to a request settles it.  With transaction ids a wrong
unit id or function code in it is told at once; without them, whatever does not fit is passed over, and told
when the time is over and nothing better came.  No clock is here: the caller says when time is over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.client.asks import Ask
from simulator.errors import ConnectionClosed, Fault, ModsimError, ProtocolError, TimedOut, refused
from simulator.protocol.codes import EXCEPTION_BIT
from simulator.protocol.contract import MessageError
from simulator.protocol.mbap import HEADER, MAX_LENGTH, MIN_LENGTH, MbapFramer

READS = frozenset((1, 2, 3, 4, 7, 11, 12, 17, 20, 23, 24, 43))  # what is senseless without an answer

MIN_ADU, MAX_ADU = 6 + MIN_LENGTH, 6 + MAX_LENGTH

_header = HEADER.unpack_from
_REMEMBERED = 64  # requests given up whose late answers are told from foreign ones
_HEARD = 600  # bytes kept of what may be half an answer: more than any frame


class Session:
    """``framing`` is mbap, rtu, ascii or binary; with ``datagrams`` every piece of bytes stands by itself.

    ``given_up`` are requests whose answers may still be on their way, ``heard`` what may be half an answer.
    ``late`` counts answers to requests that had been given up, ``foreign`` those to no request of this
    session.  ``lost`` says why the stream can no longer be cut into frames: a caller closes it then.
    """

    def __init__(self, framing: str, target: str = "", *, datagrams: bool = False) -> None:
        self.framing = framing
        self.target = target
        self.late = self.foreign = 0
        self.waiting: dict[int, Ask[Any]] = {}
        self.matches = framing == "mbap"
        self._framer: Any = make_framer(framing)
        self._build: Callable[[int, int, bytes], bytes] = self._framer.build
        self._whole = self.matches  # no beginning of a frame is kept, and frames have a header
        self._datagrams = datagrams
        self._last = 0
        self.given_up: dict[int, None] = {}  # transaction ids, or 0 when a request without one was
        self._foreign: tuple[Fault, str] = "garbage", ""
        self.heard = b""

    @property
    def lost(self) -> str:
        """Why no further frame can be found; empty while all is well."""
        reason: str = self._framer.lost
        return reason

    @property
    def broken(self) -> bool:
        """True when a stream stands in the middle of a frame that may never end: nothing can follow it."""
        return self.matches and not self._datagrams and bool(self._framer.tail)

    def begin(self, ask: Ask[Any]) -> bytes:
        """Remember a request; the bytes to send.

        Raises ValueError for what cannot be sent, and when one is in flight that would be mistaken for it.
        """
        unit = ask.unit
        if not (type(unit) is int and 0 <= unit <= 0xFF):
            raise ValueError(f"unit id is {unit!r}, expected 0 to 255")
        ask.error = None
        ask.seen = self.foreign
        waiting = self.waiting
        if self.matches:
            transaction = self._last % 0xFFFF + 1
            while transaction in waiting or transaction in self.given_up:
                transaction = transaction % 0xFFFF + 1
            ask.transaction = self._last = transaction
        else:
            transaction = 0
            self._settle(ask)
        if ask.answered:
            waiting[transaction] = ask
        adu: bytes = self._build(transaction, unit, ask.pdu)
        return adu

    def receive(self, data: bytes) -> list[Ask[Any]]:
        """Take bytes as they came; return the requests that are now finished, in order."""
        framer, size = self._framer, len(data)
        if self._whole and MIN_ADU <= size <= MAX_ADU:  # nearly always: one frame
            transaction, protocol_id, length, unit = _header(data)
            if length == size - 6 and not protocol_id:
                ask = self._take(transaction, unit, data[7:])
                return [ask] if ask is not None else []
        done: list[Ask[Any]] = []
        for transaction, unit, pdu in framer.receive(data):
            ask = self._take(transaction, unit, pdu)
            if ask is not None:
                done.append(ask)
        if not self.matches:
            self.heard = b"" if done else (self.heard + data)[:_HEARD]
        if self._datagrams and framer.pending:
            self.heard = data[:_HEARD]
            self._framer = make_framer(self.framing)
        self._whole = self.matches and not self._framer.pending
        if framer.lost:
            text = f"garbage came: {framer.lost}"
            done += self._fail_all(lambda: ProtocolError(self.target, "garbage", text))
        return done

    def expire(self, ask: Ask[Any], seconds: float) -> ModsimError:
        """Give up a request whose time, ``seconds``, is over; the error says what came instead."""
        self.cancel(ask)
        if self.foreign > ask.seen:
            return ProtocolError(self.target, *self._foreign)
        heard = self.heard or self._framer.tail
        if heard:
            from simulator.client.suspects import suspect

            fault, text = suspect(self.framing, heard, ask.unit, ask.function)
            return ProtocolError(self.target, fault, text)
        who = f"unit {ask.unit} did not answer function {ask.function} within {seconds:g} s"
        return TimedOut(self.target, who)

    def cancel(self, ask: Ask[Any]) -> None:
        """Give a request up; its answer, when it comes, is late."""
        if self.waiting.get(ask.transaction) is ask:
            del self.waiting[ask.transaction]
            self.given_up[ask.transaction] = None
            if len(self.given_up) > _REMEMBERED:
                del self.given_up[next(iter(self.given_up))]

    def closed(self, reason: str = "") -> list[Ask[Any]]:
        """The connection has ended: every request is finished, and a new stream begins."""
        tail = self.heard or self._framer.tail
        half = f" after {len(tail)} bytes of an answer" if tail else " before it answered"
        text = reason or f"the server closed the connection{half}"
        done = self._fail_all(lambda: ConnectionClosed(self.target, text))
        self._framer = make_framer(self.framing)
        self._whole = self.matches
        self.given_up.clear()
        self.heard = b""
        return done

    def _fail_all(self, error: Callable[[], ModsimError]) -> list[Ask[Any]]:
        asks = list(self.waiting.values())
        self.waiting.clear()
        for ask in asks:
            ask.error = error()
        return asks

    def _settle(self, ask: Ask[Any]) -> None:
        """A request goes out on a stream without transaction ids: what came before it is no answer."""
        if self.waiting:
            raise ValueError("a request is in flight, expected one at a time without transaction ids")
        if ask.unit == 0:
            if ask.function in READS:
                raise ValueError("unit id is 0, expected 1 to 255: nobody answers a broadcast")
            ask.answered = False
        if self._framer.pending:
            self._framer.idle()
        self.given_up.clear()
        self.heard = b""

    def _take(self, transaction: int, unit: int, pdu: bytes) -> Ask[Any] | None:
        """The request that a frame settles, if it does."""
        ask = self.waiting.get(transaction)
        if ask is None:
            self._stray(transaction)
            return None
        function = pdu[0]
        fault: tuple[Fault, str] | None = None
        try:
            if unit != ask.unit:
                fault = "unit", f"answer is from unit {unit}, expected unit {ask.unit}"
            elif function == ask.function:
                ask.answer = ask.opener(ask, pdu)
            elif function == ask.function | EXCEPTION_BIT:
                ask.error = _refusal(ask, pdu)
            else:
                fault = "function", f"answer has function {function}, expected {ask.function}"
        except MessageError as error:
            fault = "answer", f"answer to function {ask.function}: {error}"
        if fault is not None:
            if not self.matches:
                self._note(fault)
                return None
            ask.error = ProtocolError(self.target, *fault)
        del self.waiting[transaction]
        return ask

    def _stray(self, transaction: int) -> None:
        """Count a frame that answers nothing that is awaited."""
        if transaction in self.given_up:
            del self.given_up[transaction]
            self.late += 1
        elif self.matches:
            expected = ", ".join(map(str, list(self.waiting)[:4])) or "none"
            text = f"answer has transaction id {transaction}, expected {expected}"
            self._note(("transaction", text))
        else:
            self._note(("garbage", "an answer came that nobody asked for"))

    def _note(self, fault: tuple[Fault, str]) -> None:
        self.foreign += 1
        self._foreign = fault


def _refusal(ask: Ask[Any], pdu: bytes) -> ModsimError:
    if len(pdu) != 2:
        raise MessageError(f"exception response is {len(pdu)} bytes, expected 2")
    if not pdu[1]:
        raise MessageError("exception code is 0, expected 1 to 255")
    return refused(ask.unit, ask.function, pdu[1])


def make_framer(framing: str) -> Any:
    """A framer for the answers of a server."""
    if framing == "mbap":
        return MbapFramer()
    if framing == "rtu":
        from simulator.protocol.messages import response_length
        from simulator.protocol.rtu import RtuFramer

        return RtuFramer(response_length)
    if framing == "ascii":
        from simulator.protocol.ascii import AsciiFramer

        return AsciiFramer()
    if framing == "binary":
        from simulator.protocol.binary import BinaryFramer

        return BinaryFramer()
    raise ValueError(f"framing is {framing!r}, expected mbap, rtu, ascii or binary")
