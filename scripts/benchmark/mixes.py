"""Scenario: other requests against FC 3 × 10, on our server with one device, 50 connections."""

from __future__ import annotations

from contextlib import ExitStack

from .bars import MIXES, Outcome, Row, Table
from .comparing import Contender, Pace, paired, ratios
from .load import Load
from .machine import cores
from .ours import start_plant
from .plants import Plant, meter
from .workshop import Workshop

PORT = 16510
BASE = "fc3x10"


def mixes(shop: Workshop, pace: Pace) -> Outcome:
    outcome = Outcome()
    names = (BASE, *MIXES)
    with ExitStack() as stack:
        server = start_plant(shop, stack, Plant("mixes", f"tcp://127.0.0.1:{PORT}", 1, meter()))
        sides = [Contender(server, (f"127.0.0.1:{PORT}",), Load(50, mix=name)) for name in names]
        runs = dict(
            zip(names, paired(shop.load(), sides, Load(50), cores()[0], pace, label="mixes"), strict=True)
        )
    table = Table(
        "Kinds of request, ours, 50 connections",
        ["request", "CPU µs/request", "against FC 3 × 10", "wrong answers"],
    )
    for name in names:
        shares = ratios(runs[name], runs[BASE])
        middle = f"{sorted(shares)[len(shares) // 2]:.2f}" if shares else "–"
        table.lines.append([name, f"{runs[name].middle('cpu_us'):.2f}", middle, runs[name].wrong or "none"])
        if name in MIXES:
            outcome.rows.append(Row(MIXES[name], shares, runs[name].wrong or runs[BASE].wrong))
    outcome.tables.append(table)
    return outcome
