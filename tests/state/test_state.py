"""What has been written outlives a plant: found as a difference, kept in a file, put back by name."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from twisted.internet.testing import MemoryReactorClock

from simulator.config.loader import parse_plant
from simulator.errors import ConfigError
from simulator.plant import Plant
from simulator.protocol.codes import Table
from simulator.state import records

PROFILES = """
profiles:
  box:
    tables: {coil: {ranges: [0-20]}, holding_register: {ranges: [0-30, 100-110], fill: 7}}
    points:
      level:  {table: hr, address: 0, data_type: int16, scale: 0.1, value: 12.5}
      name:   {table: hr, address: 1, data_type: string, length: 8, value: "box {n}"}
      pair:   {table: hr, address: 11, data_type: float32, count: 2, byte_order: CDAB}
      alarm:  {table: hr, address: 15, data_type: bool, bit: 3}
      pump:   {table: coil, address: 2, data_type: bool, count: 11}
      ramp:   {table: ir, address: 0, data_type: uint16,
               generator: {type: increment, min: 0, max: 60000, step: 1}}
      flow:   {table: ir, address: 1, data_type: uint16, value: 5}
      total:  {table: ir, address: 2, data_type: uint32,
               generator: {type: integrate, of: flow / 8}}
      twice:  {table: ir, address: 4, data_type: float32, generator: {type: formula, formula: 2 * level}}
"""
DEVICES = """
devices:
  - {name: "a-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-5}
  - {name: b, profile: box, endpoint: "tcp://127.0.0.1:0", values: {level: 1}}
"""


class Pool:
    """Threads that are none."""

    def callInThreadWithCallback(self, told, function, *args, **kw):
        try:
            told(True, function(*args, **kw))
        except Exception:
            from twisted.python.failure import Failure

            told(False, Failure())


class Reactor(MemoryReactorClock):
    def getThreadPool(self):
        return Pool()

    def callFromThread(self, function, *args, **kw):
        function(*args, **kw)


class Life:
    """One life of a plant."""

    def __init__(self, folder: Path, text: str = DEVICES, profiles: str = PROFILES) -> None:
        self.reactor = Reactor()
        config = parse_plant(
            f"state: {{file: state.json, every: 10s}}\n{text}{profiles}", file=str(folder / "p")
        )
        self.plant = Plant(config, self.reactor)

    def start(self) -> Life:
        self.wait(self.plant.open())
        self.plant.startService()
        return self

    def wait(self, deferred):
        done: list[object] = []
        deferred.addBoth(done.append)
        for _ in range(10_000):
            if done:
                break
            self.reactor.advance(0)
        assert done
        if hasattr(done[0], "raiseException"):
            done[0].raiseException()
        return done[0]

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 20)):
            self.reactor.advance(0.05)

    def stop(self) -> None:
        stopped: list[object] = []
        self.plant.stopService().addBoth(stopped.append)
        for _ in range(10_000):
            if stopped:
                break
            self.reactor.advance(0.01)
        assert stopped == [None]

    def words(self, device: str, table: Table, address: int, data: bytes) -> None:
        quantity = 8 * len(data) if table.is_bits else len(data) // 2
        self.plant.device(device).block(table).write(address, quantity, data)

    def raw(self, device: str, table: Table, address: int, quantity: int) -> bytes:
        return self.plant.device(device).block(table).read(address, quantity)


@pytest.fixture
def live(tmp_path):
    lives: list[Life] = []

    def begin(*words: str) -> Life:
        lives.append(life := Life(tmp_path, *words))
        return life.start()

    yield begin
    for life in lives:
        life.plant.stopService()
        if life.plant.state is not None:
            life.plant.state.close()


def kept(tmp_path) -> dict[tuple[str, str], list[int]]:
    found = records.read(str(tmp_path / "state.json"))
    assert found is not None
    return {(each.kind, each.place): each.rows.tolist() for each in found if each.kind != "memory"}


def test_a_plant_that_nobody_wrote_to_keeps_only_what_generators_remember(live, tmp_path):
    live().stop()
    assert kept(tmp_path) == {}


def test_written_values_are_back_in_the_next_life(live, tmp_path):
    first = live()
    first.plant.write("a-2", "level", -3.5)
    first.plant.write("b", "name", "other")
    first.plant.write("a-*", "pair", [1.5, -2.25])
    first.plant.write("a-4", "alarm", True)
    first.plant.write("a-5", "pump", [True, False] * 5 + [True])
    first.stop()
    assert kept(tmp_path) == {
        ("value", "level"): [1],
        ("value", "pair"): [0, 1, 2, 3, 4],
        ("value", "alarm"): [3],
        ("value", "pump"): [4],
        ("value", "name"): [0],
    }
    second = live()
    read = second.plant.read
    assert [read(name, "level") for name in ("a-1", "a-2", "b")] == [12.5, -3.5, 1.0]
    assert (read("b", "name"), read("a-1", "name")) == ("other", "box 1")
    assert read("a-5", "pair") == [1.5, -2.25]
    assert (read("a-4", "alarm"), read("a-3", "alarm")) == (True, False)
    assert read("a-5", "pump") == [True, False] * 5 + [True]
    assert read("a-2", "twice") == -7.0  # what is computed from it is right from the start
    assert read("a-4", "level") == 12.5


def test_a_third_life_has_what_the_first_wrote(live):
    first = live()
    first.plant.write("a-2", "level", -3.5)
    first.stop()
    live().stop()
    assert live().plant.read("a-2", "level") == -3.5


def test_a_value_that_is_written_back_is_no_difference(live, tmp_path):
    first = live()
    first.plant.write("a-2", "level", 99)
    first.plant.write("a-2", "level", 12.5)
    first.stop()
    assert kept(tmp_path) == {}


def test_places_without_a_point_are_kept_too(live, tmp_path):
    first = live()
    first.words("a-3", Table.HOLDING_REGISTER, 20, b"\x12\x34\x00\x07\xff\xff")  # the second as it was
    first.words("b", Table.HOLDING_REGISTER, 110, b"\xab\xcd")
    first.words("a-1", Table.COIL, 13, b"\x81")
    first.stop()
    found = records.read(str(tmp_path / "state.json"))
    words = [(each.names, each.rows.tolist(), each.wire.tolist()) for each in found if each.kind == "table"]
    assert words == [
        ("a-{n}", [0, 0], [[0, 13, 0, 1], [0, 20, 0, 1]]),
        ("a-{n}", [2, 2], [[0, 20, 0x12, 0x34], [0, 22, 0xFF, 0xFF]]),
        ("b", [0], [[0, 110, 0xAB, 0xCD]]),
    ]
    second = live()
    assert second.raw("a-3", Table.HOLDING_REGISTER, 20, 3) == b"\x12\x34\x00\x07\xff\xff"
    assert second.raw("b", Table.HOLDING_REGISTER, 110, 1) == b"\xab\xcd"
    assert second.raw("a-1", Table.COIL, 13, 8) == b"\x81"
    assert second.raw("a-2", Table.COIL, 0, 21) == bytes(3)
    assert second.raw("a-2", Table.HOLDING_REGISTER, 20, 2) == b"\x00\x07\x00\x07"


def test_what_is_held_is_held_for_what_is_left(live):
    first = live()
    first.plant.write("a-1", "ramp", 500, hold=30.0)
    first.plant.write("a-2", "ramp", 600, hold=math.inf)
    first.run(10)
    first.stop()
    second = live()
    second.run(15)
    assert (second.plant.read("a-1", "ramp"), second.plant.read("a-2", "ramp")) == (500, 600)
    second.run(10)
    assert second.plant.read("a-1", "ramp") == second.plant.read("a-3", "ramp") < 500
    assert second.plant.read("a-2", "ramp") == 600
    second.plant.release("a-2")
    second.run(2)
    assert second.plant.read("a-2", "ramp") == second.plant.read("a-3", "ramp")


def test_a_counter_counts_on_with_all_its_digits(live):
    first = live()
    first.run(10.5)
    assert first.plant.read("a-1", "total") == 6  # 10 × 5 ÷ 8 is 6.25
    first.stop()
    second = live()
    assert second.plant.read("a-1", "total") == 6
    second.run(4.5)
    assert second.plant.read("a-1", "total") == 9  # 8.75; from 6 it would be 8.5, which is 8 in a register


def test_it_is_written_every_so_often(live, tmp_path):
    life = live()
    path = tmp_path / "state.json"
    life.run(9)
    assert not path.exists()
    life.plant.write("a-1", "level", 3)
    life.run(2)
    assert ("value", "level") in kept(tmp_path)
    assert life.plant.state.saved == 1


def test_what_has_not_changed_is_not_written_again(live, tmp_path):
    devices = "devices: [{name: c, profile: generic, endpoint: 'tcp://127.0.0.1:0'}]\n"
    life = live(devices)
    life.words("c", Table.HOLDING_REGISTER, 65535, b"\x01\x02")
    life.run(35)
    assert life.plant.state.saved == 1
    life.words("c", Table.COIL, 65528, b"\x01")
    life.run(10)
    assert life.plant.state.saved == 2
    life.stop()
    assert life.plant.state.saved == 2
    again = live(devices)
    assert again.raw("c", Table.HOLDING_REGISTER, 65535, 1) == b"\x01\x02"
    assert again.raw("c", Table.COIL, 65528, 8) == b"\x01"


def test_devices_are_found_by_name_in_other_groups(live):
    first = live()
    for n in range(1, 6):
        first.plant.write(f"a-{n}", "level", n)
    first.run(10)
    first.stop()
    second = live(
        """
devices:
  - {name: b, profile: box, endpoint: "tcp://127.0.0.1:0"}
  - {name: "a-{i}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-4}
"""
    )
    assert [second.plant.read(f"a-{i}", "level") for i in range(4)] == [12.5, 1, 2, 3]
    assert second.plant.read("a-2", "total") == 6
    assert second.plant.read("a-0", "total") == 0


def test_what_has_no_place_any_more_is_left_out_told_and_kept_aside(live, tmp_path):
    first = live()
    first.plant.write("a-*", "level", 3)
    first.plant.write("a-1", "flow", 9)
    first.plant.write("b", "alarm", True)
    first.stop()
    before = (tmp_path / "state.json").read_bytes()
    changed = PROFILES.replace("flow:   {table: ir", "stream: {table: ir").replace("flow / 8", "stream / 8")
    changed = changed.replace("data_type: int16, scale: 0.1, value: 12.5", "data_type: int16, value: 12")
    fewer = DEVICES.replace("unit_id: 1-5", "unit_id: 1-3").rpartition("  - {name: b")[0]
    from twisted.logger import globalLogPublisher

    told = []
    globalLogPublisher.addObserver(told.append)
    try:
        second = live(fewer, changed)
    finally:
        globalLogPublisher.removeObserver(told.append)
    lines = [event for event in told if "left out" in event.get("log_format", "")]
    assert len(lines) == 1
    # of level 5 (2 devices are gone), flow 1, alarm 1 of b; total 3 (2 of devices that are gone, 1 of b)
    assert lines[0]["count"] == 5 + 1 + 1 + 3
    assert (tmp_path / "state.json.old").read_bytes() == before
    assert second.plant.read("a-1", "level") == 12
    second.stop()
    assert live(fewer, changed).plant.read("a-1", "level") == 12


def test_two_plants_cannot_have_one_file(live, tmp_path):
    live()
    with pytest.raises(ConfigError, match="state is of another plant"):
        Life(tmp_path).start()


def test_a_file_that_is_damaged_is_left_alone(live, tmp_path):
    live().stop()
    path = tmp_path / "state.json"
    path.write_bytes(damaged := path.read_bytes()[:-9])
    life = Life(tmp_path)
    with pytest.raises(ConfigError, match="state is corrupt"):
        life.start()
    life.stop()
    assert path.read_bytes() == damaged
    path.unlink()
    live()  # the lock was given back


def test_a_file_that_cannot_be_written_is_tried_again(live, tmp_path, monkeypatch):
    life = live()
    life.plant.write("a-1", "level", 3)
    write = records.write

    def full(*words):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(records, "write", full)
    life.run(11)
    assert (life.plant.state.saved, life.plant.state.failed) == (0, 1)
    assert life.plant.running
    monkeypatch.setattr(records, "write", write)
    life.run(10)
    assert (life.plant.state.saved, life.plant.state.failed) == (1, 1)


def test_without_the_key_there_is_none(tmp_path):
    assert Plant(parse_plant(DEVICES + PROFILES), Reactor()).state is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{file: ''}", "state.file"),
        ("{every: 30s}", "state.file"),
        ("{file: s, every: 30}", "state.every"),
        ("{file: s, every: 10ms}", "state.every"),
        ("{file: s, ever: 10s}", "unknown key 'ever'"),
        ("s.json", "state"),
    ],
)
def test_what_is_wrong_in_the_plant_file_is_told(text, said):
    with pytest.raises(ConfigError) as caught:
        parse_plant(f"state: {text}\n{DEVICES}{PROFILES}")
    assert said in str(caught.value)
