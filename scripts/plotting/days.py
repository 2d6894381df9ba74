"""A virtual day of one device, played as fast as it goes, without a listener."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from twisted.internet.task import Clock

from plotting.pictures import HOUR, Picture
from simulator.config.loader import parse_plant
from simulator.config.plant import PlantConfig
from simulator.plant import Plant

LOOKS = 480  # at how many instants the curves are looked at


def record(profile: str, picture: Picture) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The hours of the looks, and what each point of the picture showed then."""
    clock, plant = _started(profile, picture)
    names = list(dict.fromkeys(name for panel in picture.panels for name in panel.points))
    sources = {name: plant.fleets[0].rows.source(name) for name in names}
    events = list(picture.events)
    times = picture.begin + np.linspace(0, picture.hours, LOOKS + 1)
    curves: dict[str, list[float]] = {name: [] for name in names}
    for time in times:
        while events and events[0].hour <= time:
            for point, value in events.pop(0).writes.items():
                if value is None:
                    plant.release("device", point)
                else:
                    plant.write("device", point, value)
        _advance(plant, clock, (time - picture.begin) * HOUR - plant.now())
        for name, source in sources.items():
            curves[name].append(float(np.ravel(source.read(0, 1))[0]))
    return times, {name: np.array(values) for name, values in curves.items()}


def _started(profile: str, picture: Picture) -> tuple[Clock, Plant]:
    hours, minutes = divmod(round(picture.begin * 60), 60)
    config = parse_plant(
        f'seed: 4\nclock: {{start: "2026-04-13T{hours:02}:{minutes:02}:00Z"}}\n'
        f'devices: [{{name: device, profile: {profile}, endpoint: "tcp://127.0.0.1:0"}}]'
    )
    clock = Clock()
    plant = Plant(_slowed(config, picture.step), clock)
    for _ in plant.ticker.prime():
        pass
    plant.startService()
    return clock, plant


def _slowed(config: PlantConfig, step: float) -> PlantConfig:
    """A day has 86 400 seconds, and a picture not as many dots."""
    (group,) = config.groups
    points = dict(group.profile.points)
    for name, point in points.items():
        if (moving := point.generator) is not None:
            points[name] = replace(point, generator=replace(moving, interval=max(step, moving.interval)))
    return replace(config, groups=(replace(group, profile=replace(group.profile, points=points)),))


def _advance(plant: Plant, clock: Clock, seconds: float) -> None:
    if seconds > 0:
        reached = plant.time.advance(seconds)
        while not reached.called:
            clock.advance(0)
