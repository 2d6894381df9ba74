"""Scenario: ours against libmodbus, pymodbus, pyModbusTCP and uModbus, one device each.

Each load is put on every server in turn, in every round.  A peer that cannot be made or does not
start is named in the remarks; the bars that need it then fail.
"""

from __future__ import annotations

from contextlib import ExitStack

from .bars import LIBMODBUS_50, LIBMODBUS_PIPELINED, PYMODBUS, Bar, Outcome, Row, Table
from .comparing import Contender, Pace, Runs, paired, progress, ratios
from .load import Load
from .machine import cores
from .ours import OURS, start_plant
from .plants import Plant, meter
from .processes import StartError, serving
from .workshop import PEERS, UnavailableError, Workshop

FIRST_PORT = 16500
LOADS = (Load(1), Load(50), Load(1000, options=("-P", "64")), Load(50, depth=8))
HEADER = (
    "server | CPU µs/request | requests/s | p50 µs | p99 µs | memory MB | "
    "ours/its: CPU | min–max | requests/s | p50 | p99 | memory | wrong answers"
)
JUDGED = {  # bar -> (peer, title of the load)
    LIBMODBUS_50: ("libmodbus", "50 connections"),
    LIBMODBUS_PIPELINED: ("libmodbus", "50 connections, 8 in flight"),
    PYMODBUS[1]: ("pymodbus", "1 connection"),
    PYMODBUS[50]: ("pymodbus", "50 connections"),
    PYMODBUS[1000]: ("pymodbus", "1000 connections"),
}


def peers(shop: Workshop, pace: Pace) -> Outcome:
    outcome = Outcome()
    core, other = cores()
    judged: dict[str, dict[str, Runs]] = {}
    with ExitStack() as stack:
        contenders = _start(shop, stack, outcome)
        for load in LOADS:
            judged[load.title] = _measure(shop, contenders, load, core, pace)
            title = f"FC 3 × 10, {load.title}, server and load on one core"
            outcome.tables.append(_table(title, judged[load.title]))
        found = _measure(shop, contenders, Load(50), other, pace)
        outcome.tables.append(_table("FC 3 × 10, 50 connections, the load on another core", found))
    for bar, (peer, title) in JUDGED.items():
        outcome.rows.append(_row(bar, judged[title][OURS], judged[title].get(peer)))
    return outcome


def _measure(
    shop: Workshop, contenders: list[Contender], load: Load, core: int, pace: Pace
) -> dict[str, Runs]:
    runs = paired(shop.load(), contenders, load, core, pace, label=f"{load.title}, load on core {core}")
    return dict(zip((contender.name for contender in contenders), runs, strict=True))


def _start(shop: Workshop, stack: ExitStack, outcome: Outcome) -> list[Contender]:
    started = [_ours(shop, stack, FIRST_PORT)]
    for number, name in enumerate(("libmodbus", *PEERS), 1):
        port = FIRST_PORT + number
        progress(f"starting {name}")
        try:
            if name == "libmodbus":
                command = [str(shop.libmodbus()), f"127.0.0.1:{port}"]
            else:
                command = [*shop.peer(name), "127.0.0.1", str(port)]
            server = stack.enter_context(serving(name, command, cores()[0], shop.folder / "logs"))
        except (UnavailableError, StartError) as error:
            outcome.remarks.append(f"{name} was not measured: {error}")
        else:
            started.append(Contender(server, (f"127.0.0.1:{port}",)))
    return started


def _ours(shop: Workshop, stack: ExitStack, port: int) -> Contender:
    plant = Plant("single", f"tcp://127.0.0.1:{port}", 1, meter())
    return Contender(start_plant(shop, stack, plant), (f"127.0.0.1:{port}",))


def _row(bar: Bar, ours: Runs, theirs: Runs | None) -> Row:
    if theirs is None:
        return Row(bar, complaint="the peer was not measured")
    return Row(bar, ratios(ours, theirs), ours.wrong)


def _table(title: str, found: dict[str, Runs]) -> Table:
    table = Table(title, HEADER.split(" | "))
    ours = found[OURS]
    for name, runs in found.items():
        shares = ratios(ours, runs)
        line = [name, f"{runs.middle('cpu_us'):.2f}", f"{runs.middle('requests_per_second'):,.0f}"]
        line += [
            f"{runs.middle('p50'):,.0f}",
            f"{runs.middle('p99'):,.0f}",
            f"{runs.middle('rss_end') / 1024:.1f}",
        ]
        if name == OURS or not shares:
            line += ["–"] * 6
        else:
            line += [_middle(ours, runs, "cpu_us"), f"{min(shares):.2f}–{max(shares):.2f}"]
            line += [_middle(ours, runs, key) for key in ("requests_per_second", "p50", "p99", "rss_end")]
        table.lines.append([*line, runs.wrong or "none"])
    return table


def _middle(ours: Runs, theirs: Runs, name: str) -> str:
    values = sorted(ratios(ours, theirs, name))
    return f"{values[len(values) // 2]:.2f}"
