"""``faults`` of a profile: rules that belong to each of its devices.

Written as a list of rules with names, or as a mapping of rules by name; laid over each other by name.  The
one rule: what a rule means is the business of ``simulator.faults``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simulator.documents.problems import show, unknown
from simulator.faults.files import RuleFile

if TYPE_CHECKING:
    from simulator.documents.yaml import Path
    from simulator.points import Point
    from simulator.profiles.layers import LayeredDocument


def by_name(faults: Any) -> Any:
    """A list of rules as a mapping by name; a rule without one, or with that of another, keeps its number."""
    if isinstance(faults, Mapping):
        return {name: _named(name, rule) for name, rule in faults.items()}
    if not isinstance(faults, list):
        return faults
    found: dict[Any, Any] = {}
    for index, rule in enumerate(faults):
        name = rule.get("name") if isinstance(rule, Mapping) else None
        found[name if isinstance(name, str) and name not in found else index] = rule
    return found


def placed(path: Path, onto: Path, data: Any) -> Path:
    """A path below ``onto`` as it is in ``data``, where faults may be a list."""
    full = (*onto, *path)
    if onto or len(full) < 2 or full[0] != "faults" or not isinstance(data, Mapping):
        return path
    rules = data.get("faults")
    if not isinstance(rules, list) or isinstance(full[1], int):
        return path
    names = [rule.get("name") if isinstance(rule, Mapping) else None for rule in rules]
    return ("faults", names.index(full[1]), *full[2:]) if full[1] in names else path


def resolve_faults(
    faults: Mapping[int | str, RuleFile], points: Mapping[str, Point], document: LayeredDocument
) -> dict[str, RuleFile]:
    """The rules by name; problems go to the document."""
    found: dict[str, RuleFile] = {}
    for key, rule in faults.items():
        if rule.name in found:
            message = f"{show(rule.name)} is the name of another fault, expected another name"
            document.report(("faults", key, "name"), message)
        for point in rule.when.point or ():
            if point not in points:
                document.report(("faults", key, "when", "point"), unknown("point", point, points))
        found[rule.name] = rule
    return found


def _named(name: Any, rule: Any) -> Any:
    """The rule with its name in it; ``null`` stays what it is."""
    return {"name": name, **rule} if isinstance(rule, Mapping) else rule
