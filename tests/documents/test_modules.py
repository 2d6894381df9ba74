"""Modules beside a file: found by name or path, known by path, read again when they have changed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from simulator.documents.modules import beside, load


def test_a_name_is_a_file_of_the_folder_or_stays_a_name(tmp_path: Path) -> None:
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "levels.py").touch()
    (tmp_path / "deep" / "levels.py").touch()
    (tmp_path / "deep" / "deeper" / "__init__.py").touch()
    folder = str(tmp_path)
    assert beside("levels", folder) == beside("levels.py", folder) == f"{folder}/levels.py"
    assert beside("deep.levels", folder) == beside("deep/levels.py", folder) == f"{folder}/deep/levels.py"
    assert beside("deep.deeper", folder) == f"{folder}/deep/deeper/__init__.py"
    assert beside("json", folder) == "json"
    assert beside("tides.py", folder) == f"{folder}/tides.py"
    assert load("json").__name__ == "json"


def test_a_module_is_executed_once(tmp_path: Path) -> None:
    file = tmp_path / "once.py"
    file.write_text("import sys\nPLACE = sys.path[0]")
    module = load(str(file))
    assert tmp_path == Path(module.PLACE)
    assert str(tmp_path) not in sys.path
    (tmp_path / "link.py").symlink_to(file)
    assert load(str(tmp_path / "link.py")) is module
    file.write_text("PLACE = 5")
    os.utime(file, ns=(1, 1))
    assert load(str(file)).PLACE == 5


def test_a_module_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text("import nothing_of_this_name")
    with pytest.raises(ValueError, match=r"broken.py' cannot be imported \(ModuleNotFoundError: No module"):
        load(str(file))
    assert str(file) not in sys.modules
    file.write_text("def f(: pass")
    with pytest.raises(ValueError, match=r"broken.py' cannot be imported \(SyntaxError: "):
        load(str(file))
    file.write_text("GOOD = True")
    assert load(str(file)).GOOD
