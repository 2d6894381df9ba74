"""Profiles by name: find, lay over their bases, check, resolve.

One rule: a profile is either resolved as a whole or refused with every problem it has, each at the
place where it was written, be that the profile, its base or the group that overrides it.  Resolving
the same profile with the same overrides again gives the same object, so that its devices share a store.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from simulator.datatypes import ByteOrder
from simulator.documents.yaml import Document, Path
from simulator.errors import ConfigError, Problem
from simulator.profiles.faults import resolve_faults
from simulator.profiles.identity import resolve_identity, usable_parameters
from simulator.profiles.inputs import Inputs, check_inputs
from simulator.profiles.layers import Layer, LayeredDocument
from simulator.profiles.layouts import resolve_tables, signed_tables, table_of
from simulator.profiles.overlaps import check_places
from simulator.profiles.overrides import override_layers, without_strangers
from simulator.profiles.profile import Profile
from simulator.profiles.quirks import resolve_quirks
from simulator.profiles.reactions import resolve_reactions
from simulator.profiles.records import resolve_fifos, resolve_files
from simulator.profiles.resolving import Setting, byte_order, resolve_points
from simulator.profiles.schema import ProfileFile
from simulator.profiles.sources import Catalogue, places_of
from simulator.profiles.status import resolve_exception_status, resolve_server_id
from simulator.profiles.validating import Checked, validate
from simulator.protocol.codes import Table


class ProfileLibrary:
    """All profiles that a plant can use: its inline ones, those of its folders, and the shipped ones.

    ``document`` and ``at`` say where ``profiles`` stands in the plant file, for the places of problems.
    """

    def __init__(
        self,
        search: Sequence[str | os.PathLike[str]] = (),
        inline: Mapping[str, Any] | None = None,
        *,
        document: Document | None = None,
        at: Path = ("profiles",),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Raises ConfigError for a folder that does not exist."""
        self._catalogue = Catalogue(places_of(search, inline, document, at, environ))
        self._resolved: dict[tuple[str, str], Profile] = {}

    def names(self) -> list[str]:
        """The names of all profiles, sorted."""
        return self._catalogue.names()

    def __contains__(self, name: str) -> bool:
        return self._catalogue.has(name)

    def get(self, name: str) -> Profile:
        """The profile as it is, without overrides.  Raises ConfigError."""
        return self.resolve(name)

    def resolve(
        self,
        name: str,
        overrides: Mapping[str, Any] | None = None,
        *,
        document: Document | None = None,
        at: Path = (),
    ) -> Profile:
        """The profile with what a group overrides (``generators`` by point name, ``quirks``) laid over it.

        ``document`` and ``at`` say where the group stands.  Raises ConfigError with every problem; a name
        that no profile has is a problem of the group's ``profile`` key.
        """
        overrides = {key: value for key, value in (overrides or {}).items() if value}
        key = (name, json.dumps(overrides, default=repr))
        if key not in self._resolved:
            chain = self._catalogue.chain(name)
            if chain is None:
                message, path = self._catalogue.missing(name), (*at, "profile")
                nowhere = Problem("profile", 0, 0, "", message)
                missing = nowhere if document is None else document.problem(path, message)
                raise ConfigError([missing, *self._catalogue.problems()])
            self._resolved[key] = _resolve(name, chain, override_layers(overrides, document, at))
        return self._resolved[key]


def profile_in(document: Document, name: str) -> Profile:
    """The profile that a document is by itself.  Raises ConfigError with every problem."""
    return _resolve(name, [Layer(document.data, document, file=document.file)], [])


def _resolve(name: str, chain: Sequence[Layer], overrides: Sequence[Layer]) -> Profile:
    profile_file = LayeredDocument(chain)
    over = without_strangers(overrides, profile_file)
    document = LayeredDocument([*over, *chain])
    document.problems += profile_file.problems
    _note_reading_problems(chain, document)
    _check_bases(chain, document)
    profile = _judge(name, chain[0].file, validate(document), document)
    if document.problems:
        raise ConfigError(sorted(document.problems))
    return profile


def _judge(name: str, source: str, checked: Checked, document: LayeredDocument) -> Profile:
    """The profile, of use when the document has no problems afterwards."""
    file = checked.file
    parameters = usable_parameters(file.parameters, document)
    setting = Setting(
        file.address_base,
        _byte_order(file, document),
        parameters,
        _written_elsewhere(file),
        signed_tables(file),
    )
    identity = resolve_identity(file.identity, setting, document)
    points = resolve_points(checked, setting, document)
    inputs = Inputs(file.points, points, parameters, document)
    check_inputs(inputs)
    reactions = resolve_reactions(checked, inputs)
    tables, fifos = {}, {}
    if ("address_base",) not in checked.wrong:
        fifos = resolve_fifos(checked, setting.base, points, document)
        tables = resolve_tables(checked, points.values(), setting.base, document)
        check_places(points.values(), tables, document)
    return Profile(
        name=file.name or name,
        description=file.description,
        identity=identity,
        parameters=parameters,
        tables=tables,
        points=points,
        reactions=reactions,
        read_only=file.read_only,
        server_id=resolve_server_id(file.server_id, setting, document),
        exception_status=resolve_exception_status(checked, points, document),
        files=resolve_files(file.files, document),
        fifos=fifos,
        quirks=resolve_quirks(file.quirks),
        faults=resolve_faults(file.faults, points, document),
        signals=inputs.signals,
        numbers=frozenset(inputs.numbers),
        source=source,
    )


def _byte_order(file: ProfileFile, document: LayeredDocument) -> ByteOrder:
    try:
        return byte_order(file.byte_order, file.swap, ByteOrder.ABCD)
    except ValueError as error:
        document.report(("swap",), str(error))
        return ByteOrder.ABCD


def _note_reading_problems(chain: Sequence[Layer], document: LayeredDocument) -> None:
    """What was wrong with the files themselves; problems of the plant file are reported with it."""
    for layer in chain:
        if layer.document is not None and not layer.at:
            document.problems += layer.document.problems


def _check_bases(chain: Sequence[Layer], document: LayeredDocument) -> None:
    """Addresses of a profile and of its base are numbered alike."""
    for over, base in itertools.pairwise(chain):
        mine, theirs = over.data.get("address_base"), base.data.get("address_base", 0)
        if mine not in (None, theirs):
            message = f"address_base is {mine}, expected {theirs} as in the profile it extends"
            document.problems.append(over.problem(("address_base",), message, key=False))


def _written_elsewhere(file: ProfileFile) -> set[Table]:
    """The tables whose values clients write through another table that shares the block."""
    found: set[Table] = set()
    for name, table in file.tables.items():
        try:
            pair = table_of(name), table_of(table.share or name)
        except ValueError:
            continue  # told where tables are read
        if any(each.is_writable for each in pair):
            found.update(pair)
    return found
