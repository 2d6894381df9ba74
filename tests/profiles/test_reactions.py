"""``on_write`` of a profile: every mistake is told with its place before anything starts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.profiles.loader import ProfileLibrary
from simulator.profiles.reaction_kinds import (
    Call,
    Pulse,
    Ramp,
    Reject,
    Set,
    described,
    formulas_of,
    written_by,
)

Complaints = Callable[..., list[str]]

POINTS = """
points:
  start: {table: coil, address: 0, data_type: bool, on_write: [%s]}
  mode: {table: hr, address: 0, data_type: uint16, enum: {0: stop, 1: run}, on_write: [%s]}
  speed: {table: hr, address: 1, data_type: int16, scale: 0.1, max: 100}
  steps: {table: hr, address: 2, data_type: int16, count: 3}
  text: {table: hr, address: 6, data_type: string, length: 4}
  level: {table: ir, address: 0, data_type: float32, on_write: [%s]}
parameters: {rated: 5, label: east}
"""


def text(start: str = "", mode: str = "", level: str = "") -> str:
    return POINTS % (start, mode, level)


def test_every_kind_is_read() -> None:
    entries = (
        "{set: {mode: run, speed: 'value * rated', text: abc}, after: 2s, if: value}, {pulse: 500ms}, "
        "{ramp: {point: speed, to: 50, duration: 10s, interval: 100ms}}, "
        "{reject: {unless: 'mode == 1', exception: server_device_busy}}, {call: 'math:floor', after: 1m}"
    )
    profile = ProfileLibrary(inline={"p": _data(text(entries))}).get("p")
    first, pulse, ramp, reject, call = profile.reactions["start"]
    assert isinstance(first, Set)
    assert [(point.name, str(value)) for point, value in first.values] == [
        ("mode", "run"), ("speed", "value * rated"), ("text", "abc"),
    ]  # fmt: skip
    assert (first.after, str(first.condition)) == (2.0, "value")
    assert [str(formula) for formula in formulas_of(first)] == ["value", "value * rated"]
    assert isinstance(pulse, Pulse)
    assert pulse.duration == 0.5
    assert isinstance(ramp, Ramp)
    assert (ramp.to, ramp.duration, ramp.interval) == (50, 10.0, 0.1)
    assert [point.name for point in written_by(ramp)] == ["speed"]
    assert isinstance(reject, Reject)
    assert reject.exception == 6
    assert isinstance(call, Call)
    assert call.after == 60.0


def _data(yaml: str) -> dict[str, object]:
    from simulator.documents.yaml import read_text

    data = read_text(yaml, file="p.yaml").data
    assert isinstance(data, dict)
    return data


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("5", "points.start.on_write.0: entry is 5, expected a mapping"),
        (
            "{}",
            "points.start.on_write.0: entry says nothing to do, expected one of set, pulse, ramp, reject or",
        ),
        ("{pulse: 1s, call: 'a:b'}", "points.start.on_write.0: entry has pulse and call, expected one of"),
        (
            "{puls: 1s}",
            "unknown key 'puls', expected set, pulse, ramp, reject, call, after or if; did you mean",
        ),
        ("{pulse: 500}", "points.start.on_write.0.pulse: duration is the bare number 500"),
        ("{pulse: 0s}", "points.start.on_write.0.pulse: duration is 0s, expected more"),
        (
            "{pulse: 1s, after: 1s}",
            "points.start.on_write.0: after is given with pulse, expected it with set",
        ),
        (
            "{reject: {unless: '1'}, if: '1'}",
            "on_write.0: if is given with reject, expected the condition in",
        ),
        ("{set: {mod: run}}", "points.start.on_write.0.set.mod: unknown point 'mod', expected start, mode"),
        ("{set: {mode: rum}}", "set.mode: unknown label 'rum', expected stop or run; did you mean 'run'?"),
        (
            "{set: {speed: 'valu + 1'}}",
            "set.speed: speed is 'valu + 1', column 1: unknown name 'valu', expected value, old",
        ),
        ("{set: {speed: 'valu + 1'}}", "did you mean 'value'?"),
        (
            "{set: {speed: 'text'}}",
            "set.speed: speed is 'text', column 1: point text is of string, expected a point that",
        ),
        ("{set: {speed: 101}}", "set.speed: value is out of range, got 101, expected at most 100"),
        ("{set: {speed: '__import__'}}", "speed is '__import__', column 1: name holds two underscores"),
        ("{set: {speed: 'speed.real'}}", "speed is 'speed.real', column 1: attribute access is not allowed"),
        ("{set: {steps: [1, 2]}}", "set.steps: array has a wrong length, got 2 values, expected 3"),
        ("{set: {steps: value}}", "set.steps: value is 'value', expected a value of int16: steps"),
        ("{set: {text: 5}}", "points.start.on_write.0.set.text: "),
        (
            "{if: 'vale', set: {mode: run}}",
            "points.start.on_write.0.if: if is 'vale', column 1: unknown name 'vale'",
        ),
        ("{ramp: {point: sped, to: 1, duration: 1s}}", "ramp.point: unknown point 'sped', expected"),
        (
            "{ramp: {point: text, to: 1, duration: 1s}}",
            "ramp.point: point is text, of string, expected a point",
        ),
        (
            "{ramp: {to: 1, duration: 1s}}",
            "ramp.to: point is start, of bool, expected a point that is a number",
        ),
        ("{ramp: {point: speed, to: 1}}", "ramp.duration: duration is missing"),
        (
            "{ramp: {point: speed, to: 'a b', duration: 1s}}",
            "points.start.on_write.0.ramp.to: to is 'a b', column 3: ",
        ),
        (
            "{reject: {unless: 'x == 1'}}",
            "reject.unless: unless is 'x == 1', column 1: unknown name 'x', expected",
        ),
        ("{reject: {unless: '1', exception: busy}}", "reject.exception: unknown exception 'busy', expected"),
        (
            "{call: floor}",
            "on_write.0.call: function is 'floor', expected module:function or file.py:function",
        ),
        ("{call: 'math:flor'}", "on_write.0.call: unknown function 'flor', expected"),
        (
            "{call: 'no_such_module:f'}",
            "call: module 'no_such_module' cannot be imported (ModuleNotFoundError",
        ),
        ("{call: 'missing.py:f'}", "points.start.on_write.0.call: module '"),
    ],
)
def test_a_mistake_is_told_with_its_place(complaints: Complaints, entry: str, words: str) -> None:
    told = complaints(text(entry))
    assert told[0].startswith("p.yaml:3:"), told
    assert any(words in line for line in told), told


def test_what_is_no_number_has_no_value_in_formulas(complaints: Complaints) -> None:
    (told,) = complaints(
        "points: {text: {table: hr, address: 6, data_type: string, length: 4, "
        "on_write: [{set: {n: 'value + 1'}}]}, n: {table: hr, address: 0}}"
    )
    assert told.endswith(
        "on_write.0.set.n: n is 'value + 1', value is no number: text is of string, "
        "expected a formula without it"
    )


def test_points_that_set_each_other_without_end_are_told_with_the_way(complaints: Complaints) -> None:
    (told,) = complaints(text("{set: {mode: run}}", "{pulse: 1s}, {set: {level: 1}}", "{set: {start: true}}"))
    assert told.startswith("p.yaml:3:")
    assert told.endswith(
        "points.start.on_write.0: points set each other without end, got start -> mode -> level -> start, "
        "expected after at one of them"
    )


def test_time_between_ends_a_loop(complaints: Complaints) -> None:
    library = ProfileLibrary(
        inline={
            "slow": _data(text("{set: {mode: run}}", "{set: {start: true}, after: 1ms}")),
            "self": _data(text("{set: {start: false}}")),  # no point reacts to itself
        }
    )
    assert len(library.get("slow").reactions) == 2
    assert len(library.get("self").reactions) == 1


def test_two_loops_are_told_apart(complaints: Complaints) -> None:
    told = complaints(text("{set: {mode: 1, level: 1}}", "{set: {start: 1}}", "{set: {start: 0}}"))
    assert [line.split("got ")[1].split(",")[0] for line in told] == [
        "start -> level -> start",
        "start -> mode -> start",
    ]


def test_a_write_that_no_client_can_make_is_not_refused(complaints: Complaints) -> None:
    (told,) = complaints(text(level="{reject: {unless: '1'}}"))
    assert "points.level.on_write.0.reject: reject is given for a point that clients cannot write" in told


def test_signals_and_parameters_that_formulas_read_are_known_to_the_plant() -> None:
    library = ProfileLibrary(inline={"p": _data(text("{set: {speed: 'signal.wind * rated'}}"))})
    profile = library.get("p")
    assert profile.signals["wind"].path == "profiles.p.points.start.on_write.0.set.speed"
    assert "rated" in profile.numbers


def test_a_reaction_is_described_in_words() -> None:
    entries = (
        "{set: {mode: run, speed: 'value * rated'}, after: 2s, if: value}, {pulse: 500ms}, "
        "{ramp: {point: speed, to: 50, duration: 90s}}, {call: 'math:floor'}, "
        "{reject: {unless: 'mode == 1', exception: 0x42}}"
    )
    profile = ProfileLibrary(inline={"p": _data(text(entries))}).get("p")
    assert [described(each) for each in profile.reactions["start"]] == [
        "set mode to run, speed to value * rated, after 2s, if value",
        "pulse of 500ms",
        "move speed to 50 in 90s",
        "call math:floor",
        "refuse with 66 unless mode == 1",
    ]
