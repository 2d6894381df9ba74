"""``scenarios`` as files write them: timelines of steps.

The one rule: a model says which keys go together; what a step is about (devices, points, faults, signals)
is looked up by ``scenarios``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema, model_validator

from simulator.config.selection import TEXTS_SCHEMA, SelectionFile, Texts
from simulator.documents.durations import Duration
from simulator.documents.models import FileModel
from simulator.documents.problems import one_of, show

ACTIONS = ("fault", "offline", "online", "set", "release", "generator", "clear")
LASTING = ("fault", "offline", "set", "generator")  # actions that may end after a while
MOST_ROUNDS = 1_000_000

Text = Annotated[str, Field(min_length=1)]
Clear = Literal["all", "faults", "offline", "values"]


def _named(value: object) -> object:
    """A text or a list stands for patterns of device names."""
    return {"devices": value} if isinstance(value, (str, list)) else value


def _steps(value: object) -> object:
    """A list of steps stands for a scenario without anything else."""
    return {"steps": value} if isinstance(value, list) else value


def _rounds(value: object) -> int | None:
    """How often a scenario is played, None for ever.  Raises ValueError."""
    if isinstance(value, bool):
        return None if value else 1
    if isinstance(value, int) and 1 <= value <= MOST_ROUNDS:
        return value
    raise ValueError(f"loop is {show(value)}, expected true, false or how often, 1 to {MOST_ROUNDS}")


Rounds = Annotated[
    int | None,
    PlainValidator(_rounds),
    WithJsonSchema(
        {"anyOf": [{"type": "boolean"}, {"type": "integer", "minimum": 1, "maximum": MOST_ROUNDS}]}
    ),
]
Devices = Annotated[SelectionFile, BeforeValidator(_named)]


class SetFile(SelectionFile):
    """A value for a point of devices, or for a signal."""

    point: Text | None = None
    """The point; of the devices meant, those that have it."""
    signal: Text | None = None
    """The signal, in place of devices and a point."""
    value: int | float | bool | str | list[Any]
    """An engineering value, as in values of a group."""

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        _check_target(self)
        return self


class ReleaseFile(SelectionFile):
    """A point of devices or all of them, or a signal, to move again as their generators say."""

    point: Text | None = None
    """The point; all points without it."""
    signal: Text | None = None
    """The signal, in place of devices and a point."""

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        _check_target(self, needs_point=False)
        return self


class ChangeFile(SelectionFile):
    """Another generator for a point of devices."""

    point: Text
    """The point; of the devices meant, those that have it."""
    generator: dict[str, Any]
    """As in a profile; its time 0 is the time of the step."""


class StepFile(FileModel):
    """One step: when, and one of the actions."""

    at: Duration | None = None
    """When, from the start of the scenario; in place of after."""
    after: Duration | None = None
    """How long after the step before; 0s without at and after."""
    for_: Annotated[Duration | None, Field(alias="for")] = None
    """How long it lasts: then a fault, an outage, a value or a generator is taken back."""
    fault: Texts | None = None
    """Names of faults to switch on."""
    enabled: bool = True
    """false: switch the faults off."""
    offline: Devices | None = None
    """Devices to take away."""
    how: Literal["close", "drop"] | None = None
    """close, the default: connections end and new ones are refused; drop: nothing is answered."""
    online: Devices | None = None
    """Devices to bring back, whatever holds them."""
    set_: Annotated[SetFile | None, Field(alias="set")] = None
    """A value to set and hold."""
    release: ReleaseFile | None = None
    """What is held, to move again."""
    generator: ChangeFile | None = None
    """Another generator for a point."""
    clear: Clear | None = None
    """What scenarios have done, to be taken back: faults, offline, values or all of it."""

    @model_validator(mode="after")
    def _is_one_step(self) -> Self:
        found = self.actions
        if len(found) != 1:
            got = f"has {' and '.join(found)}" if found else "has no action"
            raise ValueError(f"step {got}, expected one of {one_of(ACTIONS)}")
        if self.at is not None and self.after is not None:
            raise ValueError("step has at and after, expected one of them")
        if self.for_ is not None and not (found[0] in LASTING and self.enabled):
            raise ValueError(
                f"for is given with {self._action(found[0])}, expected it with {one_of(LASTING)}"
            )
        if self.how is not None and self.offline is None:
            raise ValueError(f"how is given with {found[0]}, expected it with offline")
        if not self.enabled and self.fault is None:
            raise ValueError(f"enabled is given with {found[0]}, expected it with fault")
        return self

    @property
    def actions(self) -> list[str]:
        """The keys of actions that are given."""
        values = {name: getattr(self, "set_" if name == "set" else name) for name in ACTIONS}
        return [name for name, value in values.items() if value is not None]

    def _action(self, name: str) -> str:
        return name if self.enabled else f"{name} and enabled: false"


class ScenarioFile(FileModel):
    """Steps in time, and how they are played."""

    steps: Annotated[list[StepFile], Field(min_length=1)]
    """What happens; a scenario that is nothing else may be written as the list."""
    start: bool = False
    """Whether it starts with the plant."""
    loop: Rounds = 1
    """true: again and again; a number: so often."""
    every: Duration | None = None
    """How long a round takes at the least; the next one begins then."""
    restore: bool = False
    """Whether all it has changed is taken back when it ends or is stopped."""


Scenarios = dict[Text, Annotated[ScenarioFile, BeforeValidator(_steps)]]


def complete_schema(schema: dict[str, Any]) -> None:
    """Add the short forms to the JSON Schema of a plant: a list of steps, patterns of device names."""
    definitions = schema["$defs"]
    step = definitions["StepFile"]["properties"]
    for key in ("offline", "online"):
        step[key]["anyOf"] = [*TEXTS_SCHEMA["anyOf"], *step[key]["anyOf"]]
    steps = {"type": "array", "items": {"$ref": "#/$defs/StepFile"}, "minItems": 1}
    forms = {"anyOf": [{"$ref": "#/$defs/ScenarioFile"}, steps]}
    schema["properties"]["scenarios"]["additionalProperties"] = forms
    definitions["ChangeFile"]["properties"]["generator"] = {"$ref": "#/$defs/Generator"}


def _check_target(file: SetFile | ReleaseFile, *, needs_point: bool = True) -> None:
    """A signal alone, or a point."""
    others = [key for key in (*SelectionFile.model_fields, "point") if getattr(file, key) is not None]
    if file.signal is not None and others:
        raise ValueError(f"signal is given beside {one_of(others)}, expected it alone")
    if needs_point and file.signal is None and file.point is None:
        raise ValueError("point is missing, expected a point of devices, or a signal")
