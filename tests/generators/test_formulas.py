"""What formulas compute: as Python does for one number, the same for one row and for thousands."""

from __future__ import annotations

import math
import warnings
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulator.generators.formulas import Evaluator, FormulaError, compile_formula
from simulator.generators.rows import Group, GroupRows

COUNT = 23


class Points:
    """Points by name, an array each."""

    def __init__(self, **values: Any) -> None:
        self.values = {name: np.asarray(value, np.float64) for name, value in values.items()}

    def __call__(self, name: str) -> Points | None:
        if name not in self.values:
            return None
        one = Points()
        one.values = {"": self.values[name]}
        return one

    def read(self, start: int, stop: int, out: np.ndarray | None = None) -> np.ndarray:
        return self.values[""][start:stop].copy()


class Cells:
    """Signals by name."""

    def __init__(self, **values: float) -> None:
        self.values = values

    def cell(self, name: str) -> Any:
        value = self.values[name]
        return type("Cell", (), {"value": value})


X = np.linspace(-3, 3, COUNT)
Y = np.linspace(5, -7, COUNT) ** 3


def rows(seed: int = 7, **parameters: Any) -> GroupRows:
    groups = [Group("a-{n}", 10, {"p": 2, **parameters}), Group("b-{n}", COUNT - 10, {"p": 2, **parameters})]
    return GroupRows(groups, seed=seed, points=Points(x=X, y=Y), signals=Cells(sun=800.0))


def bound(text: str, point: str = "out", **parameters: Any) -> Evaluator:
    return compile_formula(text).bind(rows(**parameters), point)


def values(text: str, t: float = 3.0, tick: int = 3, **parameters: Any) -> np.ndarray:
    found = bound(text, **parameters).sample(tick, t, 0, COUNT)
    return np.broadcast_to(found, (COUNT,)).copy()


REFERENCE: dict[str, Any] = {
    "2 + 3 * 4 - 6 / 4": lambda x, y: 2 + 3 * 4 - 6 / 4,
    "x + y * 2 - x / 4": lambda x, y: x + y * 2 - x / 4,
    "-x ** 2 + (+y)": lambda x, y: -(x**2) + y,
    "x // 0.7 + y % 3": lambda x, y: x // 0.7 + y % 3,
    "x < y": lambda x, y: float(x < y),
    "-2 < x <= 2.5 < 9": lambda x, y: float(-2 < x <= 2.5),
    "(x > 0) + (y > 0) * 2 - (x == y)": lambda x, y: (x > 0) + (y > 0) * 2 - (x == y),
    "x > 0 and y > 0 or x < -2": lambda x, y: float((x > 0 and y > 0) or x < -2),
    "not x > 0": lambda x, y: float(not x > 0),
    "not x": lambda x, y: float(not x),
    "x and y": lambda x, y: x and y,
    "x > 1 and y": lambda x, y: (x > 1) and y,
    "x or y + 1": lambda x, y: x or y + 1,
    "x if y > 0 else -y": lambda x, y: x if y > 0 else -y,
    "x if 1 else y": lambda x, y: x,
    "1 if x > 0 else 2 if y > 0 else 3": lambda x, y: 1 if x > 0 else 2 if y > 0 else 3,
    "(x if y > 0 else y) + (y if x > 0 else x) * (x > 0)": (
        lambda x, y: (x if y > 0 else y) + (y if x > 0 else x) * (x > 0)
    ),
    "y / x if x != 0 else 0": lambda x, y: y / x if x else 0,
    "min(x, y, 1) + max(x, y) + max(x, y, 2, 3)": lambda x, y: min(x, y, 1) + max(x, y) + max(x, y, 2, 3),
    "abs(x) + floor(y) - ceil(x)": lambda x, y: abs(x) + math.floor(y) - math.ceil(x),
    "round(x) + round(y, 2) + round(y, -1)": (
        lambda x, y: round(x) + round(y * 100) / 100 + round(y / 10) * 10
    ),
    "sqrt(abs(y)) + exp(x) + log(abs(y) + 1)": (
        lambda x, y: math.sqrt(abs(y)) + math.exp(x) + math.log(abs(y) + 1)
    ),
    "sin(x) + cos(y)": lambda x, y: math.sin(x) + math.cos(y),
    "clamp(y, -10, x + 2)": lambda x, y: min(max(y, -10), x + 2),
    "signal.sun / 1000 * p + x": lambda x, y: 0.8 * 2 + x,
    "t * 2 + x": lambda x, y: 6 + x,
    "1_000 + 0x10": lambda x, y: 1016,
}


@pytest.mark.parametrize("text", REFERENCE)
def test_formulas_mean_what_they_mean_in_python(text: str) -> None:
    expected = [float(REFERENCE[text](x, y)) for x, y in zip(X.tolist(), Y.tolist(), strict=True)]
    np.testing.assert_allclose(values(text), expected, rtol=1e-12)


def test_i_counts_from_0_and_n_from_1_in_each_group() -> None:
    assert values("i").tolist() == [*range(10), *range(COUNT - 10)]
    assert values("n - i").tolist() == [1.0] * COUNT


def test_a_parameter_may_differ_by_group() -> None:
    groups = [Group("a", 2, {"size": 3}), Group("b", 2, {"size": 4.5})]
    evaluator = compile_formula("2 * size").bind(GroupRows(groups), "out")
    assert np.asarray(evaluator.sample(0, 0, 0, 4)).tolist() == [6, 6, 9, 9]


@pytest.mark.parametrize("text", ["2 * p + signal.sun", "t + 1", "3", "sin(t) if t > 2 else p", "t > 1"])
def test_what_is_equal_for_all_devices_stays_one_number(text: str) -> None:
    assert isinstance(bound(text).sample(1, 3.0, 0, COUNT), float)


@pytest.mark.parametrize("text", ["missing + 1", "signal.missing"])
def test_a_name_that_is_not_there_is_told_when_it_is_bound(text: str) -> None:
    with pytest.raises(ValueError, match="missing"):
        bound(text)


def test_what_cannot_be_computed_is_not_finite_and_warns_nobody() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for text in ("1 / (x - x)", "log(x - 10)", "sqrt(-1 - abs(x))", "exp(y * 100)", "(t - 3) / (t - 3)",
                     "(0 - abs(x) - 1) ** 0.5", "x % (x - x)", "x // 0", "log(t - 3)", "2 / (t - 3)"):  # fmt: skip
            assert not np.isfinite(values(text)).all()
            assert not all(math.isfinite(bound(text).evaluate_row(row, 3.0)) for row in range(COUNT))


def test_nan_reaches_the_result_through_min_and_max() -> None:
    assert np.isnan(values("max(0, (x - x) / (x - x))")).all()
    assert math.isnan(bound("min(0, (t - 3) / (t - 3))").evaluate_row(0, 3.0))


LEAVES = st.sampled_from(["x", "y", "t", "p", "i", "signal.sun", "0", "1", "2.5", "0.1", "random()", "1e3"])


OPERATORS = ["+", "-", "*", "/", "//", "%", "<", "<=", ">", ">=", "==", "!=", "and", "or"]


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(two, st.sampled_from(OPERATORS)).map(
            lambda each: f"({each[0][0]} {each[1]} {each[0][1]})"
        ),
        st.tuples(inner, st.sampled_from(["-", "not ", "abs", "floor", "ceil", "round", "sin", "cos", "exp",
                                          "sqrt", "log"])).map(lambda each: f"({each[1]}({each[0]}))"),
        st.tuples(two, st.sampled_from(["min", "max", "random"])).map(
            lambda each: f"{each[1]}({each[0][0]}, {each[0][1]})"
        ),
        st.tuples(inner, inner, inner).map(lambda each: f"({each[0]} if {each[1]} else {each[2]})"),
        st.tuples(inner, inner, inner).map(lambda each: f"({each[0]} < {each[1]} <= {each[2]})"),
        inner.map(lambda each: f"({each}) ** 2"),
    )  # fmt: skip


EXPRESSIONS = st.recursive(LEAVES, _grow, max_leaves=12)


@given(EXPRESSIONS, st.integers(1, COUNT - 1), st.integers(0, 5))
@settings(max_examples=300, deadline=None)
def test_one_row_any_slice_and_all_rows_agree_to_the_bit(text: str, cut: int, tick: int) -> None:
    formula = None
    with suppress(FormulaError):  # a constant part that is not finite
        formula = compile_formula(text)
    assume(formula is not None)
    t = tick * 0.5
    evaluator = formula.bind(rows(), "out")
    whole = np.broadcast_to(evaluator.sample(tick, t, 0, COUNT), (COUNT,)).copy()
    parts = [
        np.broadcast_to(evaluator.sample(tick, t, start, stop), (stop - start,)).copy()
        for start, stop in ((cut, COUNT), (0, cut))
    ]
    np.testing.assert_array_equal(np.concatenate(parts[::-1]), whole)
    one = [evaluator.evaluate_row(row, t, tick) for row in range(COUNT)]
    np.testing.assert_array_equal(one, whole)


@given(st.recursive(LEAVES.filter(lambda leaf: leaf not in ("random()",)), _grow, max_leaves=8))
@settings(max_examples=300, deadline=None)
def test_python_itself_computes_the_same(text: str) -> None:
    if "random" in text:
        return
    try:
        evaluator = bound(text)
    except ValueError:
        return
    functions = {"floor": math.floor, "ceil": math.ceil, "sin": math.sin, "cos": math.cos, "exp": math.exp,
                 "sqrt": math.sqrt, "log": math.log, "signal": type("S", (), {"sun": 800.0})}  # fmt: skip
    for row in range(0, COUNT, 5):
        names = {"x": float(X[row]), "y": float(Y[row]), "t": 1.5, "p": 2.0, "i": float(row % 10)}
        if row >= 10:
            names["i"] = float(row - 10)
        try:
            expected = float(eval(text, {"__builtins__": {"min": min, "max": max, "abs": abs, "round": round}},
                                  {**functions, **names}))  # fmt: skip
        except (ZeroDivisionError, ValueError, OverflowError, TypeError):
            continue  # Python stops where a formula goes on with NaN or infinity
        found = evaluator.evaluate_row(row, 1.5)
        if math.isfinite(expected) and math.isfinite(found) and abs(expected) < 1e12:
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "x / (y - y)",
        "min(x / (y - y), 10)",
        "clamp(x // (y - y), 0, 9)",
        "max(3, x % (y - y))",
        "5 / (t - t)",
    ],
)
def test_a_division_by_zero_is_no_number_whatever_is_made_of_it(text: str) -> None:
    evaluator = bound(text)
    assert np.isnan(evaluator.sample(0, 1.5, 0, COUNT)).all()
    assert math.isnan(evaluator.evaluate_row(3, 1.5))


def test_a_condition_guards_a_division() -> None:
    evaluator = bound("x / (y - y) if y != y else 4")
    assert (np.asarray(evaluator.sample(0, 1.5, 0, COUNT)) == 4).all()
    mixed = np.asarray(bound("1 / i if i else -1").sample(0, 1.5, 0, COUNT))
    assert np.isfinite(mixed).all()
    assert (mixed == -1).any()


def test_random_numbers_are_by_seed_point_device_tick_and_call() -> None:
    def drawn(text: str = "random()", *, seed: int = 7, point: str = "out", tick: int = 3) -> np.ndarray:
        evaluator = compile_formula(text).bind(rows(seed), point)
        return np.array(evaluator.sample(tick, float(tick), 0, COUNT))

    told = drawn()
    np.testing.assert_array_equal(drawn(), told)
    assert 0 <= told.min() < told.max() < 1
    for other in (drawn(seed=8), drawn(point="other"), drawn(tick=4), drawn("0 * random() + random()")):
        assert not np.isin(other, told).any()
    spread = drawn("random(-5, 5)")
    np.testing.assert_allclose(spread, told * 10 - 5)
    assert np.any(drawn("random() - random()") != 0)


def test_a_result_survives_the_inputs_of_the_next_field() -> None:
    """Two fields of one generator have memory of their own."""
    shared = rows()
    first = compile_formula("x + y").bind(shared, "out", "of")
    second = compile_formula("x * y").bind(shared, "out", "setpoint")
    kept = first.sample(0, 0.0, 0, COUNT)
    second.sample(0, 0.0, 0, COUNT)
    np.testing.assert_array_equal(kept, X + Y)
