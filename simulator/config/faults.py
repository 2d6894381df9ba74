"""``faults`` of a plant: rules with the devices they are about, those of profiles among them.

A rule of the plant file names its devices in ``when``; a rule of a profile belongs to each of its devices
and is called ``PROFILE.NAME``, or after the group that has changed it ``GROUP.NAME``.  The one rule: a rule
that can never act is a problem, and so is a kind of fault that none of its listeners has room for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from simulator.config.selection import Selection, SelectionFile, mistakes, resolve
from simulator.documents.problems import from_validation_error, one_of, show, unknown
from simulator.documents.ranges import Ranges
from simulator.documents.yaml import Path
from simulator.errors import ConfigError, Problem
from simulator.faults.conditions import Asked, conditions
from simulator.faults.files import RuleFile, WhenFile
from simulator.faults.words import NEEDS, REASONS, has
from simulator.profiles.layers import Layer, LayeredDocument
from simulator.roles import touched

if TYPE_CHECKING:
    from simulator.config.plant import Group
    from simulator.documents.yaml import Document

Mistake = tuple[Path, str]  # path in the rule, message


class PlantWhenFile(WhenFile, SelectionFile):
    """Which requests of which devices a rule is about: those that every key that is given fits."""


class FaultFile(RuleFile):
    """A fault: which requests it is about, and what it does to them."""

    when: PlantWhenFile = PlantWhenFile()
    """Which requests of which devices; without it, all of them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule of a plant: ``selection`` are its devices, ``units`` the unit ids it is about, None for all."""

    name: str
    rule: RuleFile
    selection: Selection
    units: Ranges | None = None


def read_fault_files(document: Document, problems: list[Problem]) -> dict[int, FaultFile]:
    """``faults`` by their places in the list of the file, without those that have a problem."""
    data = document.data.get("faults")
    if not isinstance(data, list):
        if data is not None and ("faults",) not in document.broken:
            problems.append(
                document.problem(("faults",), f"faults is {show(data)}, expected a list of rules")
            )
        return {}
    files: dict[int, FaultFile] = {}
    names: set[str] = set()
    for index, value in enumerate(data):
        try:
            file = FaultFile.model_validate(value)
        except ValidationError as error:
            problems += from_validation_error(document, error, ("faults", index), FaultFile)
            continue
        if file.name in names:
            message = f"{show(file.name)} is the name of another fault, expected another name"
            problems.append(document.problem(("faults", index, "name"), message))
        names.add(file.name)
        files[index] = file
    return files


def plant_faults(
    files: Mapping[int, FaultFile], groups: Sequence[Group]
) -> tuple[tuple[Fault, ...], list[Mistake]]:
    """The rules of a plant file and of its profiles, in this order; and what is wrong with those of the file.

    ``files`` are those that are sound in themselves, by their places in the file.
    """
    found: dict[str, Fault] = {}
    wrong: list[Mistake] = []
    for index, file in files.items():
        fault, problems = resolved(file, groups)
        wrong += [((index, *path), message) for path, message in problems]
        if fault is not None:
            found.setdefault(file.name, fault)
    for fault in profile_faults(groups):
        found.setdefault(fault.name, fault)
    return tuple(found.values()), wrong


def resolved(file: FaultFile, groups: Sequence[Group]) -> tuple[Fault | None, list[Mistake]]:
    """The rule of a file with its devices, None when something is wrong with it."""
    selecting = SelectionFile.model_construct(
        **{key: getattr(file.when, key) for key in SelectionFile.model_fields}
    )
    wrong: list[Mistake] = [(("when", *path), message) for path, message in mistakes(selecting, groups)]
    if wrong:
        return None, wrong
    selection = resolve(selecting, groups)
    wrong = [*_unknown_points(file, selection, groups), *_idle(file, selection, groups)]
    if wrong:
        return None, wrong
    return Fault(file.name, file, _acting(file, selection, groups), file.when.unit_id), []


def read_fault(spec: object, groups: Sequence[Group]) -> Fault:
    """The rule of a mapping as files have it.  Raises ConfigError with everything that is wrong with it."""
    if not isinstance(spec, Mapping):
        raise ConfigError([Problem("fault", 0, 0, "", "fault is no mapping, expected name, when and then")])
    document = LayeredDocument([Layer(spec, None, file="fault")])
    try:
        file = FaultFile.model_validate(dict(spec))
    except ValidationError as error:
        raise ConfigError(from_validation_error(document, error, model=FaultFile)) from None
    fault, wrong = resolved(file, groups)
    if fault is None:
        raise ConfigError(document.problem(path, message) for path, message in wrong)
    return fault


def profile_faults(groups: Sequence[Group]) -> Iterator[Fault]:
    """The rules of profiles, each with the devices of all groups that have it alike."""
    found: dict[str, tuple[RuleFile, list[Group]]] = {}
    for group in groups:
        for name, rule in group.profile.faults.items():
            full = f"{group.profile.name}.{name}"
            if full in found and found[full][0] != rule:
                full = f"{group.name.text}.{name}"
            found.setdefault(full, (rule, []))[1].append(group)
    for full, (rule, owners) in found.items():
        everyone = Selection({group.index: ((0, group.count),) for group in owners}, groups)
        yield Fault(full, rule, _acting(rule, everyone, groups))


def faults_of(faults: Iterable[Fault], group: int, index: int) -> list[Fault]:
    """The rules about one device, switched on or not."""
    return [fault for fault in faults if fault.selection.covers(group, index)]


def described(fault: Fault, group: Group, unit: int, request: bytes | None = None) -> str:
    """What a rule does to a device of a group, whether it is on, whether it is about a request."""
    rule = fault.rule
    text = f"{fault.name}: {', '.join(rule.then.kinds)}"
    notes = [
        *([] if rule.enabled else ["off"]),
        *([] if request is None or _is_about(fault, group, unit, request) else ["not for this request"]),
        *(["for some clients"] if rule.when.client is not None else []),
    ]
    return f"{text} ({', '.join(notes)})" if notes else text


def _is_about(fault: Fault, group: Group, unit: int, request: bytes) -> bool:
    when = fault.rule.when
    client = "" if when.client is None else str(when.client.networks[0].network_address)
    asked = Asked(request[0], unit, touched(request), client, group.endpoint.scheme)
    return conditions(when, group.profile.points, units=fault.units).fit(asked)


def _unknown_points(file: FaultFile, selection: Selection, groups: Sequence[Group]) -> Iterator[Mistake]:
    """Points that no selected device has."""
    profiles = {id(groups[index].profile): groups[index].profile for index in selection.spans}
    points = list(dict.fromkeys(name for profile in profiles.values() for name in profile.points))
    for name in file.when.point or ():
        if name not in points:
            yield ("when", "point"), unknown("point", name, points)


def _idle(file: RuleFile, selection: Selection, groups: Sequence[Group]) -> Iterator[Mistake]:
    """What can never act on the listeners of the selected devices."""
    chosen = [groups[index] for index in selection.spans]
    reached = [group for group in chosen if _is_reached(file, group)]
    if not reached:
        schemes = sorted({group.endpoint.scheme for group in chosen})
        yield ("when", "transport"), f"no device selected is reached over this, expected {one_of(schemes)}"
        return
    for kind in file.then.kinds:
        need = NEEDS.get(kind)
        if need is not None and not any(_has(need, group) for group in reached):
            names = sorted({_called(group) for group in reached})
            yield ("then", kind), f"{kind} can never act: {one_of(names)} {REASONS[need]}"


def _acting(file: RuleFile, selection: Selection, groups: Sequence[Group]) -> Selection:
    """The devices of a selection on whose listeners some kind of the rule may act."""
    spans = {
        index: runs
        for index, runs in selection.spans.items()
        if _is_reached(file, groups[index])
        and any(kind not in NEEDS or _has(NEEDS[kind], groups[index]) for kind in file.then.kinds)
    }
    return Selection(spans, groups)


def _is_reached(file: RuleFile, group: Group) -> bool:
    return file.when.transport is None or group.endpoint.scheme in file.when.transport


def _has(need: str, group: Group) -> bool:
    return has(need, group.endpoint.scheme, gateway=group.gateway is not None)


def _called(group: Group) -> str:
    return f"{group.endpoint.scheme} behind a gateway" if group.gateway is not None else group.endpoint.scheme
