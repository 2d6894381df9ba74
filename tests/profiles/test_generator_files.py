"""Files that generators name: found beside the file that names them, and told with their line when wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from twisted.internet.task import Clock
from twisted.logger import LogEvent, globalLogPublisher

from simulator.config.loader import load_plant
from simulator.errors import ConfigError
from simulator.plant import Plant
from simulator.profiles.profile import Profile

Load = Callable[..., Profile]
Complaints = Callable[..., list[str]]
PROFILE = """
points:
  level: {{table: hr, address: 0, data_type: float32, generator: {}}}
  other: {{table: hr, address: 2, data_type: uint16, generator: {{type: increment}}}}
"""
FUNCTIONS = """
def rising(t, devices): return t
def failing(t, devices): return 1 / (3 - t) if t < 3 else [].pop()
def undefined(t, devices): return float("nan") if t == 2 else t
def doubled(t, devices): return 2 * devices.read("other")
"""


def started(folder: Path, generator: str, more: str = "") -> Plant:
    """A plant in ``folder`` whose profile stands in a folder of its own, with its files beside it."""
    (folder / "profiles").mkdir(exist_ok=True)
    (folder / "profiles" / "box.yaml").write_text(PROFILE.format(generator))
    (folder / "profiles" / "day.csv").write_text("time,level\n0,5\n1,6\n2,8\n")
    (folder / "profiles" / "functions.py").write_text(FUNCTIONS)
    (folder / "plant.yaml").write_text(
        f'profiles: [profiles]\ndevices: [{{name: a, profile: box, endpoint: "tcp://127.0.0.1:0"{more}}}]'
    )
    plant = Plant(load_plant(folder / "plant.yaml"), Clock())
    for _ in plant.ticker.prime():
        pass
    plant.startService()
    return plant


def advance(plant: Plant, seconds: float) -> None:
    reached = plant.time.advance(seconds)
    while not reached.called:
        plant.time.clock.advance(0)


def levels(plant: Plant, count: int = 5) -> list[Any]:
    """What the point shows, second by second."""
    shown = [plant.read("a", "level")]
    for _ in range(count - 1):
        advance(plant, 1)
        shown.append(plant.read("a", "level"))
    return shown


def test_a_recording_beside_the_profile(tmp_path: Path) -> None:
    assert levels(started(tmp_path, "{type: csv, file: day.csv, column: level}")) == [5, 6, 8, 5, 6]


def test_a_group_may_shift_the_recording_of_its_profile(tmp_path: Path) -> None:
    """What it lays over the generator stands in another folder than the name of the file."""
    plant = started(
        tmp_path,
        "{type: csv, file: day.csv, column: level}",
        ", generators: {level: {time_shift: 2s, interpolate: true}}",
    )
    assert levels(plant) == [8, 5, 6, 8, 5]


def test_a_group_may_name_a_file_beside_the_plant(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("1\n2\n3\n")
    (tmp_path / "functions.py").write_text("def rising(t, devices): return 100 + t")
    generator = ", generators: {level: {file: other.csv, column: 1}}"
    assert levels(started(tmp_path, "{type: csv, file: day.csv, column: level}", generator)) == [
        1,
        2,
        3,
        1,
        2,
    ]
    generator = ', generators: {level: {type: script, function: "functions:rising"}}'
    assert levels(started(tmp_path, "{type: constant, value: 1}", generator)) == [100, 101, 102, 103, 104]


def test_a_function_beside_the_profile(tmp_path: Path) -> None:
    assert levels(started(tmp_path, '{type: script, function: "functions:rising"}')) == [0, 1, 2, 3, 4]


def test_a_function_reads_other_points_of_the_same_instant(tmp_path: Path) -> None:
    generator = '{type: script, function: "functions:doubled", inputs: [other]}'
    assert levels(started(tmp_path, generator)) == [0, 2, 4, 6, 8]


def test_a_function_that_fails_stops_its_point_and_says_why_once(tmp_path: Path) -> None:
    seen: list[LogEvent] = []
    globalLogPublisher.addObserver(seen.append)
    try:
        plant = started(tmp_path, '{type: script, function: "functions:failing"}')
        shown = levels(plant, 6)
    finally:
        globalLogPublisher.removeObserver(seen.append)
    assert shown[2:] == [1, 1, 1, 1]
    assert plant.ticker.failed == 1
    assert plant.read("a", "other") == 5
    (failure,) = (event["log_failure"] for event in seen if "log_failure" in event)
    assert failure.check(IndexError)
    assert "functions.py" in failure.getTraceback()


@pytest.mark.parametrize(("on_error", "shown"), [("hold", 1.0), ("zero", 0.0), ("nan", np.nan)])
def test_a_number_that_is_none_goes_where_on_error_says(tmp_path: Path, on_error: str, shown: float) -> None:
    generator = f'{{type: script, function: "functions:undefined", on_error: {on_error}}}'
    np.testing.assert_equal(levels(started(tmp_path, generator), 4), [0.0, 1.0, shown, 3.0])


@pytest.mark.parametrize(
    "generator",
    [
        "{type: csv, file: day.csv, column: level}",
        "{type: schedule, values: {'12:00': 5, '12:00:01': 6, '12:00:03': 8}}",
        "{type: daylight, max: 1000, clouds: 0.5, noise: 10}",
        '{type: script, function: "functions:rising"}',
    ],
)
def test_a_written_value_stands_against_every_generator(tmp_path: Path, generator: str) -> None:
    plant = started(tmp_path, generator)
    plant.write("a", "level", 77)
    assert levels(plant) == [77] * 5
    plant.release("a", "level")
    advance(plant, 1)
    assert plant.read("a", "level") != 77


@pytest.mark.parametrize(
    ("generator", "complaint"),
    [
        (
            "{type: csv, file: dy.csv, column: level}",
            "file: file 'FOLDER/profiles/dy.csv' cannot be read (no such file or directory), expected a CSV "
            "file; did you mean 'day.csv'?",
        ),
        (
            "{type: csv, file: day.csv, column: levle}",
            "column: FOLDER/profiles/day.csv:1: unknown column 'levle', expected time or level; did you "
            "mean 'level'?",
        ),
        (
            '{type: script, function: "function:rising"}',
            "function: module 'function' cannot be imported (ModuleNotFoundError: No module named 'function')",
        ),
        (
            '{type: script, function: "functions:risin"}',
            "function: FOLDER/profiles/functions.py: unknown function 'risin', expected rising, failing, "
            "undefined or doubled; did you mean 'rising'?",
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_key(tmp_path: Path, generator: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        started(tmp_path, generator)
    (problem,) = caught.value.problems
    assert (problem.line, problem.file) == (3, f"{tmp_path}/profiles/box.yaml")
    assert f"{problem.path}: {problem.message}" == f"points.level.generator.{complaint}".replace(
        "FOLDER", str(tmp_path)
    )


def test_a_broken_cell_is_told_with_its_line(complaints: Complaints, tmp_path: Path) -> None:
    (tmp_path / "gaps.csv").write_text("time,level\n0,5\n1,\n")
    spec = "{type: csv, file: gaps.csv, column: level}"
    assert complaints(PROFILE.format(spec)) == [
        "p.yaml:3:65: points.level.generator: gaps.csv:3: level is '', expected a number"
    ]


def test_an_input_that_is_no_point_is_told(complaints: Complaints, tmp_path: Path) -> None:
    (tmp_path / "functions.py").write_text(FUNCTIONS)
    spec = '{type: script, function: "functions:doubled", inputs: [othr]}'
    (complaint,) = complaints(PROFILE.format(spec))
    assert "points.level.generator.inputs.0: " in complaint
    assert "unknown name 'othr', expected level or other; did you mean 'other'?" in complaint
