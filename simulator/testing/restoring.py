"""A plant as it was: values, faults, outages, scenarios and time are put back between tests.

``Baseline`` is taken when a plant begins to be shared; ``restore`` puts everything back that tests, their
clients included, have changed since.  The one rule: what moves by itself moves on; time does not run
backwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from twisted.internet.defer import DeferredList

from simulator.starting import load, store

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from simulator.blocks.fleet import FleetTable
    from simulator.fleet import Fleet
    from simulator.plant import Plant
    from simulator.starting import Wire


class Baseline:
    """The values of a plant at one moment."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._scale = plant.time.scale
        self._was_paused = plant.time.paused
        self._running = {name for name, scenario in plant.scenarios.items() if scenario.is_running}
        self._cells = [[(table, table.cells.copy()) for table in _tables(fleet)] for fleet in plant.fleets]

    def restore(self) -> Deferred[Any]:
        """Put everything back; fires when that is done."""
        plant = self._plant
        done: list[Deferred[Any]] = [
            scenario.stop(restore=True)
            for name, scenario in plant.scenarios.items()
            if name not in self._running
        ]
        plant.faults.clear()
        if plant.factories:
            done.append(plant.outages.release(plant.recorder.everything))
        plant.time.scale = self._scale
        if self._was_paused != plant.time.paused:
            (plant.time.pause if self._was_paused else plant.time.resume)()
        plant.signals.release()
        restored = DeferredList(done, fireOnOneErrback=True, consumeErrors=True)
        return restored.addCallback(lambda _: self._put_back())

    def _put_back(self) -> None:
        for fleet, cells in zip(self._plant.fleets, self._cells, strict=True):
            moving: list[tuple[Any, Wire]] = []
            for track in fleet.tracks:
                table = fleet.tables[track.point.table]
                moving.append((track, load(table, track.point, slice(0, fleet.count))))
            for table, before in cells:
                table.cells[:] = before
            for track, wire in moving:
                _go_on(fleet, track, wire)


def _go_on(fleet: Fleet, track: Any, wire: Wire) -> None:
    """Let a generator move on: from the present value, or from that before where somebody has held it."""
    held = track.held()
    table = fleet.tables[track.point.table]
    if held is None or not held.any():
        store(table, track.point, slice(0, fleet.count), wire)
        return
    before = load(table, track.point, slice(0, fleet.count))
    store(table, track.point, slice(0, fleet.count), np.where(held[:, None], before, wire))
    edges = np.flatnonzero(np.diff(np.concatenate(([False], held, [False]))))
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        track.hold_rows(start, stop, 0.0)  # one that remembers goes on from there


def _tables(fleet: Fleet) -> list[FleetTable]:
    """The tables of a fleet, each once."""
    return list({id(table): table for table in fleet.tables.values()}.values())
