"""A profile's data -> ``ProfileFile``, as much of it as can be judged.

One rule: a wrong key takes nothing else with it.  Every mistake is reported, the wrong keys are left out,
and ``Checked`` remembers which, so that nobody draws conclusions from what is missing.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from simulator.documents.problems import from_validation_error
from simulator.documents.yaml import Path
from simulator.errors import ConfigError
from simulator.profiles.layers import LayeredDocument
from simulator.profiles.schema import ProfileFile
from simulator.profiles.unsupported import take_unsupported

# how finely wrong keys are left out
_DEPTHS = {"points": 3, "tables": 3, "identity": 2, "parameters": 2, "files": 2, "fifos": 2, "faults": 2}


@dataclass(frozen=True)
class Checked:
    """The keys of a file, and the paths of those that are wrong and so not in it."""

    file: ProfileFile
    wrong: frozenset[Path] = frozenset()

    def wrong_in(self, section: str, name: str) -> frozenset[str | int]:
        """The wrong keys of one point or table."""
        return frozenset(path[2] for path in self.wrong if path[:2] == (section, name) and len(path) > 2)


def validate(document: LayeredDocument) -> Checked:
    """The document's data; problems go to the document.  Raises ConfigError when nothing is left to judge."""
    data = take_unsupported(document)
    try:
        return Checked(ProfileFile.model_validate(data))
    except ValidationError as error:
        document.problems += from_validation_error(document, error, model=ProfileFile)
        wrong = frozenset(_cut(detail["loc"]) for detail in error.errors(include_url=False))
    try:
        return Checked(ProfileFile.model_validate(_without(data, wrong)), wrong)
    except ValidationError:
        raise ConfigError(sorted(document.problems)) from None


def _cut(place: Path) -> Path:
    """The path of the key that has to go for an error at ``place``."""
    if "[key]" in place[1:]:  # the key before it is no text
        return place[: place.index("[key]", 1)]
    return place[: _DEPTHS.get(str(place[0]), 1)]


def _without(data: Mapping[Any, Any], wrong: Iterable[Path]) -> dict[Any, Any]:
    result = copy.deepcopy(dict(data))
    for path in sorted(wrong, key=len, reverse=True):
        inner: Any = result
        for part in path[:-1]:
            inner = inner[part]
        inner.pop(path[-1], None)
        if path[0] == "points" and path[2:] == ("address",):
            inner["address"] = 0
        elif path[0] == "parameters" and len(path) == 2 and isinstance(path[1], str):
            inner[path[1]] = 0
    return result
