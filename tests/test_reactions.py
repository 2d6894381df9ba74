"""What devices do when a point has been written: at once, later, step by step, or not at all."""

from __future__ import annotations

import logging
import sys
import types

import pytest
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher

from simulator.config.loader import parse_plant
from simulator.errors import PointError
from simulator.functions.table import answer
from simulator.plant import Plant

DEVICES = """
devices:
  - {name: "d-{n}", profile: box, endpoint: "tcp://127.0.0.1:5020", unit_id: 1-5, parameters: {most: 40}}
profiles:
  box:
    parameters: {most: 30}
    points:
      start: {table: coil, address: 0, data_type: bool, on_write: ON_START}
      spare: {table: coil, address: 1, data_type: bool}
      mode: {table: hr, address: 0, data_type: uint16, enum: {0: stop, 1: run, 2: fault}, value: stop, on_write: ON_MODE}
      speed: {table: hr, address: 1, data_type: int16, scale: 0.1, max: 100, on_write: ON_SPEED}
      target: {table: hr, address: 2, data_type: float32, on_write: ON_TARGET}
      word: {table: hr, address: 4, data_type: uint16, on_write: ON_WORD}
      text: {table: hr, address: 6, data_type: string, length: 4}
      power: {table: ir, address: 0, data_type: float32,
              generator: {type: increment, min: 0, max: 1000, step: 10}}
"""


class Yard:
    """A plant whose virtual time is moved by hand."""

    def __init__(self, **on_write: str) -> None:
        text = DEVICES
        for name in ("start", "mode", "speed", "target", "word"):
            text = text.replace(f"ON_{name.upper()}", on_write.get(name, "[]"))
        self.clock = Clock()
        self.plant = Plant(parse_plant(text), self.clock)
        self.plant.running = 1  # as if it were open
        self.plant.time.start()
        self.told: list[tuple[object, ...]] = []

    def tell(self, *what: object) -> None:
        self.told.append(what)

    def asks(self, pdu: str, device: str = "d-2") -> str:
        found = self.plant.device(device)
        assert found is not None
        return answer(found, bytes.fromhex(pdu)).hex(" ")

    def reads(self, *points: str, device: str = "d-2") -> object:
        values = [self.plant.read(device, point) for point in points]
        return values[0] if len(values) == 1 else values

    def passes(self, seconds: float) -> None:
        goal = self.plant.now() + seconds + 0.001
        for _ in range(10_000):
            if self.plant.now() >= goal - 1e-9:
                break
            self.clock.advance(min(0.05, goal - self.plant.now()))
        self.clock.advance(0)


@pytest.fixture
def warnings():
    found: list[str] = []

    def observe(event):
        if event["log_namespace"] in (
            "simulator.reactions",
            "simulator.watches",
            "simulator.scripting.handle",
        ):
            found.append(event["log_format"].format(**event))

    globalLogPublisher.addObserver(observe)
    yield found
    globalLogPublisher.removeObserver(observe)


def test_a_write_sets_other_points_at_once():
    yard = Yard(start="[{set: {mode: run, speed: 12.5, text: 'on', spare: true}}]")
    assert yard.asks("05 0000 ff00") == "05 00 00 ff 00"
    assert yard.reads("mode", "speed", "text", "spare") == ["run", 12.5, "on", True]
    assert yard.reads("mode", device="d-1") == "stop"


def test_a_value_may_be_a_formula_over_the_device_and_what_was_written():
    yard = Yard(
        word="[{set: {speed: 'min(value, most) / 2', target: 'old + 1000 * mode + i', spare: 'value > 5'}}]"
    )
    yard.plant.write("d-2", "mode", "fault")
    yard.plant.write("d-2", "word", 7)
    assert yard.reads("speed", "target", "spare") == [3.5, 2001.0, True]
    yard.asks("06 0004 0032")
    assert yard.reads("speed", "target") == [20.0, 2008.0]


def test_what_happens_later_happens_in_virtual_time():
    yard = Yard(start="[{set: {mode: run}, after: 2s}, {set: {word: 'value + 1'}, after: 500ms}]")
    yard.asks("05 0000 ff00")
    yard.passes(0.4)
    assert yard.reads("mode", "word") == ["stop", 0]
    yard.passes(0.2)
    assert yard.reads("mode", "word") == ["stop", 2]
    yard.plant.time.pause()
    yard.clock.advance(60)
    assert yard.reads("mode") == "stop"
    yard.plant.time.resume()
    yard.passes(1.5)
    assert yard.reads("mode") == "run"
    assert len(yard.plant.reactions.delays) == 0


def test_a_condition_decides_when_the_time_has_come():
    yard = Yard(start="[{set: {mode: run}, if: 'value', after: 1s}, {set: {mode: stop}, if: 'not value'}]",
                mode="[{set: {word: 9}, if: 'value == 1 and spare'}]")  # fmt: skip
    yard.asks("05 0000 ff00")
    yard.passes(1.1)
    assert yard.reads("mode", "word") == ["run", 0]
    yard.plant.write("d-2", "spare", True)
    yard.asks("05 0000 0000")
    assert yard.reads("mode", "word") == ["stop", 0]
    yard.asks("05 0000 ff00")
    yard.passes(1.1)
    assert yard.reads("word") == 9


def test_a_coil_falls_back_after_a_pulse_and_a_second_write_begins_it_anew():
    yard = Yard(start="[{pulse: 500ms}]")
    yard.asks("05 0000 ff00")
    yard.passes(0.4)
    yard.asks("05 0000 ff00")
    yard.passes(0.4)
    assert yard.reads("start") is True
    yard.passes(0.2)
    assert yard.reads("start") is False
    yard.asks("05 0000 ff00")
    yard.asks("05 0000 0000")
    assert len(yard.plant.reactions.delays) == 0  # there is nothing to take back


def test_a_number_has_its_value_of_before_after_a_pulse():
    yard = Yard(word="[{pulse: 1s}]")
    yard.plant.fleets[0].device(1).holding_registers.write(4, 1, b"\x00\x07")
    yard.asks("06 0004 0032")
    yard.passes(0.5)
    yard.asks("06 0004 0033")
    yard.passes(1.1)
    assert yard.reads("word") == 7


def test_a_point_moves_to_a_value_in_steps():
    yard = Yard(target="[{ramp: {point: speed, to: value, duration: 10s}}]")
    yard.plant.write("d-2", "speed", 20)
    yard.plant.on_write("d-2", "speed", yard.tell)
    yard.plant.write("d-2", "target", 50)
    yard.passes(5)
    assert [new for _, _, _, new, _ in yard.told] == [23.0, 26.0, 29.0, 32.0, 35.0]
    yard.passes(20)
    assert [new for _, _, _, new, _ in yard.told][5:] == [38.0, 41.0, 44.0, 47.0, 50.0]
    assert str(yard.told[0][-1]) == "reaction d-2 target after program"


def test_a_point_may_move_to_what_is_written_to_it():
    yard = Yard(speed="[{ramp: {to: value, duration: 2s, interval: 500ms}}]")
    yard.asks("06 0001 0064")  # 10.0
    seen = []
    for _ in range(5):
        seen.append(yard.reads("speed"))
        yard.passes(0.5)
    assert seen == [0.0, 2.5, 5.0, 7.5, 10.0]


def test_a_ramp_ends_when_somebody_else_writes():
    yard = Yard(target="[{ramp: {point: speed, to: value, duration: 10s}}]")
    yard.plant.write("d-2", "target", 50)
    yard.passes(2.5)
    yard.asks("06 0001 0032")
    yard.passes(5)
    assert yard.reads("speed") == 5.0
    assert len(yard.plant.reactions.delays) == 0
    yard.plant.write("d-2", "target", 50)
    yard.passes(2)
    yard.plant.write("d-2", "target", 0)  # another ramp in its place
    yard.passes(20)
    assert yard.reads("speed") == 0.0


def test_a_write_is_refused_unless_the_formula_holds():
    yard = Yard(speed="[{reject: {unless: 'mode == 1 and value <= most'}}]",
                word="[{reject: {unless: 'spare', exception: server_device_busy}}]",
                target="[{reject: {unless: '0', exception: 0x42}}]")  # fmt: skip
    assert yard.asks("06 0001 0005") == "86 03"
    assert yard.asks("10 0000 0002 04 0001 0005") == "90 03"  # as a whole, also what mode would be
    assert yard.reads("mode", "speed") == ["stop", 0.0]
    assert yard.asks("06 0000 0001") == "06 00 00 00 01"
    assert yard.asks("06 0001 0005") == "06 00 01 00 05"
    assert yard.asks("06 0001 01f4") == "86 03"  # 50 is more than 40
    assert yard.asks("06 0004 0001") == "86 06"
    assert yard.asks("10 0002 0002 04 0000 0000") == "90 42"
    yard.plant.write("d-2", "word", 5)  # from inside everything is written
    assert yard.reads("word") == 5


def test_a_refused_write_has_no_consequences():
    yard = Yard(speed="[{reject: {unless: '0'}}, {set: {word: 9}}]")
    assert yard.asks("06 0001 0005") == "86 03"
    assert yard.reads("word") == 0


def test_reactions_follow_each_other():
    yard = Yard(start="[{set: {mode: run}}]", mode="[{set: {speed: 10}}]", speed="[{set: {target: value}}]")
    yard.plant.on_write("d-2", "target", yard.tell)
    yard.asks("05 0000 ff00")
    ((device, point, old, new, origin),) = yard.told
    assert (device, point, old, new) == ("d-2", "target", 0.0, 10.0)
    assert str(origin) == "reaction d-2 speed after reaction d-2 mode after reaction d-2 start after program"
    assert origin.first.kind == "program"


def test_points_may_set_each_other_in_turn_and_a_point_itself():
    yard = Yard(start="[{set: {spare: value}, after: 1s}]",
                speed="[{set: {speed: 'clamp(value, 5, 20)'}}]")  # fmt: skip
    yard.asks("06 0001 03e8")
    assert yard.reads("speed") == 20.0


def test_a_function_is_called(monkeypatch):
    module = types.ModuleType("reaction_functions")
    called = []

    async def later(plant, device, point, old, new, origin):
        called.append((plant[device]["word"], device, point, old, new, origin.kind))
        await plant.sleep(3)
        plant[device]["word"] = 8

    def fails(plant, *rest):
        raise KeyError("no such thing")

    module.later, module.fails = later, fails
    monkeypatch.setitem(sys.modules, "reaction_functions", module)
    yard = Yard(start="[{call: 'reaction_functions:fails'}, {call: 'reaction_functions:later', after: 1s}]")
    assert yard.asks("05 0000 ff00") == "05 00 00 ff 00"
    yard.passes(2)
    assert called == [(0, "d-2", "start", False, True, "program")]
    assert yard.reads("word") == 0
    yard.passes(3)
    assert yard.reads("word") == 8
    assert yard.plant.reactions.failed == 1


def test_what_fails_is_told_once_and_the_write_stands(warnings):
    yard = Yard(word="[{set: {target: '1 / (value - 5)'}}, {set: {speed: 'value'}}]")
    for number in (5, 5, 200, 300):
        assert yard.asks(f"06 0004 {number:04x}") == f"06 00 04 {number >> 8:02x} {number & 255:02x}"
    assert yard.plant.reactions.failed == 4
    assert warnings == [
        "d-2 word: a reaction fails, and may fail again: d-2 target: 1 / (value - 5) is nan, "
        "expected a finite number",
        "d-2 word: a reaction fails, and may fail again: d-2 speed: value is out of range, got 200.0, "
        "expected at most 100.0",
    ]
    assert yard.reads("speed") == 5.0


def test_what_waits_in_one_device_is_bounded(warnings):
    yard = Yard(word="[{set: {target: value}, after: 10s}]")
    for number in range(200):
        yard.asks(f"06 0004 {number:04x}")
    yard.asks("06 0004 0001", device="d-3")
    assert len(yard.plant.reactions.delays) == 65
    assert yard.plant.reactions.delays.dropped == 136
    assert warnings == ["d-2: 64 reactions are under way, what comes beyond is left out"]
    yard.passes(10.1)
    assert yard.reads("target") == 63.0
    yard.asks("06 0004 0009")
    yard.passes(10.1)
    assert yard.reads("target") == 9.0


def test_an_oscillator_is_allowed_and_ends_with_the_plant():
    yard = Yard(start="[{set: {spare: 'not value'}, after: 1s}, {set: {word: 'word + 1'}}]",
                word="[{set: {start: 'value % 2'}, after: 1s}]")  # fmt: skip
    yard.asks("05 0000 ff00")
    yard.passes(9.5)
    assert yard.reads("word") == 10
    yard.plant.reactions.stop()
    assert len(yard.plant.reactions.delays) == 0
    yard.passes(5)
    assert yard.reads("word") == 10


def test_many_devices_react():
    yard = Yard(mode="[{set: {word: 'n'}, after: 1s}]")
    yard.plant.write("d-*", "mode", "run")
    yard.passes(1.1)
    assert list(yard.plant.values.read_all("*", "word").values()) == [1, 2, 3, 4, 5]


def test_a_plant_without_reactions_keeps_nothing():
    yard = Yard()
    assert len(yard.plant.reactions.delays) == 0
    assert yard.plant.fleets[0].kind.gates[3].is_open(2, 2)
    with pytest.raises(PointError):
        yard.plant.write("d-2", "speed", 1e9)
    logging.getLogger(__name__).debug("nothing else happens")
