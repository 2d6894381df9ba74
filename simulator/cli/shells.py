"""What a completion script looks like in bash, zsh and fish.

Pure text: commands in, a script out.  Profile names are asked from ``modsim profiles list`` when
the user presses TAB, everything else is written down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

PROFILE_NAMES = "modsim profiles list --names 2>/dev/null"


class Word(NamedTuple):
    """An option, or a positional argument when ``options`` is empty."""

    options: list[str]
    help: str
    choices: list[str]
    takes: str  # nothing, choice, file, directory, profile or word


class Command(NamedTuple):
    """A verb."""

    name: str
    help: str
    words: list[Word]

    @property
    def options(self) -> list[str]:
        """All option strings."""
        return [option for word in self.words for option in word.options]


def bash(commands: Sequence[Command]) -> str:
    """A function for ``complete -F``."""
    cases = "\n".join(_bash_case(command) for command in commands)
    names = " ".join(command.name for command in commands)
    front = " ".join([names, "--help", "--version", "--config"])
    return f"""\
# bash completion for modsim
_modsim() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} verb=${{COMP_WORDS[1]}}
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=( $(compgen -W "{front}" -- "$word") )
        return
    fi
    case "$verb" in -*) verb=run ;; esac
    case "$verb" in
{cases}
    esac
}}
complete -o filenames -F _modsim modsim
"""


def _bash_case(command: Command) -> str:
    values = [
        f"            {'|'.join(word.options)}) {_bash_values(word)}; return ;;"
        for word in command.words
        if word.options and word.takes != "nothing"
    ]
    positional = "".join(f"\n        {_bash_values(word)}" for word in command.words if not word.options)
    lines = ['        case "$before" in', *values, "        esac"] if values else []
    block = "\n".join(lines)
    options = " ".join(command.options)
    return f"""\
    {command.name})
{block}
        case "$word" in -*) COMPREPLY=( $(compgen -W "{options}" -- "$word") ); return ;; esac{positional}
        ;;"""


def _bash_values(word: Word) -> str:
    if word.takes == "choice":
        source = f'-W "{" ".join(word.choices)}"'
    elif word.takes == "profile":
        source = f'-W "$({PROFILE_NAMES})"'
    elif word.takes in ("file", "directory"):
        source = "-f" if word.takes == "file" else "-d"
    else:
        return ":"
    return f'COMPREPLY+=( $(compgen {source} -- "$word") )'


def zsh(commands: Sequence[Command]) -> str:
    """A ``#compdef`` function."""
    verbs = "\n".join(f"    {_quoted(f'{command.name}:{command.help}')}" for command in commands)
    cases = "\n".join(_zsh_case(command) for command in commands)
    return f"""\
#compdef modsim
# zsh completion for modsim
_modsim_profile_names() {{
  local -a names
  names=(${{(f)"$({PROFILE_NAMES})"}})
  compadd -a names
}}
_modsim() {{
  local -a verbs
  verbs=(
{verbs}
  )
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    _describe verb verbs
    return
  fi
  local verb=$words[2]
  if [[ $verb == -* ]]; then
    verb=run
  else
    shift words
    (( CURRENT-- ))
  fi
  case $verb in
{cases}
  esac
}}
if [[ $funcstack[1] == _modsim ]]; then
  _modsim "$@"
else
  compdef _modsim modsim
fi
"""


def _zsh_case(command: Command) -> str:
    specs = " \\\n        ".join(_quoted(spec) for word in command.words for spec in _zsh_specs(word))
    return f"    {command.name})\n      _arguments \\\n        {specs}\n      ;;"


def _zsh_specs(word: Word) -> list[str]:
    action = {
        "choice": f"({' '.join(word.choices)})",
        "file": "_files",
        "directory": "_files -/",
        "profile": "_modsim_profile_names",
    }.get(word.takes, " ")
    text = word.help.replace("[", "(").replace("]", ")").replace(":", " -")
    if not word.options:
        return [f"::{text or 'argument'}:{action}"]
    value = "" if word.takes == "nothing" else f":value:{action}"
    return [f"{option}[{text}]{value}" for option in word.options]


def fish(commands: Sequence[Command]) -> str:
    """``complete`` lines."""
    front = "complete -c modsim -n __fish_use_subcommand"
    lines = [
        "# fish completion for modsim",
        "complete -c modsim -f",
        f"{front} -l help -d 'what there is'",
        f"{front} -l version -d 'which version this is'",
    ]
    for command in commands:
        lines.append(f"{front} -a {command.name} -d {_quoted(command.help)}")
        lines += [_fish_line(_fish_condition(command, commands, word), word) for word in command.words]
    return "\n".join(lines) + "\n"


def _fish_condition(command: Command, commands: Sequence[Command], word: Word) -> str:
    """When a word is offered; options without a verb belong to the first command."""
    if command is commands[0] and word.options:
        others = " ".join(other.name for other in commands if other is not command)
        return f"not __fish_seen_subcommand_from {others}"
    return f"__fish_seen_subcommand_from {command.name}"


def _fish_line(condition: str, word: Word) -> str:
    line = f"complete -c modsim -n {_quoted(condition)}"
    for option in word.options:
        line += f" -l {option[2:]}" if option.startswith("--") else f" -s {option[1:]}"
    line += {
        "choice": f" -a {_quoted(' '.join(word.choices))}",
        "file": " -F",
        "directory": " -a '(__fish_complete_directories)'",
        "profile": f" -a {_quoted(f'({PROFILE_NAMES})')}",
    }.get(word.takes, "")
    if word.options and word.takes != "nothing":
        line += " -r" if word.takes == "file" else " -x"
    return f"{line} -d {_quoted(word.help)}" if word.help else line


def _quoted(text: str) -> str:
    """A word in single quotes, for every shell."""
    return "'" + text.replace("'", "’") + "'"
