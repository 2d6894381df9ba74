"""``main``: find the verb, parse its arguments, run it, end with the right exit code.

Options without a verb belong to ``run``: ``modsim --config FILE`` is ``modsim run --config FILE``.
Rule: importing this module costs argparse and nothing else.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from simulator.cli import environment, exits, streams, texts
from simulator.cli.verbs import VERBS, Verb

WIDEST = 110  # columns that are good to read
FRONT_PAGE = {"-h", "--help", "help"}


class Layout(argparse.RawDescriptionHelpFormatter):
    """Fits the paragraphs of descriptions into the terminal; what is indented keeps its lines."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        import textwrap

        fit = textwrap.TextWrapper(min(width, WIDEST), break_long_words=False, break_on_hyphens=False)
        told = [part if "\n " in part else fit.fill(part) for part in text.split("\n\n")]
        return textwrap.indent("\n\n".join(told), indent)


class Parser(argparse.ArgumentParser):
    """An argument parser that keeps the layout of its examples and points at ``--help``."""

    def __init__(self, prog: str, description: str, epilog: str) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            formatter_class=Layout,
            allow_abbrev=False,
        )
        self.reads_environment = False

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Options may stand before, between and behind the other arguments, some in the environment."""
        given = environment.take(self, os.environ) if self.reads_environment else []
        try:
            found = self.parse_intermixed_args(args, namespace)
        except TypeError:  # a FILE that excludes an option cannot be parsed so
            found = super().parse_args(args, namespace)
        environment.fill(self, found, given)
        return found

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line, exit code 2."""
        self.print_usage(sys.stderr)
        hint = self._meant(message)
        self.exit(exits.USAGE, f"{self.prog}: {message}{hint}\nSee '{self.prog} --help'.\n")

    def _check_value(self, action: argparse.Action, value: object) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            error.message += _near(str(value), map(str, action.choices or ()))
            raise

    def _meant(self, message: str) -> str:
        """The option that an unknown one is near to."""
        word = message.removeprefix("unrecognized arguments: ").partition(" ")[0].partition("=")[0]
        unknown = message.startswith("unrecognized arguments: -")
        return _near(word, self._option_string_actions) if unknown else ""


def _near(word: str, legal: Iterable[str]) -> str:
    """``; did you mean 'rtu'?`` when one of the legal words is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(legal), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def parser_of(verb: Verb) -> argparse.ArgumentParser:
    """The argument parser of a verb."""
    module = verb.load()
    parser = Parser(f"modsim {verb.name}", module.DESCRIPTION, module.EPILOG)
    module.add_arguments(parser)
    if verb.serves:
        parser.reads_environment = True
        environment.show(parser)
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
    if first == "help" and words[1:2] and words[1] in VERBS:
        first, *_ = words = [words[1], "--help"]
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
