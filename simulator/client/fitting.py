"""Does an answer fit its request?  One rule for each function code whose answer the request foretells.

The messages check what a PDU can be by itself; here is what only both together can say: as many registers as
were asked for, the address that was written echoed.  A code without a rule takes every legal answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.protocol import codes
from simulator.protocol.contract import Request

Rule = Callable[[Any, Any], str]


def misfit(request: Request, answer: object) -> str:
    """What is wrong with ``answer``, an opened response of the same function code; "" when it fits."""
    rule = _RULES.get(request.function)
    return rule(request, answer) if rule is not None else ""


def _registers(request: Any, answer: Any) -> str:
    return _count("registers", len(answer.registers), request.quantity)


def _read_write(request: Any, answer: Any) -> str:
    return _count("registers", len(answer.registers), request.read_quantity)


def _bits(request: Any, answer: Any) -> str:
    return _count("bytes of bits", len(answer.bits) >> 3, (request.quantity + 7) >> 3)


def _echo(request: Any, answer: Any) -> str:
    names: tuple[str, ...] = type(request).__match_args__
    for name in names:
        sent, got = getattr(request, name), getattr(answer, name)
        if sent != got:
            return f"answer has {name} {got}, expected {sent} as in the request"
    return ""


def _written(request: Any, answer: Any) -> str:
    quantity = len(request.registers if hasattr(request, "registers") else request.bits)
    if answer.address != request.address:
        return f"answer has address {answer.address}, expected {request.address} as in the request"
    return _count("places", answer.quantity, quantity)


def _diagnostics(request: Any, answer: Any) -> str:
    if answer.sub_function != request.sub_function:
        return f"answer has sub-function {answer.sub_function:d}, expected {request.sub_function:d}"
    return _echo(request, answer) if not request.sub_function else ""


def _records(request: Any, answer: Any) -> str:
    got, wanted = [len(group) for group in answer.records], [part.length for part in request.ranges]
    return "" if got == wanted else f"answer has groups of {got} registers, expected {wanted}"


def _count(what: str, got: int, expected: int) -> str:
    return "" if got == expected else f"answer has {got} {what}, expected {expected}"


_RULES: dict[int, Rule] = {
    codes.READ_COILS: _bits,
    codes.READ_DISCRETE_INPUTS: _bits,
    codes.READ_HOLDING_REGISTERS: _registers,
    codes.READ_INPUT_REGISTERS: _registers,
    codes.WRITE_SINGLE_COIL: _echo,
    codes.WRITE_SINGLE_REGISTER: _echo,
    codes.DIAGNOSTICS: _diagnostics,
    codes.WRITE_MULTIPLE_COILS: _written,
    codes.WRITE_MULTIPLE_REGISTERS: _written,
    codes.READ_FILE_RECORD: _records,
    codes.WRITE_FILE_RECORD: _echo,
    codes.MASK_WRITE_REGISTER: _echo,
    codes.READ_WRITE_MULTIPLE_REGISTERS: _read_write,
}
