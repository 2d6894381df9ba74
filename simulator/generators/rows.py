"""What a generator may know about the devices it serves.

``Rows`` is the contract; ``GroupRows`` keeps it for devices that come in groups, each with a name and
parameters of its own.  One rule: a number that is equal for all devices is one float.  Arrays have one
element for each device, in row order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from simulator.documents.templates import INDEX_FIELDS, Template
from simulator.generators import randomness
from simulator.generators.formula_text import SIGNAL
from simulator.generators.numbers import Number, Parameters, Values, Varying
from simulator.generators.scratch import Scratch
from simulator.generators.sources import Cell, Numbers, Signal, Signals, Source

EPOCH = 1767268800.0  # 2026-01-01T12:00:00Z: where virtual time begins unless the plant says otherwise


class Rows(Protocol):
    """The devices of one fleet."""

    @property
    def count(self) -> int:
        """How many devices there are."""

    @property
    def seed(self) -> int:
        """What all randomness derives from."""

    @property
    def epoch(self) -> float:
        """Unix seconds of virtual time 0: the calendar says at ``t`` what it says at ``epoch + t``."""

    @property
    def scratch(self) -> Scratch:
        """Memory for the samplers of this fleet."""

    def number(self, number: Number) -> Values:
        """A field of a generator: a float when equal for all devices, else float64 of ``count``."""

    def keys(self) -> np.ndarray:
        """uint64 of ``count``, hashed from each device's identity; the same array at every call.

        Generators hash the point's name in themselves, so one array serves all points of a fleet.
        """

    def source(self, name: str) -> Source:
        """A point of the devices, a parameter, ``signal.NAME``, ``i`` or ``n``; ``ValueError`` for others."""

    def started(self, point: str) -> bool | np.ndarray:
        """Whether the point stands at a starting value of the file; by row where groups differ."""


@dataclass(frozen=True, slots=True)
class Group:
    """``count`` devices from ``first`` on; group and number are the identity of a device."""

    name: str
    count: int
    parameters: Parameters = field(default_factory=dict)
    first: int = 0
    started: frozenset[str] = frozenset()  # points with a starting value


class GroupRows:
    """The rows of groups, one after the other.  Keys are made at the first call: 8 bytes a device.

    ``points`` gives the source of a point by its name, None for other names.
    """

    def __init__(
        self,
        groups: Iterable[Group],
        *,
        seed: int = 0,
        epoch: float = EPOCH,
        points: Callable[[str], Source | None] = lambda name: None,
        signals: Signals | None = None,
    ) -> None:
        self.groups = tuple(groups)
        self.count = sum(group.count for group in self.groups)
        self.seed = seed
        self.epoch = epoch
        self.scratch = Scratch()
        self._points, self._signals = points, signals
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

    def source(self, name: str) -> Source:
        """A parameter is a number of each device; a point goes before a parameter of the same name."""
        kind, _, signal = name.partition(".")
        if kind == SIGNAL:
            return Signal(self._cell(signal))
        point = None if name in INDEX_FIELDS else self._points(name)
        return Numbers(self.number(Varying(Template(f"{{{name}}}")))) if point is None else point

    def started(self, point: str) -> bool | np.ndarray:
        """One truth value unless groups differ."""
        marks = [point in group.started for group in self.groups]
        if len(set(marks)) <= 1:
            return any(marks)
        return np.repeat(marks, [group.count for group in self.groups])

    def _cell(self, name: str) -> Cell:
        try:
            if self._signals is not None:
                return self._signals.cell(name)
        except KeyError:
            pass
        raise ValueError(f"{SIGNAL}.{name} does not exist, expected a signal of the plant")
