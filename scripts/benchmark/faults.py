"""Scenario: what others notice of faults: a thousand rules that do not fit, a thousand devices that are late.

Rules are compared with a plant without any, under the same load in turn.  For the late devices two loads
run at once, both by the clock: one on the devices that are late, or not, and one on others of the same plant,
whose latency is judged.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack

from .bars import FAULTS, Outcome, Row, Table
from .comparing import Contender, Pace, paired, progress, ratios
from .load import Load, Result, run
from .machine import cores
from .ours import start_plant
from .plants import FILL, Plant, crowd
from .processes import Server, StartError
from .workshop import Workshop

PORT = 16540
RULES = 1000
UNITS = 200  # behind the listener under load; the first is asked
LATE = 1000
FIRST_LATE = 18000
OTHERS = 50
OTHERS_RATE, LATE_RATE = 2000, 800  # requests a second


def faults(shop: Workshop, pace: Pace) -> Outcome:
    outcome = Outcome()
    for measure in (_rules, _late):
        try:
            measure(shop, pace, outcome)
        except StartError as error:
            outcome.rows.append(Row(FAULTS[len(outcome.rows)], complaint=str(error)))
    return outcome


def _rules(shop: Workshop, pace: Pace, outcome: Outcome) -> None:
    kinds = {
        "no rules": "",
        "about other units": _listed(f"{{unit_id: {2 + n % (UNITS - 1)}}}" for n in range(RULES)),
        "one about the device, never fitting": _listed(["{unit_id: 1, address: 99}"]),
        "about other functions of the device": _listed(["{unit_id: 1, function: [5, 6]}"] * RULES),
    }
    sides = []
    with ExitStack() as stack:
        for number, rules in enumerate(kinds.values()):
            server = start_plant(shop, stack, _plant(f"rules-{number}", PORT + number, rules))
            load = Load(50, data=str(FILL), options=("-a", "0+80"))
            sides.append(Contender(server, (f"127.0.0.1:{PORT + number}",), load))
        runs = paired(shop.load(), sides, Load(50), cores()[0], pace, label="rules")
    table = Table(
        "Rules that do not fit, FC 3 × 10, 50 connections, one listener with 200 units",
        ["rules", "CPU µs/request", "against none", "wrong answers"],
    )
    for name, mine in zip(kinds, runs, strict=True):
        shares = sorted(ratios(mine, runs[0])) or [0.0]
        cost = f"{mine.middle('cpu_us'):.2f}"
        table.lines.append([name, cost, f"{shares[len(shares) // 2]:.2f}", mine.wrong or "none"])
    outcome.tables.append(table)
    outcome.rows.append(Row(FAULTS[0], ratios(runs[1], runs[0]), runs[1].wrong or runs[0].wrong))


def _listed(whens: object) -> str:
    rules = "".join(
        f"  - {{name: r{n}, when: {when}, then: {{drop: true}}}}\n"
        for n, when in enumerate(whens)  # type: ignore[arg-type]  # it is iterable
    )
    return f"faults:\n{rules}"


def _plant(name: str, port: int, rules: str) -> Plant:
    others = (
        f"  - {{name: 'other-{{n}}', profile: bench, endpoint: 'tcp://127.0.0.1:{port}', "
        f"unit_id: 2-{UNITS}}}\n"
    )
    return Plant(name, f"tcp://127.0.0.1:{port}", 1, crowd(), others + rules)


def _late(shop: Workshop, pace: Pace, outcome: Outcome) -> None:
    rule = "faults:\n  - {name: late, when: {group: 'late-{n}'}, then: {delay: 500ms}}\n"
    row = Row(FAULTS[1])
    table = Table(
        f"{LATE_RATE} requests/s to 1 000 devices, {OTHERS_RATE} requests/s to {OTHERS} others",
        ["the 1 000", "others: p50 ms", "others: p99 ms", "the 1 000: p50 ms", "wrong answers"],
    )
    with ExitStack() as stack:
        plants = [
            (title, port, start_plant(shop, stack, _crowded(f"late-{port}", port, extra)))
            for title, port, extra in (("on time", FIRST_LATE, ""), ("500 ms late", FIRST_LATE + 1500, rule))
        ]
        for number in range(pace.rounds):
            progress(f"late: round {number + 1} of {pace.rounds}")
            found = []
            for title, port, server in plants:
                others, late = _both(shop, server, port, max(2.0, pace.seconds))
                found.append(others)
                row.complaint = row.complaint or others.wrong or late.wrong
                figures = [f"{value / 1e3:.2f}" for value in (others.p50, others.p99, late.p50)]
                table.lines.append([title, *figures, others.wrong or late.wrong or "none"])
            row.values.append(found[1].p99 / found[0].p99)
    outcome.tables.append(table)
    outcome.rows.append(row)


def _crowded(name: str, port: int, rules: str) -> Plant:
    late = (
        f"  - {{name: 'late-{{n}}', profile: bench, endpoint: 'tcp://127.0.0.1:{port}-{port + LATE - 1}'}}\n"
    )
    first = port + LATE
    return Plant(name, f"tcp://127.0.0.1:{first}-{first + OTHERS - 1}", OTHERS, crowd(), late + rules)


def _both(shop: Workshop, server: Server, port: int, seconds: float) -> tuple[Result, Result]:
    """Load both at once: what the others and what the thousand found."""
    found: dict[str, Result] = {}
    first = port + LATE

    def load(name: str, connections: int, rate: int, target: str) -> None:
        options = ("-a", "0+80", "-r", str(rate))
        chosen = Load(connections, data=str(FILL), options=options)
        found[name] = run(shop.load(), chosen, (target,), server.pid, cores()[1], seconds=seconds, warmup=1.0)

    late = f"127.0.0.1:{port}-{port + LATE - 1}"
    beside = threading.Thread(target=load, args=("late", LATE, LATE_RATE, late))
    beside.start()
    load("others", OTHERS, OTHERS_RATE, f"127.0.0.1:{first}-{first + OTHERS - 1}")
    beside.join()
    return found["others"], found["late"]
