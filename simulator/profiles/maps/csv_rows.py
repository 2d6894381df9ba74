"""Rows of a CSV file.

The delimiter (comma, semicolon, tab or bar) and the header are found by what they give: the header is the
line, among the first that are not empty, with most names of fields, an address among them.  Lines above it,
empty lines and lines that begin with ``#`` are passed over.  One rule: a field in double quotes is taken as
it is, others without the spaces around them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simulator.documents.wording import one_of, suggest
from simulator.profiles.maps.cells import Cell, Row, Sheet, Unreadable
from simulator.profiles.maps.fields import FIELDS, field_of

DELIMITERS = (",", ";", "\t", "|")
HEADER_WITHIN = 30  # lines that are not empty
_ADDRESSES = ("address", "reference")


def csv_sheet(text: str, columns: Sequence[str] | None = None) -> Sheet:
    """The rows of a text.  ``columns`` names the columns of a file that has no header, or another.

    Raises Unreadable.
    """
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if columns is not None:
        return _headless(lines, columns)
    delimiter, top = _header(lines)
    records = _records(lines, delimiter, top)
    header = next(records)
    names = [cell.text if cell.value is not None else "" for cell in header]
    fields = _fields(names)
    unused = [name for name, field in zip(names, fields, strict=True) if name and field is None]
    return Sheet(list(_rows(records, fields, names)), unused=unused)


def has_header(text: str) -> bool:
    """Whether a text looks like a register map."""
    try:
        _header([line.removesuffix("\r") for line in text.split("\n")])
    except Unreadable:
        return False
    return True


def _headless(lines: list[str], columns: Sequence[str]) -> Sheet:
    fields = [field_of(name) for name in columns]
    for name, field in zip(columns, fields, strict=True):
        if field is None and name not in ("", "-"):
            hint = suggest(name, FIELDS)
            expected = f"expected {one_of(FIELDS)}, or - for none" + (f"; {hint}" if hint else "")
            raise Unreadable(0, 0, f"column is {name!r}, {expected}")
    content = [line for line in lines if line.strip()]
    counts = {each: content[0].count(each) if content else 0 for each in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda each: counts[each])
    rows = list(_rows(_records(lines, delimiter, 0), _fields(columns), columns))
    if rows and not any(character.isdigit() for character in _address(rows[0])):
        del rows[0]  # a header after all
    return Sheet(rows)


def _address(row: Row) -> str:
    return next((row.cells[field].text for field in _ADDRESSES if field in row.cells), "")


def _header(lines: list[str]) -> tuple[str, int]:
    """The delimiter, and the index of the header's line."""
    seen: list[int] = []
    best = (1, "", 0)  # an address alone is no header
    for index, line in enumerate(lines):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        seen.append(index)
        if len(seen) > HEADER_WITHIN:
            break
        for delimiter in DELIMITERS:
            names = [part.strip().strip('"') for part in line.split(delimiter)]
            known = {field for field in map(field_of, names) if field is not None}
            if known.intersection(_ADDRESSES) and len(known) > best[0]:
                best = (len(known), delimiter, index)
    if not best[1]:
        first = seen[0] if seen else 0
        got = repr(lines[first].strip()[:60]) if seen else "an empty file"
        expected = "expected a line that names columns, such as name,table,address,data_type"
        raise Unreadable(first + 1, 1, f"map has no header, got {got}, {expected}")
    return best[1], best[2]


def _fields(names: Sequence[str]) -> list[str | None]:
    """The field of each column; of two columns with one field the first counts."""
    found: list[str | None] = []
    for name in names:
        field = field_of(name) if name else None
        found.append(None if field in found else field)
    return found


def _rows(records: Iterator[list[Cell]], fields: Sequence[str | None], names: Sequence[str]) -> Iterator[Row]:
    for record in records:
        cells = {
            field: cell._replace(written=name)
            for field, name, cell in zip(fields, names, record, strict=False)
            if field is not None and cell.value is not None
        }
        extra = next((cell for cell in record[len(fields) :] if cell.value is not None), None)
        if extra is not None:
            message = f"row has {len(record)} columns, got {extra.text!r} in column {len(fields) + 1}"
            raise Unreadable(extra.line, extra.column, f"{message}, expected {len(fields)} as in the header")
        if cells:
            yield Row(cells, record[0].line, record[0].column)


def _records(lines: list[str], delimiter: str, index: int) -> Iterator[list[Cell]]:
    while index < len(lines):
        line = lines[index]
        if not line.strip() or line.lstrip().startswith("#"):
            index += 1
        elif '"' not in line:
            index += 1
            yield _plain_cells(line, delimiter, index)
        else:
            record, index = _quoted_cells(lines, index, delimiter)
            yield record


def _plain_cells(line: str, delimiter: str, number: int) -> list[Cell]:
    cells, column = [], 1
    for part in line.split(delimiter):
        text = part.strip()
        cells.append(Cell(text or None, number, column + len(part) - len(part.lstrip())))
        column += len(part) + 1
    return cells


def _quoted_cells(lines: list[str], index: int, delimiter: str) -> tuple[list[Cell], int]:
    """The cells of a record with quotes, and the index of the line behind it."""
    cells: list[Cell] = []
    place = 0
    while True:
        line = lines[index]
        start = place + len(line[place:]) - len(line[place:].lstrip(" "))
        if line[start : start + 1] != '"':
            end = line.find(delimiter, place)
            text = line[place:] if end < 0 else line[place:end]
            cells.append(Cell(text.strip() or None, index + 1, start + 1))
        else:
            text, closed, place = _quoted(lines, index, start)
            cells.append(Cell(text, index + 1, start + 1))
            index, line = closed, lines[closed]
            end = line.find(delimiter, place)
            between = line[place:] if end < 0 else line[place:end]
            if between.strip():
                message = (
                    f"text goes on behind its closing quote, got {between.strip()!r}, expected {delimiter!r}"
                )
                raise Unreadable(index + 1, place + 1, f"{message} or the end of the line")
        if end < 0:
            return cells, index + 1
        place = end + 1


def _quoted(lines: list[str], index: int, start: int) -> tuple[str, int, int]:
    """The text of a field in quotes, and the index of the line and the place behind the closing one."""
    parts: list[str] = []
    line, place = index, start + 1
    while True:
        end = lines[line].find('"', place)
        if end < 0:
            parts += [lines[line][place:], "\n"]
            line, place = line + 1, 0
            if line == len(lines):
                raise Unreadable(
                    index + 1, start + 1, "quote is never closed, expected another before the end"
                )
        elif lines[line][end + 1 : end + 2] == '"':
            parts.append(lines[line][place : end + 1])
            place = end + 2
        else:
            parts.append(lines[line][place:end])
            return "".join(parts), line, end + 1
