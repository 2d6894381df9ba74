"""``modsim repl URL``: an interactive client; also for scripts on stdin."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from simulator.cli import asking, exits

if TYPE_CHECKING:
    from simulator.cli.console import Console

DESCRIPTION = f"""\
Talk to a device: every request of Modbus by its name, with completion of commands and arguments (Tab),
a history that is kept, and results in the format you choose. 'help' lists the commands, 'help COMMAND'
says more. The last result is _ in the next command, and 'as float32 CDAB' shows it as values of a type.

When stdin is no terminal, its lines are carried out one after the other; # begins a comment.

{asking.URLS}"""

EPILOG = """\
examples:
  modsim repl tcp://127.0.0.1:5020
  > read_holding_registers 0 10
  > read float32 100 count=2 byte_order=CDAB
  > write_multiple_registers 0 1,2,3 unit=7
  modsim repl 'rtu:/dev/ttyUSB0?baudrate=9600' --unit 17
  modsim repl tcp://127.0.0.1:5020 -e 'read_coils 0 8' -e 'write_single_coil 3 on'
  echo read_device_identification | modsim repl tcp://127.0.0.1:15021

exit codes:
  0   done
  1   a command of a script failed, or prompt_toolkit is missing
  2   the command line is wrong"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """To whom, and what without a terminal."""
    asking.add_connection(parser)
    parser.add_argument(
        "--execute", "-e", metavar="COMMAND", action="append", default=[], help="do this and end; repeatable"
    )
    parser.add_argument(
        "--history", metavar="PATH", help="where lines are kept (default: ~/.local/state/modsim/history)"
    )


def run(arguments: argparse.Namespace) -> int:
    """A conversation, or a script."""

    def work() -> int:
        from simulator.cli.console import Console

        client = asking.client_of(arguments)
        try:
            console = Console(client)
            if arguments.execute:
                return script(console, arguments.execute)
            if not sys.stdin.isatty():
                return script(console, sys.stdin)
            return _conversation(console, arguments.history)
        finally:
            client.close()

    return asking.told("repl", work)


def script(console: Console, lines: Iterable[str]) -> int:
    """Carry out lines; the first that fails ends it with exit code 1."""
    from simulator.cli.console import Quit

    for line in lines:
        try:
            text, wrong = answer(console, line)
        except Quit:
            return exits.OK
        if wrong:
            print(f"modsim repl: {line.strip()}: {wrong}", file=sys.stderr)
            return exits.RUNTIME
        print(text, end="", flush=True)
    return exits.OK


def answer(console: Console, line: str) -> tuple[str, str]:
    """What a line gives, or what is wrong with it."""
    from simulator.errors import ModbusException, NetworkError, ProtocolError

    try:
        return console.run(line), ""
    except ModbusException as error:
        return "", asking.refusal(error)
    except (NetworkError, ProtocolError) as error:
        return "", error.reason
    except (ValueError, TypeError) as error:
        return "", str(error)


def _conversation(console: Console, history: str | None) -> int:
    try:
        from simulator.cli.prompt import converse
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("prompt_toolkit", "wcwidth"):
            raise
        print(
            "modsim repl: a terminal needs the package prompt_toolkit: pip install modsim[tui]; "
            "without it, give commands with -e or on stdin",
            file=sys.stderr,
        )
        return exits.RUNTIME
    return converse(console, history)
