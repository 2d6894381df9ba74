"""What clients are expected to ask, checked against the journal.

``read_expectation`` turns a mapping, as it comes from Python, JSON or a command line, into an
``Expectation``; ``check`` compares it with what was recorded and says what came instead.  The one rule:
nothing is taken on trust: where the journal has forgotten what would have to be seen, the expectation is not
met, and that is why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from simulator.documents.durations import parse_duration
from simulator.documents.models import FileModel
from simulator.documents.ranges import Ranges, parse_ranges
from simulator.documents.wording import show, unknown
from simulator.journal import Entry, Home, Journal, Written, is_client
from simulator.profiles.addresses import TABLE_NAMES
from simulator.protocol import codes
from simulator.protocol.codes import Table
from simulator.roles import Touched

SHOWN = 10  # requests in the text of an outcome
SLACK_S = 1e-6  # of rounding

Rows = Iterable[tuple[Home, int, int]]  # devices by runs of rows, half-open


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


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether an expectation was met; ``text`` says what was expected and what came.

    ``entries`` are the requests that were meant.
    """

    met: bool
    text: str
    entries: tuple[Entry, ...] = ()

    def __bool__(self) -> bool:
        return self.met

    def __str__(self) -> str:
        return self.text


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
    if wanted.never and _counts(wanted):
        raise ValueError(f"never is given beside {_counts(wanted)[0]}, expected one of them")
    return wanted


def check(wanted: Expectation, journal: Journal, rows: Rows, since: float, now: float) -> Outcome:
    """Whether what the journal has of some devices, recorded from ``since`` to ``now``, is as expected.

    Raises ValueError for a value that its point cannot have.
    """
    if wanted.since is not None:
        since = max(since, wanted.since)
    if wanted.last is not None:
        since = max(since, now - wanted.last)
    spans = list(rows)
    about = [entry for entry in journal if entry.at >= since and any(_covers(span, entry) for span in spans)]
    test = _test(wanted)
    meant = tuple(entry for entry in about if test(entry))
    wrong = list(_wrong(wanted, meant, spans, since, now))
    first = next(iter(journal), None)
    if journal.forgotten and first is not None and first.at > since:
        wrong.append(
            f"the journal has forgotten {journal.forgotten} requests from before {first.at:.3f} s; "
            "expected a window that it still has: since, last, or a longer journal"
        )
    if not wrong:
        return Outcome(True, f"as expected: {describe(wanted)}", meant)
    lines = [f"expected: {describe(wanted)}, from {since:.3f} s to {now:.3f} s"]
    lines += [f"but: {each}" for each in wrong]
    return Outcome(False, "\n".join([*lines, *_arrived(about, meant)]), meant)


def describe(wanted: Expectation) -> str:
    """An expectation in one line."""
    told = wanted.model_dump(exclude_defaults=True, exclude={"device", "read", "write", "function"})
    who = ", ".join(wanted.device) if wanted.device else "all devices"
    parts = [f"{key} {_shown(getattr(wanted, key))}" for key in ("read", "write") if getattr(wanted, key)]
    if wanted.function is not None:
        parts.append(f"function {', '.join(map(str, sorted(wanted.function)))}")
    parts += [key if value is True else f"{key} {_shown(value)}" for key, value in told.items()]
    if not wanted.never and not _counts(wanted):
        parts.append("at_least 1")
    return f"{who}: {', '.join(parts)}"


def _counts(wanted: Expectation) -> list[str]:
    names = ("times", "at_least", "at_most", "every", "per_second")
    return [name for name in names if getattr(wanted, name) is not None]


def _shown(value: object) -> str:
    if isinstance(value, Area):
        ranges = ",".join(str(a) if a == b else f"{a}-{b}" for a, b in value.address)
        return f"{value.table.label} {ranges}"
    return "any" if value is True else str(value)


def _worded(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    places = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        legal = Area if places[0] in ("read", "write") else Expectation
        return unknown("key", places[-1], legal.model_fields)
    reason = first.get("ctx", {}).get("error")
    return f"{places[0]} is {show(first['input'])}: {reason or first['msg'].lower()}"


def _covers(span: tuple[Home, int, int], entry: Entry) -> bool:
    home, start, stop = span
    return entry.home is home and start <= entry.row < stop


def _test(wanted: Expectation) -> Callable[[Entry], bool]:
    """Which requests are meant."""

    def test(entry: Entry) -> bool:
        return (
            (wanted.unit is None or entry.unit == wanted.unit)
            and (wanted.function is None or entry.function in wanted.function)
            and (wanted.exception is None or entry.exception == wanted.exception)
            and (wanted.client is None or is_client(entry.client, wanted.client))
            and (wanted.read in (None, False) or _reads(entry, wanted.read))
            and (wanted.write in (None, False) or _writes(entry, wanted.write, wanted.value))
        )

    return test


def _places(entry: Entry, what: What) -> list[Touched]:
    """The addresses that are meant, of the device that was asked; none when it has no such point."""
    if isinstance(what, Area):
        return [Touched(what.table, first, last - first + 1) for first, last in what.address]
    point = entry.home.profile.points.get(what)
    return [] if point is None else [Touched(point.table, point.address, point.quantity)]


def _block(entry: Entry, table: Table) -> Table:
    """The table itself, or the one whose registers it shows."""
    layout = entry.home.profile.tables.get(table)
    return table if layout is None or layout.share is None else layout.share


def _meets(entry: Entry, place: Touched, table: Table, address: int, quantity: int) -> bool:
    """True when a request and a place have an address in common."""
    same = _block(entry, place.table) == _block(entry, table)
    return same and address < place.address + place.quantity and place.address < address + quantity


def _reads(entry: Entry, what: What | None) -> bool:
    reads = entry.reads
    if what is True or what is None:
        return bool(reads)
    return any(_meets(entry, place, *each) for place in _places(entry, what) for each in reads)


def _writes(entry: Entry, what: What | None, value: object) -> bool:
    wrote = entry.writes
    if wrote is None or what is True or what is None:
        return wrote is not None
    size = 1 if wrote.values is None else len(wrote.values)
    hit = any(_meets(entry, place, wrote.table, wrote.address, size) for place in _places(entry, what))
    return hit and (value is None or _is_value(entry, what, wrote, value))


def _is_value(entry: Entry, what: What, wrote: Written, value: object) -> bool:
    """True when the whole place was written, to this value."""
    if wrote.values is None:
        return False
    place = _places(entry, what)[0]
    first = place.address - wrote.address
    part = wrote.values[max(first, 0) : first + place.quantity]
    if first < 0 or len(part) < place.quantity:
        return False
    if isinstance(what, Area):
        expected = value if isinstance(value, (list, tuple)) else (value,) * place.quantity
        return tuple(part) == tuple(expected)  # type: ignore[arg-type]
    point = entry.home.profile.points[what]
    if point.table.is_bits:
        data = sum(bool(bit) << number for number, bit in enumerate(part))
        return bool(point.encode(value) == data.to_bytes((place.quantity + 7) // 8, "little"))
    data = b"".join(int(word).to_bytes(2, "big") for word in part)
    if point.bit is not None:
        return int.from_bytes(data, "big") & point.mask == int.from_bytes(point.encode(value), "big")
    return bool(point.encode(value) == data)


def _wrong(
    wanted: Expectation,
    meant: tuple[Entry, ...],
    spans: list[tuple[Home, int, int]],
    since: float,
    now: float,
) -> Iterator[str]:
    """Everything that is not as expected."""
    if wanted.each:
        for home, row in _devices(spans):
            own = [entry for entry in meant if entry.home is home and entry.row == row]
            for each in _miscounted(wanted, own):
                yield f"{home.name_of(row)}: {each}"
    else:
        yield from _miscounted(wanted, meant)
    if wanted.every is not None:
        for home, row in _devices(spans):
            times = [entry.at for entry in meant if entry.home is home and entry.row == row]
            yield from _gaps(home.name_of(row), times, wanted.every, since, now)


def _devices(spans: list[tuple[Home, int, int]]) -> Iterator[tuple[Home, int]]:
    return ((home, row) for home, start, stop in spans for row in range(start, stop))


def _miscounted(wanted: Expectation, meant: Iterable[Entry]) -> Iterator[str]:
    found = list(meant)
    came = f"came {_times(len(found))}"
    low = 1 if not wanted.never and not _counts(wanted) else wanted.at_least
    if wanted.never and found:
        yield f"{came}, expected never"
    if wanted.times is not None and len(found) != wanted.times:
        yield f"{came}, expected {_times(wanted.times)}"
    if low is not None and len(found) < low:
        yield f"{came}, expected {_times(low)} or more"
    if wanted.at_most is not None and len(found) > wanted.at_most:
        yield f"{came}, expected {_times(wanted.at_most)} at most"
    if wanted.per_second is not None:
        most, at = _busiest([entry.at for entry in found])
        if most > wanted.per_second:
            yield f"{most} came in the second from {at:.3f} s on, expected {wanted.per_second:g} at most"


def _times(count: int) -> str:
    return {0: "not once", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _busiest(times: list[float]) -> tuple[int, float]:
    """How many at most in a second, and where that second begins."""
    most, at, start = 0, 0.0, 0
    for place, time in enumerate(times):
        while time - times[start] >= 1.0 - SLACK_S:
            start += 1
        if place - start + 1 > most:
            most, at = place - start + 1, times[start]
    return most, at


def _gaps(name: str, times: list[float], every: float, since: float, now: float) -> Iterator[str]:
    """The first time, and how often, that nothing came for too long."""
    edges = [since, *times, now]
    gaps = [(a, b) for a, b in zip(edges, edges[1:], strict=False) if b - a > every + SLACK_S]
    if gaps:
        a, b = max(gaps, key=lambda gap: gap[1] - gap[0])
        more = f", and {len(gaps) - 1} more such gaps" if len(gaps) > 1 else ""
        yield f"{name}: nothing came from {a:.3f} s to {b:.3f} s, {b - a:g} s{more}; expected every {every:g} s"


def _arrived(about: list[Entry], meant: tuple[Entry, ...]) -> Iterator[str]:
    """What came, the last of it, with marks at what was meant."""
    if not about:
        yield "what came: nothing at all"
        return
    numbers = {entry.number for entry in meant}
    most = f", the last {SHOWN} of {len(about)}" if len(about) > SHOWN else ""
    yield f"what came (* is what was meant){most}:"
    for entry in about[-SHOWN:]:
        yield f"{'*' if entry.number in numbers else ' '} {entry}"
