"""From what a test names to a plant: YAML text, a file, a mapping, or a profile; free ports on request."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.config.loader import load_plant, parse_plant
from simulator.documents.wording import unknown
from simulator.profiles.loader import ProfileLibrary

if TYPE_CHECKING:
    from simulator.config.placement import ListenerPlan
    from simulator.config.plant import PlantConfig

Source = str | os.PathLike[str] | Mapping[str, Any]
_FILES = (".yaml", ".yml", ".json")


def plant_of(
    source: Source | None = None,
    *,
    profile: str | None = None,
    count: int = 1,
    name: str | None = None,
    endpoint: str = "tcp://127.0.0.1:0",
    seed: int | None = None,
    folder: str | os.PathLike[str] = ".",
    free_ports: bool = True,
) -> PlantConfig:
    """The plant of YAML text, of a file (below ``folder``), of a mapping; or ``count`` devices of a profile.

    A text of one line that is neither is the name of a profile.  Devices of a profile have unit ids from 1
    and names such as ``energy-meter-1``.  With ``free_ports`` the kernel picks the port of every endpoint on an
    address of this machine's loopback.  Raises ConfigError for a plant that is wrong, ValueError for a source
    that is none.
    """
    if (source is None) == (profile is None):
        raise ValueError("expected either a plant (YAML text, a file, a mapping) or a profile")
    if isinstance(source, str) and "\n" not in source.strip() and ":" not in source:
        if not source.endswith(_FILES):
            source, profile = None, source
    if profile is not None:
        source = _of_profile(profile, count, name, endpoint)
    config = _load(source, seed, Path(folder))
    return with_free_ports(config) if free_ports else config


def with_free_ports(config: PlantConfig) -> PlantConfig:
    """The same plant with ports picked by the kernel where one address is listened on."""
    return replace(config, listeners=tuple(map(_free, config.listeners)))


def _free(plan: ListenerPlan) -> ListenerPlan:
    return plan if plan.line is not None or plan.wildcard else replace(plan, port=0)


def _of_profile(profile: str, count: int, name: str | None, endpoint: str) -> dict[str, Any]:
    if profile not in ProfileLibrary() and not Path(profile).suffix:
        raise ValueError(unknown("profile", profile, ProfileLibrary().names()))
    if count < 1:
        raise ValueError(f"count is {count}, expected 1 or more")
    template = name or profile
    if count > 1 and "{" not in template:
        template += "-{n}"
    device: dict[str, Any] = {"name": template, "profile": profile, "endpoint": endpoint, "count": count}
    device["unit_id"] = f"1-{min(count, 247)}"
    return {"devices": [device]}


def _load(source: Any, seed: int | None, folder: Path) -> PlantConfig:
    if isinstance(source, Mapping):
        import json

        return parse_plant(json.dumps(source), file=str(folder / "<plant>"), seed=seed)
    if isinstance(source, str) and not source.endswith(_FILES):
        return parse_plant(source, file=str(folder / "<plant>"), seed=seed)
    if isinstance(source, str | os.PathLike):
        return load_plant(folder / source, seed=seed)
    raise ValueError(
        f"plant is a {type(source).__name__}, expected YAML text, the path of a file or a mapping"
    )


def spelled(names: Sequence[str]) -> str:
    """Some names in a message."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
