"""``modsim ctl OPERATION …``: hands on a running plant."""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import Any

from simulator.cli import control_texts, exits
from simulator.control.verbs import TABLE, VERBS, Parameter, Verb

DESCRIPTION = """\
Operate a running plant over its API: values, time, faults, scenarios, the journal.

The plant has to be started with --http, or with control.http in its file. It is found by --url, by
MODSIM_URL, or by itself when one such plant of this user runs on this machine; a token comes from
MODSIM_TOKEN, or from what that plant left for its user."""

EPILOG = f"""\
operations:
{control_texts.listed()}

Names may be patterns: * any text, ? one character, [a-c] one of these. Values are numbers, true, false,
labels and texts; a list is written [1,2,3]. modsim ctl OPERATION --help says more.

examples:
  modsim ctl status
  modsim ctl devices 'meter-00*' --limit 5
  modsim ctl read 'meter-00*' voltage_l1
  modsim ctl write meter-0001 voltage_l1=251.5
  modsim ctl advance 3600
  modsim ctl add-fault '{{"name": "late", "then": {{"delay": "500ms"}}}}'
  modsim ctl verify device=meter-0001 read=voltage_l1 every=2s

exit codes:
  0   done
  1   the plant refused, or cannot be reached
  2   the command line is wrong
  99  verify: the expectation is not met"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the plant is, and what to do."""
    parser.add_argument("--url", metavar="URL", help="the API, such as http://127.0.0.1:8080")
    parser.add_argument("--json", action="store_true", help="what the API answers, as JSON")
    parser.add_argument(
        "--timeout", type=float, default=60.0, metavar="SECONDS", help="for an answer (default: 60)"
    )
    operations = parser.add_subparsers(
        dest="operation", metavar="OPERATION", required=True, parser_class=argparse.ArgumentParser
    )
    for verb in TABLE:
        _add(operations.add_parser(verb.name, help=verb.summary, description=verb.summary.capitalize()), verb)


def run(arguments: argparse.Namespace) -> int:
    """Ask the plant, print what it answers."""
    from simulator.remote import NoPlant, Remote, RemoteError

    verb = VERBS[arguments.operation]
    try:
        given = {
            each.name: _value(each, getattr(arguments, f"given_{each.name}")) for each in verb.parameters
        }
        with Remote.find(arguments.url, timeout=arguments.timeout) as remote:
            found = remote.call(verb, given)
    except (NoPlant, RemoteError) as error:
        return _failed(str(error), exits.RUNTIME)
    except ValueError as error:
        return _failed(str(error), exits.USAGE)
    except OSError as error:
        where = arguments.url or "the plant"
        return _failed(f"{where} cannot be reached: {error.strerror or error}", exits.RUNTIME)
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        print(control_texts.shown(verb.name, found), end="")
    return exits.NOT_MET if verb.name == "verify" and not found["met"] else exits.OK


def _failed(text: str, code: int) -> int:
    print(f"modsim ctl: {text}", file=sys.stderr)
    return code


def _add(parser: argparse.ArgumentParser, verb: Verb) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    for each in verb.parameters:
        options: dict[str, Any] = {"help": each.help, "dest": f"given_{each.name}"}
        if each.choices:
            options["choices"] = each.choices
        elif each.kind in ("integer", "number"):
            options["type"] = int if each.kind == "integer" else float
        if not each.is_word:
            parser.add_argument(
                f"--{each.name}", metavar=None if each.choices else each.name.upper(), **options
            )
            continue
        name = options.pop("dest")
        several = each.kind in ("values", "mapping") or (each.kind == "texts" and each is verb.parameters[-1])
        several = several or (each.kind == "texts" and each.name == "point")
        if several:
            options["nargs"] = "+" if each.required else "*"
        elif not each.required:
            options["nargs"] = "?"
            options["default"] = each.default
        metavar = "NAME=VALUE" if each.kind == "mapping" else each.name.upper()
        parser.add_argument(name, metavar=metavar, **options)


def _value(parameter: Parameter, given: Any) -> Any:
    """What is sent; raises ValueError."""
    if given is None or given == []:
        return None
    if parameter.kind == "mapping":
        return _mapping(given)
    if parameter.kind == "values":
        return [_whole(word) for word in given]
    return given


def _mapping(words: list[str]) -> dict[str, Any]:
    """``name=value`` words, or one JSON object."""
    if len(words) == 1 and words[0].lstrip().startswith("{"):
        found = json.loads(words[0])
        return dict(found)
    pairs: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise ValueError(f"{word!r} is no NAME=VALUE, expected such as setpoint=21.5, or a JSON object")
        pairs[name] = _scalar(text)
    return pairs


def _scalar(text: str) -> Any:
    """A number, a truth value, a list or an object of JSON; a text otherwise."""
    if re.fullmatch(r"0x[0-9A-Fa-f]+", text):
        return int(text, 16)
    try:
        return json.loads(text, parse_constant=str)
    except ValueError:
        return text


def _whole(word: str) -> int:
    try:
        return int(word, 0)
    except ValueError:
        raise ValueError(f"value is {word!r}, expected a whole number such as 17 or 0x11") from None
