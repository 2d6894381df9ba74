"""The table of operations on a running plant: names, routes and parameters.

HTTP routes, the OpenAPI document, ``modsim ctl`` and the methods of ``simulator.remote`` derive from it.  The
one rule: the standard library only, and nothing of a plant, so that a client costs nothing to import.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "texts", "integer", "number", "truth", "value", "values", "mapping"]
Where = Literal["path", "query", "body"]
PREFIX = "/api/v1"
MOST_VALUES = 10_000  # of one call
MOST_SECONDS = 1e9


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of an operation.

    ``is_word`` is whether it stands without an option on a command line; ``low`` and ``high`` bound numbers.
    """

    name: str
    kind: Kind
    help: str
    where: Where = "body"
    required: bool = False
    default: object = None
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    is_word: bool = False


@dataclass(frozen=True, slots=True)
class Verb:
    """One operation.  ``path`` stands behind ``/api/v1``."""

    name: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    summary: str
    parameters: tuple[Parameter, ...] = ()

    @property
    def method_name(self) -> str:
        """Its name in Python."""
        return self.name.replace("-", "_")


def _named(what: str) -> Parameter:
    return Parameter("name", "text", f"name of the {what}", "path", required=True, is_word=True)


_DEVICE = Parameter("device", "text", "name of the device", "path", required=True, is_word=True)
_DEVICES = Parameter("device", "texts", "name or pattern of names, or several", required=True, is_word=True)
_POINT = Parameter("point", "texts", "name or pattern of points, or several; default: all", is_word=True)
_TABLE = Parameter(
    "table",
    "text",
    "table",
    "path",
    required=True,
    choices=("coil", "discrete_input", "input_register", "holding_register"),
    is_word=True,
)
_ADDRESS = Parameter(
    "address", "integer", "first address, from 0", "query", required=True, low=0, high=65535, is_word=True
)
_HOLD = Parameter(
    "hold",
    "number",
    "seconds of virtual time for which generators leave the value alone; default: as for a client's write",
    low=0,
    high=MOST_SECONDS,
)


def _filter(name: str, help_text: str) -> Parameter:
    return Parameter(name, "text", help_text, "query")


TABLE = (
    Verb("status", "GET", "/plant", "how the plant is doing, in numbers"),
    Verb(
        "devices",
        "GET",
        "/devices",
        "list and search devices, a page at a time",
        (
            Parameter("name", "text", "text in the name, or a pattern with * ? [a-c]", "query", is_word=True),
            _filter("tag", "a tag they have"),
            _filter("profile", "pattern of the profile's name"),
            _filter("endpoint", "tcp://127.0.0.1:5020, or a pattern of endpoints as the plant file has them"),
            Parameter("offset", "integer", "how many to leave out", "query", default=0, low=0, high=1 << 40),
            Parameter("limit", "integer", "how many at most", "query", default=100, low=1, high=500),
        ),
    ),
    Verb("show", "GET", "/devices/{device}", "one device: points, identity, counters", (_DEVICE,)),
    Verb(
        "read",
        "POST",
        "/points/read",
        "read points of one device or of many",
        (
            _DEVICES,
            _POINT,
            Parameter("limit", "integer", "values at most", default=MOST_VALUES, low=1, high=MOST_VALUES),
        ),
    ),
    Verb(
        "write",
        "POST",
        "/points/write",
        "write points of one device or of many, all or none",
        (
            _DEVICES,
            Parameter("values", "mapping", "value by name of the point", required=True, is_word=True),
            _HOLD,
        ),
    ),
    Verb(
        "hold",
        "POST",
        "/points/hold",
        "let generators leave points as they are",
        (
            _DEVICES,
            _POINT,
            Parameter(
                "seconds",
                "number",
                "of virtual time; default: until released",
                low=0,
                high=MOST_SECONDS,
            ),
        ),
    ),
    Verb("release", "POST", "/points/release", "let generators move points again", (_DEVICES, _POINT)),
    Verb(
        "read-table",
        "GET",
        "/devices/{device}/tables/{table}",
        "registers or bits as they stand on the wire",
        (
            _DEVICE,
            _TABLE,
            _ADDRESS,
            Parameter(
                "quantity", "integer", "how many", "query", default=1, low=1, high=10_000, is_word=True
            ),
        ),
    ),
    Verb(
        "write-table",
        "PUT",
        "/devices/{device}/tables/{table}",
        "store registers or bits, whatever the points there take",
        (
            _DEVICE,
            _TABLE,
            Parameter(
                "address", "integer", "first address, from 0", required=True, low=0, high=65535, is_word=True
            ),
            Parameter(
                "values", "values", "registers 0 to 65535, or bits 0 and 1", required=True, is_word=True
            ),
        ),
    ),
    Verb("time", "GET", "/time", "virtual time: where it is and how fast it runs"),
    Verb("pause", "POST", "/time/pause", "let virtual time stand still"),
    Verb("resume", "POST", "/time/resume", "let virtual time run again"),
    Verb(
        "step",
        "POST",
        "/time/step",
        "pause, and go some ticks on",
        (Parameter("ticks", "integer", "how many", default=1, low=1, high=1_000_000, is_word=True),),
    ),
    Verb(
        "advance",
        "POST",
        "/time/advance",
        "go forward in virtual time as fast as it can be done, leaving nothing out",
        (
            Parameter(
                "seconds", "number", "virtual seconds", required=True, low=0, high=MOST_SECONDS, is_word=True
            ),
        ),
    ),
    Verb(
        "scale",
        "PUT",
        "/time/scale",
        "set how fast virtual time runs",
        (
            Parameter(
                "scale",
                "number",
                "virtual seconds a second",
                required=True,
                low=0.001,
                high=100_000,
                is_word=True,
            ),
        ),
    ),
    Verb(
        "offline",
        "POST",
        "/outages/begin",
        "take devices off the network",
        (
            _DEVICES,
            Parameter(
                "how",
                "text",
                "close: connections are refused; drop: nobody answers",
                default="close",
                choices=("close", "drop"),
            ),
        ),
    ),
    Verb("online", "POST", "/outages/end", "bring devices back", (_DEVICES,)),
    Verb("faults", "GET", "/faults", "the rules of the plant: on or off, what they have done"),
    Verb("enable-fault", "POST", "/faults/{name}/enable", "switch a fault on", (_named("fault"),)),
    Verb("disable-fault", "POST", "/faults/{name}/disable", "switch a fault off", (_named("fault"),)),
    Verb(
        "add-fault",
        "POST",
        "/faults",
        "add a fault, written as in a plant file",
        (Parameter("fault", "mapping", "name, when, then and enabled", required=True, is_word=True),),
    ),
    Verb("remove-fault", "DELETE", "/faults/{name}", "take a fault away", (_named("fault"),)),
    Verb("clear-faults", "POST", "/clear-faults", "be as the plant file says: its faults only"),
    Verb("scenarios", "GET", "/scenarios", "the timelines of the plant, and where they are"),
    Verb("start-scenario", "POST", "/scenarios/{name}/start", "start a scenario", (_named("scenario"),)),
    Verb(
        "stop-scenario",
        "POST",
        "/scenarios/{name}/stop",
        "end a scenario and take back what it changed",
        (_named("scenario"),),
    ),
    Verb("signals", "GET", "/signals", "the signals of the plant and their values"),
    Verb(
        "hold-signal",
        "PUT",
        "/signals/{name}",
        "let a signal be a value until it is released",
        (
            _named("signal"),
            Parameter("value", "number", "the value", required=True, low=-1e300, high=1e300, is_word=True),
        ),
    ),
    Verb("release-signal", "POST", "/signals/{name}/release", "let a signal move again", (_named("signal"),)),
    Verb(
        "record",
        "POST",
        "/journal/record",
        "keep a journal of the requests to devices from now on",
        (Parameter("device", "texts", "name or pattern, or several; default: all devices", is_word=True),),
    ),
    Verb("stop-recording", "POST", "/journal/stop", "end what record began; the journal stays"),
    Verb(
        "journal",
        "GET",
        "/journal",
        "the last requests of recorded devices",
        (
            Parameter("device", "text", "pattern of the device's name", "query", is_word=True),
            _filter("client", "pattern of the client's address, with or without port"),
            Parameter("unit", "integer", "unit id", "query", low=0, high=255),
            Parameter("function", "integer", "function code", "query", low=0, high=255),
            Parameter("since", "number", "from this virtual second on", "query", low=0, high=MOST_SECONDS),
            Parameter("last", "integer", "the newest so many", "query", default=100, low=1, high=10_000),
        ),
    ),
    Verb(
        "verify",
        "POST",
        "/journal/verify",
        "whether clients asked what is expected",
        (
            Parameter(
                "expectation",
                "mapping",
                "device, read or write, every, times, …",
                required=True,
                is_word=True,
            ),
        ),
    ),
    Verb("reset-counters", "POST", "/counters/reset", "count requests and connections from 0 again"),
    Verb("stop", "POST", "/stop", "end the program: open requests are answered first"),
)
VERBS = {verb.name: verb for verb in TABLE}
