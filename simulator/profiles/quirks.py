"""``quirks`` of a profile: its keys, and what a bundle and the keys beside it come to.

Written as the name of a bundle, or as a mapping that may name one under ``bundle``; the keys beside it come
before those of the bundle, and ``null`` takes one away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema

from simulator.documents.durations import Duration
from simulator.documents.models import FileModel
from simulator.documents.problems import show, unknown
from simulator.documents.ranges import parse_ranges
from simulator.protocol import codes
from simulator.quirks import BUNDLES, ConnectionQuirks, Holes, Quirks, TooMany, WhenFull, WhenInFlight

_FUNCTION = {"type": "integer", "minimum": 1, "maximum": codes.EXCEPTION_BIT - 1}
_FUNCTION_TEXT = {"type": "string", "examples": ["22-24", "7-8,11"]}
_FUNCTIONS_SCHEMA = {
    "anyOf": [_FUNCTION, _FUNCTION_TEXT, {"type": "array", "items": {"anyOf": [_FUNCTION, _FUNCTION_TEXT]}}]
}


def parse_functions(value: object) -> tuple[int, ...]:
    """Function codes of a number, a range or a list of them.  Raises ValueError."""
    ranges = parse_ranges(value, name="function", minimum=1, maximum=codes.EXCEPTION_BIT - 1)
    return tuple(sorted({code for first, last in ranges for code in range(first, last + 1)}))


def _parse_bundle(name: object) -> str:
    if not isinstance(name, str) or name not in BUNDLES:
        raise ValueError(unknown("bundle", name, BUNDLES))
    return name


def _parse_in_flight(value: object) -> str | None:
    choices = {True: "ignore", False: None, "ignore": "ignore", "busy": "busy", "close": "close"}
    if not isinstance(value, (bool, str)) or value not in choices:
        expected = "expected true, false, ignore, busy or close"
        raise ValueError(f"one_request_in_flight is {show(value)}, {expected}")
    return choices[value]


Functions = Annotated[tuple[int, ...], PlainValidator(parse_functions), WithJsonSchema(_FUNCTIONS_SCHEMA)]
InFlight = Annotated[
    WhenInFlight | None,
    PlainValidator(_parse_in_flight),
    WithJsonSchema({"enum": [True, False, "ignore", "busy", "close"], "default": False}),
]
BundleName = Annotated[str, PlainValidator(_parse_bundle), WithJsonSchema({"enum": list(BUNDLES)})]


class QuirksFile(FileModel):
    """How the device departs from the specification."""

    bundle: BundleName | None = None
    """Ready quirks by name; the other keys come before those of the bundle."""
    max_registers: Annotated[int, Field(ge=1, le=codes.MAX_READ_REGISTERS)] | None = None
    """The most registers of one request."""
    max_bits: Annotated[int, Field(ge=1, le=codes.MAX_READ_BITS)] | None = None
    """The most coils or discrete inputs of one request."""
    too_many: TooMany | None = None
    """The answer to more than max_registers or max_bits."""
    unsupported_functions: Functions | None = None
    """Function codes that answer exception 1."""
    holes: Holes | None = None
    """Addresses that do not exist: exception 2, or read zero and take any write."""
    partial_writes: bool | None = None
    """Functions 15 and 16 store what stands before the first register or coil that is refused."""
    max_connections: Annotated[int, Field(ge=1)] | None = None
    """Connections to one address and port."""
    max_connections_per_host: Annotated[int, Field(ge=1)] | None = None
    """Of them, from one client address."""
    when_full: WhenFull | None = None
    """A client over these limits is refused, or takes the place of the oldest connection."""
    idle_timeout: Duration | None = None
    """A connection silent for this long is closed."""
    one_request_in_flight: InFlight | None = None
    """What becomes of a request that comes before the one before it is answered; true: it is ignored."""
    min_reply_delay: Duration | None = None
    """An answer leaves this long after its request at the earliest."""
    close_after: Annotated[int, Field(ge=1)] | None = None
    """The connection is closed after this many requests."""


CONNECTION_KEYS = frozenset(QuirksFile.model_fields).intersection(
    {*ConnectionQuirks.__slots__, "one_request_in_flight"}
)


def as_mapping(quirks: Any) -> Any:
    """The mapping that the name of a bundle stands for; everything else as it is."""
    return {"bundle": quirks} if isinstance(quirks, str) else quirks


QuirksField = Annotated[QuirksFile, BeforeValidator(as_mapping)]


def resolve_quirks(file: QuirksFile | None) -> Quirks:
    """The quirks of a file."""
    if file is None:
        return Quirks()
    bundle = BUNDLES[file.bundle].settings if file.bundle else {}
    settings = {**_given(QuirksFile.model_validate(dict(bundle))), **_given(file)}
    settings = {key: value for key, value in settings.items() if value is not None}
    if "one_request_in_flight" in settings:
        settings["when_in_flight"] = settings.pop("one_request_in_flight")
    connection = {key: settings.pop(key) for key in ConnectionQuirks.__slots__ if key in settings}
    return Quirks(**settings, connection=ConnectionQuirks(**connection))


def _given(file: QuirksFile) -> Mapping[str, Any]:
    return {key: getattr(file, key) for key in file.model_fields_set - {"bundle"}}
