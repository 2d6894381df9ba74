"""What the formulas of a profile read: every name is a point or a parameter that is a number, no circles.

One rule: a formula that loads can be computed.  A name that does not exist, that is no single number or that
could mean two things is told at the formula, with its column there; points that wait for each other are told
with their path.  Whether ``signal.NAME`` exists is a question for the plant: ``signals`` says where each is
used first.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from simulator.documents.problems import show, unknown
from simulator.documents.yaml import Path
from simulator.errors import Problem
from simulator.generators.base import Generator
from simulator.generators.formula_text import CLOCK_NAMES
from simulator.generators.formulas import Formula
from simulator.generators.ordering import CycleError, arranged
from simulator.generators.quantities import formulas_of
from simulator.points import Point
from simulator.profiles.layers import LayeredDocument

CLOCK_MEANINGS = {"t": "the time", "i": "the device's number from 0", "n": "the device's number from 1"}
WAYS_OUT = "lag, integrate, pid or follow with a delay take a value of the tick before"


@dataclass
class Inputs:
    """Judges formulas of one profile.

    ``names`` are all points, those with problems too; ``points`` the sound ones.  ``signals`` and
    ``numbers`` fill up with the signals and parameters that formulas read.
    """

    names: Collection[str]
    points: Mapping[str, Point]
    parameters: Mapping[str, float | str]
    document: LayeredDocument
    signals: dict[str, Problem] = field(
        default_factory=dict
    )  # name -> where it is used first, without a text
    numbers: set[str] = field(default_factory=set)

    def check(self, formula: Formula, path: Path, own: Collection[str] = ()) -> None:
        """Report what is wrong with the names of the formula at ``path``; ``own`` are names only it has."""
        for name, column in formula.columns.items():
            if name in own:
                continue
            if name in CLOCK_NAMES:
                wrong = self._clock(name)
            elif name in formula.names:
                wrong = self._name(name, own)
            else:
                self.signals.setdefault(name.partition(".")[2], self.document.problem(path, ""))
                continue
            if wrong:
                self.document.report(path, f"{path[-1]} is {show(formula.text)}, column {column}: {wrong}")

    def _clock(self, name: str) -> str:
        """A name of the language that is a point or parameter too could be meant either way."""
        kind = "point" if name in self.names else "parameter" if name in self.parameters else ""
        if not kind:
            return ""
        return f"{name} is {CLOCK_MEANINGS[name]} in formulas, got a {kind} {name} too, expected another name"

    def _name(self, name: str, own: Collection[str]) -> str:
        if name in self.names:
            point = self.points.get(name)
            return "" if point is None else _misfit(point)
        if name not in self.parameters:
            return unknown("name", name, [*own, *self.names, *self.parameters])
        self.numbers.add(name)
        value = self.parameters[name]
        return "" if is_number(value) else f"parameter {name} is {show(value)}, expected a number"


def check_inputs(inputs: Inputs) -> None:
    """Report what is wrong with the inputs of all generators of the profile."""
    generators: dict[str, Generator] = {}
    for name, point in inputs.points.items():
        if point.generator is not None:
            generators[name] = point.generator
            for key, formula in formulas_of(point.generator).items():
                inputs.check(formula, ("points", name, "generator", key))
    while generators:
        try:
            arranged(generators)
        except CycleError as error:
            places: list[Path] = [("points", name, "generator") for name in error.path]
            place = next(filter(inputs.document.is_overridden, places), places[0])  # what closed the circle
            inputs.document.report(place, f"{error}; {WAYS_OUT}")
            del generators[error.path[0]]
        else:
            return


def is_number(value: object) -> bool:
    """Whether formulas can use a parameter: a finite number, be it written as a text."""
    try:
        return math.isfinite(float(value))  # type: ignore[arg-type]  # what it cannot take is the question
    except (TypeError, ValueError, OverflowError):
        return False


def _misfit(point: Point) -> str:
    """Why a point is no input; "" when it is one."""
    if not point.data_type.is_numeric:
        return f"point {point.name} is of {point.data_type.name}, expected a point that is a number"
    if point.count > 1:
        return f"point {point.name} is an array of {point.count}, expected a point that is one number"
    return ""
