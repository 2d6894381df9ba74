"""What the format knows and this version does not carry out yet, as ONE table.

One rule: a key that would silently do nothing is refused at its place.  Whoever builds the feature
deletes its line here; nothing else in this package knows about it.
"""

from __future__ import annotations

from typing import Any

from simulator.profiles.layers import LayeredDocument

UNSUPPORTED: frozenset[str] = frozenset({"store"})
REFUSAL = "not supported by this version"


def take_unsupported(document: LayeredDocument) -> dict[Any, Any]:
    """The data of the document without what this version does not carry out; a problem for each."""
    data = dict(document.data)
    for key in UNSUPPORTED.intersection(data):
        document.report((key,), REFUSAL, key=True)
        del data[key]
    return data
