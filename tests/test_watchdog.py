"""Who holds the event loop is told while it is held: in the log of a process that users run."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.watchdog import Watchdog, culprit_of

PLANT = """
devices:
  - {name: d, profile: box, endpoint: "tcp://127.0.0.1:0"}
profiles:
  box:
    points:
      level: {table: hr, address: 0, data_type: uint16}
SCRIPTS
"""


class Program:
    """``modsim`` with a plant, its log as it comes."""

    def __init__(self, folder: Path, extra: str) -> None:
        (folder / "plant.yaml").write_text(PLANT.replace("SCRIPTS", extra))
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "simulator", "--config", "plant.yaml", "--log-format", "json"],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def logged(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]

    def waits_for(self, words: str, seconds: float = 30) -> dict[str, object]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for event in self.logged():
                if words in str(event["message"]):
                    return event
            time.sleep(0.05)
        raise AssertionError(f"{words!r} was not logged: {self._log.read_text()}")

    def ready(self) -> int:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready"), line
        return int(line.split("tcp://127.0.0.1:")[1])


@pytest.fixture
def run(tmp_path):
    made: list[Program] = []

    def run(extra: str, **scripts: str) -> Program:
        for name, text in scripts.items():
            (tmp_path / f"{name}.py").write_text(text)
        made.append(Program(tmp_path, extra))
        return made[-1]

    yield run
    for program in made:
        program.process.kill()
        program.process.communicate()


def test_a_script_that_never_returns_is_told_while_it_hangs(run):
    program = run(
        "scripts: [spin.py]",
        spin="async def main(plant):\n    await plant.sleep(0.2)\n    while True: pass\n",
    )
    program.ready()
    told = program.waits_for("the event loop is held")
    assert "by script spin, line 3 of " in str(told["message"])
    assert "no device answers meanwhile" in str(told["message"])
    assert "while True: pass" in str(told["message"])
    assert program.process.poll() is None  # it still hangs
    time.sleep(0.5)
    assert len([each for each in program.logged() if each["source"] == "watchdog"]) == 1
    program.process.send_signal(signal.SIGINT)
    program.process.send_signal(signal.SIGINT)


def test_an_episode_is_told_once_with_how_long_it_took(run):
    program = run(
        "scripts: [nap.py]",
        nap="import time\ndef setup(plant):\n    plant.on_write('d', 'level', lambda *_: time.sleep(0.6))\n",
    )
    with socket.create_connection(("127.0.0.1", program.ready()), timeout=30) as client:
        client.sendall(bytes.fromhex("0001 0000 0006 01 06 0000 0005"))
        assert client.recv(100)
        told = program.waits_for("the event loop turns again")
        assert "by script nap, line 3 of " in str(told["message"])
        assert 0.3 < float(str(told["seconds"])) < 10
        client.sendall(bytes.fromhex("0002 0000 0006 01 06 0000 0006"))  # not told again so soon
        assert client.recv(100)
    time.sleep(0.5)
    assert len([each for each in program.logged() if each["source"] == "watchdog"]) == 2


def test_code_that_lets_nothing_else_run_is_told_when_it_does(run):
    program = run(
        "scripts: [digits.py]",
        digits="async def main(plant):\n    await plant.sleep(0.2)\n    sum(range(50_000_000))\n    plant.now()\n",
    )
    program.ready()
    told = program.waits_for("the event loop is held")
    assert float(str(told["seconds"])) >= 0.1
    assert "by script digits, line " in str(told["message"]) or "by code that let" in str(told["message"])
    program.process.send_signal(signal.SIGINT)
    assert program.process.wait(30) == 0


def test_a_plant_that_only_serves_is_not_told_of(run):
    program = run("")
    port = program.ready()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        for _ in range(20):
            client.sendall(bytes.fromhex("0001 0000 0006 01 03 0000 0001"))
            assert client.recv(100)
            time.sleep(0.02)
    assert [each for each in program.logged() if each["source"] == "watchdog"] == []
    program.process.send_signal(signal.SIGINT)
    assert program.process.wait(30) == 0


class Late(threading.Event):
    """The thread that waits gets its turn long after it was told."""

    def wait(self, timeout: float | None = None) -> bool:
        time.sleep(0.05)
        return False


class Prompt:
    """A loop that turns at once."""

    def callFromThread(self, function: Callable[[], object]) -> None:
        function()


def test_a_watchdog_that_is_late_itself_accuses_nobody():
    dog = Watchdog(Prompt(), limit=0.01)
    dog._answered = Late()
    dog._clock = time.pthread_getcpuclockid(threading.get_ident())
    dog._ask()
    assert dog.episodes == 0


class Track:
    """Like the one of a fleet."""

    def run(self) -> str:
        return culprit_of(sys._getframe(), {})

    def __repr__(self) -> str:
        return "point level"


def test_the_culprit_is_a_script_a_generated_point_or_a_function():
    assert culprit_of(sys._getframe(), {__file__: "night"}).startswith("script night, line ")
    assert Track().run() == "the generator of point level"
    assert culprit_of(sys._getframe(), {}).startswith("test_the_culprit_is_a_script_a_generated_point_or_a")
