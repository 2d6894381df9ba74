"""What happens to the plant: virtual time, outages, faults, scenarios, signals.

The one rule: nothing is done here; each function asks the part of the plant that does it, and says in HTTP's
terms why it would not.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from twisted.internet.defer import CancelledError, Deferred

from simulator.control import results
from simulator.control.context import Control
from simulator.control.refusals import Conflict, NotFound, Unfit
from simulator.documents.wording import unknown
from simulator.errors import BindError, ConfigError

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from simulator.scenarios import Scenario

_DONE: results.Done = {"done": True}


def time(control: Control) -> results.TimeState:
    """Where virtual time is."""
    clock = control.plant.time
    seconds = clock.seconds()
    return {
        "seconds": seconds,
        "moment": _moment(control.plant.epoch, seconds),
        "scale": clock.scale,
        "paused": clock.paused,
        "tick": clock.tick,
        "lost_s": clock.lost_s,
    }


def pause(control: Control) -> Deferred[results.TimeState]:
    """Stand still."""
    return control.plant.time.pause().addCallback(lambda _: time(control))


def resume(control: Control) -> results.TimeState:
    """Run again."""
    control.plant.time.resume()
    return time(control)


def step(control: Control, ticks: int = 1) -> Deferred[results.TimeState]:
    """Pause, and go some ticks on."""
    return _arrived(control, control.plant.time.step(ticks))


def advance(control: Control, seconds: float) -> Deferred[results.TimeState]:
    """Go forward."""
    return _arrived(control, control.plant.time.advance(seconds))


def scale(control: Control, scale: float) -> results.TimeState:
    """Run so fast."""
    control.plant.time.scale = scale
    return time(control)


def offline(
    control: Control, device: list[str], how: Literal["close", "drop"] = "close"
) -> Deferred[results.Concerned]:
    """Take devices away."""
    chosen = control.select(device)
    try:
        begun = control.plant.offline(chosen, how)
    except RuntimeError as error:
        raise Conflict(str(error)) from None
    answer: results.Concerned = {"devices": chosen.count}
    return begun.addCallbacks(lambda _: answer, _conflict)


def online(control: Control, device: list[str]) -> Deferred[results.Concerned]:
    """Bring devices back, whatever outages there are."""
    chosen = control.select(device)
    answer: results.Concerned = {"devices": chosen.count}
    return control.plant.online(chosen).addCallbacks(lambda _: answer, _conflict)


def faults(control: Control) -> results.Faults:
    """Every rule."""
    return {"faults": [_fault(control, name) for name in control.plant.faults]}


def enable_fault(control: Control, name: str) -> results.FaultState:
    """Switch a rule on."""
    _known(control, name)
    control.plant.faults.enable(name)
    return _fault(control, name)


def disable_fault(control: Control, name: str) -> results.FaultState:
    """Switch a rule off."""
    _known(control, name)
    control.plant.faults.disable(name)
    return _fault(control, name)


def add_fault(control: Control, fault: Mapping[str, Any]) -> results.FaultState:
    """A new rule behind all others."""
    try:
        added = control.plant.faults.add(fault)
    except ConfigError as error:
        raise Unfit("; ".join(_problem(each.path, each.message) for each in error.problems)) from None
    except ValueError as error:
        raise Conflict(str(error)) from None
    return _fault(control, added.name)


def remove_fault(control: Control, name: str) -> results.Done:
    """Take a rule away."""
    _known(control, name)
    control.plant.faults.remove(name)
    return _DONE


def clear_faults(control: Control) -> results.Faults:
    """Be as the plant file says."""
    control.plant.faults.clear()
    return faults(control)


def scenarios(control: Control) -> results.Scenarios:
    """Every timeline."""
    return {"scenarios": [_scenario(each) for each in control.plant.scenarios.values()]}


def start_scenario(control: Control, name: str) -> results.ScenarioState:
    """Play a timeline from its beginning."""
    found = _timeline(control, name)
    try:
        found.start()
    except RuntimeError as error:
        raise Conflict(str(error)) from None
    return _scenario(found)


def stop_scenario(control: Control, name: str) -> Deferred[results.ScenarioState]:
    """End a timeline."""
    found = _timeline(control, name)
    return found.stop(restore=True).addCallback(lambda _: _scenario(found))


def signals(control: Control) -> results.Signals:
    """Every signal."""
    return {"signals": [_signal(control, name) for name in control.plant.signals]}


def hold_signal(control: Control, name: str, value: float) -> results.SignalState:
    """Let a signal stand."""
    _signalled(control, name)
    control.plant.signals.hold(name, value)
    return _signal(control, name)


def release_signal(control: Control, name: str) -> results.SignalState:
    """Let a signal move."""
    _signalled(control, name)
    control.plant.signals.release(name)
    return _signal(control, name)


def _moment(epoch: float, seconds: float) -> str:
    """ISO 8601, as far as the calendar goes."""
    try:
        return (datetime.fromtimestamp(epoch, UTC) + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        return "beyond the calendar"


def _arrived(control: Control, goal: Deferred[float]) -> Deferred[results.TimeState]:
    def failed(failure: Failure) -> results.TimeState:
        failure.trap(CancelledError)
        raise Conflict("virtual time was paused or stopped before it got there")

    return goal.addCallbacks(lambda _: time(control), failed)


def _conflict(failure: Failure) -> results.Concerned:
    failure.trap(BindError, OverflowError)
    raise Conflict(failure.getErrorMessage())


def _known(control: Control, name: str) -> None:
    if name not in control.plant.faults:
        raise NotFound(unknown("fault", name, control.plant.faults))


def _fault(control: Control, name: str) -> results.FaultState:
    rule = control.plant.faults[name]
    return {"name": name, "enabled": rule.enabled, "matched": rule.matched, "applied": rule.applied}


def _problem(path: str, message: str) -> str:
    return f"{path}: {message}" if path else message


def _timeline(control: Control, name: str) -> Scenario:
    if name not in list(control.plant.scenarios):
        raise NotFound(unknown("scenario", name, control.plant.scenarios))
    return control.plant.scenarios[name]


def _scenario(found: Scenario) -> results.ScenarioState:
    return {
        "name": found.name,
        "running": found.is_running,
        "round": found.round,
        "step": found.step,
        "steps": len(found.plan.steps),
        "failed": found.failed,
        "next_at": found.next_at,
    }


def _signalled(control: Control, name: str) -> None:
    if name not in list(control.plant.signals):
        raise NotFound(unknown("signal", name, control.plant.signals))


def _signal(control: Control, name: str) -> results.SignalState:
    plant = control.plant
    return {"name": name, "value": results.plain(plant.signals[name]), "held": plant.signals.held(name)}
