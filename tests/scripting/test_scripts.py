"""Scripts in a plant: what they reach, when they run, what becomes of one that fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet import task
from twisted.logger import globalLogPublisher

from simulator.config.loader import load_plant
from simulator.errors import PointError
from simulator.functions.table import answer
from simulator.plant import Plant

PLANT = """
devices:
  - {name: "d-{n}", profile: box, endpoint: "tcp://127.0.0.1:5020", unit_id: 1-3, tags: [east]}
  - {name: other, profile: box, endpoint: "tcp://127.0.0.1:5021"}
profiles:
  box:
    points:
      level: {table: hr, address: 0, data_type: int16, scale: 0.1, max: 100}
      mode: {table: hr, address: 1, data_type: uint16, enum: {0: stop, 1: run}}
      power: {table: ir, address: 0, data_type: float32,
              generator: {type: increment, min: 0, max: 1000, step: 10}}
"""


class Stage:
    """A plant with scripts whose virtual time is moved by hand."""

    def __init__(self, folder: Path, more: str = "", **scripts: str) -> None:
        entries = []
        for name, text in scripts.items():
            (folder / f"{name}.py").write_text(text)
            entries.append(f"{{file: {name}.py, options: {{step: 5}}}}")
        (folder / "plant.yaml").write_text(PLANT + more + f"scripts: [{', '.join(entries)}]\n")
        self.clock = task.Clock()
        self.clock.callFromThread = lambda what, *rest: self.clock.callLater(0, what, *rest)
        self.plant = Plant(load_plant(folder / "plant.yaml"), self.clock)
        self.plant.startService()

    def passes(self, seconds: float) -> None:
        goal = self.plant.now() + seconds + 0.001
        for _ in range(10_000):
            if self.plant.now() >= goal - 1e-9:
                break
            self.clock.advance(min(0.1, goal - self.plant.now()))
        self.clock.advance(0)

    def asks(self, pdu: str, device: str = "d-2") -> str:
        found = self.plant.device(device)
        assert found is not None
        return answer(found, bytes.fromhex(pdu)).hex(" ")

    def state(self, name: str) -> str:
        return self.plant.scripts[name].state


@pytest.fixture
def stage(tmp_path):
    made: list[Stage] = []

    def make(**scripts: str) -> Stage:
        made.append(Stage(tmp_path, **scripts))
        return made[-1]

    yield make
    for each in made:
        each.plant.stopService()


@pytest.fixture
def failures():
    found: list[tuple[str, str]] = []

    def observe(event):
        if "log_failure" in event and event["log_namespace"].startswith("simulator.scripting"):
            trace = event["log_failure"].getTraceback()
            found.append((event["log_format"].format(**event), trace))

    globalLogPublisher.addObserver(observe)
    yield found
    globalLogPublisher.removeObserver(observe)


def test_points_are_read_and_written_by_name(stage):
    house = stage(
        s="""
async def main(plant):
    device = plant["d-2"]
    device["level"] = 12.5
    device.write("mode", "run")
    plant.write("other", "level", device["level"] + plant.options["step"])
    plant.write({"tags": ["east"]}, "power", 7)
    plant.seen = [each.name for each in plant.devices("d-[23]")], plant.read_all("d-*", "power")
    device["mode"] = "stop"
    assert device["mode"] == plant.read("d-2", "mode") == "stop"
    assert (plant.name, repr(device), plant.now()) == ("s", "<device d-2>", 0.0)
    assert len(plant.fleets) == 1
"""
    )
    assert house.state("s") == "done"
    assert house.plant.read("d-2", "level") == 12.5
    assert house.plant.read("other", "level") == 17.5
    house.passes(3)
    assert house.plant.read("d-1", "power") == 7
    assert house.plant.read("other", "power") == 30


def test_a_script_waits_in_virtual_time(stage):
    house = stage(
        s="""
async def main(plant):
    for number in range(1, 4):
        await plant.sleep(10)
        plant["d-1"]["level"] = number
"""
    )
    house.passes(9)
    assert (house.plant.read("d-1", "level"), house.state("s")) == (0.0, "running")
    house.passes(1)
    assert house.plant.read("d-1", "level") == 1.0
    house.plant.time.scale = 10
    house.passes(21)
    assert (house.plant.read("d-1", "level"), house.state("s")) == (3.0, "done")


def test_a_script_that_waits_for_nothing_lets_time_go_on(stage):
    spinning = "async def main(plant):\n    while True:\n        await plant.sleep(0)\n"
    world = stage(spins=spinning)
    world.passes(3)
    assert world.plant.now() >= 3
    assert world.plant.read("d-1", "power") == 30


def test_a_repetition_without_an_interval_is_refused(stage, failures):
    world = stage(wrong="def setup(plant):\n    plant.every(0, print)\n")
    assert world.state("wrong") == "failed"
    assert "seconds is 0, expected 0.001 or more" in failures[0][1]


def test_a_script_repeats_itself(stage):
    house = stage(
        s="""
def setup(plant):
    count = 0

    def grow():
        nonlocal count
        count += 1
        plant.write("d-*", "level", count)
        if count == 5:
            growing.cancel()

    async def slow():
        await plant.sleep(2.5)
        plant["other"]["level"] += 1

    growing = plant.every(2, grow)
    plant.every(1, slow)
"""
    )
    house.passes(5)
    assert house.plant.read("d-3", "level") == 2.0
    assert house.plant.read("other", "level") == 1.0  # while it waits it is not called again
    house.passes(20)
    assert house.plant.read("d-3", "level") == 5.0
    assert house.plant.read("other", "level") == 8.0


def test_a_script_reacts_to_writes(stage):
    house = stage(
        s="""
def setup(plant):
    async def slow(device, point, old, new, origin):
        await plant.sleep(1)
        plant["other"]["mode"] = new

    def told(device, point, old, new, origin):
        if origin.kind != "script":
            plant[device][point] = min(new, 50)

    plant["d-1"].on_write("mode", slow)
    plant.on_write("d-*", "level", told)
"""
    )
    assert house.asks("06 0000 03e7") == "06 00 00 03 e7"
    assert house.plant.read("d-2", "level") == 50.0
    house.asks("06 0001 0001", "d-1")
    assert house.plant.read("other", "mode") == "stop"
    house.passes(1.1)
    assert house.plant.read("other", "mode") == "run"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("async def main(plant):\n    await plant.sleep(1)\n    1 / 0\n", 3),
        ("def setup(plant):\n    plant['d-9']\n", 2),
        ("def setup(plant):\n    plant.every(1, lambda: plant['d-1']['lewel'])\n", 2),
        ("def setup(plant):\n    async def f(*_):\n        1 / 0\n    plant.on_write('d-1', 'mode', f)\n", 3),
        ("import asyncio\nasync def main(plant):\n    await asyncio.sleep(1)\n", 3),
    ],
)
def test_one_that_fails_is_logged_with_its_traceback_and_stops_alone(stage, failures, text, line, tmp_path):
    house = stage(
        bad=text,
        good="async def main(plant):\n    while True:\n        await plant.sleep(1)\n        plant['d-3']['level'] += 1\n",
    )
    assert house.asks("06 0001 0001", "d-1") == "06 00 01 00 01"
    house.passes(3)
    ((message, trace),) = failures
    assert message == "script bad fails and is stopped"
    assert f'{tmp_path}/bad.py", line {line}' in trace or f"{tmp_path}/bad.py:{line}" in trace, trace
    assert (house.state("bad"), house.state("good")) == ("failed", "running")
    assert house.plant.scripts["bad"].error is not None
    assert house.plant.read("d-3", "level") == 3.0


def test_all_that_a_failed_script_has_begun_ends(stage):
    house = stage(
        s="""
async def main(plant):
    plant.every(1, lambda: plant.write("d-1", "level", 9))
    plant.on_write("d-2", "level", lambda *_: plant.write("d-3", "level", 9))
    await plant.sleep(2.5)
    plant["d-1"]["level"] = 0
    raise RuntimeError("enough")
"""
    )
    house.passes(3)
    house.plant.write("d-2", "level", 5)
    house.passes(3)
    assert house.state("s") == "failed"
    assert [house.plant.read(f"d-{n}", "level") for n in (1, 3)] == [0.0, 0.0]
    assert house.plant.fleets[0].kind.gates[3].is_open(0, 0)


def test_stopping_the_plant_ends_scripts_without_a_word(stage, failures):
    house = stage(
        s="""
async def main(plant):
    try:
        await plant.sleep(1000)
    finally:
        plant["d-1"]["level"] = 1
"""
    )
    house.plant.stopService()
    assert house.state("s") == "stopped"
    assert house.plant.read("d-1", "level") == 1.0
    assert failures == []


def test_a_script_tidies_up_and_threads_come_back_to_the_loop(stage):
    house = stage(s="""
from threading import Thread

def setup(plant):
    def work():
        plant.from_thread(done, plant.options["step"])

    def done(number):
        plant["d-1"]["level"] = number

    plant.at_end(lambda: plant.write("d-2", "level", 7))
    thread = Thread(target=work)
    thread.start()
    thread.join()
""", t="""
def setup(plant):
    plant.late = plant.from_thread
    plant.at_end(lambda: plant.from_thread(plant.write, "d-3", "level", 1))
""")  # fmt: skip
    house.passes(1)
    assert house.plant.read("d-1", "level") == 5.0
    assert house.plant.read("d-2", "level") == 0.0
    for name in "st":
        house.plant.scripts[name].stop()
    house.passes(1)
    assert house.plant.read("d-2", "level") == 7.0
    assert house.plant.read("d-3", "level") == 0.0  # its script is over


def test_a_script_can_be_started_again(stage):
    house = stage(s="async def main(plant):\n    plant['d-1']['level'] += 1\n    await plant.sleep(1)\n")
    house.passes(2)
    assert house.state("s") == "done"
    house.plant.scripts["s"].start()
    assert (house.state("s"), house.plant.read("d-1", "level")) == ("running", 2.0)
    house.plant.scripts["s"].start()  # it runs
    assert house.plant.read("d-1", "level") == 2.0


def test_what_a_script_asks_wrongly_it_may_catch(stage):
    house = stage(
        s="""
async def main(plant):
    from simulator.errors import PointError
    try:
        plant["d-1"]["level"] = 5000
    except PointError as error:
        plant.reason = str(error)
"""
    )
    assert house.state("s") == "done"
    with pytest.raises(PointError):
        house.plant.write("d-1", "level", 5000)


def test_the_plant_tells_who_wrote(stage):
    house = stage(s="async def main(plant):\n    await plant.sleep(1)\n    plant['d-1']['level'] = 1\n")
    told: list[str] = []
    house.plant.on_write("*", "level", lambda *what: told.append(str(what[-1])))
    house.passes(1.1)
    assert told == ["script s"]


MORE = """
faults: [{name: silence, when: {devices: "d-1"}, then: {drop: true}, enabled: false}]
scenarios: {noon: [{at: 1s, set: {devices: "d-1", point: level, value: 30}}]}
signals: {sun: {type: constant, value: 5}}
"""


class Hasty(task.Clock):
    """Time passes whenever somebody looks."""

    def seconds(self) -> float:
        self.rightNow += 0.001
        return super().seconds()


def test_scripts_begin_at_second_0_however_long_that_takes(tmp_path):
    (tmp_path / "notes.py").write_text(
        "async def main(plant):\n    plant.options['seen'].append(plant.now())\n"
        "    await plant.sleep(2)\n    plant.options['seen'].append(plant.now())\n"
    )
    scripts = "scripts: [{file: notes.py, name: a, options: {seen: []}}]\n"
    (tmp_path / "plant.yaml").write_text(PLANT + scripts)
    config, clock = load_plant(tmp_path / "plant.yaml"), Hasty()
    plant = Plant(config, clock)
    plant.startService()
    clock.advance(3)
    assert config.scripts[0].options["seen"] == [0.0, 2.0]
    plant.stopService()


def test_a_script_switches_faults_and_scenarios_and_reads_signals(tmp_path):
    house = Stage(
        tmp_path,
        MORE,
        s="""
async def main(plant):
    plant.faults.enable("silence")
    plant.scenarios["noon"].start()
    await plant.sleep(1.5)
    plant["d-2"]["level"] = plant.signals.cell("sun").value
    plant.faults.disable("silence")
""",
    )
    assert house.plant.faults["silence"].enabled
    house.passes(2)
    assert house.state("s") == "done"
    assert house.plant.read("d-1", "level") == 30.0
    assert house.plant.read("d-2", "level") == 5.0
    assert not house.plant.faults["silence"].enabled
    house.plant.stopService()
