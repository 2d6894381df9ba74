"""What the groups behind one listener have to agree on: ``allow``, ``gateway``, quirks of the connection.

A group that says nothing follows the others.  Networks are those of a whole listener.  A gateway and the
quirks of a connection belong to an address, because a listener on many addresses serves a box on each; so
only groups that share an address have to agree.  The one rule: of two that differ, the later one in the
file is told, and where the other one stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from simulator.config.placement import ListenerPlan, Span
from simulator.config.plant import Group
from simulator.quirks import NO_CONNECTION_QUIRKS, ConnectionQuirks


class Difference(NamedTuple):
    """Two groups that say different things about what they share."""

    group: int
    other: int
    key: str
    endpoint: str


def connection_quirks(group: Group) -> ConnectionQuirks | None:
    """The quirks of a group's connections, None without any."""
    quirks = group.profile.quirks.connection
    return None if quirks == NO_CONNECTION_QUIRKS else quirks


_OF_LISTENER: dict[str, Callable[[Group], object]] = {"allow": lambda group: group.allow}
_OF_ADDRESS: dict[str, Callable[[Group], object]] = {
    "gateway": lambda group: group.gateway,
    "quirks": connection_quirks,
}


def differences(groups: Sequence[Group], listeners: Iterable[ListenerPlan]) -> list[Difference]:
    """Each pair of groups once for a key."""
    found: dict[tuple[int, int, str], Difference] = {}
    for plan in listeners:
        if plan.line is not None or len(plan.spans) < 2:
            continue
        for key, told in (*_OF_LISTENER.items(), *_OF_ADDRESS.items()):
            spans = [span for span in plan.spans if told(groups[span.group]) is not None]
            for one, other in _unlike(spans, groups, told, everywhere=key in _OF_LISTENER):
                pair = max(one, other), min(one, other)
                found.setdefault((*pair, key), Difference(*pair, key, plan.endpoint))
    return sorted(found.values())


def _unlike(
    spans: list[Span], groups: Sequence[Group], told: Callable[[Group], object], *, everywhere: bool
) -> Iterator[tuple[int, int]]:
    """Pairs of groups that differ and share an address; each with those before it that reach furthest."""
    furthest: dict[object, Span] = {}  # by what is told: who reaches the highest address so far
    for span in sorted(spans, key=lambda span: span.first_ip):
        mine = told(groups[span.group])
        for theirs, other in furthest.items():
            if theirs != mine and (everywhere or other.last_ip >= span.first_ip):
                yield span.group, other.group
        if mine not in furthest or furthest[mine].last_ip < span.last_ip:
            furthest[mine] = span
