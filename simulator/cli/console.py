"""The commands of the interactive client: every verb of a client by its name, and a few of its own.

Commands are made from the registry of verbs, so that a new one is there at once, with its arguments.  Knows
no terminal: a line of text in, a text out; a mistake is a ValueError with what was probably meant.
"""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.cli import results
from simulator.documents.wording import suggest, unknown

if TYPE_CHECKING:
    from simulator.client import Client

RESULT = "_"  # the last result, as an argument
_EXCLUDED = {"execute", "execute_pdu"}
_TRUTH = {"true": True, "on": True, "false": False, "off": False}


class Quit(Exception):
    """The user has seen enough."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument of a command.  ``choices`` are legal values, () where any value may be."""

    name: str
    required: bool
    annotation: str
    several: bool = False  # takes all that is left
    named: bool = False  # only as name=value
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """A word, what it does, and its arguments."""

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    run: Callable[..., Any]
    is_own: bool = True  # of the console; of the client otherwise

    @property
    def usage(self) -> str:
        """``read_coils ADDRESS [quantity=] [unit=]``."""
        words = [self.name]
        for each in self.parameters:
            shown = each.name.upper() if each.required else f"[{each.name}{'=' if each.named else ''}]"
            words.append(f"{shown}..." if each.several else shown)
        return " ".join(words)


class Console:
    """A client and what was last read with it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.format = "table"
        self.result: Any = None
        self.first = 0  # address of the first element of the result
        self.commands = {command.name: command for command in (*_client_commands(client), *self._own())}

    def run(self, line: str) -> str:
        """Carry out a line; what to print.  Raises Quit, ValueError, and what the client raises."""
        words = _words(line)
        if not words:
            return ""
        command = self.commands.get(words[0].lower())
        if command is None:
            hint = suggest(words[0], self.commands) or "'help' lists them"
            raise ValueError(f"unknown command {words[0]!r}; {hint}")
        positional, named = self._arguments(command, words[1:])
        value = command.run(*positional, **named)
        if command.is_own:
            return str(value)
        self.result = value
        self.first = _first_address(command, positional, named)
        return results.text(value, self.format, self.first)

    def _arguments(self, command: Command, words: list[str]) -> tuple[list[Any], dict[str, Any]]:
        by_name = {each.name: each for each in command.parameters}
        places = [each for each in command.parameters if not each.named]
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for word in words:
            name, equals, text = word.partition("=")
            if equals and name.isidentifier():
                if name not in by_name:
                    raise ValueError(f"{command.name}: {unknown('argument', name, by_name)}")
                named[name] = self._value(text, by_name[name])
            elif len(positional) < len(places):
                positional.append(self._value(word, places[len(positional)]))
            elif places and places[-1].several:
                positional.append(self._value(word, places[-1]))
            else:
                raise ValueError(f"{word!r} is one too many, expected {command.usage}")
        given = {each.name for each in places[: len(positional)]} | named.keys()
        missing = [each.name for each in command.parameters if each.required and each.name not in given]
        if missing:
            raise ValueError(f"{missing[0]} is missing, expected {command.usage}")
        return positional, named

    def _value(self, text: str, parameter: Parameter) -> Any:
        """What a word means to an argument."""
        if text == RESULT:
            return self.result
        if parameter.choices and text not in parameter.choices:
            raise ValueError(unknown(parameter.name, text, parameter.choices))
        if parameter.annotation.startswith("str"):
            return text
        if parameter.several and ":" in text:
            head, _, last = text.rpartition(":")
            return (*map(_number, head.split(":")), _listed(last) if "," in last else _number(last))
        if "Sequence" in parameter.annotation or "list" in parameter.annotation:
            return _listed(text)
        return _listed(text) if "," in text else _scalar(text)

    def _own(self) -> tuple[Command, ...]:
        from simulator.datatypes import DATA_TYPES, ByteOrder

        word, bytes_ = Parameter("command", False, "str"), Parameter("hex", True, "str", several=True)
        kind = Parameter("type", True, "str", choices=tuple(DATA_TYPES))
        order = Parameter("byte_order", False, "str", choices=tuple(ByteOrder.__members__))
        layout = Parameter("name", False, "str", choices=results.FORMATS)
        number, seconds = Parameter("number", False, "int"), Parameter("seconds", False, "float")
        return (
            Command("help", "commands, or one of them", (word,), self._help),
            Command("unit", "the unit id from now on", (number,), self._unit),
            Command("timeout", "seconds to wait from now on", (seconds,), self._timeout),
            Command("format", "how results are shown", (layout,), self._format),
            Command("as", "the last registers as values of a type", (kind, order), self._as),
            Command("result", "the last result again; _ is it in other commands", (), self._result),
            Command("pdu", "send the bytes of a PDU", (bytes_,), self._pdu),
            Command("decode", "explain bytes", (bytes_,), self._decode),
            Command("connect", "connect now", (), self._connect),
            Command("close", "close the connection", (), self._close),
            Command("quit", "leave", (), self._quit),
            Command("exit", "leave", (), self._quit),
        )

    def _help(self, command: str | None = None) -> str:
        from simulator.cli.columns import aligned

        if command is None:
            rows = [(f"  {each.usage}", each.summary) for each in self.commands.values()]
            return "".join(f"{usage}\n      {summary}\n" for usage, summary in rows)
        found = self.commands.get(command)
        if found is None:
            raise ValueError(unknown("command", command, self.commands))
        return f"{found.usage}\n" + aligned([("", found.summary)])

    def _unit(self, number: Any = None) -> str:
        if number is not None:
            if type(number) is not int or not 0 <= number <= 0xFF:
                raise ValueError(f"unit id is {number}, expected 0 to 255")
            self.client.unit = number
        return f"unit id {self.client.unit}\n"

    def _timeout(self, seconds: Any = None) -> str:
        if seconds is not None:
            if type(seconds) not in (int, float) or seconds <= 0:
                raise ValueError(f"timeout is {seconds}, expected more than 0 seconds")
            self.client.close()  # the next connection has it
            self.client.options = self.client.options._replace(timeout=float(seconds))
        return f"timeout {self.client.options.timeout:g} s\n"

    def _format(self, name: str | None = None) -> str:
        if name is not None:
            self.format = name
        return f"format {self.format}, of {', '.join(results.FORMATS)}\n"

    def _as(self, type: str, byte_order: str = "ABCD") -> str:
        return results.typed(self.result, type, byte_order, self.first)

    def _result(self) -> str:
        return results.text(self.result, self.format, self.first)

    def _pdu(self, *words: str) -> str:
        from simulator.explanation.hexadecimal import parse_hex

        self.result = self.client.execute_pdu(parse_hex(" ".join(words)))
        return results.text(self.result, self.format, 0)

    def _decode(self, *words: str) -> str:
        return results.decoded(" ".join(words))

    def _connect(self) -> str:
        self.client.connect()
        return f"connected to {self.client.url}\n"

    def _close(self) -> str:
        self.client.close()
        return "closed\n"

    def _quit(self) -> str:
        raise Quit


def _client_commands(client: Client) -> list[Command]:
    """A command for each verb, with the arguments and the first line of its plan."""
    from simulator.client.plans import verbs
    from simulator.client.verbs import Verbs

    found = []
    for name, each in verbs(Verbs).items():
        if name in _EXCLUDED:
            continue
        parameters = tuple(
            Parameter(
                parameter.name,
                parameter.default is parameter.empty and parameter.kind != parameter.VAR_POSITIONAL,
                str(parameter.annotation),
                several=parameter.kind == parameter.VAR_POSITIONAL,
                named=parameter.kind == parameter.KEYWORD_ONLY,
                choices=_choices(parameter.name),
            )
            for parameter in list(inspect.signature(each.plan).parameters.values())[1:]
        )
        summary = (inspect.getdoc(each) or "").partition("\n")[0].replace("``", "")
        found.append(Command(name, summary, parameters, getattr(client, name), is_own=False))
    return found


def _choices(name: str) -> tuple[str, ...]:
    from simulator.datatypes import DATA_TYPES, ByteOrder
    from simulator.profiles.addresses import TABLE_NAMES

    known = {
        "type": DATA_TYPES,
        "table": tuple(TABLE_NAMES),
        "byte_order": tuple(ByteOrder.__members__),
        "string_order": ("AB", "BA"),
        "padding": ("nul", "space"),
    }
    return tuple(known.get(name, ()))


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError as error:
        raise ValueError(f"line cannot be read: {error}") from None


def _first_address(command: Command, positional: list[Any], named: dict[str, Any]) -> int:
    places = [each.name for each in command.parameters if not each.named]
    given = dict(zip(places, positional, strict=False)) | named
    found = given.get("read_address", given.get("address", 0))
    return found if isinstance(found, int) else 0


def _listed(text: str) -> list[Any]:
    """``1,2,3`` in brackets or without, one comma behind the last; nothing may be left out of it."""
    inner = text[1:-1] if text[:1] + text[-1:] in ("[]", "()") else text
    words = inner.removesuffix(",").split(",") if inner.strip() else []
    if any(not word.strip() or set(word) & set("[]()") for word in words):
        raise ValueError(f"list is {text!r}, expected such as 1,2,3 or [1,2,3] without blanks")
    return [_scalar(word) for word in words]


def _scalar(text: str) -> Any:
    word = text.strip()
    if word.lower() in _TRUTH:
        return _TRUTH[word.lower()]
    try:
        return _number(word)
    except ValueError:
        return word


def _number(text: str) -> int | float:
    try:
        return int(text, 0)
    except ValueError:
        return float(text)
