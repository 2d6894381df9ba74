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
        ("profile", "exception_status"),
        ("profile", "faults"),
        ("profile", "fifos"),
        ("profile", "files"),
        ("profile", "quirks"),
        ("profile", "server_id"),
        ("profile", "store"),
        ("point", "on_write"),
        ("data_type", "acc16"),
        ("data_type", "acc32"),
        ("data_type", "acc64"),
        ("data_type", "bitfield16"),
        ("data_type", "bitfield32"),
        ("data_type", "bitfield64"),
        ("data_type", "enum16"),
        ("data_type", "enum32"),
        ("data_type", "eui48"),
        ("data_type", "ipaddr"),
        ("data_type", "ipv6addr"),
        ("data_type", "pad"),
        ("data_type", "sunssf"),
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
_NOTHING = object()


def take_unsupported(document: LayeredDocument) -> dict[Any, Any]:
    """The data of the document without what this version does not carry out; a problem for each."""
    data = dict(document.data)
    _refuse_keys(document, data, "profile", ())
    points = data.get("points")
    if isinstance(points, Mapping):
        taken = {name: _take_from_point(document, name, point) for name, point in points.items()}
        data["points"] = {name: point for name, point in taken.items() if point is not _NOTHING}
    return data


def _take_from_point(document: LayeredDocument, name: str | int, point: Any) -> Any:
    """The point without what is refused, ``_NOTHING`` when nothing useful is left of it."""
    if not isinstance(point, Mapping):
        return point
    path: Path = ("points", name)
    point = dict(point)
    _refuse_keys(document, point, "point", path)
    if ("data_type", point.get("data_type")) in UNSUPPORTED:
        document.report((*path, "data_type"), f"data type {point['data_type']} is {REFUSAL}")
        return _NOTHING
    generator = point.get("generator")
    if isinstance(generator, Mapping) and ("generator", generator.get("type")) in UNSUPPORTED:
        document.report((*path, "generator", "type"), f"generator {generator['type']} is {REFUSAL}")
        del point["generator"]
    return point


def _refuse_keys(document: LayeredDocument, data: dict[Any, Any], kind: str, path: Path) -> None:
    for key in [key for key in data if (kind, key) in UNSUPPORTED]:
        document.report((*path, key), REFUSAL, key=True)
        del data[key]
