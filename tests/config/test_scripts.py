"""``scripts`` of a plant file: what can be run is loaded, everything else is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.config.loader import load_plant
from simulator.errors import ConfigError

DEVICES = 'devices: [{name: d, profile: generic, endpoint: "tcp://127.0.0.1:5020"}]\n'


@pytest.fixture
def load(tmp_path: Path):
    def load(scripts: str, **files: str):
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
        (tmp_path / "plant.yaml").write_text(f"{DEVICES}scripts: {scripts}\n")
        return load_plant(tmp_path / "plant.yaml").scripts

    return load


def complaints(load, tmp_path: Path, scripts: str, **files: str) -> list[str]:
    with pytest.raises(ConfigError) as told:
        load(scripts, **files)
    return [str(problem).replace(f"{tmp_path}/", "") for problem in told.value.problems]


def test_files_and_modules_are_loaded(load, tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/night.py").write_text("from beside import VALUE\ndef setup(plant): pass\n")
    (tmp_path / "tools/beside.py").write_text("VALUE = 5\n")
    first, second, third = load(
        "[day.py, tools.night, {file: day.py, name: again, options: {step: 5}}]",
        day="async def main(plant): pass\n",
    )
    assert (first.name, first.setup, first.file) == ("day", None, str(tmp_path / "day.py"))
    assert first.main is not None
    assert (second.name, second.main) == ("night", None)
    assert second.setup is not None
    assert (third.name, third.options) == ("again", {"step": 5})


def test_both_functions_may_be_there_and_a_main_for_the_command_line_is_none(load):
    (both,) = load("[both.py]", both="def setup(plant): ...\nasync def main(plant): ...\n")
    assert both.setup is not None
    assert both.main is not None
    (other,) = load("[other.py]", other="def setup(plant): ...\ndef main(): ...\n")
    assert other.main is None


@pytest.mark.parametrize(
    ("scripts", "text", "expected"),
    [
        ("[none.py]", "", "plant.yaml:2:11: scripts.0: script 'none.py' cannot be read: no such file or dir"),
        ("[no_such.module]", "", "plant.yaml:2:11: scripts.0: module 'no_such.module' cannot be imported (Mod"),
        ("[s.py]", "x = (1,\ny = 2\n", "s.py:1:5: script is no Python: '(' was never closed"),
        ("[{file: s.py}]", "x = 1\n", "plant.yaml:2:18: scripts.0.file: script 's.py' has neither main nor set"),
        ("[s.py]", "def main(plant): ...\n", "scripts.0: script 's.py' has a main that is no async def, expec"),
        ("[s.py]", "async def setup(p): ...\n", "script 's.py' has a setup that is no plain function, expected"),
        ("[s.py]", "def setup(): ...\n", "script 's.py' has setup(), expected async def main(plant) or def setu"),
        ("[s.py]", "\n\n1 / 0\n", "cannot be imported (ZeroDivisionError: division by zero), line 3"),
        ("[s.py]", "def f():\n    raise SystemExit\nf()\n", "ends the program (SystemExit), line 2"),
        ("[s.py]", "x = '\0'\n", "s.py"),
        ("5", "", "plant.yaml:2:10: scripts: scripts is 5, expected a list"),
        ("[5]", "", "plant.yaml:2:11: scripts.0: script is 5, expected a Python file, a module, or a mapping with file"),
        ("[{name: x}]", "", "plant.yaml:2:11: scripts.0.file: file is missing, expected"),
        ("[{file: s.py, nme: x}]", "", "unknown key 'nme', expected file, name or options; did you mean 'name'?"),
    ],
)  # fmt: skip
def test_what_cannot_run_is_told(load, tmp_path, scripts, text, expected):
    told = complaints(load, tmp_path, scripts, s=text)
    assert len(told) == 1
    assert expected in told[0]


def test_two_scripts_of_one_name_are_told(load, tmp_path):
    text = "def setup(plant): ...\n"
    assert complaints(load, tmp_path, "[s.py, {file: t.py, name: s}]", s=text, t=text) == [
        "plant.yaml:2:36: scripts.1.name: script is named 's', the name of scripts.0, expected another name"
    ]
