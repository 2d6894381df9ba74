"""``modsim serve HOST[:PORT]``: one device with every address of all four tables, without a file."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from simulator.cli import arguments as shared
from simulator.cli import exits, service
from simulator.cli.texts import exit_codes

if TYPE_CHECKING:
    from simulator.config.plant import PlantConfig

DESCRIPTION = """\
Serve one device without a plant file: coils, discrete inputs, input registers and holding registers,
addresses 0 to 65535 each, all zero; clients may write coils and holding registers. It answers every
unit id. The port defaults to 502, which needs permission; name another one to do without."""

EPILOG = f"""\
examples:
  modsim serve 127.0.0.1:5020
  modsim serve 0.0.0.0:5020                # every address of this machine
  modsim serve '[::1]:5020'
  modsim serve 127.0.0.1:0                 # a free port; the ready line says which

{exit_codes()}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to listen, and how to run."""
    parser.add_argument(
        "address",
        metavar="HOST[:PORT]",
        help="an IPv4 address or an IPv6 address in brackets; port 502 unless given",
    )
    shared.add_http(parser)
    shared.add_running(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve the device."""
    service.spare()
    from simulator.cli.serving import serve_plant

    try:
        config = plant_at(arguments.address)
    except ValueError as error:
        print(f"modsim serve: {error}", file=sys.stderr)
        return exits.USAGE
    return serve_plant(config, arguments)


def plant_at(address: str) -> PlantConfig:
    """The plant of one device; ValueError for what is no address."""
    import json

    from simulator.config.endpoint import parse_endpoint
    from simulator.config.loader import parse_plant

    endpoint = parse_endpoint(f"tcp://{address}")
    if endpoint.addresses * endpoint.port_count != 1:
        raise ValueError(f"address is {address!r}, expected one address and one port")
    device = {"name": "device", "profile": "generic", "endpoint": endpoint.text, "unit_id": "any"}
    return parse_plant(json.dumps({"name": "serve", "devices": [device]}), file="modsim serve")
