"""The messages of function 08, diagnostics (V1.1b3 §6.8; Modbus Plus statistics: PI-MBUS-300 function 08).

All sub-functions share one request and one response class; what each may carry is in one table.  Sub-function
00 carries any number of words, so that its bytes do not tell how long it is.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from struct import Struct
from typing import ClassVar, Self

from simulator.protocol import codes
from simulator.protocol.contract import (
    UNKNOWN_LENGTH,
    Message,
    MessageError,
    Request,
    Response,
    pack_words,
    settle,
    unpack_words,
    words,
)


class Diagnostic(enum.IntEnum):
    """The sub-functions (V1.1b3 §6.8.1; 21: PI-MBUS-300)."""

    RETURN_QUERY_DATA = 0
    RESTART_COMMUNICATIONS = 1
    RETURN_DIAGNOSTIC_REGISTER = 2
    CHANGE_ASCII_INPUT_DELIMITER = 3
    FORCE_LISTEN_ONLY_MODE = 4
    CLEAR_COUNTERS = 10
    RETURN_BUS_MESSAGE_COUNT = 11
    RETURN_BUS_COMMUNICATION_ERROR_COUNT = 12
    RETURN_BUS_EXCEPTION_ERROR_COUNT = 13
    RETURN_SERVER_MESSAGE_COUNT = 14
    RETURN_SERVER_NO_RESPONSE_COUNT = 15
    RETURN_SERVER_NAK_COUNT = 16
    RETURN_SERVER_BUSY_COUNT = 17
    RETURN_BUS_CHARACTER_OVERRUN_COUNT = 18
    CLEAR_OVERRUN_COUNTER = 20
    MODBUS_PLUS_STATISTICS = 21


KEEP_LOG, CLEAR_LOG = 0x0000, 0xFF00  # data of sub-function 01
GET_STATISTICS, CLEAR_STATISTICS = 0x0003, 0x0004  # operations of sub-function 21
STATISTICS_WORDS = 54
MAX_QUERY_WORDS = (codes.MAX_PDU - 3) // 2  # that sub-function 00 can carry back

_HEAD = Struct(">BH")  # function, sub-function

Rule = Callable[[tuple[int, ...]], "str"]  # what is wrong with the data words, or ""


def _any_data(data: tuple[int, ...]) -> str:
    return "" if data else "data is missing, expected at least one word"


def _word(data: tuple[int, ...]) -> str:
    return "" if len(data) == 1 else f"data is {len(data)} words, expected 1"


def _one_of(*allowed: int) -> Rule:
    def rule(data: tuple[int, ...]) -> str:
        if len(data) == 1 and data[0] in allowed:
            return ""
        return f"data is {_hex(data)}, expected {' or '.join(f'{value:#06x}' for value in allowed)}"

    return rule


def _character(data: tuple[int, ...]) -> str:
    if len(data) == 1 and not data[0] & 0xFF:
        return ""
    return f"data is {_hex(data)}, expected a character in the high byte and 0 in the low byte"


def _statistics(data: tuple[int, ...]) -> str:
    if data == (CLEAR_STATISTICS,) or (data[:1] == (GET_STATISTICS,) and len(data) == 1 + STATISTICS_WORDS):
        return ""
    return f"data is {len(data)} words, expected 0x0003 and {STATISTICS_WORDS} words, or 0x0004 alone"


def _hex(data: tuple[int, ...]) -> str:
    return " ".join(f"{value:#06x}" for value in data) or "missing"


_zero = _one_of(0)
_REQUEST_RULES: dict[int, Rule] = dict.fromkeys(map(int, Diagnostic), _zero) | {
    Diagnostic.RETURN_QUERY_DATA: _any_data,
    Diagnostic.RESTART_COMMUNICATIONS: _one_of(KEEP_LOG, CLEAR_LOG),
    Diagnostic.CHANGE_ASCII_INPUT_DELIMITER: _character,
    Diagnostic.MODBUS_PLUS_STATISTICS: _one_of(GET_STATISTICS, CLEAR_STATISTICS),
}
_RESPONSE_RULES: dict[int, Rule] = dict.fromkeys(map(int, Diagnostic), _word) | {
    sub: _REQUEST_RULES[sub]
    for sub in (
        Diagnostic.RETURN_QUERY_DATA,
        Diagnostic.RESTART_COMMUNICATIONS,
        Diagnostic.CHANGE_ASCII_INPUT_DELIMITER,
        Diagnostic.FORCE_LISTEN_ONLY_MODE,
        Diagnostic.CLEAR_COUNTERS,
        Diagnostic.CLEAR_OVERRUN_COUNTER,
    )
}
_RESPONSE_RULES[Diagnostic.MODBUS_PLUS_STATISTICS] = _statistics


def request_length(head: bytes) -> int | None:
    """3 bytes and one word for every sub-function but 00."""
    if len(head) < 3:
        return None
    sub_function = _HEAD.unpack_from(head)[1]
    if sub_function == Diagnostic.RETURN_QUERY_DATA or sub_function not in _REQUEST_RULES:
        return UNKNOWN_LENGTH
    return 5


def response_length(head: bytes) -> int | None:
    """The same, with 54 more words where Modbus Plus statistics are returned."""
    length = request_length(head)
    if length != 5 or head[2] != Diagnostic.MODBUS_PLUS_STATISTICS:
        return length
    if len(head) < 5:
        return None
    return 5 + 2 * STATISTICS_WORDS if head[3:5] == b"\0\x03" else 5


@dataclass(frozen=True, slots=True)
class _Diagnostics(Message):
    function = codes.DIAGNOSTICS
    rules: ClassVar[Mapping[int, Rule]]
    sub_function: Diagnostic
    data: tuple[int, ...]

    def __post_init__(self) -> None:
        settle(self, "sub_function", _supported(self.sub_function))
        settle(self, "data", words(self.data, 0, MAX_QUERY_WORDS, "data word"))
        wrong = self.rules[self.sub_function](self.data)
        if wrong:
            raise MessageError(wrong)

    def encode(self) -> bytes:
        """The PDU: sub-function and data words."""
        return _HEAD.pack(self.function, self.sub_function) + pack_words(self.data)

    @classmethod
    def decode(cls, pdu: bytes) -> Self:
        """The sub-function and data of a PDU; an unknown sub-function is refused with code 01."""
        cls.body(pdu, least=2)
        sub_function = _supported(_HEAD.unpack_from(pdu)[1])
        return cls(sub_function, unpack_words(pdu[3:], "data word"))


class DiagnosticsRequest(_Diagnostics, Request):
    """08 (V1.1b3 §6.8): a sub-function and its data words.

    One word, but for sub-function 00, which takes 1 to 125 words.
    """

    __slots__ = ()
    length = staticmethod(request_length)
    rules = _REQUEST_RULES


class DiagnosticsResponse(_Diagnostics, Response):
    """08 (V1.1b3 §6.8): the request again, or what it asked for.

    One word, but for sub-function 00, which returns the 1 to 125 words of the request, and 21 after operation
    0x0003, which returns that word and the 54 words of statistics.  A conforming server does not answer 04.
    """

    __slots__ = ()
    length = staticmethod(response_length)
    rules = _RESPONSE_RULES


def _supported(sub_function: int) -> Diagnostic:
    """The sub-function; one that does not exist answers 01 (V1.1b3 §6.8, figure 17)."""
    try:
        return Diagnostic(sub_function)
    except ValueError:
        known = ", ".join(str(sub.value) for sub in Diagnostic)
        raise MessageError(f"sub-function is {sub_function!r}, expected one of {known}", code=0x01) from None
