"""All verbs of a client, in one class that every face inherits.

``requests`` has the function codes, ``diagnostics`` the sub-functions of 08, ``typed`` values in place of
registers; ``names()`` lists them all.
"""

from __future__ import annotations

from simulator.client import plans
from simulator.client.diagnostics import DiagnosticVerbs
from simulator.client.requests import RequestVerbs
from simulator.client.typed import TypedVerbs


class Verbs(TypedVerbs, DiagnosticVerbs, RequestVerbs):
    """What can be asked of a server."""


def names() -> list[str]:
    """The verbs of every client, in the order of the function codes, then the typed ones."""
    return list(plans.verbs(Verbs))
