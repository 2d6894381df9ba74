"""Scenarios in a plant file: what loads, and what is told with its place."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.config.loader import parse_plant
from simulator.config.plant import PlantConfig
from simulator.config.steps import BringOnline, ChangeGenerator, SetPoint, SwitchFaults, TakeOffline
from simulator.errors import ConfigError

PLANT = """
devices:
  - {name: "meter-{n:04}", profile: energy-meter, count: 50, endpoint: "tcp://127.0.0.1:0", tags: [feeder-a]}
  - {name: "loop-{n}", profile: temperature-loop, endpoint: "tcp://127.0.0.1:0", unit_id: 1-20}
signals: {sun: {type: constant, value: 1}}
faults:
  - {name: slow-feeder, when: {tags: [feeder-a]}, then: {delay: 500ms}, enabled: false}
scenarios:
"""


def load(text: str) -> PlantConfig:
    return parse_plant(PLANT + text, file="plant.yaml")


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text)
    return [f"{problem.path}: {problem.message}" for problem in caught.value.problems]


def test_the_scenario_of_the_format_loads_as_it_is_written() -> None:
    plan = load("""
  switch-loss:
    - {at: 0s, fault: slow-feeder}
    - {at: 60s, offline: {tags: [feeder-a]}, for: 30s}
    - {at: 90s, set: {devices: "loop-*", point: setpoint, value: 30}}
    - {at: 120s, clear: all}
""").scenarios["switch-loss"]
    assert [str(step) for step in plan.steps] == [
        "0s: enable slow-feeder",
        "1m: close 50 devices for 30s",
        "90s: set setpoint of 20 devices to 30",
        "2m: clear all",
    ]
    assert plan.steps[1].position == "plant.yaml:12:7"
    assert (plan.duration, plan.rounds, plan.starts, plan.restores) == (120, 1, False, False)


def test_steps_may_be_relative_and_are_put_in_order() -> None:
    plan = load("""
  s:
    steps:
      - {offline: meter-0001, how: drop}
      - {after: 5s, online: [meter-0001, "loop-1*"]}
      - {after: 5s, fault: slow-feeder, enabled: false}
      - {at: 1s, fault: [slow-feeder], for: 2m}
      - {at: 60s, release: {signal: sun}}
      - {release: {devices: "loop-*"}}
    loop: true
    every: 3m
    start: true
    restore: true
""").scenarios["s"]
    assert [str(step) for step in plan.steps] == [
        "0s: drop 1 device",
        "1s: enable slow-feeder for 2m",
        "5s: bring 12 devices back",
        "10s: disable slow-feeder",
        "1m: release signal.sun",
        "1m: release every point of 20 devices",
    ]
    assert (plan.duration, plan.rounds, plan.starts, plan.restores) == (180, None, True, True)


def test_what_steps_are_about_is_looked_up() -> None:
    plan = load("""
  s:
    - {fault: slow-feeder}
    - {offline: {devices: "meter-000*", unit_id: 1}}
    - {online: {}}
    - {set: {profile: "temperature-*", point: mode, value: manual}}
    - {generator: {tags: feeder-a, point: voltage_l1, generator: {type: formula, formula: "signal.sun * 230"}}}
""").scenarios["s"]
    faults, offline, online, value, generator = (step.action for step in plan.steps)
    assert faults == SwitchFaults(("slow-feeder",), True)
    assert isinstance(offline, TakeOffline)
    assert (offline.selection.spans, offline.how) == ({0: ((0, 9),)}, "close")
    assert isinstance(online, BringOnline)
    assert online.selection.is_everything
    assert isinstance(value, SetPoint)
    assert (value.selection.count, value.point, value.value) == (20, "mode", "manual")
    assert isinstance(generator, ChangeGenerator)
    assert [made.type_name for made in generator.generators.values()] == ["formula"]


WRONG: list[tuple[str, Any]] = [
    (
        "{fault: slow-feeda}",
        "fault: unknown fault 'slow-feeda', expected slow-feeder; did you mean 'slow-feeder'?",
    ),
    (
        "{offline: 'metre-*'}",
        "offline.devices: no device is named 'metre-*', expected the name of a device or",
    ),
    ("{offline: {tags: feeder-b}}", "offline.tags: unknown tag 'feeder-b', expected feeder-a; did you mean"),
    (
        "{offline: {tag: a}}",
        "offline.tag: unknown key 'tag', expected devices, tags, group, profile or unit_id",
    ),
    ("{set: {devices: 'loop-*', point: setpont, value: 1}}", "set.point: unknown point 'setpont', expected"),
    (
        "{set: {devices: 'loop-*', point: setpoint, value: 9999}}",
        "set.value: value does not fit int16, got 9999",
    ),
    ("{set: {devices: 'loop-*', point: mode, value: fast}}", "set.value: "),
    (
        "{set: {devices: 'loop-*', value: 1}}",
        "set: point is missing, expected a point of devices, or a signal",
    ),
    ("{set: {signal: moon, value: 1}}", "set.signal: unknown signal 'moon', expected sun"),
    ("{set: {signal: sun, value: high}}", "set.value: value is 'high', expected a number"),
    ("{set: {signal: sun, point: mode, value: 1}}", "set: signal is given beside point, expected it alone"),
    ("{release: {devices: 'loop-*', point: setpont}}", "release.point: unknown point 'setpont'"),
    ("{release: {signal: moon}}", "release.signal: unknown signal 'moon'"),
    (
        "{generator: {devices: '*', point: voltage_l1, generator: {type: sin}}}",
        "generator.generator.type: unknown generator 'sin', expected sine,",
    ),
    (
        "{generator: {devices: '*', point: voltage_l1, generator: {type: constant, value: 1, valu: 1}}}",
        "generator.generator.valu: unknown key 'valu', expected",
    ),
    (
        "{generator: {devices: '*', point: voltage_l1, generator: {type: constant, value: 1, interval: 7s}}}",
        "generator.generator.interval: interval is 7s, expected that of the point, which is 1s",
    ),
    (
        "{generator: {devices: '*', point: voltage_l1, generator: {type: formula, formula: current_l1}}}",
        "generator.generator.formula: generator reads the point current_l1, expected one that reads signals, parameters",
    ),
    (
        "{generator: {devices: '*', point: voltage_l1, generator: {type: formula, formula: signal.moon}}}",
        "generator.generator.formula: unknown signal 'moon', expected sun",
    ),
    (
        "{generator: {devices: '*', point: voltage_l1, generator: {type: formula, formula: nominal * 2}}}",
        "generator.generator.formula: unknown name 'nominal', expected t, i, n,",
    ),
    (
        "{generator: {devices: '*', point: serial_number, generator: {type: constant, value: 1}}}",
        "generator: point serial_number of profile energy-meter has no generator, expected a point that moves",
    ),
    ("{clear: al}", "clear: clear is 'al', expected all, faults, offline or values; did you mean 'all'?"),
    ("{ofline: a}", "ofline: unknown key 'ofline', expected at, after, for, fault, enabled, offline, how,"),
    ("{at: 5, clear: all}", "at: duration is the bare number 5, expected a number and a unit"),
    ("{at: 1s, after: 1s, clear: all}", "step has at and after, expected one of them"),
    (
        "{at: 1s}",
        "step has no action, expected one of fault, offline, online, set, release, generator or clear",
    ),
    ("{clear: all, fault: slow-feeder}", "step has fault and clear, expected one of"),
    ("{clear: all, for: 1s}", "for is given with clear, expected it with fault, offline, set or generator"),
    ("{fault: slow-feeder, enabled: false, for: 1s}", "for is given with fault and enabled: false, expected"),
    ("{fault: slow-feeder, how: drop}", "how is given with fault, expected it with offline"),
    ("{clear: all, enabled: false}", "enabled is given with clear, expected it with fault"),
]


@pytest.mark.parametrize("form", ["  s:\n    - {}", "  s:\n    steps:\n      - {}"], ids=["list", "mapping"])
@pytest.mark.parametrize(("step", "message"), WRONG)
def test_what_is_wrong_with_a_step_is_told_with_its_place(form: str, step: str, message: str) -> None:
    found = problems(form.replace("{}", step))
    where = "scenarios.s.0" if "steps" not in form else "scenarios.s.steps.0"
    inside = message.partition(": ")[0].replace(".", "").isidentifier()
    assert len(found) == 1, found
    assert found[0].startswith(f"{where}.{message}" if inside else f"{where}: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("  s: 5", "scenarios.s: 's' is 5, expected a list of steps, or a mapping with steps"),
        ("  s: []", "scenarios.s: 's' is an empty list, expected a list of steps, or a mapping with steps"),
        ("  s: {steps: []}", "scenarios.s.steps: steps has 0 entries, expected at least 1"),
        (
            "  s: {steps: [{clear: all}], loop: often}",
            "scenarios.s.loop: loop is 'often', expected true, false or",
        ),
        (
            "  s: {steps: [{clear: all}], loop: 0}",
            "scenarios.s.loop: loop is 0, expected true, false or how often",
        ),
        (
            "  s: {steps: [{clear: all}], loop: true}",
            "scenarios.s: a round takes 0s, expected every, or steps that",
        ),
        (
            "  s: {steps: [{clear: all}], lop: true}",
            "scenarios.s.lop: unknown key 'lop', expected steps, start,",
        ),
        ("  [a]", "scenarios: scenarios is a list, expected a mapping of scenarios by name"),
    ],
)
def test_what_is_wrong_with_a_scenario_is_told(text: str, message: str) -> None:
    (found,) = problems(text)
    assert found.startswith(message)


def test_one_mistake_hides_no_other() -> None:
    found = problems("  a: [{fault: x}, {offline: y}]\n  b: [{set: {point: z, value: 1}}]")
    assert [line.partition(": ")[0] for line in found] == [
        "scenarios.a.0.fault", "scenarios.a.1.offline.devices", "scenarios.b.0.set.point",
    ]  # fmt: skip


def test_scenarios_are_chosen_by_name() -> None:
    config = load("  a: [{clear: all}]\n  b: [{clear: all}]")
    chosen = config.with_scenarios(["b"])
    assert [plan.starts for plan in chosen.scenarios.values()] == [False, True]
    with pytest.raises(ValueError, match="unknown scenario 'c', expected a or b"):
        config.with_scenarios(["a", "c"])
