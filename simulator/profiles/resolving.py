"""Points of a profile file -> ``Point`` objects.

One rule: every key of a point is judged, so that one run shows everything that is wrong with it; a
point with a problem is left out and judged no further by its neighbours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.datatypes import DATA_TYPES, ByteOrder, DataType, data_type
from simulator.documents.problems import one_of, show
from simulator.documents.templates import Template
from simulator.documents.yaml import Path
from simulator.generators.base import Generator
from simulator.points import Access, Point
from simulator.profiles.addresses import AddressBase, parse_address
from simulator.profiles.generated import read_generator
from simulator.profiles.layers import LayeredDocument
from simulator.profiles.layouts import table_of
from simulator.profiles.schema import PointFile
from simulator.profiles.validating import Checked
from simulator.protocol.codes import Table

DEVICE_FIELDS = ("i", "n", "name")  # what a template may use beside the parameters
_DATA_TYPE_KEYS = frozenset({"data_type", "length", "byte_order", "swap", "string_order", "padding"})
_KEYS = {
    "data": "data_type",
    "point": "address",
}  # the key a complaint is about, when it is not its first word
SWAPS = {"none": "ABCD", "byte": "BADC", "word": "CDAB", "word_byte": "DCBA"}


@dataclass(frozen=True)
class Setting:
    """What a profile says for all its points."""

    base: AddressBase
    order: ByteOrder
    parameters: Mapping[str, float | str]
    shared_with_writable: Collection[Table] = ()  # tables whose block is also that of a writable one

    signed: Collection[Table] = ()  # tables whose 16-bit numbers are signed

    def usual_type(self, table: Table | None) -> str:
        """The data type of a point that says none."""
        if table is not None and table.is_bits:
            return "bool"
        return "int16" if table in self.signed else "uint16"

    @property
    def fields(self) -> Collection[str]:
        """The names that templates may use."""
        return (*DEVICE_FIELDS, *self.parameters)

    def example(self, text: str) -> str:
        """A template as the first device would have it; a ValueError when it cannot be filled in."""
        return Template(text, self.fields).render(0, name="device", **self.parameters)


def resolve_points(checked: Checked, setting: Setting, document: LayeredDocument) -> dict[str, Point]:
    """The sound points by name, in the order of the file; problems go to the document."""
    points: dict[str, Point] = {}
    nowhere = {"table", "address"} if ("address_base",) in checked.wrong else set()
    for name, written in checked.file.points.items():
        wrong = checked.wrong_in("points", name) | nowhere if checked.wrong else frozenset()
        point = _PointReader(name, written, setting, document, wrong).point()
        if point is not None:
            points[name] = point
    return points


def byte_order(order: str | None, swap: str | None, default: ByteOrder) -> ByteOrder:
    """The byte order of one of the two spellings; a ValueError when both are given."""
    if order is not None and swap is not None:
        raise ValueError(f"swap is {swap} beside byte_order {order}, expected one of the two keys")
    text = SWAPS[swap] if swap is not None else order
    return default if text is None else ByteOrder(text)


class _PointReader:
    """Reads one point; counts its problems, of which ``wrong`` keys are some."""

    def __init__(
        self,
        name: str,
        file: PointFile,
        setting: Setting,
        document: LayeredDocument,
        wrong: Collection[str | int],
    ) -> None:
        self._name = name
        self._file = file
        self._setting = setting
        self._document = document
        self._path: Path = ("points", name)
        self._wrong = wrong
        self._problems = len(wrong)

    def point(self) -> Point | None:
        """The point, or None after a problem."""
        table = self._table()
        table, address = self._address(table)
        kind = self._data_type(table)
        generator = self._generator()
        if table is not None:
            self._check_access(table)
        if table is None or address is None or kind is None or self._wrong:
            return None
        point = self._made(table, address, kind, generator)
        if point is not None:
            self._check_value(point)
        return None if self._problems else point

    def _report(self, path: Path, message: str, *, key: bool = False) -> None:
        self._problems += 1
        self._document.report(self._path + path, message, key=key)

    def _table(self) -> Table | None:
        """The table as written, None when a reference has to tell or it is wrong."""
        written = self._file.table
        try:
            if written is not None:
                return table_of(written)
        except ValueError as error:
            self._report(("table",), str(error))
        else:
            if self._setting.base != "modicon" and "table" not in self._wrong:
                message = f"table is missing, expected {one_of([each.label for each in Table])}"
                self._report((), message, key=True)
        return None

    def _address(self, table: Table | None) -> tuple[Table | None, int | None]:
        """The table, now that a reference has told, and the 0-based address; None for what cannot be told."""
        if "address" in self._wrong or (table is None and self._file.table is not None):
            return table, None
        try:
            return parse_address(self._file.address, self._setting.base, table)
        except ValueError as error:
            self._report(("address",), str(error))
            return table, None

    def _data_type(self, table: Table | None) -> DataType | None:
        file = self._file
        name = file.data_type or self._setting.usual_type(table)
        if not _DATA_TYPE_KEYS.isdisjoint(self._wrong) or (file.data_type is None and table is None):
            return None
        try:
            order = byte_order(file.byte_order, file.swap, self._setting.order)
        except ValueError as error:
            self._report(("swap",), str(error))
            order = self._setting.order
        try:
            return data_type(
                name, order=order, length=file.length, string_order=file.string_order, padding=file.padding
            )
        except ValueError as error:
            is_about_length = name in DATA_TYPES and file.length is not None
            self._report(("length",) if is_about_length else ("data_type",), str(error))
            return None

    def _generator(self) -> Generator | None:
        if self._file.generator is None:
            return None
        before = len(self._document.problems)
        generator = read_generator(
            self._file.generator, (*self._path, "generator"), self._setting.parameters, self._document
        )
        self._problems += len(self._document.problems) - before
        return generator

    def _made(self, table: Table, address: int, kind: DataType, generator: Generator | None) -> Point | None:
        file = self._file
        try:
            return Point(
                self._name, table, address, kind, count=file.count, scale=file.scale, offset=file.offset,
                precision=file.precision, unit_of_measurement=file.unit_of_measurement,
                description=file.description, access=file.access or self._default_access(table),
                enum=file.enum, bits=file.bits,
                bit=file.bit, value=file.value, min=file.min, max=file.max, on_invalid=file.on_invalid,
                hold=file.hold, overlap=file.overlap, generator=generator,
            )  # fmt: skip
        except ValueError as error:
            word = str(error).partition(" ")[0]
            key = _KEYS.get(word, word)
            path: Path = (key,) if key in file.model_fields_set else ()
            self._report(path, str(error), key=not path)
            return None

    def _default_access(self, table: Table) -> Access:
        return "rw" if self._is_writable(table) else "ro"

    def _is_writable(self, table: Table) -> bool:
        """True when clients can write the point, through its own table or one that shares its block."""
        return table.is_writable or table in self._setting.shared_with_writable

    def _check_access(self, table: Table) -> None:
        if self._file.access in ("rw", "wo") and not self._is_writable(table):
            expected = "expected ro: clients cannot write there"
            self._report(("access",), f"access is {self._file.access} in {table.label}, {expected}")

    def _check_value(self, point: Point) -> None:
        """Whether the initial value of the first device can be encoded and lies within min and max."""
        if point.value is None:
            return
        try:
            example = self._example(point, point.value)
            point.encode(example)
            point.validate(example)
        except ValueError as error:
            self._report(("value",), str(error))

    def _example(self, point: Point, value: Any) -> Any:
        if isinstance(value, list) and point.count > 1:
            return [self._example(point, element) for element in value]
        if not isinstance(value, str):
            return value
        if point.enum and value in point.enum.values():
            return value
        text = self._setting.example(value)
        if Template(value).is_constant or not point.data_type.is_numeric:
            return text
        try:
            return float(text)
        except ValueError:
            got = f"got {text!r} for the first device"
            raise ValueError(f"value is {show(value)}, {got}, expected a number") from None
