"""``modsim identify URL``: what a device says it is."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from simulator.cli import asking, exits
from simulator.cli.columns import aligned

DESCRIPTION = f"""\
Ask a device what it is: device identification (function 43/14: vendor, product, revision and what else
it has, as a stream or, if it only does that, object by object) and report server id (function 17).

{asking.URLS}"""

EPILOG = f"""\
examples:
  modsim identify tcp://127.0.0.1:15021
  modsim identify 'rtu:/dev/ttyUSB0?baudrate=9600' --unit 17
  modsim identify tcp://127.0.0.1:15021 --json | jq -r .identification.vendor_name

{asking.EXIT_CODES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Who."""
    asking.add_connection(parser)
    parser.add_argument("--json", action="store_true", help="for programs")


def run(arguments: argparse.Namespace) -> int:
    """Ask both and print."""

    def work() -> int:
        with asking.client_of(arguments) as client:
            found, refused = ask(client)
        if arguments.json:
            print(json.dumps(found, indent=2, ensure_ascii=False))
        else:
            print(aligned(_rows(found)), end="")
            for what, why in refused:
                print(f"{what}: {why}", file=sys.stderr)
        return exits.OK if len(refused) < 2 else exits.RUNTIME

    return asking.told("identify", work)


def ask(client: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """What the device says of itself, and what it refused to say."""
    from simulator.errors import ModbusException

    found: dict[str, Any] = {"identification": {}, "server_id": None}
    refused = []
    try:
        found["identification"] = {_key(number): _text(value) for number, value in _objects(client).items()}
    except ModbusException as error:
        refused.append(("device identification (43/14)", asking.refusal(error)))
    try:
        found["server_id"] = _server_id(client.report_server_id().data)
    except ModbusException as error:
        refused.append(("server id (17)", asking.refusal(error)))
    return found, refused


def _objects(client: Any) -> dict[int, bytes]:
    """The richest stream the device has; without streams its objects one by one."""
    from simulator.errors import IllegalFunction, ModbusException
    from simulator.protocol.identification import BASIC, EXTENDED, INDIVIDUAL, LAST_OBJECT, REGULAR

    reason: ModbusException | None = None
    for code in (EXTENDED, REGULAR, BASIC):
        try:
            found: dict[int, bytes] = client.read_device_identification(code)
            if code == EXTENDED and found and min(found) > LAST_OBJECT[BASIC]:  # what is beyond only
                found = {**client.read_device_identification(REGULAR), **found}
            return found
        except IllegalFunction:
            raise
        except ModbusException as error:
            reason = error
    found = {}
    for number in range(LAST_OBJECT[BASIC] + 1):
        try:
            found.update(client.read_device_identification(INDIVIDUAL, number))
        except ModbusException as error:
            reason = error
    if not found and reason is not None:
        raise reason
    return found


def _server_id(data: bytes) -> dict[str, Any]:
    """The answer of function 17; id and run indicator when the id is one byte, which the device decides."""
    found: dict[str, Any] = {"raw": data.hex(), "text": _text(data)}
    if len(data) >= 2 and data[1] in (0x00, 0xFF):
        found |= {"id": data[0], "running": data[1] == 0xFF, "additional": _text(data[2:])}
    return found


def _rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [(name.replace("_", " "), value) for name, value in found["identification"].items()]
    server = found["server_id"]
    if server is not None:
        rows.append(("server id", str(server["id"]) if "id" in server else server["text"]))
        if "id" in server:
            rows.append(("running", "yes" if server["running"] else "no"))
            rows.append(("additional data", server["additional"]))
    return [row for row in rows if row[1]]


def _key(number: int) -> str:
    from simulator.protocol.identification import OBJECT_IDS

    names = {value: name for name, value in OBJECT_IDS.items()}
    return names.get(number, f"0x{number:02x}")


def _text(value: bytes) -> str:
    """Characters where all are printable, else hexadecimal."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return f"0x{value.hex()}" if value else ""
    return text if text.isprintable() else f"0x{value.hex()}"
