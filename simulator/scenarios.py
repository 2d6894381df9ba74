"""Scenarios being played: timelines on virtual time.

Each ``Scenario`` has one timer, for its next step, and one for each change that lasts for a while.  The one
rule: a timeline goes on.  A step that fails is logged with its place and counted, and the next one comes
when it is due; what a step takes long for is done in slices behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.logger import Logger

from simulator.documents.wording import unknown
from simulator.origins import Origin

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from simulator.config.steps import Action, ScenarioPlan, Step

log = Logger()

Undo = Callable[[], "Deferred[None]"]


class Stage(Protocol):
    """Where actions are carried out."""

    def perform(self, action: Action, origin: Origin) -> tuple[Undo | None, Deferred[Any]]:
        """Begin an action: how it is taken back, and what fires when it is done."""
        ...


class Scenarios(Mapping[str, "Scenario"]):
    """The scenarios of a plant by name.  ``clock`` is virtual time."""

    def __init__(self, plans: Mapping[str, ScenarioPlan], clock: Any, stage: Stage) -> None:
        self._scenarios = {name: Scenario(plan, clock, stage) for name, plan in plans.items()}
        self._clock = clock
        self._begin: Any = None

    def __getitem__(self, name: str) -> Scenario:
        try:
            return self._scenarios[name]
        except KeyError:
            raise KeyError(unknown("scenario", name, self._scenarios)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._scenarios)

    def __len__(self) -> int:
        return len(self._scenarios)

    def start(self) -> None:
        """Start those that start with the plant, as soon as it is said to be ready."""
        self._begin = self._clock.callLater(0, self._start)

    def _start(self) -> None:
        for scenario in self._scenarios.values():
            if scenario.plan.starts and not scenario.is_running:
                scenario.start()

    def stop(self) -> None:
        """Stop all of them where they are; nothing is taken back."""
        if self._begin is not None and self._begin.active():
            self._begin.cancel()
        for scenario in self._scenarios.values():
            scenario.halt()


class Scenario:
    """One scenario.

    ``is_running`` until its last step is done and the last change with a ``for`` is taken back; ``round``
    counts from 1 and ``step`` the steps done in it; ``started_at`` and ``next_at`` are virtual seconds, None
    when there is none.  ``failed`` counts steps that did not succeed since the start.
    """

    def __init__(self, plan: ScenarioPlan, clock: Any, stage: Stage) -> None:
        self.name = plan.name
        self.plan = plan
        self.is_running = False
        self.round = 0
        self.step = 0
        self.failed = 0
        self.started_at: float | None = None
        self.next_at: float | None = None
        self._clock = clock
        self._stage = stage
        self._origin = Origin("scenario", plan.name)
        self._round_at = 0.0
        self._call: Any = None
        self._ends: dict[int, Any] = {}  # timers of changes that last for a while, by number of the step
        self._undos: dict[int, Undo] = {}  # of changes that stand
        self._finished: list[Deferred[None]] = []

    def start(self) -> None:
        """Play it from now on; raises RuntimeError while it is played."""
        if self.is_running:
            raise RuntimeError(f"scenario {self.name} is running, expected one that is not")
        self.is_running = True
        self.failed = 0
        self.started_at = self._clock.seconds()
        log.info("scenario {name} starts", name=self.name)
        self._begin_round(1, self.started_at)

    def stop(self, *, restore: bool | None = None) -> Deferred[None]:
        """End it now; fires when what is to be taken back is.

        ``restore`` is whether all it has changed is taken back, as the file says by default; also after its
        end.  Without, only those changes are that were to last for a while.
        """
        was_running = self.is_running
        lasting = list(self._ends)
        self.halt()
        restores = self.plan.restores and was_running if restore is None else restore
        undone = [self._take_back(number) for number in (list(self._undos) if restores else lasting)]
        if was_running:
            log.info("scenario {name} is stopped", name=self.name)
        return DeferredList(undone, consumeErrors=True).addCallback(lambda _: None)

    def halt(self) -> None:
        """End it and leave everything as it is."""
        for call in (self._call, *self._ends.values()):
            if call is not None and call.active():
                call.cancel()
        self._call = None
        self._ends.clear()
        self._end()

    def finished(self) -> Deferred[None]:
        """Fires when it is not running any more, at once when it is not."""
        if not self.is_running:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._finished.append(done)
        return done

    def __str__(self) -> str:
        if not self.is_running:
            return f"{self.name}: not running"
        rounds = "" if self.plan.rounds == 1 else f", round {self.round}"
        return f"{self.name}: running, step {self.step} of {len(self.plan.steps)}{rounds}"

    def _begin_round(self, number: int, at: float) -> None:
        self.round = number
        self.step = 0
        self._round_at = at
        self._wait()

    def _wait(self) -> None:
        """Wait for the next step, or for the end of the round."""
        steps = self.plan.steps
        is_last = self.step == len(steps)
        self.next_at = self._round_at + (self.plan.duration if is_last else steps[self.step].at)
        self._call = self._clock.callLater(
            max(0.0, self.next_at - self._clock.seconds()), self._round_over if is_last else self._play
        )

    def _play(self) -> None:
        """Do the step that is due."""
        self._call = None
        self.step += 1
        self._do(self.step - 1)
        if self.is_running:  # the step may have stopped us
            self._wait()

    def _round_over(self) -> None:
        self._call = None
        if self.plan.rounds is None or self.round < self.plan.rounds:
            assert self.next_at is not None
            self._begin_round(self.round + 1, self.next_at)
            return
        log.info("scenario {name} is over", name=self.name)
        if self.plan.restores:
            for number in list(self._undos):
                self._take_back(number)
        self._end()

    def _end(self) -> None:
        """It does not run any more."""
        self.is_running = False
        self.next_at = None
        finished, self._finished = self._finished, []
        for done in finished:
            done.callback(None)

    def _do(self, number: int) -> None:
        step = self.plan.steps[number]
        log.info("scenario {name}: {step}", name=self.name, step=step)
        before = self._undos.pop(number, None)
        try:
            undo, done = self._stage.perform(step.action, self._origin)
        except Exception:
            self._failed(step)
        else:
            done.addErrback(lambda failure: self._failed(step, failure))
            if undo is not None:
                self._undos[number] = undo
        if before is not None:  # of the round before; taken back behind: nothing comes back in between
            before().addErrback(lambda failure: self._failed(step, failure))
        if step.lasting is not None:
            end = self._ends.pop(number, None)
            if end is not None and end.active():
                end.cancel()
            self._ends[number] = self._clock.callLater(step.lasting, self._lasted, number)

    def _lasted(self, number: int) -> None:
        del self._ends[number]
        self._take_back(number)

    def _take_back(self, number: int) -> Deferred[None]:
        self._ends.pop(number, None)
        step = self.plan.steps[number]
        undo = self._undos.pop(number, None)
        if undo is None:
            return succeed(None)
        log.info("scenario {name}: take back {action}", name=self.name, action=step.action)
        return undo().addErrback(lambda failure: self._failed(step, failure))

    def _failed(self, step: Step, failure: Failure | None = None) -> None:
        self.failed += 1
        log.failure(
            "scenario {name}: step {step} ({position}) failed; the scenario goes on",
            failure,
            name=self.name,
            step=step,
            position=step.position,
        )
