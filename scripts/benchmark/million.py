"""Scenarios: a million devices on virtual IPs, at rest and ticking.

At rest each device has 100 holding and 100 input registers, all filled so that their memory is
really there, and one point that ticks.  Ticking, each has ten points at 1 Hz: the same for all
devices, of a phase of its own for each, or random for each.  Requests go to random devices.
"""

from __future__ import annotations

from contextlib import ExitStack

from .bars import MILLION_MEMORY, MILLION_RANDOM, MILLION_READY, TICKING, Bar, Outcome, Row, Table
from .comparing import Contender, Pace, Runs, paired, progress, ratios
from .load import Load, run
from .machine import cores
from .ours import start_plant
from .plants import FILL, TEN_ALIKE, TEN_PHASES, TEN_RANDOM, Plant, crowd
from .processes import StartError
from .workshop import Workshop

DEVICES = 1_000_000
PORT = 16530
SINGLE_PORT = 16531
ENDPOINT = f"tcp://127.64.0.0/12:{PORT}"
TARGET = f"127.64.0.1-127.79.66.64:{PORT}"  # the first million host addresses of it
SINGLE = f"127.0.0.1:{SINGLE_PORT}"
START_S = 120.0
RATE = 2000  # requests a second while a plant ticks
KINDS = {"all alike": TEN_ALIKE, "own phase": TEN_PHASES, "own chance": TEN_RANDOM}


def at_rest(shop: Workshop, pace: Pace) -> Outcome:
    ready, memory, random = Row(MILLION_READY), Row(MILLION_MEMORY), Row(MILLION_RANDOM)
    outcome = Outcome([ready, memory, random])
    try:
        for number in range(pace.starts):
            with ExitStack() as stack:
                one = start_plant(shop, stack, Plant("one", f"tcp://{SINGLE}", 1, crowd()))
                million = start_plant(shop, stack, Plant("million", ENDPOINT, DEVICES, crowd()), START_S)
                ready.values.append(million.ready_s)
                memory.values.append((million.rss_kb() - one.rss_kb()) * 1024 / DEVICES)
                if number == pace.starts - 1:
                    sides = [Contender(million, (TARGET,)), Contender(one, (SINGLE,))]
                    outcome.tables.append(_random_requests(shop, pace, sides, random))
    except StartError as error:
        for row in outcome.rows:
            row.complaint = str(error)
    return outcome


def _random_requests(shop: Workshop, pace: Pace, sides: list[Contender], row: Row) -> Table:
    """The same requests to random devices and to a plant of one; fills the row, returns the table."""
    table = Table(
        "Requests to random devices of a million, and to a plant of one",
        ["load", "million: CPU µs/request", "one: CPU µs/request", "ratio", "wrong answers"],
    )
    held = Load(1000, data=str(FILL), options=("-R", "-a", "0+91"))
    brief = Load(50, data=str(FILL), options=("-R", "-a", "0+91", "-k", "1", "-X"))
    for load, title in ((held, "1 000 connections held"), (brief, "50, a new connection for each request")):
        million, one = paired(shop.load(), sides, load, cores()[0], pace, label=title)
        table.lines.append(_line(title, million, one))
        if load is held:
            row.values = ratios(million, one)
            row.complaint = million.wrong or one.wrong
    return table


def _line(title: str, million: Runs, one: Runs) -> list[str]:
    shares = sorted(ratios(million, one)) or [0.0]
    middle = f"{shares[len(shares) // 2]:.2f}"
    costs = [f"{runs.middle('cpu_us'):.2f}" for runs in (million, one)]
    return [title, *costs, middle, million.wrong or one.wrong or "none"]


def ticking(shop: Workshop, pace: Pace) -> Outcome:
    table = Table(
        f"1 000 000 devices × 10 points at 1 Hz; {RATE} requests/s to 1 000 random devices",
        [
            "points",
            "idle, % of a core",
            "under load, % of a core",
            "p50 ms",
            "p99 ms",
            "worst ms",
            "wrong answers",
        ],
    )
    outcome = Outcome(tables=[table])
    for number, (title, points) in enumerate(KINDS.items()):
        bars = TICKING[2 * number : 2 * number + 2]
        outcome.rows += _tick(shop, pace, title, points, bars, table)
    return outcome


def _tick(
    shop: Workshop, pace: Pace, title: str, points: str, bars: tuple[Bar, ...], table: Table
) -> list[Row]:
    rows = [Row(bar) for bar in bars]
    plant = Plant("ticking", ENDPOINT, DEVICES, crowd(points))
    load = Load(1000, data=str(FILL), options=("-R", "-a", "0+91", "-r", str(RATE)))
    with ExitStack() as stack:
        try:
            server = start_plant(shop, stack, plant, START_S)
        except StartError as error:
            for row in rows:
                row.complaint = str(error)
            return rows
        server.core_share(2)  # let it settle
        for number in range(max(2, pace.rounds // 2)):
            progress(f"ticking, {title}: {number + 1}")
            share = server.core_share(pace.watch_s / 2) * 100
            seed = load.with_options("-S", str(number + 1))
            result = run(shop.load(), seed, (TARGET,), server.pid, cores()[1], seconds=pace.watch_s / 2)
            rows[0].values.append(share)
            rows[1].values.append(result.p99 / 1e3)
            rows[1].complaint = rows[1].complaint or result.wrong
            line = [title, f"{share:.1f}", f"{result.server_share * 100:.1f}", f"{result.p50 / 1e3:.2f}"]
            table.lines.append(
                [*line, f"{result.p99 / 1e3:.2f}", f"{result.worst / 1e3:.2f}", result.wrong or "none"]
            )
    return rows
