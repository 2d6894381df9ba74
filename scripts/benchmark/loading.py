"""Scenario: ``modsim load`` against a server that does the least a core must do for a request.

The generator has one core and the server another, so what is measured is the generator; how often it said
itself that it was the limit stands in the table.  A wrong answer or an error is a complaint.
"""

from __future__ import annotations

import json
import subprocess
from statistics import median
from typing import Any

from .bars import GENERATOR, Outcome, Row, Table
from .comparing import Pace, progress
from .load import LoadError
from .machine import cores
from .processes import ENVIRONMENT, pin, serving
from .workshop import Workshop

PORT = 16561
CLIENTS = 50
DEPTHS = (1, 8)
PATIENCE_S = 60


def loading(shop: Workshop, pace: Pace) -> Outcome:
    outcome = Outcome()
    theirs, ours = cores()
    table = Table(
        f"The load generator on one core, FC 3 × 10, {CLIENTS} clients, the server on another",
        ["in flight of each", "answers/s", "CPU µs/request", "says it was the limit"],
    )
    command = [str(shop.floor()), f"127.0.0.1:{PORT}"]
    with serving("floor server", command, theirs, shop.folder / "logs"):
        for depth in DEPTHS:
            found = []
            for number in range(pace.rounds):
                progress(f"load, {depth} in flight: round {number + 1} of {pace.rounds}")
                found.append(_load(shop, depth, ours, pace.seconds))
            row = Row(GENERATOR[depth], [1e6 / each["answers_per_second"] for each in found])
            row.complaint = _complaint(found)
            outcome.rows.append(row)
            table.lines.append([str(depth), *_middle(found)])
    outcome.tables.append(table)
    return outcome


def _load(shop: Workshop, depth: int, core: int, seconds: float) -> dict[str, Any]:
    words = ["load", f"tcp://127.0.0.1:{PORT}", "--clients", str(CLIENTS), "--depth", str(depth)]
    done = subprocess.run(
        [*shop.modsim(), *words, "--duration", f"{seconds:g}s", "--json"],
        capture_output=True,
        text=True,
        timeout=seconds + PATIENCE_S,
        check=False,
        env=ENVIRONMENT,
        preexec_fn=pin(core),
    )
    if done.returncode:
        raise LoadError(f"modsim load ended with {done.returncode}: {done.stderr.strip()}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _complaint(found: list[dict[str, Any]]) -> str:
    failed = sum(each["failed"] for each in found)
    return f"{failed} requests failed" if failed else ""


def _middle(found: list[dict[str, Any]]) -> list[str]:
    cpu_us = [each["generator"]["cpu"] / each["answers_per_second"] * 1e6 for each in found]
    admitted = sum(each["generator"]["was_the_limit"] for each in found)
    return [
        f"{median(each['answers_per_second'] for each in found):,.0f}",
        f"{median(cpu_us):.1f}",
        f"{admitted} of {len(found)} rounds",
    ]
