"""Scenario: UDP, RTU over TCP and TLS against TCP, on our server with one device.

The load generator speaks neither TLS nor to a plant that checks certificates; TLS, and the TCP it is
compared with, is one client in Python that asks again when it is answered.
"""

from __future__ import annotations

from contextlib import ExitStack

from .bars import TRANSPORTS, Outcome, Row, Table
from .comparing import Contender, Pace, Runs, paired, ratios
from .load import Load
from .machine import cores
from .ours import start_plant
from .plants import Plant, meter
from .secured import secured
from .workshop import UnavailableError, Workshop

PORT = 16520
BASE = "tcp"
CONNECTIONS = 50
OPTIONS = {  # scheme of the endpoint -> what the load generator needs to be told; in the order of the table
    BASE: (),
    "udp": ("-U",),
    "rtu+tcp": ("-F",),
    "rtu+udp": ("-U", "-F"),
}


def transports(shop: Workshop, pace: Pace) -> Outcome:
    outcome = Outcome()
    runs = _measure(shop, pace)
    outcome.tables.append(_table(runs))
    for scheme in ("udp", "rtu+tcp"):
        wrong = runs[scheme].wrong or runs[BASE].wrong
        outcome.rows.append(Row(TRANSPORTS[scheme], ratios(runs[scheme], runs[BASE]), wrong))
    try:
        row, table = secured(shop, pace, PORT + len(OPTIONS))
    except UnavailableError as error:
        outcome.rows.append(Row(TRANSPORTS["tls"], complaint=str(error)))
    else:
        outcome.rows.append(row)
        outcome.tables.append(table)
    return outcome


def _measure(shop: Workshop, pace: Pace) -> dict[str, Runs]:
    with ExitStack() as stack:
        sides = []
        for number, (scheme, options) in enumerate(OPTIONS.items()):
            plant = Plant(scheme, f"{scheme}://127.0.0.1:{PORT + number}", 1, meter())
            server = start_plant(shop, stack, plant)
            load = Load(CONNECTIONS, options=options)
            sides.append(Contender(server, (f"127.0.0.1:{PORT + number}",), load))
        found = paired(shop.load(), sides, Load(CONNECTIONS), cores()[0], pace, label="transports")
    return dict(zip(OPTIONS, found, strict=True))


def _table(runs: dict[str, Runs]) -> Table:
    table = Table(
        f"Transports and framings, ours, FC 3 × 10, {CONNECTIONS} connections",
        ["endpoint", "CPU µs/request", "against TCP", "min–max", "requests/s", "p99 µs", "wrong answers"],
    )
    for scheme, mine in runs.items():
        shares = sorted(ratios(mine, runs[BASE]))
        middle = f"{shares[len(shares) // 2]:.2f}" if shares else "–"
        spread = f"{shares[0]:.2f}–{shares[-1]:.2f}" if shares else "–"
        line = [f"{scheme}://", f"{mine.middle('cpu_us'):.2f}", middle, spread]
        line += [f"{mine.middle('requests_per_second'):,.0f}", f"{mine.middle('p99'):,.0f}"]
        table.lines.append([*line, mine.wrong or "none"])
    return table
