"""Which function carries out each operation of the table.

The one rule: a function has the parameters of its line in the table, in that order, and an annotated result;
whoever breaks that cannot import this module.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, cast, get_args, get_origin, get_type_hints

from twisted.internet.defer import Deferred

from simulator.control import course, devices, points, records, tables
from simulator.control.verbs import TABLE, Verb

Function = Callable[..., Any]


class Operation(NamedTuple):
    """An operation, the function that carries it out, the shape of its answer."""

    verb: Verb
    function: Function
    result: Any


def _function(name: str) -> Function:
    """The function of this name in the modules of the topics; raises LookupError."""
    for module in (devices, points, tables, course, records):
        found = getattr(module, name, None)
        if callable(found) and found.__module__ == module.__name__:
            return cast(Function, found)
    raise LookupError(f"no topic has an operation {name}")


def _operation(verb: Verb) -> Operation:
    function = _function(verb.method_name)
    own = list(inspect.signature(function).parameters)[1:]
    if own != [each.name for each in verb.parameters]:
        raise TypeError(f"{function.__qualname__} has parameters {own}, expected those of {verb.name}")
    result = get_type_hints(function, vars(inspect.getmodule(function)) | _DEFERRED)["return"]
    return Operation(verb, function, get_args(result)[0] if get_origin(result) is Deferred else result)


_DEFERRED = {"Deferred": Deferred}
OPERATIONS = {verb.name: _operation(verb) for verb in TABLE}
