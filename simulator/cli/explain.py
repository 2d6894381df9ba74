"""``modsim explain FILE DEVICE POINT``: one point, from its name down to the frame that reads it."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from struct import Struct
from typing import TYPE_CHECKING

from simulator.cli import arguments as shared
from simulator.cli import exits
from simulator.cli.columns import aligned
from simulator.cli.texts import exit_codes

if TYPE_CHECKING:
    from simulator.config.plant import Group, PlantConfig
    from simulator.fleet import Fleet
    from simulator.generators.base import Generator
    from simulator.points import Point

DESCRIPTION = """\
Show where a point of a device stands and how a client reads it: endpoint and unit id, wire address and
4xxxx reference, data type, the request and its response in hex, the raw words and the value they
mean. The value is the one the device starts with. Nothing is started."""

EPILOG = f"""\
examples:
  modsim explain plant.yaml meter-0001 voltage_l1
  modsim explain plant.yaml loop-17 setpoint

{exit_codes()}"""

READ = Struct(">BHH")  # function code, address, quantity: V1.1b3 §6.1 to §6.4
FUNCTION_NAMES = ("read coils", "read discrete inputs", "read input registers", "read holding registers")
TRANSACTION = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """File, device and point."""
    shared.add_plant_file(parser)
    parser.add_argument("device", metavar="DEVICE", help="the name of a device, as its template makes it")
    parser.add_argument("point", metavar="POINT", help="the name of a point of its profile")


def run(arguments: argparse.Namespace) -> int:
    """Print the explanation, or what was probably meant."""
    from simulator.config.loader import load_plant
    from simulator.documents.problems import unknown

    config = load_plant(arguments.file)
    found = config.find(arguments.device)
    if found is None:
        print(f"{arguments.file}: {_unknown_device(config, arguments.device)}", file=sys.stderr)
        return exits.USAGE
    group, index = found
    point = group.profile.points.get(arguments.point)
    if point is None:
        near = unknown("point", arguments.point, group.profile.points)
        print(f"{arguments.file}: {arguments.device}: {near}", file=sys.stderr)
        return exits.USAGE
    print(explanation(config, group, index, point), end="")
    return exits.OK


def explanation(config: PlantConfig, group: Group, index: int, point: Point) -> str:
    """The text for one point of one device."""
    from simulator.fleet import Fleet
    from simulator.functions.table import answer

    place = group.place_of(index)
    unit = 1 if place.unit_id is None else place.unit_id
    fleet = Fleet(group.profile, [group], seed=config.seed, now=lambda: 0.0)
    _prime(fleet, index)
    device = fleet.device(index)
    function = _read_function(point)
    request = READ.pack(function, point.address, point.quantity)
    data = device.block(point.table).read(point.address, point.quantity)
    rows = [
        ("device", f"{group.device_name(index)}, profile {group.profile.name} ({group.profile.source})"),
        ("endpoint", str(place)),
        ("table", f"{point.table.label}, function {function} ({FUNCTION_NAMES[point.table]})"),
        ("address", f"{_addresses(point)} on the wire, reference {point.reference}"),
        ("data type", _data_type(point)),
        ("access", str(point.access)),
        ("request", _frame(group, unit, request)),
        ("", f"function {function}, address {point.address}, quantity {point.quantity}, unit id {unit}"),
        ("response", _frame(group, unit, answer(device, request))),
        ("raw", _raw(point, data)),
        ("value", f"{fleet.read(index, point)} {point.unit_of_measurement}".rstrip()),
        ("moves by", _generator(point.generator)),
    ]  # fmt: skip
    heading = f"{point.name}: {point.description}\n" if point.description else f"{point.name}\n"
    return heading + aligned((f"  {name}", text) for name, text in rows if text)


def _frame(group: Group, unit: int, pdu: bytes) -> str:
    """The bytes of a frame as the endpoint of the group carries it; those of ASCII as characters."""
    from simulator.config.schemes import SCHEMES
    from simulator.server.endpoints import FRAMERS

    framing = SCHEMES[group.endpoint.scheme].framing
    wire: bytes = FRAMERS[framing]().build(TRANSACTION, unit, pdu)
    if framing == "ascii":
        return f"{wire.decode('ascii').rstrip()} CR LF"
    return wire.hex(" ")


def _prime(fleet: Fleet, row: int) -> None:
    """Give generated points of one device the value of time 0."""
    for track in fleet.tracks:
        track.run(0, 0.0, row, row + 1)


def _read_function(point: Point) -> int:
    from simulator.protocol import codes

    return (
        codes.READ_COILS,
        codes.READ_DISCRETE_INPUTS,
        codes.READ_INPUT_REGISTERS,
        codes.READ_HOLDING_REGISTERS,
    )[point.table]


def _addresses(point: Point) -> str:
    text = str(point.address) if point.quantity == 1 else f"{point.address} to {point.stop - 1}"
    return text if point.bit is None else f"{text}, bit {point.bit}"


def _data_type(point: Point) -> str:
    from simulator.cli.profiles import type_of

    rule = ""
    if point.scale != 1 or point.offset:
        rule = f"; value = raw × {point.scale:g}" + (f" {point.offset:+g}" if point.offset else "")
    return type_of(dataclasses.replace(point, scale=1.0, offset=0.0)) + rule


def _raw(point: Point, data: bytes) -> str:
    if point.table.is_bits:
        return " ".join(str(data[bit // 8] >> bit % 8 & 1) for bit in range(point.quantity))
    return " ".join(f"0x{data[place : place + 2].hex().upper()}" for place in range(0, len(data), 2))


def _generator(generator: Generator | None) -> str:
    if generator is None:
        return "nothing: it keeps its value until a client writes it"
    settings = ", ".join(
        f"{field.name} {value}"
        for field in dataclasses.fields(generator)
        if (value := getattr(generator, field.name)) is not None
    )
    return f"{generator.type_name} ({settings})"


def _unknown_device(config: PlantConfig, name: str) -> str:
    """What to say about a name that no device has: the names at the ends of every group."""
    from simulator.documents.problems import one_of, suggest

    ends = [(group.device_name(0), group.device_name(group.count - 1)) for group in config.groups]
    spans = [first if first == last else f"{first} to {last}" for first, last in ends]
    hint = suggest(name, [each for pair in ends for each in pair])
    return f"unknown device '{name}', expected {one_of(spans)}" + (f"; {hint}" if hint else "")
