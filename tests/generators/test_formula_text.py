"""What a formula may say, and how everything else is refused before it can do anything."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulator.generators.formulas import Formula, FormulaError, compile_formula

HOSTILE = {
    "__import__('os').system('ls')": "column 1: name holds two underscores, got '__import__'",
    "().__class__": "column 4: name holds two underscores, got '__class__'",
    "signal.__class__": "name holds two underscores",
    "temp.real": "column 1: attribute access is not allowed, got 'temp.real', expected none but signal.NAME",
    "2 * signal.x.y": "column 5: attribute access is not allowed, got 'signal.x.y'",
    "open(1)": "column 1: call is not allowed, got 'open(1)', expected min, max, abs,",
    "signal.x(1)": "column 1: call is not allowed",
    "min(1, 2)(3)": "call is not allowed",
    "9**9**9": "column 1: constant part is inf, expected a finite number",
    "2 ** 10 ** 10": "column 1: constant part is inf",
    "x ** 1000": "column 1: exponent is too large, got 'x ** 1000', expected -100 to 100",
    "1e999": "constant is too large, got '1e999', expected at most 1.8e308",
    "1" + "0" * 400: "constant is too large",
    "9" * 1999 + " + 1": "formula is too long, got 2003 characters, expected at most 2000",
    "1 / 0": "column 1: constant part is nan",
    "0 * (1 / 0)": "column 6: constant part is nan",
    "-" * 500 + "x": "formula is nested too deeply, expected at most 100 levels",
    "(" * 300 + "1" + ")" * 300: "column 201: too many nested parentheses",
    "x" + " + x" * 400: "formula is ",
    "1 < (" * 12 + "x" + " < 1)" * 12 + " < 1": "formula is too large, expected at most 300",
    "random(" * 12 + "x" + ", y)" * 12: "formula is too large",
    "'text'": "column 1: text is not allowed, got ', expected numbers and names",
    'f"{x}"': 'text is not allowed, got "',
    "x # y": "text is not allowed, got #",
    "x\\\ny": "text is not allowed",
    "lambda: 1": "column 1: lambda is not allowed",
    "[x for x in y]": "comprehension is not allowed",
    "{x: 1 for x in y}": "comprehension is not allowed",
    "min(x for x in y)": "comprehension is not allowed",
    "[1, 2]": "list is not allowed",
    "1, 2": "list of values is not allowed",
    "x[0]": "index is not allowed",
    "(x := 3)": "assignment is not allowed",
    "min(*x, 1)": "star is not allowed",
    "min(1, key=2)": "argument has a name",
    "await x": "await is not allowed",
    "x @ y": "operator is not allowed, got 'x @ y', expected +, -, *, /, //, % or **",
    "x | y": "operator is not allowed",
    "~x": "operator is not allowed, got '~x', expected -, + or not",
    "x is y": "comparison is not allowed, got 'x is y', expected <, <=, >, >=, == or !=",
    "x in y": "comparison is not allowed",
    "1j": "constant is no number",
    "True": "constant is no number, got 'True', expected a number",
    "None": "constant is no number",
    "...": "constant is no number",
    "{rated_power} * 2": "name in braces is not allowed, got '{rated_power}', expected the name without braces",
    "signal": "signal has no name, got 'signal', expected signal.NAME",
    "größe * 2": "column 3: character is foreign, got 'ö', expected ASCII",
    "ｘ": "character is foreign",  # Python would take it for x
    "x; y": "invalid syntax",
    "import os": "invalid syntax",
    "1 +": "column 4: invalid syntax, expected arithmetic",
    "": "formula is empty, expected arithmetic such as voltage * current",
    "  \n ": "formula is empty",
    "min(1)": "min has 1 arguments, got 'min(1)', expected two or more",
    "abs(1, 2)": "abs has 2 arguments, got 'abs(1, 2)', expected one",
    "clamp(1, 2)": "expected three: clamp(value, low, high)",
    "random(1)": "expected none, or two: random(low, high)",
    "round(x, y)": "column 10: digits are no constant of use, got 'y', expected a whole number from -15 to 15",
    "round(x, 0.5)": "digits are no constant of use",
    "maxx(1, 2)": "did you mean 'max'?",
}


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_not_arithmetic_is_refused_with_its_column(text: str) -> None:
    with pytest.raises(FormulaError) as refused:
        compile_formula(text)
    assert HOSTILE[text] in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("value", [5, None, True, ["x"], {"a": 1}])
def test_a_formula_is_a_text(value: object) -> None:
    with pytest.raises(FormulaError, match="expected a text"):
        compile_formula(value)


def test_the_inputs_of_a_formula() -> None:
    formula = compile_formula("rated_power * signal.irradiance / 1000 * max(0, temp - 25) + t * i / n + min")
    assert formula.inputs == {"rated_power", "signal.irradiance", "temp", "t", "i", "n", "min"}
    assert formula.names == {"rated_power", "temp", "min"}
    assert formula.signals == {"irradiance"}
    assert formula.columns["temp"] == formula.text.index("temp") + 1
    assert compile_formula("2 * 3").inputs == frozenset()


def test_equal_texts_are_equal_formulas() -> None:
    assert compile_formula("x + 1") == compile_formula("x + 1")
    assert hash(compile_formula("x + 1")) == hash(compile_formula("x + 1"))
    assert compile_formula("x + 1") != compile_formula("x + 2")
    assert str(compile_formula("x + 1")) == "x + 1"


def test_names_may_be_limited() -> None:
    allowed = ["voltage", "current"]
    assert isinstance(compile_formula("voltage * signal.x + t + i", allowed), Formula)
    with pytest.raises(FormulaError) as refused:
        compile_formula("2 * voltge", allowed)
    expected = "column 5: unknown name 'voltge', expected voltage or current; did you mean 'voltage'?"
    assert str(refused.value) == expected


def test_lines_and_blanks_do_not_matter() -> None:
    assert compile_formula("  x +\n  y\t* 2 ").inputs == {"x", "y"}
    with pytest.raises(FormulaError, match="column 5: attribute"):
        compile_formula("x +\nfoo.bar")


PIECES = ["x", "y", "signal", ".", "__", "(", ")", "[", "]", "{", "}", ",", ":", "=", "lambda", "if", "else", "for",
          "in", "and", "or", "not", "is", "+", "-", "*", "**", "/", "//", "%", "<", "<=", "==", "~", "@", "1", "2.5",
          "1e308", "9" * 30, "0x10", "1_000", "max", "random", "round", "clamp", "'", '"', "\\", "\n", "\0", "é",
          "import", "None", "True", " ", "#", "!", "`", "await", "yield", "...", "1j"]  # fmt: skip


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join),
                 st.lists(st.sampled_from(PIECES), max_size=40).map("".join)))  # fmt: skip
@example("-" * 1999 + "x")
@example("not " * 400 + "x")
@example("x" + "**x" * 600)
@example("x if x else " * 150 + "x")
@example("(" * 1999)
@example("max(" * 300 + "1" + ",1)" * 300)
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_formula_of_bounded_size_or_refused(text: str) -> None:
    formula = None
    with suppress(FormulaError):
        formula = compile_formula(text)
    if formula is not None:
        assert formula.text == text
        assert len(formula.program.steps) <= 900
        assert not any("__" in name or " " in name for name in formula.inputs)
