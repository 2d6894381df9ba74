"""Completion scripts know every verb and option, and the shells take them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from simulator.cli.completion import WRITERS, commands


def spelled(shell: str, option: str) -> str:
    if shell != "fish":
        return option
    return f"-l {option[2:]} " if option.startswith("--") else f"-s {option[1:]} "


CHECK = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "--no-execute"]}


@pytest.mark.parametrize("shell", WRITERS)
def test_every_verb_and_option_is_in_the_script(shell):
    script = WRITERS[shell](commands())
    for command in commands():
        assert command.name in script
        for option in command.options:
            assert spelled(shell, option) in script


@pytest.mark.parametrize("shell", [shell for shell in WRITERS if shutil.which(shell)])
def test_the_shell_takes_the_script(shell, tmp_path):
    script = tmp_path / "script"
    script.write_text(WRITERS[shell](commands()))
    result = subprocess.run([*CHECK[shell], str(script)], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.fixture
def complete(tmp_path):
    """What bash offers for the last word of a line."""
    binary = tmp_path / "bin" / "modsim"
    binary.parent.mkdir()
    binary.write_text(f'#!/bin/sh\nexec {sys.executable} -m simulator "$@"\n')
    binary.chmod(0o755)
    (tmp_path / "plant.yaml").write_text("")
    (tmp_path / "script").write_text(WRITERS["bash"](commands()))

    def offered(*words: str) -> list[str]:
        line = " ".join(f"'{word}'" for word in words)
        code = (
            f"source ./script; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _modsim; "
            'printf "%s\\n" "${COMPREPLY[@]}"'
        )
        path = f"{binary.parent}:{os.environ['PATH']}"
        result = subprocess.run(
            ["bash", "-c", code],
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        assert result.stderr == ""
        return result.stdout.split()

    return offered


def test_bash_completes_verbs(complete):
    assert complete("modsim", "ch") == ["check"]
    assert {"run", "serve", "--config"} <= set(complete("modsim", ""))


def test_bash_completes_options_and_their_values(complete):
    assert complete("modsim", "run", "--log-f") == ["--log-format", "--log-file"]
    assert complete("modsim", "run", "--log-format", "j") == ["json"]
    assert complete("modsim", "--config", "p.yaml", "--rea") == ["--ready-file"]


def test_bash_completes_files(complete):
    assert complete("modsim", "check", "pl") == ["plant.yaml"]
    assert complete("modsim", "--config", "pl") == ["plant.yaml"]


def test_bash_completes_profile_names(complete):
    assert complete("modsim", "profiles", "show", "energy-m") == ["energy-meter"]
