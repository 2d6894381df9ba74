"""The shapes of the answers of operations, as JSON has them.

Plain dictionaries at run time: what is checked here is checked by the type checker and described by the
OpenAPI document.  The one rule: an answer holds nothing that JSON cannot hold.
"""

from __future__ import annotations

import math
from typing import Any

from typing_extensions import TypedDict  # pydantic reads these, before Python 3.12 only from here


class TimeState(TypedDict):
    """Virtual time."""

    seconds: float
    moment: str
    scale: float
    paused: bool
    tick: float
    lost_s: float


class PlantStatus(TypedDict):
    """How the plant is doing."""

    name: str
    devices: int
    offline: int
    listeners: int
    endpoints: list[str]
    connections: int
    accepted: int
    refused: int
    requests: int
    faults_enabled: list[str]
    scenarios_running: list[str]
    recorded: int
    time: TimeState


class DeviceRow(TypedDict):
    """A device in a list."""

    name: str
    profile: str
    tags: list[str]
    endpoint: str
    unit_id: int | None
    online: bool
    requests: int


class DevicePage(TypedDict):
    """Some of the devices found; ``total`` is how many there are."""

    total: int
    offset: int
    devices: list[DeviceRow]


class PointState(TypedDict):
    """A point of one device; ``raw`` are registers, or bits as 0 and 1."""

    name: str
    value: Any
    unit: str
    table: str
    address: int
    reference: str
    raw: list[int]
    data_type: str
    access: str
    held: bool
    generator: str | None
    description: str


class DeviceState(TypedDict):
    """One device.  ``counters`` are those of its diagnostics, since the device was last cleared."""

    device: DeviceRow
    points: list[PointState]
    identity: dict[str, str]
    counters: dict[str, int]
    recorded: bool


class DeviceValues(TypedDict):
    """Values of one device by point."""

    device: str
    values: dict[str, Any]


class Values(TypedDict):
    """Values that were read; ``left_out`` is how many more there are."""

    devices: list[DeviceValues]
    count: int
    left_out: int


class Touched(TypedDict):
    """How many devices an operation was about, by point."""

    devices: dict[str, int]


class Concerned(TypedDict):
    """How many devices an operation was about."""

    devices: int


class Words(TypedDict):
    """Registers, or bits as 0 and 1."""

    device: str
    table: str
    address: int
    values: list[int]


class FaultState(TypedDict):
    """A rule; ``matched`` and ``applied`` count the requests it was about, and done to."""

    name: str
    enabled: bool
    matched: int
    applied: int


class Faults(TypedDict):
    """The rules in the order in which they act."""

    faults: list[FaultState]


class ScenarioState(TypedDict):
    """A timeline; times are virtual seconds."""

    name: str
    running: bool
    round: int
    step: int
    steps: int
    failed: int
    next_at: float | None


class Scenarios(TypedDict):
    """The timelines."""

    scenarios: list[ScenarioState]


class SignalState(TypedDict):
    """A signal."""

    name: str
    value: Any
    held: bool


class Signals(TypedDict):
    """The signals."""

    signals: list[SignalState]


class JournalEntry(TypedDict):
    """A request; ``exception`` is 0 when it was carried out."""

    number: int
    at: float
    time: float
    device: str
    client: str
    unit: int
    transaction: int
    function: int
    address: int | None
    quantity: int | None
    exception: int
    pdu: str
    text: str


class JournalPage(TypedDict):
    """The newest of the requests that fit, the oldest first; ``forgotten`` had to make room."""

    entries: list[JournalEntry]
    kept: int
    forgotten: int


class Verdict(TypedDict):
    """Whether an expectation was met, and what came."""

    met: bool
    text: str


class Done(TypedDict):
    """It is done."""

    done: bool


def plain(value: Any) -> Any:
    """A value that JSON can hold: numbers that are none become texts, bytes hexadecimal digits."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value
