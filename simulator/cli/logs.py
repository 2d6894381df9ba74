"""Observers of the log: a line of text for people, a JSON object a line for programs.

Both write through ``streams.Stream``, which never raises and never blocks; once lines go through
again the next one says how many were lost.  Everything logs through ``twisted.logger``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogBeginner
from zope.interface import implementer

from simulator.cli.streams import STDERR, LogFile, Stream

LEVELS = {
    "debug": LogLevel.debug,
    "info": LogLevel.info,
    "warning": LogLevel.warn,
    "error": LogLevel.error,
}
NAMES = {level: name for name, level in LEVELS.items()} | {LogLevel.critical: "critical"}
SEVERITY = {level: number for number, level in enumerate(NAMES)}
PLAIN = (str, int, float, bool, type(None))


def begin(stream: Stream, *, level: str, layout: str) -> None:
    """Send the program's log to ``stream``.  ``layout`` is ``auto``, ``text`` or ``json``."""
    if layout == "auto":
        layout = "text" if stream.is_terminal() else "json"
    observer = Observer(stream, LEVELS[level], as_text if layout == "text" else as_json)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)


def begin_as(arguments: argparse.Namespace) -> Stream:
    """Begin as ``--log-file``, ``--log-level`` and ``--log-format`` say; raises OSError for the file."""
    stream = LogFile(arguments.log_file) if arguments.log_file else STDERR
    begin(stream, level=arguments.log_level, layout=arguments.log_format)
    return stream


@implementer(ILogObserver)
class Observer:
    """Formats what is at least ``level`` and writes it to ``stream``."""

    def __init__(self, stream: Stream, level: Any, layout: Callable[[LogEvent], str]) -> None:
        self._stream = stream
        self._least = SEVERITY[level]
        self._layout = layout

    def __call__(self, event: LogEvent) -> None:
        if self._severity(event) < self._least:
            return
        lost = self._stream.lost
        if self._stream.write(self._layout(event)) and lost:
            self._stream.lost = 0
            self._stream.write(self._layout(_note(event, f"{lost} earlier log lines could not be written")))

    def _severity(self, event: LogEvent) -> int:
        """Number of the event's level; what Twisted tells about itself in passing counts as debug."""
        level = event.get("log_level", LogLevel.info)
        if level is LogLevel.info and str(event.get("log_namespace", "")).startswith(
            ("twisted.", "log_legacy")
        ):
            return SEVERITY[LogLevel.debug]
        return SEVERITY.get(level, self._least)


def as_text(event: LogEvent) -> str:
    """``2026-01-01 06:00:00 info     server: text`` and a traceback when there is one."""
    when = datetime.fromtimestamp(event["log_time"]).strftime("%Y-%m-%d %H:%M:%S")
    name = NAMES.get(event.get("log_level", LogLevel.info), "info")
    text = f"{when} {name:<8} {_source(event)}: {formatEvent(event)}\n"
    return text + _traceback(event)


def as_json(event: LogEvent) -> str:
    """One object: time, level, source, message, the event's own plain fields, traceback."""
    line: dict[str, Any] = {
        "time": datetime.fromtimestamp(event["log_time"], UTC).isoformat(timespec="milliseconds"),
        "level": NAMES.get(event.get("log_level", LogLevel.info), "info"),
        "source": _source(event),
        "message": formatEvent(event),
    }
    for key, value in event.items():
        if not key.startswith("log_") and key not in line and isinstance(value, PLAIN):
            line[key] = value
    if traceback := _traceback(event):
        line["traceback"] = traceback
    return json.dumps(line, ensure_ascii=False) + "\n"


def _source(event: LogEvent) -> str:
    return str(event.get("log_namespace", "twisted")).removeprefix("simulator.")


def _traceback(event: LogEvent) -> str:
    failure = event.get("log_failure")
    return str(failure.getTraceback()) if failure is not None else ""


def _note(event: LogEvent, text: str) -> LogEvent:
    return {
        "log_time": event["log_time"],
        "log_level": LogLevel.warn,
        "log_namespace": "log",
        "log_format": "{text}",
        "text": text,
    }
