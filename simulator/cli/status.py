"""How a plant is doing, in one flat mapping of names to numbers and words.

Rule: nothing is counted for it; it adds up what the plant counts anyway, in a few milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.plant import Plant

Status = dict[str, int | float | str]


def status_of(plant: Plant) -> Status:
    """Devices, connections, requests, exceptions, ticks, faults, scenarios, virtual time, the state."""
    hub, ticker = plant.hub, plant.ticker
    faults = [name for name, rule in plant.faults.items() if rule.enabled]
    scenarios = [name for name, scenario in plant.scenarios.items() if scenario.is_running]
    status: Status = {
        "devices": plant.devices,
        "endpoints": len(plant.endpoints),
        "connections": len(hub.connections),
        "accepted": hub.accepted,
        "refused": hub.refused,
        "requests": requests_of(plant),
        "exceptions": sum(factory.exceptions for factory in plant.factories),
        "ticks": sum(beat.tick for beat in ticker.beats),
        "missed": ticker.missed,
        "failed_points": ticker.failed,
        "faults_active": ", ".join(faults) or "none",
        "scenarios_running": ", ".join(scenarios) or "none",
        "virtual_time": round(plant.now(), 3),
        "time_scale": plant.time.scale,
    }
    if plant.state is not None:
        status |= {"state_saved": plant.state.saved, "state_failed": plant.state.failed}
    return status


def requests_of(plant: Plant) -> int:
    """Requests to all devices since the start."""
    import numpy as np

    return sum(int(np.frombuffer(fleet.kind.requests, np.uint64).sum()) for fleet in plant.fleets)


def line_of(plant: Plant) -> str:
    """``8 devices at 2 endpoints, 3 connections, 1200 requests``: the least of it, for a status line."""
    return (
        f"{plant.devices} devices at {len(plant.endpoints)} endpoints, "
        f"{len(plant.hub.connections)} connections, {requests_of(plant)} requests"
    )


def as_line(status: Status) -> str:
    """``devices 8, endpoints 2, …`` of a status."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in status.items())
