"""The pytest plugin, in sessions of its own: fixtures, marker, settings, and others' plugins beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 120
PLUGIN = ("-p", "simulator.pytest_plugin")  # and no other, unless a test names one

PLANT = """
seed: 3
devices:
  - {name: "loop-{n}", profile: temperature-loop, count: 2, endpoint: "tcp://127.0.0.1:502", unit_id: 1-2}
"""


class Session:
    """A folder with tests, and pytest run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("pytest.ini", "[pytest]\naddopts = --strict-markers -p no:cacheprovider\n")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def run(self, *words: str) -> tuple[int, str]:
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", *PLUGIN, *words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "CI": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        return ended.returncode, ended.stdout + ended.stderr

    def passes(self, tests: str, count: int, *words: str) -> str:
        self.write("test_it.py", tests)
        code, text = self.run(*words)
        assert code == 0 and f"{count} passed" in text, text
        return text

    def fails(self, tests: str, *words: str) -> str:
        self.write("test_it.py", tests)
        code, text = self.run(*words)
        assert code == 1, text
        return text


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path)


@pytest.mark.parametrize("kind", ["thread", "memory", "process"])
def test_a_plant_from_text_file_mapping_and_profile(session: Session, kind: str) -> None:
    session.write("plant.yaml", PLANT)
    session.passes(
        f"""
TEXT = {PLANT!r}
MAPPING = {{"devices": [{{"name": "d", "profile": "generic", "endpoint": "tcp://127.0.0.1:0"}}]}}

def test_sources(modsim):
    for source in (TEXT, "plant.yaml"):
        plant = modsim(source)
        assert plant.names == ["loop-1", "loop-2"]
        assert plant.device("loop-2")["setpoint"] == 180
    assert modsim(MAPPING).client().read_coils(0, 1) == [False]
    assert modsim("energy-meter").names == ["energy-meter"]
    plant = modsim(profile="energy-meter", count=3)
    assert plant.names == ["energy-meter-1", "energy-meter-2", "energy-meter-3"]
    assert plant.device("energy-meter-3")["serial_number"].endswith("3")
""",
        1,
        "-o",
        f"modsim_kind={kind}",
    )


def test_the_marker_describes_the_plant(session: Session) -> None:
    session.passes(
        """
import pytest
pytestmark = pytest.mark.modsim(profile="energy-meter", count=3, kind="memory")

def test_marked(modsim_plant):
    assert len(modsim_plant.names) == 3
    modsim_plant.advance(3600)

@pytest.mark.modsim(profile="ups", kind="memory")
def test_nearer(modsim_plant):
    assert modsim_plant.names == ["ups"]

class TestOther:
    def test_has_one_of_its_own(self, modsim_plant):
        assert modsim_plant.now == 0
""",
        3,
    )


@pytest.mark.parametrize("kind", ["thread", "memory"])
def test_shared_plants_are_put_back_after_each_test(session: Session, kind: str) -> None:
    session.passes(
        f"""
import pytest
pytestmark = pytest.mark.modsim({PLANT!r}, scope="module", kind="{kind}")
seen = []

def test_change_everything(modsim_plant):
    seen.append(modsim_plant)
    modsim_plant.device("loop-1")["setpoint"] = 99
    modsim_plant.set("loop-2", "setpoint", 98)
    modsim_plant.inject(then={{"exception": 6}})
    modsim_plant.offline("loop-2", "drop")
    modsim_plant.pause()

def test_everything_is_as_it_was(modsim_plant):
    assert modsim_plant is seen[0]
    assert modsim_plant.journal() == []
    assert modsim_plant.device("loop-1")["setpoint"] == modsim_plant.device("loop-2")["setpoint"] == 180
    before = modsim_plant.now
    assert modsim_plant.advance(1) >= before + 1
""",
        2,
    )


def test_a_session_shares_a_plant_through_a_fixture_of_its_own(session: Session) -> None:
    session.write("plant.yaml", PLANT)
    session.write(
        "conftest.py",
        """
import pytest

@pytest.fixture(scope="session")
def loops(modsim_session):
    return modsim_session("plant.yaml")
""",
    )
    tests = """
def test_one(loops):
    loops.device("loop-1")["setpoint"] = 5

def test_two(loops, modsim_session):
    assert loops.device("loop-1")["setpoint"] == 180
    assert modsim_session("plant.yaml") is loops
"""
    session.write("test_more.py", tests)
    session.passes(tests, 4)


def test_what_is_left_behind_is_told(session: Session) -> None:
    tests = f"""
import pytest, socket
left = []

@pytest.mark.modsim({PLANT!r}, scope="session")
def test_leaves_a_connection(modsim_plant):
    left.append(socket.create_connection(modsim_plant.address("loop-1")))
    modsim_plant.client("loop-1").read_holding_registers(0, 1)

@pytest.mark.modsim({PLANT!r}, scope="session")
def test_leaves_nothing(modsim_plant):
    with socket.create_connection(modsim_plant.address("loop-1")):
        pass
"""
    text = session.passes(tests, 2)
    assert "ModsimLeak: test_leaves_a_connection has left connections open: 127.0.0.1:" in text
    assert "test_leaves_nothing has left" not in text
    text = session.fails(tests, "-o", "modsim_leaks=error")
    assert "2 passed, 1 error" in text
    assert "has left connections open" not in session.passes(tests, 2, "-o", "modsim_leaks=ignore")


def test_a_test_that_fails_shows_what_came(session: Session) -> None:
    text = session.fails(
        """
def test_driver(modsim):
    plant = modsim("energy-meter", kind="memory")
    plant.client().read_holding_registers(0, 2)
    plant.verify(write="ct_primary", value=200, times=1)
"""
    )
    assert (
        "Unmet: expected: all devices: write ct_primary, value 200, times 1, from 0.000 s to 0.000 s" in text
    )
    assert "came not once, expected once" in text
    assert "modsim journal of energy-meter" in text
    assert "function 3: read holding_register 0-1" in text


def test_settings_are_checked(session: Session) -> None:
    tests = "def test_it(modsim):\n    modsim('generic')\n"
    assert "modsim_kind is 'thred', expected thread, memory, process" in session.fails(
        tests, "-o", "modsim_kind=thred"
    )
    wrong = "def test_it(modsim):\n    modsim('generic', scope='sesion')\n"
    assert "scope is 'sesion', expected function, class, module, package or session" in session.fails(wrong)
    seeded = "def test_it(modsim):\n    assert modsim('generic', kind='memory').config.seed == 77\n"
    session.passes(seeded, 1, "-o", "modsim_seed=77")


def test_nothing_is_imported_before_a_fixture_is_used(session: Session) -> None:
    session.passes(
        """
import sys

def test_it():
    assert "simulator.pytest_plugin" in sys.modules
    heavy = {"numpy", "twisted", "pydantic", "simulator.testing", "simulator.plant"}
    assert heavy.isdisjoint(sys.modules), heavy.intersection(sys.modules)
""",
        1,
    )


def test_beside_pytest_asyncio(session: Session) -> None:
    pytest.importorskip("pytest_asyncio")
    session.passes(
        """
import asyncio
import pytest
from simulator.client import AsyncClient

@pytest.mark.asyncio
async def test_many_at_once(modsim):
    plant = modsim(profile="energy-meter", count=3)
    async with AsyncClient(plant.url("energy-meter-2"), in_flight=8) as client:
        found = await asyncio.gather(*(client.read_holding_registers(0, 1, unit=2) for _ in range(8)))
    assert found == [[1]] * 8
    plant.verify(device="energy-meter-2", read=True, times=8)

@pytest.mark.asyncio
@pytest.mark.modsim("energy-meter", scope="session")
async def test_shared(modsim_plant):
    async with AsyncClient(modsim_plant.url()) as client:
        with modsim_plant.inject(then={"exception": 6}):
            with pytest.raises(Exception, match="0x06"):
                await client.read_holding_registers(0, 1)
        await client.read_holding_registers(0, 1)
""",
        2,
        "-p",
        "pytest_asyncio.plugin",
        "-o",
        "asyncio_default_fixture_loop_scope=function",
    )


def test_each_worker_of_xdist_has_its_own(session: Session) -> None:
    pytest.importorskip("xdist")
    session.passes(
        f"""
import os
import pytest

@pytest.mark.modsim({PLANT!r}, scope="session")
@pytest.mark.parametrize("number", range(6))
def test_it(modsim_plant, number):
    assert os.environ["PYTEST_XDIST_WORKER"]
    modsim_plant.device("loop-1")["setpoint"] = 100 + number
    assert modsim_plant.device("loop-1")["setpoint"] == 100 + number
    modsim_plant.verify(write="setpoint", value=100 + number, times=1)
""",
        6,
        "-p",
        "xdist",
        "-n",
        "2",
    )


TRIAL = f"""
import pytest
from twisted.internet import reactor, task
from twisted.trial import unittest
from simulator.client import TwistedClient
from simulator.testing import InMemoryPlant, PlantProcess

class DriverTest(unittest.TestCase):
    def test_in_memory(self):
        plant = InMemoryPlant.from_yaml({PLANT!r})
        self.addCleanup(plant.close)
        self.assertEqual(plant.device("loop-1")["setpoint"], 180)
        return task.deferLater(reactor, 0.01, lambda: None)

    async def test_in_a_process(self):
        plant = PlantProcess.of({PLANT!r})
        self.addCleanup(plant.close)
        client = TwistedClient(plant.url("loop-1"))
        self.assertEqual(await client.read_holding_registers(1, 1), [1800])
        await client.close()
"""


def test_beside_test_cases_of_trial(session: Session) -> None:
    session.passes(
        TRIAL
        + f"""

def test_a_function(modsim):
    plant = modsim({PLANT!r}, kind="process")
    assert plant.device("loop-1")["setpoint"] == 180
    assert modsim({PLANT!r}, kind="memory").device("loop-1")["setpoint"] == 180

def test_the_reactor_is_theirs(modsim):
    with pytest.raises(RuntimeError, match="twisted.trial, which runs the reactor itself"):
        modsim({PLANT!r})
""",
        4,
    )


def test_under_trial_itself(session: Session) -> None:
    session.write("test_trial.py", TRIAL.replace("import pytest\n", ""))
    ended = subprocess.run(
        [sys.executable, "-m", "twisted.trial", "test_trial"],
        cwd=session.folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{session.folder}"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "successes=2" in ended.stdout
