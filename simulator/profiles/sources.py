"""Where profiles are found: the plant file itself, its folders, the shipped library, in this order.

One rule: the first place that has a name wins, and a profile that ``extends`` its own name means the
next place that has it, so that a folder may refine a shipped profile.  The name of a profile is its
``name`` key; where no profile has the name, a file that is called so will do.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, Protocol

from simulator.documents.problems import show, unknown
from simulator.documents.yaml import Document, Path, read_file
from simulator.errors import ConfigError, Problem
from simulator.profiles.layers import Layer
from simulator.profiles.maps.document import SUFFIXES as MAP_SUFFIXES
from simulator.profiles.maps.document import looks_like_map, read_map

LIBRARY = FilePath(__file__).parent / "library"
SUFFIXES = (".yaml", ".yml")


class Place(Protocol):
    """Somewhere profiles are."""

    def names(self) -> list[str]:
        """The names of the profiles here, those of files that cannot be read among them."""
        ...

    def find(self, name: str) -> Layer | None:
        """The data of the profile called ``name``, None when there is none.  Raises ConfigError."""
        ...

    def problems(self) -> list[Problem]:
        """Why profiles may be missing here."""
        ...


class Inline:
    """Profiles that stand in a mapping, of a plant file or of a program."""

    def __init__(self, profiles: Mapping[str, Any], document: Document | None, at: Path) -> None:
        self._profiles = profiles
        self._document = document
        self._at = at

    def names(self) -> list[str]:
        return list(self._profiles)

    def find(self, name: str) -> Layer | None:
        if name not in self._profiles:
            return None
        file = "inline" if self._document is None else self._document.file
        return Layer(self._profiles[name], self._document, (*self._at, name), file=file)

    def problems(self) -> list[Problem]:
        return []  # those of the plant file are reported with it


class Shipped:
    """The library that comes with the program; its files are named after their profiles."""

    def names(self) -> list[str]:
        return [file.stem for file in _files(LIBRARY)]

    def find(self, name: str) -> Layer | None:
        file = LIBRARY / f"{name}.yaml"
        return _layer(_read(file, None)) if FilePath(name).name == name and file.is_file() else None

    def problems(self) -> list[Problem]:
        return []


class Folder:
    """The profiles of a folder of the user.  Its files are read when the first name is asked for.

    A register map (CSV, JSON, XML) is a profile too, called as its file is; a profile file of that name wins.
    """

    def __init__(self, folder: FilePath, environ: Mapping[str, str] | None) -> None:
        self._folder = folder
        self._environ = environ
        self._broken: dict[str, list[Problem]] = {}  # by name of the file, without its suffix
        self._by_file: dict[str, list[Document]] = {}

    def names(self) -> list[str]:
        return [*self._by_name, *self._broken, *self._maps]

    def find(self, name: str) -> Layer | None:
        documents = self._by_name.get(name) or self._by_file.get(name, [])
        if name in self._broken and not documents:
            raise ConfigError(self._broken[name])
        if len(documents) > 1:
            message = f"profile {name!r} is defined in {documents[0].file} too, expected it once"
            raise ConfigError([documents[1].problem(("name",), message)])
        return _layer(documents[0]) if documents else self._map(name)

    def _map(self, name: str) -> Layer | None:
        """The register map in a file called ``name``."""
        if FilePath(name).name != name:
            return None
        files = [file for suffix in MAP_SUFFIXES if (file := self._folder / f"{name}{suffix}").is_file()]
        if len(files) > 1:
            message = f"profile {name!r} is in {files[0].name} too, expected it once"
            raise ConfigError([Problem(os.fspath(files[1]), 0, 0, "", message)])
        return _layer(read_map(files[0])) if files else None

    @functools.cached_property
    def _maps(self) -> list[str]:
        """The names of the register maps here, found out when all names are asked for."""
        files = _files(self._folder, MAP_SUFFIXES)
        return [file.stem for file in files if file.stem not in self._by_name and looks_like_map(file)]

    def problems(self) -> list[Problem]:
        return [problem for problems in self._broken.values() for problem in problems]

    @functools.cached_property
    def _by_name(self) -> dict[str, list[Document]]:
        found: dict[str, list[Document]] = {}
        for file in _files(self._folder):
            try:
                document = _read(file, self._environ)
            except ConfigError as error:
                self._broken[file.stem] = list(error.problems)
                continue
            self._by_file.setdefault(file.stem, []).append(document)
            name = document.data.get("name") if isinstance(document.data, dict) else None
            found.setdefault(name if isinstance(name, str) and name else file.stem, []).append(document)
        return found


class Catalogue:
    """All places in their order."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places

    def names(self) -> list[str]:
        """The names of all profiles, sorted."""
        return sorted({name for place in self._places for name in place.names()})

    def has(self, name: str) -> bool:
        """Whether some place has a profile of this name, be it readable or not."""
        try:
            return self._find(name, 0)[1] is not None
        except ConfigError:
            return True

    def missing(self, name: str) -> str:
        """What to say about a name that no profile has."""
        return unknown("profile", name, self.names())

    def problems(self) -> list[Problem]:
        """Why a profile may be missing: files that cannot be read."""
        return [problem for place in self._places for problem in place.problems()]

    def chain(self, name: str) -> list[Layer] | None:
        """The profile and its bases, the profile first; None when there is no such profile.

        Raises ConfigError for a base that does not exist and for a circle of bases.
        """
        place, layer = self._find(name, 0)
        if layer is None:
            return None
        steps = {(name, place): layer}
        while (base := _base_of(layer)) is not None:
            place, below = self._find(base, place + 1 if base == name else 0)
            if below is None:
                missing = layer.problem(("extends",), self._no_base(base, name), key=False)
                raise ConfigError([missing, *self.problems()])
            if (base, place) in steps:
                path = " -> ".join([*(step for step, _ in steps), base])
                message = f"profile extends itself, got {path}, expected an end"
                raise ConfigError([layer.problem(("extends",), message, key=False)])
            name, layer = base, below
            steps[name, place] = layer
        return list(steps.values())

    def _find(self, name: str, first: int) -> tuple[int, Layer | None]:
        for index in range(first, len(self._places)):
            if (layer := self._places[index].find(name)) is not None:
                return index, layer
        return first, None

    def _no_base(self, base: str, name: str) -> str:
        if base == name:
            return f"profile extends itself, got {name} -> {name}, expected another profile"
        return self.missing(base)


def places_of(
    search: Sequence[str | os.PathLike[str]],
    inline: Mapping[str, Any] | None,
    document: Document | None,
    at: Path,
    environ: Mapping[str, str] | None,
) -> list[Place]:
    """Every place to look, the first first.  Raises ConfigError for folders that do not exist."""
    problems = []
    for index, folder in enumerate(search):
        if not FilePath(folder).is_dir():
            message = f"folder {os.fspath(folder)!r} does not exist, expected a folder of profiles"
            here: Path = (*at, index)
            place = Problem(os.fspath(folder), 0, 0, "", message)
            problems.append(place if document is None else document.problem(here, message))
    if problems:
        raise ConfigError(problems)
    folders = [Folder(FilePath(folder), environ) for folder in search]
    return [*([] if inline is None else [Inline(inline, document, at)]), *folders, Shipped()]


def _base_of(layer: Layer) -> str | None:
    """The base a profile names.  Raises ConfigError when the profile is no mapping."""
    if not isinstance(layer.data, Mapping):
        raise ConfigError(
            [layer.problem((), f"profile is {show(layer.data)}, expected a mapping", key=False)]
        )
    base = layer.data.get("extends")
    return base if isinstance(base, str) else None


def _files(folder: FilePath, suffixes: Sequence[str] = SUFFIXES) -> list[FilePath]:
    return sorted(file for file in folder.iterdir() if file.suffix in suffixes and file.is_file())


def _read(file: FilePath, environ: Mapping[str, str] | None) -> Document:
    return read_file(os.fspath(file), environ=environ)


def _layer(document: Document) -> Layer:
    return Layer(document.data, document, file=document.file)
