"""A profile as the text of a profile file, a line a point.

One rule: what is written loads as what it was; texts that YAML would take for something else are quoted.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from simulator.maps.entries import COLUMNS

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./ -]*[A-Za-z0-9_.]|[A-Za-z_]", re.ASCII)
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_NOT_KEYS = ("device", "name", "reference")
_ORDER = {key: place for place, key in enumerate(key for key in COLUMNS if key not in _NOT_KEYS)}


def profile_text(profile: Mapping[str, Any], comment: str = "") -> str:
    """The text of a profile file; ``profile`` is the mapping that :func:`simulator.maps.read` gives."""
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    for key, value in profile.items():
        if key == "points":
            lines.append("points:")
            width = max((len(_scalar(name)) for name in value), default=0)
            lines += [
                f"  {_scalar(name) + ':':<{min(width, 30) + 1}} {_point(point)}"
                for name, point in value.items()
            ]
        elif isinstance(value, Mapping) and any(isinstance(each, Mapping) for each in value.values()):
            lines += [f"{key}:", *(f"  {_scalar(name)}: {_flow(each)}" for name, each in value.items())]
        else:
            lines.append(f"{key}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _point(point: Mapping[str, Any]) -> str:
    known = sorted(point, key=lambda key: _ORDER.get(key, len(_ORDER)))
    return _flow({key: point[key] for key in known})


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, float):
        if not math.isfinite(value):
            return ".nan" if math.isnan(value) else "-.inf" if value < 0 else ".inf"
        return repr(value)
    if isinstance(value, int):
        return str(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return _quoted(text)


def _quoted(text: str) -> str:
    """In double quotes, with escapes that YAML has; ``${`` does not mean a variable."""
    quoted = json.dumps(text.replace("${", "$${"), ensure_ascii=False)
    return re.sub(
        "[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]", lambda match: f"\\u{ord(match[0]):04X}", quoted
    )
