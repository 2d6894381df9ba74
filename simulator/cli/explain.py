"""``modsim explain FILE DEVICE [POINT]``: one point, from its name down to the frame that reads it.

Without a point, ``explain_device`` tells of the device.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from struct import Struct
from textwrap import wrap
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
mean. The value is the one the device starts with. Without POINT: all points of the device and what moves
them, its reactions, the faults and scenarios that concern it. Nothing is started."""

EPILOG = f"""\
examples:
  modsim explain plant.yaml meter-0001 voltage_l1
  modsim explain plant.yaml loop-17 setpoint
  modsim explain plant.yaml loop-17

{exit_codes()}"""

READ = Struct(">BHH")  # function code, address, quantity: V1.1b3 §6.1 to §6.4
FUNCTION_NAMES = ("read coils", "read discrete inputs", "read input registers", "read holding registers")
TRANSACTION = 1
WIDTH = 80  # of lists of names


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """File, device and, if wanted, point."""
    shared.add_plant_file(parser)
    parser.add_argument("device", metavar="DEVICE", help="the name of a device, as its template makes it")
    parser.add_argument("point", metavar="POINT", nargs="?", help="the name of a point of its profile")


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
    if arguments.point is None:
        from simulator.cli.explain_device import explanation_of_device

        print(explanation_of_device(config, group, index), end="")
        return exits.OK
    point = group.profile.points.get(arguments.point)
    if point is None:
        near = unknown("point", arguments.point, group.profile.points)
        print(f"{arguments.file}: {arguments.device}: {near}", file=sys.stderr)
        return exits.USAGE
    print(explanation(config, group, index, point), end="")
    return exits.OK


def explanation(config: PlantConfig, group: Group, index: int, point: Point) -> str:
    """The text for one point of one device."""
    from simulator.config.steps import steps_about
    from simulator.functions.table import answer

    place = group.place_of(index)
    unit = 1 if place.unit_id is None else place.unit_id
    fleet = fleet_at_start(config, group, index)
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
        *_labelled("reads", _reads(config, fleet, index, point)),
        *_labelled("order", _order(fleet, point)),
        *_labelled("on write", _reactions(group, point)),
        *_labelled("set by", _causes(group, point)),
        *_labelled("faults", _faults(config, group, index, request)),
        *_labelled("scenarios", steps_about(config.scenarios.values(), group.index, index, point.name)),
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


def fleet_at_start(config: PlantConfig, group: Group, index: int) -> Fleet:
    """The devices of a group; the one asked for has the values of time 0."""
    from simulator.fleet import Fleet
    from simulator.generators.rows import EPOCH
    from simulator.signals import Signals

    epoch = EPOCH if config.clock.epoch is None else config.clock.epoch
    signals = Signals(config.signals, seed=config.seed, epoch=epoch)
    fleet = Fleet(group.profile, [group], seed=config.seed, now=lambda: 0.0, epoch=epoch, signals=signals)
    for _, tracks in fleet.components:
        for track in tracks:
            track.run(0, 0.0, index, index + 1)
    return fleet


def _reactions(group: Group, point: Point) -> list[str]:
    """What happens when the point is written."""
    from simulator.profiles.reaction_kinds import described

    return [described(reaction) for reaction in group.profile.reactions.get(point.name, ())]


def _causes(group: Group, point: Point) -> list[str]:
    """The points that write this one when they are written."""
    from simulator.profiles.reaction_kinds import described, written_by

    return [
        f"{name}: {described(reaction)}"
        for name, reactions in group.profile.reactions.items()
        for reaction in reactions
        if point in written_by(reaction)
    ]


def _faults(config: PlantConfig, group: Group, index: int, request: bytes) -> list[str]:
    """The rules about the device: what they do, whether they are on, whether they are about this request."""
    from simulator.config.faults import described, faults_of

    unit = group.place_of(index).unit_id or 0
    return [described(fault, group, unit, request) for fault in faults_of(config.faults, group.index, index)]


def _labelled(label: str, lines: list[str]) -> list[tuple[str, str]]:
    return [(label if place == 0 else "", line) for place, line in enumerate(lines)]


def _reads(config: PlantConfig, fleet: Fleet, row: int, point: Point) -> list[str]:
    """A line for each input of the point's formulas: its name, its value, what it is."""
    from simulator.generators.formulas import is_signal
    from simulator.generators.quantities import inputs_of

    lines = []
    for name in sorted(inputs_of(point.generator)) if point.generator is not None else ():
        value, unit, found = 0.0, "", fleet.profile.points.get(name)
        if name != "t":
            read = fleet.rows.source(name).read(row, row + 1)
            value = read if isinstance(read, float) else float(read[0])
        if name in _CLOCK:
            kind = _CLOCK[name]
        elif is_signal(name):
            kind = f"a signal that moves by {config.signals[name.partition('.')[2]].type_name}"
        elif found is None:
            kind = "a parameter"
        else:
            unit = found.unit_of_measurement
            kind = (
                "a point" if found.generator is None else f"a point that moves by {found.generator.type_name}"
            )
        lines.append(f"{name} = {value:g} {unit}".rstrip() + f", {kind}")
    return lines


_CLOCK = {
    "t": "virtual seconds",
    "i": "the number in the group from 0",
    "n": "the number in the group from 1",
}


def _order(fleet: Fleet, point: Point) -> list[str]:
    """The points that move together with this one, inputs first, in lines; none when it moves alone."""
    for _, tracks in fleet.components:
        names = [track.point.name for track in tracks]
        if point.name in names and len(names) > 1:
            return wrap(", ".join(names), WIDTH, break_long_words=False)
    return []


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
