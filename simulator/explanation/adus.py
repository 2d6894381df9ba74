"""What the framings put around a PDU: cut out of bytes, one by one, and told in words.

A cut is strict: only a whole frame with the right length or checksum is one.  ``loose`` takes any bytes as
one frame of a framing and says what is wrong with it; it is for bytes that nothing strict could read.
"""

from __future__ import annotations

import dataclasses
from binascii import Error, hexlify, unhexlify
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from simulator.explanation.fields import Field
from simulator.protocol import ascii as ascii_frames
from simulator.protocol import mbap, rtu
from simulator.protocol.binary import MAX_ADU as MAX_BINARY
from simulator.protocol.binary import BinaryFramer
from simulator.protocol.checksums import crc16, lrc
from simulator.protocol.contract import UNKNOWN_LENGTH
from simulator.protocol.messages import request_length, response_length

Framing = Literal["mbap", "rtu", "ascii", "binary", "pdu"]

FRAMINGS: tuple[Framing, ...] = ("mbap", "rtu", "ascii", "binary", "pdu")
MBAP, RTU, ASCII, CRC, LRC = (
    "TCP V1.0b §3.1.3",
    "V1.02 §2.5.1",
    "V1.02 §2.5.2",
    "V1.02 §6.2.2",
    "V1.02 §6.2.1",
)
UNIT = "V1.02 §2.2"
BINARY = "no standard: jamod, PyModbus"


@dataclass(frozen=True, slots=True)
class Adu:
    """One frame: its bytes from ``start`` on, and what they hold.

    ``transaction`` is None in framings that carry none, ``unit`` None for a bare PDU.  ``head`` and ``tail``
    are the fields around the PDU, which stands at ``base`` of the frame.
    """

    framing: Framing
    start: int
    raw: bytes
    transaction: int | None
    unit: int | None
    pdu: bytes
    base: int
    head: tuple[Field, ...]
    tail: tuple[Field, ...]
    problems: tuple[str, ...] = ()


def cut_mbap(data: bytes, offset: int) -> Adu | None:
    """The Modbus TCP frame at ``offset``; None when there is no whole one."""
    if len(data) - offset < mbap.HEADER.size + 1:
        return None
    _, protocol_id, length, _ = mbap.HEADER.unpack_from(data, offset)
    stop = offset + 6 + length
    if protocol_id or not mbap.MIN_LENGTH <= length <= mbap.MAX_LENGTH or stop > len(data):
        return None
    return _mbap(data[offset:stop], offset)


def cut_rtu(data: bytes, offset: int) -> Adu | None:
    """The RTU frame at ``offset``: of the length its bytes tell, or else of any with the right CRC."""
    head = data[offset + 1 : offset + rtu.MAX_ADU]
    room = min(len(data) - offset, rtu.MAX_ADU)
    told = (rule(head) for rule in (request_length, response_length))
    sizes = [length + 3 for length in told if length not in (None, UNKNOWN_LENGTH)]
    for size in (*sizes, room, *range(rtu.MIN_ADU, room)):
        if rtu.MIN_ADU <= size <= room and not crc16(data[offset : offset + size]) and data[offset + 1]:
            return _rtu(data[offset : offset + size], offset)
    return None


def cut_ascii(data: bytes, offset: int) -> Adu | None:
    """The ASCII frame at ``offset``, up to its line feed or the end."""
    if data[offset : offset + 1] != ascii_frames.START:
        return None
    stop = data.find(b"\n", offset)
    stop = len(data) if stop < 0 else stop + 1
    found = _ascii(data[offset:stop], offset)
    return None if found is None or found.problems else found


def cut_binary(data: bytes, offset: int) -> Adu | None:
    """The binary frame at ``offset``; the first closing brace at which the CRC is right ends it."""
    if data[offset : offset + 1] != b"{":
        return None
    stop = data.find(b"}", offset)
    while 0 <= stop < offset + MAX_BINARY:
        frames = BinaryFramer().receive(data[offset : stop + 1])
        if frames:
            return _binary(data[offset : stop + 1], offset, bytes((frames[0].unit,)) + frames[0].pdu)
        stop = data.find(b"}", stop + 1)
    return None


CUTS: dict[Framing, Callable[[bytes, int], Adu | None]] = {
    "ascii": cut_ascii,
    "mbap": cut_mbap,
    "binary": cut_binary,
    "rtu": cut_rtu,
}


def loose(framing: Framing, data: bytes, start: int = 0) -> Adu | None:
    """All of ``data`` as one frame, right or wrong; None when there is too little of it."""
    if framing == "pdu":
        return Adu("pdu", start, data, None, None, data, 0, (), ()) if data else None
    if framing == "mbap":
        return _mbap(data, start) if len(data) >= mbap.HEADER.size else None
    if framing == "rtu":
        return _rtu(data, start) if len(data) >= rtu.MIN_ADU else None
    if framing == "ascii":
        return _ascii(data, start)
    content = data.removeprefix(b"{").removesuffix(b"}").replace(b"{{", b"{").replace(b"}}", b"}")
    return _binary(data, start, content[:-2]) if len(content) >= rtu.MIN_ADU else None


def without_crc(data: bytes, start: int = 0) -> Adu:
    """Unit id and PDU, as people copy them from a manual: an RTU frame whose CRC is missing."""
    crc = crc16(data).to_bytes(2, "little")
    problem = f"CRC is missing, expected {crc.hex(' ').upper()}"
    field = Field(len(data), b"", "CRC", None, problem, CRC, problem)
    return Adu("rtu", start, data, None, data[0], data[1:], 1, (_unit(0, data[0]),), (field,), (problem,))


def _mbap(raw: bytes, start: int) -> Adu:
    transaction, protocol_id, length, unit = mbap.HEADER.unpack_from(raw)
    follow = len(raw) - 6
    wrong = {}
    if protocol_id:
        wrong["protocol id"] = f"protocol id is {protocol_id}, expected 0"
    if length != follow:
        wrong["length"] = f"length is {length}, expected {follow} as bytes follow"
    protocol = str(protocol_id) if protocol_id else "0, Modbus"
    head = (
        Field(0, raw[:2], "transaction id", transaction, str(transaction), MBAP),
        Field(2, raw[2:4], "protocol id", protocol_id, protocol, MBAP, wrong.get("protocol id", "")),
        Field(4, raw[4:6], "length", length, f"{length} bytes follow", MBAP, wrong.get("length", "")),
        Field(6, raw[6:7], "unit id", unit, str(unit), MBAP),
    )  # fmt: skip
    return Adu("mbap", start, raw, transaction, unit, raw[7:], 7, head, (), tuple(wrong.values()))


def _rtu(raw: bytes, start: int) -> Adu:
    tail, problems = _crc(raw[:-2], raw[-2:], len(raw) - 2)
    return Adu("rtu", start, raw, None, raw[0], raw[1:-2], 1, (_unit(0, raw[0]),), (tail,), problems)


def _crc(content: bytes, raw: bytes, at: int) -> tuple[Field, tuple[str, ...]]:
    right = crc16(content).to_bytes(2, "little")
    problem = "" if raw == right else f"CRC is {raw.hex(' ').upper()}, expected {right.hex(' ').upper()}"
    text = problem or "right, low byte first"
    field = Field(at, raw, "CRC", int.from_bytes(raw, "little"), text, CRC, problem)
    return field, (problem,) if problem else ()


def _unit(start: int, unit: int) -> Field:
    return Field(start, bytes((unit,)), "unit id", unit, f"{unit}" + ("" if unit else ", everybody"), UNIT)


def _ascii(raw: bytes, start: int) -> Adu | None:
    digits = raw.strip(b"\r\n").removeprefix(ascii_frames.START)
    try:
        data = unhexlify(digits)
    except Error:
        return None
    if len(data) < 3 or len(raw) > ascii_frames.MAX_ADU:
        return None
    right = lrc(data[:-1])
    problem = "" if data[-1] == right else f"LRC is 0x{data[-1]:02X}, expected 0x{right:02X}"
    end = raw[1 + len(digits) :]
    head = (
        Field(0, raw[:1], "start", ":", ":", ASCII),
        _unit(1, data[0]),
    )
    checksum = Field(len(digits) - 1, data[-1:], "LRC", data[-1], problem or "right", LRC, problem)
    ends = _line_end(1 + len(digits), end)
    problems = (problem,) if problem else ()
    return Adu("ascii", start, raw, None, data[0], data[1:-1], 3, head, (checksum, *ends), problems)


def _line_end(start: int, end: bytes) -> Iterator[Field]:
    names = {b"\r\n": "CR LF", b"\n": "LF; CR is missing"}
    if end:
        yield Field(start, end, "end", end.decode("latin-1"), names.get(end, "CR; LF is missing"), ASCII)


def _binary(raw: bytes, start: int, content: bytes) -> Adu:
    body = raw[1:-1].replace(b"{{", b"{").replace(b"}}", b"}")
    plain = len(body) == len(content) + 2
    crc = body[-2:] if plain else raw[-3:-1]
    tail, problems = _crc(content, crc, len(raw) - 3)
    if not plain:  # PyModbus' way: the CRC is over the doubled bytes
        tail, problems = dataclasses.replace(tail, text="right, over the doubled bytes", problem=""), ()
    head = (Field(0, raw[:1], "start", "{", "{", BINARY), _unit(1, content[0]))
    end = Field(len(raw) - 1, raw[-1:], "end", "}", "}", BINARY)
    return Adu("binary", start, raw, None, content[0], content[1:], 2, head, (tail, end), problems)


def hex_of(adu: Adu, field: Field) -> str:
    """The bytes of a field as they stand on the wire: digits of ASCII frames are two characters a byte."""
    if adu.framing == "ascii" and field.name not in ("start", "end"):
        return hexlify(field.raw, " ").decode().upper()
    return field.raw.hex(" ").upper()
