"""The bytes of the register functions: 03, 04, 06, 16, 22, 23 (V1.1b3 §6.3–6.18).

Shapes only: what a device does with them is in ``simulator.functions.registers``.
"""

from __future__ import annotations

from struct import Struct

TWO_WORDS = Struct(">BHH")  # function, address and quantity or value: 03 04 06
WRITE_HEAD = Struct(">BHHB")  # function, address, quantity, byte count: 16
MASK_WRITE = Struct(">BHHH")  # function, address, AND mask, OR mask: 22
READ_WRITE_HEAD = Struct(">BHHHHB")  # function, read address, quantity, write address, quantity, byte count: 23


def read_request(function: int, address: int, quantity: int) -> bytes:
    """The PDU of a read request of any of the four tables (01 to 04)."""
    return TWO_WORDS.pack(function, address, quantity)
