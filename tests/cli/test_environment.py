"""Options from the environment: the flag before the variable, the variable before the file."""

from __future__ import annotations

import json

import pytest

from simulator.cli.app import parser_of
from simulator.cli.environment import variable_of
from simulator.cli.verbs import VERBS
from tests.conftest import environment

PLANT = """\
seed: 7
devices:
  - {name: a, profile: box, endpoint: "tcp://127.0.0.1:0"}
profiles:
  box:
    points:
      dice: {table: input_register, address: 0, data_type: uint16,
             generator: {type: random, min: 0, max: 65535, interval: 1h}}
scenarios:
  one: {steps: [{at: 1h, clear: all}]}
  two: {steps: [{at: 1h, clear: all}]}
"""
DICE = "04 00 00 00 01"


def parsed(monkeypatch, words, verb="run", **variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return parser_of(VERBS[verb]).parse_args(words)


@pytest.fixture
def plant(tmp_path):
    (tmp_path / "plant.yaml").write_text(PLANT)
    return "plant.yaml"


@pytest.mark.parametrize("verb", [name for name, verb in VERBS.items() if verb.serves])
def test_every_option_of_a_verb_that_serves_has_a_variable_and_the_help_names_it(modsim, verb):
    text = modsim(verb, "--help").stdout
    parser = parser_of(VERBS[verb])
    options = [action for action in parser._actions if action.option_strings and action.dest != "help"]
    names = [variable_of(action) for action in options]
    assert [name for name in names if f"({name})" not in " ".join(text.split())] == []
    assert len(names) == len(set(names)) >= 5


def test_the_verbs_that_serve_are_those_with_a_ready_file():
    having = {name for name, verb in VERBS.items() if "--ready-file" in parser_of(verb).format_help()}
    assert having == {name for name, verb in VERBS.items() if verb.serves}


def test_a_variable_is_read_like_its_option(monkeypatch):
    found = parsed(
        monkeypatch, ["p.yaml"], MODSIM_SEED="9", MODSIM_TIME_SCALE="60", MODSIM_LOG_LEVEL="warning"
    )
    assert (found.seed, found.time_scale, found.log_level, found.file) == (9, 60.0, "warning", "p.yaml")


def test_the_command_line_goes_first_even_where_the_variable_is_wrong(monkeypatch):
    found = parsed(monkeypatch, ["p.yaml", "--seed", "3", "--log-level=debug"], MODSIM_SEED="x")
    assert (found.seed, found.log_level) == (3, "debug")


def test_an_option_that_may_be_given_again_is_a_list_with_commas(monkeypatch):
    assert parsed(monkeypatch, ["p"], MODSIM_SCENARIO="one, two").scenario == ["one", "two"]
    assert parsed(monkeypatch, ["p", "--scenario", "three"]).scenario == ["three"]


def test_a_flag_without_a_value_is_true_or_false(monkeypatch, capsys):
    import argparse

    from simulator.cli.app import Parser

    parser = Parser("t", "", "")
    parser.add_argument("--strict", action="store_true")
    parser.reads_environment = True
    monkeypatch.setenv("MODSIM_STRICT", "true")
    assert parser.parse_args([]) == argparse.Namespace(strict=True)
    monkeypatch.setenv("MODSIM_STRICT", "maybe")
    with pytest.raises(SystemExit):
        parser.parse_args([])
    assert "environment variable MODSIM_STRICT: invalid choice: 'maybe'" in capsys.readouterr().err


def test_an_empty_variable_is_none(monkeypatch):
    found = parsed(monkeypatch, ["p"], MODSIM_SEED="", MODSIM_LOG_LEVEL="")
    assert (found.seed, found.log_level) == (None, "info")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MODSIM_SEED", "seven", "MODSIM_SEED: invalid int value: 'seven'"),
        ("MODSIM_LOG_LEVEL", "inf", "MODSIM_LOG_LEVEL: invalid choice: 'inf'"),
        ("MODSIM_TIME_SCALE", "0", "MODSIM_TIME_SCALE: time_scale is 0, expected 0.001 to 100000"),
        ("MODSIM_DURATION", "10", "MODSIM_DURATION: duration is '10', expected a number and a unit"),
    ],
)
def test_an_error_names_the_variable(monkeypatch, capsys, variable, value, said):
    with pytest.raises(SystemExit) as ended:
        parsed(monkeypatch, ["p"], **{variable: value})
    assert ended.value.code == 2
    assert f"environment variable {said}" in capsys.readouterr().err


def test_other_verbs_do_not_read_the_environment(monkeypatch):
    assert parsed(monkeypatch, ["tcp://h", "hr:0"], verb="read", MODSIM_COUNT="7").count == 1


def test_a_plant_runs_from_the_environment_alone(start, plant, ask):
    """The file, the seed in place of the file's, how long."""
    variables = {
        "MODSIM_CONFIG": plant,
        "MODSIM_SEED": "8",
        "MODSIM_DURATION": "1h",
        "MODSIM_SCENARIO": "two",
    }
    running = start("run", env={**environment(), **variables}).wait_ready()
    by_flag = start("run", plant, "--seed", "8").wait_ready()
    by_file = start("run", plant).wait_ready()
    values = [ask(each.ports[0], DICE) for each in (running, by_flag, by_file)]
    assert values[0] == values[1] != values[2]
    code, errors = running.stop()
    messages = [json.loads(line)["message"] for line in errors.splitlines()]
    assert code == 0
    assert "scenario two starts" in messages
    assert "scenario one starts" not in messages
