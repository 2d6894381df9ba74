"""What the verbs that ask a device have in common: arguments of the connection, and what went wrong in words.

Rule: an error of a device or of the way to it is one line on stderr and exit code 1, never a traceback.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.cli import exits

if TYPE_CHECKING:
    from simulator.client import Client

URLS = """\
URL is tcp://HOST[:PORT], udp://, tls://, a framing of serial lines over TCP or UDP (rtu+tcp://,
ascii+udp://, ...), or a serial line: rtu:/dev/ttyUSB0?baudrate=19200&parity=even, ascii:, binary:."""

EXIT_CODES = """\
exit codes:
  0   done
  1   the device refused, did not answer or answered nonsense, or cannot be reached
  2   the command line is wrong
  78  the profile is wrong or not known"""


def add_connection(
    parser: argparse.ArgumentParser, *, timeout: str = "1s", unit: bool = True, traced: bool = True
) -> None:
    """URL, unit id, timeout, retries, certificates, trace."""
    parser.add_argument("url", metavar="URL", help="the device, such as tcp://127.0.0.1:5020")
    way = parser.add_argument_group("connection")
    if unit:
        way.add_argument("--unit", "-u", type=int, default=1, metavar="N", help="unit id (default: 1)")
    way.add_argument(
        "--timeout",
        type=seconds,
        default=seconds(timeout),
        metavar="TIME",
        help=f"for an answer and for the connection, such as 500ms or 2s (default: {timeout})",
    )
    way.add_argument(
        "--retries", type=int, default=0, metavar="N", help="tries after the first, when no answer comes"
    )
    if traced:
        way.add_argument("--trace", action="store_true", help="every byte sent and received, on stderr")
    way.add_argument("--ca", metavar="PATH", help="tls: who signs the server's certificate")
    way.add_argument("--certificate", metavar="PATH", help="tls: the certificate of this client")
    way.add_argument("--key", metavar="PATH", help="tls: its key")
    way.add_argument("--server-name", metavar="HOST", help="tls: the name in the server's certificate")


def seconds(text: str) -> float:
    """Seconds of ``10``, ``500ms``, ``10s``, ``1m``, ``1h``."""
    import re

    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"duration is {text!r}, expected such as 500ms, 10s, 1m or 1h")
    return float(match[1]) * {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}[match[2]]


def client_of(arguments: argparse.Namespace) -> Client:
    """The client that the arguments describe, not yet connected; ValueError when they make no sense."""
    from simulator.client import Client

    kind = Client
    if arguments.trace:
        from simulator.cli.tracing import TracingClient

        kind = TracingClient
    unit = getattr(arguments, "unit", 1)
    return kind(
        arguments.url,
        unit=unit if isinstance(unit, int) else 1,  # a verb with ranges of units names one in each request
        timeout=arguments.timeout,
        retries=arguments.retries,
        ca=arguments.ca,
        certificate=arguments.certificate,
        key=arguments.key,
        server_name=arguments.server_name,
    )


def told(verb: str, work: Callable[[], int]) -> int:
    """The exit code of ``work``, and what went wrong in it on stderr."""
    from simulator.errors import ConfigError, ModbusException, NetworkError, ProtocolError

    try:
        return work()
    except (NetworkError, ProtocolError) as error:
        print(f"modsim {verb}: {error}", file=sys.stderr)
        return exits.RUNTIME
    except ModbusException as error:
        print(f"modsim {verb}: {refusal(error)}", file=sys.stderr)
        return exits.RUNTIME
    except ConfigError:
        raise
    except (ValueError, KeyError) as error:
        print(f"modsim {verb}: {error.args[0] if error.args else error}", file=sys.stderr)
        return exits.USAGE


def refusal(error: object) -> str:
    """``refused with exception 2, illegal data address``."""
    from simulator.explanation.names import exception_name

    code = getattr(error, "code", 0)
    return f"refused with exception {code}, {exception_name(code)}"


def name_of(table_label: str) -> str:
    """``holding register`` for ``holding_register``."""
    return table_label.replace("_", " ")
