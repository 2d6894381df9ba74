"""What the format knows and this version does not carry out yet, as ONE table.

One rule: a key that would silently do nothing is refused at its place.  Whoever builds the feature
deletes its line here; nothing else in this package knows about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.documents.yaml import Path
from simulator.profiles.layers import LayeredDocument

UNSUPPORTED: frozenset[tuple[str, str]] = frozenset(
    {
        ("profile", "faults"),
        ("profile", "store"),
        ("point", "on_write"),
        ("generator", "csv"),
        ("generator", "daylight"),
        ("generator", "follow"),
        ("generator", "formula"),
        ("generator", "integrate"),
        ("generator", "lag"),
        ("generator", "pid"),
        ("generator", "schedule"),
        ("generator", "script"),
    }
)
REFUSAL = "not supported by this version"


def take_unsupported(document: LayeredDocument) -> dict[Any, Any]:
    """The data of the document without what this version does not carry out; a problem for each."""
    data = dict(document.data)
    _refuse_keys(document, data, "profile", ())
    points = data.get("points")
    if isinstance(points, Mapping):
        data["points"] = {name: _take_from_point(document, name, point) for name, point in points.items()}
    return data


def _take_from_point(document: LayeredDocument, name: str | int, point: Any) -> Any:
    """The point without what is refused."""
    if not isinstance(point, Mapping):
        return point
    path: Path = ("points", name)
    point = dict(point)
    _refuse_keys(document, point, "point", path)
    generator = point.get("generator")
    if isinstance(generator, Mapping) and _is_unsupported("generator", generator.get("type")):
        document.report((*path, "generator", "type"), f"generator {generator['type']} is {REFUSAL}")
        del point["generator"]
    return point


def _refuse_keys(document: LayeredDocument, data: dict[Any, Any], kind: str, path: Path) -> None:
    for key in [key for key in data if (kind, key) in UNSUPPORTED]:
        document.report((*path, key), REFUSAL, key=True)
        del data[key]


def _is_unsupported(kind: str, name: object) -> bool:
    return isinstance(name, str) and (kind, name) in UNSUPPORTED
