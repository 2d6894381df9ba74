"""What stands in the cells of register maps: tables, function codes, access, numbers, labels.

One rule: a word that could mean two things is refused with what was expected; only ``4`` beside ``function``
is a function code, beside ``table`` it is no word at all.
"""

from __future__ import annotations

import functools
import json
import re
from typing import Any

from simulator.profiles.maps.cells import Cell
from simulator.profiles.maps.fields import plain
from simulator.protocol.codes import Table

_TABLES = {
    Table.COIL: "co coil coils 0x c do digital_output digital_outputs output_coil output_coils "
    "discrete_output discrete_outputs output_status coil_status",
    Table.DISCRETE_INPUT: "di discrete_input discrete_inputs discrete discretes 1x d digital_input "
    "digital_inputs input_status contact contacts input_contact discrete_contact",
    Table.INPUT_REGISTER: "ir input_register input_registers input inputs 3x i analog_input analog_inputs ai "
    "inputreg read_input_registers",
    Table.HOLDING_REGISTER: "hr holding_register holding_registers holding holdings 4x h analog_output "
    "analog_outputs ao holdingreg output_register output_registers read_holding_registers",
}
_TABLE_OF = {plain(word): table for table, words in _TABLES.items() for word in words.split()}
_FUNCTIONS = {
    **dict.fromkeys((1, 5, 15), Table.COIL),
    2: Table.DISCRETE_INPUT,
    4: Table.INPUT_REGISTER,
    **dict.fromkeys((3, 6, 16, 22, 23), Table.HOLDING_REGISTER),
}
_FUNCTION = re.compile(r"(?:fc|fn|f|function(?:code)?)?\s*(?:0x)?0*(\d+)", re.IGNORECASE)
_ACCESS = {
    **dict.fromkeys(["r", "ro", "read", "readonly", "get", "input", "monitor"], "ro"),
    **dict.fromkeys(["rw", "wr", "readwrite", "writeread", "rwrite", "getset", "config", "setting"], "rw"),
    **dict.fromkeys(["w", "wo", "write", "writeonly", "set", "command"], "wo"),
}
_DECIMAL = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_FRACTION = re.compile(r"([-+]?[\d.]+)\s*[/÷:]\s*([-+]?[\d.]+)", re.ASCII)
_POWER = re.compile(r"10\s*(?:\^|\*\*)\s*([-+]?\d+)", re.ASCII)
_HEX = re.compile(r"([-+]?)0[xX]([0-9a-fA-F]+)|([0-9][0-9a-fA-F]*)[hH]", re.ASCII)
_TRUTH = {
    **dict.fromkeys(("true", "yes", "on", "x", "1", "high", "closed"), True),
    **dict.fromkeys(("false", "no", "off", "0", "low", "open"), False),
}
_LABEL = re.compile(r"\s*(0[xX][0-9a-fA-F]+|-?\d+)\s*(?:=|:|->|–|-)\s*(.*?)\s*", re.ASCII | re.DOTALL)
TABLES_EXPECTED = "coil, discrete_input, input_register or holding_register"


@functools.lru_cache(maxsize=256)
def table_word(text: str) -> Table | None:
    """The table that a word names, None when it names none."""
    return _TABLE_OF.get(plain(text))


@functools.lru_cache(maxsize=256)
def table_of_function(text: str) -> Table | None:
    """The table of function codes such as ``3``, ``FC04`` or ``3/6/16``; None for codes of none or of two."""
    parts = [
        _FUNCTION.fullmatch(part.strip())
        for part in re.split(r"[,;/&+]|(?<=\d)\s", text.strip())
        if part.strip()
    ]
    codes = [int(match[1]) for match in parts if match is not None]
    tables = {_FUNCTIONS.get(code) for code in codes}
    return tables.pop() if len(tables) == 1 and len(codes) == len(parts) else None


def is_table_function(text: str) -> bool:
    """Whether a word of a table column is a function code that says so, such as ``FC03``."""
    return text[:1] in "fF" and table_of_function(text) is not None


def is_address(text: str) -> bool:
    """Whether a key is the number of an address."""
    return text.isascii() and (text.isdigit() or _HEX.fullmatch(text) is not None)


def access_word(text: str) -> str | None:
    """ro, rw or wo; None when the text says none of them."""
    return _ACCESS.get(plain(text))


def number(value: Any) -> float | int:
    """A number as people write it: ``0.1``, ``0,1``, ``1/10``, ``x10``, ``10^-1``, or ValueError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = str(value).strip().lstrip("×*").strip()
    if text[:1] in "xX" and text[1:2].isdigit():
        text = text[1:].strip()
    if _DECIMAL.fullmatch(text):
        return _decimal(text)
    if match := _HEX.fullmatch(text):
        return int((match[1] or "") + match[2], 16) if match[2] else int(match[3], 16)
    if match := _POWER.fullmatch(text):
        return _decimal(f"1e{match[1]}")
    if text[:1] in ("/", "÷"):
        text = f"1{text}"
    if (match := _FRACTION.fullmatch(text)) and float(match[2]) != 0:
        return _decimal(match[1]) / _decimal(match[2])
    if text.lower() in ("nan", "inf", "-inf"):
        return float(text)
    raise ValueError(f"{value!r}")


def whole(value: Any) -> int:
    """A whole number; ``12.0`` is one, as spreadsheets write them.  Raises ValueError."""
    found = number(value)
    if isinstance(found, float) and not found.is_integer():
        raise ValueError(f"{value!r}")
    return int(found)


def truth(value: Any) -> bool:
    """true or false, yes or no, on or off, 1 or 0.  Raises ValueError."""
    if isinstance(value, bool):
        return value
    found = _TRUTH.get(str(value).strip().lower())
    if found is None:
        raise ValueError(f"{value!r}")
    return found


def labels(value: Any) -> dict[int, str]:
    """Texts by number: ``0=stop; 1=run``, ``0:stop, 1:run``, a mapping, a list from 0.  Raises ValueError."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        value = in_json(value)
    if isinstance(value, list):
        return {index: str(text) for index, text in enumerate(value)}
    if isinstance(value, dict):
        return {int(str(key), 0): str(text) for key, text in value.items()}
    text = str(value)
    parts = [
        part for part in re.split(r"[;|\n]" if re.search(r"[;|\n]", text) else ",", text) if part.strip()
    ]
    found: dict[int, str] = {}
    for part in parts:
        match = _LABEL.fullmatch(part)
        if match is None or not match[2]:
            raise ValueError(f"{part.strip()!r}")
        found[int(match[1], 0)] = match[2]
    if not found:
        raise ValueError(f"{text!r}")
    return found


def in_json(text: str) -> Any:
    """What a cell holds that is written in JSON.  Raises ValueError."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(f"{text[:60]!r}") from None


def listed(cell: Cell) -> list[Any]:
    """The elements of a cell: a list, a list in JSON, or texts between ``;`` or spaces; or ValueError."""
    value = cell.value
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        value = in_json(value)
    if isinstance(value, list):
        return value
    return [part.strip() for part in re.split(r"[;|]|\s+", cell.text.strip()) if part.strip()]


def _decimal(text: str) -> float | int:
    text = text.replace(",", ".")
    try:
        return int(text)
    except ValueError:
        return float(text)
