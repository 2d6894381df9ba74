"""csv: plays the measurements of a file.

A device is at second ``t × speed + time_shift`` of the recording, whose first row is second 0.  A row's
value stands until the next row, or goes there in a straight line with ``interpolate``.  One rule: the last
row lasts as long as the one before it; then the recording begins again, or its last value stays with
``loop: false``.

A pure function of time: nothing is counted, so a jump in time is a jump in the recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from pydantic import Field, PlainValidator, Strict, ValidationInfo, WithJsonSchema

from simulator.documents.durations import Duration
from simulator.documents.problems import show
from simulator.generators.base import Fleetwide, Generator, Sampler, cut
from simulator.generators.numbers import Seconds, Step, Values, above_zero
from simulator.generators.recordings import Recording, check, recording
from simulator.generators.registry import generator
from simulator.generators.rows import Rows

_ROUNDING = 1e-9  # of a row: 0.1 goes ten times into 1


def _file(value: object, info: ValidationInfo) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{info.field_name} is {show(value)}, expected the name of a CSV file")
    check(value, {})
    return value


def _column(value: object, info: ValidationInfo) -> str | int:
    """A column that the file has; when its name is wrong the columns cannot be judged."""
    name = str(info.field_name)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise ValueError(f"{name} is {show(value)}, expected a name of the header or a number from 1 on")
    if "file" in info.data:
        check(info.data["file"], {name: value})
    return value


_COLUMN_SCHEMA = {"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer", "minimum": 1}]}
File = Annotated[str, PlainValidator(_file), WithJsonSchema({"type": "string", "minLength": 1})]
Column = Annotated[str | int, PlainValidator(_column), WithJsonSchema(_COLUMN_SCHEMA)]
Flag = Annotated[bool, Strict()]


@generator("csv")
@dataclass(frozen=True, kw_only=True)
class Csv(Generator):
    """The column ``column`` of ``file``; rows are at ``time_column``, else ``row_interval`` apart."""

    file_key = "file"

    file: File
    column: Column
    time_column: Column | None = None
    row_interval: Annotated[Duration, Field(gt=0)] | None = None  # None: the interval of the generator
    loop: Flag = True
    interpolate: Flag = False
    time_shift: Seconds = 0.0
    speed: Step = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.time_column is not None and self.row_interval is not None:
            raise ValueError("row_interval is given beside time_column, expected one of the two")
        _ = self._recording  # all that is wrong with the file is told when the plant file is read

    @cached_property
    def _recording(self) -> Recording:
        return recording(self.file, self.column, self.time_column)

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """One number when all devices are at the same place of the recording."""
        speed, shift = above_zero("speed", rows.number(self.speed)), rows.number(self.time_shift)
        step = self.interval if self.row_interval is None else self.row_interval
        tape = _Tape(self._recording, step, loop=self.loop, interpolate=self.interpolate)
        player = _Player(tape, speed, shift)
        return Fleetwide(player) if isinstance(speed, float) and isinstance(shift, float) else player


class _Tape:
    """A recording as a function of its own time."""

    def __init__(self, recorded: Recording, step: float, *, loop: bool, interpolate: bool) -> None:
        self._values, self._ends, self._step = recorded.values, recorded.ends, step
        self._loop, self._interpolate = loop, interpolate
        self._count = len(recorded.values)
        self._length = self._count * step if recorded.ends is None else float(recorded.ends[-1])

    def play(self, position: np.ndarray) -> np.ndarray:
        """The values at so many seconds of the recording."""
        if self._loop:
            position = np.mod(position, self._length)
        row, share = self._even(position) if self._ends is None else self._stamped(position, self._ends)
        here: np.ndarray = self._values[self._existing(row)]
        if not self._interpolate:
            return here
        result: np.ndarray = here + (self._values[self._existing(row + 1)] - here) * share
        return result

    def _existing(self, row: np.ndarray) -> np.ndarray:
        """Behind the last row comes the first, or the last again."""
        return row % self._count if self._loop else np.minimum(row, self._count - 1)

    def _even(self, position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows counted from 0, and the part of each that has passed."""
        place = position / self._step
        row = np.floor(place + _ROUNDING)
        return row.astype(np.intp), np.maximum(place - row, 0.0)

    def _stamped(self, position: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        row = np.searchsorted(ends, position + _ROUNDING, side="right") - 1
        since, until = ends[row], ends[np.minimum(row + 1, self._count)]
        passed = np.maximum(position - since, 0.0)
        return row, np.divide(passed, until - since, out=np.zeros(len(row)), where=until > since)


class _Player(Sampler):
    """Devices at their places of a tape."""

    def __init__(self, tape: _Tape, speed: Values, shift: Values) -> None:
        self._tape, self._speed, self._shift = tape, speed, shift

    def sample(self, tick: int, t: float, start: int, stop: int) -> Values:
        """An array of ``stop - start``."""
        position = np.multiply(t, cut(self._speed, start, stop)) + cut(self._shift, start, stop)
        return self._tape.play(np.broadcast_to(position, (stop - start,)))
