"""``modsim import FILE``: a register map in CSV, JSON or XML becomes a profile file."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from simulator.cli import exits
from simulator.cli.texts import exit_codes

if TYPE_CHECKING:
    from simulator.profiles.maps.addresses import Base
    from simulator.profiles.maps.document import MapDocument

DESCRIPTION = """\
Read a register map, as vendors and other tools write them, and print it as a profile file. CSV, JSON
and XML are understood; columns, keys or attributes by their usual names: name, address or reference,
table or function, data type, size, byte order, scale, unit, access, value and more. What cannot be
understood is told with line and column, all at once, and nothing is printed."""

EPILOG = f"""\
examples:
  modsim import map.csv --name my-meter > my-meter.yaml
  modsim import map.csv --address-base 1
  modsim import old.csv --columns address,size,function,name,description
  modsim import map.xml --to csv                       # another format, in the order of the file
  modsim import saved.json --device meter-0001         # one device of several in the file

{exit_codes()}"""

_COUNTED = {
    0: "addresses counted from 0, as on the wire",
    1: "addresses counted from 1",
    "modicon": "addresses taken as references (40001 is holding register 0)",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which file, how to understand it, what to make of it."""
    parser.add_argument("file", metavar="FILE", help="the register map: .csv, .json or .xml")
    parser.add_argument("--name", metavar="NAME", help="name of the profile (default: that of the file)")
    parser.add_argument(
        "--columns", metavar="NAMES", help="columns of a CSV file without header, - for one to pass over"
    )
    parser.add_argument(
        "--address-base",
        choices=("0", "1", "modicon"),
        help="how addresses count, when they should not be guessed",
    )
    parser.add_argument("--device", metavar="NAME", help="which device, of several in the file")
    parser.add_argument("--encoding", default="utf-8", metavar="NAME", help="of the file (default: utf-8)")
    parser.add_argument(
        "--to", choices=("yaml", "csv", "json", "xml"), default="yaml", help="what to print (default: yaml)"
    )
    parser.add_argument("--quiet", "-q", action="store_true", help="say nothing about the file on stderr")


def run(arguments: argparse.Namespace) -> int:
    """Read, check, print."""
    from simulator.maps import profile_text, write
    from simulator.maps.reading import profile_of
    from simulator.profiles.maps.document import read_map

    bases: dict[str, Base] = {"0": 0, "1": 1, "modicon": "modicon"}
    document = read_map(
        arguments.file,
        columns=None
        if arguments.columns is None
        else [each.strip() for each in arguments.columns.split(",")],
        address_base=bases.get(arguments.address_base),
        device=arguments.device,
        encoding=arguments.encoding,
    )
    profile = profile_of(document, arguments.name)
    if arguments.to == "yaml":
        rest = {key: value for key, value in document.data.items() if key != "name"}
        print(profile_text({"name": profile.name, **rest}), end="")
    else:
        write(profile, sys.stdout, format=arguments.to)
    if not arguments.quiet:
        print(f"modsim import: {_summary(document, len(profile.points))}", file=sys.stderr)
    return exits.OK


def _summary(document: MapDocument, count: int) -> str:
    unused = f"; columns not used: {', '.join(document.unused)}" if document.unused else ""
    return f"{count} point{'' if count == 1 else 's'}, {_COUNTED[document.base]}{unused}"
