"""The ``tables`` of a profile file -> which addresses exist and what stands there.

One rule: without a word about a table it has exactly the registers of its points; with one, the points
must fit into what it says.  Refuses unknown tables, sharing in circles or between bits and registers,
and raw values that stand nowhere or do not fit a register or a bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from simulator.documents.problems import one_of, show, suggest
from simulator.documents.yaml import Path
from simulator.points import Point
from simulator.profiles.addresses import TABLE_NAMES, AddressBase, parse_address, parse_address_ranges
from simulator.profiles.layers import LayeredDocument
from simulator.profiles.profile import FULL_RANGE, Ranges, TableLayout, merged, without
from simulator.profiles.schema import Number, ProfileFile, TableFile
from simulator.profiles.validating import Checked
from simulator.protocol.codes import ADDRESSES, Table

_KEYS = {"sequential": ("address", "count"), "sparse": ("ranges",)}
_OWN_KEYS = ("block", "address", "count", "ranges", "invalid", "fill", "values")


def resolve_tables(
    checked: Checked, points: Iterable[Point], base: AddressBase, document: LayeredDocument
) -> dict[Table, TableLayout]:
    """The layout of every table that exists, in the order of ``Table``."""
    spans: dict[Table, list[tuple[int, int]]] = {}
    for point in points:
        spans.setdefault(point.table, []).append((point.address, point.stop))
    declared = _declared(checked.file.tables, document)
    signed = signed_tables(checked.file)
    _check_signed(declared, document)
    shares = _shares(declared, document)
    for table, target in shares.items():
        spans.setdefault(target, []).extend(spans.pop(table, ()))
    layouts: dict[Table, TableLayout] = {}
    for table in sorted({*spans, *declared} - shares.keys()):
        name, file = declared.get(table, (table.label, TableFile()))
        is_sound = not checked.wrong_in("tables", name)
        is_signed = table in signed
        reader = _TableReader(name, file, table, base, document, is_sound=is_sound, is_signed=is_signed)
        layouts[table] = reader.layout(merged(spans.get(table, ())))
    for table, target in shares.items():
        below = layouts[target]
        layouts[table] = TableLayout(table, below.kind, below.ranges, below.fill, below.values, share=target)
    return {table: layouts[table] for table in sorted(layouts)}


def signed_tables(file: ProfileFile) -> frozenset[Table]:
    """The tables of registers whose 16-bit numbers are signed unless something else is said."""
    signed = {table: file.signed for table in Table if not table.is_bits}
    for name, each in file.tables.items():
        table = TABLE_NAMES.get(name.lower())
        if table in signed and each.signed is not None:
            signed[table] = each.signed
    return frozenset(table for table, is_signed in signed.items() if is_signed)


def _check_signed(declared: Mapping[Table, tuple[str, TableFile]], document: LayeredDocument) -> None:
    for table, (name, file) in declared.items():
        if table.is_bits and file.signed is not None:
            message = f"signed is given for {table.label}, which holds bits, expected a table of registers"
            document.report(("tables", name, "signed"), message, key=True)


def table_of(name: str) -> Table:
    """The table called ``name``; a ValueError says which names there are."""
    table = TABLE_NAMES.get(name.lower())
    if table is None:
        hint = suggest(name, TABLE_NAMES)
        expected = one_of([each.label for each in Table]) + (f"; {hint}" if hint else "")
        raise ValueError(f"unknown table {show(name)}, expected {expected}")
    return table


def _declared(
    files: Mapping[str, TableFile], document: LayeredDocument
) -> dict[Table, tuple[str, TableFile]]:
    found: dict[Table, tuple[str, TableFile]] = {}
    for name, file in files.items():
        try:
            table = table_of(name)
        except ValueError as error:
            document.report(("tables", name), str(error), key=True)
            continue
        if table in found:
            got = f"got {found[table][0]} and {name}, expected one"
            document.report(("tables", name), f"table {table.label} is given twice, {got}", key=True)
        else:
            found[table] = (name, file)
    return found


def _shares(declared: dict[Table, tuple[str, TableFile]], document: LayeredDocument) -> dict[Table, Table]:
    """Table -> the table whose block it uses."""
    shares: dict[Table, Table] = {}
    for table, (name, file) in declared.items():
        if file.share is None:
            continue
        try:
            shares[table] = _share_target(table, file, declared)
        except ValueError as error:
            document.report(("tables", name, "share"), str(error))
    return shares


def _share_target(table: Table, file: TableFile, declared: Mapping[Table, tuple[str, TableFile]]) -> Table:
    target = table_of(file.share or "")
    others = [key for key in _OWN_KEYS if key in file.model_fields_set]
    if others:
        raise ValueError(
            f"share is given with {one_of(others)}, expected share alone: the block is that of {target.label}"
        )
    if target is table:
        raise ValueError(f"{table.label} shares its own block, expected another table")
    if target.is_bits != table.is_bits:
        fitting = next(each for each in Table if each.is_bits == table.is_bits and each is not table)
        why = "one holds bits and the other registers"
        raise ValueError(f"{table.label} cannot share {target.label}, {why}, expected {fitting.label}")
    if target in declared and declared[target][1].share is not None:
        raise ValueError(f"{target.label} shares a block itself, expected a table with a block of its own")
    return target


class _TableReader:
    """Reads one table of the file.  After a problem the table has every address: no point suffers for it."""

    def __init__(
        self,
        name: str,
        file: TableFile,
        table: Table,
        base: AddressBase,
        document: LayeredDocument,
        *,
        is_sound: bool,
        is_signed: bool,
    ) -> None:
        self._path: Path = ("tables", name)
        self._file = file
        self._table = table
        self._base: AddressBase = base
        self._document = document
        self._least = -0x8000 if is_signed else 0  # of a word
        self._is_sound = is_sound  # whether every key of the file is here
        self._problems = 0

    def layout(self, points: Ranges) -> TableLayout:
        """The layout, given where the points are."""
        kind = self._file.block or ("sequential" if self._file.count is not None else "sparse")
        values = self._values()
        fill = self._raw(("fill",), self._file.fill)
        if not self._is_sound:
            return TableLayout(self._table, kind, FULL_RANGE, fill)
        before = self._problems
        self._check_keys(kind)
        ranges = self._sequential() if kind == "sequential" else self._sparse(points, values)
        ranges = without(ranges, merged(self._ranges("invalid", self._file.invalid)))
        if self._problems == before:  # else nobody knows what the ranges should have been
            self._check_places(values, ranges)
        words = {address: word for address, (word, _) in sorted(values.items())}
        return TableLayout(self._table, kind, FULL_RANGE if self._problems else ranges, fill, words)

    def _report(self, path: Path, message: str) -> None:
        self._problems += 1
        self._document.report(self._path + path, message)

    def _check_keys(self, kind: str) -> None:
        right, wrong = _KEYS[kind], _KEYS["sparse" if kind == "sequential" else "sequential"]
        for key in wrong:
            if key in self._file.model_fields_set:
                self._report((key,), f"{key} is given for a {kind} block, expected {' and '.join(right)}")

    def _sequential(self) -> Ranges:
        count, written = self._file.count, self._file.address
        start = 0 if written is None else self._address(("address",), written)
        if count is None:
            self._report((), "count is missing, expected the number of addresses of a sequential block")
        elif start is not None and start + count > ADDRESSES:
            room = ADDRESSES - start
            self._report(("count",), f"count is {count} from address {start} on, expected at most {room}")
        return ((start or 0, (start or 0) + (count or 0)),)

    def _sparse(self, points: Ranges, values: Mapping[int, object]) -> Ranges:
        if self._file.ranges is not None:
            return merged(self._ranges("ranges", self._file.ranges))
        return merged([*points, *((address, address + 1) for address in values)])

    def _ranges(self, key: str, written: Number | list[Number] | None) -> Iterator[tuple[int, int]]:
        items = written if isinstance(written, list) else [] if written is None else [written]
        for index, item in enumerate(items):
            try:
                yield from parse_address_ranges(item, self._base, self._table)
            except ValueError as error:
                self._report((key, index) if isinstance(written, list) else (key,), str(error))

    def _values(self) -> dict[int, tuple[int, Path]]:
        """Address -> raw value and where it is written."""
        found: dict[int, tuple[int, Path]] = {}
        for written, content in self._file.values.items():
            start = self._address(("values", written), written)
            for place, word in enumerate(content if isinstance(content, list) else [content]):
                path: Path = ("values", written, place) if isinstance(content, list) else ("values", written)
                address = (start or 0) + place
                if start is not None and address in found:
                    self._report(path, f"address {address} has two values, expected one")
                elif start is not None:
                    found[address] = (self._raw(path, word), path)
        return found

    def _address(self, path: Path, written: Number) -> int | None:
        try:
            return parse_address(written, self._base, self._table)[1]
        except ValueError as error:
            self._report(path, str(error))
            return None

    def _raw(self, path: Path, word: int | bool) -> int:
        least, limit, kind = (0, 1, "bit") if self._table.is_bits else (self._least, 0xFFFF, "word")
        if not least <= word <= limit or (isinstance(word, bool) and limit > 1):
            hint = "; a negative word needs signed: true" if limit > 1 and -0x8000 <= word < 0 else ""
            self._report(path, f"{kind} is {show(word)}, expected {least} to {limit}{hint}")
            return 0
        return int(word) & limit

    def _check_places(self, values: Mapping[int, tuple[int, Path]], ranges: Ranges) -> None:
        layout = TableLayout(self._table, "sparse", ranges)
        for address, (_, path) in values.items():
            if not layout.contains(address):
                expected = f"expected one in {format_ranges(ranges)}"
                self._report(path, f"address {address} does not exist, {expected}")


def format_ranges(ranges: Ranges, limit: int = 6) -> str:
    """Half-open ranges as people write them: ``0-199, 300``."""
    texts = [str(start) if stop == start + 1 else f"{start}-{stop - 1}" for start, stop in ranges]
    if len(texts) > limit:
        return ", ".join(texts[:limit]) + f", … ({len(texts)} ranges)"
    return ", ".join(texts) or "no address at all"
