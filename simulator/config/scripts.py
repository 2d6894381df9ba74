"""``scripts`` of a plant file: Python files and modules, found and loaded before the plant starts.

An entry is a file relative to the plant file, a dotted module, or a mapping with ``file``, ``name`` and
``options``.  The one rule: a script that could not run is told with its place: a file that does not exist, a
mistake in its syntax with file and line, what it raises while it is imported, functions it lacks.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from types import ModuleType
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from simulator.documents import modules
from simulator.documents.models import FileModel
from simulator.documents.problems import show
from simulator.documents.yaml import Document, Path
from simulator.errors import Problem

EXPECTED = "expected async def main(plant) or def setup(plant)"

Text = Annotated[str, Field(min_length=1)]


class ScriptFile(FileModel):
    """A script with a name or options of its own."""

    file: Text
    """A Python file, relative to the plant file, or a dotted module."""
    name: Text | None = None
    """What logs call it; default: the name of the file."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What the script finds in plant.options."""


def _as_mapping(value: object) -> object:
    if isinstance(value, str) and value:
        return {"file": value}
    if not isinstance(value, Mapping):
        raise ValueError(f"script is {show(value)}, expected a Python file, a module, or a mapping with file")
    return value


ScriptField = Annotated[
    ScriptFile,
    BeforeValidator(_as_mapping),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, ScriptFile.model_json_schema()]}),
]


@dataclass(frozen=True, slots=True)
class Script:
    """A script that was loaded; ``file`` is where its code stands."""

    name: str
    file: str
    setup: Callable[[Any], object] | None = None
    main: Callable[[Any], Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def load_scripts(
    entries: Sequence[ScriptFile], document: Document, problems: list[Problem]
) -> tuple[Script, ...]:
    """The scripts of the plant file; what is wrong goes to ``problems``."""
    loaded: list[Script] = []
    taken: dict[str, int] = {}
    for index, written in enumerate(entries):
        path: Path = ("scripts", index)
        is_text = isinstance(document.data["scripts"][index], str)
        here: Path = path if is_text else (*path, "file")
        name = written.name or _stem(written.file)
        if name in taken:
            message = (
                f"script is named {show(name)}, the name of scripts.{taken[name]}, expected another name"
            )
            problems.append(document.problem((*path, "name") if written.name else here, message))
        taken.setdefault(name, index)
        script = _load(written, name, here, document, problems)
        if script is not None:
            loaded.append(script)
    return tuple(loaded)


def _stem(file: str) -> str:
    return os.path.splitext(os.path.basename(file))[0] if file.endswith(".py") else file.rpartition(".")[2]


def _load(
    written: ScriptFile, name: str, here: Path, document: Document, problems: list[Problem]
) -> Script | None:
    found = modules.beside(written.file, os.path.dirname(document.file))
    if found.endswith(".py") and (problem := _unreadable(found, written.file, here, document)) is not None:
        problems.append(problem)
        return None
    try:
        module = modules.load(found)
    except ValueError as error:
        problems.append(document.problem(here, _with_line(str(error), error.__cause__, found)))
        return None
    wrong, setup, main = _functions(module)
    if wrong:
        problems.append(document.problem(here, f"script {show(written.file)} {wrong}, {EXPECTED}"))
        return None
    return Script(name, module.__file__ or found, setup, main, written.options)


def _unreadable(found: str, written: str, here: Path, document: Document) -> Problem | None:
    """Why the file is no Python, at its own line; None when it is."""
    try:
        content = FilePath(found).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return document.problem(here, f"script {show(written)} cannot be read: {reason}")
    try:
        compile(content, found, "exec", dont_inherit=True)
    except SyntaxError as error:
        reason = f"script is no Python: {error.msg}"
        return Problem(found, error.lineno or 0, error.offset or 0, "", reason)
    except ValueError as error:  # null bytes
        return document.problem(here, f"script {show(written)} is no Python: {error}")
    return None


def _with_line(message: str, cause: BaseException | None, file: str) -> str:
    """The message with the line of the script that raised."""
    trace = None if cause is None else cause.__traceback__
    line = 0
    while trace is not None:
        if os.path.realpath(trace.tb_frame.f_code.co_filename) == os.path.realpath(file):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{message}, line {line}" if line else message


def _functions(
    module: ModuleType,
) -> tuple[str, Callable[[Any], object] | None, Callable[[Any], Any] | None]:
    """What is wrong, ``setup`` and ``main``."""
    setup, main = getattr(module, "setup", None), getattr(module, "main", None)
    if setup is None and main is None:
        return "has neither main nor setup", None, None
    if main is not None and not inspect.iscoroutinefunction(main):
        if setup is None:
            return "has a main that is no async def", None, None
        main = None  # what it does when it is run as a program
    if setup is not None and (not callable(setup) or inspect.iscoroutinefunction(setup)):
        return "has a setup that is no plain function", None, None
    for function in filter(None, (setup, main)):
        try:
            inspect.signature(function).bind(None)
        except TypeError:
            return f"has {function.__name__}{inspect.signature(function)}", None, None
    return "", setup, main
