"""What formulas of a profile may read, and what is said about the rest, with its place."""

from __future__ import annotations

import pytest

from simulator.config.loader import parse_plant
from simulator.errors import ConfigError

POINTS = """\
name: p
parameters: {rated: 5, label: east}
points:
  voltage: {table: ir, address: 0, data_type: float32}
  serial: {table: hr, address: 0, data_type: string, length: 4}
  steps: {table: hr, address: 10, data_type: int16, count: 3}
  mode: {table: hr, address: 20, data_type: uint16, enum: {0: stop, 1: run}}
"""
PLACE = "p.yaml:8:"


def out(generator: str) -> str:
    return f"{POINTS}  out: {{table: ir, address: 9, data_type: float32, generator: {generator}}}\n"


def formula(text: str) -> str:
    return out(f'{{type: formula, formula: "{text}"}}')


@pytest.mark.parametrize(
    "generator",
    [
        '{type: formula, formula: "voltage * rated + mode + t * i / n"}',
        "{type: follow, of: voltage, delay: 3s, gain: rated}",
        "{type: lag, of: voltage, time_constant: 5s, initial: rated}",
        "{type: lag, of: voltage, time_constant: rated * 2}",
        "{type: integrate, of: voltage * 2, per: 1h, initial: 5, max: 100, wrap: true}",
        '{type: pid, of: voltage, setpoint: mode, kp: 2, ki: "rated / 10", min: 0, max: "{rated}"}',
        "{type: pid, of: out, setpoint: 5}",
    ],
)
def test_what_loads(load, generator: str) -> None:
    assert load(out(generator)).points["out"].generator is not None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("2 * voltge", "column 5: unknown name 'voltge', expected voltage, serial, steps, mode, out, rated or "
                       "label; did you mean 'voltage'?"),
        ("rate * 2", "column 1: unknown name 'rate'"),
        ("serial + 1", "column 1: point serial is of string, expected a point that is a number"),
        ("steps + 1", "column 1: point steps is an array of 3, expected a point that is one number"),
        ("label + 1", "column 1: parameter label is 'east', expected a number"),
        ("__import__('os')", "column 1: name holds two underscores, got '__import__', expected a point, a parameter "
                             "or signal.NAME"),
        ("voltage.real", "column 1: attribute access is not allowed, got 'voltage.real', expected none but signal.NAME"),
        ("9 ** 9 ** 9", "column 1: constant part is inf, expected a finite number"),
    ],
)  # fmt: skip
def test_what_does_not_load_and_why(complaints, text: str, complaint: str) -> None:
    (found,) = complaints(formula(text))
    assert found.startswith(f"{PLACE}88: points.out.generator.formula: formula is ")
    assert complaint in found


def test_every_field_is_checked_at_its_place(complaints) -> None:
    found = complaints(out("{type: pid, of: voltag, setpoint: mod, kp: voltage.x}"))
    assert [each.partition(", ")[0] for each in found] == [
        "p.yaml:8:106: points.out.generator.kp: kp is 'voltage.x'"
    ]
    found = complaints(out("{type: pid, of: voltag, setpoint: mod}"))
    assert [each.partition(", ")[0] for each in found] == [
        "p.yaml:8:79: points.out.generator.of: of is 'voltag'",
        "p.yaml:8:97: points.out.generator.setpoint: setpoint is 'mod'",
    ]


def test_a_circle_is_told_with_its_path(complaints) -> None:
    text = POINTS + (
        '  a: {table: ir, address: 9, generator: {type: formula, formula: "b + 1"}}\n'
        '  b: {table: ir, address: 10, generator: {type: formula, formula: "2 * c"}}\n'
        "  c: {table: ir, address: 11, generator: {type: follow, of: a}}\n"
        '  d: {table: ir, address: 12, generator: {type: formula, formula: "d - 1"}}\n'
    )
    ways = "expected an end; lag, integrate, pid or follow with a delay take a value of the tick before"
    assert complaints(text) == [
        f"p.yaml:8:41: points.a.generator: points wait for each other, got a -> b -> c -> a, {ways}",
        f"p.yaml:11:42: points.d.generator: points wait for each other, got d -> d, {ways}",
    ]


def test_a_point_with_a_mistake_of_its_own_can_be_named(complaints) -> None:
    text = POINTS.replace("float32", "flot32") + (
        '  out: {table: ir, address: 9, generator: {type: formula, formula: "voltage"}}\n'
    )
    (found,) = complaints(text)
    assert "flot32" in found


def test_a_name_of_the_language_is_not_a_point_too(complaints) -> None:
    text = formula("2 * t").replace("voltage:", "t:")
    (found,) = complaints(text)
    assert "column 5: t is the time in formulas, got a point t too, expected another name" in found


def test_a_point_goes_before_a_parameter_of_its_name(load) -> None:
    profile = load(formula("voltage").replace("rated: 5", "voltage: 5"))
    assert profile.numbers == frozenset()


def test_signals_are_for_the_plant_to_judge(load) -> None:
    profile = load(formula("voltage * signal.irradiance + signal.wind + signal.wind"))
    assert list(profile.signals) == ["irradiance", "wind"]
    place = profile.signals["wind"]
    assert (place.line, place.path, place.message) == (8, "points.out.generator.formula", "")


PLANT = """\
devices:
  - name: d
    profile: p
    endpoint: tcp://127.0.0.1:0
    parameters: {rated: high}
    generators: {out: {formula: "rated * voltge"}}
profiles:
  p:
    parameters: {rated: 5}
    points:
      voltage: {table: ir, address: 0, data_type: float32}
      out: {table: ir, address: 2, data_type: float32, generator: {type: formula, formula: "rated * voltage"}}
"""


def test_what_a_group_overrides_is_checked_where_it_stands() -> None:
    with pytest.raises(ConfigError) as refused:
        parse_plant(PLANT, file="plant.yaml")
    (found,) = map(str, refused.value.problems)
    assert found.startswith(
        "plant.yaml:6:33: devices.0.generators.out.formula: formula is 'rated * voltge', column 9:"
    )


def test_a_group_gives_formulas_numbers() -> None:
    with pytest.raises(ConfigError) as refused:
        parse_plant(PLANT.replace("voltge", "voltage"), file="plant.yaml")
    assert list(map(str, refused.value.problems)) == [
        "plant.yaml:5:25: devices.0.parameters.rated: rated is 'high', expected a number: formulas read it"
    ]


def test_a_group_gives_templates_numbers() -> None:
    text = PLANT.replace("voltge", "voltage").replace("{rated: 5}", "{rated: 5, speed: 3s}")
    text = text.replace("{rated: high}", "{rated: 7, speed: fast}")
    text += "      wave: {table: ir, address: 4, generator: {type: sine, min: 0, max: '{rated}', period: '{speed}'}}\n"
    with pytest.raises(ConfigError) as refused:
        parse_plant(text, file="plant.yaml")
    assert list(map(str, refused.value.problems)) == [
        "plant.yaml:5:35: devices.0.parameters.speed: speed does not suit period of wave: "
        "'{speed}' is 'fast' for device 0, expected a duration such as 5s"
    ]


def test_a_circle_that_a_group_closes_is_told_there() -> None:
    text = """\
profiles:
  p:
    points:
      a: {table: hr, address: 0, generator: {type: formula, formula: "b + 1"}}
      b: {table: hr, address: 1}
devices:
  - {name: free, profile: p, endpoint: "tcp://127.0.0.1:5020"}
  - {name: round, profile: p, endpoint: "tcp://127.0.0.1:5021", generators: {b: {type: formula, formula: "a"}}}
"""
    with pytest.raises(ConfigError) as refused:
        parse_plant(text, file="plant.yaml")
    (problem,) = refused.value.problems
    assert str(problem).startswith(
        "plant.yaml:8:81: devices.1.generators.b: points wait for each other, got a -> b -> a"
    )
