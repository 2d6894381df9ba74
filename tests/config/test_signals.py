"""Signals of a plant file: what they may read, in which order they come, and who reads what is not there."""

from __future__ import annotations

import textwrap

import pytest

from simulator.config.loader import parse_plant
from simulator.config.plant import PlantConfig
from simulator.errors import ConfigError

DEVICE = '{{name: "{name}-{{n}}", profile: box, endpoint: "tcp://127.0.0.1:0"{more}}}'
HEAD = "expected sine, triangle"


def plant(signals: str, formula: str = "t", more: str = "") -> PlantConfig:
    """A plant with one formula in its profile; ``more`` belongs to a second group of devices."""
    return parse_plant(
        f"signals:\n{textwrap.indent(textwrap.dedent(signals), '  ')}\n"
        "profiles:\n"
        "  box:\n"
        "    points:\n"
        "      p: {table: ir, address: 0, data_type: float32,\n"
        f'          generator: {{type: formula, formula: "{formula}"}}}}\n'
        "devices:\n"
        f"  - {DEVICE.format(name='a', more='')}\n"
        f"  - {DEVICE.format(name='b', more=more)}\n"
    )


def problems(signals: str, formula: str = "t", more: str = "") -> list[str]:
    with pytest.raises(ConfigError) as error:
        plant(signals, formula, more)
    return [str(problem).partition(": ")[2] for problem in error.value.problems]


def test_signals_are_generators_by_name():
    config = plant(
        """
        irradiance: {type: daylight, max: 1000, sunrise: "06:00", sunset: "20:00", noise: 15}
        frequency: {type: random_walk, initial: 50.0, step: 0.005, min: 49.9, max: 50.1, interval: 1s}
        """
    )
    assert [generator.type_name for generator in config.signals.values()] == ["daylight", "random_walk"]


def test_a_plant_without_signals_has_none():
    assert parse_plant('devices: [{name: d, profile: generic, endpoint: "tcp://127.0.0.1:0"}]').signals == {}


def test_signals_that_read_each_other_come_in_the_order_of_computation():
    config = plant(
        """
        last: {type: formula, formula: "signal.middle + signal.first"}
        middle: {type: lag, of: signal.first, time_constant: 5s}
        first: {type: sine, min: 0, max: 1}
        """
    )
    assert list(config.signals) == ["first", "middle", "last"]


def test_a_circle_is_told_with_its_path():
    assert problems(
        """
        a: {type: formula, formula: "signal.b + 1"}
        b: {type: formula, formula: "signal.a * 2"}
        """
    ) == [
        "signals.a: signals wait for each other, got signal.a -> signal.b -> signal.a, expected an end; "
        "lag, integrate, pid or follow with a delay take a value of the tick before"
    ]


def test_a_circle_through_one_that_remembers_is_none():
    config = plant(
        """
        a: {type: formula, formula: "signal.b + 1"}
        b: {type: lag, of: signal.a, time_constant: 10s}
        """
    )
    assert set(config.signals) == {"a", "b"}


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("voltage * 2", "column 1: voltage is of a device, expected signal.NAME, t or a function"),
        ("1 + i", "column 5: i is of a device, expected signal.NAME, t or a function"),
        (
            "2 * other",
            "column 5: other is of a device, expected signal.NAME, t or a function; did you mean 'signal.other'?",
        ),
        ("signal.oter", "column 1: unknown signal 'oter', expected s or other; did you mean 'other'?"),
    ],
)
def test_a_signal_knows_no_device(formula, expected):
    found = problems(f's: {{type: formula, formula: "{formula}"}}\nother: {{type: toggle}}')
    assert found == [f"signals.s.formula: formula is '{formula}', {expected}"]


def test_mistakes_of_generators_are_told_at_their_keys():
    found = problems(
        "a: {type: sinus}\nb: {type: sine, min: 1, max: 0}\nc: {type: toggle, intervall: 1s}\nd: {}"
    )
    assert found[0].startswith("signals.a.type: unknown generator 'sinus', expected sine, triangle")
    assert found[1] == "signals.b: min is 1, expected at most max, which is 0"
    assert found[2].startswith("signals.c.intervall: unknown key 'intervall', expected ")
    assert found[3].startswith("signals.d: type is missing, expected sine, triangle")
    assert len(found) == 4


@pytest.mark.parametrize("name", ["grid-frequency", "1st", "if", "größe", "a b"])
def test_a_name_is_one_that_formulas_can_write(name):
    expected = f"signals.{name}: signal is named '{name}', expected a name such as grid_frequency"
    assert problems(f'"{name}": {{type: toggle}}') == [expected]


def test_what_is_no_mapping_is_told_once():
    assert problems("a: 5") == ["signals.a: a is 5, expected a mapping"]
    with pytest.raises(ConfigError) as error:
        parse_plant('signals: 5\ndevices: [{name: d, profile: generic, endpoint: "tcp://127.0.0.1:0"}]')
    assert [problem.message for problem in error.value.problems] == ["signals is 5, expected a mapping"]


def test_a_number_that_cannot_be_used_is_told_at_the_signal():
    """A template is only known to be wrong when it is filled in."""
    found = problems('a: {type: sine, min: 0, max: 1, period: "{i}s"}')
    assert found == ["signals.a: period is 0 for a device, expected more than 0"]


def test_a_profile_that_reads_a_signal_which_does_not_exist_is_refused_once_at_its_formula():
    """Both groups have the profile; it is one mistake."""
    assert problems("wind: {type: toggle}", "2 * signal.wnid") == [
        "profiles.box.points.p.generator.formula: reads signal.wnid, expected signal.wind; did you mean 'wind'?"
    ]


def test_so_is_an_override_of_a_group():
    more = ', generators: {p: {type: formula, formula: "signal.sun"}}'
    assert problems("wind: {type: toggle}", "signal.wind", more) == [
        "devices.1.generators.p.formula: reads signal.sun, expected signal.wind"
    ]


def test_a_plant_without_any_signal_says_where_they_go():
    found = problems("{}", "signal.wind")
    assert found == [
        "profiles.box.points.p.generator.formula: reads signal.wind, but the plant has no signals, "
        "expected it under signals"
    ]


def test_a_signal_with_a_mistake_is_not_missed_by_those_who_read_it():
    assert len(problems("wind: {type: toggel}", "signal.wind")) == 1
