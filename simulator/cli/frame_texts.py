"""Frames in words as ``decode`` and ``frames`` print them: a block for people, an object for programs."""

from __future__ import annotations

from typing import Any

from simulator.cli.columns import aligned
from simulator.explanation.adus import hex_of
from simulator.explanation.guessing import Explanation, Noise
from simulator.explanation.pdus import summary

SHOWN = 8  # bytes of a field in a line


def block(told: Explanation, heading: str) -> str:
    """Heading, a line for each field, and what is wrong."""
    rows = [
        (f"  {_hex(told, index)}", field.name, field.text, field.clause)
        for index, field in enumerate(told.fields)
    ]
    return f"{heading}\n{aligned(rows)}{problems(told)}"


def line(told: Explanation) -> str:
    """What a frame says, in one line."""
    says = summary(told.message) if told.message is not None else ""
    place = "" if told.adu.unit is None else f"unit id {told.adu.unit}, "
    order = "" if told.adu.transaction is None else f"transaction {told.adu.transaction}, "
    wrong = f"! {'; '.join(told.problems)}" if told.problems else ""
    return f"{told.title}: {order}{place}{says}{' ' if says and wrong else ''}{wrong}"


def problems(told: Explanation) -> str:
    """A line for each problem."""
    return "".join(f"  ! {problem}\n" for problem in told.problems)


def title(told: Explanation) -> str:
    """``read coils request, mbap, 12 bytes``."""
    return f"{told.title}, {told.adu.framing}, {count(len(told.adu.raw), 'byte')}"


def noise_text(noise: Noise) -> str:
    """A line for bytes that are no frame."""
    shown = noise.raw[:32].hex(" ").upper() + (" …" if len(noise.raw) > 32 else "")
    return f"{count(len(noise.raw), 'byte')} at {noise.start} belong to no frame: {shown}\n"


def as_data(told: Explanation) -> dict[str, Any]:
    """An explanation as JSON has it; ``start`` counts bytes from the beginning of the frame."""
    return {
        "framing": told.adu.framing,
        "direction": told.direction,
        "title": told.title,
        "clause": told.clause,
        "transaction_id": told.adu.transaction,
        "unit_id": told.adu.unit,
        "function": told.adu.pdu[0] if told.adu.pdu else None,
        "start": told.adu.start,
        "raw": told.adu.raw.hex(),
        "fields": [
            {
                "start": field.start,
                "raw": field.raw.hex(),
                "name": field.name,
                "value": field.value,
                "text": field.text,
                "clause": field.clause,
                "problem": field.problem,
            }
            for field in told.fields
        ],
        "problems": list(told.problems),
    }


def noise_data(noise: Noise) -> dict[str, Any]:
    """Bytes that are no frame, as JSON has them."""
    return {"framing": None, "start": noise.start, "raw": noise.raw.hex()}


def count(number: int, noun: str) -> str:
    """``1 byte``, ``2 bytes``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _hex(told: Explanation, index: int) -> str:
    field = told.fields[index]
    text = hex_of(told.adu, field)
    return text if len(field.raw) <= SHOWN else " ".join(text.split(" ")[:SHOWN]) + " …"
