"""Addresses of register maps: references, addresses on the wire, and which of them a file has.

One rule: without being told, a file has references (40001, 300010) when its rows name no table, or when every
one of its addresses is a reference to the table of its row; otherwise it has addresses as on the wire.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from simulator.profiles.maps.cells import Cell
from simulator.profiles.maps.words import whole
from simulator.protocol.codes import ADDRESSES, Table

Base = Literal[0, 1, "modicon"]

_DIGITS = {table.reference_digit: table for table in Table}
_REFERENCE = re.compile(r"([0134])(\d{4}|\d{5})", re.ASCII)
_PREFIXED = re.compile(r"([134](?=[xX:])|0(?=:)).\s*(\d{1,5})", re.ASCII)  # 0x is hexadecimal
_NAMED = re.compile(r"(coil|co|c|di|ir|hr)[\s:_]*(\d{1,5}|0x[0-9a-f]+)", re.ASCII | re.IGNORECASE)
_TABLES = {"coil": 0, "co": 0, "c": 0, "di": 1, "ir": 2, "hr": 3}
_NUMBER = re.compile(r"-?\d{1,9}(?:\.0{0,9})?|0[xX][0-9a-fA-F]{1,9}|\d[0-9a-fA-F]{0,8}[hH]", re.ASCII)
_BIT = re.compile(r"(.*\d)[.:](\d{1,2})", re.ASCII)
_SPAN = re.compile(r"(\w+)\s*(?:-|–|\.\.|to)\s*(\w+)", re.ASCII)
REFERENCES_EXPECTED = "a reference such as 40001 or 400001"


class Spot(NamedTuple):
    """Where a row stands: the 0-based address, the table when the address tells, how many, and which bit."""

    table: Table | None
    address: int
    size: int | None = None
    bit: int | None = None


class Written(NamedTuple):
    """An address taken apart: its text, the last address of a range, a bit behind a dot."""

    text: str
    last: str | None = None
    bit: int | None = None


@functools.lru_cache(maxsize=4096)
def taken_apart(text: str) -> Written:
    """``40001-40002`` and ``40013.3`` in their parts."""
    text = text.strip()
    if match := _SPAN.fullmatch(text):
        return Written(match[1], match[2])
    if (match := _BIT.fullmatch(text)) and not _PREFIXED.fullmatch(text):
        return Written(match[1], None, int(match[2]))
    return Written(text)


def reference(text: str) -> tuple[Table, int] | None:
    """Table and 0-based address of ``40001``, ``400001``, ``4x0001``; None for anything else."""
    text = text.replace(" ", "")
    match = _PREFIXED.fullmatch(text) or _REFERENCE.fullmatch(text)
    if match is None or not 1 <= int(match[2]) <= ADDRESSES:
        return None
    return _DIGITS[int(match[1])], int(match[2]) - 1


def sniffed(addresses: Iterable[tuple[str, Table | None]]) -> Base:
    """Which numbering the addresses of a file have; each comes with the table of its row, if it has one."""
    with_table = 0
    for text, table in addresses:
        word = taken_apart(text).text
        if _NAMED.fullmatch(word) or _PREFIXED.fullmatch(word):
            continue
        if table is None:
            if reference(word) is not None:
                return "modicon"
            continue
        found = reference(word)
        if found is None or found[0] is not table:
            return 0
        with_table += 1
    return "modicon" if with_table else 0


def spot(cell: Cell, base: Base, table: Table | None = None, *, hexadecimal: bool = False) -> Spot:
    """Where an address leads.  Raises ValueError."""
    written = taken_apart(cell.text)
    if hexadecimal and re.fullmatch(r"[0-9a-fA-F]+", written.text):
        last = None if written.last is None else f"0x{written.last.removeprefix('0x')}"
        written = Written(f"0x{written.text}", last, written.bit)
    if base == "modicon" and table is Table.COIL and written.text.isdigit():  # spreadsheets take zeros away
        written = Written(written.text.zfill(5), written.last and written.last.zfill(5), written.bit)
    table, address = _place(written.text, base)
    size = None
    if written.last is not None:
        size = _place(written.last, base)[1] - address + 1
        if size < 1:
            raise ValueError(f"address is {cell.text!r}, expected first-last")
    if written.bit is not None and written.bit > 15:
        raise ValueError(f"bit is {written.bit} in {cell.text!r}, expected 0 to 15")
    return Spot(table, address, size, written.bit)


def _place(text: str, base: Base) -> tuple[Table | None, int]:
    if match := _NAMED.fullmatch(text):
        return Table(_TABLES[match[1].lower()]), _checked(
            int(match[2], 0 if "x" in match[2].lower() else 10), text, 0
        )
    if _PREFIXED.fullmatch(text) or base == "modicon":
        found = reference(text)
        if found is None:
            raise ValueError(f"address is {text!r}, expected {REFERENCES_EXPECTED}")
        return found
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"address is {text!r}, expected a number such as 40 or 0x28")
    return None, _checked(whole(text), text, base)


def _checked(found: int, text: str, base: int) -> int:
    if not base <= found < ADDRESSES + base:
        hint = " counted from 1" if base else ""
        raise ValueError(f"address is {text}, expected {base} to {ADDRESSES - 1 + base}{hint}")
    return found - base
