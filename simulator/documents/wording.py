"""The words of messages: what a value is shown as, what was probably meant, what is legal.

Texts only, and only the standard library: also programs that read no file word their mistakes with it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence


def suggest(word: object, legal: Iterable[object]) -> str:
    """``did you mean 'count'?`` when one of the legal words is near, else an empty text."""
    near = _near(str(word).lower(), tuple(legal))
    return "" if near is None else f"did you mean {near!r}?"


@functools.lru_cache(maxsize=256)  # a file of thousands of entries makes the same mistake thousands of times
def _near(word: str, legal: tuple[object, ...]) -> object:
    import difflib  # here, so that programs without a mistake need not load it

    words = {str(item).lower(): item for item in legal}
    near = difflib.get_close_matches(word, list(words), n=1, cutoff=0.6)
    return words[near[0]] if near else None


def unknown(kind: str, word: object, legal: Iterable[object]) -> str:
    """The message for a word that is none of the legal ones: ``unknown key 'conut', expected …``."""
    names = list(legal)
    listed = one_of(names) if names else "none"
    hint = suggest(word, names)
    return f"unknown {kind} {show(word)}, expected {listed}" + (f"; {hint}" if hint else "")


def one_of(words: Sequence[object], limit: int = 30) -> str:
    """``a, b or c``, shortened after ``limit`` words."""
    names = [str(word) for word in words]
    if len(names) > limit:
        return f"one of {', '.join(names[:limit])}, … ({len(names)} in all)"
    return " or ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def show(value: object) -> str:
    """A value as the file shows it, short enough for a message."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    if isinstance(value, (int, float)):
        text = str(value)
        return text if len(text) <= 60 else f"a number of {len(text)} digits"
    if isinstance(value, Mapping):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, (list, tuple, set)):
        return "a list" if value else "an empty list"
    return f"a {type(value).__name__}"
