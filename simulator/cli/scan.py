"""``modsim scan URL``: which unit ids answer, and which addresses they have."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from simulator.cli import asking, exits

if TYPE_CHECKING:
    from simulator.cli.scanning import Found

DESCRIPTION = f"""\
Find out what is there: unit ids that answer, and for each the address ranges of coils, discrete inputs,
input registers and holding registers that can be read. One address in every --step is asked for, and
from each that is there the range around it is felt out, then every address near it; lone ranges that
are shorter than the step may be missed, with --step 1 none is. Only reads are sent, never more than
--max-requests; what they did not suffice for is said.

{asking.URLS}"""

EPILOG = f"""\
examples:
  modsim scan tcp://127.0.0.1:15021
  modsim scan tcp://127.0.0.1:15021 --unit 1               # every table of one
  modsim scan rtu:/dev/ttyUSB0 --unit 1-32 --timeout 200ms --units-only
  modsim scan tcp://10.0.0.7 --unit 1 --addresses 0-999,40000-40999 --table holding_register --json

{asking.EXIT_CODES}"""

UNITS = "1-247"  # V1.02 §2.2
ADDRESSES = "0-9999"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to look, how hard."""
    asking.add_connection(parser, timeout="500ms", unit=False)
    what = parser.add_argument_group("what to look for")
    what.add_argument("--unit", "-u", metavar="RANGES", help=f"unit ids to try (default: {UNITS})")
    what.add_argument("--units-only", action="store_true", help="do not look for addresses")
    what.add_argument(
        "--addresses", default=ADDRESSES, metavar="RANGES", help=f"where to look (default: {ADDRESSES})"
    )
    what.add_argument(
        "--table",
        choices=("coil", "discrete_input", "input_register", "holding_register"),
        action="append",
        metavar="TABLE",
        help="only this table; may be given several times",
    )
    what.add_argument(
        "--step", type=int, default=10, metavar="N", help="ask for one in so many addresses (default: 10)"
    )
    what.add_argument("--max-requests", type=int, default=20000, metavar="N", help="default: 20000")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(arguments: argparse.Namespace) -> int:
    """Look, print."""
    return asking.told("scan", lambda: _scan(arguments))


def _scan(arguments: argparse.Namespace) -> int:
    from simulator.cli import scanning
    from simulator.documents.ranges import parse_ranges
    from simulator.protocol.codes import Table

    pairs = parse_ranges(arguments.unit or UNITS, name="unit id", maximum=0xFF)
    spans = scanning.merged(
        (first, last + 1) for first, last in parse_ranges(arguments.addresses, name="address", maximum=0xFFFF)
    )
    if arguments.step < 1:
        raise ValueError(f"step is {arguments.step}, expected 1 or more")
    tables = [each for each in Table if not arguments.table or each.label in arguments.table]
    bar = Progress()
    budget = scanning.Budget(arguments.max_requests, bar)
    found: list[tuple[int, list[Found]]] = []
    with asking.client_of(arguments) as client:
        try:
            answering, left = scanning.units(
                client, (unit for first, last in pairs for unit in range(first, last + 1)), budget
            )
            for unit in answering:
                wanted = [] if arguments.units_only else tables
                looked = [
                    scanning.table(client, unit, each, spans, budget, arguments.step) for each in wanted
                ]
                found.append((unit, looked))
        finally:
            bar.close()
    data = _as_data(arguments.url, found, left, budget.sent)
    print(json.dumps(data, indent=2) + "\n" if arguments.json else _text(found, left, budget.sent), end="")
    if not found:
        print("modsim scan: no unit id answers", file=sys.stderr)
    return exits.OK if found else exits.RUNTIME


def _text(found: list[tuple[int, list[Found]]], left: list[int], sent: int) -> str:
    lines = []
    for unit, tables in found:
        lines.append(f"unit id {unit}")
        for each in tables:
            name = asking.name_of(each.table.label) + "s"
            listed = _listed(each.ranges) or each.reason or "none"
            lines.append(f"  {name:<19}{listed}")
            if each.unknown:
                lines.append(f"  {'':<19}not looked at: {_listed(each.unknown)} ({each.reason})")
    if left:
        lines.append(f"unit ids not tried: {len(left)}, from {left[0]} on: no requests left")
    lines.append(f"{sent} requests")
    return "".join(line + "\n" for line in lines)


def _as_data(url: str, found: list[tuple[int, list[Found]]], left: list[int], sent: int) -> dict[str, Any]:
    return {
        "url": url,
        "requests": sent,
        "units_not_tried": left,
        "units": [
            {
                "unit_id": unit,
                "tables": {
                    each.table.label: {
                        "ranges": [[start, stop - 1] for start, stop in each.ranges],
                        "not_looked_at": [[start, stop - 1] for start, stop in each.unknown],
                        "reason": each.reason,
                    }
                    for each in tables
                },
            }
            for unit, tables in found
        ],
    }


def _listed(spans: list[tuple[int, int]]) -> str:
    parts = [str(start) if stop - start == 1 else f"{start}-{stop - 1}" for start, stop in spans]
    return ", ".join(parts[:40]) + (f", … ({len(parts)} ranges)" if len(parts) > 40 else "")


class Progress:
    """How many requests were sent, on a terminal."""

    def __init__(self) -> None:
        from simulator.cli.streams import STDERR

        self._stream = STDERR
        self._visible = STDERR.is_terminal()
        self._next = time.monotonic() + 0.5
        self._drawn = False

    def __call__(self, sent: int) -> None:
        from simulator.cli.progress import CLEAR_LINE

        if self._visible and time.monotonic() >= self._next:
            self._next = time.monotonic() + 0.1
            self._drawn = True
            self._stream.write(f"{CLEAR_LINE}{sent} requests")

    def close(self) -> None:
        """Wipe the line."""
        from simulator.cli.progress import CLEAR_LINE

        if self._drawn:
            self._stream.write(CLEAR_LINE)
