"""The plant file that a command line names: a file, or ``-`` for what comes on standard input.

What stands in a plant from standard input relative to its file is relative to the working directory.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.config.plant import PlantConfig

STANDARD_INPUT = "-"
SHOWN = "<stdin>"


def read_plant(name: str, *, seed: int | None = None, time_scale: float | None = None) -> PlantConfig:
    """The plant, with another seed or pace where they are given.  Raises ConfigError."""
    from simulator.config.loader import load_plant, parse_plant

    if name != STANDARD_INPUT:
        return load_plant(name, seed=seed, time_scale=time_scale)
    return parse_plant(sys.stdin.buffer.read(), file=SHOWN, seed=seed, time_scale=time_scale)
