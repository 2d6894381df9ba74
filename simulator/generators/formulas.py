"""Formulas: arithmetic over points, parameters, signals and time, compiled once, computed for many rows.

``compile_formula`` checks a text; a ``Formula`` is a value like a number of the file; bound to the devices of
a fleet it gives an ``Evaluator``, which reads its inputs anew at every call: for a slice of rows in
``sample``, for one row in ``evaluate_row``.  Both give the same bits.  One rule: everything that can be wrong
with a formula is found when it is compiled or bound; while it runs, what cannot be computed is NaN or
infinite, and who asked decides what becomes of that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from simulator.documents.problems import show, unknown
from simulator.generators.base import Chance, Sampler
from simulator.generators.formula_steps import Program, build
from simulator.generators.formula_text import CLOCK_NAMES, SIGNAL, FormulaError, parse
from simulator.generators.numbers import Values
from simulator.generators.rows import Rows
from simulator.generators.sources import Source

__all__ = ["Evaluator", "Formula", "FormulaError", "compile_formula"]


@dataclass(frozen=True, slots=True)
class Formula:
    """A checked formula.  Equal texts make equal formulas; make it with ``compile_formula``."""

    text: str
    program: Program = field(compare=False, repr=False)
    columns: Mapping[str, int] = field(compare=False, repr=False)  # input -> where it is first used, from 1

    @property
    def inputs(self) -> frozenset[str]:
        """What it reads: points and parameters by name, ``signal.NAME``, ``t``, ``i``, ``n``."""
        return frozenset(self.columns)

    @property
    def signals(self) -> frozenset[str]:
        """The names of the signals it reads."""
        return frozenset(name.partition(".")[2] for name in self.columns if is_signal(name))

    @property
    def names(self) -> frozenset[str]:
        """The points and parameters it reads."""
        return frozenset(name for name in self.columns if name not in CLOCK_NAMES and not is_signal(name))

    def check(self, legal: Collection[str]) -> None:
        """Raise FormulaError for a name that is none of these points and parameters."""
        for name, column in self.columns.items():
            if name in self.names and name not in legal:
                raise FormulaError(f"column {column}: {unknown('name', name, legal)}")

    def bind(self, rows: Rows, point: str, lane: str = "formula") -> Evaluator:
        """The formula over these devices; ``point`` and ``lane`` name its random numbers and its memory."""
        return Evaluator(self, rows, point, lane)

    def __str__(self) -> str:
        return self.text


class Evaluator(Sampler):
    """A formula over the devices of a fleet."""

    def __init__(self, formula: Formula, rows: Rows, point: str, lane: str) -> None:
        self._program, self._lane = formula.program, lane
        self._scratch = rows.scratch
        self._sources: list[Source | None] = [
            None if name == "t" else rows.source(name) for name in self._program.inputs
        ]
        self._chances = [Chance(rows, point, f"{lane} {site}") for site in range(self._program.sites)]

    def sample(self, tick: int, t: float, start: int, stop: int) -> Values:
        """The values at ``t``: a float when they are the same for all rows; NaN and infinity included."""
        count = stop - start
        inputs = [
            t if source is None else source.read(start, stop, self._take(f"input {place}", count))
            for place, source in enumerate(self._sources)
        ]

        def draw(site: int) -> np.ndarray:
            out = self._take(f"random {site}", count)
            self._chances[site].fill(out, tick, start, stop)
            return out

        return self._program.run(inputs, draw, self._take, count)

    def evaluate_row(self, row: int, t: float, tick: int = 0) -> float:
        """The value of one row, NaN and infinity included; ``tick`` picks the random numbers."""
        count = 1
        inputs = []
        for source in self._sources:
            value = t if source is None else source.read(row, row + count)
            inputs.append(value if isinstance(value, float) else float(value[0]))

        def draw(site: int) -> float:
            out = np.empty(count)
            self._chances[site].fill(out, tick, row, row + count)
            return float(out[0])

        value = self._program.run(inputs, draw, self._take, count)
        return value if isinstance(value, float) else float(value[0])

    def _take(self, name: str, count: int, dtype: Any = np.float64) -> np.ndarray:
        return self._scratch.take(f"{self._lane} {name}", count, dtype)


def compile_formula(text: object, allowed: Collection[str] | None = None) -> Formula:
    """The formula of a text; ``allowed`` are the points and parameters it may name, None for any.

    Raises FormulaError, a ValueError, with the column and the reason.
    """
    if not isinstance(text, str):
        raise FormulaError(f"formula is {show(text)}, expected a text")
    formula = _compiled(text)
    if allowed is not None:
        formula.check(allowed)
    return formula


@lru_cache(maxsize=1024)  # a profile is read once for each group that overrides something of it
def _compiled(text: str) -> Formula:
    tree, columns = parse(text)
    return Formula(text, build(tree), columns)


def is_signal(name: str) -> bool:
    """True for ``signal.NAME``."""
    return name.startswith(f"{SIGNAL}.")
