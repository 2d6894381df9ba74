"""Python modules that a file names: beside the file first, then wherever Python finds modules.

``beside("tanks.levels", folder)`` is the path of ``tanks/levels.py`` when the folder has it, else the name
itself; ``load`` takes either.  One rule: a module beside a file is known by its path, so two plants may each
have a ``levels.py``; what it imports at its top may stand beside it, too.  A failure is a ValueError that
says why.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_LOADED: dict[tuple[str, int], ModuleType] = {}  # by path and time of the last change


def beside(name: str, folder: str) -> str:
    """The path of the module ``name`` (dotted, or a path that ends in .py) in ``folder``; else ``name``."""
    path = name.removesuffix(".py") if name.endswith(".py") else name.replace(".", os.sep)
    for file in (f"{path}.py", os.path.join(path, "__init__.py")):
        if os.path.isfile(found := os.path.join(folder, file)):
            return found
    return os.path.join(folder, name) if name.endswith(".py") else name


def load(name: str) -> ModuleType:
    """The module of a dotted name or of a path that ends in .py; ``ValueError`` when it cannot be had."""
    is_file = name.endswith(".py")
    if is_file and not os.path.isfile(name):
        raise ValueError(f"module {name!r} does not exist, expected a Python file")
    try:
        return _of_file(os.path.realpath(name)) if is_file else importlib.import_module(name)
    except (KeyboardInterrupt, SystemExit) as error:
        raise ValueError(f"module {name!r} ends the program ({type(error).__name__})") from error
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"module {name!r} cannot be imported ({reason})") from error


def by_name(name: str, folder: str) -> ModuleType:
    """The module of a dotted name under that name, searched in ``folder`` first; what importing raises."""
    with _first(os.path.realpath(folder)):
        return importlib.import_module(name)


def _of_file(path: str) -> ModuleType:
    key = (path, os.stat(path).st_mtime_ns)
    if key not in _LOADED:
        spec = importlib.util.spec_from_file_location(path, path)
        if spec is None or spec.loader is None:
            raise ImportError("it is no Python file")
        module = sys.modules[path] = importlib.util.module_from_spec(spec)
        try:
            with _first(os.path.dirname(path)):
                spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[path]
            raise
        _LOADED[key] = module
    return _LOADED[key]


@contextmanager
def _first(folder: str) -> Iterator[None]:
    """Modules of ``folder`` come before all others."""
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
