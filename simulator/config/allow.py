"""``allow``: the networks whose clients a listener serves.

The list of a group stands in place of the plant's.  The one rule: who is in no network of the list is a
stranger; without a list nobody is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from simulator.documents.networks import AllowList, Network, NetworkField, parse_network

__all__ = ["AllowField", "AllowList", "Network", "NetworkField", "allow_list", "parse_network"]

AllowField = Annotated[list[NetworkField], Field(min_length=1)]


def allow_list(networks: Iterable[Network] | None) -> AllowList | None:
    """The list of a file; None when it has none."""
    return None if networks is None else AllowList(networks)
