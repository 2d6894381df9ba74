"""JSON with the place of every value.

The standard library reads JSON but forgets where things stood.  One rule: strict JSON (RFC 8259), no more; a
key that occurs twice and a number that is none are refused at their place.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, NamedTuple

from simulator.profiles.maps.cells import Unreadable

MAX_DEPTH = 50
_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None}


class Node(NamedTuple):
    """A value (of a mapping: key -> place of the key and node; of a list: nodes) and where it begins."""

    value: Any
    line: int
    column: int

    def data(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: node.data() for key, (_, node) in self.value.items()}
        if isinstance(self.value, list):
            return [node.data() for node in self.value]
        return self.value

    def items(self) -> Iterator[tuple[str, tuple[int, int], Node]]:
        """Key, place of the key and node of each entry of a mapping."""
        for key, (place, node) in self.value.items():
            yield key, place, node


def parse_json(text: str) -> Node:
    """The value of a text.  Raises Unreadable."""
    reader = _Reader(text)
    node = reader.value(0)
    reader.skip()
    if reader.place < len(text):
        raise reader.wrong("more follows the value", "the end of the file")
    return node


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def skip(self) -> None:
        match = _SPACE.match(self.text, self.place)
        self.place = self.place if match is None else match.end()

    def where(self, place: int) -> tuple[int, int]:
        line = bisect_right(self._starts, place)
        return line, place - self._starts[line - 1] + 1

    def wrong(self, fact: str, expected: str, place: int | None = None) -> Unreadable:
        at = self.place if place is None else place
        got = repr(self.text[at : at + 1]) if at < len(self.text) else "the end of the file"
        return Unreadable(*self.where(at), f"JSON: {fact}, got {got}, expected {expected}")

    def value(self, depth: int) -> Node:
        self.skip()
        start = self.place
        first = self.text[start : start + 1]
        if depth > MAX_DEPTH:
            raise Unreadable(*self.where(start), f"JSON: more than {MAX_DEPTH} levels, expected fewer")
        if first == "{":
            return Node(self._mapping(depth), *self.where(start))
        if first == "[":
            return Node(self._list(depth), *self.where(start))
        if first == '"':
            return Node(self._string(), *self.where(start))
        return Node(self._scalar(), *self.where(start))

    def _mapping(self, depth: int) -> dict[str, tuple[tuple[int, int], Node]]:
        found: dict[str, tuple[tuple[int, int], Node]] = {}
        while self._goes_on("}", bool(found)):
            place = self.place
            if self.text[place : place + 1] != '"':
                raise self.wrong("a key is missing", "a text in double quotes")
            key = self._string()
            if key in found:
                raise Unreadable(*self.where(place), f"JSON: key {key!r} is a duplicate, expected it once")
            self._take(":", "behind a key")
            found[key] = self.where(place), self.value(depth + 1)
        return found

    def _list(self, depth: int) -> list[Node]:
        found: list[Node] = []
        while self._goes_on("]", bool(found)):
            found.append(self.value(depth + 1))
        return found

    def _goes_on(self, end: str, started: bool) -> bool:
        """Whether another entry follows the bracket or the entry before."""
        if not started:
            self.place += 1
        self.skip()
        if self.text[self.place : self.place + 1] == end:
            self.place += 1
            return False
        if started:
            self._take(",", f"between entries, or {end} behind the last")
        return True

    def _take(self, character: str, where: str) -> None:
        self.skip()
        if self.text[self.place : self.place + 1] != character:
            raise self.wrong("an entry does not end", f"{character} {where}")
        self.place += 1
        self.skip()

    def _string(self) -> str:
        try:
            text, self.place = scanstring(self.text, self.place + 1, True)
        except JSONDecodeError as error:
            raise Unreadable(*self.where(error.pos), f"JSON: {error.msg.lower()}, expected a text") from None
        return str(text)

    def _scalar(self) -> Any:
        for word, value in _WORDS.items():
            if self.text.startswith(word, self.place):
                self.place += len(word)
                return value
        match = _NUMBER.match(self.text, self.place)
        if match is None or match.end() - match.start() > 400:
            raise self.wrong("no value", "a text, a number, true, false, null, a list or a mapping")
        self.place = match.end()
        return int(match[0]) if match[1] is None and match[2] is None else float(match[0])
