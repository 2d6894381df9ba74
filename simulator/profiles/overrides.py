"""What a group of the plant file changes about its profile, as layers to lay over it.

One rule: an override changes what is there; a name that the profile does not have is an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.documents.problems import show, unknown
from simulator.documents.yaml import Document, Path
from simulator.errors import ConfigError
from simulator.profiles.layers import Layer, LayeredDocument

OVERRIDABLE = ("generators", "quirks", "faults")


def override_layers(overrides: Mapping[str, Any], document: Document | None, at: Path) -> list[Layer]:
    """A layer for each generator and fault, one for the quirks.  Raises ConfigError for anything else."""
    whole = Layer(overrides, document, at, file="overrides")
    wrong = [(key,) for key in overrides if key not in OVERRIDABLE]
    problems = [whole.problem(path, unknown("override", path[0], OVERRIDABLE), key=True) for path in wrong]
    generators = overrides.get("generators") or {}
    if not isinstance(generators, Mapping):
        message = f"generators is {show(generators)}, expected a mapping of generators by point name"
        problems.append(whole.problem(("generators",), message, key=False))
    faults = overrides.get("faults") or {}
    if not isinstance(faults, Mapping):
        message = f"faults is {show(faults)}, expected a mapping of faults by name"
        problems.append(whole.problem(("faults",), message, key=False))
    if problems:
        raise ConfigError(problems)
    layers = [
        Layer(spec, document, (*at, "generators", point), ("points", point, "generator"), whole.file)
        for point, spec in generators.items()
    ]
    layers += [
        Layer(rule, document, (*at, "faults", name), ("faults", name), whole.file)
        for name, rule in faults.items()
    ]
    if "quirks" in overrides:
        layers.append(Layer(overrides["quirks"], document, (*at, "quirks"), ("quirks",), whole.file))
    return layers


def without_strangers(overrides: Sequence[Layer], profile: LayeredDocument) -> list[Layer]:
    """The layers that meet something of the profile; the profile gets a problem for each of the others."""
    points, faults = profile.data.get("points"), profile.data.get("faults") or {}
    met = []
    for layer in overrides:
        if layer.onto[0] == "faults":
            if layer.onto[1] in faults:
                met.append(layer)
            else:
                message = unknown("fault", layer.onto[1], faults)
                profile.problems.append(layer.problem(layer.onto, message, key=True))
        elif layer.onto[0] != "points" or (isinstance(points, Mapping) and layer.onto[1] in points):
            met.append(layer)
        elif isinstance(points, Mapping):
            message = unknown("point", layer.onto[1], points)
            profile.problems.append(layer.problem(layer.onto, message, key=True))
    return met
