"""What functions of yours may return in place of a value: coroutines, Deferreds and futures.

A coroutine runs in the event loop of asyncio that has started the server, else in Twisted's reactor.  The
one rule: whatever it is, the reactor learns of its end in its own thread.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

from simulator.embed.threads import the_reactor

Loop = asyncio.AbstractEventLoop
P = ParamSpec("P")
T = TypeVar("T")


def is_later(outcome: object) -> bool:
    """True for what has to be waited for."""
    return isinstance(outcome, Deferred | Future) or inspect.isawaitable(outcome)


def deferred(outcome: Any, loop: Loop | None) -> Deferred[Any]:
    """The Deferred of something to be waited for; ``loop`` is that of coroutines, None for the reactor."""
    if isinstance(outcome, Deferred):
        return outcome
    if isinstance(outcome, Future):
        return _of_future(outcome)
    if isinstance(outcome, asyncio.Future):
        return _of_loop(_waited(outcome), outcome.get_loop())
    if loop is None:
        return Deferred.fromCoroutine(outcome)
    return _of_loop(outcome, loop)


def in_thread(function: Callable[P, T]) -> Callable[P, Deferred[T]]:
    """Let a function that waits or computes for long run in a thread, so that it holds nobody up.

    A decorator for functions and for methods of providers.
    """

    @functools.wraps(function)
    def later(*arguments: P.args, **keywords: P.kwargs) -> Deferred[T]:
        return deferToThread(function, *arguments, **keywords)

    return later


async def _waited(future: asyncio.Future[Any]) -> Any:
    return await future


def _of_loop(coroutine: Any, loop: Loop) -> Deferred[Any]:
    if _is_turning_here(loop):
        return Deferred.fromFuture(loop.create_task(coroutine))
    try:
        return _of_future(asyncio.run_coroutine_threadsafe(coroutine, loop))
    except RuntimeError:  # the loop is closed
        coroutine.close()
        raise


def _of_future(future: Future[Any]) -> Deferred[Any]:
    reactor = the_reactor()
    later: Deferred[Any] = Deferred(lambda _: _cancel(future))

    def settle() -> None:
        if later.called:
            return
        if future.cancelled():
            later.cancel()
        elif (error := future.exception()) is not None:
            later.errback(Failure(error))
        else:
            later.callback(future.result())

    future.add_done_callback(lambda _: reactor.callFromThread(settle))
    return later


def _cancel(future: Future[Any]) -> None:
    future.cancel()


def _is_turning_here(loop: Loop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
