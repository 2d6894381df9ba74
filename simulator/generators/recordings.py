"""Measurements in a CSV file: one column of numbers, and when each was taken.

Comma, semicolon or tab tell cells apart, whichever the first line has most of; the first line is a header
when something in it is no number.  Times are seconds or ISO 8601 stamps (UTC where they name no zone) and
counted from the first row.  One rule: what is wrong is told as ``file:line: fact, got, expected``, and a file
is read once however many generators play it, for as long as one of them lives.
"""

from __future__ import annotations

import csv
import math
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from typing import Any, TextIO
from weakref import WeakValueDictionary

import numpy as np

from simulator.documents.problems import show, suggest, unknown

Name = str | int
DELIMITERS = (",", ";", "\t")


class Recording:
    """``values``, and in seconds from the first row on ``ends``: when each begins, and when the last is over.

    Both are float64; ``ends`` is None when rows are evenly spaced.  The last row is as long as that before.
    """

    def __init__(self, values: np.ndarray, times: np.ndarray | None) -> None:
        self.values = values
        self.ends: np.ndarray | None = None
        if times is not None:
            last = times[-1] - times[-2] if len(times) > 1 else 1.0
            self.ends = np.append(times, times[-1] + last) - times[0]


_KEPT: WeakValueDictionary[object, Recording] = WeakValueDictionary()


def recording(file: str, column: Name, time_column: Name | None = None) -> Recording:
    """The recording in a column of a file, named by its header or its number from 1 on.

    Raises ValueError for everything that is wrong with the file.
    """
    with _told(file):
        status = os.stat(file)
        key = (os.path.realpath(file), status.st_mtime_ns, status.st_size, column, time_column)
        found = _KEPT.get(key)
        if found is None:
            found = _KEPT[key] = _read(file, column, time_column)
    return found


def check(file: str, columns: Mapping[str, Name]) -> None:
    """``ValueError`` unless the file begins as a CSV file does and has the columns, given by key."""
    with _told(file), _opened(file) as stream:
        table = _Table(file, stream)
        for key, name in columns.items():
            table.place(key, name)


@contextmanager
def _told(file: str) -> Iterator[None]:
    """What the operating system has against a file becomes a ValueError."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        near = suggest(os.path.basename(file), _neighbours(file))
        message = f"file {file!r} cannot be read ({reason}), expected a CSV file"
        raise ValueError(message + (f"; {near}" if near else "")) from None
    except UnicodeDecodeError:
        raise ValueError(f"{file}: file is no text in UTF-8, expected a CSV file") from None


def _neighbours(file: str) -> list[str]:
    try:
        return sorted(each.name for each in os.scandir(os.path.dirname(file) or ".") if each.is_file())
    except OSError:
        return []


def _opened(file: str) -> TextIO:
    mode = os.stat(file).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # a pipe may let us wait, a device never end
        raise ValueError(f"file {file!r} is a pipe or device, expected a CSV file")
    return open(file, newline="", encoding="utf-8-sig")


def _read(file: str, column: Name, time_column: Name | None) -> Recording:
    with _opened(file) as stream:
        table = _Table(file, stream)
        place = table.place("column", column)
        when = None if time_column is None else table.place("time_column", time_column)
        places = [place] if when is None else [place, when]
        columns = table.columns(places)
    if not columns[0]:
        raise ValueError(f"{file}: file has no rows, expected at least one")
    values = _numbers(columns[0], float, file, table.lines, table.label(place), "a number")
    if when is None:
        return Recording(values, None)
    return Recording(values, _times(columns[1], file, table.lines, table.label(when)))


class _Table:
    """The rows of a file, read one after the other."""

    def __init__(self, file: str, stream: TextIO) -> None:
        self._file = file
        sample = stream.readline()
        stream.seek(0)
        reader = csv.reader(stream, delimiter=max(DELIMITERS, key=sample.count))
        rows = ((reader.line_num, row) for row in reader)
        first = next(((line, row) for line, row in rows if any(row)), None)
        if first is None:
            raise ValueError(f"{file}: file is empty, expected rows of numbers")
        self.width = len(first[1])
        self.header = None if all(map(_is_cell, first[1])) else [cell.strip() for cell in first[1]]
        self._rows: Iterator[tuple[int, list[str]]] = rows if self.header else chain([first], rows)
        self.lines: Sequence[int] = []

    def place(self, key: str, name: Name) -> int:
        """The index of a column."""
        if isinstance(name, str):
            if name in (self.header or []):
                return (self.header or []).index(name)
            if self.header is None:
                raise ValueError(f"{key} is {show(name)}, expected a number: {self._file} has no header")
            raise ValueError(f"{self._file}:1: {unknown(key, name, self.header)}")
        if not 1 <= name <= self.width:
            raise ValueError(f"{key} is {name}, expected 1 to {self.width}: the columns of {self._file}")
        return name - 1

    def label(self, place: int) -> str:
        """What messages call a column."""
        return self.header[place] if self.header else f"column {place + 1}"

    def columns(self, places: list[int]) -> list[list[str]]:
        """The cells of columns, without empty rows; ``lines`` are where they stand."""
        found: list[list[str]] = [[] for _ in places]
        lines, least = [], max(places) + 1
        appends = list(zip([cells.append for cells in found], places, strict=True))
        try:
            for line, row in self._rows:
                if len(row) < least:
                    if not any(row):
                        continue
                    raise ValueError(
                        f"{self._file}:{line}: row has {len(row)} cells, expected {least} or more"
                    )
                lines.append(line)
                for append, place in appends:
                    append(row[place])
        except csv.Error as error:
            raise ValueError(f"{self._file}: file is no CSV ({error}), expected rows of cells") from None
        self.lines = lines
        return found


def _is_cell(text: str) -> bool:
    """Whether a cell is one of the data rather than a heading."""
    return _converts(float, text) or _converts(_stamp, text) or not text.strip()


def _converts(convert: Callable[[str], float], text: str) -> bool:
    try:
        convert(text)
    except ValueError:
        return False
    return True


def _stamp(text: str) -> float:
    """Unix seconds of an ISO 8601 stamp."""
    found = datetime.fromisoformat(text.strip())
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _numbers(
    cells: list[str],
    convert: Callable[[str], float],
    file: str,
    lines: Sequence[int],
    label: str,
    expected: str,
) -> np.ndarray:
    """The cells as float64; the first that is none is told."""
    try:
        found = np.fromiter(map(convert, cells), np.float64, len(cells))
    except ValueError:
        found = np.array([math.nan])
    if np.isfinite(found).all():
        return found
    pairs: Iterable[Any] = zip(cells, lines, strict=True)
    cell, line = next(pair for pair in pairs if not _is_finite(convert, pair[0]))
    raise ValueError(f"{file}:{line}: {label} is {show(cell)}, expected {expected}")


def _is_finite(convert: Callable[[str], float], text: str) -> bool:
    return _converts(convert, text) and math.isfinite(convert(text))


def _times(cells: list[str], file: str, lines: Sequence[int], label: str) -> np.ndarray:
    """Seconds, ascending."""
    convert = float if _converts(float, cells[0]) else _stamp
    expected = "seconds" if convert is float else "an ISO 8601 time such as 2026-01-01T06:00:00Z"
    if convert is _stamp and not _converts(_stamp, cells[0]):
        expected = f"seconds or {expected}"
    times = _numbers(cells, convert, file, lines, label, expected)
    if len(times) > 1 and (wrong := np.flatnonzero(np.diff(times) <= 0)).size:
        at = int(wrong[0]) + 1
        message = f"{label} is {show(cells[at])}, expected a time after {show(cells[at - 1])}"
        raise ValueError(f"{file}:{lines[at]}: {message}")
    return times
