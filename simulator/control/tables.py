"""Registers and bits as they stand on the wire.

The one rule: addresses that do not exist are refused as a device refuses them, with what exists.
"""

from __future__ import annotations

from typing import NoReturn

from simulator.control import results
from simulator.control.context import API, Control
from simulator.control.devices import raw_numbers
from simulator.control.refusals import NotFound, Unfit
from simulator.documents.ranges import format_ranges
from simulator.documents.wording import show
from simulator.errors import IllegalDataAddress
from simulator.protocol.codes import ADDRESSES, Table
from simulator.values import Span

_TABLES = {table.label: table for table in Table}


def read_table(control: Control, device: str, table: str, address: int, quantity: int = 1) -> results.Words:
    """Registers or bits of one device."""
    span, kind = control.one(device), _TABLES[table]
    try:
        _check(address, quantity)
        data = span.fleet.device(span.start).block(kind).read(address, quantity)
    except IllegalDataAddress:
        _refuse(span, kind, address, quantity)
    values = raw_numbers(data, quantity, bits=kind.is_bits)
    return {"device": device, "table": table, "address": address, "values": values}


def write_table(control: Control, device: str, table: str, address: int, values: list[int]) -> results.Words:
    """Store registers or bits of one device; generators of points that change leave them alone then."""
    span, kind = control.one(device), _TABLES[table]
    if not values:
        raise Unfit("values is an empty list, expected one value or more")
    most = 1 if kind.is_bits else 0xFFFF
    for value in values:
        if (isinstance(value, bool) and not kind.is_bits) or not 0 <= value <= most:
            raise Unfit(f"value is {show(value)}, expected 0 to {most} for a {table}")
    try:
        _check(address, len(values))
        control.plant.values.write_wire(
            span, kind, address, len(values), _wire(values, bits=kind.is_bits), API
        )
    except IllegalDataAddress:
        _refuse(span, kind, address, len(values))
    return {"device": device, "table": table, "address": address, "values": [int(each) for each in values]}


def _wire(values: list[int], *, bits: bool) -> bytes:
    if not bits:
        return b"".join(value.to_bytes(2, "big") for value in values)
    data = bytearray((len(values) + 7) // 8)
    for place, value in enumerate(values):
        data[place >> 3] |= int(value) << (place & 7)
    return bytes(data)


def _check(address: int, quantity: int) -> None:
    if address + quantity > ADDRESSES:
        raise IllegalDataAddress(f"addresses {address} to {address + quantity - 1} do not all exist")


def _refuse(span: Span, table: Table, address: int, quantity: int) -> NoReturn:
    kept = span.fleet.tables.get(table)
    there = format_ranges([(a, b - 1) for a, b in kept.map.ranges]) if kept is not None else "none"
    last = address + quantity - 1
    raise NotFound(
        f"{span.fleet.name_of(span.start)}: {table.label} {address} to {last} do not all exist, "
        f"expected addresses of {there}"
    )
