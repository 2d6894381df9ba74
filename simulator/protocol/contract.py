"""What every message is: a PDU opened, that cannot be wrong.

A message is a frozen dataclass.  It checks its limits when it is made, so that one that exists is legal:
``encode`` gives its PDU, ``decode`` takes a whole PDU and refuses one that does not fit.  Whatever does not
fit is a :class:`MessageError`: a server answers its exception code, for a client the answer is nonsense.
Ranges of addresses are not checked here: whether they exist is the device's to say.

A class whose fields follow a fixed layout names it in ``layout`` and need write no ``encode`` and ``decode``.
``length`` tells how long the PDU is from its first bytes; a class need not have one, but then a receiver of
RTU over a stream must search for the end with the CRC.
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

from simulator.errors import IllegalDataValue
from simulator.protocol.codes import EXCEPTION_BIT

UNKNOWN_LENGTH = 0  # no number of further bytes will tell


class LengthRule(Protocol):
    """Tells how long the PDU that begins with ``head`` is; None while more of it is needed to tell."""

    def __call__(self, head: bytes, /) -> int | None: ...


class MessageError(IllegalDataValue, ValueError):
    """A message cannot exist: the fact, what was got, what was expected.

    ``code`` is the exception code a server answers: 03 where the specification names no other.
    """


@dataclass(frozen=True, slots=True)
class Fixed:
    """A PDU that is always ``size`` bytes long, function code included."""

    size: int

    def __call__(self, head: bytes) -> int | None:
        return self.size


@dataclass(frozen=True, slots=True)
class Counted:
    """A PDU that carries, in ``width`` bytes from ``offset`` on, how many bytes follow them."""

    offset: int
    width: int = 1

    def __call__(self, head: bytes) -> int | None:
        stop = self.offset + self.width
        if len(head) < stop:
            return None
        return stop + int.from_bytes(head[self.offset : stop], "big")


def unknown(head: bytes) -> int | None:
    """The length of a PDU whose bytes do not tell it."""
    return UNKNOWN_LENGTH


class Message:
    """A request or a response."""

    __slots__ = ()

    function: ClassVar[int]
    layout: ClassVar[struct.Struct | None] = None  # of the fields in order, behind the function code
    length: ClassVar[LengthRule] = staticmethod(unknown)  # from the beginning of the PDU

    def __init_subclass__(cls) -> None:
        if cls.layout is not None and "layout" in cls.__dict__ and "length" not in cls.__dict__:
            cls.length = Fixed(1 + cls.layout.size)

    def encode(self) -> bytes:
        """The PDU, function code included."""
        if self.layout is None:
            raise NotImplementedError(f"{type(self).__qualname__} has neither a layout nor its own encode")
        names: tuple[str, ...] = getattr(self, "__match_args__", ())
        return bytes((self.function,)) + self.layout.pack(*(getattr(self, name) for name in names))

    @classmethod
    def decode(cls, pdu: bytes) -> Self:
        """The message in a whole PDU; MessageError when it does not fit."""
        if cls.layout is None:
            raise NotImplementedError(f"{cls.__qualname__} has neither a layout nor its own decode")
        return cls(*cls.layout.unpack(cls.body(pdu, cls.layout.size)))

    @classmethod
    def body(cls, pdu: bytes, size: int | None = None, *, least: int = 0) -> bytes:
        """What follows the function code: ``size`` bytes, or ``least`` bytes and more."""
        if not pdu or pdu[0] != cls.function:
            got = f"{pdu[0]:#04x}" if pdu else "missing"
            raise MessageError(f"function is {got}, expected {cls.function:#04x}")
        if size is not None and len(pdu) != 1 + size:
            raise MessageError(f"PDU is {len(pdu)} bytes, expected {1 + size}")
        if len(pdu) < 1 + least:
            raise MessageError(f"PDU is {len(pdu)} bytes, expected at least {1 + least}")
        return pdu[1:]

    @classmethod
    def counted(cls, pdu: bytes, *, before: int = 0) -> tuple[bytes, bytes]:
        """``before`` bytes, and the bytes behind a byte count that must be right."""
        body = cls.body(pdu, least=before + 1)
        count, data = body[before], body[before + 1 :]
        if count != len(data):
            raise MessageError(f"byte count is {count}, expected {len(data)} as bytes follow")
        return body[:before], data


class Request(Message):
    """What a client asks."""

    __slots__ = ()


class Response(Message):
    """What a server answers when it does what it was asked."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ExceptionResponse:
    """A refusal: the function code with its highest bit set, and an exception code (V1.1b3 §7).

    ``function`` is the code of the request.
    """

    function: int
    code: int

    def __post_init__(self) -> None:
        check("function code", self.function, 1, EXCEPTION_BIT - 1)
        check("exception code", self.code, 1, 0xFF)

    def encode(self) -> bytes:
        """The two bytes of the PDU."""
        return bytes((self.function | EXCEPTION_BIT, self.code))

    @classmethod
    def decode(cls, pdu: bytes) -> Self:
        """The refusal in a PDU; MessageError when it holds none."""
        if len(pdu) != 2:
            raise MessageError(f"exception response is {len(pdu)} bytes, expected 2")
        if not pdu[0] & EXCEPTION_BIT:
            raise MessageError(f"function is {pdu[0]:#04x}, expected the exception bit 0x80")
        return cls(pdu[0] ^ EXCEPTION_BIT, pdu[1])


def check(what: str, value: int, low: int, high: int, *, code: int | None = None) -> None:
    """Raise MessageError unless ``value`` is an integer from ``low`` to ``high``."""
    if not isinstance(value, int):
        raise MessageError(f"{what} is {value!r}, expected an integer", code=code)
    if not low <= value <= high:
        raise MessageError(f"{what} is {value}, expected {low} to {high}", code=code)


def check_word(what: str, value: int) -> None:
    """Raise MessageError unless ``value`` fits into 16 bits."""
    check(what, value, 0, 0xFFFF)


def words(values: Iterable[int], least: int, most: int, what: str = "register") -> tuple[int, ...]:
    """``values`` as ``least`` to ``most`` 16-bit words; MessageError for anything else."""
    try:
        taken = tuple(map(operator.index, values))
    except TypeError:
        raise MessageError(f"{what}s are {values!r}, expected integers") from None
    check(f"number of {what}s", len(taken), least, most)
    for index, value in enumerate(taken):
        if not 0 <= value <= 0xFFFF:
            raise MessageError(f"{what} {index} is {value}, expected 0 to 65535")
    return taken


def pack_words(values: Sequence[int]) -> bytes:
    """16-bit words as bytes, high byte first (V1.1b3 §4.2)."""
    return struct.pack(f">{len(values)}H", *values)


def unpack_words(data: bytes, what: str = "register") -> tuple[int, ...]:
    """The 16-bit words in ``data``; MessageError when a byte is left over."""
    if len(data) & 1:
        raise MessageError(f"{what}s are {len(data)} bytes, expected an even number")
    return struct.unpack(f">{len(data) >> 1}H", data)


def settle(message: object, field: str, value: object) -> None:
    """Set a field of a frozen message while it is being made."""
    object.__setattr__(message, field, value)
