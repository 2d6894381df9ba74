"""Wrong bytes: what becomes of an ADU on its way out.

``Course`` calls these with the framing of the listener.  The one rule: nothing here looks at what the bytes
mean; only a checksum is found where its framing has it.
"""

from __future__ import annotations

import re
from itertools import pairwise

from simulator.faults.chance import Draws
from simulator.faults.fields import AS_LONG, HALF
from simulator.protocol.checksums import with_crc

_BRACE = re.compile(rb"[{}]")


def with_wrong_checksum(framing: str, adu: bytes, unit: int, pdu: bytes) -> bytes:
    """The ADU with every bit of its CRC or LRC the other way round; as it is where there is none."""
    if framing == "rtu":
        return adu[:-2] + _inverted(adu[-2:])
    if framing == "ascii":  # the LRC is two digits before CR and the delimiter, V1.02 §2.5.2.1
        digits = b"%02X" % (int(adu[-4:-2], 16) ^ 0xFF)
        return adu[:-4] + digits + adu[-2:]
    if framing == "binary":
        content = with_crc(bytes((unit,)) + pdu)
        return b"{" + _BRACE.sub(rb"\g<0>\g<0>", content[:-2] + _inverted(content[-2:])) + b"}"
    return adu


def truncated(adu: bytes, kept: int) -> bytes:
    """The first bytes; half of them by default."""
    return adu[: len(adu) // 2 if kept == HALF else kept]


def noise(wanted: int | bytes, size: int, draws: Draws) -> bytes:
    """The bytes wanted, or so many random ones; ``size`` is that of the answer."""
    if isinstance(wanted, bytes):
        return wanted
    return draws.data(size if wanted == AS_LONG else wanted)


def cut(adu: bytes, pieces: int) -> list[bytes]:
    """The ADU in so many pieces of about the same size, none of them empty."""
    pieces = max(1, min(pieces, len(adu)))
    edges = [len(adu) * edge // pieces for edge in range(pieces + 1)]
    return [adu[start:stop] for start, stop in pairwise(edges)]


def _inverted(data: bytes) -> bytes:
    return bytes(byte ^ 0xFF for byte in data)
