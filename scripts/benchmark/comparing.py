"""Paired runs: the same load on each server in turn, ratios round by round.

Two servers are never compared across rounds: what disturbs a round disturbs both.  For CPU per
request the server and the load share one core, so that no wake-up of a sleeping core is charged to
either; throughput and latency are measured with the load on the other core.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from . import load as loads
from .load import Load, Result
from .processes import Server


@dataclass(frozen=True)
class Pace:
    """How long and how often everything is measured."""

    rounds: int
    seconds: float
    starts: int  # start-ups measured
    watch_s: float  # how long a ticking plant is watched

    @classmethod
    def full(cls) -> Pace:
        return cls(rounds=7, seconds=1.0, starts=5, watch_s=20)

    @classmethod
    def quick(cls) -> Pace:
        return cls(rounds=3, seconds=0.4, starts=2, watch_s=6)


@dataclass(frozen=True)
class Contender:
    """One side of a comparison: a server and where the load finds it."""

    server: Server
    targets: tuple[str, ...]
    load: Load | None = None  # instead of the common load

    @property
    def name(self) -> str:
        return self.server.name


@dataclass
class Runs:
    """All results of one contender under one load, in the order of the rounds."""

    results: list[Result] = field(default_factory=list)

    def middle(self, name: str) -> float:
        return median(result.value(name) for result in self.results)

    @property
    def wrong(self) -> str:
        return "; ".join(sorted({result.wrong for result in self.results if result.wrong}))


def paired(
    program: Path, contenders: Sequence[Contender], load: Load, core: int, pace: Pace, *, label: str
) -> list[Runs]:
    """Run the load on each contender in turn, round after round."""
    runs = [Runs() for _ in contenders]
    for number in range(pace.rounds):
        progress(f"{label}: round {number + 1} of {pace.rounds}")
        for contender, mine in zip(contenders, runs, strict=True):
            chosen = (contender.load or load).with_options("-S", str(number + 1))
            mine.results.append(
                loads.run(
                    program, chosen, contender.targets, contender.server.pid, core, seconds=pace.seconds
                )
            )
    return runs


def ratios(ours: Runs, theirs: Runs, name: str = "cpu_us") -> list[float]:
    """Ours over theirs, round by round; rounds in which either answered nothing are left out."""
    pairs = zip(ours.results, theirs.results, strict=True)
    answered = [(our, their) for our, their in pairs if our.requests and their.requests]
    return [our.value(name) / their.value(name) for our, their in answered if their.value(name)]


def progress(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)
