"""How a verb is written once and becomes a method of every client.

A verb is a *plan*: a generator that yields an ``Ask`` for each request, is given the answer, and returns
the value.  It does no I/O, so that anything can run it: a blocking client in a loop, the others step by step
as answers come.  ``@verb`` marks a plan; a class that is a :class:`Face` gets a method for every verb it
inherits, which hands a fresh plan to its ``_run``.  The method has the plan's name, parameters and docstring.

The one rule: a plan never looks at who runs it, and never waits but by ``yield``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

if TYPE_CHECKING:
    import asyncio
    import concurrent.futures

    from twisted.internet.defer import Deferred

    from simulator.client.adu import RequestAdu
    from simulator.client.asks import Ask

P = ParamSpec("P")
T = TypeVar("T")


Plan = Generator["Ask", Any, T]


class Verb(Generic[P, T]):
    """A plan in the body of a class; see :func:`verb`."""

    def __init__(self, plan: Callable[Concatenate[Any, P], Plan[T]]) -> None:
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

    def method(self) -> Callable[..., Any]:
        """A function that hands a fresh plan to the ``_run`` of its first argument."""
        plan = self.plan

        @functools.wraps(plan)
        def run(self: Any, *args: Any, **keywords: Any) -> Any:
            return self._run(plan(self, *args, **keywords))

        return run


def _call(plan: Callable[..., Plan[Any]], face: Any, *args: Any, **keywords: Any) -> Any:
    return face._run(plan(face, *args, **keywords))


def verb(plan: Callable[Concatenate[Any, P], Plan[T]]) -> Verb[P, T]:
    """Make a plan a method of every client; what it returns is the client's to wrap."""
    return Verb(plan)


def verbs(kind: type) -> dict[str, Verb[Any, Any]]:
    """The verbs of a class by name, those of its bases included, in the order they are written."""
    found: dict[str, Verb[Any, Any]] = {}
    for base in reversed(kind.__mro__):
        found.update((name, value) for name, value in vars(base).items() if isinstance(value, Verb))
    return found


class Face:
    """What runs plans.  A subclass that also inherits verbs gets a method for each."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        for name, found in verbs(cls).items():
            setattr(cls, name, found.method())


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
