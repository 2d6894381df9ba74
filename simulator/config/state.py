"""The ``state`` of a plant file: where values that somebody has written outlive the program, and how often.

The one rule: the file belongs to one plant file; names in it are those of devices and points.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from simulator.documents.durations import Duration
from simulator.documents.models import FileModel

SHORTEST_S = 1.0  # a plant has better things to do


@dataclass(frozen=True, slots=True)
class State:
    """``file`` as the program opens it; ``every`` seconds of real time, and at the end."""

    file: str
    every: float = 30.0


class StateFile(FileModel):
    """What has been written, kept in a file."""

    file: Annotated[str, Field(min_length=1)]
    """Relative to this file; made when there is none, read when the plant starts."""
    every: Annotated[Duration, Field(ge=SHORTEST_S)] = 30.0
    """How often it is written, besides when the plant stops."""

    def state(self, plant: str) -> State:
        """The settings, for the plant file ``plant``."""
        return State(os.path.join(os.path.dirname(plant), self.file), self.every)
