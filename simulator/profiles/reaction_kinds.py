"""What can happen when a point has been written, each kind checked and ready to be carried out.

One rule: nothing here needs checking again: points are those of the profile, values fit them, formulas can be
computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from simulator.documents.durations import format_duration
from simulator.faults.words import exception_name
from simulator.generators.formulas import Formula
from simulator.points import Point

WRITTEN = ("value", "old")  # names of formulas: what was written, and what stood there


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """What happens when a point is written, ``after`` seconds later, where ``condition`` is None or not 0."""

    after: float = 0.0
    condition: Formula | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Set(Reaction):
    """Points get values: those of a file, or what formulas give."""

    values: tuple[tuple[Point, object], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse(Reaction):
    """The written value stands for ``duration`` seconds."""

    duration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp(Reaction):
    """A point moves to a number or to what a formula gives."""

    point: Point
    to: float | Formula
    duration: float
    interval: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject(Reaction):
    """A client's write is refused with an exception code unless a formula is not 0."""

    unless: Formula
    exception: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Reaction):
    """A Python function is called."""

    name: str
    function: Callable[..., Any]


def formulas_of(reaction: Reaction) -> tuple[Formula, ...]:
    """Every formula that is computed."""
    found: list[object] = [reaction.condition]
    if isinstance(reaction, Set):
        found += [value for _, value in reaction.values]
    elif isinstance(reaction, Ramp):
        found.append(reaction.to)
    elif isinstance(reaction, Reject):
        found.append(reaction.unless)
    return tuple(each for each in found if isinstance(each, Formula))


def written_by(reaction: Reaction) -> tuple[Point, ...]:
    """The points that are written by name."""
    if isinstance(reaction, Ramp):
        return (reaction.point,)
    return tuple(point for point, _ in reaction.values) if isinstance(reaction, Set) else ()


def described(reaction: Reaction) -> str:
    """What happens, in words: ``set mode to run, after 2s, if value > 5``."""
    condition = "" if reaction.condition is None else f", if {reaction.condition}"
    after = f", after {format_duration(reaction.after)}" if reaction.after else ""
    return f"{_WORDS[type(reaction)](reaction)}{after}{condition}"


_WORDS: Mapping[type[Reaction], Callable[[Any], str]] = {
    Set: lambda each: "set " + ", ".join(f"{point.name} to {value}" for point, value in each.values),
    Pulse: lambda each: f"pulse of {format_duration(each.duration)}",
    Ramp: lambda each: f"move {each.point.name} to {each.to} in {format_duration(each.duration)}",
    Reject: lambda each: f"refuse with {exception_name(each.exception)} unless {each.unless}",
    Call: lambda each: f"call {each.name}",
}


def plain(point: Point) -> Point:
    """The point as formulas see it: numbers in place of labels and names of bits, not rounded."""
    return replace(point, enum=None, bits=None, precision=None)
