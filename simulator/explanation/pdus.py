"""PDUs of every function code in words, requests and responses (V1.1b3 §6 and §7).

Walks over the bytes and shows what stands there, right or wrong; whether the message could exist is asked of
:mod:`simulator.protocol.messages`, so that there is one set of rules.  A response is told more fully when the
request it answers is known: only that has the addresses.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from simulator.explanation.fields import Cut, Field, Walk
from simulator.explanation.names import exception_name, function_name
from simulator.explanation.walkers import READ_BITS, READ_REGISTERS, Direction, exception, walker_of
from simulator.protocol import codes, messages
from simulator.protocol.contract import ExceptionResponse, Message, MessageError, Request
from simulator.protocol.diagnostics import Diagnostic


@dataclass(frozen=True, slots=True)
class PduExplanation:
    """A PDU in words: what it is, its fields, and what is wrong with it.

    ``message`` is None when the bytes are no legal message.
    """

    title: str
    clause: str
    fields: tuple[Field, ...]
    problems: tuple[str, ...]
    message: Message | ExceptionResponse | None


def explain_pdu(
    pdu: bytes, direction: Direction, *, base: int = 0, asked: Request | None = None
) -> PduExplanation:
    """A PDU whose first byte stands at ``base`` of its frame; ``asked`` is the request that it answers."""
    code = pdu[0] & ~codes.EXCEPTION_BIT if pdu else 0
    name = function_name(code)
    walk = Walk(pdu, base, name.clause)
    refused = direction == "response" and bool(pdu) and pdu[0] & codes.EXCEPTION_BIT
    walker = exception if refused else walker_of(code, direction)
    try:
        walk.byte("function", lambda value: _function_text(value, direction))
        walker(walk, asked)
        walk.rest()
    except Cut:
        pass
    message, problem = _message(pdu, direction)
    problems = [problem] if problem else [field.problem for field in walk.fields if field.problem]
    if message is not None and asked is not None and not refused:
        problems += _differences(message, asked)
    kind = "exception response" if refused else direction
    clause = "V1.1b3 §7" if refused else name.clause
    return PduExplanation(f"{name.text} {kind}", clause, tuple(walk.fields), tuple(problems), message)


def summary(message: Message | ExceptionResponse) -> str:
    """A message in one line: ``address 107, quantity 3``."""
    if isinstance(message, ExceptionResponse):
        return f"exception {message.code}, {exception_name(message.code)}"
    names: tuple[str, ...] = getattr(message, "__match_args__", ())
    parts = (
        f"{name.replace('_', ' ')} {_short(getattr(message, name))}"
        for name in names
        if getattr(message, name) is not None
    )
    return ", ".join(parts) or "no fields"


def _message(pdu: bytes, direction: Direction) -> tuple[Message | ExceptionResponse | None, str]:
    try:
        if direction == "request":
            return messages.decode_request(pdu), ""
        return messages.decode_response(pdu), ""
    except MessageError as error:
        return None, str(error)


def _differences(message: Message | ExceptionResponse, asked: Request) -> list[str]:
    """What does not fit the request, although it is a legal message."""
    found = []
    quantity = getattr(asked, "quantity", 0)
    registers, bits = getattr(message, "registers", ()), getattr(message, "bits", ())
    if message.function in READ_REGISTERS and len(registers) != quantity:
        found.append(f"{len(registers)} registers, expected {quantity} as asked")
    if message.function in READ_BITS and len(bits) != -(-quantity // 8) * 8:
        found.append(f"{len(bits) // 8} bytes of bits, expected {-(-quantity // 8)} for {quantity} as asked")
    for name in ("address", "value", "and_mask", "or_mask"):
        here, there = getattr(message, name, None), getattr(asked, name, None)
        if here is not None and there is not None and here != there:
            found.append(f"{name.replace('_', ' ')} is {here}, expected {there} as asked")
    return found


def _function_text(value: int, direction: Direction) -> str:
    if value & codes.EXCEPTION_BIT and direction == "response":
        asked = value ^ codes.EXCEPTION_BIT
        return f"exception response to {asked}, {function_name(asked).text}"
    return f"{value}, {function_name(value).text}"


def _short(value: object) -> str:
    if isinstance(value, tuple):
        if value and all(isinstance(item, bool) for item in value):
            shown = [str(int(item)) for item in value]
        else:
            shown = [_short(item) for item in value]
        return " ".join(shown[:16]) + (f" … ({len(shown)} in all)" if len(shown) > 16 else "")
    if isinstance(value, bytes):
        printable = value and all(0x20 <= byte < 0x7F for byte in value)
        return f"'{value.decode('ascii')}'" if printable else value.hex(" ") or "empty"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Diagnostic):
        return f"{value.value} ({value.name.lower().replace('_', ' ')})"
    if dataclasses.is_dataclass(value):
        parts = (f"{each.name} {_short(getattr(value, each.name))}" for each in dataclasses.fields(value))
        return f"[{', '.join(parts)}]"
    return str(value)
