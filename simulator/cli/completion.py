"""``modsim completion bash|zsh|fish``: completion scripts, made from the verbs' own parsers.

Rule: no script names a verb or an option of its own, so none can be out of date.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NamedTuple

from simulator.cli import exits, shells

DESCRIPTION = "Print a script that completes verbs, options, files and profile names in your shell."

EPILOG = """\
install it:
  bash   modsim completion bash > ~/.local/share/bash-completion/completions/modsim
  zsh    modsim completion zsh > "${fpath[1]}/_modsim"
  fish   modsim completion fish > ~/.config/fish/completions/modsim.fish"""

WRITERS = {"bash": shells.bash, "zsh": shells.zsh, "fish": shells.fish}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The shell."""
    parser.add_argument("shell", choices=sorted(WRITERS), help="the shell to write for")


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    print(WRITERS[arguments.shell](commands()), end="")
    return exits.OK


def commands() -> list[shells.Command]:
    """Every verb with its words, as the parsers declare them."""
    from simulator.cli.app import parser_of
    from simulator.cli.verbs import VERBS

    return [shells.Command(verb.name, verb.summary, list(_words(parser_of(verb)))) for verb in VERBS.values()]


COMPLETED = {"FILE": "file", "PATH": "file", "DIR": "directory", "NAME": "profile"}  # by metavar


class _Kind(NamedTuple):
    choices: list[str]
    takes: str


def _words(parser: argparse.ArgumentParser) -> Iterator[shells.Word]:
    for action in parser._actions:
        kind = _kind(action)
        help_text = (action.help or "").split(";")[0].split(" (")[0]
        yield shells.Word(list(action.option_strings), help_text, kind.choices, kind.takes)


def _kind(action: argparse.Action) -> _Kind:
    if action.choices is not None:
        return _Kind([str(choice) for choice in action.choices], "choice")
    if action.nargs == 0:
        return _Kind([], "nothing")
    return _Kind([], COMPLETED.get(str(action.metavar), "word"))
