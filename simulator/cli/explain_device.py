"""``modsim explain FILE DEVICE``: a device, its points and what moves them, what else happens to it.

Values are those of the start, as in the explanation of a point.  What there is none of has no heading.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from simulator.cli.columns import aligned
from simulator.cli.explain import fleet_at_start
from simulator.cli.profiles import type_of
from simulator.config.faults import described as described_fault
from simulator.config.faults import faults_of
from simulator.config.steps import steps_about
from simulator.profiles.reaction_kinds import described as described_reaction

if TYPE_CHECKING:
    from simulator.config.plant import Group, PlantConfig
    from simulator.fleet import Fleet
    from simulator.generators.base import Generator

HEADS = ("  name", "table", "address", "data type", "access", "value", "moves by")
LONGEST = 100  # characters that a generator may take in the table


def explanation_of_device(config: PlantConfig, group: Group, index: int) -> str:
    """The text for one device."""
    profile = group.profile
    place = group.place_of(index)
    facts = [
        ("  profile", f"{profile.name} ({profile.source})"),
        ("  endpoint", str(place)),
        ("  tags", ", ".join(group.tags)),
        ("  parameters", _parameters(group)),
    ]
    heading = group.device_name(index) + (f": {profile.description}" if profile.description else "")
    faults = faults_of(config.faults, group.index, index)
    lists = {
        "reactions": [
            f"{name}: {described_reaction(reaction)}"
            for name, reactions in profile.reactions.items()
            for reaction in reactions
        ],
        "faults": [described_fault(fault, group, place.unit_id or 0) for fault in faults],
        "scenarios": steps_about(config.scenarios.values(), group.index, index),
    }
    parts = [f"{heading}\n{aligned(row for row in facts if row[1])}"]
    if profile.points:
        parts.append("points\n" + aligned([HEADS, *_points(fleet_at_start(config, group, index), index)]))
    for name, lines in lists.items():
        if lines:
            parts.append(f"{name}\n" + "".join(f"  {line}\n" for line in lines))
    return "\n".join(parts)


def _parameters(group: Group) -> str:
    parameters = {**group.profile.parameters, **group.parameters}
    return ", ".join(f"{name} {value}" for name, value in parameters.items())


def _points(fleet: Fleet, row: int) -> Iterator[tuple[str, ...]]:
    """A line for each point, in the order of tables and addresses."""
    points = fleet.profile.points.values()
    for point in sorted(points, key=lambda point: (point.table, point.address, point.bit or 0)):
        yield (
            f"  {point.name}",
            point.table.label,
            str(point.address) + ("" if point.bit is None else f" bit {point.bit}"),
            type_of(point),
            point.access or "",
            f"{fleet.read(row, point)} {point.unit_of_measurement}".rstrip(),
            "" if point.generator is None else brief(point.generator),
        )


def brief(generator: Generator) -> str:
    """The name of a generator and the keys that the file gives: ``lag of setpoint, time_constant 30.0``."""
    given = [
        f"{field.name.rstrip('_')} {value}"
        for field in dataclasses.fields(generator)
        if (value := getattr(generator, field.name)) != field.default
    ]
    texts = [text.removeprefix("formula ") for text in given] if generator.type_name == "formula" else given
    text = f"{generator.type_name} {', '.join(texts)}".rstrip()
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
