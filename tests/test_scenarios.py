"""Timelines: when steps are done, what lasts, what is taken back; on a clock advanced by hand."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import LogEvent, globalLogPublisher

from simulator.config.steps import ClearAway, ScenarioPlan, Step, SwitchFaults
from simulator.origins import Origin
from simulator.scenarios import Scenario, Scenarios


class Stage:
    """Notes what is begun and taken back, and when."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.said: list[tuple[float, str]] = []

    def perform(self, action: Any, origin: Origin) -> Any:
        name = "clear" if isinstance(action, ClearAway) else action.names[0]
        if name == "raises":
            raise ValueError("broken at once")
        self.said.append((self.clock.seconds(), name))
        assert str(origin) == "scenario s"

        def undo() -> Deferred[None]:
            self.said.append((self.clock.seconds(), f"no {name}"))
            return succeed(None)

        if name == "clear":
            return None, succeed(None)
        return undo, fail(ValueError("broken later")) if name == "fails" else succeed(None)


def step(at: float, name: str, lasting: float | None = None) -> Step:
    action = ClearAway("all") if name == "clear" else SwitchFaults((name,), True)
    return Step(at, action, lasting, "plant.yaml:7:5")


class Played:
    """A scenario and what it does."""

    def __init__(self, *steps: Step, **settings: Any) -> None:
        self.clock = Clock()
        self.stage = Stage(self.clock)
        self.plan = ScenarioPlan("s", steps, **settings)
        self.scenario = Scenario(self.plan, self.clock, self.stage)

    def pass_(self, seconds: float) -> list[tuple[float, str]]:
        """Let time pass in small steps; what was said meanwhile."""
        self.stage.said.clear()
        self.clock.pump([0.25] * int(seconds * 4))
        return list(self.stage.said)


def test_steps_are_done_at_their_times_and_last_as_long_as_they_are_to() -> None:
    played = Played(step(0, "a"), step(2, "b", 3), step(4, "clear"))
    played.clock.advance(100)
    played.scenario.start()
    assert played.pass_(10) == [(100.25, "a"), (102, "b"), (104, "clear"), (105, "no b")]
    assert not played.scenario.is_running


def test_its_state_can_be_seen() -> None:
    played = Played(step(1, "a"), step(3, "b", 2))
    scenario = played.scenario
    assert (scenario.is_running, scenario.started_at, scenario.next_at) == (False, None, None)
    assert str(scenario) == "s: not running"
    played.clock.advance(7)
    scenario.start()
    assert (scenario.is_running, scenario.step, scenario.started_at, scenario.next_at) == (True, 0, 7, 8)
    played.pass_(1)
    assert (scenario.step, scenario.next_at, str(scenario)) == (1, 10, "s: running, step 1 of 2")
    played.pass_(2)
    assert (scenario.step, scenario.next_at) == (2, 12), "it runs until what lasts is over"
    finished: list[None] = []
    scenario.finished().addCallback(finished.append)
    played.pass_(2)
    assert (scenario.is_running, scenario.next_at, finished) == (False, None, [None])
    scenario.finished().addCallback(finished.append)
    assert len(finished) == 2
    with pytest.raises(RuntimeError, match="scenario s is running, expected one that is not"):
        scenario.start() or scenario.start()


def test_rounds_follow_each_other_without_drifting() -> None:
    played = Played(step(0.5, "a", 1), rounds=3, every=2.0)
    played.scenario.start()
    assert played.pass_(20) == [
        (0.5, "a"),
        (1.5, "no a"),
        (2.5, "a"),
        (3.5, "no a"),
        (4.5, "a"),
        (5.5, "no a"),
    ]
    endless = Played(step(0, "a"), step(1.5, "clear"), rounds=None)
    endless.scenario.start()
    assert [at for at, name in endless.pass_(9) if name == "clear"] == [1.5, 3, 4.5, 6, 7.5, 9]
    assert str(endless.scenario) == "s: running, step 1 of 2, round 7"


def test_a_change_that_stands_is_replaced_in_the_next_round() -> None:
    """Taken back behind the new one, so that nothing comes back in between; and never twice."""
    played = Played(step(0, "a"), rounds=3, every=2.0)
    played.scenario.start()
    assert played.pass_(5) == [(0.25, "a"), (2, "a"), (2, "no a"), (4, "a"), (4, "no a")]


@pytest.mark.parametrize(
    ("restores", "asked", "back"),
    [(False, None, ["no b"]), (True, None, ["no a", "no b"]), (False, True, ["no a", "no b"]),
     (True, False, ["no b"])],
)  # fmt: skip
def test_stopping_takes_back_what_was_to_last_and_all_when_asked(
    restores: bool, asked: bool | None, back: list[str]
) -> None:
    played = Played(step(0, "a"), step(1, "b", 60), step(30, "clear"), restores=restores)
    played.scenario.start()
    played.pass_(5)
    played.stage.said.clear()
    stopped: list[None] = []
    played.scenario.stop(restore=asked).addCallback(stopped.append)
    assert [name for _, name in played.stage.said] == back
    assert stopped == [None]
    assert played.pass_(100) == []
    assert played.clock.getDelayedCalls() == []
    played.scenario.stop(restore=True)
    assert [name for _, name in played.stage.said] == (["no a"] if "no a" not in back else [])


def test_it_restores_at_its_end_when_the_file_says_so() -> None:
    played = Played(step(0, "a"), step(1, "b"), restores=True)
    played.scenario.start()
    assert played.pass_(5) == [(0.25, "a"), (1, "b"), (1, "no a"), (1, "no b")]


@pytest.mark.parametrize("name", ["raises", "fails"])
def test_a_step_that_fails_is_logged_with_its_place_and_the_timeline_goes_on(name: str) -> None:
    events: list[LogEvent] = []
    played = Played(step(0, name), step(1, "b"))
    globalLogPublisher.addObserver(events.append)
    try:
        played.scenario.start()
        assert (1, "b") in played.pass_(3)
    finally:
        globalLogPublisher.removeObserver(events.append)
    (event,) = [event for event in events if "log_failure" in event]
    assert (event["name"], event["position"], str(event["step"])) == (
        "s", "plant.yaml:7:5", f"0s: enable {name}",
    )  # fmt: skip
    assert played.scenario.failed == 1


def test_halting_leaves_everything_as_it_is() -> None:
    played = Played(step(0, "a", 3), restores=True)
    played.scenario.start()
    played.pass_(1)
    played.scenario.halt()
    assert played.pass_(9) == []
    assert played.clock.getDelayedCalls() == []


def test_scenarios_are_found_by_name_and_some_start_with_the_plant() -> None:
    clock = Clock()
    plans = {
        name: ScenarioPlan(name, (step(1, "a"),), starts=starts)
        for name, starts in (("first", True), ("second", False))
    }
    scenarios = Scenarios(plans, clock, Stage(clock))
    assert (list(scenarios), len(scenarios)) == (["first", "second"], 2)
    scenarios.start()
    clock.advance(0)
    assert [scenario.is_running for scenario in scenarios.values()] == [True, False]
    with pytest.raises(KeyError, match="unknown scenario 'frist', expected first or second; did you mean"):
        scenarios["frist"]
    scenarios.stop()
    assert clock.getDelayedCalls() == []


@given(
    st.lists(st.tuples(st.integers(0, 8), st.none() | st.integers(1, 5)), min_size=1, max_size=6),
    st.integers(1, 3),
)
def test_every_change_that_lasts_is_taken_back_once(spans: list[tuple[int, int | None]], rounds: int) -> None:
    steps = [step(at, f"f{number}", lasting) for number, (at, lasting) in enumerate(sorted(spans, key=str))]
    steps.sort(key=lambda each: each.at)
    played = Played(*steps, rounds=rounds, every=1.0)
    played.scenario.start()
    said = played.pass_(60)
    assert not played.scenario.is_running
    for each, number in itertools.product(steps, range(rounds)):
        name = each.action.names[0]  # type: ignore[union-attr]
        begun = [at for at, what in said if what == name]
        ended = [at for at, what in said if what == f"no {name}"]
        assert len(begun) == rounds
        assert len(ended) == (rounds if each.lasting is not None else rounds - 1)
        if each.lasting is not None:
            assert ended[number] - begun[number] == pytest.approx(each.lasting, abs=0.26)
