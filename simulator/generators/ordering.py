"""In which order points that read each other move, and which of them belong together.

A point moves after the points it reads, so that it sees their values of the same instant.  Points whose
generators remember (``is_stateful``) may read what depends on them: where that would close a circle they
move first and take the value of the tick before.  Any other circle is refused, with its path.

Points that stand on the registers of others (``meeting``) belong together, too, whoever reads them: what
stands there in the end is that of the last one.  Who reads registers moves after those that write them, where
that closes no circle.

One rule: the order depends on the profile alone, never on chance or on hashes: points that do not care keep
the order of the file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush

from simulator.generators.base import Generator
from simulator.generators.quantities import inputs_of

Edges = Mapping[str, Iterable[str]]
NONE: Edges = {}


class CycleError(ValueError):
    """Points that wait for each other; ``path`` begins and ends with the same."""

    def __init__(self, path: Sequence[str]) -> None:
        self.path = tuple(path)
        super().__init__(f"points wait for each other, got {' -> '.join(path)}, expected an end")


def reads(generators: Mapping[str, Generator]) -> dict[str, list[str]]:
    """Which moving points each point reads, in the order of the file."""
    inputs = {name: inputs_of(generator) for name, generator in generators.items()}
    return {name: [other for other in generators if other in inputs[name]] for name in generators}


def _touched(generators: Mapping[str, Generator], meeting: Edges) -> dict[str, list[str]]:
    """Which moving points stand on registers that each point reads under another name."""
    found: dict[str, list[str]] = {}
    for name, generator in generators.items() if meeting else ():
        others = {other for read in inputs_of(generator) for other in meeting.get(read, ())}
        found[name] = [other for other in generators if other in others and other != name]
    return found


def arranged(generators: Mapping[str, Generator], meeting: Edges = NONE) -> list[str]:
    """The points in an order in which they can move.  Raises CycleError.

    ``meeting`` tells for any point, static ones too, which moving points stand on its registers.
    """
    wanted = reads(generators)
    firm = {name: others for name, others in wanted.items() if not generators[name].is_stateful}
    circle = _circle(firm)
    if circle is not None:
        raise CycleError(circle)
    followers: defaultdict[str, set[str]] = defaultdict(set)
    for name, others in firm.items():
        for other in others:
            followers[other].add(name)
    soft = {name: others for name, others in wanted.items() if name not in firm}
    for edges in (soft, _touched(generators, meeting)):
        for name, earlier in edges.items():
            for other in earlier:
                if not _leads(followers, name, other):
                    followers[other].add(name)
    return _sorted(list(generators), followers)


def components(generators: Mapping[str, Generator], meeting: Edges = NONE) -> list[tuple[float, list[str]]]:
    """Points that depend on each other or meet, in their order, with the shortest of their intervals.

    Points that have nothing to do with others are components of one.  Raises CycleError.
    """
    order = arranged(generators, meeting)
    home = {name: name for name in order}

    def root(name: str) -> str:
        while home[name] != name:
            home[name] = name = home[home[name]]
        return name

    for edges in (reads(generators), _touched(generators, meeting), meeting):
        for name, others in edges.items():
            for other in others if name in generators else ():
                home[root(other)] = root(name)
    members: dict[str, list[str]] = {}
    for name in order:
        members.setdefault(root(name), []).append(name)
    return [(min(generators[name].interval for name in found), found) for found in members.values()]


def _circle(edges: Edges) -> list[str] | None:
    """The first circle of points each of which reads the next, or None."""
    done: set[str] = set()
    for start in edges:
        path: list[str] = []
        branches = [iter((start,))]
        while branches:
            name = next(branches[-1], None)
            if name is None:
                branches.pop()
                if path:
                    done.add(path.pop())
            elif name in path:
                return [*path[path.index(name) :], name]
            elif name not in done:
                path.append(name)
                branches.append(iter(edges.get(name, ())))
    return None


def _leads(followers: Mapping[str, set[str]], first: str, last: str) -> bool:
    """Whether ``last`` has to move after ``first`` already."""
    found, open_ = {first}, [first]
    while open_:
        for name in followers.get(open_.pop(), ()):
            if name not in found:
                found.add(name)
                open_.append(name)
    return last in found


def _sorted(names: Sequence[str], followers: Mapping[str, set[str]]) -> list[str]:
    """Followers behind what they follow, otherwise as they are."""
    rank = {name: place for place, name in enumerate(names)}
    waiting = dict.fromkeys(names, 0)
    for each in followers.values():
        for name in each:
            waiting[name] += 1
    free = [rank[name] for name in names if not waiting[name]]
    heapify(free)
    order = []
    while free:
        order.append(names[heappop(free)])
        for name in followers.get(order[-1], ()):
            waiting[name] -= 1
            if not waiting[name]:
                heappush(free, rank[name])
    return order
