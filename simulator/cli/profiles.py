"""``modsim profiles list`` and ``modsim profiles show NAME``: what kinds of devices there are."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from simulator.cli import exits
from simulator.cli.columns import aligned
from simulator.cli.texts import exit_codes

if TYPE_CHECKING:
    from simulator.points import Point
    from simulator.profiles.loader import ProfileLibrary
    from simulator.profiles.profile import Profile

DESCRIPTION = """\
List the profiles that a plant file may name, or show one: its tables, its identity and every point
with address, reference, data type and generator."""

EPILOG = f"""\
examples:
  modsim profiles list
  modsim profiles list --folder profiles
  modsim profiles show energy-meter
  modsim profiles show energy-meter --source > my-meter.yaml     # a file to start from

{exit_codes()}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do, with which profile, looked for where."""
    parser.add_argument("what", choices=("list", "show"), help="list all profiles, or show one")
    parser.add_argument("name", metavar="NAME", nargs="?", help="the profile to show")
    parser.add_argument(
        "--folder",
        metavar="DIR",
        action="append",
        default=[],
        help="search this folder before the shipped profiles; may be given several times",
    )
    parser.add_argument("--names", action="store_true", help="list: names only, one a line")
    parser.add_argument("--source", action="store_true", help="show: the profile's file as it is written")


def run(arguments: argparse.Namespace) -> int:
    """Print the list or the profile."""
    if (arguments.what == "show") != (arguments.name is not None):
        expected = "no NAME" if arguments.name else "NAME behind it, such as 'profiles show generic'"
        print(f"modsim profiles {arguments.what}: expected {expected}", file=sys.stderr)
        return exits.USAGE
    from simulator.profiles.loader import ProfileLibrary

    library = ProfileLibrary(arguments.folder)
    if arguments.what == "list":
        if arguments.names:
            print("".join(f"{name}\n" for name in library.names()), end="")
        else:
            print_list(library)
    elif arguments.source:
        with open(library.get(arguments.name).source, encoding="utf-8") as file:
            print(file.read(), end="")
    else:
        print(description(library.get(arguments.name)), end="")
    return exits.OK


def print_list(library: ProfileLibrary) -> None:
    """A profile a line: name, number of points, description; ConfigError for the broken ones afterwards."""
    from simulator.errors import ConfigError, Problem

    rows: list[tuple[str, ...]] = []
    problems: list[Problem] = []
    for name in library.names():
        try:
            profile = library.get(name)
            rows.append((name, f"{len(profile.points)} points", profile.description))
        except ConfigError as error:
            rows.append((name, "broken", ""))
            problems += error.problems
    print(aligned(rows), end="")
    if problems:
        raise ConfigError(problems)


def description(profile: Profile) -> str:
    """Everything about one profile."""
    parts = [f"{profile.name}: {profile.description}\nfrom {profile.source}\n"]
    if profile.identity:
        rows = [(f"  {number:#04x}", _text(value)) for number, value in sorted(profile.identity.items())]
        parts.append("identity\n" + aligned(rows))
    if profile.parameters:
        pairs = ((f"  {name}", str(value)) for name, value in profile.parameters.items())
        parts.append("parameters\n" + aligned(pairs))
    parts.append("tables\n" + aligned(_table_rows(profile)))
    if profile.points:
        parts.append("points\n" + aligned(_point_rows(profile)))
    return "\n".join(parts)


def _table_rows(profile: Profile) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for table, layout in sorted(profile.tables.items()):
        spans = (f"{start}-{stop - 1}" if stop - start > 1 else str(start) for start, stop in layout.ranges)
        where = ", ".join(spans) if layout.share is None else f"shares the block of {layout.share.label}"
        rows.append((f"  {table.label}", layout.kind, where))
    return rows


def _point_rows(profile: Profile) -> list[tuple[str, ...]]:
    points = sorted(profile.points.values(), key=lambda point: (point.table, point.address, point.bit or 0))
    return [
        ("  name", "table", "address", "reference", "data type", "access", "unit", "value"),
        *(_point_row(point) for point in points),
    ]


def _point_row(point: Point) -> tuple[str, ...]:
    return (
        f"  {point.name}",
        point.table.label,
        str(point.address) + ("" if point.bit is None else f" bit {point.bit}"),
        point.reference,
        type_of(point),
        point.access or "",
        point.unit_of_measurement,
        source_of(point),
    )


def type_of(point: Point) -> str:
    """``int16 × 0.1``, ``float32 CDAB``, ``string of 8 registers``."""
    kind = point.data_type
    text = kind.name
    if kind.name in ("string", "raw", "bits") and kind.registers > 1:
        text += f" of {kind.registers} registers"
    if (kind.registers > 1 and kind.is_numeric) or kind.order.name == "BADC":
        text += f" {kind.order.name}"
    if point.count > 1:
        text += f" [{point.count}]"
    if point.scale != 1:
        text += f" × {point.scale:g}"
    if point.offset:
        text += f" {point.offset:+g}"
    return text


def source_of(point: Point) -> str:
    """Where the value comes from: a generator or the initial value."""
    if point.generator is not None:
        return point.generator.type_name
    return "" if point.value is None else str(point.value)


def _text(value: str | bytes) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else value
