"""What clients asked: the journal, expectations over it, counters; and the end of the program.

The one rule: looking through a long journal never holds the reactor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

from simulator.control import results
from simulator.control.context import Control
from simulator.control.refusals import Conflict, Unfit
from simulator.journal import Entry, is_client

SHORT = 1000  # entries that are looked through at once
_LONGEST = 64  # recordings that may be under way
_DONE: results.Done = {"done": True}


def record(control: Control, device: list[str] | None = None) -> results.Concerned:
    """Keep a journal of devices from now on, all of them by default."""
    if len(control.recordings) >= _LONGEST:
        raise Conflict(f"{_LONGEST} recordings are under way, expected fewer: stop-recording ends them")
    recorder = control.plant.recorder
    chosen = recorder.everything if device is None else control.select(device)
    control.recordings.append(recorder.record(chosen))
    return {"devices": chosen.count}


def stop_recording(control: Control) -> results.Done:
    """End what ``record`` began."""
    recordings, control.recordings = control.recordings, []
    for recording in recordings:
        recording.stop()
    return _DONE


def journal(
    control: Control,
    device: str | None = None,
    client: str | None = None,
    unit: int | None = None,
    function: int | None = None,
    since: float | None = None,
    last: int = 100,
) -> Deferred[results.JournalPage]:
    """The newest requests that fit everything that is given, the oldest first."""
    kept = control.plant.recorder.journal

    def fits(entry: Entry) -> bool:
        return (
            (since is None or entry.at >= since)
            and (unit is None or entry.unit == unit)
            and (function is None or entry.function == function)
            and (client is None or is_client(entry.client, client))
            and (device is None or fnmatchcase(entry.device, device))
        )

    found: deque[Entry] = deque(maxlen=last)
    done = control.slices.do(_looking(iter(kept), fits, found))

    def answer(_: object) -> results.JournalPage:
        return {
            "entries": [_entry(each) for each in found],
            "kept": len(kept),
            "forgotten": kept.forgotten,
        }

    return done.addCallback(answer)


def verify(control: Control, expectation: Mapping[str, Any]) -> Deferred[results.Verdict]:
    """Whether an expectation is met by what the journal has."""
    recorder, reactor = control.plant.recorder, control.plant.reactor

    def refused(failure: Failure) -> results.Verdict:
        failure.trap(ValueError)
        raise Unfit(failure.getErrorMessage())

    def answer(outcome: Any) -> results.Verdict:
        return {"met": outcome.met, "text": outcome.text}

    checked: Deferred[Any]
    if len(recorder.journal) <= SHORT or not hasattr(reactor, "getThreadPool"):
        checked = maybeDeferred(recorder.verify, expectation)
    else:
        checked = deferToThreadPool(reactor, reactor.getThreadPool(), recorder.verify, expectation)
    return checked.addCallbacks(answer, refused)


def reset_counters(control: Control) -> results.Done:
    """Count requests and connections from now on; the diagnostics of devices, which clients read, go on."""
    control.count_anew()
    return _DONE


def stop(control: Control) -> Deferred[results.Done]:
    """End the program, when this has been answered."""
    if control.stop is None:
        raise Conflict("the plant runs inside another program, expected one started by modsim to stop it")
    control.plant.reactor.callLater(0.1, control.stop)
    return succeed(_DONE)


def _looking(entries: Iterator[Entry], fits: Callable[[Entry], bool], found: deque[Entry]) -> Iterator[None]:
    for number, entry in enumerate(entries):
        if fits(entry):
            found.append(entry)
        if number % 64 == 63:
            yield


def _entry(entry: Entry) -> results.JournalEntry:
    return {
        "number": entry.number,
        "at": entry.at,
        "time": entry.time,
        "device": entry.device,
        "client": entry.client,
        "unit": entry.unit,
        "transaction": entry.transaction,
        "function": entry.function,
        "address": entry.address,
        "quantity": entry.quantity,
        "exception": entry.exception,
        "pdu": entry.pdu.hex(),
        "text": str(entry),
    }
