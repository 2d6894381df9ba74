"""Scenarios, checked: what each step does, to which devices, and when.

The one rule: whatever can be known before the start is known here; a step that names a device, a point, a
fault or a signal that does not exist, or a value that its point does not take, is a problem with its place.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from simulator.config.selection import Selection, SelectionFile, mistakes, resolve
from simulator.config.steps import (
    Action,
    BringOnline,
    ChangeGenerator,
    ClearAway,
    ReleasePoints,
    ReleaseSignal,
    ScenarioPlan,
    SetPoint,
    SetSignal,
    Step,
    SwitchFaults,
    TakeOffline,
)
from simulator.config.timelines import ChangeFile, ReleaseFile, ScenarioFile, SetFile, StepFile
from simulator.documents.durations import format_duration
from simulator.documents.problems import from_validation_error, show, unknown
from simulator.documents.yaml import Document, Path
from simulator.errors import Problem
from simulator.generators import registry
from simulator.generators.formulas import is_signal
from simulator.generators.quantities import formulas_of

if TYPE_CHECKING:
    from simulator.config.plant import Group
    from simulator.generators.base import Generator
    from simulator.points import Point


_STEPS: TypeAdapter[list[StepFile]] = TypeAdapter(list[StepFile])


def read_files(document: Document, problems: list[Problem]) -> dict[str, ScenarioFile]:
    """``scenarios`` as the file has them, without those that have a problem."""
    data = document.data.get("scenarios")
    if not isinstance(data, dict):
        if data is not None and ("scenarios",) not in document.broken:
            message = f"scenarios is {show(data)}, expected a mapping of scenarios by name"
            problems.append(document.problem(("scenarios",), message))
        return {}
    files = {}
    for name, value in data.items():
        path: Path = ("scenarios", name)
        if not isinstance(value, (list, dict)) or value == []:
            got = "is an empty list" if value == [] else f"is {show(value)}"
            message = f"{show(name)} {got}, expected a list of steps, or a mapping with steps"
            problems.append(document.problem(path, message))
            continue
        try:
            if isinstance(value, list):
                files[str(name)] = ScenarioFile(steps=_STEPS.validate_python(value))
            else:
                files[str(name)] = ScenarioFile.model_validate(value)
        except ValidationError as error:
            model = list[StepFile] if isinstance(value, list) else ScenarioFile
            problems += from_validation_error(document, error, path, model)
    return files


def read_scenarios(
    document: Document,
    files: Mapping[str, ScenarioFile],
    groups: Sequence[Group],
    faults: Collection[str],
    signals: Collection[str],
) -> tuple[dict[str, ScenarioPlan], list[Problem]]:
    """The scenarios of a plant file, those without problems, and all problems."""
    reading = _Reading(document, groups, faults, signals)
    plans = {name: plan for name, file in files.items() if (plan := reading.plan(name, file)) is not None}
    return plans, reading.problems


class _Reading:
    """Looks up what steps are about."""

    def __init__(
        self,
        document: Document,
        groups: Sequence[Group],
        faults: Collection[str],
        signals: Collection[str],
    ) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._groups = groups
        self._faults = faults
        self._signals = signals
        self._known: dict[SelectionFile, Selection] = {}

    def plan(self, name: str, file: ScenarioFile) -> ScenarioPlan | None:
        before = len(self.problems)
        path: Path = ("scenarios", name)
        inside = path if isinstance(self._document.data["scenarios"][name], list) else (*path, "steps")
        steps = []
        now = 0.0
        for index, step in enumerate(file.steps):
            now = now + (step.after or 0.0) if step.at is None else step.at
            action = self._action(step, (*inside, index))
            if action is not None:
                line, column = self._document.place((*inside, index))
                position = f"{self._document.file}:{line}:{column}"
                steps.append(Step(now, action, step.for_, position))
        if len(self.problems) > before:
            return None
        ordered = tuple(sorted(steps, key=lambda step: step.at))
        plan = ScenarioPlan(name, ordered, file.start, file.loop, file.every or 0.0, file.restore)
        if plan.rounds != 1 and plan.duration == 0:
            self._report(path, "a round takes 0s, expected every, or steps that take time", key=True)
            return None
        return plan

    def _action(self, step: StepFile, path: Path) -> Action | None:
        """What a step does, None after a problem."""
        (name,) = step.actions
        inside = (*path, name)
        if step.fault is not None:
            wrong = [fault for fault in step.fault if fault not in self._faults]
            for fault in wrong:
                self._report(inside, unknown("fault", fault, self._faults))
            return None if wrong else SwitchFaults(step.fault, step.enabled)
        if step.clear is not None:
            return ClearAway(step.clear)
        if step.set_ is not None:
            return self._set(step.set_, inside)
        if step.release is not None:
            return self._release(step.release, inside)
        if step.generator is not None:
            return self._change(step.generator, inside)
        file = step.offline or step.online
        selection = None if file is None else self._selection(file, inside)
        if selection is None:
            return None
        return BringOnline(selection) if step.offline is None else TakeOffline(selection, step.how or "close")

    def _set(self, file: SetFile, path: Path) -> Action | None:
        if file.signal is not None:
            if isinstance(file.value, bool) or not isinstance(file.value, (int, float)):
                self._report((*path, "value"), f"value is {show(file.value)}, expected a number")
                return None
            is_signal = self._is_signal(file.signal, (*path, "signal"))
            return SetSignal(file.signal, float(file.value)) if is_signal else None
        assert file.point is not None
        selection = self._selection(file, path)
        if selection is None:
            return None
        wrong = False
        for group, point in self._having(selection, file.point, path):
            try:
                point.encode(file.value)
                point.validate(file.value)
            except (ValueError, TypeError, OverflowError) as error:
                whose = f" (profile {group.profile.name})" if len(selection.spans) > 1 else ""
                self._report((*path, "value"), f"{error}{whose}")
                wrong = True
                break
        return None if wrong else SetPoint(selection, file.point, file.value)

    def _release(self, file: ReleaseFile, path: Path) -> Action | None:
        if file.signal is not None:
            return ReleaseSignal(file.signal) if self._is_signal(file.signal, (*path, "signal")) else None
        selection = self._selection(file, path)
        if selection is None:
            return None
        if file.point is not None and not list(self._having(selection, file.point, path)):
            return None
        return ReleasePoints(selection, file.point)

    def _change(self, file: ChangeFile, path: Path) -> Action | None:
        selection = self._selection(file, path)
        if selection is None:
            return None
        before = len(self.problems)
        made: dict[int, Generator] = {}
        for group, point in self._having(selection, file.point, path):
            found = self._generator(file.generator, group, point, (*path, "generator"))
            if found is None:
                break
            made[group.index] = found
        return ChangeGenerator(selection, file.point, made) if len(self.problems) == before else None

    def _generator(self, spec: Mapping[str, Any], group: Group, point: Point, path: Path) -> Generator | None:
        """The generator of a change for the devices of a group."""
        if point.generator is None:
            whose = f"point {point.name} of profile {group.profile.name}"
            self._report(path[:-1], f"{whose} has no generator, expected a point that moves")
            return None
        parameters = {**group.profile.parameters, **group.parameters}
        try:
            made = registry.make(spec, parameters, os.path.dirname(self._document.file))
        except ValidationError as error:
            model = registry.types()[spec["type"]]
            self.problems += from_validation_error(self._document, error, path, model)
            return None
        except ValueError as error:
            self._report((*path, "type") if "type" in spec else path, str(error))
            return None
        return made if self._fits(made, spec, group, point, path) else None

    def _fits(self, made: Generator, spec: Mapping[str, Any], group: Group, point: Point, path: Path) -> bool:
        """True for a generator that can take the place of that of a point while the plant runs."""
        assert point.generator is not None
        if "interval" in spec and made.interval != point.generator.interval:
            own = format_duration(point.generator.interval)
            message = f"interval is {spec['interval']}, expected that of the point, which is {own}"
            self._report((*path, "interval"), message)
            return False
        inputs = [(key, name) for key, each in formulas_of(made).items() for name in sorted(each.inputs)]
        sound = [self._may_read(name, group, (*path, key)) for key, name in inputs]
        return all(sound)

    def _may_read(self, name: str, group: Group, path: Path) -> bool:
        """True for what a generator can read that comes when the plant runs."""
        if is_signal(name):
            return self._is_signal(name.partition(".")[2], path)
        if name in group.profile.points:
            message = f"reads the point {name}, expected one that reads signals, parameters and t only"
            self._report(path, f"generator {message}: the order of points is fixed")
            return False
        legal = ("t", "i", "n", *group.profile.parameters, *group.parameters)
        if name not in legal:
            self._report(path, unknown("name", name, dict.fromkeys(legal)))
        return name in legal

    def _selection(self, file: SelectionFile, path: Path) -> Selection | None:
        keys = {key: getattr(file, key) for key in SelectionFile.model_fields}
        plain = SelectionFile.model_construct(**keys)
        found = self._known.get(plain)
        if found is not None:
            return found
        wrong = list(mistakes(plain, self._groups))
        for inside, message in wrong:
            self._report((*path, *inside), message)
        if wrong:
            return None
        found = self._known[plain] = resolve(plain, self._groups)
        return found

    def _having(self, selection: Selection, name: str, path: Path) -> Iterator[tuple[Group, Point]]:
        """The groups of a selection that have a point; a problem when none has."""
        chosen = [self._groups[index] for index in selection.spans]
        having = [(group, group.profile.points[name]) for group in chosen if name in group.profile.points]
        if not having:
            points = dict.fromkeys(point for group in chosen for point in group.profile.points)
            self._report((*path, "point"), unknown("point", name, points))
        yield from having

    def _is_signal(self, name: str, path: Path) -> bool:
        if name not in self._signals:
            self._report(path, unknown("signal", name, self._signals))
            return False
        return True

    def _report(self, path: Path, message: str, *, key: bool = False) -> None:
        self.problems.append(self._document.problem(path, message, key=key))
