"""The command line of ``scripts/bench``: chooses scenarios, runs them, prints and writes the report.

Exit code 0 when every bar was reached, 1 when one was not, 2 for usage or something missing, 130 when
stopped.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import machine, report
from .bars import Outcome
from .comparing import Pace
from .load import LoadError
from .processes import StartError
from .scenarios import SCENARIOS
from .workshop import PEERS, ROOT, UnavailableError, Workshop, default_folder

REPORT = ROOT / "docs" / "benchmarks.md"
EPILOG = """\
A run of everything takes ten to fifteen minutes and writes docs/benchmarks.md; with --quick or --only
nothing is written unless --output says where. The peers and the C programs are built in the scratch
folder ($MODSIM_BENCH_DIR, or build/bench) the first time.
"""


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    if options.list:
        for name, scenario in SCENARIOS.items():
            print(f"{name:10} {scenario.what}")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwinds, so that every server is stopped
    shop = Workshop(options.folder, shlex.split(options.modsim) if options.modsim else None)
    names = [name for name in SCENARIOS if not options.only or name in options.only]
    facts = machine.describe(machine.raise_descriptors())
    if machine.take_precedence():
        facts.append(f"Servers and load run with priority {machine.PRIORITY}, all the same")
    if noise := machine.busy():
        print(f"bench: {noise}", file=sys.stderr)
        facts.append(f"Not quiet: {noise}")
    pace = Pace.quick() if options.quick else Pace.full()
    facts.append(
        f"Every load in {pace.rounds} rounds of {pace.seconds:g} s, {pace.starts} starts of each plant"
    )
    began = time.monotonic()
    try:
        outcomes = [_run(name, shop, pace) for name in names]
        facts += _versions(shop)
    except UnavailableError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench: stopped; nothing was written", file=sys.stderr)
        return 130
    facts.append(f"The whole run took {time.monotonic() - began:.0f} s")
    _write(options, report.markdown(outcomes, facts))
    return 1 if any(row.verdict == "FAIL" for outcome in outcomes for row in outcome.rows) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measure this project against its bars and against other Modbus servers.",
        epilog=EPILOG,
    )
    parser.add_argument("--quick", action="store_true", help="short runs and few of them: a first impression")
    parser.add_argument(
        "--only",
        action="append",
        metavar="NAME",
        choices=sorted(SCENARIOS),
        help="this scenario; repeat for several",
    )
    parser.add_argument("--list", action="store_true", help="list the scenarios and stop")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the report here")
    parser.add_argument(
        "--folder", type=Path, default=default_folder(), metavar="DIR", help="the scratch folder"
    )
    parser.add_argument(
        "--modsim", metavar="COMMAND", help="the program to measure (default: the modsim of this repository)"
    )
    return parser


def _run(name: str, shop: Workshop, pace: Pace) -> Outcome:
    print(f"{name}: {SCENARIOS[name].what}", file=sys.stderr, flush=True)
    try:
        outcome = SCENARIOS[name].run(shop, pace)
    except (StartError, LoadError) as error:
        outcome = SCENARIOS[name].failed(str(error))
    print(report.text(outcome), flush=True)
    return outcome


def _versions(shop: Workshop) -> list[str]:
    ours = machine.versions(Path(shop.modsim()[0]).parent / "python", ("Twisted", "numpy", "pydantic"))
    peers = [shop.libmodbus_version()]
    for name in PEERS:
        peers += machine.versions(shop.folder / "venvs" / name / "bin" / "python", (name,))
    return [f"Ours with {', '.join(ours)}", f"Compared with {', '.join(peers)}"]


def _write(options: argparse.Namespace, page: str) -> None:
    path = options.output or (None if options.quick or options.only else REPORT)
    if path:
        path.write_text(page, encoding="utf-8")
        print(f"written: {path}", file=sys.stderr)
