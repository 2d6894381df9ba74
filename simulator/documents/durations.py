"""Durations as files write them: a number and a unit, ``250ms``, ``2s``, ``5m``, ``1h``, ``1d``.

Inside the program a duration is a float of seconds.  The one rule: a bare number is refused,
because nobody can tell whether it means seconds or milliseconds.  Negative and infinite durations
are refused too.
"""

from __future__ import annotations

import math
import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
EXPECTED = "a number and a unit, such as 250ms, 2s, 5m, 1h or 1d"
PATTERN = r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$"
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)", re.ASCII)


def parse_duration(value: object) -> float:
    """Seconds of a text such as ``250ms``.

    Raises ValueError for anything else, bare numbers included.
    """
    if not isinstance(value, str):
        raise ValueError(f"duration is {_shown(value)}, expected {EXPECTED}")
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"duration is {value!r}, expected {EXPECTED}")
    number, unit = match.groups()
    # a division keeps 100ms the float 0.1, a product with 0.001 does not always
    seconds = float(number) / 1000 if unit == "ms" else float(number) * UNITS[unit]
    if not math.isfinite(seconds):
        raise ValueError(f"duration is {value!r}, expected a finite number of seconds")
    return seconds


def format_duration(seconds: float) -> str:
    """The shortest text that ``parse_duration`` reads as these seconds: ``90s``, ``250ms``, ``1h``.

    Raises ValueError for negative and not finite seconds, which no file can say.
    """
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(f"seconds are {seconds}, expected zero or a positive finite number")
    for unit in ("d", "h", "m", "s"):
        text = f"{seconds / UNITS[unit]:.0f}{unit}"
        if seconds >= UNITS[unit] and parse_duration(text) == seconds:
            return text
    if seconds == 0:
        return "0s"
    for text in (_decimal(seconds * 1000) + "ms", _decimal(seconds) + "s"):
        if parse_duration(text) == seconds:
            return text
    raise AssertionError(f"no text for {seconds!r} seconds")  # pragma: no cover - repr() round-trips


def _decimal(number: float) -> str:
    """A number as a plain decimal, without an exponent and without a useless point."""
    text = repr(number)
    if "e" in text:
        mantissa, exponent = text.split("e")
        digits = len(mantissa.replace(".", "")) - 1
        text = f"{number:.{max(0, digits - int(exponent))}f}"
    return text.removesuffix(".0")


def _shown(value: object) -> str:
    """A value that is no text, as the file shows it."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, (int, float)):
        return f"the bare number {value}"
    return "a list" if isinstance(value, (list, tuple)) else "a mapping"


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": ["250ms", "2s", "5m", "1h", "1d"]}),
]
"""Field type of pydantic models: a duration text in the file, float seconds in the program."""
