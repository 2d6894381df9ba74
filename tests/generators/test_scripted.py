"""Functions of the user: what they are told, what they may return, how they are found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator.generators.base import Sampler
from simulator.generators.registry import make
from simulator.generators.rows import Group, GroupRows

FILES = str(Path(__file__).parent / "files")


def sampler(function: str, folder: str = FILES, **keys: Any) -> Sampler:
    rows = GroupRows([Group("a", 4, {"p": 2})], seed=7)
    return make({"type": "script", "function": function, **keys}, {"p": 2}, folder).bind(rows, "x")


def test_one_number_or_one_for_each() -> None:
    assert sampler("levels:swell").sample(0, 0.0, 0, 4) == 3
    assert sampler("levels:apart").sample(3, 1.5, 1, 4).tolist() == [4, 5, 6]  # type: ignore[union-attr]
    assert sampler("levels:truth").sample(0, 0.0, 0, 4).tolist() == [0, 0, 1, 1]  # type: ignore[union-attr]


def test_what_a_function_is_told() -> None:
    assert sampler("levels:facts").sample(5, 5.0, 1, 3) == 3005


def test_chance_is_that_of_the_plant() -> None:
    told = sampler("levels:by_chance").sample(3, 3.0, 0, 4)
    again = sampler("levels:by_chance")
    np.testing.assert_array_equal(again.sample(3, 3.0, 2, 4), told[2:])  # type: ignore[index]
    assert not np.isin(again.sample(4, 4.0, 0, 4), told).any()
    assert np.ptp(np.floor(told)) > 0  # the two names are independent


def test_what_a_function_reads_it_asks_for_before() -> None:
    comfort = sampler("levels:comfort", inputs=["p * 10", "t", "i"])
    assert comfort.sample(3, 3.0, 1, 4).tolist() == [18, 19, 20]  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="unknown input 'q', expected p"):
        sampler("levels:curious", inputs=["p"]).sample(0, 0.0, 0, 4)
    with pytest.raises(ValueError, match="inputs"):
        sampler("levels:comfort", inputs=["p *"])


def test_a_class_has_a_place_to_remember_in() -> None:
    one, other = sampler("levels:Count"), sampler("levels:Count")
    one.sample(0, 0.0, 0, 2)
    assert one.sample(1, 1.0, 0, 4).tolist() == [2, 2, 1, 1]  # type: ignore[union-attr]
    assert other.sample(1, 1.0, 0, 4).tolist() == [1, 1, 1, 1]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("function", "error", "text"),
    [
        (
            "wrong_shape",
            ValueError,
            r"function returned shape \(5,\) of float64, expected a number or 4 numbers",
        ),
        ("text", ValueError, "function returned 'high', expected a number or 4 numbers"),
        ("failing", ZeroDivisionError, "division by zero"),
    ],
)
def test_what_a_function_may_not_do(function: str, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        sampler(f"levels:{function}").sample(3, 3.0, 0, 4)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        ("levels", "function is 'levels', expected \"module:callable\""),
        (":swell", 'expected "module:callable"'),
        ("levels:", 'expected "module:callable"'),
        (5, 'function is 5, expected "module:callable"'),
        (
            "levels:swel",
            "unknown function 'swel', expected swell, apart, by_chance, .* did you mean 'swell'?",
        ),
        ("levels:np", "np is a module, expected a function of t and devices"),
        (
            "levels:alone",
            r"alone\(t: 'float'\) -> 'float' cannot be called with two arguments, expected alone\(t, devices\)",
        ),
        (
            "tides:swell",
            r"module 'tides' cannot be imported \(ModuleNotFoundError: No module named 'tides'\)",
        ),
        ("tides.py:swell", "tides.py' does not exist, expected a Python file"),
        ("broken:swell", r"broken.py' cannot be imported \(ZeroDivisionError: division by zero\)"),
        ("leaving:swell", r"leaving.py' ends the program \(SystemExit\)"),
    ],
)
def test_what_is_told_when_the_file_is_read(function: Any, text: str, tmp_path: Path) -> None:
    (tmp_path / "levels.py").write_text((Path(FILES) / "levels.py").read_text())
    (tmp_path / "broken.py").write_text("1 / 0")
    (tmp_path / "leaving.py").write_text("raise SystemExit")
    with pytest.raises(ValueError, match=text):
        make({"type": "script", "function": function}, {"p": 2}, str(tmp_path))


def test_two_plants_may_each_have_a_module_of_one_name(tmp_path: Path) -> None:
    for name, number in (("a", 1), ("b", 2)):
        (tmp_path / name / "pack").mkdir(parents=True)
        (tmp_path / name / "number.py").write_text("")
        (tmp_path / name / "same.py").write_text(f"def f(t, devices): return {number}")
        (tmp_path / name / "pack" / "inner.py").write_text(f"def f(t, devices): return {number + 10}")
        (tmp_path / name / "pack" / "__init__.py").write_text(f"def f(t, devices): return {number + 20}")
    found = [
        sampler(f"{module}:f", str(tmp_path / name)).sample(0, 0.0, 0, 4)
        for module in ("same", "same.py", "pack.inner", "pack", "pack/inner.py")
        for name in ("a", "b")
    ]
    assert found == [1, 2, 1, 2, 11, 12, 21, 22, 11, 12]


def test_a_module_may_import_what_stands_beside_it(tmp_path: Path) -> None:
    (tmp_path / "beside_the_script.py").write_text("LEVEL = 4.5")
    (tmp_path / "main.py").write_text("from beside_the_script import LEVEL\ndef f(t, devices): return LEVEL")
    assert sampler("main:f", str(tmp_path)).sample(0, 0.0, 0, 4) == 4.5
