"""What was heard in place of an answer, in words: half of one, a damaged one, or garbage.

Called when the time for an answer is over and bytes came that are no frame.  It looks at what the bytes begin
with and how long the framing says they should be; a guess, but the one a person at a line analyser would
make.
"""

from __future__ import annotations

from simulator.errors import Fault
from simulator.protocol.checksums import crc16, lrc
from simulator.protocol.codes import EXCEPTION_BIT, MAX_PDU
from simulator.protocol.mbap import MAX_LENGTH, MIN_LENGTH
from simulator.protocol.messages import response_length

MOST = 600  # bytes worth looking at: more than any frame
_SHOWN = 16


def suspect(framing: str, heard: bytes, unit: int, function: int) -> tuple[Fault, str]:
    """The fault and the words for ``heard``, which holds no frame, where an answer was awaited."""
    return {"rtu": _rtu, "ascii": _ascii, "binary": _binary, "mbap": _mbap}[framing](heard, unit, function)


def _rtu(heard: bytes, unit: int, function: int) -> tuple[Fault, str]:
    if heard[0] != unit or (len(heard) > 1 and heard[1] & ~EXCEPTION_BIT != function):
        return _garbage(heard)
    length = response_length(heard[1:])
    size = (length or 0) + 3
    if not length or len(heard) < size:
        return "half", f"answer is {len(heard)} bytes, expected {size if length else 'more'}: {_hex(heard)}"
    got, right = heard[size - 2 : size], crc16(heard[: size - 2]).to_bytes(2, "little")
    if got == right:
        return _misfit(size)
    return "checksum", f"CRC of the answer is {_hex(got)}, expected {_hex(right)}"


def _ascii(heard: bytes, unit: int, function: int) -> tuple[Fault, str]:
    start = heard.find(b":")
    if start < 0:
        return _garbage(heard)
    digits, end, _ = heard[start + 1 :].partition(b"\n")
    if not end:
        return "half", f"answer is {len(digits) + 1} characters without an end: {_text(heard[start:])}"
    try:
        data = bytes.fromhex(digits.strip().decode("ascii"))
    except ValueError:
        return _garbage(heard)
    if len(data) < 3:
        return "half", f"answer is {len(data)} bytes, expected 4 or more: {_text(heard[start:])}"
    if data[-1] == lrc(data[:-1]):
        return _misfit(len(data))
    return "checksum", f"LRC of the answer is {data[-1]:02x}, expected {lrc(data[:-1]):02x}"


def _binary(heard: bytes, unit: int, function: int) -> tuple[Fault, str]:
    start = heard.find(b"{")
    if start < 0:
        return _garbage(heard)
    if not heard.rstrip(b"\r\n").endswith(b"}"):
        return "half", f"answer is {len(heard) - start} bytes without an end: {_hex(heard[start:])}"
    return "checksum", f"CRC of the answer is wrong: {_hex(heard[start:])}"


def _mbap(heard: bytes, unit: int, function: int) -> tuple[Fault, str]:
    size = 6 + int.from_bytes(heard[4:6], "big") if len(heard) >= 6 else 0
    if size and not MIN_LENGTH <= size - 6 <= MAX_LENGTH:
        return "garbage", f"length is {size - 6}, expected {MIN_LENGTH} to {MAX_LENGTH}: {_hex(heard)}"
    return "half", f"answer is {len(heard)} bytes, expected {size or '9 or more'}: {_hex(heard)}"


def _misfit(size: int) -> tuple[Fault, str]:
    """A frame whose checksum is right, and which is none all the same."""
    return "garbage", f"answer is a frame of {size} bytes, expected a PDU of 1 to {MAX_PDU} bytes in it"


def _garbage(heard: bytes) -> tuple[Fault, str]:
    return "garbage", f"{len(heard)} bytes came that hold no answer: {_hex(heard)}"


def _hex(data: bytes) -> str:
    return data[:_SHOWN].hex(" ") + (" …" if len(data) > _SHOWN else "")


def _text(data: bytes) -> str:
    return ascii(data[: 2 * _SHOWN].decode("latin-1")) + (" …" if len(data) > 2 * _SHOWN else "")
