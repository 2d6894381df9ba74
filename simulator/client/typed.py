"""Typed reads and writes: numbers, texts and bits in place of registers.

One rule: a value is encoded by its data type as points are (``docs/reference/profile.md``), and spreads over
as many requests as it takes, cut between elements.  A value that does not fit its type is a ValueError here:
what generators may saturate, a person is told.
"""

from __future__ import annotations

from typing import Any

from simulator.client.asks import ask, read_bits, read_registers, write_coil, write_register, write_registers
from simulator.client.plans import Plan, verb
from simulator.client.requests import Addressed
from simulator.datatypes import ByteOrder, DataType, data_type
from simulator.documents.wording import unknown
from simulator.profiles.addresses import TABLE_NAMES
from simulator.protocol import codes
from simulator.protocol.codes import Table
from simulator.protocol.contract import pack_words, unpack_words

Value = Any
"""A number, a text, a truth value; a list of them where ``count`` is more than 1."""


class TypedVerbs(Addressed):
    """``client.read("float32", 10)``, ``client.write("float32", 10, 21.5)``."""

    @verb
    def read(
        self,
        type: str,
        address: int,
        *,
        count: int = 1,
        table: str | None = None,
        byte_order: str = "ABCD",
        length: int | None = None,
        string_order: str = "AB",
        padding: str = "nul",
        unit: int | None = None,
    ) -> Plan[Value]:
        """The value of a data type at ``address``, a list for a ``count`` above 1.

        ``table`` is holding_register unless said otherwise, coil for bool; ``length`` is in registers and for
        string, bits and raw.
        """
        kind = _kind(type, byte_order, length, string_order, padding)
        where = _table(table, kind)
        if count < 1:
            raise ValueError(f"count is {count}, expected 1 or more")
        size = kind.registers or 1
        data = yield from read_span(where, address - self.address_base, count * size, self._unit(unit), size)
        values = [decoded(kind, where, data, place) for place in range(count)]
        return values if count > 1 else values[0]

    @verb
    def write(
        self,
        type: str,
        address: int,
        value: Value,
        *,
        table: str | None = None,
        byte_order: str = "ABCD",
        length: int | None = None,
        string_order: str = "AB",
        padding: str = "nul",
        unit: int | None = None,
    ) -> Plan[None]:
        """Set the value, or the list of values one behind the other, of a data type at ``address``.

        ``table`` is holding_register unless said otherwise, coil for bool.
        """
        kind = _kind(type, byte_order, length, string_order, padding)
        where = _table(table, kind)
        if not where.is_writable:
            raise ValueError(
                f"table is {where.label}, expected one that can be written: coil or holding_register"
            )
        several = isinstance(value, list | tuple) and not (kind.family == "raw" and kind.registers > 1)
        values = list(value) if several else [value]
        if not values:
            raise ValueError("value is an empty list, expected one value or more")
        data = b"".join(map(kind.encode_fitting, values))
        if kind.family == "bool" and not where.is_bits:
            data = pack_words(data)
        yield from write_span(where, address - self.address_base, data, self._unit(unit), kind.registers or 1)


def _kind(name: str, order: str, length: int | None, string_order: Any, padding: Any) -> DataType:
    if order not in ByteOrder.__members__:
        raise ValueError(unknown("byte_order", order, ByteOrder.__members__))
    if string_order not in ("AB", "BA"):
        raise ValueError(unknown("string_order", string_order, ("AB", "BA")))
    if padding not in ("nul", "space"):
        raise ValueError(unknown("padding", padding, ("nul", "space")))
    return data_type(name, order=order, length=length, string_order=string_order, padding=padding)


def _table(name: str | None, kind: DataType) -> Table:
    if name is None:
        return Table.COIL if kind.family == "bool" else Table.HOLDING_REGISTER
    if name not in TABLE_NAMES:
        raise ValueError(unknown("table", name, [table.label for table in Table]))
    table = TABLE_NAMES[name]
    if table.is_bits and kind.family != "bool":
        raise ValueError(f"data type is {kind.name} in table {table.label}, expected bool")
    return table


def decoded(kind: DataType, table: Table, data: bytes, place: int) -> Value:
    """Element number ``place`` of what ``read_span`` gave."""
    if table.is_bits:
        return bool(data[place])
    size = 2 * (kind.registers or 1)
    piece = data[size * place : size * (place + 1)]
    if kind.family == "bool":
        return any(piece)
    return kind.decode(piece)


def read_span(table: Table, address: int, quantity: int, unit: int, step: int = 1) -> Plan[bytes]:
    """``quantity`` places from ``address`` on, in as many requests as it takes, none cutting a ``step``.

    Registers as their bytes, bits as one byte each.
    """
    most = codes.MAX_READ_BITS if table.is_bits else codes.MAX_READ_REGISTERS
    if step > most:
        raise ValueError(f"length is {step}, expected at most {most} registers")
    pieces = []
    for start, taken in _portions(quantity, most // step * step):
        if table.is_bits:
            pieces.append(bytes((yield read_bits(_READS[table], address + start, taken, unit))))
        else:
            pieces.append(pack_words((yield read_registers(_READS[table], address + start, taken, unit))))
    return b"".join(pieces)


def write_span(table: Table, address: int, data: bytes, unit: int, step: int = 1) -> Plan[None]:
    """Write ``data`` (as ``read_span`` gives it) from ``address`` on, in as many requests as it takes."""
    if table.is_bits:
        yield from _write_coils(address, data, unit)
        return
    quantity, most = len(data) // 2, codes.MAX_WRITE_REGISTERS
    if step > most:
        raise ValueError(f"length is {step}, expected at most {most} registers")
    if quantity == 1:
        yield write_register(address, int.from_bytes(data, "big"), unit)
        return
    for start, taken in _portions(quantity, most // step * step):
        words = unpack_words(data[2 * start : 2 * (start + taken)])
        yield write_registers(address + start, words, unit)


def _write_coils(address: int, data: bytes, unit: int) -> Plan[None]:
    if len(data) == 1:
        yield write_coil(address, bool(data[0]), unit)
        return
    from simulator.protocol.bits import WriteMultipleCoilsRequest

    for start, taken in _portions(len(data), codes.MAX_WRITE_BITS):
        values = tuple(map(bool, data[start : start + taken]))
        yield ask(WriteMultipleCoilsRequest(address + start, values), unit)


def _portions(quantity: int, most: int) -> list[tuple[int, int]]:
    return [(start, min(most, quantity - start)) for start in range(0, quantity, most)]


_READS = {
    Table.COIL: codes.READ_COILS,
    Table.DISCRETE_INPUT: codes.READ_DISCRETE_INPUTS,
    Table.INPUT_REGISTER: codes.READ_INPUT_REGISTERS,
    Table.HOLDING_REGISTER: codes.READ_HOLDING_REGISTERS,
}
