"""``modsim diagnose URL``: how a device is doing, and how fast the way to it is."""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulator.cli import asking, exits
from simulator.cli.columns import aligned

if TYPE_CHECKING:
    from simulator.client import Client

DESCRIPTION = f"""\
Ask a device how it is doing: time to connect, round trips, the loop-back test, the diagnostic register
and every counter of function 8, exception status (7), event counter (11) and event log (12). What the
device does not have is said; nothing is changed: no counter is cleared, nothing is restarted.

{asking.URLS}"""

EPILOG = f"""\
examples:
  modsim diagnose tcp://127.0.0.1:15021
  modsim diagnose 'rtu:/dev/ttyUSB0?baudrate=9600' --unit 17 --pings 100
  modsim diagnose tcp://127.0.0.1:15021 --json

{asking.EXIT_CODES}"""

LOOP_BACK = (0xA537, 0x0000, 0xFFFF)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Who, how often."""
    asking.add_connection(parser)
    parser.add_argument(
        "--pings", type=int, default=10, metavar="N", help="requests to time round trips with (default: 10)"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def run(arguments: argparse.Namespace) -> int:
    """Ask everything and print."""

    def work() -> int:
        if arguments.pings < 1:
            raise ValueError(f"pings is {arguments.pings}, expected 1 or more")
        client = asking.client_of(arguments)
        try:
            began = time.perf_counter()
            client.connect()
            found = {"connect_ms": (time.perf_counter() - began) * 1000, **examine(client, arguments.pings)}
        finally:
            client.close()
        print(json.dumps(found, indent=2) + "\n" if arguments.json else text(found), end="")
        return exits.OK

    return asking.told("diagnose", work)


def examine(client: Client, pings: int) -> dict[str, Any]:
    """Round trips in ms, and what the device says by the name of the question; a refusal as ``refused …``."""
    round_trips = sorted(_timed(client) for _ in range(pings))
    found: dict[str, Any] = {
        "round_trip_ms": {
            "least": round_trips[0],
            "median": round_trips[len(round_trips) // 2],
            "most": round_trips[-1],
        }
    }
    for name, question in _QUESTIONS:
        found[name] = _asked(question, client)
    return found


def text(found: dict[str, Any]) -> str:
    """Everything in two columns."""
    trips = found["round_trip_ms"]
    rows = [
        ("connect", f"{found['connect_ms']:.2f} ms"),
        ("round trip", f"{trips['median']:.2f} ms, {trips['least']:.2f} to {trips['most']:.2f}"),
    ]
    rows += [(name.replace("_", " "), _shown(found[name])) for name, _ in _QUESTIONS]
    return aligned(rows)


def _timed(client: Client) -> float:
    """Milliseconds of one round trip; a refusal is an answer, too."""
    from simulator.errors import ModbusException

    began = time.perf_counter()
    with contextlib.suppress(ModbusException):
        client.read_holding_registers(0, 1)
    return (time.perf_counter() - began) * 1000


def _asked(question: Callable[[Any], Any], client: Client) -> Any:
    from simulator.errors import ModbusException, ProtocolError, TimedOut

    try:
        return question(client)
    except ModbusException as error:
        return asking.refusal(error)
    except TimedOut:
        return "no answer"
    except ProtocolError as error:
        return f"nonsense: {error.reason}"


def _loop_back(client: Client) -> str:
    words = client.return_query_data(LOOP_BACK)
    return "right" if tuple(words) == LOOP_BACK else f"wrong: {words}"


def _event_counter(client: Client) -> dict[str, Any]:
    answer = client.get_comm_event_counter()
    return {"busy": answer.busy, "events": answer.event_count}


def _event_log(client: Client) -> dict[str, Any]:
    answer = client.get_comm_event_log()
    return {
        "busy": answer.busy,
        "events": answer.event_count,
        "messages": answer.message_count,
        "log": answer.events.hex(" "),
    }


_QUESTIONS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("loop_back_test", _loop_back),
    ("diagnostic_register", lambda client: client.return_diagnostic_register()),
    ("bus_messages", lambda client: client.return_bus_message_count()),
    ("bus_communication_errors", lambda client: client.return_bus_communication_error_count()),
    ("bus_exception_errors", lambda client: client.return_bus_exception_error_count()),
    ("server_messages", lambda client: client.return_server_message_count()),
    ("server_no_responses", lambda client: client.return_server_no_response_count()),
    ("server_naks", lambda client: client.return_server_nak_count()),
    ("server_busy", lambda client: client.return_server_busy_count()),
    ("bus_character_overruns", lambda client: client.return_bus_character_overrun_count()),
    ("exception_status", lambda client: client.read_exception_status()),
    ("event_counter", _event_counter),
    ("event_log", _event_log),
)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        parts = (f"{name} {_shown(each)}" for name, each in value.items() if each != "")
        return ", ".join(parts)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
