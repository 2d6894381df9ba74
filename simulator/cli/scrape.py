"""``modsim scrape URL``: a live device as a profile, whatever it is."""

from __future__ import annotations

import argparse
import io
from typing import TYPE_CHECKING, Any

from simulator.cli import asking, exits

if TYPE_CHECKING:
    from simulator.cli.scanning import Span
    from simulator.client import Client
    from simulator.protocol.codes import Table

DESCRIPTION = f"""\
Find out which addresses a device has, read them all, and print a profile that answers as the device did:
the same addresses, the same registers and bits, the same identification. Only reads are sent; addresses
are found as modsim scan finds them.

{asking.URLS}"""

EPILOG = f"""\
examples:
  modsim scrape tcp://10.0.0.7 --name pump > pump.yaml
  modsim scrape tcp://10.0.0.7 --unit 3 --addresses 0-999,40000-40999 --step 1
  modsim scrape rtu:/dev/ttyUSB0 --table holding_register --format csv

{asking.EXIT_CODES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to look, how hard, what to print."""
    asking.add_connection(parser, timeout="500ms")
    what = parser.add_argument_group("what to look for")
    what.add_argument(
        "--addresses", default="0-9999", metavar="RANGES", help="where to look (default: 0-9999)"
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
    parser.add_argument("--name", metavar="NAME", help="name of the profile (default: that of the product)")
    parser.add_argument(
        "--format",
        choices=("yaml", "csv", "json", "xml"),
        default="yaml",
        help="yaml: a profile (default); else a register map, a row for each address that is not 0",
    )
    parser.add_argument("--output", "-o", metavar="PATH", help="write to this file")


def run(arguments: argparse.Namespace) -> int:
    """Look, read, print."""
    return asking.told("scrape", lambda: _scrape(arguments))


def _scrape(arguments: argparse.Namespace) -> int:
    import sys

    from simulator.cli import scanning
    from simulator.cli.scan import Progress
    from simulator.documents.ranges import parse_ranges
    from simulator.protocol.codes import Table

    spans = [
        (first, last + 1) for first, last in parse_ranges(arguments.addresses, name="address", maximum=0xFFFF)
    ]
    if arguments.step < 1:
        raise ValueError(f"step is {arguments.step}, expected 1 or more")
    tables = [each for each in Table if not arguments.table or each.label in arguments.table]
    bar = Progress()
    budget = scanning.Budget(arguments.max_requests, bar)
    content: dict[Table, dict[int, int]] = {}
    with asking.client_of(arguments) as client:
        client.connect()
        try:
            identity = _identity(client)
            for each in tables:
                found = scanning.table(client, arguments.unit, each, spans, budget, arguments.step)
                content[each] = _content(client, each, found.ranges)
                if found.unknown:
                    print(f"modsim scrape: {each.label}: not all looked at: {found.reason}", file=sys.stderr)
        finally:
            bar.close()
    if not any(content.values()):
        print("modsim scrape: no address can be read", file=sys.stderr)
        return exits.RUNTIME
    name = arguments.name or _name(identity)
    text = _text(
        arguments.format, name, identity, content, f"read from {arguments.url}, unit id {arguments.unit}"
    )
    if arguments.output:
        with open(arguments.output, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    else:
        print(text, end="")
    return exits.OK


def _text(
    format: str, name: str, identity: dict[str, Any], content: dict[Table, dict[int, int]], comment: str
) -> str:
    from simulator.maps import profile_text
    from simulator.maps.entries import COLUMNS
    from simulator.maps.writing import lines, write_lines

    if format == "yaml":
        tables = {table.label: _layout(table, values) for table, values in content.items() if values}
        about = {"name": name, "description": comment, **({"identity": identity} if identity else {})}
        return profile_text({**about, "tables": tables})
    rows = [
        {
            "table": table.label,
            "reference": f"{table.reference_digit}{address + 1:05d}",
            "address": address,
            "value": raw,
        }
        for table, values in content.items()
        for address, raw in values.items()
        if raw
    ]
    used = [column for column in COLUMNS if column in ("table", "reference", "address", "value")]
    file = io.StringIO()
    write_lines(lines(rows, used, format, {"name": name, "description": comment}), file)
    return file.getvalue()


def _layout(table: Table, values: dict[int, int]) -> dict[str, Any]:
    """A table of a profile: which addresses exist, and runs of what is not 0."""
    from simulator.cli.scanning import merged

    spans = merged((address, address + 1) for address in values)
    ranges = [f"{start}-{stop - 1}" if stop - start > 1 else start for start, stop in spans]
    layout: dict[str, Any] = {"ranges": ranges}
    runs = merged((address, address + 1) for address, raw in values.items() if raw)
    raws = {
        start: [bool(values[each]) if table.is_bits else values[each] for each in range(start, stop)]
        for start, stop in runs
    }
    if raws:
        layout["values"] = {start: run if len(run) > 1 else run[0] for start, run in raws.items()}
    return layout


def _content(client: Client, table: Table, spans: list[Span]) -> dict[int, int]:
    """Every address that can be read, with what stood there."""
    found: dict[int, int] = {}
    most = 2000 if table.is_bits else 125
    for start, stop in spans:
        waiting = [(each, min(each + most, stop)) for each in range(start, stop, most)][::-1]
        while waiting:
            first, last = waiting.pop()
            values = _read(client, table, first, last - first)
            if values is not None:
                found.update(zip(range(first, last), values, strict=True))
            elif last - first > 1:  # the device has a limit, or a border that no request may cross
                middle = (first + last) // 2
                waiting += [(middle, last), (first, middle)]
    return found


def _read(client: Client, table: Table, address: int, quantity: int) -> list[int] | None:
    from simulator.errors import ModbusException

    asks: list[Any] = [
        client.read_coils,
        client.read_discrete_inputs,
        client.read_input_registers,
        client.read_holding_registers,
    ]
    try:
        return [int(each) for each in asks[table](address, quantity)]
    except ModbusException:
        return None


def _identity(client: Client) -> dict[str, Any]:
    """What function 43/14 tells, as profiles have it; nothing for a device without."""
    from simulator.errors import ModbusException, ProtocolError, TimedOut
    from simulator.protocol.identification import OBJECT_IDS

    objects: dict[int, bytes] = {}
    for category in (3, 2, 1):  # extended, regular, basic: the most a device has, V1.1b3 §6.21
        try:
            objects = client.read_device_identification(category)
            break
        except (ModbusException, ProtocolError, TimedOut):
            continue
    names = {number: name for name, number in OBJECT_IDS.items()}
    found: dict[str, Any] = {
        names[number]: _escaped(data) for number, data in objects.items() if number in names
    }
    private = {number: f"0x{data.hex()}" for number, data in objects.items() if number >= 0x80 and data}
    return {**found, **({"objects": private} if private else {})}


def _escaped(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("{", "{{").replace("}", "}}")


def _name(identity: dict[str, Any]) -> str:
    import re

    text = identity.get("product_name") or identity.get("product_code") or "scraped"
    return re.sub(r"[^a-z0-9]+", "-", str(text).lower()).strip("-") or "scraped"
