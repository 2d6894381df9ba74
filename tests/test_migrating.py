"""What docs/migrating.md shows on the right of its tables runs as it stands, and gives what it says.

Each section is worked through from top to bottom in one folder and one set of names: its Python blocks, then every
piece of code of every row.  A piece that ``gives`` another is equal to it, one that ``raises`` an exception does.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from simulator.embed import ModbusServer

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "migrating.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S))
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)
SPAN = re.compile(r"`((?:[^`\\]|\\.)+)`(?: (gives|raises) `([^`]+)`)?")
SYSTEMS = ("modbus_server", "modbus-tcp-server", "uModbus", "pyModbusTCP", "PyModbus")
PORTS = ("5020", "5021", "5022")
PATIENCE_S = 60


def rows(section: str) -> list[tuple[str, str]]:
    """Left and right of each row."""
    found = re.findall(r"^\| (.+?) \| (.+) \|$", section, re.M)
    return [(left, right) for left, right in found if left not in ("there", "---")]


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Work:
    """The names and the folder of one section."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
        self.module = ModuleType("migrating")  # dataclasses look for theirs
        self.names: dict[str, Any] = vars(self.module)
        self.loop = asyncio.new_event_loop()
        self.count = 0

    def inward(self, code: str) -> str:
        for shown, port in self.ports.items():
            code = code.replace(shown, port)
        return code.replace("/tmp/modsim-line", str(self.folder / "line"))

    def do(self, span: str, verb: str, expected: str) -> None:
        self.count += 1
        if span.startswith("modsim "):
            self.command(shlex.split(self.inward(span))[1:])
        elif verb == "raises":
            with pytest.raises(self.value(expected)):
                self.value(span)
        elif verb == "gives":
            assert self.value(span) == self.value(expected), span
        else:
            self.run(span)

    def value(self, code: str) -> Any:
        return self._done(eval(self._compiled(code, "eval"), self.names))

    def run(self, code: str) -> None:
        try:
            self.value(code)
        except SyntaxError:
            exec(self._compiled(code, "exec"), self.names)

    def command(self, words: list[str]) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "simulator", *words], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert process.stdout is not None
        if words[0] in ("serve", "run", "--config", "forward"):
            readable, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
            line = process.stdout.readline() if readable else ""
            process.send_signal(signal.SIGINT)
            printed, _ = process.communicate(timeout=PATIENCE_S)
            assert line.startswith("ready"), line + printed
        else:
            printed, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, f"modsim {' '.join(words)}\n{printed}"

    def close(self) -> None:
        for found in self.names.values():
            if isinstance(found, ModbusServer):
                found.stop()
        self.loop.close()

    def _compiled(self, code: str, mode: str) -> Any:
        return compile(self.inward(code), "docs/migrating.md", mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    def _done(self, value: Any) -> Any:
        return self.loop.run_until_complete(value) if inspect.iscoroutine(value) else value


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    monkeypatch.chdir(tmp_path)
    found = Work(tmp_path)
    monkeypatch.setitem(sys.modules, "migrating", found.module)
    yield found
    found.close()


@pytest.mark.parametrize("name", SECTIONS)
def test_every_line_on_the_right_runs(name: str, work: Work, request: pytest.FixtureRequest) -> None:
    section = SECTIONS[name]
    for language, file, body in BLOCK.findall(section):
        if language == "python":
            exec(compile(work.inward(body), name, "exec"), work.names)
        elif file:
            (work.folder / file).write_text(work.inward(body))
    for left, right in rows(section):
        spans = SPAN.findall(right)
        assert spans, f"{name}: nothing to run for {left!r}"
        for span in spans:
            if not is_remark(span[0]):
                work.do(*span)
    assert work.count >= len(rows(section))


def is_remark(span: str) -> bool:
    """What stands beside code: an option, a word, another URL."""
    return re.fullmatch(r'"\w+"|--\w+|tls|call|rtu:\S+', span) is not None


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_has_a_table(system: str) -> None:
    found = [rows(text) for name, text in SECTIONS.items() if re.match(rf"{re.escape(system)}(?!\w)", name)]
    assert sum(map(len, found)) >= 10
