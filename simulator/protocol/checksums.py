"""The checksums of the serial framings: CRC-16 for RTU and binary, LRC for ASCII.

The CRC is compiled where that was possible; else, and with ``MODSIM_PURE=1`` in the environment, it is that
of ``crc``.
"""

from __future__ import annotations

import os
from struct import Struct
from typing import TYPE_CHECKING

if TYPE_CHECKING or os.environ.get("MODSIM_PURE") == "1":
    from simulator.protocol.crc import crc16
else:
    try:
        from simulator.protocol._crc16 import crc16
    except ImportError:
        from simulator.protocol.crc import crc16

__all__ = ["CRC_START", "crc16", "lrc", "with_crc"]

CRC_START = 0xFFFF  # Modbus over Serial Line V1.02 §6.2.2

_pack = Struct("<H").pack


def with_crc(data: bytes) -> bytes:
    """``data`` and its CRC, low byte first (V1.02 §6.2.2); the CRC of both together is 0."""
    return data + _pack(crc16(data))


def lrc(data: bytes) -> int:
    """The LRC of ``data``: the two's complement of the sum of its bytes (V1.02 §6.2.1)."""
    return -sum(data) & 0xFF
