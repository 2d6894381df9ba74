"""``docs/reference/conformance.md`` is true as far as a test can tell: its tests exist, no function is left out."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from simulator.functions.standard import function_table
from simulator.functions.table import illegal_function
from simulator.protocol.diagnostics import Diagnostic
from simulator.protocol.messages import REQUESTS, RESPONSES

TESTS = Path(__file__).resolve().parent
DOCUMENT = TESTS.parent / "docs" / "reference" / "conformance.md"
REFERENCE = re.compile(r"`([\w/]+\.py)::(\w+)`")
HEADINGS = [
    "Application Protocol V1.1b3",
    "Function codes",
    "Messaging on TCP/IP V1.0b",
    "Serial Line V1.02",
    "MODBUS/TCP Security",
    "What no specification says",
    "Where clients differ",
]
CODES = [f"{code:02}" for code in sorted(REQUESTS) if code < 65]  # from there on they are users', V1.1b3 §5
SUB_FUNCTIONS = [f"08/{sub.value:02}" for sub in Diagnostic]


def sections() -> dict[str, list[list[str]]]:
    """The rows of each section, cell by cell, without those of the head."""
    found: dict[str, list[list[str]]] = {}
    for part in DOCUMENT.read_text().split("\n## ")[1:]:
        heading, _, text = part.partition("\n")
        rows = [
            [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line[:1] == "|"
        ]
        found[heading] = rows[2:]
    return found


ROWS = [(heading, row) for heading, rows in sections().items() for row in rows]


@cache
def names_in(file: str) -> frozenset[str]:
    path = TESTS / file
    if not path.exists():
        return frozenset()
    tree = ast.parse(path.read_text())
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_every_specification_has_its_table() -> None:
    assert [heading for heading, rows in sections().items() if rows] == HEADINGS


@pytest.mark.parametrize(("heading", "row"), ROWS, ids=[" ".join(row[:2])[:50] for _, row in ROWS])
def test_every_row_names_tests_that_exist(heading: str, row: list[str]) -> None:
    references = REFERENCE.findall(row[-1])
    assert references, "no test"
    assert REFERENCE.sub("", row[-1]).replace("<br>", "").strip() == "", (
        "the last cell holds tests and nothing else"
    )
    assert all(row[:-1]), "an empty cell"
    assert [f"{file}::{name}" for file, name in references if name not in names_in(file)] == []


def test_every_function_code_and_sub_function_has_its_row() -> None:
    """Of those that this version answers, in both directions."""
    codes = [row[0] for row in sections()["Function codes"]]
    assert codes == sorted(set(codes))
    table = function_table()
    assert [code for code in CODES if table[int(code)] is illegal_function] == []
    assert set(REQUESTS) == set(RESPONSES)
    assert set(codes) == {*CODES, *SUB_FUNCTIONS, "43/14"}


@pytest.mark.parametrize("row", sections()["Function codes"], ids=lambda row: row[0])
def test_a_function_is_shown_by_itself_and_by_clients_of_others(row: list[str]) -> None:
    folders = {file.partition("/")[0] for file, _ in REFERENCE.findall(row[-1])}
    assert "functions" in folders
    assert "interop" in folders or row[0] in ("08", "43")
