"""What a generator may know about the devices it serves.

``Rows`` is the contract; ``GroupRows`` keeps it for devices that come in groups, each with a name and
parameters of its own.  One rule: a number that is equal for all devices is one float.  Arrays have one
element for each device, in row order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from simulator.generators import randomness
from simulator.generators.numbers import Number, Parameters, Values
from simulator.generators.scratch import Scratch


class Rows(Protocol):
    """The devices of one fleet."""

    @property
    def count(self) -> int:
        """How many devices there are."""

    @property
    def seed(self) -> int:
        """What all randomness derives from."""

    @property
    def scratch(self) -> Scratch:
        """Memory for the samplers of this fleet."""

    def number(self, number: Number) -> Values:
        """A field of a generator: a float when equal for all devices, else float64 of ``count``."""

    def keys(self) -> np.ndarray:
        """uint64 of ``count``, hashed from each device's identity; the same array at every call.

        Generators hash the point's name in themselves, so one array serves all points of a fleet.
        """


@dataclass(frozen=True, slots=True)
class Group:
    """``count`` devices from ``first`` on; group and number are the identity of a device."""

    name: str
    count: int
    parameters: Parameters = field(default_factory=dict)
    first: int = 0


class GroupRows:
    """The rows of groups, one after the other.  Keys are made at the first call: 8 bytes a device."""

    def __init__(self, groups: Iterable[Group], *, seed: int = 0) -> None:
        self.groups = tuple(groups)
        self.count = sum(group.count for group in self.groups)
        self.seed = seed
        self.scratch = Scratch()
        self._keys: np.ndarray | None = None

    def number(self, number: Number) -> Values:
        """A field, resolved for every device; ``ValueError`` when a text is no number."""
        if isinstance(number, float):
            return number
        spans = [number.over(group.first, group.count, group.parameters) for group in self.groups]
        first = spans[0] if spans else 0.0
        if isinstance(first, float) and all(isinstance(span, float) and span == first for span in spans):
            return first
        pieces = zip(spans, self.groups, strict=True)
        return np.concatenate([np.broadcast_to(span, (group.count,)) for span, group in pieces])

    def keys(self) -> np.ndarray:
        """A hash of seed, group and number for each device."""
        if self._keys is None:
            self._keys = np.empty(self.count, np.uint64)
            place = 0
            for group in self.groups:
                name = randomness.key(self.seed, group.name)
                self._keys[place : place + group.count] = randomness.keys(
                    name, group.first, group.first + group.count
                )
                place += group.count
        return self._keys
