"""``modsim health``: does a running plant answer?  For health checks of containers and services.

It asks the first endpoint that the ready file names, as a client would, and takes any answer for health, also
an exception: what a plant answers is a matter of its file.
"""

from __future__ import annotations

import argparse
import json
import os
import sys

from simulator.cli import asking, exits

DESCRIPTION = """\
Ask a running plant for one register and say whether an answer comes: exit code 0 or 1. Any answer will
do, an exception, too.

WHERE is the ready file of the plant, whose first endpoint over TCP or UDP is asked, or a URL such as
tcp://127.0.0.1:5020. Without it the variable MODSIM_READY_FILE names the file, as it does for 'run'."""

EPILOG = """\
examples:
  modsim health /run/modsim/ready.json
  modsim health tcp://127.0.0.1:5020 --unit 3
  MODSIM_READY_FILE=/run/modsim/ready.json modsim health

exit codes:
  0   the plant answers
  1   it does not, or is not ready
  2   the command line is wrong"""

READY_FILE = "MODSIM_READY_FILE"
ASKED = (
    "tcp://",
    "udp://",
    "rtu+tcp://",
    "ascii+tcp://",
    "binary+tcp://",
    "rtu+udp://",
    "ascii+udp://",
    "binary+udp://",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whom to ask, and for how long."""
    parser.add_argument("where", metavar="WHERE", nargs="?", help="the ready file of the plant, or a URL")
    parser.add_argument("--unit", "-u", type=int, default=1, metavar="N", help="unit id (default: 1)")
    parser.add_argument(
        "--timeout",
        type=asking.seconds,
        default=2.0,
        metavar="TIME",
        help="for the answer, such as 500ms or 2s (default: 2s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Ask once."""
    where = arguments.where or os.environ.get(READY_FILE, "")
    if not where:
        print(f"modsim health: WHERE is missing, and so is {READY_FILE}", file=sys.stderr)
        return exits.USAGE

    def work() -> int:
        url = where if "://" in where else endpoint_of(where)
        return ask(url, arguments.unit, arguments.timeout)

    return asking.told("health", work)


def endpoint_of(path: str) -> str:
    """The first endpoint of a ready file that can be asked; raises NetworkError when there is none."""
    from simulator.errors import NetworkError

    try:
        with open(path, encoding="utf-8") as file:
            endpoints = json.load(file)["endpoints"]
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise NetworkError(path, f"not ready: the file cannot be read: {reason}") from None
    except (ValueError, KeyError, TypeError):
        raise NetworkError(path, "is no ready file") from None
    found = next((each for each in endpoints if each.startswith(ASKED)), None)
    if found is None:
        raise NetworkError(path, "names no endpoint over TCP or UDP without certificates; name one to ask")
    return str(found)


def ask(url: str, unit: int, timeout: float) -> int:
    """Read a register; an exception is an answer."""
    from simulator.client import Client
    from simulator.errors import ModbusException

    try:
        with Client(url, unit=unit, timeout=timeout) as client:
            client.read_holding_registers(0, 1)
    except ModbusException as error:
        print(f"healthy: {url} answers ({asking.refusal(error)})")
    else:
        print(f"healthy: {url} answers")
    return exits.OK
