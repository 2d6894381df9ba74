"""The terminal of the interactive client: prompt, completion, history.

The only module that needs prompt_toolkit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from simulator.cli import exits
from simulator.cli.console import RESULT, Console, Quit
from simulator.cli.repl import answer

if TYPE_CHECKING:
    from prompt_toolkit.document import Document


def converse(console: Console, history: str | None) -> int:
    """Ask, answer, until the user leaves."""
    session: PromptSession[str] = PromptSession(
        history=_history(history), completer=Words(console), complete_while_typing=False
    )
    print(f"{console.client.url}: 'help' lists the commands, Tab completes them, Ctrl-D leaves")
    while True:
        try:
            line = session.prompt(lambda: f"unit {console.client.unit}> ")
            text, wrong = answer(console, line)
        except KeyboardInterrupt:
            continue
        except (EOFError, Quit):
            return exits.OK
        print(f"! {wrong}" if wrong else text, end="\n" if wrong else "", flush=True)


class Words(Completer):
    """Commands, then the names and values of their arguments."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def get_completions(self, document: Document, complete_event: Any) -> Iterator[Completion]:
        """What may stand at the cursor."""
        before = document.text_before_cursor
        words = before.split()
        begun = "" if before.endswith(" ") or not words else words.pop()
        if not words:
            for command in self._console.commands.values():
                if command.name.startswith(begun):
                    yield Completion(command.name, -len(begun), display_meta=command.summary)
            return
        yield from self._arguments(words, begun)

    def _arguments(self, words: list[str], begun: str) -> Iterator[Completion]:
        command = self._console.commands.get(words[0])
        if command is None:
            return
        if command.name == "help":
            choices: tuple[str, ...] = tuple(self._console.commands)
            yield from (Completion(each, -len(begun)) for each in choices if each.startswith(begun))
            return
        name, equals, value = begun.partition("=")
        by_name = {parameter.name: parameter for parameter in command.parameters}
        if equals:
            for each in by_name[name].choices if name in by_name else ():
                if each.startswith(value):
                    yield Completion(each, -len(value))
            return
        given = {word.partition("=")[0] for word in words[1:] if "=" in word}
        place = sum("=" not in word for word in words[1:])
        places = [parameter for parameter in command.parameters if not parameter.named]
        if place < len(places):
            for each in places[place].choices:
                if each.startswith(begun):
                    yield Completion(each, -len(begun))
        for parameter in command.parameters:
            if parameter.name.startswith(begun) and parameter.name not in given:
                needed = "needed" if parameter.required else parameter.annotation
                yield Completion(f"{parameter.name}=", -len(begun), display_meta=needed)
        if RESULT.startswith(begun) and self._console.result is not None:
            yield Completion(RESULT, -len(begun), display_meta="the last result")


def _history(path: str | None) -> History:
    """The file of lines; in memory when there can be none."""
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    file = Path(path) if path else Path(state) / "modsim" / "history"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
    except OSError:
        if path:
            raise
        return InMemoryHistory()
    return FileHistory(str(file))
