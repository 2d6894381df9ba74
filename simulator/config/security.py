"""The ``tls`` of a plant and of its groups: certificates, who may connect, what a role may do.

A group's keys lie over those of the plant.  Files are named relative to the plant file.  The one rule: what
can be seen without a TLS library is checked here, at the place of its key: files that are missing, unreadable
or not what they should be.  Whether a key belongs to its certificate is seen when the listener's context is
made; ``places`` say where to report it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Discriminator, Field, PlainValidator, Tag, WithJsonSchema

from simulator.config.schemes import SCHEMES
from simulator.documents.durations import Duration
from simulator.documents.models import FileModel
from simulator.documents.problems import show, unknown
from simulator.documents.ranges import Ranges, merge_ranges, parse_ranges
from simulator.documents.yaml import Document, Path
from simulator.errors import Problem
from simulator.profiles.addresses import TABLE_NAMES
from simulator.protocol.codes import ADDRESSES, EXCEPTION_BIT, Table
from simulator.roles import NOBODY, Role, Rule

if TYPE_CHECKING:
    from simulator.config.endpoint import Endpoint
    from simulator.config.placement import ListenerPlan

HANDSHAKE_TIMEOUT_S = 10.0
MAX_UNIT_ID = 255
Version = Literal["1.2", "1.3"]
_NEEDED = ("certificate", "ca")
_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_KEY = b"PRIVATE KEY-----"


def _parser(name: str, minimum: int, maximum: int) -> PlainValidator:
    def parse(value: object) -> Ranges:
        return merge_ranges(parse_ranges(value, name=name, minimum=minimum, maximum=maximum))

    return PlainValidator(parse)


def _schema(minimum: int, maximum: int) -> WithJsonSchema:
    number = {"type": "integer", "minimum": minimum, "maximum": maximum}
    text = {"type": "string", "examples": ["1-4", "1-6,15,16"]}
    listed = {"type": "array", "items": {"anyOf": [number, text]}}
    return WithJsonSchema({"anyOf": [number, text, listed]})


def _parse_tables(value: object) -> frozenset[Table]:
    names: list[Any] = value if isinstance(value, list) else [value]
    if not names:
        raise ValueError("tables is an empty list, expected names of tables")
    for name in names:
        if not isinstance(name, str) or name.lower() not in TABLE_NAMES:
            raise ValueError(unknown("table", name, [table.label for table in Table]))
    return frozenset(TABLE_NAMES[name.lower()] for name in names)


def _parse_version(value: object) -> str:
    text = str(value) if isinstance(value, (str, float)) else ""
    if text not in ("1.2", "1.3"):
        raise ValueError(f"TLS version is {show(value)}, expected 1.2 or 1.3")
    return text


_TABLE = {"enum": [table.label for table in Table]}
TablesField = Annotated[
    frozenset[Table],
    PlainValidator(_parse_tables),
    WithJsonSchema({"anyOf": [_TABLE, {"type": "array", "items": _TABLE}]}),
]
MAX_FUNCTION, MAX_ADDRESS = EXCEPTION_BIT - 1, ADDRESSES - 1
FunctionsField = Annotated[Ranges, _parser("function", 1, MAX_FUNCTION), _schema(1, MAX_FUNCTION)]
AddressesField = Annotated[Ranges, _parser("address", 0, MAX_ADDRESS), _schema(0, MAX_ADDRESS)]
UnitIdsField = Annotated[Ranges, _parser("unit_id", 0, MAX_UNIT_ID), _schema(0, MAX_UNIT_ID)]
VersionField = Annotated[
    Version, PlainValidator(_parse_version), WithJsonSchema({"enum": ["1.2", "1.3", 1.2, 1.3]})
]


class RuleFile(FileModel):
    """What a role may do; what is left out is not limited."""

    functions: FunctionsField | None = None
    """Function codes: 1-4, or [1, 2, 3, 4]."""
    tables: TablesField | None = None
    """Tables that may be read and written, as far as the functions do that."""
    addresses: AddressesField | None = None
    """Addresses on the wire, from 0: 0-99."""
    unit_ids: UnitIdsField | None = None

    def rule(self) -> Rule:
        """The rule in numbers."""
        functions, units = _set(self.functions), _set(self.unit_ids)
        return Rule(functions, self.tables, self.addresses, units)


def _shape(value: object) -> str:
    return "rules" if isinstance(value, list) else "rule"


RoleFile = Annotated[
    Annotated[RuleFile, Tag("rule")] | Annotated[list[RuleFile], Tag("rules")], Discriminator(_shape)
]


class TlsFile(FileModel):
    """Modbus/TCP Security: certificates, and what the role in a client's certificate may do."""

    certificate: Annotated[str, Field(min_length=1)] | None = None
    """The server's certificate with its chain, a PEM file beside the plant file."""
    key: Annotated[str, Field(min_length=1)] | None = None
    """The private key of the certificate, a PEM file; default: in the file of the certificate."""
    ca: Annotated[str, Field(min_length=1)] | None = None
    """The authorities whose clients may connect, a PEM file."""
    roles: dict[str, RoleFile] | None = None
    """What each role may do: a rule, or a list of rules of which one must fit. Without it: everything."""
    no_role: RoleFile | None = None
    """What a client may do whose certificate has no role; default: nothing, when there are roles."""
    handshake_timeout: Duration | None = None
    """How long a client may take for its handshake; default 10s."""
    minimum_version: VersionField | None = None
    """The lowest TLS version; default 1.2."""
    maximum_version: VersionField | None = None
    """The highest TLS version; default 1.3."""


@dataclass(frozen=True)
class TlsSettings:
    """What a TLS listener needs to know.  ``places`` hold, by key, a problem without its message."""

    certificate: str
    key: str
    ca: str
    roles: Mapping[str, Role] | None = None  # None: no role is looked for, everybody may do everything
    no_role: Role = NOBODY
    handshake_timeout: float = HANDSHAKE_TIMEOUT_S
    minimum_version: Version = "1.2"
    maximum_version: Version = "1.3"
    places: Mapping[str, Problem] = field(default_factory=dict, compare=False, repr=False)

    def problem(self, key: str, message: str) -> Problem:
        """What is wrong with a key, at its place."""
        return replace(self.places[key], message=message)


class Security:
    """The TLS settings of one plant file, group by group; collects problems."""

    def __init__(
        self, document: Document, plant: TlsFile | None, problems: list[Problem], *, is_sound: bool = True
    ) -> None:
        self._document = document
        self._is_sound = is_sound  # or else what the plant lacks may be what is wrong with it
        self._problems = problems
        self._plant: dict[str, tuple[Any, Path]] = _given(plant, ("tls",))
        self._beside = FilePath(document.file).parent
        self._seen: set[tuple[str, str]] = set()
        self._check(self._plant)

    def settings(self, group: TlsFile | None, endpoint: Endpoint, path: Path) -> TlsSettings | None:
        """The settings of the group at ``path``; None when it needs none, or lacks something."""
        is_tls = SCHEMES[endpoint.scheme].transport == "tls"
        own = _given(group, (*path, "tls"))
        self._check(own)
        if not is_tls:
            if group is not None:
                self._report((*path, "tls"), "tls is given, expected an endpoint such as tls://127.0.0.1:802")
            return None
        given = {**self._plant, **own}
        missing = [key for key in _NEEDED if key not in given]
        if missing and not self._is_sound:
            return None
        if missing:
            needed = "tls: {certificate: server.pem, key: server.key, ca: ca.pem} here or for the plant"
            message = f"{' and '.join(missing)} for TLS is missing, expected {needed}"
            self._report((*path, "endpoint"), message)
            return None
        return self._settings(given)

    def disagreements(
        self, listeners: Sequence[ListenerPlan], settings: Mapping[int, TlsSettings | None]
    ) -> None:
        """Report groups behind one listener that want different things of it; settings are by group."""
        for plan in listeners:
            first = plan.spans[0].group
            for span in plan.spans:
                if settings.get(span.group) != settings.get(first):
                    whose = f"another one than that of devices.{first} behind the same {plan.endpoint}"
                    self._report(("devices", span.group, "tls"), f"tls is {whose}, expected the same")

    def _settings(self, given: dict[str, tuple[Any, Path]]) -> TlsSettings | None:
        values = {key: value for key, (value, _) in given.items()}
        roles = values.get("roles", {} if "no_role" in values else None)
        certificate = values["certificate"]
        lowest, highest = values.get("minimum_version", "1.2"), values.get("maximum_version", "1.3")
        if lowest > highest:
            _, at = given.get("minimum_version") or given["maximum_version"]
            self._report(at, f"minimum_version is {lowest}, expected {highest} or less: the maximum_version")
        places = {key: self._document.problem(path, "") for key, (_, path) in given.items()}
        return TlsSettings(
            certificate=str(self._beside / certificate),
            key=str(self._beside / values.get("key", certificate)),
            ca=str(self._beside / values["ca"]),
            roles=None if roles is None else {name: _role(role) for name, role in roles.items()},
            no_role=_role(values["no_role"]) if "no_role" in values else NOBODY,
            handshake_timeout=values.get("handshake_timeout", HANDSHAKE_TIMEOUT_S),
            minimum_version=lowest,
            maximum_version=highest,
            places={**places, "key": places.get("key", places["certificate"])},
        )

    def _check(self, given: dict[str, tuple[Any, Path]]) -> None:
        """Look at the files; and at what the roles need."""
        if "certificate" in given and "key" not in given and "key" not in self._plant:
            self._check_file("key", *given["certificate"])
        for key in ("certificate", "key", "ca"):
            if key in given:
                self._check_file(key, *given[key])
        if "roles" in given and find_spec("cryptography") is None:
            needed = "the package cryptography: pip install modsim[tls]"
            message = f"roles are in certificates that cannot be read here, expected {needed}"
            self._report(given["roles"][1], message)
        if given.get("handshake_timeout", (1, ()))[0] <= 0:
            self._report(given["handshake_timeout"][1], "handshake_timeout is 0s, expected more")

    def _check_file(self, key: str, name: str, path: Path) -> None:
        if (key, name) in self._seen:
            return
        self._seen.add((key, name))
        try:
            content = (self._beside / name).read_bytes()
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            self._report(path, f"file {show(name)} cannot be read: {reason}")
            return
        if key != "key":
            if _CERTIFICATE not in content:
                self._report(path, f"file {show(name)} holds no certificate, expected one in PEM form")
        elif _KEY not in content:
            self._report(path, f"file {show(name)} holds no private key, expected one in PEM form")
        elif b"ENCRYPTED" in content:
            message = f"the private key in {show(name)} is encrypted, expected one without a passphrase"
            self._report(path, message)

    def _report(self, path: Path, message: str) -> None:
        self._problems.append(self._document.problem(path, message))


def _given(file: TlsFile | None, path: Path) -> dict[str, tuple[Any, Path]]:
    """The keys that are given, each with its place."""
    if file is None:
        return {}
    return {
        key: (getattr(file, key), (*path, key))
        for key in file.model_fields_set
        if getattr(file, key) is not None
    }


def _role(file: RuleFile | list[RuleFile]) -> Role:
    return tuple(each.rule() for each in (file if isinstance(file, list) else [file]))


def _set(ranges: Ranges | None) -> frozenset[int] | None:
    if ranges is None:
        return None
    return frozenset(number for first, last in ranges for number in range(first, last + 1))
