"""The reactor of the process, and how other threads reach it.

A program that runs Twisted's reactor is served by it.  For any other program one thread runs the reactor,
from the first server on until the process ends: a reactor cannot be started twice, servers can.  The one
rule: what servers are made of is touched in the thread of the reactor only, or by one thread while none runs.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python import threadable

START_S = 30.0  # until the reactor turns; for a machine that has a lot to do
STOP_S = 2.0  # how long the end of the process waits for the reactor

_lock = threading.RLock()
_waiting: set[Future[Any]] = set()  # what other threads wait for
_thread: threading.Thread | None = None
_is_watched = False  # somebody tells those who wait when the reactor ends


def the_reactor() -> Any:
    """Twisted's reactor; the default one is installed when there is none."""
    from twisted.internet import reactor

    return reactor


def is_running() -> bool:
    """True while the reactor turns."""
    return bool(the_reactor().running)


def inside() -> bool:
    """True in the thread of a reactor that turns."""
    if not is_running():
        return False
    if _thread is not None:  # what Twisted remembers may be another reactor's thread
        return threading.current_thread() is _thread
    return bool(threadable.isInIOThread())


def ensure_running() -> None:
    """Have the reactor turn, in a thread of its own unless the program runs it already.

    Raises RuntimeError when it has been stopped: Twisted cannot start it again.
    """
    global _thread
    reactor = the_reactor()
    with _lock:
        if reactor.running:
            return
        if reactor._startedBefore:
            raise RuntimeError("the reactor of this process has been stopped, expected one that runs")
        turning = threading.Event()
        reactor.callWhenRunning(turning.set)
        _thread = threading.Thread(target=_turn, args=(reactor,), name="modsim reactor", daemon=True)
        _thread.start()
        if not turning.wait(START_S):
            raise RuntimeError(f"the reactor does not turn after {START_S:g} s, expected it to")
        atexit.register(_end)


def submit(function: Callable[..., Any], *arguments: Any) -> Future[Any]:
    """Call a function in the thread of the reactor; the future has what it returns, or its Deferred gives.

    While no reactor turns the function is called at once, here.
    """
    future: Future[Any] = Future()
    with _lock:
        elsewhere = is_running() and not inside()
        if elsewhere:
            _watch()
            _waiting.add(future)
            future.add_done_callback(_waiting.discard)
            the_reactor().callFromThread(_call, future, function, *arguments)
            return future
        if not inside():  # nobody else may come between
            _call(future, function, *arguments)
            return future
    _call(future, function, *arguments)
    return future


def run(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in the thread of the reactor and wait for what it returns.

    Inside the reactor it is simply called: a Deferred is returned as it is.
    """
    if inside():
        return function(*arguments)
    return submit(function, *arguments).result()


def _call(future: Future[Any], function: Callable[..., Any], *arguments: Any) -> None:
    try:
        result = function(*arguments)
    except BaseException as error:
        _settle(future, None, error)
        return
    if isinstance(result, Deferred):
        result.addCallbacks(
            lambda value: _settle(future, value, None), lambda failure: _settle(future, None, failure.value)
        )
    else:
        _settle(future, result, None)


def _settle(future: Future[Any], value: Any, error: BaseException | None) -> None:
    if future.done() or not future.set_running_or_notify_cancel():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


def _watch() -> None:
    global _is_watched
    if not _is_watched:
        _is_watched = True
        the_reactor().callFromThread(
            the_reactor().addSystemEventTrigger, "after", "shutdown", _nobody_answers
        )


def _nobody_answers() -> None:
    """The reactor ends: those who wait for it wait in vain."""
    with _lock:
        for future in tuple(_waiting):
            if not future.done():
                future.set_exception(RuntimeError("the reactor has been stopped, expected it to answer"))


def _turn(reactor: Any) -> None:
    reactor.run(installSignalHandlers=False)


def _end() -> None:
    """The process ends."""
    if _thread is not None and _thread.is_alive():
        reactor = the_reactor()
        reactor.callFromThread(lambda: reactor.running and reactor.stop())
        _thread.join(STOP_S)
