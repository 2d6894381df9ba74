"""What a script is given: the plant by names, in engineering values and virtual time.

``ScriptPlant`` is the ``plant`` of ``main(plant)`` and ``setup(plant)``.  The one rule: what a script has
begun here, subscriptions, repeated calls, waiting, ends with the script, and what its functions raise ends
the script and nothing else.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from simulator.generators.base import SHORTEST_S
from simulator.origins import Origin

if TYPE_CHECKING:
    from simulator.values import Target, Values

log = Logger()

Call = Callable[..., Any]


class Plant(Protocol):
    """What a script may reach of the plant."""

    values: Values
    time: Any
    reactor: Any

    def now(self) -> float: ...


class Run(Protocol):
    """The script as whoever runs it sees it."""

    name: str

    @property
    def is_over(self) -> bool:
        """True when nothing of the script may run any more."""
        ...

    def fails(self, error: BaseException | None) -> None:
        """Something of the script has raised."""
        ...

    def keep(self, ends: Callable[[], object]) -> Callable[[], None]:
        """Call ``ends`` when the script ends; returns what calls it before, once."""
        ...


class Repetition:
    """A function that is called again and again; ``cancel`` ends that."""

    def __init__(self, cancel: Callable[[], None]) -> None:
        self.cancel = cancel


class ScriptPlant:
    """The plant, as a script sees it.

    ``name`` is the script's, ``options`` what the plant file says under that key, ``log`` a logger of its
    own. ``time`` is virtual time: ``scale``, ``pause()``, ``resume()``, ``step()``, ``advance(seconds)``.
    Everything else of the plant, as ``faults``, ``scenarios``, ``signals``, ``offline`` and ``online``, is
    there under its name.
    """

    def __init__(self, plant: Plant, run: Run, log: Logger, options: Mapping[str, Any]) -> None:
        self.name = run.name
        self.options = options
        self.log = log
        self.time = plant.time
        self._plant = plant
        self._run = run
        self._values = plant.values
        self._origin = Origin("script", run.name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._plant, name)

    def __getitem__(self, name: str) -> ScriptDevice:
        """The device of this name; raises :class:`~simulator.errors.PointError` when there is none."""
        self._values.one(name)
        return ScriptDevice(self, name)

    def devices(self, target: Target = "*") -> Iterator[ScriptDevice]:
        """The devices that a pattern of names or a selection means, ``{"tags": ["a"]}`` for example."""
        for fleet, start, stop in self._values.spans(target):
            for row in range(start, stop):
                yield ScriptDevice(self, fleet.name_of(row))

    def now(self) -> float:
        """Virtual seconds since the plant started."""
        return self._plant.now()

    def read(self, device: str, point: str) -> Any:
        """The value of a point."""
        return self._values.read(device, point)

    def read_all(self, target: Target, point: str) -> dict[str, Any]:
        """The values of a point by the name of the device."""
        return self._values.read_all(target, point)

    def write(self, target: Target, point: str, value: object, *, hold: float | None = None) -> int:
        """Write a value to a point of one device or of many at once; returns how many.

        A generator of the point leaves the value alone for ``hold`` virtual seconds, by default as long as
        for a client's write.  Raises :class:`~simulator.errors.PointError`.
        """
        return self._values.write(target, point, value, origin=self._origin, hold=hold)

    def release(self, target: Target, point: str | None = None) -> int:
        """Let generators move what was written."""
        return self._values.release(target, point)

    def on_write(self, target: Target, point: str, function: Call) -> Repetition:
        """Call ``function(device, point, old, new, origin)`` after each write, not of generators.

        Writes of this script itself are told, too: ``origin.kind`` is ``script`` and ``origin.name`` its
        name.
        """
        subscription = self._values.on_write(target, point, partial(self._guarded, function))
        return Repetition(self._run.keep(subscription.cancel))

    def sleep(self, seconds: float) -> Deferred[None]:
        """Wait in virtual time: ``await plant.sleep(60)``; at least a millisecond, so that time goes on.

        Raises ValueError for negative seconds.
        """
        done: Deferred[None] = Deferred(lambda _: call.cancel())
        call = self.time.callLater(seconds if seconds < 0 else max(seconds, SHORTEST_S), done.callback, None)
        return done

    def every(self, seconds: float, function: Call) -> Repetition:
        """Call ``function()`` every so many virtual seconds, from one interval from now on.

        A coroutine that still runs when its time comes again is left alone, and called the next time.  Raises
        ValueError for less than a millisecond.
        """
        if not seconds >= SHORTEST_S:
            raise ValueError(f"seconds is {seconds:g}, expected {SHORTEST_S:g} or more")
        busy: list[Deferred[Any]] = []

        def beat(_: int) -> None:
            if busy:
                return
            waiting = self._guarded(function)
            if waiting is not None and not waiting.called:
                busy.append(waiting)
                waiting.addBoth(lambda _: busy.clear())

        return Repetition(self._run.keep(self.time.every(seconds, beat).stop))

    def run_in_thread(self, function: Call, *arguments: Any, **keywords: Any) -> Deferred[Any]:
        """Call something that takes long or waits, outside the event loop; await what it returns.

        It must not touch the plant: only the script itself may, with what was returned.
        """
        reactor = self._plant.reactor
        return deferToThreadPool(reactor, reactor.getThreadPool(), function, *arguments, **keywords)

    def from_thread(self, function: Call, *arguments: Any) -> None:
        """For a thread of the script: let the event loop call a function, which may touch the plant."""
        self._plant.reactor.callFromThread(self._from_thread, function, *arguments)

    def at_end(self, function: Callable[[], object]) -> None:
        """Call ``function()`` when the script ends, however it ends: to close files, to stop processes."""
        self._run.keep(function)

    def _from_thread(self, function: Call, *arguments: Any) -> None:
        if not self._run.is_over:
            self._guarded(function, *arguments)

    def _guarded(self, function: Call, *arguments: Any) -> Deferred[Any] | None:
        """Call a function of the script; its Deferred when it is a coroutine."""
        try:
            told = function(*arguments)
        except Exception as error:
            self._run.fails(error)
            return None
        if not inspect.isawaitable(told):
            return None
        waiting = deferred_of(told)
        forget = self._run.keep(waiting.cancel)

        def failed(failure: Failure) -> None:
            self._run.fails(failure.value)

        def over(_: object) -> None:
            forget()

        return waiting.addErrback(failed).addBoth(over)


def deferred_of(told: Any) -> Deferred[Any]:
    """The Deferred of a coroutine, a Deferred as it is."""
    return told if isinstance(told, Deferred) else Deferred.fromCoroutine(told)


class _Nobody:
    """Stands in for a script: functions that reactions call."""

    name = "on_write"
    is_over = False

    def fails(self, error: BaseException | None) -> None:
        """Logged, and nothing ends."""
        log.failure("a function fails that on_write has called", Failure(error))

    def keep(self, ends: Callable[[], object]) -> Callable[[], None]:
        """It ends when whoever has it says so."""

        def end() -> None:
            ends()

        return end


def handle(plant: Plant) -> ScriptPlant:
    """The plant for functions that belong to no script."""
    return ScriptPlant(plant, _Nobody(), Logger("simulator.scripts"), {})


class ScriptDevice:
    """One device by name: ``device["setpoint"]`` reads a point, ``device["setpoint"] = 21.5`` writes it."""

    def __init__(self, plant: ScriptPlant, name: str) -> None:
        self.name = name
        self._plant = plant

    def __getitem__(self, point: str) -> Any:
        return self._plant.read(self.name, point)

    def __setitem__(self, point: str, value: object) -> None:
        self._plant.write(self.name, point, value)

    def write(self, point: str, value: object, *, hold: float | None = None) -> None:
        """Write a point; see ``ScriptPlant.write``."""
        self._plant.write(self.name, point, value, hold=hold)

    def release(self, point: str | None = None) -> None:
        """Let generators move what was written."""
        self._plant.release(self.name, point)

    def on_write(self, point: str, function: Call) -> Repetition:
        """See ``ScriptPlant.on_write``."""
        return self._plant.on_write(self.name, point, function)

    def __repr__(self) -> str:
        return f"<device {self.name}>"
