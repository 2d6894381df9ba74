"""Keeping the journal of a plant: which rows are recorded, and what is expected of what they were asked.

A recorded row has a flag that compiled code leaves it to Python for, and its device a tap before its
functions, which writes every request down with its outcome.  The one rule: rows that nobody records pay
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import time as wall_clock
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.config.selection import Selectable, Selection, select, without
from simulator.device import RECORDED
from simulator.documents.wording import unknown
from simulator.expectations.checking import Outcome, check
from simulator.expectations.wanted import Expectation, read_expectation
from simulator.functions.table import refusal
from simulator.journal import Journal
from simulator.origins import SERVING
from simulator.protocol.codes import EXCEPTION_BIT

if TYPE_CHECKING:
    from simulator.config.plant import Group
    from simulator.device import Device, Function
    from simulator.fleet import Fleet

CLIENTS = 256  # whose names are remembered


class Recording:
    """Devices being recorded, until ``stop``; ``since`` is the virtual second of the beginning."""

    def __init__(self, selection: Selection, since: float, ended: Callable[[Recording], None]) -> None:
        self.selection = selection
        self.since = since
        self._ended: Callable[[Recording], None] | None = ended

    def stop(self) -> None:
        """Record no more, unless another recording does; doing it twice does nothing."""
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(self)

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Recorder:
    """The journal of a plant.

    ``homes`` has the fleet and the first row of each group, ``seconds`` tells virtual time.  ``journal`` is
    there from the beginning, and empty until something is recorded; ``everything`` selects all devices.
    """

    def __init__(
        self, groups: Sequence[Group], homes: Mapping[int, tuple[Fleet, int]], seconds: Callable[[], float]
    ) -> None:
        self.journal = Journal()
        self._groups = groups
        self.everything = Selection({group.index: ((0, group.count),) for group in groups}, groups)
        self._homes = homes
        self._seconds = seconds
        self._recordings: list[Recording] = []
        self._taps: dict[Fleet, Tap] = {}

    def record(self, what: Selectable | None = None) -> Recording:
        """Record devices from now on, all of them by default.

        Raises ValueError for a selection that fits nothing.
        """
        recording = Recording(self._selected(what), self._seconds(), self._stopped)
        self._recordings.append(recording)
        self._flag(recording.selection, True)
        return recording

    def verify(self, what: Mapping[str, Any]) -> Outcome:
        """Whether an expectation is met by what the journal has; raises ValueError as ``question`` does."""
        return self.question(what)()

    def question(self, what: Mapping[str, Any]) -> Callable[[], Outcome]:
        """The same in two steps: what is returned can be called in any thread, and takes as long as it takes.

        ``what`` is written as ``docs/reference/testing.md`` has it.  Raises ValueError for one that makes no
        sense, and for devices that are not recorded.
        """
        wanted = read_expectation(what)
        chosen = self._selected(None if wanted.device is None else {"devices": list(wanted.device)})
        since = self._since(chosen)
        self._known(chosen, wanted)
        return partial(check, wanted, self.journal.copy(), self._rows(chosen), since, self._seconds())

    def clear(self) -> None:
        """Forget what was recorded; recordings go on, as if they began now."""
        self.journal.clear()
        for recording in self._recordings:
            recording.since = self._seconds()

    def _selected(self, what: Selectable | None) -> Selection:
        return self.everything if what is None else select(what, self._groups)

    def _since(self, chosen: Selection) -> float:
        """From when on all these devices have been recorded without a break."""
        latest = 0.0
        for group, runs in chosen.spans.items():
            left = runs
            for recording in sorted(self._recordings, key=lambda each: each.since):
                before, left = left, without(left, recording.selection.spans.get(group, ()))
                if left != before:
                    latest = max(latest, recording.since)
            if left:
                name = self._groups[group].device_name(left[0][0])
                raise ValueError(f"{name} is not recorded, expected recorded devices: record() them first")
        return latest

    def _known(self, chosen: Selection, wanted: Expectation) -> None:
        """Raises ValueError for a point that none of the devices has."""
        for name in filter(None, (wanted.read_point, wanted.write_point)):
            profiles = [self._groups[group].profile for group in chosen.spans]
            if not any(name in profile.points for profile in profiles):
                raise ValueError(unknown("point", name, profiles[0].points))

    def _rows(self, chosen: Selection) -> list[tuple[Fleet, int, int]]:
        found = []
        for group, start, stop in chosen:
            fleet, first = self._homes[group]
            found.append((fleet, first + start, first + stop))
        return found

    def _flag(self, selection: Selection, wanted: bool) -> None:
        for fleet, start, stop in self._rows(selection):
            kind = fleet.kind
            if kind.recorded is None:
                kind.recorded = self._taps.setdefault(fleet, Tap(fleet, self.journal, self._seconds))
            aside = np.frombuffer(kind.aside, np.uint8)[start:stop]
            if wanted:
                aside |= np.uint8(RECORDED)
            else:
                aside &= np.uint8(~RECORDED & 0xFF)
            for device in fleet.held_devices(start, stop):
                device.refresh()

    def _stopped(self, recording: Recording) -> None:
        self._recordings.remove(recording)
        self._flag(recording.selection, False)
        for other in self._recordings:
            if not other.selection.spans.keys().isdisjoint(recording.selection.spans):
                self._flag(other.selection, True)


class Tap:
    """What stands before the functions of the recorded devices of a fleet."""

    def __init__(self, fleet: Fleet, journal: Journal, seconds: Callable[[], float]) -> None:
        self._fleet = fleet
        self._add = journal.add
        self._seconds = seconds
        self._last: Any = self  # who has asked last, and the name
        self._last_name = ""
        self._tapped: dict[int, tuple[Sequence[Function], Sequence[Function]]] = {}  # by identity
        self._names: dict[int, tuple[Any, str]] = {}  # of clients, by identity

    def __call__(self, functions: Sequence[Function]) -> Sequence[Function]:
        """The same functions, with their requests written down."""
        found = self._tapped.get(id(functions))
        if found is None:
            found = self._tapped[id(functions)] = functions, self._behind(functions)
        return found[1]

    def _behind(self, functions: Sequence[Function]) -> Sequence[Function]:
        note = self.note

        def carry_out(device: Device, pdu: bytes) -> bytes:
            try:
                reply = functions[pdu[0]](device, pdu)
            except Exception as reason:
                note(device, pdu, refusal(pdu, reason)[1])
                raise
            note(device, pdu, reply[1] if len(reply) > 1 and reply[0] & EXCEPTION_BIT else 0)
            return reply

        return (carry_out,) * 256

    def note(self, device: Device, pdu: bytes, exception: int) -> None:
        """Write a request down."""
        exchange: Any = SERVING.exchange
        if exchange is None:
            client, unit, transaction = "", 0, 0
        else:
            asker, unit, transaction = exchange.client, exchange.unit, exchange.transaction
            client = self._last_name if asker is self._last else self._client(exchange)
        self._add(
            (
                self._seconds(),
                wall_clock(),
                self._fleet,
                device.row,
                client,
                unit,
                transaction,
                pdu,
                exception,
            )
        )

    def _client(self, exchange: Any) -> str:
        """Who asks; that of a connection never changes."""
        client = exchange.client
        found = self._names.get(id(client))
        if found is None or found[0] is not client:
            if len(self._names) >= CLIENTS:
                self._names.clear()
            found = self._names[id(client)] = client, exchange.origin().name
        self._last, self._last_name = found
        return found[1]
