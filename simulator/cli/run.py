"""``modsim run FILE``, and ``modsim --config FILE``: start a plant and serve it until stopped."""

from __future__ import annotations

import argparse
import sys

from simulator.cli import arguments as shared
from simulator.cli import exits, service
from simulator.cli.texts import exit_codes

DESCRIPTION = """\
Start every device of a plant file and serve them until SIGTERM or SIGINT.

One line on stdout says when all of them answer; it begins with 'ready'. Logs go to stderr.
Every option may stand in the environment, under the name behind its description.
The first SIGTERM or SIGINT stops gracefully: open requests are answered. A second one stops at once."""

EPILOG = f"""\
examples:
  modsim --config plant.yaml
  modsim run plant.yaml --seed 7 --log-level warning
  modsim run plant.yaml --scenario switch-loss
  modsim run - --duration 10m < plant.yaml
  modsim run plant.yaml --http 127.0.0.1:8080      # and modsim ctl, from elsewhere
  modsim run plant.yaml --ready-file /run/modsim.json --log-format json 2>> modsim.log

{exit_codes()}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The plant file by position or as ``--config``, and how to run it."""
    file = parser.add_mutually_exclusive_group(required=True)
    file.add_argument("file", metavar="FILE", nargs="?", help="the plant file (YAML), - for standard input")
    file.add_argument("--config", "-c", metavar="FILE", help="the plant file, by name")
    shared.add_seed(parser)
    shared.add_time_scale(parser)
    parser.add_argument(
        "--scenario",
        metavar="NAME",
        action="append",
        default=[],
        help="start this scenario of the plant file with the plant; may be given again",
    )
    shared.add_http(parser)
    shared.add_running(parser)


def run(arguments: argparse.Namespace) -> int:
    """Load the plant file and serve it."""
    import gc

    gc.disable()  # nothing made while starting dies young; collecting it again and again costs a third
    service.spare()
    from simulator.cli.plant_files import read_plant
    from simulator.cli.serving import serve_plant

    config = read_plant(
        arguments.file or arguments.config, seed=arguments.seed, time_scale=arguments.time_scale
    )
    try:
        config = config.with_scenarios(arguments.scenario)
    except ValueError as error:
        print(f"modsim run: {error}", file=sys.stderr)
        return exits.USAGE
    return serve_plant(config, arguments)
