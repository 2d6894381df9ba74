"""The ``clock`` of a plant file: how fast virtual time runs, and which moment its second 0 stands for.

The one rule: without ``start: now`` nothing depends on the wall clock, so that a plant repeats itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from simulator.documents.models import FileModel
from simulator.documents.problems import show
from simulator.generators.rows import EPOCH

SLOWEST, FASTEST = 0.001, 100_000.0  # virtual seconds a second
NOW = "now"
_EXPECTED = "a moment with its zone such as 2026-01-01T06:00:00Z, or now"


def check_scale(scale: float) -> float:
    """``scale``; raises ValueError for one that no plant can run at."""
    if not SLOWEST <= scale <= FASTEST:
        raise ValueError(f"time_scale is {scale:g}, expected {SLOWEST:g} to {FASTEST:.0f}")
    return scale


def parse_start(value: object) -> float | str:
    """Unix seconds of an ISO 8601 moment, or ``now``; raises ValueError."""
    if value == NOW:
        return NOW
    if not isinstance(value, str):
        raise ValueError(f"start is {show(value)}, expected {_EXPECTED}")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"start is {show(value)}, expected {_EXPECTED}") from None
    if moment.tzinfo is None:
        raise ValueError(f"start is {show(value)}, which has no zone, expected {_EXPECTED}")
    return moment.timestamp()


@dataclass(frozen=True, slots=True)
class Clock:
    """How virtual time runs.  ``epoch`` is the Unix second of virtual 0; None is the moment of the start."""

    time_scale: float = 1.0
    epoch: float | None = EPOCH


class ClockFile(FileModel):
    """Virtual time."""

    time_scale: Annotated[
        float,
        AfterValidator(check_scale),
        WithJsonSchema({"type": "number", "minimum": SLOWEST, "maximum": FASTEST}),
    ] = 1.0
    """Virtual seconds a second: 60 runs an hour in a minute."""
    start: Annotated[
        float | str,
        PlainValidator(parse_start),
        WithJsonSchema({"type": "string", "examples": ["2026-01-01T06:00:00Z", NOW]}),
    ] = Field(default=EPOCH, json_schema_extra={"default": "2026-01-01T12:00:00Z"})
    """The moment at which virtual time begins, with its zone; now is the time of the start."""

    def clock(self) -> Clock:
        """The settings."""
        return Clock(self.time_scale, None if isinstance(self.start, str) else self.start)


def moment(epoch: float, t: float) -> datetime:
    """The moment that virtual second ``t`` stands for, in UTC."""
    return datetime.fromtimestamp(epoch + t, UTC)
