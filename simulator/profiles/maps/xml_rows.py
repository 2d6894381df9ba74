"""Rows of an XML file: every element that says an address, in attributes or in elements of its own.

Fields of the elements around hold for all rows in them, the text of an element with an address is its
value.  One rule: only elements, attributes and texts are read; a document type, and with it every entity of
the file's own, is refused before anything is expanded or fetched.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

from simulator.profiles.maps.cells import Cell, Row, Sheet, Unreadable, note_unused
from simulator.profiles.maps.fields import INHERITED, field_of
from simulator.profiles.maps.words import table_word

MAX_DEPTH = 50
_ABOUT = ("name", "description")


@dataclass
class _Element:
    name: str
    line: int
    column: int
    attributes: dict[str, str]
    children: list[_Element] = field(default_factory=list)
    text: str = ""


def xml_sheet(text: str) -> Sheet:
    """The rows of a text.  Raises Unreadable."""
    root = _parse(text)
    sheet = Sheet([])
    sheet.about = {
        key: Cell(root.attributes[key], root.line, root.column) for key in _ABOUT if key in root.attributes
    }
    _collect(root, {}, sheet)
    if not sheet.rows:
        raise Unreadable(root.line, root.column, "map has no points, expected elements with an address")
    return sheet


def _collect(element: _Element, around: dict[str, Cell], sheet: Sheet) -> None:
    unused: list[str] = []
    cells = around | _cells(element, unused)
    if "address" in cells or "reference" in cells:
        note_unused(sheet.unused, unused)
        sheet.rows.append(Row(cells, element.line, element.column))
        return
    here = {name: cell for name, cell in cells.items() if name in INHERITED}
    if "table" not in here and len(element.name) > 1 and table_word(element.name) is not None:
        here["table"] = Cell(element.name, element.line, element.column, "element")
    if "device" not in here and element.name in ("device", "slave", "unit"):
        named = element.attributes.get("name") or element.attributes.get("id")
        here |= {"device": Cell(named, element.line, element.column, "name")} if named else {}
    for child in element.children:
        _collect(child, here, sheet)


def _cells(element: _Element, unused: list[str]) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    written = [(name, text, element) for name, text in element.attributes.items()]
    written += [
        (child.name, child.text.strip(), child)
        for child in element.children
        if not child.children and not child.attributes
    ]
    for name, text, where in written:
        known = field_of(name)
        if known is None:
            unused.append(name)
        elif known not in found and (text or known == "value"):
            found[known] = Cell(text, where.line, where.column, name)
    if not element.children and element.text.strip() and "value" not in found:
        found["value"] = Cell(element.text.strip(), element.line, element.column, element.name)
    return found


def _parse(text: str) -> _Element:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    top = _Element("", 1, 1, {})
    stack = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        place = parser.CurrentLineNumber, parser.CurrentColumnNumber + 1
        if len(stack) > MAX_DEPTH:
            raise Unreadable(*place, f"XML: more than {MAX_DEPTH} levels, expected fewer")
        element = _Element(name.rpartition(":")[2], *place, attributes)
        stack[-1].children.append(element)
        stack.append(element)

    def end(_: str) -> None:
        stack.pop()

    def characters(data: str) -> None:
        stack[-1].text += data

    def refuse(*_: object) -> None:
        place = parser.CurrentLineNumber, parser.CurrentColumnNumber + 1
        raise Unreadable(*place, "XML: file declares a document type, expected none: entities are not read")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        reason = expat.errors.messages[error.code]
        raise Unreadable(error.lineno, error.offset + 1, f"XML: {reason}, expected well-formed XML") from None
    return top.children[0]
