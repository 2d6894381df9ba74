"""Signals: values of the whole plant, computed once a tick, that formulas of all devices may read.

``move`` brings them to a virtual time, every tick of each in order, and gives a snapshot; ``load`` lets the
cells show one.  The one rule: a beat reads the values of its own instant, however long its work takes, so
it loads its snapshot before each slice; between beats the cells show the latest values.

A held signal shows the value it is held at, while its generator goes on underneath.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, nan

from twisted.logger import Logger

from simulator.documents.wording import unknown
from simulator.generators.base import Generator, Sampler
from simulator.generators.rows import EPOCH, Group, GroupRows
from simulator.timetable import NANOSECONDS, nanoseconds

log = Logger()

Snapshot = tuple[float, ...]


class Cell:
    """What one signal is at the instant that is being worked on."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0


@dataclass(slots=True, eq=False)
class _Signal:
    """One signal in motion."""

    name: str
    cell: Cell
    interval: int  # nanoseconds
    sampler: Sampler | None = None  # None when it has failed
    tick: int = 0
    value: float = 0.0  # what the generator says
    held: float | None = None
    on_failure: str | None = None
    errors: int = 0  # values that were not finite

    @property
    def due(self) -> int:
        return self.tick * self.interval

    @property
    def shown(self) -> float:
        return self.value if self.held is None else self.held

    def compute(self) -> None:
        """The next tick."""
        if self.sampler is not None:
            found = self.sampler.sample(self.tick, self.due / NANOSECONDS, 0, 1)
            self._take(found if isinstance(found, float) else float(found[0]))
        self.tick += 1

    def _take(self, value: float) -> None:
        if not isfinite(value):
            self.errors += 1
            if self.errors == 1:
                log.warn("signal {name} is {value} and goes to its on_error", name=self.name, value=value)
            value = {"zero": 0.0, "nan": nan}.get(self.on_failure or "hold", self.value)
        self.value = value


class Signals(Mapping[str, float]):
    """Every signal of a plant by name: its latest value.  ``generators`` come in an order of computation.

    Raises ValueError for a generator that cannot be used.
    """

    def __init__(self, generators: Mapping[str, Generator], *, seed: int = 0, epoch: float = EPOCH) -> None:
        self._signals = {
            name: _Signal(name, Cell(), nanoseconds(generator.interval), on_failure=generator.on_failure)
            for name, generator in generators.items()
        }
        rows = GroupRows([Group("signals", 1)], seed=seed, epoch=epoch, signals=self)
        for name, generator in generators.items():
            self._signals[name].sampler = generator.bind(rows, name)
        self.failed = 0
        self._latest: Snapshot = ()
        self._loaded: Snapshot = ()
        self._show()
        self.move(0)

    @property
    def intervals(self) -> set[float]:
        """At which signals move, in seconds."""
        return {signal.interval / NANOSECONDS for signal in self._signals.values()}

    @property
    def errors(self) -> int:
        """Values that could not be computed."""
        return sum(signal.errors for signal in self._signals.values())

    @property
    def latest(self) -> Snapshot:
        """The values that ``move`` came to last."""
        return self._latest

    def cell(self, name: str) -> Cell:
        """Where the value of a signal is read; raises KeyError."""
        return self._signals[name].cell

    def __getitem__(self, name: str) -> float:
        return self._signals[name].shown

    def __iter__(self) -> Iterator[str]:
        return iter(self._signals)

    def __len__(self) -> int:
        return len(self._signals)

    def hold(self, name: str, value: float) -> None:
        """Let a signal be ``value`` until it is released; raises ValueError for an unknown name."""
        if not isfinite(value):
            raise ValueError(f"signal.{name} is set to {value}, expected a finite number")
        self._named(name).held = float(value)
        self._show()

    def release(self, name: str | None = None) -> None:
        """Let a signal, or all of them, move again; raises ValueError for an unknown name."""
        for signal in self._signals.values() if name is None else (self._named(name),):
            signal.held = None
        self._show()

    def held(self, name: str) -> bool:
        """Whether a signal is held; raises ValueError for an unknown name."""
        return self._named(name).held is not None

    def move(self, now: int) -> Snapshot:
        """Compute every tick up to a virtual nanosecond; a snapshot of the values then."""
        self.load(self._latest)
        while (due := min((signal.due for signal in self._signals.values()), default=now + 1)) <= now:
            self._compute(due)
            self._show()
        return self._latest

    def load(self, snapshot: Snapshot) -> None:
        """Let the cells show the values of a snapshot."""
        if snapshot is not self._loaded:
            for signal, value in zip(self._signals.values(), snapshot, strict=True):
                signal.cell.value = value
            self._loaded = snapshot

    def _compute(self, due: int) -> None:
        """All signals of one instant, inputs first."""
        for signal in self._signals.values():
            if signal.due == due:
                try:
                    signal.compute()
                except Exception:
                    signal.sampler = None
                    signal.tick += 1
                    self.failed += 1
                    log.failure("signal {name} fails and stands still from now on", name=signal.name)
                signal.cell.value = signal.shown

    def _show(self) -> None:
        self._latest = tuple(signal.shown for signal in self._signals.values())
        self.load(self._latest)

    def _named(self, name: str) -> _Signal:
        found = self._signals.get(name)
        if found is None:
            raise ValueError(unknown("signal", name, self._signals))
        return found
