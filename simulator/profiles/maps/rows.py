"""A row of a register map -> the mapping of a point, as YAML files have it.

One rule: every cell that cannot be understood is a problem at its place, and takes no other cell with it.
Whether the point makes sense is judged later, with the places that are kept here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.datatypes import DATA_TYPES, data_type
from simulator.documents.wording import show
from simulator.profiles.maps import words
from simulator.profiles.maps.addresses import REFERENCES_EXPECTED, Base, Spot, reference, spot
from simulator.profiles.maps.cells import Cell, Row
from simulator.profiles.maps.fields import is_hex
from simulator.profiles.maps.orders import combined
from simulator.profiles.maps.types import Named, data_type_word, sized
from simulator.profiles.maps.values import starting_value
from simulator.protocol.codes import Table

_TEXTS = ("unit_of_measurement", "description", "string_order", "padding", "on_invalid", "hold")
_NUMBERS: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "offset": (words.number, "a number"),
    "min": (words.number, "a number"),
    "max": (words.number, "a number"),
    "precision": (words.whole, "a whole number"),
    "count": (words.whole, "a whole number of elements"),
    "bit": (words.whole, "the number of a bit, 0 to 15"),
    "overlap": (words.truth, "true or false"),
    "enum": (words.labels, "labels such as 0=stop; 1=run"),
    "bits": (words.labels, "names of bits such as 0=running; 3=alarm"),
}


@dataclass
class Read:
    """What a row came to: the point, the cell behind each of its keys, what was wrong with others."""

    table: Table | None = None
    address: int | None = None
    keys: dict[str, Any] = field(default_factory=dict)
    cells: dict[str, Cell] = field(default_factory=dict)
    wrong: list[tuple[str, Cell, str]] = field(default_factory=list)  # key, place, message


def read_row(row: Row, base: Base) -> Read:
    """The point of a row; addresses count as ``base`` says where they are no references."""
    return _RowReader(row, base).read()


def table_cell(row: Row) -> tuple[Table | None, Cell | None]:
    """The table that a row names, and where; a cell without a table names none."""
    for name in ("table", "function", "type"):
        cell = row.cells.get(name)
        if cell is None:
            continue
        found = words.table_word(cell.text)
        if found is None and (name == "function" or words.is_table_function(cell.text)):
            found = words.table_of_function(cell.text)
        if found is not None or name != "type":
            return found, cell
    return None, None


class _RowReader:
    def __init__(self, row: Row, base: Base) -> None:
        self._row = row.cells
        self._whole_row = row
        self._base = base
        self._read = Read()

    def read(self) -> Read:
        where = self._where()
        kind = self._kind(where)
        self._scale()
        self._order()
        for key in _TEXTS:
            if (cell := self._row.get(key)) is not None:
                self._put(key, cell, cell.text)
        for key, (convert, expected) in _NUMBERS.items():
            if (cell := self._row.get(key)) is not None:
                self._convert(key, cell, convert, expected)
        if (cell := self._row.get("access")) is not None:
            access = words.access_word(cell.text)
            self._put("access", cell, access) if access else self._wrong(
                "access", cell, f"access is {cell.text!r}, expected ro, rw or wo"
            )
        if (cell := self._row.get("value")) is not None and kind is not None:
            self._value(cell, kind)
        return self._read

    def _where(self) -> Spot | None:
        """Table and address of the row."""
        table, told = table_cell(self._whole_row)
        if told is not None and table is None:
            self._wrong("table", told, f"table is {told.text!r}, expected {words.TABLES_EXPECTED}")
        found, cell = self._spot(table)
        if found is None or cell is None:
            return None
        if found.table is not None and table is not None and found.table is not table:
            message = f"address {cell.text} is in {found.table.label}, expected {table.label} as in its row"
            self._wrong("address", cell, message)
            return None
        table = found.table if table is None else table
        if table is None:
            if told is None:
                expected = f"expected a column table, or {REFERENCES_EXPECTED}"
                self._wrong("table", cell, f"table is missing beside address {cell.text}, {expected}")
            return None
        self._read.table, self._read.address = table, found.address
        self._put("table", told or cell, table.label)
        self._put("address", cell, found.address)
        return found

    def _spot(self, table: Table | None) -> tuple[Spot | None, Cell | None]:
        """Where the row stands, from its reference or its address."""
        plain, told = self._row.get("address"), self._row.get("reference")
        cell = told or plain
        if cell is None:
            row = self._whole_row
            self._wrong("address", Cell(None, row.line, row.column), "address is missing, expected a number")
            return None, None
        if told is not None and reference(told.text.partition("-")[0].partition(".")[0].strip()) is None:
            expected = f"expected {REFERENCES_EXPECTED}"
            self._wrong("address", told, f"reference is {told.text!r}, {expected}")
            return None, None
        if plain is not None and told is not None and not _agree(plain, told):
            message = (
                f"address is {plain.text!r} beside reference {told.text}, expected the same place in both"
            )
            self._wrong("address", plain, message)
        try:
            base: Base = "modicon" if told is not None else self._base
            return spot(cell, base, table, hexadecimal=is_hex(cell.written)), cell
        except ValueError as error:
            self._wrong("address", cell, str(error))
            return None, None

    def _kind(self, where: Spot | None) -> str | None:
        """The family of the point's data type, whose keys are put down; None when it cannot be told."""
        table = self._read.table
        size_cell = self._row.get("size")
        size = where.size if where is not None else None
        if size_cell is not None:
            try:
                size = words.whole(size_cell.value)
            except ValueError as error:
                self._wrong("length", size_cell, f"size is {error}, expected a whole number of registers")
        cell = self._row.get("data_type")
        if (
            cell is None
            and (typed := self._row.get("type")) is not None
            and words.table_word(typed.text) is None
        ):
            cell = typed
        bit = where.bit if where is not None else None
        try:
            named = None if cell is None else data_type_word(cell.text)
        except ValueError as error:
            if cell is not None:
                self._wrong("data_type", cell, str(error))
            return None
        if bit is not None and (named is None or named.name == "bool"):
            self._put("bit", self._read.cells["address"], bit)
            named = Named("bool")
        elif bit:
            message = f"address has bit {bit}, expected none beside data type {named.name if named else ''}"
            self._wrong("address", self._read.cells["address"], message)
        return self._typed(table, named, size, cell, size_cell)

    def _typed(
        self,
        table: Table | None,
        named: Named | None,
        size: int | None,
        cell: Cell | None,
        size_cell: Cell | None,
    ) -> str | None:
        if named is None:
            if table is not None and size is not None and size > 1 and "count" not in self._row:
                self._put("count", size_cell or self._read.cells["address"], size)
            return "bool" if table is not None and table.is_bits else "int"
        assert cell is not None or named.name == "bool"
        name = sized(named.name, size)
        place = cell or self._read.cells["address"]
        if table is not None and table.is_bits and name in ("uint8", "uint16", "bits") and size in (None, 1):
            name = "bool"  # a word for one bit
        self._put("data_type", place, name)
        if name in DATA_TYPES and name not in ("string", "bits", "raw"):
            self._elements(name, size, size_cell)
            return data_type(name).family
        length = size if named.length is None else named.length
        if length is not None and (name == "string" or length != 1):
            self._put("length", size_cell or place, length)
        return name

    def _elements(self, name: str, size: int | None, size_cell: Cell | None) -> None:
        """An array, when a row has room for several elements."""
        registers = data_type(name).registers or 1
        if size is None or size == registers or "count" in self._row:
            return
        place = size_cell or self._read.cells.get("address")
        if size % registers or place is None:
            if place is not None:
                message = f"size is {size}, expected {registers} registers of {name}, or a multiple"
                self._wrong("length", place, message)
        elif size > registers:
            self._put("count", place, size // registers)

    def _scale(self) -> None:
        scale, divisor = self._row.get("scale"), self._row.get("divisor")
        if scale is not None:
            self._convert("scale", scale, words.number, "a number such as 0.1")
        elif divisor is not None:
            self._convert(
                "scale", divisor, lambda value: 1 / words.number(value), "a number such as 10, not 0"
            )

    def _order(self) -> None:
        order, of_words = self._row.get("byte_order"), self._row.get("word_order")
        cell = order or of_words
        named = self._row.get("data_type") or self._row.get("type")
        try:
            found = combined(order and order.text, of_words and of_words.text)
            if found is None and named is not None and "data_type" in self._read.keys:
                found, cell = data_type_word(named.text).order, named
        except ValueError as error:
            if cell is not None:
                self._wrong("byte_order", cell, str(error))
            return
        if found is not None and found != "ABCD" and cell is not None:
            self._put("byte_order", cell, found)

    def _value(self, cell: Cell, kind: str | None) -> None:
        try:
            self._put("value", cell, starting_value(cell, kind, self._read.keys))
        except ValueError:
            self._wrong(
                "value", cell, f"value is {show(cell.text)}, expected a number, or a list such as [1, 2]"
            )

    def _convert(self, key: str, cell: Cell, convert: Callable[[Any], Any], expected: str) -> None:
        try:
            self._put(key, cell, convert(cell.value))
        except (ValueError, TypeError, AttributeError, ZeroDivisionError):
            what = cell.written or key
            self._wrong(key, cell, f"{what} is {show(cell.text)}, expected {expected}")

    def _put(self, key: str, cell: Cell, value: Any) -> None:
        self._read.keys[key] = value
        self._read.cells[key] = cell

    def _wrong(self, key: str, cell: Cell, message: str) -> None:
        self._read.wrong.append((key, cell, message))


def _agree(address: Cell, told: Cell) -> bool:
    """Whether an address can be that of a reference: counted from 0 or 1, or the reference itself."""
    found = reference(told.text)
    if found is None:
        return True  # a range or a bit
    try:
        return words.whole(address.value) in (found[1], found[1] + 1, int(told.text.replace(" ", "")))
    except ValueError:
        return True
