"""The interactive client: scripts, mistakes, and a conversation over a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest

from simulator.cli.console import Console
from simulator.client import Client
from simulator.client.verbs import names


@pytest.fixture
def url(start, tmp_path) -> str:
    (tmp_path / "plant.yaml").write_text(
        'devices: [{name: m, profile: energy-meter, endpoint: "tcp://127.0.0.1:0", unit_id: 1}]\n'
    )
    return f"tcp://127.0.0.1:{start('run', 'plant.yaml').wait_ready().ports[0]}"


def test_every_verb_of_a_client_is_a_command():
    commands = Console(Client("tcp://127.0.0.1:1")).commands
    assert set(names()) - {"execute", "execute_pdu"} <= set(commands)
    assert commands["read_holding_registers"].usage == "read_holding_registers ADDRESS [quantity] [unit=]"
    assert all(command.summary for command in commands.values())


def test_a_script_of_commands(modsim, url):
    commands = (
        "write_multiple_registers 2 30",
        "read_holding_registers address=2 quantity=2",
        "format hex",
        "result",
        "write_multiple_registers 2 _",
        "read_coils 0 2",
        "read_device_identification read_code=4 object_id=1",
        "report_server_id",
        "pdu 03 00 02 00 01",
        "unit 1",
        "timeout 0.5",
        "read float32 0 table=input_register",
        "write uint16 2 15",
        "return_query_data 1,2,3",
        "as uint16",
    )
    result = modsim("repl", url, *(word for each in commands for word in ("-e", each)))
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "done"
    assert [line.split() for line in lines[1:3]] == [["2", "30", "0x001E"], ["3", "100", "0x0064"]]
    assert "0x001E 0x0064" in lines
    assert "product code  EM3" in lines
    assert "03 02 00 1E" in lines


def test_lines_on_stdin_and_the_first_mistake_ends_it(url):
    script = b"# first\nread_holding_registers 2\n\nread_holding_registers 60000\nread_holding_registers 2\n"
    command = [sys.executable, "-m", "simulator", "repl", url]
    result = subprocess.run(command, input=script, capture_output=True, timeout=60, check=False)
    assert result.returncode == 1
    assert len(result.stdout.splitlines()) == 1
    assert b"read_holding_registers 60000: refused with exception 2, illegal data address" in result.stderr


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("read_holdin_registers 0", "unknown command 'read_holdin_registers'; did you mean 'read_holding_registers'?"),
        ("zzz", "unknown command 'zzz'; 'help' lists them"),
        ("read_coils", "address is missing, expected read_coils ADDRESS [quantity] [unit=]"),
        ("read_coils 0 1 2", "'2' is one too many, expected read_coils ADDRESS"),
        ("read_coils 0 quantty=3", "read_coils: unknown argument 'quantty', expected address, quantity or unit; did you"),
        ("read flaot32 0", "unknown type 'flaot32'"),
        ("read_holding_registers 0 126", "quantity is 126, expected 1 to 125"),
        ("as float32", "the last result holds no registers"),
        ("unit 300", "unit id is 300, expected 0 to 255"),
        ("format hexx", "did you mean 'hex'?"),
        ("read_coils 'x", "line cannot be read"),
        ("write_multiple_registers 0 [1,2", "list is '[1,2', expected such as 1,2,3 or [1,2,3]"),
        ("write_multiple_registers 0 1,,2", "list is '1,,2', expected such as 1,2,3 or [1,2,3]"),
        ("pdu 03zz", "no hexadecimal digit"),
        ("connect", "connection refused"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_what_was_meant(modsim, command, text):
    result = modsim("repl", "tcp://127.0.0.1:1", "-e", command)
    assert result.returncode == 1
    assert text in result.stderr


class Terminal:
    """A terminal with the interactive client in it."""

    def __init__(self, url: str, home: str) -> None:
        self.controller, terminal = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "XDG_STATE_HOME": home}
        command = [sys.executable, "-m", "simulator", "repl", url]
        self.process = subprocess.Popen(
            command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment, start_new_session=True
        )
        os.close(terminal)
        self.seen = ""

    def type(self, text: str) -> None:
        os.write(self.controller, text.encode())

    def wait(self, text: str, seconds: float = 30.0) -> None:
        until = time.monotonic() + seconds
        while text not in self.seen:
            readable, _, _ = select.select([self.controller], [], [], max(0, until - time.monotonic()))
            assert readable, f"{text!r} never came: {self.seen!r}"
            try:
                data = os.read(self.controller, 65536).decode(errors="replace")
            except OSError:
                data = ""
            assert data, f"{text!r} never came: {self.seen!r}"
            self.seen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.controller)


def test_a_conversation_in_a_terminal_completes_remembers_and_ends(url, tmp_path):
    pytest.importorskip("prompt_toolkit")
    terminal = Terminal(url, str(tmp_path))
    try:
        terminal.wait("unit 1>")
        terminal.type("read_hol\t")
        terminal.wait("read_holding_registers")
        terminal.type(" 2 qua\t")
        terminal.wait("quantity=")
        terminal.type("2\r")
        terminal.wait("0x0064")
        assert "read_holding_registers 2 quantity=2" in terminal.seen
        terminal.type("read_coils 60000\r")
        terminal.wait("! refused with exception 2, illegal data address")
        terminal.type("unit 7\r")
        terminal.wait("unit 7>")
        terminal.type("\x04")
        assert terminal.process.wait(timeout=30) == 0
        history = (tmp_path / "modsim" / "history").read_text()
        assert "+read_holding_registers 2 quantity=2" in history
    finally:
        terminal.close()


def test_a_terminal_without_prompt_toolkit_is_told_what_to_install(tmp_path):
    controller, terminal = pty.openpty()
    (tmp_path / "prompt_toolkit.py").write_text("raise ImportError('gone', name='prompt_toolkit')\n")
    command = [sys.executable, "-m", "simulator", "repl", "tcp://127.0.0.1:1"]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}:{os.getcwd()}"}
    result = subprocess.run(
        command, stdin=terminal, capture_output=True, text=True, timeout=60, env=environment, check=False
    )
    os.close(terminal)
    os.close(controller)
    assert result.returncode == 1
    assert "pip install modsim[tui]" in result.stderr
