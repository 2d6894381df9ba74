"""Classes, functions and exceptions as sections of pages.

One rule: everything public is here with its own docstring; what has none is an error, not a gap.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from referencing import prose, signatures
from referencing.pages import PAGES, Page

HEAD = "<!-- made of docstrings by scripts/reference; change those -->\n"


class Undocumented(Exception):
    """A public name without a docstring."""


def pages() -> dict[str, str]:
    """The text of every page by the name of its file."""
    found = {name: _objects(page) for name, page in PAGES.items()}
    links = {
        each: f"{page}.md#{anchor}" for page, objects in found.items() for each, anchor in anchors(objects)
    }
    return {f"{name}.md": _page(name, PAGES[name], objects, links) for name, objects in found.items()}


def anchors(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Names and their anchors: case does not count there, so a second one gets a number."""
    seen: dict[str, int] = {}
    for name in names:
        anchor = name.lower()
        number = seen.get(anchor, 0)
        seen[anchor] = number + 1
        yield name, f"{anchor}-{number}" if number else anchor


def _objects(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in page.names:
        module, _, name = path.rpartition(".")
        home = importlib.import_module(module)
        if name == "*":
            classes = (
                each for each in vars(home).values() if inspect.isclass(each) and each.__module__ == module
            )
            found.update((each.__name__, each) for each in classes)
        else:
            found[name] = getattr(home, name)
    return found


def _page(name: str, page: Page, objects: Mapping[str, Any], links: Mapping[str, str]) -> str:
    here = {each: target.removeprefix(f"{name}.md") for each, target in links.items()}
    words = prose.first_words(importlib.import_module(page.module).__doc__)
    parts = [HEAD, f"# {page.title}\n", prose.markdown(words, here) + "\n"]
    if page.more:
        parts.append("See also " + ", ".join(f"[{text}]({link})" for text, link in page.more) + ".\n")
    rows = [
        f"| [`{each}`]({here[each]}) | {_summary(found, here, each)} |" for each, found in objects.items()
    ]
    parts.append("| | |\n| --- | --- |\n" + "\n".join(rows) + "\n")
    for each, found in objects.items():
        parts.append(_section(each, found, here, page.only.get(each)))
    return "\n".join(parts)


def _summary(found: Any, links: Mapping[str, str], own: str) -> str:
    text = _doc(found, own).partition("\n\n")[0].replace("\n", " ")
    text = text.partition(". ")[0].rstrip(".:")
    return prose.markdown(text, links, own).replace("|", "\\|")


def _section(name: str, found: Any, links: Mapping[str, str], only: Sequence[str] | None) -> str:
    where = f"`from {_home(name, found)} import {name}`"
    call = "" if _is_silent(found) else f"```python\n{signatures.of(name, found)}\n```\n"
    parts = [f"## {name}\n", f"{where}\n", call, prose.markdown(_doc(found, name), links, name) + "\n"]
    if inspect.isclass(found):
        bases = [
            f"[`{each.__name__}`]({links[each.__name__]})"
            for each in found.__mro__[1:]
            if _is_known(each, links)
        ]
        if bases:
            parts.append(f"Has what {' and '.join(bases)} {'has' if len(bases) == 1 else 'have'}, too.\n")
        members = dict(_members(found, links))
        if missing := [each for each in only or () if each not in members]:
            raise AttributeError(f"{name} has no public {', '.join(missing)}")
        parts += [_member(name, each, members[each], links) for each in only or members]
    return "\n".join(part for part in parts if part)


def _home(name: str, found: Any) -> str:
    for page in PAGES.values():
        for path in page.names:
            module, _, last = path.rpartition(".")
            if last == name:
                return module
    return str(found.__module__)


def _is_silent(found: Any) -> bool:
    """Whether nobody calls it: exceptions, records that are only read, classes without arguments."""
    if not inspect.isclass(found):
        return False
    return issubclass(found, Exception) or found.__init__ is object.__init__


def _is_known(cls: type, links: Mapping[str, str]) -> bool:
    return cls.__name__ in links and cls.__module__.startswith("simulator.")


def _members(cls: type, links: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Public methods and properties, those of bases that have no section of their own too."""
    seen: set[str] = set()
    known: set[str] = set()
    for base in cls.__mro__[1:]:
        if _is_known(base, links):
            known.update(vars(base))
    is_verbs = cls.__name__ == "Verbs"
    for base in cls.__mro__:
        if not base.__module__.startswith("simulator.") or (base is not cls and _is_known(base, links)):
            continue
        for name, value in vars(base).items():
            if name.startswith("_") or name in seen or not _is_member(value, is_verbs):
                continue
            inherited = name in known and not (base is cls and getattr(value, "__doc__", None))
            seen.add(name)
            if not inherited and not _is_verb_of_client(cls, name):
                yield name, value


def _is_member(value: Any, is_verbs: bool) -> bool:
    if isinstance(value, property | classmethod | staticmethod) or inspect.isfunction(value):
        return True
    return is_verbs and type(value).__name__ == "Verb"


def _is_verb_of_client(cls: type, name: str) -> bool:
    """Verbs are the same for every client: they have a section of their own."""
    from simulator.client.verbs import Verbs

    return cls is not Verbs and issubclass(cls, Verbs) and hasattr(Verbs, name)


def _member(owner: str, name: str, value: Any, links: Mapping[str, str]) -> str:
    title = f"### {owner}.{name}\n"
    if isinstance(value, property):
        text = prose.markdown(_doc(value, f"{owner}.{name}"), links, owner)
        return f"{title}\nProperty. {text}\n"
    function = (
        value.__func__ if isinstance(value, classmethod | staticmethod) else getattr(value, "plan", value)
    )
    is_method = not isinstance(value, staticmethod)
    call = signatures.of(name, function, is_method=is_method)
    before = f"{owner}." if isinstance(value, classmethod | staticmethod) else ""
    text = prose.markdown(_doc(function, f"{owner}.{name}"), links, owner)
    return f"{title}\n```python\n{before}{call}\n```\n\n{text}\n"


def _doc(found: Any, name: str) -> str:
    text = (
        inspect.getdoc(found)
        if not inspect.isclass(found)
        else found.__doc__ and inspect.cleandoc(found.__doc__)
    )
    if not text or (dataclasses.is_dataclass(found) and text.startswith(f"{name}(")):
        raise Undocumented(f"{name} is public and has no docstring")
    return text
