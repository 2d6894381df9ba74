"""What ``modsim ctl`` prints for people: tables, one line for each thing.

The one rule: what the API answers is all shown, whatever a later version adds to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simulator.cli.columns import aligned
from simulator.control.verbs import TABLE


def listed() -> str:
    """The operations and what they do."""
    return "\n".join(f"  {verb.name:<16}{verb.summary}" for verb in TABLE)


def shown(name: str, found: Any) -> str:
    """An answer as text."""
    return _SPECIAL.get(name, _any)(found)


def value(found: Any) -> str:
    """A value in a cell."""
    if found is None:
        return "-"
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, float):
        return f"{found:.10g}"
    if isinstance(found, list):
        return " ".join(map(value, found)) or "-"
    return json.dumps(found, ensure_ascii=False) if isinstance(found, dict) else str(found)


def _any(found: Any) -> str:
    """Scalars by name, then lists of objects as tables."""
    if found == {"done": True}:
        return "done\n"
    if set(found) == {"devices"} and isinstance(found["devices"], dict):
        return aligned((name, f"{count} devices") for name, count in found["devices"].items())
    tables = {name: each for name, each in found.items() if _is_table(each)}
    inner = {name: each for name, each in found.items() if isinstance(each, dict)}
    plain = {name: each for name, each in found.items() if name not in tables and name not in inner}
    text = aligned((name.replace("_", " "), value(each)) for name, each in plain.items())
    for name, each in inner.items():
        text += aligned((f"{name} {key}".replace("_", " "), value(one)) for key, one in each.items())
    for name, each in tables.items():
        text += _table(each) if each else f"no {name.replace('_', ' ')}\n"
    return text


def _is_table(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(each, dict) for each in found)


def _table(rows: Sequence[Mapping[str, Any]], names: Sequence[str] | None = None) -> str:
    names = names or list(rows[0])
    heads = [name.replace("_", " ") for name in names]
    return aligned([heads, *([value(row.get(name)) for name in names] for row in rows)])


def _devices(found: Any) -> str:
    rows = found["devices"]
    first = found["offset"] + 1
    end = f"{first} to {first + len(rows) - 1} of {found['total']}\n" if rows else "no devices\n"
    return (_table(rows) if rows else "") + end


def _show(found: Any) -> str:
    text = aligned((name.replace("_", " "), value(each)) for name, each in found["device"].items())
    for part in ("identity", "counters"):
        text += aligned((name.replace("_", " "), value(each)) for name, each in found[part].items())
    columns = ("name", "value", "unit", "table", "address", "raw", "data_type", "access", "held", "generator")
    return text + ("\n" + _table(found["points"], columns) if found["points"] else "no points\n")


def _read(found: Any) -> str:
    rows = [
        (device["device"], name, value(each))
        for device in found["devices"]
        for name, each in device["values"].items()
    ]
    left = f"{found['left_out']} more values\n" if found["left_out"] else ""
    return (aligned(rows) if rows else "no values\n") + left


def _words(found: Any) -> str:
    first = found["address"]
    return aligned(
        (str(first + place), str(word), f"0x{word:04X}") for place, word in enumerate(found["values"])
    )


def _journal(found: Any) -> str:
    text = "".join(f"{each['text']}\n" for each in found["entries"])
    return text or "no requests are recorded: modsim ctl record begins\n"


_SPECIAL: dict[str, Callable[[Any], str]] = {
    "devices": _devices,
    "show": _show,
    "read": _read,
    "read-table": _words,
    "write-table": _words,
    "journal": _journal,
    "verify": lambda found: found["text"] + "\n",
}
