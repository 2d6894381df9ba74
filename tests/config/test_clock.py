"""The clock of a plant file: its pace and the moment it begins at."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from simulator.config.clock import Clock, moment
from simulator.config.loader import load_plant, parse_plant
from simulator.errors import ConfigError
from simulator.generators.rows import EPOCH

DEVICES = '\ndevices: [{name: d, profile: generic, endpoint: "tcp://127.0.0.1:0"}]\n'


def clock(text: str) -> Clock:
    return parse_plant(f"clock: {text}{DEVICES}").clock


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        clock(text)
    return [str(problem) for problem in error.value.problems]


def test_without_a_clock_time_runs_as_it_does_and_begins_at_a_noon_that_is_always_the_same():
    config = parse_plant(DEVICES)
    assert config.clock == Clock(1.0, EPOCH)
    assert moment(EPOCH, 90.0) == datetime(2026, 1, 1, 12, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2026-01-01T06:00:00Z", datetime(2026, 1, 1, 6, tzinfo=UTC)),
        ("2026-06-01T06:00:00+02:00", datetime(2026, 6, 1, 4, tzinfo=UTC)),
        ("2026-06-01 06:00:00.5Z", datetime(2026, 6, 1, 6, 0, 0, 500_000, tzinfo=UTC)),
        ("1969-12-31T23:59:59Z", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_start_is_a_moment_with_its_zone(start, expected):
    assert clock(f'{{start: "{start}"}}').epoch == expected.timestamp()


def test_a_start_need_not_be_quoted():
    assert clock("{start: 2026-01-01T12:00:00Z}").epoch == EPOCH


def test_now_is_the_moment_of_the_start_whatever_that_will_be():
    assert clock("{start: now}").epoch is None


@pytest.mark.parametrize("scale", [0.001, 0.5, 1, 60, 100_000])
def test_a_time_scale_is_a_number_in_bounds(scale):
    assert clock(f"{{time_scale: {scale}}}").time_scale == scale


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{time_scale: 0}", "time_scale is 0, expected 0.001 to 100000"),
        ("{time_scale: -1}", "time_scale is -1, expected 0.001 to 100000"),
        ("{time_scale: 1e6}", "time_scale is 1e+06, expected 0.001 to 100000"),
        ("{time_scale: fast}", "time_scale is 'fast', expected a number"),
        ("{time_scale: true}", "time_scale is true, expected a number"),
    ],
)
def test_another_time_scale_is_refused(text, expected):
    assert problems(text) == [f"<text>:1:21: clock.time_scale: {expected}"]


@pytest.mark.parametrize(
    ("start", "got"),
    [
        ("tomorrow", "'tomorrow'"),
        ("2026-13-01T00:00:00Z", "'2026-13-01T00:00:00Z'"),
        ("2026-01-01T06:00:00", "'2026-01-01T06:00:00', which has no zone"),
        ("17", "17"),
        ("Now", "'Now'"),
        ("[]", "an empty list"),
    ],
)
def test_another_start_is_refused(start, got):
    expected = "expected a moment with its zone such as 2026-01-01T06:00:00Z, or now"
    assert problems(f"{{start: {start}}}") == [f"<text>:1:16: clock.start: start is {got}, {expected}"]


def test_all_mistakes_are_told_at_once():
    assert len(problems("{time_scale: 0, start: soon, scale: 3}")) == 3


def test_the_command_line_may_say_another_pace(tmp_path):
    file = tmp_path / "plant.yaml"
    file.write_text(f'clock: {{time_scale: 2, start: "2026-01-01T06:00:00Z"}}{DEVICES}')
    config = load_plant(file, time_scale=60)
    assert config.clock.time_scale == 60
    assert config.clock.epoch == load_plant(file).clock.epoch
    with pytest.raises(ValueError) as error:
        load_plant(file, time_scale=0)
    assert str(error.value) == "time_scale is 0, expected 0.001 to 100000"
