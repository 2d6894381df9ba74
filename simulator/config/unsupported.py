"""What the format of plant files knows and this version does not carry out yet, as ONE table.

The one rule: a key that would silently do nothing is refused at its place.  Whoever builds a feature
deletes its line here.
"""

from __future__ import annotations

from typing import Any

from simulator.documents.yaml import Document, Path
from simulator.errors import Problem

PLANT = frozenset({"record", "store", "workers"})
CONTROL = frozenset({"console"})
GROUP = frozenset({"store"})
REFUSAL = "not supported by this version"


def take_unsupported(
    document: Document, data: dict[Any, Any], path: Path, refused: frozenset[str], problems: list[Problem]
) -> dict[Any, Any]:
    """The mapping at ``path`` without what is refused; a problem for each key left out."""
    found = refused.intersection(data)
    if not found:
        return data
    problems.extend(document.problem((*path, key), REFUSAL, key=True) for key in sorted(found))
    return {key: value for key, value in data.items() if key not in found}
