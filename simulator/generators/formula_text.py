"""The language of formulas: a text -> a checked tree of operations, or the reason why not.

Python's own parser reads the text, so precedence and number formats are those everybody knows; then every
node is compared with a list of what is allowed.  One rule: what is not listed here is refused, with its
column, before anything runs.  Nothing of the text is ever executed: the tree names operations, and
``formula_steps`` carries them out.

Refused: attribute access (but for ``signal.NAME``), calls of anything but the functions below, texts, names
with two underscores, lambdas, comprehensions, constants beyond a float, and formulas of unreasonable size.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.documents.problems import one_of, show, suggest

MOST_CHARACTERS = 2000
MOST_NODES = 300
MOST_DEPTH = 100
MOST_EXPONENT = 100  # of a constant exponent; beyond it every float over 1200 is infinite
MOST_DIGITS = 15  # of round: a float64 has no more
CLOCK_NAMES = ("t", "i", "n")  # seconds, devices of a group from 0, from 1
SIGNAL = "signal"

FUNCTIONS: Mapping[str, tuple[int, int | None]] = {  # least and most arguments
    "min": (2, None), "max": (2, None), "abs": (1, 1), "round": (1, 2), "floor": (1, 1), "ceil": (1, 1),
    "sqrt": (1, 1), "exp": (1, 1), "log": (1, 1), "sin": (1, 1), "cos": (1, 1), "clamp": (3, 3),
    "random": (0, 2),
}  # fmt: skip
_BINARY: Mapping[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
}  # fmt: skip
_COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_STRANGERS: Mapping[type[ast.AST], str] = {
    ast.Lambda: "lambda", ast.ListComp: "comprehension", ast.SetComp: "comprehension",
    ast.DictComp: "comprehension", ast.GeneratorExp: "comprehension", ast.Attribute: "attribute access",
    ast.Subscript: "index", ast.NamedExpr: "assignment", ast.Tuple: "list of values", ast.List: "list",
    ast.Set: "name in braces", ast.Dict: "mapping", ast.Starred: "star", ast.Await: "await",
    ast.Yield: "yield", ast.YieldFrom: "yield",
}  # fmt: skip
_LEGAL = re.compile(r"[\t\n\r\x20-\x7e]*")
_TEXTUAL = re.compile(r"[\"'\\#`]")
_UNDERSCORES = re.compile(r"\w*__\w*")


class FormulaError(ValueError):
    """A formula that is refused: ``column 7: fact, got …, expected …``."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A number."""

    value: float


@dataclass(frozen=True, slots=True)
class Name:
    """An input: a point, a parameter, ``signal.NAME``, ``t``, ``i`` or ``n``."""

    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator or function over operands; ``site`` tells the calls of ``random`` apart."""

    kind: str
    operands: tuple[Node, ...]
    site: int = 0
    column: int = 0
    size: int = 1  # operations below and here, those that are needed twice counted twice


Node = Constant | Name | Operation


def parse(text: str) -> tuple[Node, dict[str, int]]:
    """The tree of a formula, and the column (from 1) at which it first uses each name."""
    return _Reading(text).result()


class _Reading:
    """One text on its way to a tree."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._nodes = 0
        self._sites = 0
        self.columns: dict[str, int] = {}

    def result(self) -> tuple[Node, dict[str, int]]:
        self._check_characters()
        indent = len(self._text) - len(self._text.lstrip())
        self._text = re.sub(r"\s", " ", self._text)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python's advice about its own language
                tree = ast.parse(self._text[indent:], mode="eval")
        except SyntaxError as error:
            column = (error.offset or len(self._text) + 1) + indent
            raise FormulaError(f"column {column}: {_reason(error)}, expected arithmetic") from None
        except (ValueError, MemoryError, RecursionError, OverflowError):
            raise FormulaError("formula cannot be read, expected arithmetic of a reasonable size") from None
        self._indent = indent
        return self._node(tree.body, 1), self.columns

    def _check_characters(self) -> None:
        if len(self._text) > MOST_CHARACTERS:
            got = f"got {len(self._text)} characters"
            raise FormulaError(f"formula is too long, {got}, expected at most {MOST_CHARACTERS}")
        if not self._text.strip():
            raise FormulaError("formula is empty, expected arithmetic such as voltage * current")
        legal = _LEGAL.match(self._text)
        if legal is not None and legal.end() < len(self._text):
            got = f"got {self._text[legal.end()]!r}"
            raise FormulaError(f"column {legal.end() + 1}: character is foreign, {got}, expected ASCII")
        if (name := _UNDERSCORES.search(self._text)) is not None:
            got = f"got {show(name[0])}, expected a point, a parameter or signal.NAME"
            raise FormulaError(f"column {name.start() + 1}: name holds two underscores, {got}")
        if (textual := _TEXTUAL.search(self._text)) is not None:
            got = f"got {textual[0]}, expected numbers and names"
            raise FormulaError(f"column {textual.start() + 1}: text is not allowed, {got}")

    def _refuse(self, node: ast.expr, fact: str, expected: str) -> FormulaError:
        part = ast.get_source_segment(self._text[self._indent :], node) or ""
        got = repr(part if len(part) <= 40 else part[:37] + "...")
        return FormulaError(f"column {self._column(node)}: {fact}, got {got}, expected {expected}")

    def _column(self, node: ast.expr) -> int:
        return node.col_offset + self._indent + 1

    def _node(self, node: ast.expr, depth: int) -> Node:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise FormulaError(f"formula is too large, expected at most {MOST_NODES} numbers and operations")
        if depth > MOST_DEPTH:
            raise FormulaError(f"formula is nested too deeply, expected at most {MOST_DEPTH} levels")
        read = _READERS.get(type(node))
        if read is None:
            fact = f"{_STRANGERS.get(type(node), 'this')} is not allowed"
            raise self._refuse(node, fact, self._instead(node))
        return read(self, node, depth + 1)

    def _instead(self, node: ast.expr) -> str:
        if isinstance(node, ast.Set):
            return "the name without braces"
        return "arithmetic, comparisons, and, or, not, if else, and functions"

    def _constant(self, node: ast.Constant, depth: int) -> Node:
        if type(node.value) not in (int, float):
            raise self._refuse(node, "constant is no number", "a number")
        try:
            value = float(node.value)  # type: ignore[arg-type]  # its type has just been judged
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            raise self._refuse(node, "constant is too large", "at most 1.8e308")
        return Constant(value)

    def _name(self, node: ast.Name, depth: int) -> Node:
        if node.id == SIGNAL:
            raise self._refuse(node, "signal has no name", "signal.NAME")
        return self._input(node.id, node)

    def _input(self, name: str, node: ast.expr) -> Name:
        self.columns.setdefault(name, self._column(node))
        return Name(name)

    def _attribute(self, node: ast.Attribute, depth: int) -> Node:
        is_signal = isinstance(node.value, ast.Name) and node.value.id == SIGNAL
        if not is_signal:
            raise self._refuse(node, "attribute access is not allowed", "none but signal.NAME")
        return self._input(f"{SIGNAL}.{node.attr}", node)

    def _binary(self, node: ast.BinOp, depth: int) -> Node:
        kind = _BINARY.get(type(node.op))
        if kind is None:
            raise self._refuse(node, "operator is not allowed", one_of(list(_BINARY.values())))
        left, right = self._node(node.left, depth), self._node(node.right, depth)
        if kind == "**":
            exponent = _number(right)
            if exponent is not None and abs(exponent) > MOST_EXPONENT:
                raise self._refuse(node, "exponent is too large", f"-{MOST_EXPONENT} to {MOST_EXPONENT}")
        return self._operation(kind, left, right, at=node)

    def _unary(self, node: ast.UnaryOp, depth: int) -> Node:
        operand = self._node(node.operand, depth)
        if isinstance(node.op, ast.UAdd):
            return operand
        if isinstance(node.op, ast.USub):
            return _negated(operand) or self._operation("neg", operand, at=node)
        if isinstance(node.op, ast.Not):
            return self._operation("not", operand, at=node)
        raise self._refuse(node, "operator is not allowed", "-, + or not")

    def _compare(self, node: ast.Compare, depth: int) -> Node:
        operands = [self._node(each, depth) for each in (node.left, *node.comparators)]
        pairs = []
        for place, operator in enumerate(node.ops):
            kind = _COMPARISONS.get(type(operator))
            if kind is None:
                raise self._refuse(node, "comparison is not allowed", one_of(list(_COMPARISONS.values())))
            pairs.append(self._operation(kind, operands[place], operands[place + 1], at=node))
        return self._joined("and", pairs, node)

    def _logical(self, node: ast.BoolOp, depth: int) -> Node:
        kind = "and" if isinstance(node.op, ast.And) else "or"
        return self._joined(kind, [self._node(each, depth) for each in node.values], node)

    def _joined(self, kind: str, operands: Sequence[Node], node: ast.expr) -> Node:
        """An operation that does not care for brackets over many operands, no deeper than it must be."""
        if len(operands) == 1:
            return operands[0]
        half = len(operands) // 2
        left, right = self._joined(kind, operands[:half], node), self._joined(kind, operands[half:], node)
        return self._operation(kind, left, right, at=node)

    def _choice(self, node: ast.IfExp, depth: int) -> Node:
        condition, then, other = (self._node(each, depth) for each in (node.test, node.body, node.orelse))
        return self._operation("if", condition, then, other, at=node)

    def _call(self, node: ast.Call, depth: int) -> Node:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in FUNCTIONS:
            hint = suggest(name, FUNCTIONS) if name else ""
            expected = one_of(list(FUNCTIONS)) + (f"; {hint}" if hint else "")
            raise self._refuse(node, "call is not allowed", expected)
        if node.keywords:
            raise self._refuse(node, "argument has a name", "arguments in their order")
        least, most = FUNCTIONS[name]
        operands = [self._node(each, depth) for each in node.args]
        count = len(operands)
        if count < least or (most is not None and count > most) or (name, count) == ("random", 1):
            raise self._refuse(node, f"{name} has {count} arguments", _ARGUMENTS[name])
        if name == "round" and count == 2:
            return self._rounded(node, operands)
        if name == "clamp":
            upper = self._operation("max", operands[0], operands[1], at=node)
            return self._operation("min", upper, operands[2], at=node)
        if name == "random":
            return self._random(node, operands)
        if least > 1:
            return self._joined(name, operands, node)
        return self._operation(name, operands[0], at=node)

    def _rounded(self, node: ast.Call, operands: list[Node]) -> Node:
        digits = _number(operands[1])
        if digits is None or not digits.is_integer() or abs(digits) > MOST_DIGITS:
            expected = f"a whole number from -{MOST_DIGITS} to {MOST_DIGITS}"
            raise self._refuse(node.args[1], "digits are no constant of use", expected)
        shift, back = ("*", "/") if digits >= 0 else ("/", "*")
        power = Constant(10.0 ** abs(digits))
        shifted = self._operation(shift, operands[0], power, at=node)
        return self._operation(back, self._operation("round", shifted, at=node), power, at=node)

    def _random(self, node: ast.Call, operands: list[Node]) -> Node:
        drawn = Operation("random", (), self._sites, self._column(node))
        self._sites += 1
        if not operands:
            return drawn
        low, high = operands
        span = self._operation("-", high, low, at=node)
        return self._operation("+", low, self._operation("*", drawn, span, at=node), at=node)

    def _operation(self, kind: str, *operands: Node, at: ast.expr) -> Node:
        size = 1 + sum(each.size for each in operands if isinstance(each, Operation))
        if size > MOST_NODES:  # what a chain or random needs twice doubles with every level
            raise FormulaError(f"formula is too large, expected at most {MOST_NODES} numbers and operations")
        return Operation(kind, operands, column=self._column(at), size=size)


_ARGUMENTS: Mapping[str, str] = {
    "min": "two or more", "max": "two or more", "round": "one, or one and the number of digits",
    "clamp": "three: clamp(value, low, high)", "random": "none, or two: random(low, high)",
    **dict.fromkeys(("abs", "floor", "ceil", "sqrt", "exp", "log", "sin", "cos"), "one"),
}  # fmt: skip

_READERS: Mapping[type[ast.expr], Callable[[_Reading, Any, int], Node]] = {
    ast.Constant: _Reading._constant,
    ast.Name: _Reading._name,
    ast.Attribute: _Reading._attribute,
    ast.BinOp: _Reading._binary,
    ast.UnaryOp: _Reading._unary,
    ast.Compare: _Reading._compare,
    ast.BoolOp: _Reading._logical,
    ast.IfExp: _Reading._choice,
    ast.Call: _Reading._call,
}


def _negated(node: Node) -> Constant | None:
    return Constant(-node.value) if isinstance(node, Constant) else None


def _number(node: Node) -> float | None:
    return node.value if isinstance(node, Constant) else None


def _reason(error: SyntaxError) -> str:
    """What Python's parser says, without its suggestions."""
    return (error.msg or "formula is no arithmetic").split(". ")[0].split(". Perhaps")[0].lower()
