"""``modsim check FILE``: is the plant file right, and will it run on this machine?"""

from __future__ import annotations

import argparse
import sys

from simulator.cli import arguments as shared
from simulator.cli import exits
from simulator.cli.texts import exit_codes

DESCRIPTION = """\
Validate a plant file and everything it names, then look at this machine: are there enough
descriptors and memory, are the ports free, are the addresses local? Starts nothing, changes nothing.

Every problem of the file is told at once, as file:line:column: path: fact, got, expected. The exit
code is the one that 'run' would end with."""

EPILOG = f"""\
examples:
  modsim check plant.yaml
  modsim check plant.yaml --format json | jq .problems
  modsim check plant.yaml --format github        # annotations in a pull request

{exit_codes()}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The plant file and how to report."""
    shared.add_plant_file(parser)
    parser.add_argument(
        "--format",
        choices=("text", "json", "github"),
        default="text",
        help="text for people, json for programs, github for annotations of a workflow (default: text)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Report what is wrong with the file, or else with the machine."""
    from simulator.cli import preflight, reports
    from simulator.cli.plant_files import read_plant
    from simulator.errors import ConfigError

    try:
        found = preflight.inspect(read_plant(arguments.file))
        code, result = found.exit_code, reports.Result(arguments.file, preflight=found)
    except ConfigError as error:
        code, result = exits.CONFIGURATION, reports.Result(arguments.file, error.problems)
    facts, errors = reports.REPORTS[arguments.format](result)
    print(facts, end="")
    print(errors, end="", file=sys.stderr)
    return code
