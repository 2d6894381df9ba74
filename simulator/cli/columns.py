"""Rows of text in columns, for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def aligned(rows: Iterable[Sequence[str]]) -> str:
    """Rows with their columns aligned, two spaces between them, nothing behind the last."""
    cells = [list(row) for row in rows]
    widths = [max(map(len, column), default=0) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "".join(line.rstrip() + "\n" for line in lines)
