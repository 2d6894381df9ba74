"""How something is called, as one reads it: types without quotes, a line each where one is too short."""

from __future__ import annotations

import inspect
import re
from typing import Any

WIDTH = 100


def of(name: str, function: Any, *, is_method: bool = False) -> str:
    """``name(first, *, second=1) -> int``."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return f"{name}(…)"
    parameters = list(signature.parameters.values())[1 if is_method else 0 :]
    returned = "" if inspect.isclass(function) else _type(signature.return_annotation)
    behind = f" -> {returned}" if returned else ""
    parts = _parts(parameters)
    line = f"{name}({', '.join(parts)}){behind}"
    if len(line) <= WIDTH:
        return line
    return f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){behind}"


def _parts(parameters: list[inspect.Parameter]) -> list[str]:
    parts: list[str] = []
    starred = False
    for each in parameters:
        if each.kind is each.KEYWORD_ONLY and not starred:
            parts.append("*")
        starred = starred or each.kind in (each.KEYWORD_ONLY, each.VAR_POSITIONAL)
        stars = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
        kind = _type(each.annotation)
        text = f"{stars}{each.name}" + (f": {kind}" if kind else "")
        if each.default is not each.empty:
            text += f" = {_default(each.default)}" if kind else f"={_default(each.default)}"
        parts.append(text)
    return parts


def _type(annotation: Any) -> str:
    if annotation is inspect.Signature.empty:
        return ""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    plan = re.fullmatch(r"Plan\[(.*)\]", text)  # what a verb returns is the value of its plan
    return plan[1] if plan else text.replace("'", "")


def _default(value: Any) -> str:
    text = repr(value)
    return "…" if " at 0x" in text or len(text) > 40 else text
