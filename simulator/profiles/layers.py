"""One mapping made of several files, that still knows where each of its values was written.

A profile is laid over the profile it extends, and a group of the plant file over both.  One rule: a
problem is reported where the user wrote the offending value: in the topmost layer that holds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.documents.yaml import Document, Path
from simulator.errors import Problem
from simulator.profiles.faults import placed
from simulator.profiles.merging import merge


@dataclass(frozen=True)
class Layer:
    """A piece of data, the document it stands in and its path there; ``onto`` is its path in the result."""

    data: Any
    document: Document | None  # None: the data was never in a file
    at: Path = ()
    onto: Path = ()
    file: str = ""  # what problems call data that was never in a file

    def depth(self, path: Path) -> int:
        """How many parts of ``path`` lead to something in this layer, -1 when it is not about this layer."""
        if path[: len(self.onto)] != self.onto:
            return -1
        value, depth = self.data, len(self.onto)
        parts: Sequence[Any] = placed(path[depth:], self.onto, value)
        for part in parts:
            if not isinstance(value, Mapping | list):
                break
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                break
            depth += 1
        return depth

    def problem(self, path: Path, message: str, *, key: bool) -> Problem:
        """A problem with what ends up at ``path`` of the result."""
        local = self.at + placed(path[len(self.onto) :], self.onto, self.data)
        if self.document is None:
            return Problem(self.file, 0, 0, ".".join(map(str, local)), message)
        return self.document.problem(local, message, key=key)


class LayeredDocument(Document):
    """Layers merged, the topmost first in ``layers``; collects the problems of the result."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = tuple(layers)
        self.file = self.layers[0].file or (self.layers[0].document.file if self.layers[0].document else "")
        self.problems: list[Problem] = []
        self.broken: set[Path] = set(_broken(self.layers))
        self.data = self._merged()

    def problem(self, path: Path, message: str, *, key: bool = False) -> Problem:
        """A problem with the value at ``path`` of the merged data, or with its key."""
        layer = max(self.layers, key=lambda layer: layer.depth(path))  # the first of equals is the topmost
        return layer.problem(path, message, key=key)

    def place(self, path: Path, *, key: bool = False) -> tuple[int, int]:
        """Line and column in the file that ``problem`` would name."""
        problem = self.problem(path, "", key=key)
        return problem.line, problem.column

    def is_overridden(self, path: Path) -> bool:
        """Whether a group lays something over the value at ``path``, or over what is above it."""
        return any(layer.onto and layer.depth(path) >= 0 for layer in self.layers)

    def report(self, path: Path, message: str, *, key: bool = False) -> None:
        """Note a problem, unless the value at ``path`` already has one."""
        if not any(path[:length] in self.broken for length in range(len(path) + 1)):
            self.problems.append(self.problem(path, message, key=key))

    def _merged(self) -> dict[Any, Any]:
        data: dict[Any, Any] = {}
        for layer in reversed(self.layers):
            over = layer.data
            for part in reversed(layer.onto):
                over = {part: over}
            data = merge(data, over)
        return data


def _broken(layers: Sequence[Layer]) -> list[Path]:
    return [
        layer.onto + path[len(layer.at) :]
        for layer in layers
        if layer.document is not None
        for path in layer.document.broken
        if path[: len(layer.at)] == layer.at
    ]
