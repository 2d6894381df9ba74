"""script: values that a Python function of the user computes.

``function: "module:callable"`` is called as ``callable(t, devices)`` at each tick, for some of the fleet's
devices at a time, and returns one number for all of them or one for each.  ``Devices`` is what it may know.
One rule: what it returns depends on ``t``, the devices and what it remembers of them only, because slices
have any size.  A class is made once for each point and its instance called: it has a place to remember in.

What it raises stops its point: logged once with the traceback, counted; the other points go on.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Annotated, Any

import numpy as np
from pydantic import PlainValidator, ValidationInfo, WithJsonSchema

from simulator.documents import modules
from simulator.documents.problems import show, unknown
from simulator.documents.templates import Template
from simulator.generators.base import Chance, Sampler, cut
from simulator.generators.formulas import Formula, compile_formula
from simulator.generators.numbers import Values, Varying
from simulator.generators.process import Process
from simulator.generators.registry import generator
from simulator.generators.rows import Rows

Compute = Callable[[float, "Devices"], Any]
EXPECTED = "module:callable"


class Devices:
    """The devices of one call: rows ``start`` to ``stop`` of the ``total`` devices of the fleet."""

    def __init__(self, facts: _Facts, tick: int, t: float, start: int, stop: int) -> None:
        self._facts, self._t = facts, t
        self.tick = tick  # ticks of this point since the start, from 0
        self.start = start
        self.stop = stop

    @property
    def count(self) -> int:
        """How many numbers are wanted."""
        return self.stop - self.start

    @property
    def total(self) -> int:
        """How many devices the fleet has."""
        return self._facts.rows.count

    @property
    def point(self) -> str:
        """The name of the point."""
        return self._facts.point

    @property
    def i(self) -> np.ndarray:
        """The number of each device in its group, from 0 on; float64."""
        return np.broadcast_to(cut(self._facts.number("i"), self.start, self.stop), (self.count,))

    @property
    def n(self) -> np.ndarray:
        """The number of each device in its group, from 1 on; float64."""
        return self.i + 1.0

    def parameter(self, name: str) -> Values:
        """A parameter that is a number: a float when equal for all devices, else one for each of them.

        Raises ValueError for names that the profile does not have.
        """
        return cut(self._facts.number(name), self.start, self.stop)

    def read(self, name: str) -> Values:
        """One of the ``inputs``, as it was written there: one number, or one for each device; yours to keep.

        Raises ValueError for what is none of them.
        """
        values = self._facts.input(name).sample(self.tick, self._t, self.start, self.stop)
        return values.copy() if isinstance(values, np.ndarray) else values

    def random(self, name: str = "") -> np.ndarray:
        """A number from 0 to below 1 for each device, by seed, device, point, ``name`` and tick."""
        numbers = np.empty(self.count)
        self._facts.chance(name).fill(numbers, self.tick, self.start, self.stop)
        return numbers


class _Facts:
    """What does not change from call to call."""

    def __init__(self, rows: Rows, point: str, inputs: tuple[Formula, ...]) -> None:
        self.rows, self.point = rows, point
        self._inputs = {
            formula.text: formula.bind(rows, point, f"inputs {place}") for place, formula in enumerate(inputs)
        }
        self._numbers: dict[str, Values] = {}
        self._chances: dict[str, Chance] = {}

    def number(self, name: str) -> Values:
        if name not in self._numbers:
            self._numbers[name] = self.rows.number(Varying(Template(f"{{{name}}}")))
        return self._numbers[name]

    def input(self, name: str) -> Sampler:
        if name not in self._inputs:
            raise ValueError(unknown("input", name, self._inputs))
        return self._inputs[name]

    def chance(self, name: str) -> Chance:
        if name not in self._chances:
            self._chances[name] = Chance(self.rows, self.point, f"script\0{name}")
        return self._chances[name]


def _function(value: object, info: ValidationInfo) -> str:
    if not isinstance(value, str) or not all(value.rpartition(":")[::2]):
        raise ValueError(f'function is {show(value)}, expected "{EXPECTED}"')
    _found(value)
    return value


def _found(function: str) -> Callable[..., Any]:
    """The callable of ``module:callable``; ``ValueError`` when there is none that takes t and devices."""
    module, _, name = function.rpartition(":")
    loaded = modules.load(module)
    if (found := getattr(loaded, name, None)) is None:
        own = [each for each, value in vars(loaded).items() if callable(value) and _is_of(value, loaded)]
        raise ValueError(f"{module}: {unknown('function', name, own)}")
    call = getattr(found, "__call__", None) if isinstance(found, type) else found  # noqa: B004
    if not callable(call):
        raise ValueError(f"{module}: {name} is {show(found)}, expected a function of t and devices")
    try:
        _check_signature(name, call, (None,) * isinstance(found, type))
    except TypeError as error:
        raise ValueError(f"{module}: {error}, expected {name}(t, devices)") from None
    return found  # type: ignore[no-any-return]


def _is_of(value: Any, module: ModuleType) -> bool:
    return getattr(value, "__module__", None) == module.__name__


def _check_signature(name: str, call: Callable[..., Any], before: tuple[None, ...]) -> None:
    """``TypeError`` when a call with two arguments cannot succeed."""
    try:
        signature = inspect.signature(call)
    except ValueError:  # of a function in C nothing is known
        return
    try:
        signature.bind(*before, 0.0, None)
    except TypeError:
        raise TypeError(f"{name}{signature} cannot be called with two arguments") from None


def _input(value: object) -> Formula:
    return compile_formula(value)


Input = Annotated[Formula, PlainValidator(_input), WithJsonSchema({"type": "string", "minLength": 1})]
_SCHEMA = {"type": "string", "pattern": "^.+:.+$", "examples": ["levels:tank"]}


@generator("script")
@dataclass(frozen=True, kw_only=True)
class Script(Process):
    """What ``function`` returns; ``inputs`` are what it may read, names or formulas."""

    file_key = "function"

    function: Annotated[str, PlainValidator(_function), WithJsonSchema(_SCHEMA)]
    inputs: tuple[Input, ...] = ()

    @classmethod
    def beside(cls, name: str, folder: str) -> str:
        """A module is searched beside the file that names it first."""
        module, colon, function = name.rpartition(":")
        return modules.beside(module, folder) + colon + function if module else name

    @cached_property
    def _compute(self) -> Callable[..., Any]:
        return _found(self.function)

    def sampler(self, rows: Rows, point: str) -> Sampler:
        """One number or an array, as the function likes."""
        compute = self._compute
        return _Called(compute() if isinstance(compute, type) else compute, _Facts(rows, point, self.inputs))


class _Called(Sampler):
    def __init__(self, compute: Compute, facts: _Facts) -> None:
        self._compute, self._facts = compute, facts

    def sample(self, tick: int, t: float, start: int, stop: int) -> Values:
        """``ValueError`` when the function returns no numbers, or not as many as there are devices."""
        result = self._compute(t, Devices(self._facts, tick, t, start, stop))
        values = np.asarray(result)
        if values.dtype.kind not in "bif" or values.shape not in ((), (stop - start,)):
            what = f"shape {values.shape} of {values.dtype}" if values.ndim else show(result)
            raise ValueError(f"function returned {what}, expected a number or {stop - start} numbers")
        return values.astype(np.float64) if values.ndim else float(values)
