"""Who holds a connection to which address, and who may have another one.

The books of one listener whose devices limit their connections.  One rule: the oldest connection has the
best right to stay, except where the devices close the oldest for a new one.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.quirks import ConnectionQuirks


class Admission:
    """The connections of each place, a local address, the oldest first; only those that are limited."""

    def __init__(self) -> None:
        self._held: dict[str, dict[Any, str]] = {}  # place -> connection -> host
        self._hosts: Counter[tuple[str, str]] = Counter()  # by place and host
        self._places: dict[Any, str] = {}  # connection -> place

    def add(self, connection: Any, place: str, host: str, quirks: ConnectionQuirks) -> Any:
        """Note a connection; the one that has to go for it, which may be itself, or None."""
        most, most_per_host = quirks.max_connections, quirks.max_connections_per_host
        if most is None and most_per_host is None:
            return None
        held = self._held.setdefault(place, {})
        held[connection] = host
        self._places[connection] = place
        self._hosts[place, host] += 1
        if most_per_host and self._hosts[place, host] > most_per_host:
            rivals = iter([other for other, whose in held.items() if whose == host])
        elif most and len(held) > most:
            rivals = iter(held)
        else:
            return None
        return next(rivals) if quirks.when_full == "close_oldest" else connection

    def remove(self, connection: Any) -> None:
        """A connection has ended."""
        place = self._places.pop(connection, None)
        if place is None:
            return
        held = self._held[place]
        host = held.pop(connection)
        if not held:
            del self._held[place]
        self._hosts[place, host] -= 1
        if not self._hosts[place, host]:
            del self._hosts[place, host]
