"""What all tests share: the ``modsim`` command as users run it, and plant files in a folder of their own."""

from __future__ import annotations

import functools
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("modsim", deadline=None)  # a loaded machine is no failure
settings.load_profile("modsim")

ROOT = Path(__file__).resolve().parent.parent
MODSIM = (sys.executable, "-m", "simulator")
PATIENCE_S = 60  # for a loaded machine; nothing waits this long when things are well


class Running:
    """A plant in a process of its own, from its ready line to its exit code."""

    def __init__(
        self, words: Sequence[str], cwd: Path, *, through: Sequence[str] = (), **options: Any
    ) -> None:
        self.process = subprocess.Popen(
            [*through, *MODSIM, *words],
            cwd=cwd,
            env=options.pop("env", environment()),
            stdout=subprocess.PIPE,
            stderr=options.pop("stderr", subprocess.PIPE),
            text=True,
            **options,
        )
        self.ready = ""

    def wait_ready(self) -> Running:
        """Wait for the ready line; fails with what the program said when it ends instead."""
        stdout = self.process.stdout
        assert stdout is not None
        readable, _, _ = select.select([stdout], [], [], PATIENCE_S)
        self.ready = stdout.readline() if readable else ""
        if not self.ready:
            self.process.kill()
            raise AssertionError(f"no ready line; stderr: {self.process.communicate()[1]}")
        return self

    @property
    def ports(self) -> list[int]:
        """The ports of the endpoints in the ready line."""
        listed = self.ready.partition(": ")[2].rpartition(": ")[2]
        return [int(word.rpartition(":")[2]) for word in listed.strip().split(", ") if ":" in word]

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; return the exit code and what stderr says."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, errors or ""


def environment() -> dict[str, str]:
    """The environment of a subprocess: this one, with this tree's package first."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


Modsim = Callable[..., "subprocess.CompletedProcess[str]"]


def run_modsim(*words: str, cwd: Path, through: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run ``modsim`` with these words to its end."""
    return subprocess.run(
        [*through, *MODSIM, *words],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def ask(port: int, pdu: str, *, unit: int = 1, host: str = "127.0.0.1") -> str:
    """Send a PDU over a connection of its own, both in hex; the response PDU."""
    request = bytes.fromhex(pdu)
    with socket.create_connection((host, port), timeout=PATIENCE_S) as connection:
        connection.sendall(struct.pack(">HHHB", 7, 0, len(request) + 1, unit) + request)
        return receive(connection)


def receive(connection: socket.socket) -> str:
    """The next response PDU on a connection, in hex."""
    with connection.makefile("rb") as stream:
        header = stream.read(7)
        assert len(header) == 7, f"connection closed after {header!r}"
        _, _, length, _ = struct.unpack(">HHHB", header)
        return stream.read(length - 1).hex(" ")


@pytest.fixture(name="ask")
def ask_fixture() -> Callable[..., str]:
    """A Modbus client of ten lines: ``ask(port, "03 00 00 00 01")``."""
    return ask


@pytest.fixture
def modsim(tmp_path: Path) -> Modsim:
    """Run ``modsim`` with these words, in an empty folder, to its end."""
    return functools.partial(run_modsim, cwd=tmp_path)


@pytest.fixture
def modsim_unprivileged(tmp_path: Path) -> Modsim:
    """The same without the right to bind ports below 1024."""
    through = ("setpriv", "--bounding-set=-net_bind_service") if os.geteuid() == 0 else ()
    return functools.partial(run_modsim, cwd=tmp_path, through=through)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start a plant as a user does; what still runs at the end of the test is killed."""
    started: list[Running] = []

    def begin(*words: str, **options: Any) -> Running:
        running = Running(words, tmp_path, **options)
        started.append(running)
        return running

    yield begin
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
        running.process.communicate()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Nothing is skipped where everything must be there: on CI a skip is a failure."""
    return _not_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    """The same for whole modules."""
    return _not_skipped((yield))


def _not_skipped(report: Any) -> Any:
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which is not allowed on CI: {report.longrepr}"
    return report
