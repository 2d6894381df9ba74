"""One request of a plan, and how its answer is opened: quickly where that is worth it.

The functions polled all day (01 to 06, 15, 16, 22, 23) are packed and unpacked here without making messages.
The one rule: whatever is not plainly right goes the long way, through the messages of the protocol, which say
what is wrong with it; so both ways accept the same, and there is one place for the words.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from simulator.errors import ModsimError
from simulator.protocol import codes
from simulator.protocol.codes import EXCEPTION_BIT, MAX_PDU
from simulator.protocol.contract import MessageError

if TYPE_CHECKING:
    from simulator.protocol.contract import Request

T = TypeVar("T")

_HEAD = struct.Struct(">BHH").pack  # function, address, quantity or value
_MOST = codes.MAX_READ_REGISTERS
_WORDS = tuple(struct.Struct(f">xx{count}H").unpack for count in range(_MOST + 1))


class Ask(Generic[T]):
    """A request: its PDU, to whom it goes, whether anybody answers; later, what became of it.

    ``answer`` is what ``opener`` makes of the response PDU, ``error`` what went wrong.  ``owner`` is for
    whoever runs the plan.
    """

    error: ModsimError | None = None
    answer: Any = None
    transaction = 0
    seen = 0  # foreign answers before it
    owner: Any = None

    def __init__(
        self, pdu: bytes, unit: int, opener: Opener, about: Any = None, *, answered: bool = True
    ) -> None:
        self.pdu = pdu
        self.function = pdu[0]
        self.unit = unit
        self.opener = opener
        self.about = about
        self.answered = answered

    def __iter__(self) -> Generator[Ask[Any], Any, T]:
        value: T = yield self
        return value


Opener = Callable[["Ask[Any]", bytes], Any]


def ask(request: Request, unit: int, *, answered: bool = True) -> Ask[Any]:
    """A request given as a message; its answer is the response."""
    return Ask(request.encode(), unit, _response, request, answered=answered)


def ask_pdu(pdu: bytes, unit: int) -> Ask[Any]:
    """A request given as the bytes of its PDU; its answer is the bytes of the response PDU."""
    if not 1 <= len(pdu) <= MAX_PDU or not 1 <= pdu[0] < EXCEPTION_BIT:
        shown = pdu.hex(" ") or "empty"
        raise ValueError(f"PDU is {shown}, expected a function code 1 to 127 and up to 252 bytes")
    return Ask(bytes(pdu), unit, lambda ask, pdu: pdu)


def read_registers(function: int, address: int, quantity: int, unit: int) -> Ask[list[int]]:
    """03 and 04; the answer is a list of registers."""
    if type(quantity) is int and 0 < quantity <= _MOST:
        try:
            return Ask(_HEAD(function, address, quantity), unit, _registers, quantity)
        except struct.error:
            pass
    raise _refused(_request(function, address, quantity))


def read_bits(function: int, address: int, quantity: int, unit: int) -> Ask[list[bool]]:
    """01 and 02; the answer is a list of truth values."""
    if type(quantity) is int and 0 < quantity <= codes.MAX_READ_BITS:
        return Ask(_packed(function, address, quantity), unit, _bits, quantity)
    raise _refused(_request(function, address, quantity))


def write_register(address: int, value: int, unit: int) -> Ask[None]:
    """06; the answer is None."""
    return Ask(_packed(codes.WRITE_SINGLE_REGISTER, address, value), unit, _echo)


def write_coil(address: int, value: bool, unit: int) -> Ask[None]:
    """05; the answer is None."""
    if value in (0, 1):
        state = codes.COIL_ON if value else codes.COIL_OFF
        return Ask(_packed(codes.WRITE_SINGLE_COIL, address, state), unit, _echo)
    raise _refused(_request(codes.WRITE_SINGLE_COIL, address, value))


def write_registers(address: int, values: Sequence[int], unit: int) -> Ask[None]:
    """16; the answer is None."""
    count = len(values)
    if 0 < count <= codes.MAX_WRITE_REGISTERS:
        try:
            data = struct.pack(f">B{count}H", 2 * count, *values)
        except struct.error:
            pass
        else:
            return Ask(_packed(codes.WRITE_MULTIPLE_REGISTERS, address, count) + data, unit, _written)
    raise _refused(_request(codes.WRITE_MULTIPLE_REGISTERS, address, tuple(values)))


def _packed(function: int, first: int, second: int) -> bytes:
    try:
        return _HEAD(function, first, second)
    except struct.error:
        raise _refused(_request(function, first, second)) from None


def _request(function: int, *fields: Any) -> Callable[[], Request]:
    from simulator.protocol.messages import REQUESTS

    if function == codes.WRITE_MULTIPLE_REGISTERS and not isinstance(fields[1], tuple):
        fields = fields[0], (0,) * fields[1]  # the address is what is wrong
    return lambda: REQUESTS[function](*fields)


def _refused(make: Callable[[], Request]) -> Exception:
    """What the message says of fields that it cannot have."""
    try:
        made = make()
    except MessageError as error:
        return ValueError(str(error))
    return ValueError(f"request is {made}, expected whole numbers")


def _registers(ask: Ask[Any], pdu: bytes) -> list[int]:
    quantity: int = ask.about
    if len(pdu) != 2 * quantity + 2 or pdu[1] != 2 * quantity:
        return list(_opened(ask, pdu).registers)
    return list(_WORDS[quantity](pdu))


def _bits(ask: Ask[Any], pdu: bytes) -> list[bool]:
    quantity: int = ask.about
    size = (quantity + 7) >> 3
    if len(pdu) != size + 2 or pdu[1] != size:
        return list(_opened(ask, pdu).bits[:quantity])
    digits = f"{int.from_bytes(pdu[2:], 'little'):0{8 * size}b}"
    return [digit == "1" for digit in digits[: -quantity - 1 : -1]]


def _echo(ask: Ask[Any], pdu: bytes) -> None:
    if pdu != ask.pdu:
        _opened(ask, pdu)


def _written(ask: Ask[Any], pdu: bytes) -> None:
    if pdu != ask.pdu[:5]:
        _opened(ask, pdu)


def _opened(ask: Ask[Any], pdu: bytes) -> Any:
    """The response, the long way; raises MessageError for one that does not fit."""
    from simulator.protocol.messages import decode_request

    return _fitting(decode_request(ask.pdu), pdu)


def _response(ask: Ask[Any], pdu: bytes) -> Any:
    return _fitting(ask.about, pdu)


def _fitting(request: Request, pdu: bytes) -> Any:
    from simulator.client.fitting import misfit
    from simulator.protocol.messages import decode_response

    answer = decode_response(pdu)
    wrong = misfit(request, answer)
    if wrong:
        raise MessageError(wrong)
    return answer
