"""Read a YAML file into plain data and remember where everything stands.

Strict where YAML surprises: only ``true`` and ``false`` are booleans (YAML 1.2, so ``on``, ``no``
and ``12:30`` stay texts), keys are texts or whole numbers and occur once, a file holds one
document.  ``${NAME}`` and ``${NAME:-default}`` take environment variables after parsing, so that a
value can never change the structure of a file; ``$${`` is a literal ``${``.

The one rule: what is wrong but readable becomes a problem in ``Document.problems`` and reading goes
on; only a file that cannot be parsed at all raises ``ConfigError``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from simulator.errors import ConfigError, Problem

try:
    from yaml.cyaml import CParser  # type: ignore[attr-defined]
except ImportError:  # pragma: no cover - PyYAML built without libyaml: the same, five times slower
    from simulator.documents.slow_yaml import CParser  # type: ignore[assignment]

Path = tuple["str | int", ...]

MAX_VALUES = 5_000_000  # aliases of aliases grow without bound; no plant needs more
MAX_DEPTH = 100  # levels of nesting; libyaml's own recursion overflows the stack at about 50 000
_PLAIN = "plain"
_QUOTED = "quoted"
_TEXT = "tag:yaml.org,2002:str"
_TAGS = {_PLAIN, _QUOTED, "tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool",
         "tag:yaml.org,2002:null", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", _TEXT}  # fmt: skip
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(?:[0-9]{1,400}|0x[0-9a-fA-F]{1,400}|0o[0-7]{1,400})", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", re.ASCII)
_NUMERIC_START = frozenset("0123456789+-.")
_VARIABLE = re.compile(r"\$(\$\{)|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|([^}]*)\}?)", re.ASCII)


class _Parser(CParser):
    """Composes nodes; leaves all decisions about plain scalars to ``_Constructor``."""

    _depth = 0

    def resolve(self, kind: object, value: object, implicit: Any) -> str:
        if kind is ScalarNode:
            return _PLAIN if implicit[0] else _QUOTED
        return _PLAIN

    def descend_resolver(self, parent: Node | None, _: object) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            mark = parent.start_mark if parent is not None else None
            raise yaml.MarkedYAMLError(problem=f"more than {MAX_DEPTH} levels", problem_mark=mark)

    def ascend_resolver(self) -> None:
        self._depth -= 1


class Document:
    """One file: its ``data``, its ``problems`` so far, and the place of every value in it."""

    def __init__(self, file: str, root: Node | None, environ: Mapping[str, str]) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.broken: set[Path] = set()  # paths that already have a problem
        self._root = root
        self._constructor = _Constructor(self, environ)
        self.data: Any = None if root is None else self._constructor.build(root)

    def place(self, path: Path, *, key: bool = False) -> tuple[int, int]:
        """Line and column, from 1, of the value at ``path``, or of its key.

        A path that leads out of the document has the place of the last part that exists.
        """
        node = self._root
        if node is None:
            return 0, 0
        key_node = node
        for part in path:
            entry = self._constructor.child(node, part)
            if entry is None:
                return _line_column(node)
            key_node, node = entry
        return _line_column(key_node if key else node)

    def problem(self, path: Path, message: str, *, key: bool = False) -> Problem:
        """A problem with the value at ``path``, or with its key."""
        line, column = self.place(path, key=key)
        return Problem(self.file, line, column, dotted(path), message)


def read_file(path: str | os.PathLike[str], *, environ: Mapping[str, str] | None = None) -> Document:
    """The document in a file.  Raises ConfigError when it cannot be read or parsed."""
    file = os.fspath(path)
    try:
        content = FilePath(path).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError([Problem(file, 0, 0, "", f"file cannot be read: {reason}")]) from None
    return read_text(content, file=file, environ=environ)


def _decoded(content: bytes, file: str) -> str:
    """The text of a file.  Raises ConfigError."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        message = f"file holds the byte 0x{content[error.start]:02X}, expected UTF-8"
        raise ConfigError([Problem(file, line, column, "", message)]) from None


def read_text(text: str | bytes, *, file: str, environ: Mapping[str, str] | None = None) -> Document:
    """The document in a text or in its bytes; ``file`` is what problems call it.  Raises ConfigError."""
    if isinstance(text, bytes):
        text = _decoded(text, file)
    try:
        root = _Parser(text).get_single_node()
        return Document(file, root, os.environ if environ is None else environ)
    except yaml.YAMLError as error:
        raise ConfigError([_syntax_problem(error, text, file)]) from None


def dotted(path: Path) -> str:
    """A path as messages show it: ``devices.0.unit_id``."""
    return ".".join(map(str, path))


class _Constructor:
    """Nodes to data.  Keeps the path of the node at hand for problems."""

    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self._document = document
        self._environ = environ
        self._path: list[str | int] = []
        self._open: set[int] = set()  # ids of the collections around the node at hand
        self._budget = MAX_VALUES

    def build(self, node: Node) -> Any:
        self._budget -= 1
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if id(node) in self._open:
            return self._report(node, "alias refers to a value that contains it, expected no circle")
        if self._budget < 0:
            raise yaml.MarkedYAMLError(problem=f"more than {MAX_VALUES} values", problem_mark=node.start_mark)
        if node.tag not in _TAGS:
            self._report(node, f"tag is {node.tag}, expected none")
        self._open.add(id(node))
        data = self._mapping(node) if isinstance(node, MappingNode) else self._sequence(node)
        self._open.discard(id(node))
        return data

    def child(self, node: Node, part: str | int) -> tuple[Node, Node] | None:
        """Key and value node of an entry of a collection, None when there is no such entry."""
        if isinstance(node, SequenceNode):
            if isinstance(part, int) and 0 <= part < len(node.value):
                return node.value[part], node.value[part]
        elif isinstance(node, MappingNode):
            for key_node, value_node in node.value:
                if isinstance(key_node, ScalarNode) and self._resolve(key_node, silent=True) == part:
                    return key_node, value_node
            for merged in _merged_nodes(node):
                if (found := self.child(merged, part)) is not None:
                    return found
        return None

    def _sequence(self, node: Node) -> list[Any]:
        path, data = self._path, []
        for index, item in enumerate(node.value):
            path.append(index)
            data.append(self.build(item))
            path.pop()
        return data

    def _mapping(self, node: MappingNode) -> dict[str | int, Any]:
        path, data = self._path, {}
        for key_node, value_node in node.value:
            if key_node.tag == _PLAIN and key_node.value == "<<":
                continue
            key = self._key(key_node)
            path.append(key)
            if key in data:
                line, _ = self._document.place(tuple(path), key=True)
                message = f"key {key!r} is a duplicate, expected it once (first on line {line})"
                self._report(key_node, message, broken=False)
            else:
                data[key] = self.build(value_node)
            path.pop()
        for merged in _merged_nodes(node):
            more = self.build(merged)
            if isinstance(more, dict):
                data = {**more, **data}
        return data

    def _key(self, node: Node) -> str | int:
        key = self._resolve(node) if isinstance(node, ScalarNode) else None
        if isinstance(key, (str, int)) and not isinstance(key, bool):
            return key
        got = node.value if isinstance(node, ScalarNode) else "a collection"
        self._report(node, f"key is {got or 'empty'}, expected text or a whole number")
        return str(got)

    def _scalar(self, node: ScalarNode) -> Any:
        value = node.value
        if node.tag == _PLAIN and "$" not in value:
            return _plain(value)
        if node.tag not in _TAGS:
            return self._report(node, f"tag is {node.tag}, expected none")
        return self._resolve(node)

    def _resolve(self, node: ScalarNode, *, silent: bool = False) -> Any:
        value = node.value
        if "${" in value:
            value = _VARIABLE.sub(lambda match: self._variable(match, node, silent), value)
        return value if node.tag in (_QUOTED, _TEXT) else _plain(value)

    def _variable(self, match: re.Match[str], node: ScalarNode, silent: bool) -> str:
        escaped, name, default, wrong = match.groups()
        if escaped:
            return "${"
        value = self._environ.get(name) if name else None
        if default is not None:
            return value or default  # as in a shell: :- stands in for unset and for empty
        if value is None and not silent:
            unset = f"environment variable {name} is not set, expected a value or ${{{name}:-default}}"
            misspelt = f"${{{wrong}}} names no environment variable, expected ${{NAME}}"
            self._report(node, unset if name else misspelt)
        return value or ""

    def _report(self, node: Node, message: str, *, broken: bool = True) -> None:
        line, column = _line_column(node)
        path = tuple(self._path)
        self._document.problems.append(Problem(self._document.file, line, column, dotted(path), message))
        if broken:
            self._document.broken.add(path)


def _plain(value: str) -> Any:
    """The data of a plain scalar by the core schema of YAML 1.2."""
    if value[:1] in _NUMERIC_START:
        if _INTEGER.fullmatch(value):
            return int(value, 0) if "x" in value or "o" in value else int(value)
        if _FLOAT.fullmatch(value):
            return float(value)
        if _SPECIAL.fullmatch(value):
            return float(value.lower().replace(".", "", 1))
        return value
    return _WORDS.get(value, value)


def _merged_nodes(node: MappingNode) -> Iterator[Node]:
    """The mappings that ``<<`` puts under this one, the strongest first."""
    for key_node, value_node in node.value:
        if key_node.tag == _PLAIN and key_node.value == "<<":
            yield from value_node.value if isinstance(value_node, SequenceNode) else (value_node,)


def _line_column(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _syntax_problem(error: yaml.YAMLError, text: str, file: str) -> Problem:
    """What the parser found, at its place."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        lines = text.split("\n")
        line, column = mark.line, mark.column
        context = getattr(error, "context", None)
        message = f"{getattr(error, 'problem', '')}" + (f" {context}" if context else "")
        if context == "expected a single document in the stream":
            message = "a second document begins, expected one"
        elif line < len(lines) and lines[line][column : column + 1] == "\t":
            message = "line is indented with a tab, expected spaces"
        elif line < len(lines) and "flow" in (context or "") and "${" in lines[line]:
            message += '; inside [ ] and { } write a variable in quotes: "${NAME}"'
        return Problem(file, line + 1, column + 1, "", f"YAML syntax: {message}")
    character = getattr(error, "character", 0)
    before = text[: max(0, text.find(chr(character)))]  # the error counts bytes, people count characters
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return Problem(file, line, column, "", f"YAML syntax: file holds the control character 0x{character:02X}")
