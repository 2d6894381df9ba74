"""A rule while the plant runs: whether it is on, what it has counted, what it remembers of each device.

``bind`` makes the rule of one device, which decides about each of its requests.  The one rule: a rule counts
for each device on its own, so what one device is asked changes nothing for another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulator.faults.chance import Draws
from simulator.faults.conditions import Asked, Conditions
from simulator.faults.corruption import Corruption
from simulator.faults.files import RuleFile
from simulator.faults.replies import Memory
from simulator.generators.randomness import key, mix
from simulator.points import Point

Device = tuple[int, int]  # group, index in the group
_WORD = 0xFFFF_FFFF_FFFF_FFFF


class Rule:
    """A fault of the plant, by its name.

    ``matched`` counts the requests (for kinds that act on links, the connections) the rule is about,
    ``applied`` those of them it was done to; they never go back.  ``is_down`` is true while a ``flap`` has
    the link down, ``since`` the virtual time at which the rule was switched on.
    """

    __slots__ = (
        "_bound",
        "_key",
        "_links",
        "applied",
        "enabled",
        "is_down",
        "matched",
        "name",
        "since",
        "then",
        "turn",
        "when",
    )

    def __init__(self, name: str, file: RuleFile, seed: int) -> None:
        self.name = name
        self.when = file.when
        self.then = file.then
        self.enabled = False
        self.is_down = False
        self.matched = 0
        self.applied = 0
        self.since = 0.0
        self.turn = 0  # how often it was switched on: memories of before are void
        self._key = key(seed, f"fault\0{name}")
        self._bound: dict[Device, Bound] = {}
        self._links: dict[Device, Bound] = {}

    def switch_on(self, now: float) -> None:
        """Act from now on, as if for the first time; ``now`` is in virtual seconds."""
        self.enabled = True
        self.since = now
        self.turn += 1

    def switch_off(self) -> None:
        """Act no longer, and forget what was remembered; who asks for the rule of a device keeps it."""
        self.enabled = self.is_down = False
        for bound in self._bound.values():
            bound.memory = bound.corruption = None
        self._links.clear()

    def bound(self, device: Device, conditions: Conditions, points: Mapping[str, Point]) -> Bound:
        """The rule of one device."""
        found = self._bound.get(device)
        if found is None:
            found = self._bound[device] = Bound(self, device, conditions, points)
        return found

    def connected(self, device: Device, conditions: Conditions, client: str, scheme: str) -> bool:
        """Count a connection to a device; True when the rule is done to it."""
        if not self.enabled or not conditions.reach(client, scheme):
            return False
        found = self._links.get(device)
        if found is None:
            found = self._links[device] = Bound(self, device, conditions, {})
        return found.takes() is not None

    def stream(self, device: Device) -> int:
        """The key of the random numbers for a device."""
        group, index = device
        return mix((self._key + mix(group) + mix(index << 20)) & _WORD)

    def __repr__(self) -> str:
        state = "on" if self.enabled else "off"
        return f"<fault {self.name} {state}: {self.matched} matched, {self.applied} applied>"


class Bound:
    """A rule as one device knows it; ``memory`` and ``corruption`` are made when they are needed."""

    __slots__ = ("_count", "_key", "_turn", "conditions", "corruption", "memory", "points", "rule")

    def __init__(
        self, rule: Rule, device: Device, conditions: Conditions, points: Mapping[str, Point]
    ) -> None:
        self.rule = rule
        self.conditions = conditions
        self.points = points
        self.memory: Memory | None = None
        self.corruption: Corruption | None = None
        self._key = rule.stream(device)
        self._turn = rule.turn
        self._count = 0

    def decide(self, asked: Asked) -> Draws | None:
        """The random numbers with which the rule acts on a request, None when it does not."""
        if not self.rule.enabled or not self.conditions.fit(asked):
            return None
        return self.takes()

    def takes(self) -> Draws | None:
        """Count a request the rule is about; whether it is its turn."""
        rule, when = self.rule, self.rule.when
        if self._turn != rule.turn:
            self._turn, self._count = rule.turn, 0
            self.memory = self.corruption = None
        rule.matched += 1
        self._count += 1
        passed = self._count - when.after
        if passed <= 0 or passed % when.every:
            return None
        draws = Draws(mix((self._key + self._count) & _WORD))
        if when.probability < 1.0 and draws.number() >= when.probability:
            return None
        rule.applied += 1
        return draws

    def remembered(self) -> Memory:
        """Answers of earlier."""
        if self.memory is None:
            self.memory = Memory()
        return self.memory

    def corrupting(self) -> Corruption:
        """What is done to values."""
        if self.corruption is None:
            assert self.rule.then.corrupt_values is not None
            names: Sequence[str] | None = self.rule.when.point
            self.corruption = Corruption(
                self.rule.then.corrupt_values, self.points, names, self.conditions.blocks
            )
        return self.corruption
