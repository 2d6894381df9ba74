"""``modsim init [FILE]``: write a commented plant file to start from, and the schema beside it."""

from __future__ import annotations

import argparse
import os.path
import sys

from simulator.cli import exits
from simulator.cli.texts import exit_codes

SCHEMA_FILE = "modsim.schema.json"

DESCRIPTION = f"""\
Write a plant file that runs as it is and explains itself.

Beside it goes {SCHEMA_FILE}, which the first line of the plant file names: editors with a YAML
language server complete keys and underline mistakes while you type. Existing files are kept."""

EPILOG = f"""\
examples:
  modsim init
  modsim init plants/north.yaml && modsim --config plants/north.yaml

{exit_codes()}"""

STARTER = """\
# yaml-language-server: $schema={schema}
#
# A plant: the devices that modsim simulates. Run it with   modsim --config {file}
# Look before you run with                                  modsim check {file}
version: 1                                  # of this format
name: my-plant
seed: 7                                     # same seed, same values

devices:
  # Three meters, each on a port of its own. 'modsim profiles list' names all kinds of devices.
  - name: "meter-{{n:02}}"                    # {{n}} counts from 1, {{i}} from 0
    profile: energy-meter
    count: 3
    endpoint: tcp://127.0.0.1:5021-5023     # device i on the i-th port
    unit_id: 1
    tags: [feeder-a]

  # Four temperature loops behind one port, told apart by their unit ids.
  - name: "loop-{{n}}"
    profile: temperature-loop
    endpoint: tcp://127.0.0.1:5030
    unit_id: 1-4

  # A device of your own: the profile stands under 'profiles' below.
  - name: pump
    profile: my-pump
    endpoint: tcp://127.0.0.1:5040
    unit_id: any                            # answers every unit id
    values: {{setpoint: 40.5}}                # initial values, by point name

profiles:
  my-pump:
    description: a pump with a setpoint and a flow
    points:
      running:  {{table: coil, address: 0, data_type: bool, value: true}}
      setpoint: {{table: holding_register, address: 0, data_type: int16, scale: 0.1, value: 35, max: 100}}
      flow:     {{table: input_register, address: 0, data_type: float32, unit_of_measurement: m³/h,
                 generator: {{type: sine, min: 30, max: 42, period: 60s, noise: 0.5}}}}
      hours:    {{table: input_register, address: 2, data_type: uint32, unit_of_measurement: h,
                 generator: {{type: increment, step: 1, interval: 1h}}}}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file to write."""
    parser.add_argument("file", metavar="FILE", nargs="?", default="plant.yaml", help="default: plant.yaml")


def run(arguments: argparse.Namespace) -> int:
    """Write both files; refuse to replace a plant file."""
    path: str = arguments.file
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(STARTER.format(schema=SCHEMA_FILE, file=path))
    except FileExistsError:
        print(f"modsim: {path} exists and is kept; name another file", file=sys.stderr)
        return exits.RUNTIME
    print(f"wrote {path}")
    schema = os.path.join(os.path.dirname(path), SCHEMA_FILE)
    if not os.path.exists(schema):
        from simulator.cli.schema import schema_text

        with open(schema, "x", encoding="utf-8") as file:
            file.write(schema_text("plant"))
        print(f"wrote {schema}")
    print(f"next: modsim --config {path}")
    return exits.OK
