"""What becomes of one exchange when rules apply to it, one or several, in file order.

A course goes through what the request meets, in order: the link, the device, the PDU, the ADU,
the time.  At each of them the rules act in file order.  Delays add up; of exceptions, ends of connections and
ways to cut an answer the first that a rule names holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.faults import replies, wire
from simulator.faults.chance import Draws, lateness
from simulator.faults.conditions import Asked
from simulator.faults.fields import OTHER
from simulator.faults.rule import Bound, Rule
from simulator.protocol.frames import Frame

Build = Callable[[int, int, bytes], bytes]  # transaction id, unit id, PDU -> ADU


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is sent, and when.

    ``pieces`` leave one after the other with ``gap`` seconds between them, the first ``delay`` seconds after
    the request; then the connection ends, if ``end`` says how: ``close`` or ``reset``.
    """

    delay: float = 0.0
    pieces: tuple[bytes, ...] = ()
    gap: float = 0.0
    end: str = ""

    @property
    def is_plain(self) -> bool:
        """True when it is an answer that leaves at once and whole, or nothing at all."""
        return not (self.delay or self.end) and (len(self.pieces) <= 1 or not self.gap)


class Course:
    """The rules that act on one request."""

    __slots__ = ("_acting",)

    def __init__(self, acting: Sequence[tuple[Bound, Draws]]) -> None:
        self._acting = acting

    @property
    def rules(self) -> Iterable[Rule]:
        """Those that act."""
        return (bound.rule for bound, _ in self._acting)

    @property
    def hanging(self) -> Rule | None:
        """The rule that silences the connection."""
        return next((rule for rule in self.rules if rule.then.hang is not None), None)

    @property
    def is_down(self) -> bool:
        """True when a link that comes and goes has gone."""
        return any(rule.is_down for rule in self.rules)

    @property
    def exception(self) -> int | None:
        """The exception code in place of an answer."""
        return next((rule.then.exception for rule in self.rules if rule.then.exception is not None), None)

    def delivery(self, request: Frame, reply: bytes, build: Build, framing: str, now: float) -> Delivery:
        """What is sent for the device's reply, which may be empty; ``now`` is in virtual seconds."""
        end, after = self._end()
        silent = not reply or any(rule.then.drop for rule in self.rules)
        if end and not after and not self._says_something:
            silent = True
        pieces: tuple[bytes, ...] = ()
        gap = 0.0
        if not silent:
            pdu = self._pdu(request.pdu, reply, now)
            adu = self._adu(pdu, request.transaction, request.unit, build, framing)
            pieces, gap = self._pieces(adu)
        return Delivery(self.delay if pieces or end else 0.0, pieces, gap, end)

    @property
    def delay(self) -> float:
        """Seconds that the answer is late; the delays of all rules."""
        total = 0.0
        for bound, draws in self._acting:
            then = bound.rule.then
            if then.delay or then.jitter:
                total += lateness(then.delay or 0.0, then.jitter or 0.0, then.distribution, draws)
        return total

    def _end(self) -> tuple[str, bool]:
        """How the connection ends, and whether the answer is sent before."""
        for rule in self.rules:
            for kind in ("close", "reset"):
                said = getattr(rule.then, kind)
                if said is not None:
                    return kind, said == "after_answer"
        return "", False

    @property
    def _says_something(self) -> bool:
        """True when bytes are to be sent before a connection ends: broken answers are."""
        return any(rule.then.truncate is not None or rule.then.garbage is not None for rule in self.rules)

    def _pdu(self, request: bytes, reply: bytes, now: float) -> bytes:
        for bound, _ in self._acting:
            then = bound.rule.then
            if then.stale:
                reply = bound.remembered().stale(request, reply)
            if then.corrupt_values is not None:
                reply = bound.corrupting().corrupt(request, reply, now - bound.rule.since)
            if then.wrong_quantity is not None:
                reply = replies.wrong_quantity(request, reply, then.wrong_quantity)
        for rule in self.rules:
            if rule.then.wrong_function is not None:
                reply = replies.wrong_function(reply, rule.then.wrong_function)
        return reply

    def _adu(self, pdu: bytes, transaction: int, unit: int, build: Build, framing: str) -> bytes:
        for rule in self.rules:
            then = rule.then
            if then.wrong_transaction_id is not None:
                transaction = _other(transaction, then.wrong_transaction_id, 0xFFFF)
            if then.wrong_unit_id is not None:
                unit = _other(unit, then.wrong_unit_id, 0xFF)
        adu = build(transaction, unit, pdu)
        if any(rule.then.corrupt_checksum for rule in self.rules):
            adu = wire.with_wrong_checksum(framing, adu, unit, pdu)
        for bound, draws in self._acting:
            then = bound.rule.then
            if then.garbage is not None:
                adu = wire.noise(then.garbage, len(adu), draws)
            if then.truncate is not None:
                adu = wire.truncated(adu, then.truncate)
            if then.extra_bytes is not None:
                adu += wire.noise(then.extra_bytes, len(adu), draws)
        return adu

    def _pieces(self, adu: bytes) -> tuple[tuple[bytes, ...], float]:
        """The pieces the answer is sent in, and the pause between them; none for copies."""
        copies = 1 + sum(rule.then.duplicate or 0 for rule in self.rules)
        for rule in self.rules:
            then = rule.then
            if then.slow_bytes is not None:
                return tuple(bytes((byte,)) for byte in adu * copies), then.slow_bytes
            if then.split is not None:
                return tuple(wire.cut(adu, then.split.pieces) * copies), then.split.gap
        return (adu,) * copies, 0.0


def _other(right: int, wrong: int, most: int) -> int:
    return right + 1 & most if wrong == OTHER else wrong


def course(bounds: Iterable[Bound], asked: Asked) -> Course | None:
    """The rules that act on a request, in file order; None when none does."""
    acting: list[Any] = []
    for bound in bounds:
        draws = bound.decide(asked)
        if draws is not None:
            acting.append((bound, draws))
    return Course(acting) if acting else None
