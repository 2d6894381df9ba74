"""What the formats of register maps have in common: rows of cells that know where they stand.

One rule: a cell holds what was written, a text in CSV and XML, a number or a list too in JSON; a cell that is
empty does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Cell(NamedTuple):
    """What stands somewhere; ``written`` is the name of its column, key or attribute."""

    value: Any
    line: int
    column: int
    written: str = ""

    @property
    def text(self) -> str:
        """What stands here as a text."""
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        return str(self.value)


class Row(NamedTuple):
    """The cells of a row by field, and where the row begins."""

    cells: dict[str, Cell]
    line: int
    column: int


@dataclass
class Sheet:
    """All rows of a file; ``about`` is what it says of itself, ``unused`` the columns nobody knows."""

    rows: list[Row]
    about: dict[str, Cell] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)


class Unreadable(Exception):
    """A file that cannot be cut into rows: where, and why."""

    def __init__(self, line: int, column: int, message: str) -> None:
        self.line = line
        self.column = column
        super().__init__(message)


def note_unused(unused: list[str], names: Iterable[str]) -> None:
    """Remember names once, in their order."""
    unused += [name for name in names if name not in unused]
