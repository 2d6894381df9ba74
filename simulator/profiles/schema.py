"""The keys of a profile file.

One rule: a model says which keys exist and of which kind their values are; what needs a second key
or a neighbour to judge (addresses, overlaps, templates, initial values) is judged where a profile is
resolved.  The attribute docstrings are the descriptions that editors show.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from simulator.datatypes import DATA_TYPES
from simulator.documents.durations import PATTERN, parse_duration
from simulator.documents.models import FileModel
from simulator.documents.problems import show
from simulator.faults.files import RuleFile
from simulator.generators import registry
from simulator.points import Access, OnInvalid
from simulator.profiles.profile import ReadOnly
from simulator.profiles.quirks import QuirksField
from simulator.profiles.reaction_files import ReactionFile
from simulator.quirks import BUNDLES

Number = int | str
Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]
Swap = Literal["none", "byte", "word", "word_byte"]
Text = Annotated[str, Field(min_length=1)]


_HOLD_EXPECTED = "a duration such as 30s, forever or none"


def parse_hold(value: object) -> float:
    """Seconds of a duration, ``forever`` (infinite) or ``none`` (0).  Raises ValueError."""
    if value in ("forever", "none"):
        return math.inf if value == "forever" else 0.0
    try:
        return parse_duration(value)
    except ValueError:
        raise ValueError(f"hold is {show(value)}, expected {_HOLD_EXPECTED}") from None


_HOLD_SCHEMA = {"type": "string", "pattern": rf"({PATTERN})|^forever$|^none$", "default": "forever"}
Hold = Annotated[float, PlainValidator(parse_hold), WithJsonSchema(_HOLD_SCHEMA)]


class IdentityFile(FileModel):
    """What the device says of itself: function 43/14. Texts may hold {name}, {i}, {n} and parameters."""

    vendor_name: str | None = None
    product_code: str | None = None
    revision: str | None = None
    vendor_url: str | None = None
    product_name: str | None = None
    model_name: str | None = None
    user_application_name: str | None = None
    objects: dict[int, str] = {}
    """Private objects, 0x80 to 0xFF: a text, or bytes as 0x hex digits."""


class TableFile(FileModel):
    """One of the four tables: which addresses exist, and what stands there where no point is."""

    block: Literal["sequential", "sparse"] | None = None
    """sequential: count addresses from address on; sparse: those of ranges, or of the points."""
    address: Number | None = None
    count: Annotated[int, Field(ge=1, le=65536)] | None = None
    ranges: Number | list[Number] | None = None
    """Addresses that exist, such as 0-255 or [0-255, 65528-65535]."""
    invalid: Number | list[Number] | None = None
    """Addresses inside that do not exist all the same."""
    fill: int | bool = 0
    """The raw word or bit of every address that has no other value."""
    signed: bool | None = None
    """16-bit words and points without data_type are signed; default: as the profile says."""
    values: dict[Number, int | bool | list[int | bool]] = {}
    """Raw words or bits by address; a list fills the following addresses too."""
    share: str | None = None
    """Another table whose block this one uses."""


class PointFile(FileModel):
    """A named value: where it stands, how it is encoded and how it moves. value = raw × scale + offset."""

    table: str | None = None
    """coil, discrete_input, input_register or holding_register; not needed with address_base: modicon."""
    address: Number
    """In the numbering that address_base says."""
    data_type: str | None = None
    """How the value is encoded; default bool in a table of bits, else uint16, or int16 where signed."""
    count: Annotated[int, Field(ge=1)] = 1
    """Elements of an array."""
    length: Annotated[int, Field(ge=1)] | None = None
    """Registers of a string, bits or raw."""
    byte_order: Order | None = None
    swap: Swap | None = None
    string_order: Literal["AB", "BA"] = "AB"
    padding: Literal["nul", "space"] = "nul"
    scale: float = 1.0
    offset: float = 0.0
    precision: Annotated[int, Field(ge=0, le=15)] | None = None
    """Decimals shown."""
    unit_of_measurement: str = ""
    description: str = ""
    access: Access | None = None
    """ro, rw or wo; default rw for coils and holding registers, else ro."""
    enum: dict[int, Text] | None = None
    """Labels of raw numbers."""
    bits: dict[int, Text] | None = None
    """Names of bits, 0 the least significant."""
    bit: Annotated[int, Field(ge=0, le=15)] | None = None
    """Which bit of the register a bool is."""
    value: Any = None
    """The initial value: number, label, text, names of bits, or a list for an array; may be a template."""
    min: float | None = None
    """The least value that clients may write."""
    max: float | None = None
    """The greatest value that clients may write."""
    on_invalid: OnInvalid = "illegal_data_value"
    """What becomes of a written value beyond min and max."""
    hold: Hold = math.inf
    """How long a value written by a client stands against the generator: a duration, forever or none."""
    overlap: bool = False
    """Set true when the point shares addresses with another on purpose."""
    generator: dict[str, Any] | None = None
    """How the value moves."""
    on_write: list[ReactionFile] = []
    """What happens when the point is written, in order."""


class ServerIdFile(FileModel):
    """What function 17 tells."""

    id: int | str
    """A number, as few bytes as it takes, or the bytes themselves as 0x hex digits in quotes."""
    running: bool = True
    """The run indicator."""
    additional: str = ""
    """What the vendor adds: a text, with {name}, {i}, {n} and parameters, or bytes as 0x hex digits."""


class FileFile(FileModel):
    """A file of functions 20 and 21: records of one register each."""

    records: Annotated[int, Field(ge=1, le=10000)]
    """How many there are, from record 0 on."""
    fill: int = 0
    """The word of every record that has no other value."""
    values: dict[int, int | list[int]] = {}
    """Words by record; a list fills the following records too."""


class FifoFile(FileModel):
    """A queue of function 24, behind its pointer address."""

    values: list[int] | None = None
    """The words in it at first, the oldest first. Clients add to them by writing to the pointer address."""
    from_: Annotated[str | None, Field(alias="from")] = None
    """The point whose generator fills it, in place of clients."""
    depth: Annotated[int, Field(ge=1, le=65535)] | None = None
    """The most registers in it, default 31; the oldest fall out. Reading more than 31 answers 3."""


class ProfileFile(FileModel):
    """A kind of device."""

    version: Literal[1] = 1
    name: Text | None = None
    description: str = ""
    extends: Text | None = None
    """The profile this one is laid over; points merge by name, null takes a key away."""
    identity: IdentityFile = IdentityFile()
    parameters: dict[str, int | float | str] = {}
    """Names for use in {…} of texts, with their defaults; a group may set its own."""
    byte_order: Order | None = None
    """The order of the bytes A (most significant) to D of a number; ABCD is big-endian."""
    swap: Swap | None = None
    """byte_order in other words: none, byte, word, word_byte."""
    address_base: Literal[0, 1, "modicon"] = 0
    """0: addresses as on the wire; 1: counted from 1; modicon: 40001 or 400001, the digit picks the table."""
    signed: bool = False
    """16-bit words and points without data_type are signed."""
    tables: dict[str, TableFile] = {}
    """Default: exactly the registers of the points."""
    points: dict[str, PointFile] = {}
    read_only: ReadOnly = "illegal_data_address"
    """The answer to a write to a point with access ro."""
    server_id: ServerIdFile | None = None
    exception_status: list[str] | int | None = None
    """Function 07: up to eight boolean points or names of bits, bit 0 first; or a number."""
    files: dict[int, FileFile] = {}
    """Functions 20 and 21, by file number 1 to 65535."""
    fifos: dict[Number, FifoFile] = {}
    """Function 24, by pointer address."""
    quirks: QuirksField | None = None
    """How the device departs from the specification: the name of a bundle, or its quirks one by one."""
    faults: dict[int | str, RuleFile] = {}
    """Rules that make the devices late, silent or wrong."""


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a profile file, with the keys of every registered generator.

    A profile that ``extends`` another may hold parts of points and generators, and ``null`` for a point.
    """
    schema = ProfileFile.model_json_schema()
    definitions = schema["$defs"]
    generator = registry.json_schema()
    definitions.update(generator.pop("$defs", {}))
    part = {"type": "object", "not": {"required": ["type"]}}
    definitions["Generator"] = {"description": "How a value moves.", "anyOf": [generator, part]}
    point = definitions["PointFile"]
    point["properties"]["generator"] = {"$ref": "#/$defs/Generator"}
    point["properties"]["data_type"]["enum"] = list(DATA_TYPES)
    required = {"required": point.pop("required")}
    schema["properties"]["points"]["additionalProperties"] = {
        "anyOf": [{"$ref": "#/$defs/PointFile"}, {"type": "null"}]
    }
    bundle = {"enum": list(BUNDLES)}
    quirks = {"anyOf": [bundle, {"$ref": "#/$defs/QuirksFile"}, {"type": "null"}]}
    schema["properties"]["quirks"] = {**schema["properties"]["quirks"], **quirks}
    rules = {"type": "array", "items": {"$ref": "#/$defs/RuleFile"}}
    said = schema["properties"]["faults"]["description"]
    schema["properties"]["faults"] = {"description": said, "anyOf": [rules, {"type": "object"}]}
    schema["if"] = {"not": {"required": ["extends"]}}
    schema["then"] = {"properties": {"points": {"additionalProperties": {"type": "object", **required}}}}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "modsim profile"}
