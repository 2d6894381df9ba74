"""Where scenarios act: faults, outages, values and generators of one plant.

Every action has an undo that takes back what it did and nothing else.  The one rule: who wanted the same is
not disturbed: a fault stays on while anybody wants it, a device stays away while an outage holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, DeferredList, succeed

from simulator.changes import Change, Changes
from simulator.config.steps import (
    Action,
    BringOnline,
    ChangeGenerator,
    ClearAway,
    ReleasePoints,
    ReleaseSignal,
    SetPoint,
    SetSignal,
    SwitchFaults,
    TakeOffline,
)
from simulator.slices import Slices

if TYPE_CHECKING:
    from simulator.config.selection import Selection
    from simulator.fleet import Fleet
    from simulator.origins import Origin
    from simulator.scenarios import Undo
    from simulator.server.faulty_rules import Faults
    from simulator.server.offline import Offline
    from simulator.signals import Signals
    from simulator.values import Values
    from simulator.virtual_time import VirtualClock

Performed = tuple["Undo | None", "Deferred[Any]"]


class PlantStage:
    """Carries out the actions of scenarios; ``everything`` selects all devices of the plant."""

    def __init__(
        self,
        homes: Mapping[int, tuple[Fleet, int]],
        values: Values,
        signals: Signals,
        faults: Faults,
        outages: Callable[[], Offline],
        everything: Selection,
        time: VirtualClock,
    ) -> None:
        self.changes = Changes(homes, values, signals)
        self._slices = Slices(time.clock, at_once=True)
        self._faults = faults
        self._outages = outages
        self._everything = everything
        self._now = time.seconds
        self._wanted: dict[str, _Wanted] = {}  # by fault

    def stop(self) -> None:
        """Leave everything as it is."""
        self._slices.stop()

    def perform(self, action: Action, origin: Origin) -> Performed:
        """Begin an action: how it is taken back, and what fires when it is done."""
        return _PERFORMERS[type(action)](self, action, origin)

    def _switch(self, action: SwitchFaults, origin: Origin) -> Performed:
        change = Change()
        for name, before in [(name, self._faults[name].enabled) for name in action.names]:
            self._wanted.setdefault(name, _Wanted(before)).switch(change, action.enabled)
        self._set_faults(dict.fromkeys(action.names, action.enabled))

        def undo() -> Deferred[None]:
            self._unswitch(action.names, change)
            return succeed(None)

        return undo, succeed(None)

    def _unswitch(self, names: Iterable[str], change: Change) -> None:
        """A fault is as the last of those says who still want something of it, else as it was before."""
        wishes: dict[str, bool] = {}
        for name in names:
            wanted = self._wanted.get(name)
            if wanted is not None and change in wanted.wishes:
                del wanted.wishes[change]
                wishes[name] = wanted.enabled
                if not wanted.wishes:
                    del self._wanted[name]
        self._set_faults(wishes)

    def _set_faults(self, wishes: Mapping[str, bool]) -> None:
        """Switch faults on or off, but for those that were removed meanwhile."""
        there = {name: enabled for name, enabled in wishes.items() if name in self._faults}
        self._faults.disable(*(name for name, enabled in there.items() if not enabled))
        for name in (name for name, enabled in there.items() if enabled):
            self._faults.enable(name)

    def _take_offline(self, action: TakeOffline, origin: Origin) -> Performed:
        outages = self._outages()
        outage, done = outages.begin(action.selection, action.how)
        return lambda: outages.end(outage), done

    def _bring_online(self, action: BringOnline, origin: Origin) -> Performed:
        return None, self._outages().release(action.selection)

    def _set_point(self, action: SetPoint, origin: Origin) -> Performed:
        change = Change()
        done = self._slices.do(self.changes.set_point(change, action, origin))
        return lambda: self._slices.do(self.changes.take_back(change, origin)), done

    def _change_generator(self, action: ChangeGenerator, origin: Origin) -> Performed:
        change = Change()
        done = self._slices.do(self.changes.change_generator(change, action, self._now()))
        return lambda: self._slices.do(self.changes.take_back(change, origin)), done

    def _set_signal(self, action: SetSignal, origin: Origin) -> Performed:
        change = Change()
        self.changes.set_signal(change, action)
        return lambda: self._slices.do(self.changes.take_back(change, origin)), succeed(None)

    def _release_points(self, action: ReleasePoints, origin: Origin) -> Performed:
        return None, self._slices.do(self.changes.release_points(action.selection, action.point))

    def _release_signal(self, action: ReleaseSignal, origin: Origin) -> Performed:
        self.changes.release_signal(action.name)
        return None, succeed(None)

    def _clear(self, action: ClearAway, origin: Origin) -> Performed:
        done: list[Deferred[Any]] = []
        if action.what in ("all", "faults"):
            self._wanted.clear()
            self._faults.clear()
        if action.what in ("all", "offline"):
            done.append(self._outages().release(self._everything))
        if action.what in ("all", "values"):
            done.append(self._slices.do(self.changes.clear(origin)))
        return None, DeferredList(done, fireOnOneErrback=True, consumeErrors=True)


class _Wanted:
    """Who wants a fault on or off, the last last."""

    __slots__ = ("_before", "wishes")

    def __init__(self, before: bool) -> None:
        self._before = before
        self.wishes: dict[Change, bool] = {}

    def switch(self, change: Change, enabled: bool) -> None:
        """One more wish; the last one counts."""
        self.wishes[change] = enabled

    @property
    def enabled(self) -> bool:
        """What it should be."""
        return next(reversed(self.wishes.values()), self._before)


_PERFORMERS: dict[type, Callable[..., Performed]] = {
    SwitchFaults: PlantStage._switch,
    TakeOffline: PlantStage._take_offline,
    BringOnline: PlantStage._bring_online,
    SetPoint: PlantStage._set_point,
    SetSignal: PlantStage._set_signal,
    ReleasePoints: PlantStage._release_points,
    ReleaseSignal: PlantStage._release_signal,
    ChangeGenerator: PlantStage._change_generator,
    ClearAway: PlantStage._clear,
}
