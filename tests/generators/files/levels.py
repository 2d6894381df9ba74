"""Functions for the generator ``script``."""

from __future__ import annotations

from typing import Any

import numpy as np


def swell(t: float, devices: Any) -> float:
    """One number for all."""
    return 3 + 2 * float(np.sin(t))


def apart(t: float, devices: Any) -> np.ndarray:
    """One for each, moved by a parameter."""
    return devices.i + (t * devices.parameter("p")) % 4


def by_chance(t: float, devices: Any) -> np.ndarray:
    """Random numbers."""
    return devices.random() + 10 * devices.random("other")


class Count:
    """Remembers how often each device was seen."""

    def __init__(self) -> None:
        self.seen: Any = None

    def __call__(self, t: float, devices: Any) -> np.ndarray:
        if self.seen is None:
            self.seen = np.zeros(devices.total)
        self.seen[devices.start : devices.stop] += 1
        return self.seen[devices.start : devices.stop]


def facts(t: float, devices: Any) -> float:
    """What a function is told, as one number."""
    assert devices.point == "x"
    assert devices.total == 4
    assert devices.count == devices.stop - devices.start
    return 1000.0 * devices.n[-1] + devices.tick


def failing(t: float, devices: Any) -> float:
    """Fails from the third second on."""
    return 1 / max(0.0, 3 - t)


def wrong_shape(t: float, devices: Any) -> list[float]:
    """Not one for each device."""
    return [1.0] * (devices.count + 1)


def text(t: float, devices: Any) -> str:
    """Not a number."""
    return "high"


def truth(t: float, devices: Any) -> np.ndarray:
    """Truth values are 0 and 1."""
    return devices.i > 1


def alone(t: float) -> float:
    """Cannot be called with devices."""
    return t


def comfort(t: float, devices: Any) -> np.ndarray:
    """Reads its inputs."""
    return np.abs(devices.read("p * 10") - devices.read("t")) + devices.read("i")


def curious(t: float, devices: Any) -> float:
    """Reads what it has not asked for."""
    return float(devices.read("q"))
