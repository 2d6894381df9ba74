"""What devices do when a point has been written: the ``on_write`` of their profiles, carried out.

A write reaches the reactions of its point as it reaches any subscriber; what takes time waits in virtual
time. The one rule: a reaction cannot harm the write it reacts to: what fails is counted and logged once for
each reaction.  A point does not react to what its own reactions write to it.
"""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from simulator.delays import MOST_WAITING, Delays
from simulator.errors import ModbusException, PointError
from simulator.generators.formulas import Evaluator, Formula
from simulator.origins import Origin
from simulator.profiles.reaction_kinds import (
    WRITTEN,
    Call,
    Pulse,
    Ramp,
    Reaction,
    Reject,
    Set,
    formulas_of,
    plain,
)
from simulator.values import Span, Values
from simulator.watches import Write

if TYPE_CHECKING:
    import numpy as np

    from simulator.fleet import Fleet
    from simulator.generators.rows import Rows
    from simulator.generators.sources import Source
    from simulator.points import Point

log = Logger()

EVERY = 1e-9  # seconds by which the last step of a ramp may be early


class Reactions:
    """All reactions of a plant.

    ``clock`` is virtual time, ``handle`` returns what functions are given to reach the plant.  ``failed``
    counts values that did not fit and functions that raised, ``delays`` has what is under way.
    """

    def __init__(
        self, values: Values, fleets: Iterable[Fleet], clock: Any, handle: Callable[[], Any]
    ) -> None:
        self.values = values
        self.clock = clock
        self.handle = handle
        self.delays = Delays(clock)
        self.failed = 0
        self._told: set[object] = set()
        for fleet in fleets:
            self._install(fleet)

    def stop(self) -> None:
        """Give up what is under way."""
        self.delays.stop()

    def later(
        self, write: Write, key: object, seconds: float, work: Callable[[], object], note: Any = None
    ) -> None:
        """Do something in the device later, in place of what waits there under the same key."""
        if not self.delays.begin((write.fleet, write.row), key, seconds, work, note):
            text = "{device}: {most} reactions are under way, what comes beyond is left out"
            self._tell_once(text, ("dropped", write.fleet), device=write.device, most=MOST_WAITING)

    def fails(self, write: Write, reaction: Reaction, error: BaseException | None) -> None:
        """Count what went wrong, and log it once for each reaction."""
        self.failed += 1
        text = "{device} {point}: a reaction fails, and may fail again: {error}"
        facts = {"device": write.device, "point": write.point.name, "error": f"{error}"}
        if not isinstance(error, PointError):
            facts["error"] = f"{type(error).__name__}: {error}"
        self._tell_once(text, (write.fleet, id(reaction)), **facts)

    def _tell_once(self, text: str, key: object, **facts: object) -> None:
        if key not in self._told:
            self._told.add(key)
            log.warn(text, **facts)

    def _install(self, fleet: Fleet) -> None:
        """Ramps hear of writes to what they move before anything reacts to those."""
        points, everywhere = fleet.profile.points, Span(fleet, 0, fleet.count)
        ramps = (
            each for each in itertools.chain(*fleet.profile.reactions.values()) if isinstance(each, Ramp)
        )
        for target in {ramp.point.name for ramp in ramps}:
            self.values.subscribe([(everywhere, points[target])], self._end_ramp)
        for name, reactions in fleet.profile.reactions.items():
            point = points[name]
            reacting = _Reacting(self, fleet, point, reactions)
            if reacting.rejects:
                self.values.watch(fleet, point).add_judge(reacting.judge)
            if reacting.reactions:
                self.values.subscribe([(everywhere, point)], reacting.written)

    def _end_ramp(self, write: Write) -> None:
        """Somebody else has written what a ramp moves."""
        self.delays.cancel((write.fleet, write.row), ("ramp", write.point.name))


class _Reacting:
    """The reactions of one point of a fleet."""

    def __init__(self, plant: Reactions, fleet: Fleet, point: Point, reactions: tuple[Reaction, ...]) -> None:
        self.rejects = [each for each in reactions if isinstance(each, Reject)]
        self.reactions = [each for each in reactions if not isinstance(each, Reject)]
        self._plant = plant
        self._plain = plain(point)
        self._rows = _WrittenRows(fleet.rows)
        every = [formula for reaction in reactions for formula in formulas_of(reaction)]
        self._formulas: dict[Formula, Evaluator] = {
            formula: formula.bind(self._rows, point.name, f"on_write {place}")
            for place, formula in enumerate(dict.fromkeys(every))
        }
        self._serial = itertools.count()

    def judge(self, write: Write) -> None:
        """Raise what a client's write is refused with."""
        for reject in self.rejects:
            if not _is_true(self._compute(reject.unless, write)):
                message = f"point {write.point.name} is not written unless {reject.unless}"
                raise ModbusException(message, code=reject.exception)

    def written(self, write: Write) -> None:
        """React."""
        if write.origin.kind == "reaction" and write.origin.name == _name(write):
            return
        for reaction in self.reactions:
            if reaction.after:
                key = "after", id(reaction), next(self._serial)
                self._plant.later(write, key, reaction.after, partial(self._try, reaction, write))
            else:
                self._try(reaction, write)

    def _try(self, reaction: Reaction, write: Write) -> None:
        try:
            if reaction.condition is None or _is_true(self._compute(reaction.condition, write)):
                _WAYS[type(reaction)](self, reaction, write)
        except Exception as error:
            self._plant.fails(write, reaction, error)

    def _compute(self, formula: Formula, write: Write) -> float:
        self._rows.note(self._number(write.after), self._number(write.before))
        t = self._plant.clock.seconds()
        return self._formulas[formula].evaluate_row(write.row, t, int(t * 1000))

    def _number(self, data: bytes) -> float:
        try:
            raw = self._plain.decode(data)
        except ValueError:  # digits that are not decimal
            return math.nan
        return float(raw) if isinstance(raw, int | float) else math.nan

    def _value(self, point: Point, value: object, write: Write) -> Any:
        if not isinstance(value, Formula):
            return value
        number = self._compute(value, write)
        if not math.isfinite(number):
            raise PointError(f"{write.device} {point.name}: {value} is {number}, expected a finite number")
        return bool(number) if point.data_type.family == "bool" else number

    def _put(self, write: Write, point: Point, value: object) -> None:
        origin = Origin("reaction", _name(write), cause=write.origin)
        self._plant.values.write_row(write.fleet, write.row, point, value, origin)

    def _set(self, reaction: Set, write: Write) -> None:
        for point, value in reaction.values:
            self._put(write, point, self._value(point, value, write))

    def _pulse(self, pulse: Pulse, write: Write) -> None:
        """Have the value of before later, the one of before the first where several pulses meet."""
        device, key = (write.fleet, write.row), ("pulse", write.point.name)
        rest: object = self._plant.delays.note(device, key, write.old)
        if write.point.data_type.family == "bool" and write.point.count == 1:
            rest = False
            if not write.new:
                self._plant.delays.cancel(device, key)
                return
        self._plant.later(write, key, pulse.duration, partial(self._end_pulse, pulse, rest, write), rest)

    def _end_pulse(self, pulse: Pulse, rest: object, write: Write) -> None:
        try:
            self._put(write, write.point, rest)
        except PointError as error:
            self._plant.fails(write, pulse, error)

    def _ramp(self, ramp: Ramp, write: Write) -> None:
        """Begin to move; a point that moves itself begins where it was."""
        to = float(self._value(ramp.point, ramp.to, write))
        if ramp.point is write.point:
            begin = self._number(write.before)
            self._put(write, ramp.point, begin)
        else:
            begin = float(write.fleet.read(write.row, plain(ramp.point)))  # type: ignore[arg-type]
        self._next(_Move(ramp, begin, to, self._plant.clock.seconds()), write)

    def _next(self, move: _Move, write: Write) -> None:
        seconds = move.next_step(self._plant.clock.seconds())
        key = "ramp", move.ramp.point.name
        self._plant.later(write, key, seconds, partial(self._step, move, write))

    def _step(self, move: _Move, write: Write) -> None:
        now = self._plant.clock.seconds()
        try:
            self._put(write, move.ramp.point, move.at(now))
        except PointError as error:
            self._plant.fails(write, move.ramp, error)
            return
        if not move.is_over(now):
            self._next(move, write)

    def _call(self, call: Call, write: Write) -> None:
        """Call a function; one that waits goes on by itself."""
        told = call.function(
            self._plant.handle(), write.device, write.point.name, write.old, write.new, write.origin
        )
        if inspect.isawaitable(told):
            waiting = told if isinstance(told, Deferred) else Deferred.fromCoroutine(told)  # type: ignore[arg-type]

            def failed(failure: Failure) -> None:
                self._plant.fails(write, call, failure.value)

            waiting.addErrback(failed)


_WAYS: dict[type[Reaction], Callable[[_Reacting, Any, Write], None]] = {
    Set: _Reacting._set,
    Pulse: _Reacting._pulse,
    Ramp: _Reacting._ramp,
    Call: _Reacting._call,
}


@dataclass(frozen=True, slots=True)
class _Move:
    """A ramp under way, begun at virtual second ``since``."""

    ramp: Ramp
    begin: float
    to: float
    since: float

    def at(self, now: float) -> float:
        """Where the point is then."""
        if self.is_over(now):
            return self.to
        return self.begin + (self.to - self.begin) * (now - self.since) / self.ramp.duration

    def is_over(self, now: float) -> bool:
        """True when the end is reached."""
        return now - self.since >= self.ramp.duration - EVERY

    def next_step(self, now: float) -> float:
        """Seconds until the point is to move again."""
        return max(EVERY, min(self.ramp.interval, self.since + self.ramp.duration - now))


class _Noted:
    """A number that every row has: what was written, or stood there before."""

    number = math.nan

    def read(self, start: int, stop: int, out: np.ndarray | None = None) -> float:
        """The number."""
        return self.number


class _WrittenRows:
    """The rows of a fleet in which formulas find ``value`` and ``old``, too."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._noted = {name: _Noted() for name in WRITTEN}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rows, name)

    def note(self, value: float, old: float) -> None:
        """What formulas are to find next."""
        self._noted["value"].number, self._noted["old"].number = value, old

    def source(self, name: str) -> Source:
        """What was written, or what the rows have."""
        return self._noted.get(name) or self._rows.source(name)


def _is_true(number: float) -> bool:
    return bool(number) and not math.isnan(number)


def _name(write: Write) -> str:
    return f"{write.device} {write.point.name}"
