"""``main``: find the verb, parse its arguments, run it, end with the right exit code.

Options without a verb belong to ``run``: ``modsim --config FILE`` is ``modsim run --config FILE``.
Rule: importing this module costs argparse and nothing else.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from simulator.cli import exits, streams, texts
from simulator.cli.verbs import VERBS, Verb

FRONT_PAGE = {"-h", "--help", "help"}


class Parser(argparse.ArgumentParser):
    """An argument parser that keeps the layout of its texts and points at ``--help``."""

    def __init__(self, prog: str, description: str, epilog: str) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line, exit code 2."""
        self.print_usage(sys.stderr)
        self.exit(exits.USAGE, f"{self.prog}: {message}\nSee '{self.prog} --help'.\n")


def parser_of(verb: Verb) -> argparse.ArgumentParser:
    """The argument parser of a verb."""
    module = verb.load()
    parser = Parser(f"modsim {verb.name}", module.DESCRIPTION, module.EPILOG)
    module.add_arguments(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv`` (default: the process's own) and return the exit code."""
    streams.open_standard_descriptors()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(words)
    except BrokenPipeError:  # `modsim schema | head`: the reader has seen enough
        streams.abandon_stdout()
        return exits.OK
    except KeyboardInterrupt:
        return exits.RUNTIME
    except Exception as error:
        code, text = exits.explain(error)
        streams.STDERR.write(f"modsim: {text}\n" if code != exits.CONFIGURATION else f"{text}\n")
        if code == exits.RUNTIME and not isinstance(error, OSError):
            import traceback

            streams.STDERR.write(traceback.format_exc())
        return code
    finally:
        streams.flush()


def _dispatch(words: list[str]) -> int:
    if not words:
        streams.STDERR.write(texts.front_page())
        return exits.USAGE
    first = words[0]
    if first in FRONT_PAGE:
        print(texts.front_page(), end="")
        return exits.OK
    if first == "--version":
        from importlib.metadata import version

        print(f"modsim {version('modsim')}")
        return exits.OK
    if first.startswith("-"):
        words = ["run", *words]
    elif first not in VERBS:
        streams.STDERR.write(texts.unknown_verb(first))
        return exits.USAGE
    verb = VERBS[words[0]]
    parser = parser_of(verb)
    return verb.load().run(parser.parse_args(words[1:]))
