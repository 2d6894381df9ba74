"""Starting this project's own server with a plant, once or again and again."""

from __future__ import annotations

from contextlib import ExitStack

from .bars import Row
from .comparing import progress
from .machine import cores
from .plants import Plant
from .processes import Server, StartError, serving
from .workshop import Workshop

OURS = "modsim"


def start_plant(shop: Workshop, stack: ExitStack, plant: Plant, timeout: float = 60) -> Server:
    """Start a plant; it stops when the stack unwinds."""
    progress(f"starting {plant.name}: {plant.count} device{'s' if plant.count > 1 else ''}")
    command = [*shop.modsim(), "--config", str(plant.write(shop.folder / "plants"))]
    return stack.enter_context(serving(OURS, command, cores()[0], shop.folder / "logs", timeout))


def measure_starts(shop: Workshop, times: int, plant: Plant, row: Row) -> None:
    """Measure the start-up so many times, after one that warms the caches and is not counted."""
    for number in range(times + 1):
        with ExitStack() as stack:
            try:
                server = start_plant(shop, stack, plant)
            except StartError as error:
                row.complaint = str(error)
                return
        if number:
            row.values.append(server.ready_s)
