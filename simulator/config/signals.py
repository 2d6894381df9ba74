"""``signals`` of a plant file: generators of the whole plant, in an order in which they can be computed.

The one rule: a signal knows no device.  It may read other signals, as ``signal.NAME``, and the time; the
points and parameters of devices are refused, circles are told with their path, and so is every profile
that reads a signal this plant does not have.
"""

from __future__ import annotations

import keyword
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from simulator.documents.problems import from_validation_error, one_of, show, suggest, unknown
from simulator.documents.yaml import Document, Path
from simulator.errors import Problem
from simulator.generators.base import Generator
from simulator.generators.formula_text import SIGNAL
from simulator.generators.ordering import CycleError, arranged
from simulator.generators.quantities import formulas_of
from simulator.generators.registry import make, types
from simulator.generators.rows import Group, GroupRows
from simulator.profiles.profile import Profile

WAYS_OUT = "lag, integrate, pid or follow with a delay take a value of the tick before"


def read_signals(document: Document, problems: list[Problem]) -> dict[str, Generator]:
    """The generators of the signals by name, inputs before those who read them; ``problems`` grow."""
    found = document.data.get("signals")
    if not isinstance(found, dict):  # told by the schema
        return {}
    reading = _Reading(document, [name for name in found if isinstance(name, str)], problems)
    generators = {}
    for name, spec in found.items():
        generator = reading.generator(name, spec)
        if generator is not None:
            generators[name] = generator
    return reading.arranged(generators)


def check_signals(document: Document, profiles: Iterable[Profile | None], problems: list[Problem]) -> None:
    """Every signal that a formula of these profiles reads is one of the plant."""
    found = document.data.get("signals")
    known = found if isinstance(found, dict) else {}
    for profile in profiles:
        for name, place in profile.signals.items() if profile is not None else ():
            if name not in known:
                problem = replace(place, message=_stranger(name, known))
                if problem not in problems:
                    problems.append(problem)


def _stranger(name: str, known: Collection[str]) -> str:
    if not known:
        return f"reads {SIGNAL}.{name}, but the plant has no signals, expected it under signals"
    expected, hint = one_of([f"{SIGNAL}.{each}" for each in known]), suggest(name, known)
    return f"reads {SIGNAL}.{name}, expected {expected}" + (f"; {hint}" if hint else "")


@dataclass(frozen=True, slots=True)
class _Cell:
    value: float = 1.0


class _Names:
    """Signals without values: enough to find out whether a generator can be bound."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def cell(self, name: str) -> _Cell:
        """KeyError for a name that is none."""
        if name not in self._names:
            raise KeyError(name)
        return _Cell()


class _Reading:
    """The section of one plant file."""

    def __init__(self, document: Document, names: Collection[str], problems: list[Problem]) -> None:
        self._document = document
        self._names = names
        self._problems = problems

    def generator(self, name: object, spec: Any) -> Generator | None:
        """The generator of a signal; None after problems."""
        path: Path = ("signals", str(name))
        if not _is_name(name):
            self._report(
                path, f"signal is named {show(name)}, expected a name such as grid_frequency", key=True
            )
            return None
        if not isinstance(spec, dict):  # told by the schema
            return None
        generator = self._made(spec, path)
        if generator is None or not self._reads_signals_only(generator, path):
            return None
        try:
            generator.bind(GroupRows([Group("signals", 1)], signals=_Names(self._names)), str(name))
        except ValueError as error:
            self._report(path, str(error))
            return None
        return generator

    def arranged(self, generators: Mapping[str, Generator]) -> dict[str, Generator]:
        """Inputs first; a circle is a problem."""
        named = {f"{SIGNAL}.{name}": generator for name, generator in generators.items()}
        try:
            order = arranged(named)
        except CycleError as error:
            got = " -> ".join(error.path)
            name = error.path[0].partition(".")[2]
            self._report(
                ("signals", name), f"signals wait for each other, got {got}, expected an end; {WAYS_OUT}"
            )
            return dict(generators)
        return {name.partition(".")[2]: named[name] for name in order}

    def _made(self, spec: Any, path: Path) -> Generator | None:
        try:
            return make(spec, {}, os.path.dirname(self._document.file))
        except ValidationError as error:
            self._problems += from_validation_error(self._document, error, path, types()[spec["type"]])
        except ValueError as error:
            self._report((*path, "type") if isinstance(spec, dict) and "type" in spec else path, str(error))
        return None

    def _reads_signals_only(self, generator: Generator, path: Path) -> bool:
        is_sound = True
        for key, formula in formulas_of(generator).items():
            for name, column in formula.columns.items():
                wrong = self._input(name)
                if wrong:
                    self._report((*path, key), f"{key} is {show(formula.text)}, column {column}: {wrong}")
                    is_sound = False
        return is_sound

    def _input(self, name: str) -> str:
        """Why a signal cannot read this; "" when it can."""
        kind, _, signal = name.partition(".")
        if kind == SIGNAL and signal:
            return "" if signal in self._names else unknown("signal", signal, self._names)
        if name == "t":
            return ""
        hint = f"; did you mean '{SIGNAL}.{name}'?" if name in self._names else ""
        return f"{name} is of a device, expected {SIGNAL}.NAME, t or a function{hint}"

    def _report(self, path: Path, message: str, *, key: bool = False) -> None:
        self._problems.append(self._document.problem(path, message, key=key))


def _is_name(name: object) -> bool:
    """Whether formulas can write it behind ``signal.``"""
    return isinstance(name, str) and name.isascii() and name.isidentifier() and not keyword.iskeyword(name)
