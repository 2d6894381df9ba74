"""Clients and ``fork``: a child process has copies of them, but the connections are the parent's.

A request that a child sent over its parent's connection would take the parent's answers, or leave it the
child's.  So every blocking client and pool is told in a child, before anything else runs there.  The one
rule: nothing is said to the server; the parent's connection stays as it is.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forking(Protocol):
    """Something that wants to know of a fork."""

    def forked(self) -> None:
        """This is a child process now."""
        ...


_living: WeakSet[Forking] = WeakSet()


def after_fork(client: Forking) -> None:
    """Call ``forked`` of ``client`` in every child process, as long as the client is there."""
    _living.add(client)


def _tell() -> None:
    for client in list(_living):
        client.forked()


os.register_at_fork(after_in_child=_tell)
