"""Word what is wrong with a file: fact, got, expected, and the key that was probably meant.

Takes the errors of pydantic apart and puts each at its place in the document.  The one rule: no
text of a validation library reaches the user, and every problem of a file is reported, each once.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from simulator.documents.wording import one_of as one_of
from simulator.documents.wording import show as show
from simulator.documents.wording import suggest as suggest
from simulator.documents.wording import unknown as unknown
from simulator.documents.yaml import Document, Path
from simulator.errors import Problem

_EXPECTED: Mapping[str, str] = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "dataclass_exact_type": "a mapping",
    "none_required": "null",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "multiple_of": "a multiple of {multiple_of}",
    "string_pattern_mismatch": "text like {pattern}",
    "string_too_short": "{min_length} or more characters",
    "string_too_long": "at most {max_length} characters",
    "too_short": "at least {min_length}",
    "too_long": "at most {max_length}",
    "literal_error": "{expected}",
    "enum": "{expected}",
}
_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument", "invalid_key")
_MISSING = ("missing", "missing_argument", "missing_keyword_only_argument")


def from_validation_error(
    document: Document, error: ValidationError, prefix: Path = (), model: Any = None
) -> list[Problem]:
    """The problems behind a pydantic error of the value at ``prefix`` of a document.

    ``model`` is the model, dataclass or annotation that the value was validated with; it makes
    messages about unknown keys list the legal ones.  Problems at places that already have one
    (a missing environment variable, for example) are left out.
    """
    wrong: dict[tuple[Path, bool], list[tuple[str, str]]] = {}
    facts: dict[tuple[Path, bool], str] = {}
    short: set[tuple[Path, bool]] = set()  # pydantic counts only the entries that are right
    for detail in error.errors(include_url=False):
        path, about_key = _true_path(document, prefix, detail)
        if any(path[:length] in document.broken for length in range(len(prefix), len(path) + 1)):
            continue
        fact, expected = _words(detail, path, about_key, _legal_keys(model, path[len(prefix) : -1]))
        place = (path, about_key)
        facts.setdefault(place, fact)
        short |= {place} if detail["type"] == "too_short" else set()
        wrong.setdefault(place, []).append((fact, expected))
    return [
        document.problem(path, _joined(entries), key=about_key)
        for (path, about_key), entries in wrong.items()
        if not ((path, about_key) in short and any(other[: len(path)] == path != other for other, _ in wrong))
    ]


def _joined(entries: list[tuple[str, str]]) -> str:
    """One message from the errors of one place; members of a union fail together.

    A member that has something of its own to say about the value speaks for all of them.
    """
    own = [fact for fact, expected in entries if not expected]
    if own:
        return own[-1]
    expected = list(dict.fromkeys(expected for _, expected in entries))
    return f"{entries[0][0]}, expected {one_of(expected)}"


def _words(detail: Any, path: Path, about_key: bool, legal: list[str]) -> tuple[str, str]:
    """Fact and expectation; an empty expectation when the fact is the whole message."""
    kind, name = detail["type"], path[-1] if path else "file"
    if kind in _UNKNOWN_KEY:
        return unknown("key", name, legal) if legal else f"unknown key {show(name)}, expected none", ""
    if kind in _MISSING:
        return f"{name} is missing, expected it here", ""
    if kind in ("value_error", "assertion_error"):
        return str(detail["ctx"]["error"]), ""
    context = {key: _bare(value) for key, value in detail.get("ctx", {}).items()}
    template = _EXPECTED.get(kind)
    subject = "key" if about_key else "entry" if isinstance(name, int) else name
    got = f"{subject} is {show(detail['input'])}"
    if template is None:
        return f"{got}: {detail['msg']}", ""
    if kind in ("too_short", "too_long"):
        got = f"{subject} has {context.get('actual_length')} entries"
    expected = template.format_map(context).replace("'", "")
    if kind in ("literal_error", "enum"):
        words = [word.strip(" ") for word in expected.replace(" or ", ", ").split(", ")]
        hint = "" if str(detail["input"]) in words else suggest(detail["input"], words)  # '1' is not 1
        return f"{got}, expected {expected}" + (f"; {hint}" if hint else ""), ""
    return got, expected


def _bare(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _true_path(document: Document, prefix: Path, detail: Any) -> tuple[Path, bool]:
    """The path in the document: pydantic's location without the names of union members."""
    value = document.data
    for part in prefix:
        value = _step(value, part)
    path, location = list(prefix), detail["loc"]
    about_key = bool(location) and location[-1] == "[key]"
    for index, part in enumerate(location):
        inside = _step(value, part)
        if inside is not _NOTHING:
            path.append(part)
            value = inside
        elif index == len(location) - 1 and detail["type"] in _MISSING:
            path.append(part)
    return tuple(path), about_key or detail["type"] in _UNKNOWN_KEY


_NOTHING = object()


def _step(value: Any, part: object) -> Any:
    if isinstance(value, dict):
        return value.get(part, _NOTHING)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return _NOTHING


def _legal_keys(model: Any, path: Path) -> list[str]:
    """The keys of the mapping at ``path`` below a model, [] when they are not known."""
    candidates = _members(model)
    for part in path:
        candidates = [inner for each in candidates for inner in _below(each, part)]
    keys = [name for each in candidates for name in _fields(each)]
    return list(dict.fromkeys(keys))


def _below(annotation: Any, part: str | int) -> list[Any]:
    fields = _fields(annotation)
    if part in fields:
        return _members(fields[str(part)])
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (list, tuple, set, frozenset, Sequence) and isinstance(part, int):
        return [member for argument in arguments for member in _members(argument)]
    if origin in (dict, Mapping) and len(arguments) == 2:
        return _members(arguments[1])
    return []


def _members(annotation: Any) -> list[Any]:
    """The types of a union, without ``Annotated``; [annotation] for everything else."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _members(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return [member for argument in typing.get_args(annotation) for member in _members(argument)]
    return [annotation]


def _fields(annotation: Any) -> dict[str, Any]:
    """File key -> annotation of a model or dataclass; empty for other types."""
    if not isinstance(annotation, type):
        return {}
    if issubclass(annotation, BaseModel):
        return {
            (field.validation_alias if isinstance(field.validation_alias, str) else field.alias) or name:
            field.annotation for name, field in annotation.model_fields.items()
        }  # fmt: skip
    if dataclasses.is_dataclass(annotation):
        hints = typing.get_type_hints(annotation, include_extras=True)
        return {
            _alias(hints[field.name]) or field.name: hints[field.name]
            for field in dataclasses.fields(annotation)
            if field.init
        }
    return {}


def _alias(annotation: Any) -> str | None:
    """The key a field has in files when its name is no legal one in Python, as ``from`` is not."""
    extras = typing.get_args(annotation)[1:] if typing.get_origin(annotation) is typing.Annotated else ()
    return next((extra.alias for extra in extras if getattr(extra, "alias", None)), None)
