"""Options from the environment: ``MODSIM_LOG_LEVEL=debug`` is ``--log-level debug``.

For the verbs that serve, which run where command lines are awkward: units, containers, pipelines.  Rule:
the command line goes before the environment, the environment before the file; an empty variable is none.
What a variable holds is looked at only when its option is not given, and an error names the variable.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any, NamedTuple

PREFIX = "MODSIM_"


class Given(NamedTuple):
    """An option that the environment gives: the variable, its text, what the option would be without both."""

    action: argparse.Action
    variable: str
    text: str


def variable_of(action: argparse.Action) -> str | None:
    """The variable of an option; None for what is no option of its own."""
    name = next((option for option in action.option_strings if option.startswith("--")), "--help")
    return None if name == "--help" else PREFIX + name[2:].replace("-", "_").upper()


def show(parser: argparse.ArgumentParser) -> None:
    """Name the variables in the help."""
    for action in parser._actions:
        if variable := variable_of(action):
            action.help = f"{action.help or ''} ({variable})".lstrip()


def take(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> list[Given]:
    """What the environment gives; the result of the parser has these only when the command line does."""
    found = [
        Given(action, name, environ[name])
        for action in parser._actions
        if (name := variable_of(action)) and environ.get(name)
    ]
    actions = [each.action for each in found]
    for action in actions:
        action.default = argparse.SUPPRESS
        action.required = False
    for group in parser._mutually_exclusive_groups:
        if any(action in actions for action in group._group_actions):
            group.required = False
    return found


def fill(parser: argparse.ArgumentParser, namespace: argparse.Namespace, found: list[Given]) -> None:
    """Put in what the command line did not say; ends with exit code 2 where that is no value."""
    for given in found:
        if not hasattr(namespace, given.action.dest):
            try:
                setattr(namespace, given.action.dest, _value(parser, given))
            except argparse.ArgumentError as error:
                parser.error(f"environment variable {given.variable}: {error.message}")


def _value(parser: argparse.ArgumentParser, given: Given) -> Any:
    """What the option has when the variable has this text; raises ArgumentError."""
    action, text = given.action, given.text
    if action.nargs == 0:
        if text.lower() in ("true", "1"):
            return action.const
        if text.lower() in ("false", "0"):
            return not action.const
        raise argparse.ArgumentError(action, f"invalid choice: {text!r} (expected true or false)")
    texts = (
        [word.strip() for word in text.split(",")] if isinstance(action, argparse._AppendAction) else [text]
    )
    values = [parser._get_value(action, word) for word in texts]
    for value in values:
        parser._check_value(action, value)
    return values if isinstance(action, argparse._AppendAction) else values[0]
