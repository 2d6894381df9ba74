"""Expectations compared with the journal.

The one rule: nothing is taken on trust: where the journal has forgotten what would have to be seen, the
expectation is not met, and that is why.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from simulator.expectations.matching import test_of
from simulator.expectations.wanted import Expectation, counts_of, describe
from simulator.journal import Entry, Home, Journal

SHOWN = 10  # requests in the text of an outcome
SLACK_S = 1e-6  # of rounding

Rows = Iterable[tuple[Home, int, int]]  # devices by runs of rows, half-open


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


def check(wanted: Expectation, journal: Journal, rows: Rows, since: float, now: float) -> Outcome:
    """Whether what the journal has of some devices, recorded from ``since`` to ``now``, is as expected.

    Raises ValueError for a value that its point cannot have.
    """
    if wanted.since is not None:
        since = max(since, wanted.since)
    if wanted.last is not None:
        since = max(since, now - wanted.last)
    devices = _Devices(rows)
    about = [entry for entry in journal if entry.at >= since and devices.hold(entry)]
    test = test_of(wanted)
    meant = tuple(entry for entry in about if test(entry))
    wrong = list(_wrong(wanted, meant, devices, since, now))
    first = next(iter(journal), None)
    if journal.forgotten and first is not None and first.at > since:
        wrong.append(
            f"the journal has forgotten {journal.forgotten} requests from before {first.at:.3f} s; "
            "expected a window that it still has: since, last, or a longer journal"
        )
    if not wrong:
        return Outcome(True, f"as expected: {describe(wanted)}", meant)
    lines = [f"expected: {describe(wanted)}, from {since:.3f} s to {now:.3f} s"]
    lines += [f"but: {each}" for each in wrong[:SHOWN]]
    if len(wrong) > SHOWN:
        lines.append(f"but: {len(wrong) - SHOWN} more")
    return Outcome(False, "\n".join([*lines, *_arrived(about, meant)]), meant)


class _Devices:
    """Devices by runs of rows."""

    def __init__(self, rows: Rows) -> None:
        self._runs: dict[Home, list[tuple[int, int]]] = {}
        for home, start, stop in rows:
            self._runs.setdefault(home, []).append((start, stop))
        for runs in self._runs.values():
            runs.sort()

    def hold(self, entry: Entry) -> bool:
        """True for a request to one of them."""
        runs = self._runs.get(entry.home, [])
        place = bisect_right(runs, entry.row, key=lambda run: run[0]) - 1
        return place >= 0 and entry.row < runs[place][1]

    def with_their(self, entries: Iterable[Entry]) -> Iterator[tuple[str, list[Entry]]]:
        """The name of each, and what it was asked."""
        own: dict[tuple[Home, int], list[Entry]] = {}
        for entry in entries:
            own.setdefault((entry.home, entry.row), []).append(entry)
        for home, runs in self._runs.items():
            for start, stop in runs:
                for row in range(start, stop):
                    yield home.name_of(row), own.get((home, row), [])


def _wrong(
    wanted: Expectation, meant: tuple[Entry, ...], devices: _Devices, since: float, now: float
) -> Iterator[str]:
    """Everything that is not as expected."""
    if not wanted.each:
        yield from _miscounted(wanted, meant)
    if wanted.each or wanted.every is not None:
        for name, own in devices.with_their(meant):
            if wanted.each:
                yield from (f"{name}: {each}" for each in _miscounted(wanted, own))
            if wanted.every is not None:
                yield from _gaps(name, [entry.at for entry in own], wanted.every, since, now)


def _miscounted(wanted: Expectation, meant: Iterable[Entry]) -> Iterator[str]:
    found = list(meant)
    came = f"came {_times(len(found))}"
    low = 1 if not wanted.never and not counts_of(wanted) else wanted.at_least
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
    gaps = [(a, b) for a, b in pairwise(edges) if b - a > every + SLACK_S]
    if gaps:
        a, b = max(gaps, key=lambda gap: gap[1] - gap[0])
        more = f", and {len(gaps) - 1} more such gaps" if len(gaps) > 1 else ""
        yield (
            f"{name}: nothing came from {a:.3f} s to {b:.3f} s, which is {b - a:g} s{more}; "
            f"expected every {every:g} s"
        )


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
