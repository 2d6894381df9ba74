"""What clients are expected to ask: an ``Expectation``, from a mapping.

The mapping comes from Python, JSON or a command line alike.  The one rule: what makes no sense is refused
with the key that is wrong, before anything is compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from simulator.documents.durations import parse_duration
from simulator.documents.models import FileModel
from simulator.documents.ranges import Ranges, parse_ranges
from simulator.documents.wording import show, unknown
from simulator.profiles.addresses import TABLE_NAMES
from simulator.protocol import codes
from simulator.protocol.codes import Table


def _seconds(value: object) -> float:
    """Seconds as a number, or as files have them."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not 0 <= value < float("inf"):
            raise ValueError(f"seconds are {value}, expected 0 or more")
        return float(value)
    return parse_duration(value)


def _texts(value: object) -> object:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


def _functions(value: object) -> object:
    return frozenset(
        (value,) if isinstance(value, int) else value if isinstance(value, (list, tuple)) else ()
    )


def _ranges(value: object) -> Ranges:
    return parse_ranges(value, name="address", maximum=codes.ADDRESSES - 1)


def _table(value: object) -> Table:
    if not isinstance(value, str) or value not in TABLE_NAMES:
        raise ValueError(unknown("table", value, [table.label for table in Table]))
    return TABLE_NAMES[value]


Seconds = Annotated[float, BeforeValidator(_seconds)]
Count = Annotated[int, Field(ge=0)]


class Area(FileModel):
    """Addresses of a table."""

    table: Annotated[Table, BeforeValidator(_table)] = Table.HOLDING_REGISTER
    address: Annotated[Ranges, BeforeValidator(_ranges)]


What = bool | str | Area


class Expectation(FileModel):
    """Which requests are meant, and how many of them are expected when."""

    device: Annotated[tuple[str, ...], BeforeValidator(_texts)] | None = None
    """Names or patterns of names; all devices by default."""
    client: str | None = None
    """A pattern of the address of clients, with or without the port."""
    unit: Annotated[int, Field(ge=0, le=255)] | None = None
    """The unit id that was asked."""
    function: Annotated[frozenset[int], BeforeValidator(_functions)] | None = None
    """One function code or a list of them."""
    read: What | None = None
    """Reads of a point, of addresses (table, address), or true for any."""
    write: What | None = None
    """Writes to a point, to addresses, or true for any."""
    value: Any = None
    """The value that was written, as the point has it; for addresses a number or a list."""
    exception: Annotated[int, Field(ge=0, le=255)] | None = None
    """The exception code they were refused with, 0 for carried out."""
    times: Count | None = None
    """So often, no more and no less."""
    at_least: Count | None = None
    """So often or more; 1 when nothing else is expected."""
    at_most: Count | None = None
    """So often or less."""
    never: bool = False
    """Not once."""
    every: Seconds | None = None
    """Each device so often that never more than these seconds pass."""
    per_second: Annotated[float, Field(gt=0)] | None = None
    """In no second more than so many."""
    each: bool = False
    """Count for each device, not for all together."""
    since: Seconds | None = None
    """From this virtual second on; by default since the recording began."""
    last: Seconds | None = None
    """In the last so many virtual seconds."""

    @property
    def read_point(self) -> str | None:
        """The name of the point read."""
        return self.read if isinstance(self.read, str) else None

    @property
    def write_point(self) -> str | None:
        """The name of the point written."""
        return self.write if isinstance(self.write, str) else None


def read_expectation(what: Mapping[str, Any]) -> Expectation:
    """An expectation from a mapping.  Raises ValueError with the key that is wrong and what was expected."""
    try:
        wanted = Expectation.model_validate(dict(what))
    except ValidationError as error:
        raise ValueError(_worded(error)) from None
    if wanted.read not in (None, False) and wanted.write not in (None, False):
        raise ValueError("both read and write are given, expected one of them")
    if wanted.value is not None and wanted.write in (None, False, True):
        raise ValueError("value is given, expected a point or addresses in write with it")
    if wanted.since is not None and wanted.last is not None:
        raise ValueError("both since and last are given, expected one of them")
    if wanted.never and counts_of(wanted):
        raise ValueError(f"never is given beside {counts_of(wanted)[0]}, expected one of them")
    return wanted


def describe(wanted: Expectation) -> str:
    """An expectation in one line."""
    told = wanted.model_dump(exclude_defaults=True, exclude={"device", "read", "write", "function"})
    who = ", ".join(wanted.device) if wanted.device else "all devices"
    parts = [f"{key} {_shown(getattr(wanted, key))}" for key in ("read", "write") if getattr(wanted, key)]
    if wanted.function is not None:
        parts.append(f"function {', '.join(map(str, sorted(wanted.function)))}")
    parts += [_with_unit(key, value) for key, value in told.items()]
    if not wanted.never and not counts_of(wanted):
        parts.append("at_least 1")
    return f"{who}: {', '.join(parts)}"


def counts_of(wanted: Expectation) -> list[str]:
    """The names of what is expected of the number of requests."""
    names = ("times", "at_least", "at_most", "every", "per_second")
    return [name for name in names if getattr(wanted, name) is not None]


def _with_unit(key: str, value: object) -> str:
    if key in _SECONDS:
        return f"{key} {value:g} s"
    return key if value is True else f"{key} {value}"


def _shown(value: object) -> str:
    if isinstance(value, Area):
        ranges = ",".join(str(a) if a == b else f"{a}-{b}" for a, b in value.address)
        return f"{value.table.label} {ranges}"
    return "any" if value is True else str(value)


_SECONDS = ("every", "since", "last")


def _worded(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    places = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        legal = Area if places[0] in ("read", "write") else Expectation
        return unknown("key", places[-1], legal.model_fields)
    reason = first.get("ctx", {}).get("error")
    return f"{places[0]} is {show(first['input'])}: {reason or first['msg'].lower()}"
