"""Plants for tests: in memory, in a thread, or in a process of their own; one set of verbs for all of them.

===============  ======================================================================================
``handle``       ``PlantHandle``: what a test does with a plant: clients, values, faults, time, journal
``in_memory``    ``InMemoryPlant``: no sockets, and time that moves when it is told to
``running``      ``RunningPlant``: real sockets, in a thread of this process
``process``      ``PlantProcess``: ``modsim run`` as users start it
``temporary``    what handles give back: faults, outages, expectations that were not met
``sources``      from YAML text, files, mappings and profiles to plants; free ports
``places``       URLs and unit ids of devices
``restoring``    a plant as it was before a test
``clock``        the clock of plants in memory
``memory``       the server's side of connections in memory
``clients``      the client's side
===============  ======================================================================================

The names below are the public ones; each is imported when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.testing.handle import PlantHandle
    from simulator.testing.in_memory import InMemoryPlant
    from simulator.testing.process import PlantProcess
    from simulator.testing.running import RunningPlant
    from simulator.testing.temporary import Unmet

__all__ = ["InMemoryPlant", "PlantHandle", "PlantProcess", "RunningPlant", "Unmet"]

_HOMES = {
    "InMemoryPlant": "in_memory",
    "PlantHandle": "handle",
    "PlantProcess": "process",
    "RunningPlant": "running",
    "Unmet": "temporary",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
