"""The fields of ``when`` and ``then``: how each value is read, and what editors are told of it.

The one rule: a field is read once into what it means; ranges are pairs, names are numbers, ``true`` is the
number meant without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal

from pydantic import PlainValidator, WithJsonSchema

from simulator.documents.durations import PATTERN, parse_duration
from simulator.documents.networks import AllowList, parse_network
from simulator.documents.problems import show
from simulator.documents.ranges import Ranges, merge_ranges, parse_ranges
from simulator.faults import words
from simulator.protocol.codes import ADDRESSES, EXCEPTION_BIT

LARGEST_QUANTITY = 0xFFFF
MOST_BYTES = 4096  # of garbage

End = Literal["instead", "after_answer"]


def _listed(value: object, name: str) -> list[Any]:
    """The entries of a list, or the only one."""
    if isinstance(value, (list, tuple)):
        if not value:
            raise ValueError(f"{name} is an empty list, expected one entry or more")
        return list(value)
    return [value]


def _ranges(name: str, maximum: int) -> PlainValidator:
    def parse(value: object) -> Ranges:
        return merge_ranges(parse_ranges(value, name=name, maximum=maximum))

    return PlainValidator(parse)


def _ranges_schema(maximum: int) -> WithJsonSchema:
    number = {"type": "integer", "minimum": 0, "maximum": maximum}
    text = {"type": "string", "examples": ["0-99", "1-3,10"]}
    listed = {"type": "array", "items": {"anyOf": [number, text]}}
    return WithJsonSchema({"anyOf": [number, text, listed]})


def _several(name: str, parse: Callable[[object], Iterable[Any]]) -> PlainValidator:
    """One entry or a list of them, each of which comes to one value or more."""

    def together(value: object) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(each for entry in _listed(value, name) for each in parse(entry)))

    return PlainValidator(together)


def _several_schema(schema: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [schema, {"type": "array", "items": schema, "minItems": 1}]})


def _text(value: object) -> tuple[str, ...]:
    if not isinstance(value, str) or not value:
        raise ValueError(f"point is {show(value)}, expected the name of a point or a list of names")
    return (value,)


def _clients(value: object) -> AllowList:
    return AllowList(parse_network(each) for each in _listed(value, "client"))


_NETWORK = {"type": "string", "examples": ["127.0.0.0/8", "192.0.2.17", "fd00::/8"]}
_FUNCTION = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": EXCEPTION_BIT - 1},
        {"enum": list(words.FUNCTIONS)},
        {"type": "string", "pattern": r"^\s*[0-9]"},
    ]
}
_TRANSPORT = {"enum": [*words.TRANSPORTS, words.SERIAL]}
_LAST = ADDRESSES - 1

Clients = Annotated[AllowList, PlainValidator(_clients), _several_schema(_NETWORK)]
Addresses = Annotated[Ranges, _ranges("address", _LAST), _ranges_schema(_LAST)]
Starts = Annotated[Ranges, _ranges("start", _LAST), _ranges_schema(_LAST)]
Quantities = Annotated[Ranges, _ranges("quantity", LARGEST_QUANTITY), _ranges_schema(LARGEST_QUANTITY)]
Functions = Annotated[tuple[int, ...], _several("function", words.parse_function), _several_schema(_FUNCTION)]
Transports = Annotated[
    tuple[str, ...], _several("transport", words.parse_transport), _several_schema(_TRANSPORT)
]
Points = Annotated[tuple[str, ...], _several("point", _text), _several_schema({"type": "string"})]


def _switch(name: str, parse: Callable[[object], Any], when_true: object, expected: str) -> PlainValidator:
    """Parses ``true`` as the usual value, ``false`` as none, everything else as a value of its own."""

    def parsed(value: object) -> Any:
        if isinstance(value, bool):
            return when_true if value else None
        try:
            return parse(value)
        except ValueError as error:
            raise ValueError(f"{name} is {show(value)}, expected true, {expected}") from error

    return PlainValidator(parsed)


def _whole(minimum: int, maximum: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
            raise ValueError
        return value

    return parse


def _bytes(value: object) -> int | bytes:
    """A number of bytes, or the bytes as hex digits."""
    if isinstance(value, str):
        data = bytes.fromhex(value.removeprefix("0x"))
        if 0 < len(data) <= MOST_BYTES:
            return data
        raise ValueError
    return _whole(1, MOST_BYTES)(value)


def _end(value: object) -> str:
    if value != "after_answer":
        raise ValueError
    return "after_answer"


def _number(name: str, minimum: int, maximum: int, when_true: int) -> PlainValidator:
    """A number, or ``true`` for what is meant without one."""
    return _switch(name, _whole(minimum, maximum), when_true, f"or {minimum} to {maximum}")


def _number_schema(minimum: int, maximum: int) -> WithJsonSchema:
    number = {"type": "integer", "minimum": minimum, "maximum": maximum}
    return WithJsonSchema({"anyOf": [{"type": "boolean"}, number]})


def _noise(name: str, when_true: int) -> PlainValidator:
    return _switch(name, _bytes, when_true, f"1 to {MOST_BYTES} bytes, or hex digits")


def _ending(name: str) -> PlainValidator:
    return _switch(name, _end, "instead", "false or after_answer")


OTHER = -1  # another one than is right
ONE_LESS = -1
HALF = 0
AS_LONG = 0  # as the answer
EXTRA = 2  # bytes

_NOISE_NUMBER = {"type": "integer", "minimum": 1, "maximum": MOST_BYTES}
_NOISE_TEXT = {"type": "string", "examples": ["FF 00 7E"]}
_NOISE_SCHEMA = WithJsonSchema({"anyOf": [{"type": "boolean"}, _NOISE_NUMBER, _NOISE_TEXT]})
_END_SCHEMA = WithJsonSchema({"enum": [True, False, "after_answer"]})
_WORD, _BYTE = 0xFFFF, 0xFF

TransactionId = Annotated[int, _number("wrong_transaction_id", 0, _WORD, OTHER), _number_schema(0, _WORD)]
UnitId = Annotated[int, _number("wrong_unit_id", 0, _BYTE, OTHER), _number_schema(0, _BYTE)]
FunctionCode = Annotated[int, _number("wrong_function", 1, _BYTE, OTHER), _number_schema(1, _BYTE)]
Quantity = Annotated[int, _number("wrong_quantity", 0, _WORD, ONE_LESS), _number_schema(0, _WORD)]
Kept = Annotated[int, _number("truncate", 1, 1024, HALF), _number_schema(1, 1024)]
Copies = Annotated[int, _number("duplicate", 1, 100, 1), _number_schema(1, 100)]
Noise = Annotated[int | bytes, _noise("garbage", AS_LONG), _NOISE_SCHEMA]
Tail = Annotated[int | bytes, _noise("extra_bytes", EXTRA), _NOISE_SCHEMA]
Close = Annotated[End, _ending("close"), _END_SCHEMA]
Reset = Annotated[End, _ending("reset"), _END_SCHEMA]


def _as_hang(value: object) -> object:
    """Seconds; infinite for true."""
    if isinstance(value, bool):
        return float("inf") if value else None
    try:
        return parse_duration(value)
    except ValueError:
        raise ValueError(f"hang is {show(value)}, expected true or a duration such as 30s") from None


_HANG_SCHEMA = {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": PATTERN}]}
_CODE_SCHEMA = {
    "anyOf": [{"enum": list(words.EXCEPTIONS)}, {"type": "integer", "minimum": 1, "maximum": _BYTE}]
}
Hang = Annotated[float, PlainValidator(_as_hang), WithJsonSchema(_HANG_SCHEMA)]
ExceptionCode = Annotated[int, PlainValidator(words.parse_exception), WithJsonSchema(_CODE_SCHEMA)]
