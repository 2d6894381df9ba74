"""``modsim read URL PLACE …``: values of a device, typed, once."""

from __future__ import annotations

import argparse
import json

from simulator.cli import asking, exits, places

DESCRIPTION = f"""\
Read values of any Modbus device and print them in a table: reference, address, type, value and raw
registers. With --profile places are names of points, values are scaled and have units; without a
place every point of the profile is read.

{places.HELP}

{asking.URLS}"""

EPILOG = f"""\
examples:
  modsim read tcp://127.0.0.1:5020 40001 --count 10
  modsim read tcp://10.0.0.7 hr:100 --type float32 --byte-order CDAB --unit 3
  modsim read tcp://127.0.0.1:15021 --profile energy-meter voltage_l1 serial_number
  modsim read 'rtu:/dev/ttyUSB0?baudrate=19200' 30001 --json

{asking.EXIT_CODES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where, what, how many."""
    asking.add_connection(parser)
    places.add_places(parser)
    parser.add_argument(
        "--count",
        "-c",
        type=int,
        default=1,
        metavar="N",
        help="values of the type at each place (default: 1)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Read and print."""

    def work() -> int:
        wanted = places.places_of(arguments, arguments.places, arguments.count)
        with asking.client_of(arguments) as client:
            found = [places.read(client, place) for place in wanted]
        if arguments.json:
            print(json.dumps([places.as_data(each) for each in found], indent=2, ensure_ascii=False))
        else:
            print(places.table_of(found), end="")
        return exits.OK

    return asking.told("read", work)
