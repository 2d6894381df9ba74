"""Scenarios: a thousand devices on a thousand ports; fifteen thousand listeners and connections.

Listeners and connections share the descriptors of the process.  Where the limit does not hold both,
the 15 000 connections are held on a plant with one wildcard listener, and the 15 000 listeners get
as many connections as still fit; the remarks say so.
"""

from __future__ import annotations

from contextlib import ExitStack

from .bars import CONNECTION_MEMORY, LISTENERS_READY, PORTS_READY, Outcome, Row, Table
from .comparing import Pace, progress
from .load import Load, Result, run
from .machine import cores, raise_descriptors
from .ours import measure_starts, start_plant
from .plants import FILL, ONE, Plant, crowd
from .processes import Server, StartError, serving
from .workshop import UnavailableError, Workshop

PORTS = 1000
LISTENERS = 15000
CONNECTIONS = 15000
FIRST_PORT = 17000  # 17000 + 15000 stays below the ephemeral ports, 32768 and above
WILDCARD_PORT = 16520
SPARE = 300  # descriptors a Python process with a reactor and a log may need
WILDCARD = f"127.64.0.1-127.64.58.152:{WILDCARD_PORT}"  # the first 15000 host addresses of 127.64.0.0/17


def ports(shop: Workshop, pace: Pace) -> Outcome:
    plant = Plant("ports", f"tcp://127.0.0.1:{FIRST_PORT}-{FIRST_PORT + PORTS - 1}", PORTS, crowd())
    row = Row(PORTS_READY)
    measure_starts(shop, pace.starts, plant, row)
    outcome = Outcome([row])
    table = Table(
        "1 000 devices of 100 registers on 1 000 ports, one connection each",
        ["server", "start to ready s", "memory per device B", "CPU µs/request", "wrong answers"],
    )
    outcome.tables.append(table)
    with ExitStack() as stack:
        one = Plant("one", f"tcp://127.0.0.1:{WILDCARD_PORT}", 1, crowd())
        single = start_plant(shop, stack, one)
        wrong = _ask_ports(shop, pace, start_plant(shop, stack, plant), single, str(FILL), table)
        row.complaint = row.complaint or wrong
    try:
        _pymodbus_ports(shop, pace, table)
    except (UnavailableError, StartError) as error:
        outcome.remarks.append(f"pymodbus was not measured: {error}")
    return outcome


def _pymodbus_ports(shop: Workshop, pace: Pace, table: Table) -> None:
    command, logs, core = [*shop.peer("pymodbus"), "127.0.0.1"], shop.folder / "logs", cores()[0]
    first, last = str(FIRST_PORT), str(FIRST_PORT + PORTS - 1)
    progress(f"starting pymodbus: {PORTS} devices")
    with (
        serving("pymodbus", [*command, str(WILDCARD_PORT), str(WILDCARD_PORT), "100"], core, logs) as single,
        serving("pymodbus-ports", [*command, first, last, "100"], core, logs) as many,
    ):
        _ask_ports(shop, pace, many, single, "address", table)


def _ask_ports(shop: Workshop, pace: Pace, many: Server, single: Server, data: str, table: Table) -> str:
    """Ask each of a thousand devices over a connection of its own; adds a line, returns what was wrong."""
    memory = (many.rss_kb() - single.rss_kb()) * 1024 / PORTS
    load = Load(PORTS, data=data, options=("-a", "0+91"))
    result = run(shop.load(), load, _ports(PORTS), many.pid, cores()[0], seconds=pace.seconds, warmup=1)
    figures = [f"{many.ready_s:.2f}", f"{memory:,.0f}", f"{result.cpu_us:.2f}"]
    table.lines.append([many.name, *figures, result.wrong or "none"])
    return result.wrong


def listeners(shop: Workshop, pace: Pace) -> Outcome:
    outcome = Outcome()
    limit = raise_descriptors()
    plant = Plant(
        "listeners",
        f"tcp://127.0.0.1:{FIRST_PORT}-{FIRST_PORT + LISTENERS - 1}",
        LISTENERS,
        crowd(ONE, 20, 20),
    )
    ready = Row(LISTENERS_READY)
    measure_starts(shop, pace.starts, plant, ready)
    outcome.rows.append(ready)
    table = Table(
        "15 000 listeners, and 15 000 connections polled once a second each",
        ["plant", "connections", "KB per connection", "CPU µs/request", "p50 ms", "p99 ms", "wrong answers"],
    )
    outcome.tables.append(table)
    fit = min(CONNECTIONS, limit - LISTENERS - SPARE)
    memory = _hold(shop, pace, plant, _ports(LISTENERS), fit, f"{LISTENERS} listeners", table)
    if fit < CONNECTIONS:
        outcome.remarks.append(
            f"{LISTENERS} listeners and {CONNECTIONS} connections need more than the {limit} descriptors a "
            f"process may have here: the listeners were polled over {fit} connections, and the {CONNECTIONS} "
            "connections were held on virtual IPs behind one wildcard listener, where the memory per "
            "connection is judged."
        )
        wild = Plant("wildcard", f"tcp://127.64.0.0/17:{WILDCARD_PORT}", CONNECTIONS, crowd(ONE, 20, 20))
        on_listeners = memory
        memory = _hold(shop, pace, wild, (WILDCARD,), CONNECTIONS, "one wildcard listener", table)
        memory.complaint = memory.complaint or on_listeners.complaint
    outcome.rows.append(memory)
    return outcome


def _hold(
    shop: Workshop,
    pace: Pace,
    plant: Plant,
    targets: tuple[str, ...],
    connections: int,
    title: str,
    table: Table,
) -> Row:
    """Hold so many connections, poll each about once a second, and see what the process has grown by."""
    row = Row(CONNECTION_MEMORY)
    for _ in range(max(1, pace.rounds // 3)):
        with ExitStack() as stack:
            try:
                server = start_plant(shop, stack, plant)
            except StartError as error:
                row.complaint = str(error)
                return row
            progress(f"{connections} connections on {title}")
            result = _poll(shop, pace, server, targets, connections)
        kb = (result.rss_end - result.rss_before) / max(1, result.held)
        row.values.append(kb)
        row.complaint = row.complaint or _short(result, connections)
        line = [title, str(result.held), f"{kb:.2f}", f"{result.cpu_us:.2f}", f"{result.p50 / 1e3:.2f}"]
        table.lines.append([*line, f"{result.p99 / 1e3:.2f}", _short(result, connections) or "none"])
    return row


def _poll(shop: Workshop, pace: Pace, server: Server, targets: tuple[str, ...], connections: int) -> Result:
    options = ("-P", "256", "-X", "-r", str(connections), "-a", "1+10", "-x", "60")
    load = Load(connections, data=str(FILL), options=options)
    seconds = max(2.0, pace.watch_s / 4)
    return run(shop.load(), load, targets, server.pid, cores()[1], seconds=seconds, warmup=1.2)


def _short(result: Result, connections: int) -> str:
    if result.held < connections or result.open_at_end < connections:
        return f"{result.held} of {connections} held, {result.open_at_end} at the end; {result.wrong}"
    return result.wrong


def _ports(count: int) -> tuple[str, ...]:
    return (f"127.0.0.1:{FIRST_PORT}-{FIRST_PORT + count - 1}",)
