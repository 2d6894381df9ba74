"""Docstrings as Markdown.

``names`` between double backquotes become code, and links where they are public names; ``:class:`` and
``:func:`` too.  Blocks behind ``::`` become fenced code, tables of modules are left out: they are for those
who read the source.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping

_ROLE = re.compile(r":(?:class|func|meth|mod|exc):`~?([^`]+)`")
_CODE = re.compile(r"``([^`]+)``")
_TABLE = re.compile(r"^=+(?: +=+)+\n.*?\n=+(?: +=+)+\n?", re.MULTILINE | re.DOTALL)
_LITERAL = re.compile(r"^(?P<before>.*?)::\n\n(?P<block>(?:[ ]{2,}.*\n?|\n)+)", re.MULTILINE)


def first_words(docstring: str | None) -> str:
    """A docstring of a module without its tables and what follows them."""
    text = inspect.cleandoc(docstring or "")
    return _TABLE.split(text)[0].strip()


def markdown(text: str, links: Mapping[str, str], own: str = "") -> str:
    """A docstring as Markdown; ``links`` are targets by name, ``own`` is not linked to itself."""
    parts: list[str] = []
    end = 0
    for match in _LITERAL.finditer(text + "\n"):
        parts.append(_linked(text[end : match.start()], links, own))
        before = match["before"].strip()
        language = "text" if "──" in match["block"] else "python"
        block = inspect.cleandoc("\n" + match["block"]).rstrip()
        parts.append(
            (_linked(f"{before}:\n\n", links, own) if before else "") + f"```{language}\n{block}\n```\n\n"
        )
        end = match.end()
    parts.append(_linked(text[end:], links, own))
    return "".join(parts).strip()


def _linked(text: str, links: Mapping[str, str], own: str) -> str:
    def role(match: re.Match[str]) -> str:
        return _reference(match[1].rpartition(".")[2], links, own)

    text = _ROLE.sub(role, text)
    classes = {
        name: target for name, target in links.items() if name[:1].isupper()
    }  # others are arguments, too
    return _CODE.sub(lambda match: _reference(match[1], classes, own), text)


def _reference(name: str, links: Mapping[str, str], own: str) -> str:
    target = links.get(name)
    return f"`{name}`" if target is None or name == own else f"[`{name}`]({target})"
