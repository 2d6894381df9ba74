"""The keys of a plant file.

The one rule: a model says which keys exist and of which kind their values are; what needs a second
key, a profile or another group to judge is judged by ``groups`` and ``loader``.  The docstrings of
attributes are the descriptions that editors show.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from simulator.config.allow import AllowField
from simulator.config.clock import ClockFile
from simulator.config.control import ControlFile
from simulator.config.endpoint import Endpoint, parse_endpoint
from simulator.config.faults import FaultFile
from simulator.config.gateway import GatewayFile
from simulator.config.names import NameTemplate
from simulator.config.placement import MAX_UNIT_ID
from simulator.config.scripts import ScriptField
from simulator.config.security import TlsFile
from simulator.config.state import StateFile
from simulator.config.timelines import Scenarios, complete_schema
from simulator.documents.durations import Duration
from simulator.documents.models import FileModel
from simulator.documents.problems import show, suggest
from simulator.documents.ranges import format_ranges, parse_ranges, repeated

MAX_DEVICES = 1 << 24  # of one group: the addresses of a /8

Units = tuple[int, ...] | None
UnknownUnit = Literal["ignore", "gateway_path_unavailable", "gateway_target_failed"]
Text = Annotated[str, Field(min_length=1)]
Positive = Annotated[int, Field(ge=1)]

_UNIT_TEXT = {"type": "string", "examples": ["any", "1-247", "1-3,5"]}
_UNIT_NUMBER = {"type": "integer", "minimum": 0, "maximum": MAX_UNIT_ID}
_UNIT_LIST = {"type": "array", "items": {"anyOf": [_UNIT_NUMBER, _UNIT_TEXT]}}


def parse_units(value: object) -> Units:
    """Unit ids in order; None for ``any``.  Raises ValueError."""
    if isinstance(value, str) and not value[:1].isdigit():
        if value == "any":
            return None
        hint = suggest(value, ["any"])
        expected = f"0 to {MAX_UNIT_ID}, a range such as 1-247, or any"
        raise ValueError(f"unit_id is {show(value)}, expected {expected}" + (f"; {hint}" if hint else ""))
    ranges = parse_ranges(value, name="unit_id", minimum=0, maximum=MAX_UNIT_ID)
    if (twice := repeated(ranges)) is not None:
        raise ValueError(f"unit_id {twice} is listed twice in {format_ranges(ranges)}, expected it once")
    return tuple(unit for first, last in ranges for unit in range(first, last + 1))


def _parse_endpoint(text: object) -> Endpoint:
    if not isinstance(text, str):
        raise ValueError(f"endpoint is {show(text)}, expected text such as tcp://127.0.0.1:5020")
    return parse_endpoint(text)


def _parse_name(text: object) -> NameTemplate:
    if not isinstance(text, str):
        raise ValueError(f"name is {show(text)}, expected text")
    return NameTemplate(text)


EndpointField = Annotated[
    Endpoint,
    PlainValidator(_parse_endpoint),
    WithJsonSchema(
        {
            "type": "string",
            "examples": [
                "tcp://127.0.0.1:20001-21000",
                "tcp://127.64.0.0/12:502",
                "udp://127.0.0.1:502",
                "rtu+tcp://127.0.0.1:502",
                "rtu:/dev/ttyUSB0?baudrate=9600&parity=N",
                "ascii:pty?link=/tmp/line",
            ],
        }
    ),
]
UnitsField = Annotated[
    Units,
    PlainValidator(parse_units),
    WithJsonSchema({"anyOf": [_UNIT_NUMBER, _UNIT_TEXT, _UNIT_LIST], "default": 1}),
]
NameField = Annotated[NameTemplate, PlainValidator(_parse_name), WithJsonSchema({"type": "string"})]


class LimitsFile(FileModel):
    """What the plant allows its clients."""

    max_connections: Positive | None = None
    """Connections in all; at the cap the listeners pause."""
    max_connections_per_device: Positive | None = None
    max_connections_per_host: Positive | None = None
    """Connections from one client address."""
    idle_timeout: Duration | None = None
    """A connection silent for this long is closed."""
    allow: AllowField | None = None
    """Networks whose clients are served; all others are closed at once."""


class GroupFile(FileModel):
    """One or many devices of a kind."""

    name: NameField
    """Of each device: {i} counts from 0, {n} from 1, as in meter-{n:04}."""
    profile: Text
    """Kind of device: a profile of the library, of a folder in profiles, or inline."""
    count: Annotated[int, Field(ge=1, le=MAX_DEVICES)] | None = None
    """How many devices; default: as many as the endpoint and the unit ids have places."""
    endpoint: EndpointField
    """SCHEME://ADDRESS:PORT, with ranges of ports, A-B or a network for addresses; rtu:DEVICE or rtu:pty."""
    unit_id: UnitsField = (1,)
    """A number, a range, a list of them, or any to answer every unit id; default 1."""
    unknown_unit: UnknownUnit | None = None
    """The answer to a unit id that nobody has; default gateway_target_failed, on serial lines ignore."""
    bind: Literal["each"] | None = None
    """each: a listener for every address instead of one for all of them."""
    tags: list[Text] = Field(default_factory=list)
    parameters: dict[str, int | float | str] = Field(default_factory=dict)
    """Values for the parameters of the profile."""
    values: dict[str, Any] = Field(default_factory=dict)
    """Initial engineering values by point name; texts may hold {i}, {n}, {name} and parameters."""
    generators: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Generators by point name, laid over those of the profile."""
    quirks: str | dict[str, Any] | None = None
    """Quirks laid over those of the profile, or the name of a bundle in place of them."""
    faults: dict[str, dict[str, Any] | None] = Field(default_factory=dict)
    """Faults of the profile by name, with what is otherwise for these devices; null takes one away."""
    allow: AllowField | None = None
    """Networks whose clients are served, in place of those of the plant."""
    gateway: GatewayFile | None = None
    """A serial line between the listener and its devices."""
    tls: TlsFile | None = None
    """Modbus/TCP Security, for endpoints tls://…; keys lie over those of the plant."""


class PlantHead(FileModel):
    """A plant file but for its devices."""

    version: Literal[1] = 1
    """Version of the format."""
    name: Text = "plant"
    seed: Annotated[int, Field(ge=0)] = 0
    """All randomness derives from it: same seed, same values."""
    scripts: list[ScriptField] = Field(default_factory=list)
    """Python files, relative to this one, or modules, with async def main(plant) or def setup(plant)."""
    clock: ClockFile = ClockFile()
    """Virtual time: how fast it runs and when it begins."""
    control: ControlFile | None = None
    """The API of the running plant."""
    signals: dict[Text, dict[str, Any]] = Field(default_factory=dict)
    """Values of the whole plant, by name: generators, whose values formulas read as signal.NAME."""
    profiles: list[Text] | dict[str, dict[str, Any]] = Field(default_factory=list)
    """Folders to search beside the shipped library, or a mapping of inline profiles."""
    plugins: list[Text] = Field(default_factory=list)
    """Python modules to import; importing registers what they bring."""
    limits: LimitsFile = LimitsFile()
    faults: list[FaultFile] = Field(default_factory=list)
    """Rules that make devices late, silent or wrong, in the order in which they act."""
    scenarios: Scenarios = Field(default_factory=dict)
    """Timelines of faults, outages, values and generators, by name."""
    tls: TlsFile | None = None
    """Modbus/TCP Security, for all endpoints tls://…"""
    state: StateFile | None = None
    """A file in which written values outlive the program."""


class PlantFile(PlantHead):
    """A plant: devices and where they are reached."""

    devices: Annotated[list[GroupFile], Field(min_length=1)]


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a plant file, with inline profiles as the profile schema says."""
    from simulator.profiles.schema import json_schema as profile_schema

    schema = PlantFile.model_json_schema()
    profile = profile_schema()
    definitions = schema.setdefault("$defs", {})
    definitions.update(profile.pop("$defs", {}))
    profile.pop("$schema", None)
    definitions["Profile"] = profile
    folders = {"type": "array", "items": {"type": "string", "minLength": 1}}
    inline = {"type": "object", "additionalProperties": {"$ref": "#/$defs/Profile"}}
    group = definitions["GroupFile"]["properties"]
    group["quirks"] = {**group["quirks"], "anyOf": profile["properties"]["quirks"]["anyOf"]}
    schema["properties"]["signals"]["additionalProperties"] = {"$ref": "#/$defs/Generator"}
    complete_schema(schema)
    before = schema["properties"]["profiles"]
    schema["properties"]["profiles"] = {**before, "anyOf": [folders, inline]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "modsim plant file"}
