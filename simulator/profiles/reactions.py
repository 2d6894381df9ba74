"""``on_write`` of the points of a profile, resolved: what a device does when a point has been written.

One rule: what can be wrong is found here: points that do not exist, labels, values out of range, formulas,
functions that cannot be imported, and points that set each other without end while no time passes.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from simulator.documents import modules
from simulator.documents.problems import show, unknown
from simulator.documents.yaml import Path
from simulator.generators.formula_text import CLOCK_NAMES
from simulator.generators.formulas import Formula, compile_formula
from simulator.points import Point
from simulator.profiles.inputs import Inputs
from simulator.profiles.layers import LayeredDocument
from simulator.profiles.reaction_files import RampFile, ReactionFile
from simulator.profiles.reaction_kinds import (
    WRITTEN,
    Call,
    Pulse,
    Ramp,
    Reaction,
    Reject,
    Set,
    written_by,
)
from simulator.profiles.validating import Checked

_WORD = re.compile(r"[^\W\d]\w*")


def resolve_reactions(checked: Checked, inputs: Inputs) -> dict[str, tuple[Reaction, ...]]:
    """The reactions by point, in the order of the file; problems go to the document of the inputs."""
    found: dict[str, tuple[Reaction, ...]] = {}
    for name, file in checked.file.points.items():
        point = inputs.points.get(name)
        if point is None or not file.on_write:
            continue
        reader = _Reader(point, inputs)
        read = [reader.reaction(entry, index) for index, entry in enumerate(file.on_write)]
        found[name] = tuple(reaction for reaction in read if reaction is not None)
    _refuse_loops(found, inputs.document)
    return found


def _is_number(point: Point) -> bool:
    return point.data_type.is_numeric and point.count == 1


class _Reader:
    """Reads the entries of one point."""

    def __init__(self, point: Point, inputs: Inputs) -> None:
        self._point = point
        self._inputs = inputs
        self._points = inputs.points
        self._document = inputs.document
        self._known = {*inputs.names, *inputs.parameters, *CLOCK_NAMES, *WRITTEN}

    def reaction(self, file: ReactionFile, index: int) -> Reaction | None:
        """The reaction of an entry, None after a problem."""
        before = len(self._document.problems)
        path: Path = ("points", self._point.name, "on_write", index)
        condition = None if file.if_ is None else self._formula(file.if_, (*path, "if"))
        made = getattr(self, f"_{file.kind}")(
            file, path, {"after": file.after or 0.0, "condition": condition}
        )
        return made if len(self._document.problems) == before else None

    def _set(self, file: ReactionFile, path: Path, shared: dict[str, Any]) -> Reaction:
        values = []
        for name, value in (file.set or {}).items():
            here = (*path, "set", name)
            point = self._points.get(name)
            if point is None:
                self._document.report(here, unknown("point", name, self._points), key=True)
            else:
                values.append((point, self._value(point, value, here)))
        return Set(values=tuple(values), **shared)

    def _pulse(self, file: ReactionFile, path: Path, shared: dict[str, Any]) -> Reaction:
        return Pulse(duration=file.pulse or 0.0, **shared)

    def _ramp(self, file: ReactionFile, path: Path, shared: dict[str, Any]) -> Reaction | None:
        assert file.ramp is not None
        ramp: RampFile = file.ramp
        point = self._points.get(ramp.point) if ramp.point is not None else self._point
        if point is None:
            self._document.report((*path, "ramp", "point"), unknown("point", ramp.point, self._points))
            return None
        if not _is_number(point) or point.data_type.family == "bool" or point.enum:
            expected = "expected a point that is a number"
            message = f"point is {point.name}, of {point.data_type.name}, {expected}"
            self._document.report((*path, "ramp", "point" if ramp.point else "to"), message)
            return None
        to = self._value(point, ramp.to, (*path, "ramp", "to"))
        return Ramp(point=point, to=to, duration=ramp.duration, interval=ramp.interval, **shared)  # type: ignore[arg-type]

    def _reject(self, file: ReactionFile, path: Path, shared: dict[str, Any]) -> Reaction | None:
        assert file.reject is not None
        if self._point.access == "ro":
            message = "reject is given for a point that clients cannot write, expected access rw or wo"
            self._document.report((*path, "reject"), message, key=True)
        unless = self._formula(file.reject.unless, (*path, "reject", "unless"))
        return None if unless is None else Reject(unless=unless, exception=file.reject.exception)

    def _call(self, file: ReactionFile, path: Path, shared: dict[str, Any]) -> Reaction | None:
        name, here = file.call or "", (*path, "call")
        try:
            function = function_of(name, os.path.dirname(self._document.problem(here, "").file))
        except ValueError as error:
            self._document.report(here, str(error))
            return None
        return Call(name=name, function=function, **shared)

    def _value(self, point: Point, value: object, path: Path) -> object:
        """A value of the file, which the point takes, or a formula."""
        try:
            if isinstance(value, str) and point.data_type.is_numeric and not _is_label(point, value):
                return self._computed(point, value, path)
            point.encode(value)
            point.validate(value)
        except (ValueError, TypeError, struct.error) as error:
            self._document.report(path, str(error))
        return value

    def _computed(self, point: Point, text: str, path: Path) -> Formula | None:
        names = [*(point.enum or {}).values()]
        if names and _WORD.fullmatch(text) and text not in self._known:
            self._document.report(path, unknown("label", text, names))
            return None
        if not _is_number(point):
            raise ValueError(
                f"value is {show(text)}, expected a value of {point.data_type.name}: {point.name}"
            )
        return self._formula(text, path)

    def _formula(self, text: str, path: Path) -> Formula | None:
        try:
            formula = compile_formula(text)
        except ValueError as error:
            self._document.report(path, f"{path[-1]} is {show(text)}, {error}")
            return None
        own = formula.inputs.intersection(WRITTEN)
        if own and not _is_number(self._point):
            got = f"{min(own)} is no number: {self._point.name} is of {self._point.data_type.name}"
            self._document.report(path, f"{path[-1]} is {show(text)}, {got}, expected a formula without it")
        self._inputs.check(formula, path, WRITTEN)
        return formula


def function_of(name: str, folder: str) -> Callable[..., Any]:
    """The function of ``module:function`` or ``file.py:function``, in ``folder`` first; raises ValueError."""
    module, colon, attribute = name.rpartition(":")
    if not (colon and module and attribute):
        raise ValueError(f"function is {show(name)}, expected module:function or file.py:function")
    found = modules.load(modules.beside(module, folder))
    function = getattr(found, attribute, None)
    if not callable(function):
        functions = [each for each, value in vars(found).items() if callable(value) and each[0] != "_"]
        raise ValueError(unknown("function", attribute, functions))
    return function  # type: ignore[no-any-return]


def _is_label(point: Point, value: str) -> bool:
    return value in (point.enum or {}).values()


def _refuse_loops(found: Mapping[str, tuple[Reaction, ...]], document: LayeredDocument) -> None:
    """Points that write each other for ever while no time passes, each circle told once."""
    told: set[frozenset[str]] = set()
    for name in found:
        for index, loop in _loops(name, found):
            if frozenset(loop) not in told:
                told.add(frozenset(loop))
                path = " -> ".join([*loop, loop[0]])
                message = f"points set each other without end, got {path}, expected after at one of them"
                document.report(("points", name, "on_write", index), message)


def _loops(first: str, found: Mapping[str, tuple[Reaction, ...]]) -> Iterator[tuple[int, list[str]]]:
    """The circles through a point, and the reaction each begins with."""
    for index, _ in enumerate(found[first]):
        ways = [[first, target] for target in _at_once(first, found, index)]
        seen: set[str] = set()
        while ways:
            way = ways.pop()
            if way[-1] == first:
                yield index, way[:-1]
            elif way[-1] not in seen:
                seen.add(way[-1])
                ways += [[*way, target] for target in _at_once(way[-1], found)]


def _at_once(name: str, found: Mapping[str, tuple[Reaction, ...]], only: int | None = None) -> list[str]:
    """The points that are set in the same instant; not the point itself, which does not react to itself."""
    return [
        point.name
        for index, reaction in enumerate(found.get(name, ()))
        if isinstance(reaction, Set) and reaction.after == 0 and only in (None, index)
        for point in written_by(reaction)
        if point.name != name
    ]
