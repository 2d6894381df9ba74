"""The keys of ``on_write``: what a device does when one of its points has been written.

One rule: an entry is of one kind, by its key: ``set``, ``pulse``, ``ramp``, ``reject`` or ``call``.  The
attribute docstrings are the descriptions that editors show.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from simulator.documents.durations import PATTERN, Duration, parse_duration
from simulator.documents.models import FileModel
from simulator.documents.problems import one_of
from simulator.errors import IllegalDataValue
from simulator.faults.words import parse_exception

KINDS = ("set", "pulse", "ramp", "reject", "call")
SHORTEST_STEP_S = 0.001

_TIME = {"type": "string", "pattern": PATTERN}


def _longer_than_nothing(value: object) -> float:
    seconds = parse_duration(value)
    if seconds == 0:
        raise ValueError("duration is 0s, expected more")
    return seconds


Span = Annotated[float, PlainValidator(_longer_than_nothing), WithJsonSchema(_TIME)]
Name = Annotated[str, Field(min_length=1)]
ExceptionCode = Annotated[
    int,
    PlainValidator(parse_exception),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 1, "maximum": 255}]}),
]


class RampFile(FileModel):
    """A point that moves to a value step by step."""

    point: Name | None = None
    """Which point moves; default: the one that is written, from the value it had."""
    to: int | float | str
    """Where to: a number or a formula."""
    duration: Span
    interval: Annotated[Duration, Field(ge=SHORTEST_STEP_S)] = 1.0
    """The time between two steps."""


class RejectFile(FileModel):
    """Which writes of clients are refused."""

    unless: Name
    """A formula; the write is refused where it is 0."""
    exception: ExceptionCode = IllegalDataValue.code
    """The answer: an exception's name or code."""


class ReactionFile(FileModel):
    """What happens when the point is written: one of set, pulse, ramp, reject and call."""

    set: dict[Name, Any] | None = None
    """Values by point: numbers, labels, texts, or formulas over points, value (what was written) and old."""
    pulse: Span | None = None
    """How long the written value stands; then the point has its value of before again, a bool is false."""
    ramp: RampFile | None = None
    reject: RejectFile | None = None
    call: Name | None = None
    """A Python function, module:function or file.py:function: f(plant, device, point, old, new, origin)."""
    after: Duration | None = None
    """How much later, in virtual time; for set, ramp and call."""
    if_: Annotated[Name | None, Field(alias="if")] = None
    """A formula; nothing happens where it is 0."""

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> ReactionFile:
        kinds = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(kinds) != 1:
            got = f"has {' and '.join(kinds)}" if kinds else "says nothing to do"
            raise ValueError(f"entry {got}, expected one of {one_of(KINDS)}")
        if self.after is not None and kinds[0] in ("pulse", "reject"):
            raise ValueError(f"after is given with {kinds[0]}, expected it with set, ramp or call")
        if self.if_ is not None and self.reject is not None:
            raise ValueError("if is given with reject, expected the condition in unless")
        return self

    @property
    def kind(self) -> str:
        """The key that says what to do."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)
