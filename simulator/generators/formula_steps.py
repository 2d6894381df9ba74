"""What a formula does, step by step, for many rows at once or for one.

A tree becomes a list of steps over numbered slots: inputs, constants, results.  A slot holds a float when
it is the same for all rows, else an array.  One rule: a step over floats gives a float, with the same bits
as the step over arrays would, so that slicing and sharding change nothing; arrays are scratch memory,
one for each depth of the tree.  Nothing raises at run time: what cannot be computed is NaN or infinite.

Truth is a bool array (or 1.0 and 0.0); a number is true when it is not 0.  ``and``, ``or`` and ``if``
compute all of their operands and choose by row.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.generators.formula_text import Constant, FormulaError, Name, Node, Operation
from simulator.generators.numbers import Values

Take = Callable[..., np.ndarray]  # name, count, dtype -> scratch memory


def _ufunc(function: np.ufunc) -> Callable[..., float]:
    return lambda *numbers: float(function(*numbers))


def _division(function: Callable[[float, float], float]) -> Callable[..., float]:
    """Division by zero gives no number, which nothing but a condition around it can hide."""
    return lambda dividend, divisor: float(function(dividend, divisor)) if divisor else math.nan


def _compared(compare: Callable[[float, float], bool]) -> Callable[..., float]:
    return lambda left, right: float(compare(left, right))


_NUMERIC: Mapping[str, tuple[np.ufunc, Callable[..., float]]] = {
    "+": (np.add, operator.add),
    "-": (np.subtract, operator.sub),
    "*": (np.multiply, operator.mul),
    "/": (np.divide, _division(operator.truediv)),
    "//": (np.floor_divide, _division(np.floor_divide)),
    "%": (np.remainder, _division(np.remainder)),
    "neg": (np.negative, operator.neg),
    "abs": (np.absolute, abs),
    "round": (np.rint, _ufunc(np.rint)),
    **{
        name: (function, _ufunc(function))
        for name, function in {
            "**": np.power, "min": np.minimum, "max": np.maximum,
            "floor": np.floor, "ceil": np.ceil, "sqrt": np.sqrt, "exp": np.exp, "log": np.log,
            "sin": np.sin, "cos": np.cos,
        }.items()
    },
}  # fmt: skip
_LOGICAL: Mapping[str, tuple[np.ufunc, Callable[..., float]]] = {
    "<": (np.less, _compared(operator.lt)),
    "<=": (np.less_equal, _compared(operator.le)),
    ">": (np.greater, _compared(operator.gt)),
    ">=": (np.greater_equal, _compared(operator.ge)),
    "==": (np.equal, _compared(operator.eq)),
    "!=": (np.not_equal, _compared(operator.ne)),
    "not": (np.logical_not, lambda number: float(not number)),
}


@dataclass(frozen=True, slots=True)
class Step:
    """``kind`` over the slots ``operands`` into slot ``out``; its memory is number ``depth`` of its sort."""

    kind: str
    operands: tuple[int, ...]
    out: int
    depth: int
    is_truth: bool = False
    site: int = 0


@dataclass(frozen=True, slots=True)
class Program:
    """The steps of a formula.  Slots: ``inputs``, then ``constants``, then one for each step."""

    inputs: tuple[str, ...]
    constants: tuple[float, ...]
    steps: tuple[Step, ...]
    result: int
    sites: int  # calls of random

    def run(self, inputs: Sequence[Values], draw: Callable[[int], Values], take: Take, count: int) -> Values:
        """The value of each of ``count`` rows; ``draw`` gives the random numbers of a call of random.

        A float when no input and no chance tells the rows apart; an array may be scratch, or an input.
        """
        slots: list[Any] = [*inputs, *self.constants, *(None,) * len(self.steps)]
        with np.errstate(all="ignore"):
            for step in self.steps:
                operands = [slots[place] for place in step.operands]
                if step.kind == "random":
                    slots[step.out] = draw(step.site)
                elif any(isinstance(each, np.ndarray) for each in operands):
                    dtype = np.bool_ if step.is_truth else np.float64
                    out = take(f"{'truth' if step.is_truth else 'number'} {step.depth}", count, dtype)
                    slots[step.out] = _ROWS[step.kind](out, *operands)
                else:
                    slots[step.out] = _ONE[step.kind](*operands)
        return _plain(slots[self.result], take, count)


def _plain(value: Any, take: Take, count: int) -> Values:
    """Numbers, of truths too."""
    if not isinstance(value, np.ndarray):
        return float(value)
    if value.dtype == np.bool_:
        out = take("result", count, np.float64)
        np.copyto(out, value)
        return out
    return value


def _rows_of(function: np.ufunc) -> Callable[..., np.ndarray]:
    return lambda out, *operands: function(*operands, out=out)


def _division_rows(function: np.ufunc) -> Callable[..., np.ndarray]:
    def divide(out: np.ndarray, dividend: Any, divisor: Any) -> np.ndarray:
        zeros = None if np.all(divisor) else np.equal(divisor, 0)  # before out, which may be the divisor's
        function(dividend, divisor, out=out)
        if zeros is not None:
            np.copyto(out, math.nan, where=zeros)
        return out

    return divide


def _number_rows(out: np.ndarray, truths: Any) -> np.ndarray:
    np.copyto(out, truths)
    return out


def _and_rows(out: np.ndarray, left: Any, right: Any) -> np.ndarray:
    """``right`` where ``left`` is true, else ``left``."""
    truth = np.not_equal(left, 0)
    if out is not left:
        np.copyto(out, left)
    np.copyto(out, right, where=truth)
    return out


def _or_rows(out: np.ndarray, left: Any, right: Any) -> np.ndarray:
    truth = np.equal(left, 0)
    if out is not left:
        np.copyto(out, left)
    np.copyto(out, right, where=truth)
    return out


def _if_rows(out: np.ndarray, condition: Any, then: Any, other: Any) -> np.ndarray:
    """``out`` may be the memory of ``then``, never that of ``other``."""
    if not isinstance(condition, np.ndarray):
        np.copyto(out, then if condition else other)
        return out
    if out is not then:
        np.copyto(out, then)
    np.copyto(out, other, where=np.equal(condition, 0))
    return out


_ROWS: Mapping[str, Callable[..., np.ndarray]] = {
    **{name: _rows_of(function) for name, (function, _) in {**_NUMERIC, **_LOGICAL}.items()},
    **{name: _division_rows(_NUMERIC[name][0]) for name in ("/", "//", "%")},
    "number": _number_rows,
    "and": _and_rows,
    "or": _or_rows,
    "both": _rows_of(np.logical_and),
    "either": _rows_of(np.logical_or),
    "if": _if_rows,
}
_ONE: Mapping[str, Callable[..., float]] = {
    **{name: function for name, (_, function) in {**_NUMERIC, **_LOGICAL}.items()},
    "number": float,
    "and": lambda left, right: right if left else left,
    "or": lambda left, right: left if left else right,
    "both": lambda left, right: float(bool(left) and bool(right)),
    "either": lambda left, right: float(bool(left) or bool(right)),
    "if": lambda condition, then, other: then if condition else other,
}


def build(tree: Node) -> Program:
    """The program of a tree.  Raises FormulaError for a constant part that is not finite."""
    return _Building(tree).program()


class _Building:
    def __init__(self, tree: Node) -> None:
        self._tree = _folded(tree)
        self._inputs: dict[str, int] = {}
        self._constants: dict[float, int] = {}
        self._steps: list[Step] = []
        self._sites = 0

    def program(self) -> Program:
        self._collect(self._tree)
        result, _ = self._emit(self._tree, 0)
        return Program(tuple(self._inputs), tuple(self._constants), tuple(self._steps), result, self._sites)

    def _collect(self, node: Node) -> None:
        """Give each input and each constant its slot."""
        if isinstance(node, Name):
            self._inputs.setdefault(node.name, len(self._inputs))
        elif isinstance(node, Constant):
            self._constants.setdefault(node.value, len(self._constants))
        else:
            self._sites = max(self._sites, node.site + (node.kind == "random"))
            for operand in node.operands:
                self._collect(operand)

    def _emit(self, node: Node, depth: int) -> tuple[int, bool]:
        """The slot of a node and whether it holds truths; its memory is number ``depth`` or above."""
        if isinstance(node, Name):
            return self._inputs[node.name], False
        if isinstance(node, Constant):
            return len(self._inputs) + self._constants[node.value], False
        if node.kind == "if":  # the condition last: the result takes the memory of the first choice
            condition, *choices = node.operands
            found = [self._emit(each, depth + place) for place, each in enumerate(choices)]
            found.insert(0, self._emit(condition, depth + 2))
        else:
            found = [self._emit(each, depth + place) for place, each in enumerate(node.operands)]
        kind, is_truth = node.kind, node.kind in _LOGICAL
        if kind in ("and", "or") and all(truth for _, truth in found):
            kind, is_truth = {"and": "both", "or": "either"}[kind], True
        if not is_truth:
            ahead = int(kind == "if")  # a condition may stay truth
            found = [
                self._step("number", (each,), depth + place - ahead) if each[1] and place >= ahead else each
                for place, each in enumerate(found)
            ]
        return self._step(kind, found, depth, is_truth=is_truth, site=node.site)

    def _step(
        self,
        kind: str,
        operands: Sequence[tuple[int, bool]],
        depth: int,
        *,
        is_truth: bool = False,
        site: int = 0,
    ) -> tuple[int, bool]:
        out = len(self._inputs) + len(self._constants) + len(self._steps)
        self._steps.append(Step(kind, tuple(slot for slot, _ in operands), out, depth, is_truth, site))
        return out, is_truth


def _folded(node: Node) -> Node:
    """The tree with its constant parts computed."""
    if not isinstance(node, Operation):
        return node
    operands = tuple(map(_folded, node.operands))
    if node.kind == "random" or not all(isinstance(each, Constant) for each in operands):
        return Operation(node.kind, operands, node.site, node.column)
    with np.errstate(all="ignore"):
        value = float(_ONE[node.kind](*(each.value for each in operands if isinstance(each, Constant))))
    if not math.isfinite(value):
        raise FormulaError(f"column {node.column}: constant part is {value}, expected a finite number")
    return Constant(value)
