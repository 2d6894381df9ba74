"""Requests as bytes and answers from bytes, without any connection: for sockets of your own, and for tests.

::

    request = tcp.read_holding_registers(10, 2, unit=1)     # bytes, to be sent
    values = request.parse(answer)                          # from the bytes that came back

``tcp`` and ``rtu`` are there for the two framings used most, ``Adus`` makes others.  The verbs are those of
every client.  One rule: nothing here waits for anything; what has not come yet is half an answer.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from simulator.client.asks import Ask
from simulator.client.plans import AduFace, Plan
from simulator.client.session import Session
from simulator.client.verbs import Verbs
from simulator.errors import ModbusException, ProtocolError, TimedOut
from simulator.protocol.contract import MessageError

T = TypeVar("T")


class RequestAdu(bytes, Generic[T]):
    """The bytes of a request."""

    _plan: Plan[T]
    _ask: Ask[Any]
    _face: Adus

    @property
    def unit(self) -> int:
        """Whom it is for."""
        return self._ask.unit

    @property
    def transaction(self) -> int:
        """Its transaction id; 0 in framings that carry none."""
        return self._ask.transaction

    @property
    def pdu(self) -> bytes:
        """What is in the frame."""
        return self._ask.pdu

    def parse(self, answer: bytes) -> T | RequestAdu[T]:
        """The value in the bytes of an answer; the next request where a verb takes several.

        Once for each request.  Raises ModbusException for a refusal, ProtocolError for everything that is not
        one whole answer to this request.
        """
        if not self._ask.answered:
            raise ValueError("request has no answer, got bytes to parse, expected none")
        face, ask = self._face, self._ask
        session = Session(face.framing, face.framing)
        session.waiting[ask.transaction] = ask
        if not session.receive(answer):
            ask.error = session.expire(ask, 0)
        if isinstance(ask.error, TimedOut):
            ask.error = ProtocolError(face.framing, "half", "answer is empty, expected a frame")
        if ask.error is not None and not isinstance(ask.error, ModbusException):
            raise ask.error
        try:
            following = self._plan.send(ask.answer) if ask.error is None else self._plan.throw(ask.error)
        except StopIteration as done:
            value: T = done.value
            return value
        return face._adu(self._plan, following)


class Adus(AduFace, Verbs):
    """Makes requests for one ``framing``: mbap, rtu, ascii or binary.

    ``unit`` and ``address_base`` are the defaults of the verbs; transaction ids count up from 1.
    """

    def __init__(self, framing: str = "mbap", *, unit: int = 1, address_base: int = 0) -> None:
        self.framing = framing
        self.unit = unit
        self.address_base = address_base
        self._session = Session(framing, framing)

    def _run(self, work: Plan[T] | Ask[T]) -> RequestAdu[T]:
        plan: Plan[T] = iter(work)
        try:
            ask = plan.send(None)
        except MessageError as error:
            raise ValueError(str(error)) from None
        return self._adu(plan, ask)

    def _adu(self, plan: Plan[T], ask: Ask[Any]) -> RequestAdu[T]:
        made: RequestAdu[T] = RequestAdu(self._session.begin(ask))
        self._session.waiting.clear()
        made._plan, made._ask, made._face = plan, ask, self
        return made


tcp = Adus("mbap")
rtu = Adus("rtu")
