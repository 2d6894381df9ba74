"""How a verb is written once and becomes a method of every client.

A verb is a *plan*: a generator that yields an ``Ask`` for each request, is given the answer, and returns the
value; one that takes a single request is just that ``Ask``.  It does no I/O, so that anything can run it: a
blocking client in a loop, the others step by step as answers come.  ``@verb`` marks a plan; a class that is a
:class:`Face` gets a method for every verb it inherits, which hands a fresh plan to its ``_run`` and has the
plan's name, parameters and docstring.

The one rule: a plan never looks at who runs it, and never waits but by ``yield``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from types import CodeType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

if TYPE_CHECKING:
    import asyncio
    import concurrent.futures

    from twisted.internet.defer import Deferred

    from simulator.client.adu import RequestAdu
    from simulator.client.asks import Ask

_VARIABLE = 0x04  # CO_VARARGS: the function takes *args

P = ParamSpec("P")
T = TypeVar("T")


Plan = Generator["Ask[Any]", Any, T]


class Verb(Generic[P, T]):
    """A plan in the body of a class; see :func:`verb`."""

    def __init__(self, plan: Callable[Concatenate[Any, P], Plan[T] | Ask[T]]) -> None:
        self.plan = plan
        self.__doc__ = plan.__doc__

    @overload
    def __get__(self, face: BlockingFace, owner: Any = None) -> Callable[P, T]: ...
    @overload
    def __get__(self, face: AsyncioFace, owner: Any = None) -> Callable[P, asyncio.Future[T]]: ...
    @overload
    def __get__(self, face: TwistedFace, owner: Any = None) -> Callable[P, Deferred[T]]: ...
    @overload
    def __get__(self, face: PoolFace, owner: Any = None) -> Callable[P, concurrent.futures.Future[T]]: ...
    @overload
    def __get__(self, face: AduFace, owner: Any = None) -> Callable[P, RequestAdu[T]]: ...
    @overload
    def __get__(self, face: None, owner: Any = None) -> Verb[P, T]: ...

    def __get__(self, face: Any, owner: Any = None) -> Any:
        return self if face is None else functools.partial(_call, self.plan, face)


def _call(plan: Callable[..., Any], face: Any, *args: Any, **keywords: Any) -> Any:
    return face._run(plan(face, *args, **keywords))


def verb(plan: Callable[Concatenate[Any, P], Plan[T] | Ask[T]]) -> Verb[P, T]:
    """Make a plan a method of every client; what it returns is the client's to wrap."""
    return Verb(plan)


def verbs(kind: type) -> dict[str, Verb[Any, Any]]:
    """The verbs of a class by name, those of its bases included, in the order they are written."""
    found: dict[str, Verb[Any, Any]] = {}
    for base in reversed(kind.__mro__):
        found.update((name, value) for name, value in vars(base).items() if isinstance(value, Verb))
    return found


def _methods(plans: list[Callable[..., Any]]) -> list[Callable[..., Any]]:
    """For each plan a function with the same parameters, which hands a fresh plan to ``_run``.

    They are written out, as dataclasses write theirs: handing ``*args`` on would cost every request.
    """
    scope: dict[str, Any] = {f"plan{number}": plan for number, plan in enumerate(plans)}
    exec("\n".join(_source(number, plan.__code__) for number, plan in enumerate(plans)), scope)
    made: list[Callable[..., Any]] = []
    for number, plan in enumerate(plans):
        method: Any = functools.wraps(plan)(scope[f"verb{number}"])
        method.__defaults__, method.__kwdefaults__ = plan.__defaults__, plan.__kwdefaults__
        made.append(method)
    return made


def _source(number: int, code: CodeType) -> str:
    count = code.co_argcount
    names, keywords = code.co_varnames[:count], code.co_varnames[count : count + code.co_kwonlyargcount]
    rest = code.co_varnames[count + len(keywords)] if code.co_flags & _VARIABLE else ""
    star = [f"*{rest}"] if rest or keywords else []
    taken = ", ".join([*names, *star, *keywords])
    given = ", ".join([*names, *star[: bool(rest)], *(f"{name}={name}" for name in keywords)])
    return f"def verb{number}({taken}): return self._run(plan{number}({given}))"


class Face:
    """What runs plans.  A subclass that also inherits verbs gets a method for each."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        found = verbs(cls)
        for name, method in zip(found, _methods([verb.plan for verb in found.values()]), strict=True):
            setattr(cls, name, method)


class BlockingFace(Face):
    """Verbs return their value."""


class AsyncioFace(Face):
    """Verbs return an ``asyncio.Future``."""


class TwistedFace(Face):
    """Verbs return a ``Deferred``."""


class PoolFace(Face):
    """Verbs return a ``concurrent.futures.Future``."""


class AduFace(Face):
    """Verbs return the bytes of their request."""
