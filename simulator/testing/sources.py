"""From what a test names to a plant: YAML text, a file, a mapping, or a profile; free ports on request."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from simulator.config.loader import load_plant, parse_plant
from simulator.documents.wording import unknown
from simulator.documents.yaml import read_file, read_text
from simulator.profiles.loader import ProfileLibrary

if TYPE_CHECKING:
    from simulator.config.placement import ListenerPlan
    from simulator.config.plant import PlantConfig

Source = str | os.PathLike[str] | Mapping[str, Any]
_FILES = (".yaml", ".yml", ".json")
_PORTS = re.compile(r"(?::[0-9][0-9,-]*)?$")  # of an endpoint, where it names one
MAX_UNITS = 247  # V1.02 §2.2


class PlantSource(NamedTuple):
    """What a test wants: the plant, the file it is from if there is one, its data and the folder beside."""

    config: PlantConfig
    path: Path | None
    data: Any
    folder: Path


def plant_of(source: Source | None = None, **keys: Any) -> PlantConfig:
    """The plant of what :func:`find_source` finds."""
    return find_source(source, **keys).config


def find_source(
    source: Source | None = None,
    *,
    profile: str | None = None,
    count: int = 1,
    name: str | None = None,
    endpoint: str = "tcp://127.0.0.1:0",
    seed: int | None = None,
    folder: str | os.PathLike[str] = ".",
) -> PlantSource:
    """The plant of YAML text, of a file (below ``folder``), of a mapping; or ``count`` devices of a profile.

    A text without a colon that names no file is the name of a profile.  Devices of a profile have unit ids
    from 1 and names such as ``energy-meter-1``.  Raises ConfigError for a plant that is wrong, ValueError for
    a source that is none.
    """
    if (source is None) == (profile is None):
        raise ValueError("expected either a plant (YAML text, a file, a mapping) or a profile")
    if isinstance(source, str) and ":" not in source and not source.endswith(_FILES):
        profile, source = source.strip(), None
    if profile is not None:
        source = _of_profile(profile, count, name, endpoint)
    return _load(source, seed, Path(folder))


def with_free_ports(config: PlantConfig) -> PlantConfig:
    """The same plant with ports picked by the kernel, but where one port serves many addresses."""
    return replace(config, listeners=tuple(map(_free, config.listeners)))


def _free(plan: ListenerPlan) -> ListenerPlan:
    return plan if plan.line is not None or plan.wildcard else replace(plan, port=0)


def free_in_data(config: PlantConfig, data: Mapping[str, Any]) -> dict[str, Any]:
    """The same in the data of a file."""
    devices = [
        {**entry, "endpoint": _PORTS.sub(":0", str(entry["endpoint"]), count=1)}
        if group.endpoint.line is None and group.endpoint.addresses == 1
        else entry
        for group, entry in zip(config.groups, data["devices"], strict=True)
    ]
    return {**data, "devices": devices}


def _of_profile(profile: str, count: int, name: str | None, endpoint: str) -> dict[str, Any]:
    if profile not in (library := ProfileLibrary()):
        raise ValueError(unknown("profile", profile, library.names()))
    if count < 1:
        raise ValueError(f"count is {count}, expected 1 or more")
    template = name or profile
    if count > 1 and "{" not in template:
        template += "-{n}"
    device: dict[str, Any] = {"name": template, "profile": profile, "endpoint": endpoint, "count": count}
    device["unit_id"] = f"1-{min(count, MAX_UNITS)}"
    return {"devices": [device]}


def _load(source: Any, seed: int | None, folder: Path) -> PlantSource:
    if isinstance(source, Mapping):
        config = parse_plant(json.dumps(source), file=str(folder / "<plant>"), seed=seed)
        return PlantSource(config, None, source, folder)
    if isinstance(source, str) and not source.endswith(_FILES):
        config = parse_plant(source, file=str(folder / "<plant>"), seed=seed)
        return PlantSource(config, None, read_text(source, file="<plant>").data, folder)
    if isinstance(source, str | os.PathLike):
        path = folder / source
        return PlantSource(load_plant(path, seed=seed), path, read_file(path).data, path.parent)
    raise ValueError(
        f"plant is a {type(source).__name__}, expected YAML text, the path of a file or a mapping"
    )
