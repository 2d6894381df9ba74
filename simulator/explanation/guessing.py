"""Which framing, which direction, where a frame ends: told from the bytes.

Every framing cuts as much as it can; the one that explains most bytes is taken, all of them when several do.
A frame that could be a request as well as a response is told as both, unless the frames around it settle it:
a response follows its request with the same transaction id, unit id and function code.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from simulator.explanation.adus import CUTS, Adu, Framing, loose, without_crc
from simulator.explanation.fields import Field
from simulator.explanation.pdus import explain_pdu
from simulator.explanation.walkers import Direction
from simulator.protocol.codes import EXCEPTION_BIT
from simulator.protocol.contract import ExceptionResponse, Message, MessageError, Request
from simulator.protocol.mbap import MAX_LENGTH
from simulator.protocol.messages import (
    REQUESTS,
    decode_request,
    decode_response,
    request_length,
    response_length,
)
from simulator.protocol.rtu import MIN_ADU

Told = Literal["request", "response", "request or response"]
Key = tuple[int | None, int | None, int]

_BYTES_SKIPPED = 4096  # before the search for a frame is given up


@dataclass(frozen=True, slots=True)
class Noise:
    """Bytes that belong to no frame."""

    start: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Explanation:
    """One frame read in one direction."""

    adu: Adu
    direction: Told
    title: str
    clause: str
    fields: tuple[Field, ...]
    problems: tuple[str, ...]
    message: Message | ExceptionResponse | None


@dataclass(frozen=True, slots=True)
class Reading:
    """All bytes as one framing has them: frames, and noise where it found none.

    A frame that may be either way round is a tuple of two explanations.
    """

    framing: Framing
    parts: tuple[Noise | tuple[Explanation, ...], ...]


def read(data: bytes, framing: Framing | None = None, direction: Direction | None = None) -> list[Reading]:
    """What ``data`` may mean, the likeliest first; nothing for no bytes.

    With a ``framing``, only that one is tried, and what does not fit it is explained all the same.
    """
    if not data:
        return []
    if framing == "pdu":
        candidates: list[Sequence[Noise | Adu]] = [_present([loose("pdu", data)])]
    elif framing is not None:
        cut = pieces(data, framing)
        candidates = [cut] if _covered(cut) else [_present([loose(framing, data)]) or [Noise(0, data)]]
    else:
        candidates = _candidates(data)
    return [_reading(parts, direction) for parts in candidates]


def read_all(
    chunks: Sequence[bytes], framing: Framing | None = None, direction: Direction | None = None
) -> list[list[Reading]]:
    """The same for several pieces of a conversation: a response is told with its request of another piece."""
    found = [read(chunk, framing, direction) for chunk in chunks]
    sure = [readings[0] for readings in found if len(readings) == 1]
    frames = [part[0].adu for reading in sure for part in reading.parts if isinstance(part, tuple)]
    told = iter(explain_all(frames, direction))
    again = (
        Reading(reading.framing, tuple(p if isinstance(p, Noise) else next(told) for p in reading.parts))
        for reading in sure
    )
    return [[next(again)] if len(readings) == 1 else readings for readings in found]


def pieces(data: bytes, framing: Framing) -> list[Noise | Adu]:
    """Frames of one framing and what stands between them; MBAP does not look behind what is no frame."""
    found: list[Noise | Adu] = []
    cut = CUTS[framing]
    offset = noise = 0
    while offset < len(data):
        adu = cut(data, offset)
        if adu is None:
            if framing == "mbap" or offset - noise >= _BYTES_SKIPPED:
                break
            offset += 1
            continue
        if offset > noise:
            found.append(Noise(noise, data[noise:offset]))
        found.append(adu)
        offset += len(adu.raw)
        noise = offset
    if noise < len(data):
        found.append(Noise(noise, data[noise:]))
    return found


def explain(adu: Adu, direction: Direction, asked: Request | None = None) -> Explanation:
    """One frame, read in one direction; ``asked`` is the request it answers."""
    pdu = explain_pdu(adu.pdu, direction, base=adu.base, asked=asked)
    fields = pdu.fields
    if adu.framing == "ascii":  # two characters a byte, behind the colon
        fields = tuple(
            dataclasses.replace(each, start=adu.base + 2 * (each.start - adu.base)) for each in fields
        )
    fields = (*adu.head, *fields, *adu.tail)
    return Explanation(
        adu, direction, pdu.title, pdu.clause, fields, (*adu.problems, *pdu.problems), pdu.message
    )


def explain_all(adus: Iterable[Adu], direction: Direction | None = None) -> list[tuple[Explanation, ...]]:
    """Each frame in the direction it has, as far as that can be told."""
    frames = list(adus)
    waiting: dict[Key, Request] = {}
    later: dict[Key, int] = {}
    for adu in frames:
        later[_key(adu)] = later.get(_key(adu), 0) + 1
    found = []
    for adu in frames:
        key = _key(adu)
        later[key] -= 1
        told = _directions(adu, direction, waiting.get(key), followed=later[key] > 0)
        found.append(told)
        _settle(told, key, waiting)
    return found


def _settle(told: tuple[Explanation, ...], key: Key, waiting: dict[Key, Request]) -> None:
    if len(told) == 1 and told[0].direction == "request" and isinstance(told[0].message, Request):
        waiting[key] = told[0].message
    elif len(told) == 1 and told[0].direction == "response":
        waiting.pop(key, None)


def _directions(
    adu: Adu, wanted: Direction | None, asked: Request | None, *, followed: bool
) -> tuple[Explanation, ...]:
    if wanted is not None:
        return (explain(adu, wanted, asked if wanted == "response" else None),)
    request, response = explain(adu, "request"), explain(adu, "response", asked)
    if asked is not None and response.message is not None:
        return (response,)
    if request.message is not None and response.message is not None:
        if followed:
            return (request,)
        if [field.text for field in request.fields] == [field.text for field in response.fields]:
            title = f"{request.title} or response"
            return (dataclasses.replace(request, direction="request or response", title=title),)
        return request, response
    if request.message is not None or response.message is not None:
        return (request,) if request.message is not None else (response,)
    if adu.pdu[:1] and adu.pdu[0] & EXCEPTION_BIT:
        return (response,)
    wrong = [sum(1 for field in each.fields if field.problem) for each in (request, response)]
    if wrong[0] == wrong[1] and len(request.fields) != len(response.fields):
        return request, response
    return (request,) if wrong[0] <= wrong[1] else (response,)


def _candidates(data: bytes) -> list[Sequence[Noise | Adu]]:
    cuts = [pieces(data, framing) for framing in CUTS]
    best = max(map(_covered, cuts))
    if best:
        return [cut for cut in cuts if _covered(cut) == best]
    if _fits(data):
        bare: Sequence[Noise | Adu] = _present([loose("pdu", data)])
        return [bare, [without_crc(data)]] if _fits(data[1:]) else [bare]
    return [_last_resort(data)]


def _last_resort(data: bytes) -> Sequence[Noise | Adu]:
    """Bytes that are no frame: the nearest thing they could have been."""
    if data.startswith(b":"):
        return _present([loose("ascii", data)]) or [Noise(0, data)]
    begun = len(data) >= 8 and data[2:4] == b"\0\0"
    if (
        begun
        and len(data) - 6 < int.from_bytes(data[4:6], "big") <= MAX_LENGTH
        and data[7] & 0x7F in REQUESTS
    ):
        return _present([loose("mbap", data)])
    for rule in (request_length, response_length):
        size = (rule(data[1:]) or 0) + 3
        if MIN_ADU <= size <= len(data) and _fits(data[1 : size - 2]):  # only the CRC is wrong
            behind = [Noise(size, data[size:])] if size < len(data) else []
            return [*_present([loose("rtu", data[:size])]), *behind]
    if len(data) > 1 and _fits(data[1:]):
        return [without_crc(data)]
    if len(data) in (request_length(data), response_length(data)):  # a bare PDU, not allowed
        return _present([loose("pdu", data)])
    return _present([loose("mbap", data)] if begun else []) or [Noise(0, data)]


def _fits(pdu: bytes) -> bool:
    for decode in (decode_request, decode_response):
        try:
            decode(pdu)
        except MessageError:
            continue
        return True
    return False


def _covered(parts: Iterable[Noise | Adu]) -> int:
    return sum(len(part.raw) for part in parts if isinstance(part, Adu))


def _present(adus: list[Adu | None]) -> Sequence[Noise | Adu]:
    return [adu for adu in adus if adu is not None]


def _reading(parts: Sequence[Noise | Adu], direction: Direction | None) -> Reading:
    adus = [part for part in parts if isinstance(part, Adu)]
    told = iter(explain_all(adus, direction))
    framing: Framing = adus[0].framing if adus else "pdu"
    return Reading(framing, tuple(part if isinstance(part, Noise) else next(told) for part in parts))


def _key(adu: Adu) -> Key:
    return adu.transaction, adu.unit, adu.pdu[0] & ~EXCEPTION_BIT if adu.pdu else 0
