"""Addresses as people write them -> 0-based protocol addresses and tables.

One rule: ``address_base`` decides for every address of a profile, points and tables alike.
``0`` is the address on the wire, ``1`` counts from one, ``modicon`` is a reference whose leading
digit names the table: five digits (``40001``) or six (``400001``).  A reference is a number or a
text; only a text tells the coil ``"010001"`` from the discrete input ``10001``.
Pure arithmetic; a bad address is a ``ValueError`` that says the fact, what it got and what it expected.
"""

from __future__ import annotations

import re
from typing import Literal

from simulator.protocol.codes import ADDRESSES, Table

AddressBase = Literal[0, 1, "modicon"]

TABLE_NAMES: dict[str, Table] = {
    "coil": Table.COIL,
    "co": Table.COIL,
    "0x": Table.COIL,
    "discrete_input": Table.DISCRETE_INPUT,
    "di": Table.DISCRETE_INPUT,
    "1x": Table.DISCRETE_INPUT,
    "input_register": Table.INPUT_REGISTER,
    "input": Table.INPUT_REGISTER,
    "ir": Table.INPUT_REGISTER,
    "3x": Table.INPUT_REGISTER,
    "holding_register": Table.HOLDING_REGISTER,
    "holding": Table.HOLDING_REGISTER,
    "hr": Table.HOLDING_REGISTER,
    "4x": Table.HOLDING_REGISTER,
}
_DIGITS = {table.reference_digit: table for table in Table}
_REFERENCE = re.compile(r"([0134])(\d{4}|\d{5})")
_RANGE = re.compile(r"\s*(\w+)\s*(?:-\s*(\w+)\s*)?")

REFERENCES_EXPECTED = "0, 1, 3 or 4 and then 0001 to 9999 or 00001 to 65536, such as 40001 or 400001"


def parse_address(
    written: int | str, base: AddressBase, table: Table | None = None
) -> tuple[Table | None, int]:
    """The table (as given, or from the digit of a reference) and the 0-based address of what is written."""
    if base == "modicon":
        return _parse_reference(written, table)
    number = _number(written)
    if not base <= number < ADDRESSES + base:
        hint = "" if base == 0 else " with address_base 1"
        raise ValueError(f"address is {number}, expected {base} to {ADDRESSES - 1 + base}{hint}")
    return table, number - base


def parse_address_ranges(written: int | str, base: AddressBase, table: Table) -> list[tuple[int, int]]:
    """``"0-255, 300"`` -> half-open ranges of 0-based addresses, in the order written."""
    spans = []
    for part in str(written).split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise ValueError(f"range is {part.strip()!r}, expected an address or first-last")
        start = parse_address(match[1], base, table)[1]
        stop = parse_address(match[2] or match[1], base, table)[1]
        if stop < start:
            raise ValueError(f"range {part.strip()!r} runs backwards, expected first-last")
        spans.append((start, stop + 1))
    return spans


def _number(written: int | str) -> int:
    if isinstance(written, int):
        return written
    try:
        return int(written, 16) if written.lower().startswith("0x") else int(written)
    except ValueError:
        raise ValueError(f"address is {written!r}, expected a number such as 40 or 0x28") from None


def _parse_reference(written: int | str, table: Table | None) -> tuple[Table, int]:
    """Fewer than five digits are a coil; only a text keeps the leading zero of a six-digit one."""
    digits = str(written).strip().zfill(5)
    match = _REFERENCE.fullmatch(digits)
    if match is None or not 1 <= int(match[2]) <= ADDRESSES:
        raise ValueError(f"address is {written!r}, expected a reference: {REFERENCES_EXPECTED}")
    named = _DIGITS[int(match[1])]
    if table is not None and table is not named:
        raise ValueError(
            f"address {digits} is a reference to {named.label}, got table {table.label}, "
            f"expected a reference that starts with {table.reference_digit}"
        )
    return named, int(match[2]) - 1
