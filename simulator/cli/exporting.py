"""``modsim export URL --profile NAME``: the values of a live device as a register map."""

from __future__ import annotations

import argparse
import sys

from simulator.cli import asking, exits

DESCRIPTION = f"""\
Read every point of a profile from any Modbus device and print a register map with its values: a record
of the device that can be read again, by modsim import or as a profile. Without a profile, modsim scrape
finds out what there is.

{asking.URLS}"""

EPILOG = f"""\
examples:
  modsim export tcp://127.0.0.1:15021 --profile energy-meter > meter.csv
  modsim export tcp://10.0.0.7 --profile my-meter --folder profiles --format json --unit 3
  modsim export tcp://10.0.0.7 --profile profiles/map.csv --output values.xml

{asking.EXIT_CODES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which device, which points, in which format."""
    asking.add_connection(parser)
    parser.add_argument(
        "--profile",
        metavar="NAME",
        required=True,
        help="the points: a profile, or the path of a register map",
    )
    parser.add_argument(
        "--folder", metavar="DIR", action="append", default=[], help="look for profiles here first"
    )
    parser.add_argument("--format", choices=("csv", "json", "xml"), help="default: csv, or as --output says")
    parser.add_argument("--output", "-o", metavar="PATH", help="write to this file")


def run(arguments: argparse.Namespace) -> int:
    """Read all points, print."""

    def work() -> int:
        from simulator.maps import Decoder, write
        from simulator.maps.writing import format_of
        from simulator.profiles.loader import ProfileLibrary

        is_map = arguments.profile.lower().endswith((".csv", ".json", ".xml"))
        source = arguments.profile if is_map else ProfileLibrary(arguments.folder).get(arguments.profile)
        profile = Decoder(source).profile
        kind = format_of(arguments.output or "", arguments.format or (None if arguments.output else "csv"))
        with asking.client_of(arguments) as client:
            values = client.device(profile).read()
        write(profile, arguments.output or sys.stdout, format=kind, values=values)
        return exits.OK

    return asking.told("export", work)
