"""``modsim frames``: an example of every message in every framing."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from simulator.cli import exits

if TYPE_CHECKING:
    from simulator.explanation.adus import Framing

FRAMINGS: tuple[Framing, ...] = ("mbap", "rtu", "ascii", "binary", "pdu")

DESCRIPTION = """\
Print an example of every message of Modbus, request and response, in every framing, as hexadecimal
and in words: what to send to a device, what to expect, what to test a parser with. Messages are those
of the specification where it has an example; every refusal is there, too."""

EPILOG = """\
examples:
  modsim frames --framing rtu
  modsim frames --function 3 --fields                   # every byte explained
  modsim frames --function read_coils --direction request
  modsim frames --function 43/14 --framing mbap --unit 17
  modsim frames --json | jq -r '.[].raw'

exit codes:
  0   done
  1   there is no such message
  2   the command line is wrong"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to show, and how."""
    parser.add_argument(
        "--function",
        metavar="CODE",
        action="append",
        default=[],
        help="only this function: 3, 0x2B, 43/14 or a name such as read_coils; may be given several times",
    )
    parser.add_argument(
        "--framing",
        choices=FRAMINGS,
        help="only this framing (default: all but pdu)",
    )
    parser.add_argument("--direction", choices=("request", "response"), help="only this direction")
    parser.add_argument("--unit", type=int, default=1, metavar="N", help="the unit id (default: 1)")
    parser.add_argument(
        "--transaction", type=int, default=1, metavar="N", help="the transaction id (default: 1)"
    )
    parser.add_argument("--fields", action="store_true", help="explain every field")
    parser.add_argument("--json", action="store_true", help="an array of objects, one for each frame")


def run(arguments: argparse.Namespace) -> int:
    """Print the frames."""
    from simulator.explanation.names import function_code

    try:
        functions = [function_code(text) for text in arguments.function]
        _check("unit id", arguments.unit, 0xFF)
        _check("transaction id", arguments.transaction, 0xFFFF)
    except ValueError as error:
        print(f"modsim frames: {error}", file=sys.stderr)
        return exits.USAGE
    texts, found = _frames(arguments, functions)
    if not found:
        print("modsim frames: there is no such message", file=sys.stderr)
        return exits.RUNTIME
    print(json.dumps(found, indent=2, ensure_ascii=False) + "\n" if arguments.json else texts, end="")
    return exits.OK


def _frames(arguments: argparse.Namespace, functions: list[int]) -> tuple[str, list[dict[str, object]]]:
    """The text of all frames, and their JSON."""
    from simulator.cli import frame_texts
    from simulator.explanation.adus import CUTS, loose
    from simulator.explanation.catalogue import examples
    from simulator.explanation.guessing import explain
    from simulator.explanation.pdus import summary

    texts, found = [], []
    for example in examples(
        functions=functions,
        framings=(arguments.framing,) if arguments.framing else FRAMINGS[:-1],
        directions=(arguments.direction,) if arguments.direction else ("request", "response"),
        unit=arguments.unit,
        transaction=arguments.transaction,
    ):
        cut = CUTS.get(example.framing)
        adu = cut(example.wire, 0) if cut else loose("pdu", example.wire)
        assert adu is not None
        told = explain(adu, example.direction)
        wire = example.wire.hex(" ").upper()
        if example.framing == "ascii":
            wire = example.wire.decode("ascii").rstrip()
        says = summary(example.message)
        found.append({"summary": says, **frame_texts.as_data(told)})
        heading = f"{told.title}, {example.framing}: {says}"
        if arguments.fields:
            texts.append(frame_texts.block(told, f"{heading}\n  {wire}") + "\n")
        else:
            texts.append(f"{heading}\n  {wire}\n")
    return "".join(texts), found


def _check(what: str, value: int, most: int) -> None:
    if not 0 <= value <= most:
        raise ValueError(f"{what} is {value}, expected 0 to {most}")
