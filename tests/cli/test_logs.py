"""Log lines: text for people, JSON for programs, and what happens when they cannot be written."""

from __future__ import annotations

import json
import os

import pytest
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from simulator.cli.logs import LEVELS, Observer, as_json, as_text
from simulator.cli.streams import Stream

MOMENT = 1767247200.25  # 2026-01-01T06:00:00.250Z


def event(level=LogLevel.info, **fields):
    return {
        "log_time": MOMENT,
        "log_level": level,
        "log_namespace": "simulator.server.factory",
        "log_format": "{client} connected",
        "client": "127.0.0.1:40000",
        **fields,
    }


def test_text_has_time_level_source_and_message():
    date, time, level, rest = as_text(event()).split(maxsplit=3)
    assert (len(date), len(time), level) == (10, 8, "info")
    assert rest == "server.factory: 127.0.0.1:40000 connected\n"


def test_json_has_the_same_and_the_fields_of_the_event():
    assert json.loads(as_json(event(level=LogLevel.warn, unit=3, thing=object()))) == {
        "time": "2026-01-01T06:00:00.250+00:00",
        "level": "warning",
        "source": "server.factory",
        "message": "127.0.0.1:40000 connected",
        "client": "127.0.0.1:40000",
        "unit": 3,
    }


def test_json_stays_one_line_whatever_the_message():
    line = as_json(event(client="a\nb\x00"))
    assert line.count("\n") == 1
    assert json.loads(line)["client"] == "a\nb\x00"


@pytest.mark.parametrize("layout", [as_text, as_json])
def test_a_failure_brings_its_traceback(layout):
    try:
        raise ValueError("broken point")
    except ValueError:
        failure = Failure()
    line = layout(event(level=LogLevel.critical, log_failure=failure))
    assert "critical" in line
    assert "ValueError: broken point" in line


@pytest.mark.parametrize(
    ("least", "written"),
    [("debug", "diwec"), ("info", "iwec"), ("warning", "wec"), ("error", "ec")],
)
def test_the_level_decides_what_is_written(least, written):
    reader, writer = os.pipe()
    observer = Observer(Stream(writer), LEVELS[least], lambda event: event["log_level"].name[0])
    log = Logger("test", observer=observer)
    for level in LogLevel.iterconstants():
        log.emit(level, "text")
    os.close(writer)
    with open(reader) as file:
        assert sorted(file.read()) == sorted(written)


def test_lost_lines_are_told_of_as_soon_as_lines_go_through_again():
    reader, writer = os.pipe()
    stream = Stream(writer)
    stream.lost = 3
    Observer(stream, LogLevel.info, as_text)(event())
    os.close(writer)
    with open(reader) as file:
        first, second = file.readlines()
    assert first.endswith("connected\n")
    assert second.endswith("log: 3 earlier log lines could not be written\n")
