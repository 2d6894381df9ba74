"""What scenarios do, ready to be done: steps in time, each with one action.

The one rule: nothing here needs checking again; a step can say what it does in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from simulator.config.selection import Selection
from simulator.config.timelines import Clear
from simulator.documents.durations import format_duration
from simulator.documents.problems import show

if TYPE_CHECKING:
    from simulator.generators.base import Generator


@dataclass(frozen=True, slots=True)
class SwitchFaults:
    """Switch faults on or off."""

    names: tuple[str, ...]
    enabled: bool

    def __str__(self) -> str:
        return f"{'enable' if self.enabled else 'disable'} {', '.join(self.names)}"


@dataclass(frozen=True, slots=True)
class TakeOffline:
    """Take devices away."""

    selection: Selection
    how: Literal["close", "drop"]

    def __str__(self) -> str:
        return f"{self.how} {_devices(self.selection)}"


@dataclass(frozen=True, slots=True)
class BringOnline:
    """Bring devices back."""

    selection: Selection

    def __str__(self) -> str:
        return f"bring {_devices(self.selection)} back"


@dataclass(frozen=True, slots=True)
class SetPoint:
    """Set a point of devices, and hold it."""

    selection: Selection
    point: str
    value: Any

    def __str__(self) -> str:
        return f"set {self.point} of {_devices(self.selection)} to {show(self.value)}"


@dataclass(frozen=True, slots=True)
class SetSignal:
    """Hold a signal at a value."""

    name: str
    value: float

    def __str__(self) -> str:
        return f"set signal.{self.name} to {self.value:g}"


@dataclass(frozen=True, slots=True)
class ReleasePoints:
    """Let points of devices move again, None for all of them."""

    selection: Selection
    point: str | None

    def __str__(self) -> str:
        return f"release {self.point or 'every point'} of {_devices(self.selection)}"


@dataclass(frozen=True, slots=True)
class ReleaseSignal:
    """Let a signal move again."""

    name: str

    def __str__(self) -> str:
        return f"release signal.{self.name}"


@dataclass(frozen=True, slots=True)
class ChangeGenerator:
    """Move a point of devices by another generator; ``generators`` by the index of the group."""

    selection: Selection
    point: str
    generators: Mapping[int, Generator]

    def __str__(self) -> str:
        kinds = dict.fromkeys(generator.type_name for generator in self.generators.values())
        return f"move {self.point} of {_devices(self.selection)} by {', '.join(kinds)}"


@dataclass(frozen=True, slots=True)
class ClearAway:
    """Take back what scenarios have done."""

    what: Clear

    def __str__(self) -> str:
        return f"clear {self.what}"


Action = (
    SwitchFaults
    | TakeOffline
    | BringOnline
    | SetPoint
    | SetSignal
    | ReleasePoints
    | ReleaseSignal
    | ChangeGenerator
    | ClearAway
)


@dataclass(frozen=True, slots=True)
class Step:
    """One action, ``at`` seconds after the start of a round, taken back after ``lasting``."""

    at: float
    action: Action
    lasting: float | None
    position: str  # file:line:column

    def __str__(self) -> str:
        lasting = "" if self.lasting is None else f" for {format_duration(self.lasting)}"
        return f"{format_duration(self.at)}: {self.action}{lasting}"


@dataclass(frozen=True, slots=True)
class ScenarioPlan:
    """Steps in the order of time.  ``rounds`` is how often they are played, None for ever."""

    name: str
    steps: tuple[Step, ...]
    starts: bool = False
    rounds: int | None = 1
    every: float = 0.0  # seconds of a round at the least
    restores: bool = False

    @property
    def duration(self) -> float:
        """Seconds of a round."""
        return max(self.every, *(step.at + (step.lasting or 0.0) for step in self.steps))


def steps_about(plans: Iterable[ScenarioPlan], group: int, index: int, point: str | None = None) -> list[str]:
    """The steps of scenarios that concern a point of one device; without ``point``, any of it."""
    return [
        f"{plan.name}: {step}"
        for plan in plans
        for step in plan.steps
        if (selection := getattr(step.action, "selection", None)) is not None
        and selection.covers(group, index)
        and (point is None or getattr(step.action, "point", None) in (None, point))
    ]


def _devices(selection: Selection) -> str:
    return "1 device" if selection.count == 1 else f"{selection.count} devices"
