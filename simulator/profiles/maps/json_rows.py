"""Rows of a JSON file: a list of points, or points by name, by address, by table, by unit id, nested or not.

One rule: what says an address, or stands below a key that is one, is a row; what stands around rows holds
for all of them.  A mapping of addresses to plain values below the name of a table is a row for each address.
"""

from __future__ import annotations

from simulator.profiles.maps.cells import Cell, Row, Sheet, Unreadable, note_unused
from simulator.profiles.maps.fields import INHERITED, field_of, plain
from simulator.profiles.maps.json_text import Node, parse_json
from simulator.profiles.maps.words import is_address, table_word

_ABOUT = ("name", "description")
_HOLDERS = frozenset({"points", "registers", "map", "maps", "tables", "devices", "rows", "values", "entries",
                      "mapping", "mappings", "slaves", "units", "coils", "data"})  # fmt: skip


def json_sheet(text: str) -> Sheet:
    """The rows of a text.  Raises Unreadable."""
    sheet = Sheet([])
    root = parse_json(text)
    if not isinstance(root.value, dict | list):
        raise Unreadable(
            root.line, root.column, f"map is {root.value!r}, expected a list or a mapping of points"
        )
    if isinstance(root.value, dict):
        about = {
            key: Cell(node.value, node.line, node.column) for key, _, node in root.items() if key in _ABOUT
        }
        sheet.about = {key: cell for key, cell in about.items() if isinstance(cell.value, str)}
    _collect(root, {}, sheet, top=True)
    if not sheet.rows:
        raise Unreadable(
            root.line, root.column, "map has no points, expected a list of mappings with address"
        )
    return sheet


def _collect(node: Node, around: dict[str, Cell], sheet: Sheet, *, top: bool = False) -> None:
    """Take the rows in a list or mapping, of which ``around`` is known already."""
    if isinstance(node.value, list):
        for each in node.value:
            _entry(each, around, sheet)
        return
    here = dict(around)
    if not top or "table" in node.value or "device" in node.value:
        here |= {key: cell for key, cell in _cells(node, []).items() if key in INHERITED}
    for key, place, each in node.items():
        if isinstance(each.value, dict | list):
            _entry(each, here | _key(key, place, each, here), sheet)
        elif is_address(key) and "table" in here:
            _plain_value(key, place, each, here, sheet)


def _entry(node: Node, around: dict[str, Cell], sheet: Sheet) -> None:
    if isinstance(node.value, dict):
        unused: list[str] = []
        cells = around | _cells(node, unused)
        if "address" in cells or "reference" in cells:
            note_unused(sheet.unused, unused)
            sheet.rows.append(Row(cells, node.line, node.column))
            return
        if node.value and not any(isinstance(each.value, dict | list) for _, _, each in node.items()):
            if "table" in around or "function" in around:
                _collect(node, around, sheet)
            elif "name" in cells:
                sheet.rows.append(Row(cells, node.line, node.column))  # its address is missing, and told so
            return
    if isinstance(node.value, dict | list):
        around = {field: cell for field, cell in around.items() if field in INHERITED}
        _collect(node, around, sheet)


def _cells(node: Node, unused: list[str]) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    for key, _, each in node.items():
        field = field_of(key)
        if field is None:
            unused.append(key)
        elif field not in found and each.value not in (None, ""):
            found[field] = Cell(each.data(), each.line, each.column, key)
        elif each.value == "" and field == "value":
            found[field] = Cell("", each.line, each.column, key)
    return found


def _key(key: str, place: tuple[int, int], node: Node, around: dict[str, Cell]) -> dict[str, Cell]:
    """What the key of a mapping or list says about what is in it."""
    cell = Cell(key, *place, "key")
    if isinstance(node.value, dict) and any(field_of(each) == "address" for each in node.value):
        return {"name": cell}
    if len(key) > 1 and table_word(key) is not None:
        return {"table": cell}
    if plain(key) in _HOLDERS:
        return {}
    if not isinstance(node.value, dict):
        return {"device": cell}
    nested = all(isinstance(each.value, dict) for _, _, each in node.items()) and bool(node.value)
    if nested:
        return {"device": cell}
    return {"address": cell} if is_address(key) else {"name": cell}


def _plain_value(key: str, place: tuple[int, int], node: Node, around: dict[str, Cell], sheet: Sheet) -> None:
    cells = dict(around)
    cells["address"] = Cell(key, *place, "key")
    if node.value is not None:
        cells["value"] = Cell(node.value, node.line, node.column, key)
    sheet.rows.append(Row(cells, *place))
