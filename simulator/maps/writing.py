"""Rows as CSV, JSON or XML, one line a row, written as they come.

One rule: what is written can be read again, and gives the same values: texts that would be taken for
something else are quoted, lists and mappings stand as JSON where a format has none.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO
from xml.sax.saxutils import quoteattr

from simulator.documents.wording import unknown
from simulator.maps.entries import Entry

FORMATS = ("csv", "json", "xml")
_SIMPLE_LABEL = re.compile(r"[^\s;|,=:{}\[\]](?:[^;|,=:\n{}\[\]]*[^\s;|,=:{}\[\]])?")
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]"
)  # XML 1.0 §2.2 has none of them


def format_of(path: str | os.PathLike[str], written: str | None = None) -> str:
    """The format that is asked for, or that the suffix of a path says.  Raises ValueError."""
    name = written or Path(path).suffix.lower().removeprefix(".")
    if name not in FORMATS:
        raise ValueError(unknown("format", name, FORMATS))
    return name


def lines(
    rows: Iterable[Entry], columns: Sequence[str], format: str, about: Mapping[str, str]
) -> Iterator[str]:
    """The lines of a file; ``about`` is what it says of itself, in formats that have room for it."""
    return _LINES[format](rows, columns, about)


def write_lines(found: Iterator[str], file: TextIO) -> None:
    """All lines into a file."""
    for line in found:
        file.write(line)


def _csv(rows: Iterable[Entry], columns: Sequence[str], about: Mapping[str, str]) -> Iterator[str]:
    yield ",".join(columns) + "\n"
    for row in rows:
        yield ",".join(_csv_cell(row.get(column)) for column in columns) + "\n"


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    text = plain(value)
    quoted = any(mark in text for mark in ',;"\n\r\t|') or text != text.strip() or text[:1] in ("#", "")
    return '"' + text.replace('"', '""') + '"' if quoted else text


def _json(rows: Iterable[Entry], columns: Sequence[str], about: Mapping[str, str]) -> Iterator[str]:
    head = "".join(f"  {_json_text(key)}: {_json_text(text)},\n" for key, text in about.items() if text)
    yield "{\n" + head + '  "points": ['
    comma = "\n"
    for row in rows:
        yield f"{comma}    {_json_text(row)}"
        comma = ",\n"
    yield "\n  ]\n}\n"


def _json_text(value: Any) -> str:
    return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    """A value that JSON has: numbers that are none become texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value


def _xml(rows: Iterable[Entry], columns: Sequence[str], about: Mapping[str, str]) -> Iterator[str]:
    head = "".join(f" {key}={_attribute(text)}" for key, text in about.items() if text)
    yield f'<?xml version="1.0" encoding="utf-8"?>\n<map{head}>\n'
    for row in rows:
        yield (
            "  <point" + "".join(f" {key}={_attribute(plain(value))}" for key, value in row.items()) + "/>\n"
        )
    yield "</map>\n"


def _attribute(text: str) -> str:
    if (match := _CONTROL.search(text)) is not None:
        raise ValueError(f"text holds the character 0x{ord(match[0]):02X}, expected none in XML")
    return quoteattr(text)


def plain(value: Any) -> str:
    """A value as the text of a cell."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping) and _is_simple(value):
        return "; ".join(f"{key}={text}" for key, text in value.items())
    if isinstance(value, Mapping | list | tuple):
        return _json_text(value)
    return repr(value) if isinstance(value, float) else str(value)


def _is_simple(labels: Mapping[Any, Any]) -> bool:
    """Whether labels by number can be written without quotes."""
    return all(isinstance(key, int) and _SIMPLE_LABEL.fullmatch(str(text)) for key, text in labels.items())


_LINES: Mapping[str, Callable[[Iterable[Entry], Sequence[str], Mapping[str, str]], Iterator[str]]] = {
    "csv": _csv,
    "json": _json,
    "xml": _xml,
}
