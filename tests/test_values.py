"""Values from inside: by name, one device or thousands; who is told of a write, and by whom it was made."""

from __future__ import annotations

import math
import struct

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from simulator.config.loader import parse_plant
from simulator.errors import PointError
from simulator.functions.table import answer
from simulator.origins import Origin
from simulator.plant import Plant
from simulator.protocol.codes import Table
from simulator.server.factory import ModbusServerFactory

TEXT = """
profiles:
  box:
    points:
      level: {table: hr, address: 0, data_type: int16, scale: 0.1, value: 12.5, min: 0, max: 50}
      mode: {table: hr, address: 1, data_type: uint16, enum: {0: stop, 3: run}, value: stop}
      running: {table: hr, address: 2, data_type: bool, bit: 0}
      alarm: {table: hr, address: 2, data_type: bool, bit: 9}
      word: {table: hr, address: 2, data_type: uint16, overlap: true}
      serial: {table: hr, address: 4, data_type: string, length: 4, value: "S{n}", access: ro}
      steps: {table: hr, address: 10, data_type: int16, count: 3}
      total: {table: hr, address: 14, data_type: uint32, byte_order: CDAB}
      pump: {table: coil, address: 3, data_type: bool}
      valves: {table: coil, address: 6, data_type: bool, count: 4}
      power: {table: ir, address: 0, data_type: float32,
              generator: {type: increment, min: 0, max: 1000, step: 10}}
  other:
    points:
      level: {table: hr, address: 9, data_type: float32}
devices:
  - {name: "a-{n}", profile: box, endpoint: "tcp://127.0.0.1:5020", unit_id: 1-5, tags: [east]}
  - {name: "b-{n}", profile: box, endpoint: "tcp://127.0.0.1:5021", unit_id: 1-5, tags: [west]}
  - {name: c, profile: other, endpoint: "tcp://127.0.0.1:5022", tags: [west]}
"""
SCRIPT = Origin("script", "night")


class House:
    """A plant that is not open, and what was told of it."""

    def __init__(self, text: str = TEXT) -> None:
        self.clock = Clock()
        self.plant = Plant(parse_plant(text), self.clock)
        self.told: list[tuple[object, ...]] = []

    def tell(self, *what: object) -> None:
        self.told.append(what)

    def client_writes(self, device: str, pdu: str) -> str:
        found = self.plant.device(device)
        assert found is not None
        return answer(found, bytes.fromhex(pdu)).hex(" ")


@pytest.fixture
def house():
    return House()


@pytest.mark.parametrize(
    ("point", "value"),
    [
        ("level", 33.3), ("mode", "run"), ("running", True), ("alarm", True), ("serial", "other"),
        ("steps", [1, -2, 3]), ("total", 70000), ("pump", True), ("valves", [True, False, True, True]),
        ("power", 4.5),
    ],
)  # fmt: skip
def test_what_is_written_is_read_and_the_neighbours_stay(house, point, value):
    names = list(house.plant.fleets[0].profile.points)
    before = {name: house.plant.read("a-2", name) for name in names if name not in (point, "word")}
    assert house.plant.write("a-2", point, value) == 1
    assert house.plant.read("a-2", point) == value
    assert {name: house.plant.read("a-2", name) for name in before} == before
    assert house.plant.read("a-1", point) != value
    assert house.plant.read("a-3", point) != value


def test_many_are_written_at_once(house):
    assert house.plant.write("a-*", "level", 7) == 5
    assert house.plant.write({"tags": ["west"]}, "level", 8) == 6  # of two profiles
    assert house.plant.values.read_all("*", "level") == {
        **{f"a-{n}": 7.0 for n in range(1, 6)},
        **{f"b-{n}": 8.0 for n in range(1, 6)},
        "c": 8.0,
    }
    assert house.plant.write({"devices": ["a-1", "b-[2-3]"]}, "valves", True) == 3
    assert house.plant.read("b-3", "valves") == [True] * 4
    assert house.plant.read("b-4", "valves") == [False] * 4
    assert house.plant.write("*", "mode", "run") == 10  # c has no such point


@pytest.mark.parametrize(
    ("target", "point", "value", "words"),
    [
        ("a-9", "level", 1, "unknown device 'a-9', expected the name of one or a pattern; did you mean 'a-"),
        ("d-*", "level", 1, "no device is named 'd-*'"),
        ("a-1", "lewel", 1, "a-1: unknown point 'lewel'"),
        ("a-1", "lewel", 1, "did you mean 'level'?"),
        ("*", "lewel", 1, "unknown point 'lewel'"),
        ("a-1", "mode", "rum", "a-1 mode: label is unknown, got 'rum', did you mean run?"),
        ("a-*", "level", 4000, "a-1 and 4 more level: value does not fit int16, got 4000"),
        ("a-1", "level", 51, "a-1 level: value is out of range, got 51, expected 0"),
        ("a-1", "level", math.nan, "a-1 level: value does not fit int16"),
        ("a-1", "level", "much", "a-1 level: "),
        ("a-1", "level", None, "a-1 level: "),
        ("a-1", "pump", 2, "a-1 pump: value is no truth value, got 2"),
        ("a-1", "steps", [1, 2], "a-1 steps: array has a wrong length, got 2 values, expected 3"),
        ("a-1", "total", -1, "a-1 total: value does not fit uint32"),
        ({"devise": "a"}, "level", 1, "unknown key 'devise'"),
    ],
)
def test_what_cannot_be_written_is_told_and_nothing_is_stored(house, target, point, value, words):
    before = house.plant.values.read_all("*", "level")
    with pytest.raises(PointError) as told:
        house.plant.write(target, point, value)
    assert words in str(told.value)
    assert house.plant.values.read_all("*", "level") == before


def test_nothing_is_stored_when_one_kind_cannot_take_the_value(house):
    with pytest.raises(PointError, match="a-1 and 4 more level: value does not fit"):
        house.plant.write("*", "level", 1e6)  # c could
    assert house.plant.read("c", "level") == 0


def test_registers_that_hold_no_value_are_read_as_none():
    text = """
profiles: {p: {points: {digits: {table: hr, address: 0, data_type: bcd16}}}}
devices: [{name: d, profile: p, endpoint: "tcp://127.0.0.1:5020"}]
"""
    house = House(text)
    house.client_writes("d", "06 0000 FFFF")
    assert house.plant.read("d", "digits") is None
    assert house.plant.values.read_all("d", "digits") == {"d": None}


def test_reading_tells_what_does_not_exist(house):
    with pytest.raises(PointError, match="unknown device 'x'"):
        house.plant.read("x", "level")
    with pytest.raises(PointError, match="a-1: unknown point 'x'"):
        house.plant.read("a-1", "x")


def test_a_written_value_holds_until_it_is_released(house):
    fleet = house.plant.fleets[0]
    track = fleet.tracks[0]
    house.plant.write("a-*", "power", 7)
    track.run(1, 1.0, 0, fleet.count)
    assert house.plant.read("a-5", "power") == 7
    assert house.plant.read("b-1", "power") == 10
    assert house.plant.release("a-2", "power") == 1
    assert house.plant.release({"devices": "a-3"}) == 1
    track.run(2, 2.0, 0, fleet.count)
    assert [house.plant.read(f"a-{n}", "power") for n in (1, 2, 3)] == [7, 20, 20]


def test_how_long_it_holds_can_be_told(house):
    fleet = house.plant.fleets[0]
    house.plant.write("a-1", "power", 7, hold=0)
    house.plant.write("a-2", "power", 7, hold=5)
    fleet.tracks[0].run(4, 4.0, 0, fleet.count)
    assert [house.plant.read(f"a-{n}", "power") for n in (1, 2)] == [40, 7]
    fleet.tracks[0].run(6, 6.0, 0, fleet.count)
    assert house.plant.read("a-2", "power") == 60


def test_who_watches_is_told_of_writes_from_inside_and_of_clients(house):
    house.plant.on_write("a-*", "level", house.tell)
    house.plant.write("a-2", "level", 30, origin=SCRIPT)
    house.plant.write("b-2", "level", 30, origin=SCRIPT)
    assert house.client_writes("a-2", "06 0000 0064") == "06 00 00 00 64"
    assert house.client_writes("b-2", "06 0000 0064") == "06 00 00 00 64"
    assert house.told == [
        ("a-2", "level", 12.5, 30.0, SCRIPT),
        ("a-2", "level", 30.0, 10.0, Origin("program")),
    ]
    house.client_writes("a-2", "06 0000 7fff")  # refused: nothing was written
    house.client_writes("a-2", "06 0001 0003")  # another point
    assert len(house.told) == 2


def test_a_write_of_several_registers_tells_of_each_point(house):
    for point in ("level", "mode", "total"):
        house.plant.on_write("a-1", point, house.tell)
    house.client_writes("a-1", "10 0000 0002 04 0001 0003")
    assert house.told == [
        ("a-1", "level", 12.5, 0.1, Origin("program")),
        ("a-1", "mode", "stop", "run", Origin("program")),
    ]
    house.told.clear()
    house.client_writes("a-1", "06 000f 0001")  # half of a number
    assert house.told == [("a-1", "total", 0, 65536, Origin("program"))]


def test_bits_of_a_register_are_told_apart(house):
    for point in ("running", "alarm", "word"):
        house.plant.on_write("a-1", point, house.tell)
    house.client_writes("a-1", "06 0002 0200")
    assert [(point, old, new) for _, point, old, new, _ in house.told] == [
        ("alarm", False, True),
        ("word", 0, 512),
    ]
    house.told.clear()
    house.plant.write("a-1", "running", True)
    assert [(point, new) for _, point, _, new, _ in house.told] == [("running", True), ("word", 513)]


def test_coils_are_watched_too(house):
    house.plant.on_write("*", "pump", house.tell)
    house.client_writes("b-5", "05 0003 ff00")
    house.plant.write("b-*", "pump", False)
    assert [(device, old, new) for device, _, old, new, _ in house.told] == [
        ("b-5", False, True), ("b-1", False, False), ("b-2", False, False), ("b-3", False, False),
        ("b-4", False, False), ("b-5", True, False),
    ]  # fmt: skip


def test_one_subscription_may_be_about_several_profiles(house):
    subscription = house.plant.on_write({"tags": ["west"]}, "level", house.tell)
    house.plant.write("*", "level", 1)
    assert [device for device, *_ in house.told] == ["b-1", "b-2", "b-3", "b-4", "b-5", "c"]
    subscription.cancel()
    subscription.cancel()
    house.plant.write("*", "level", 2)
    assert len(house.told) == 6


def test_a_thousand_may_watch_a_device_each():
    house = House(TEXT.replace("unit_id: 1-5, tags: [east]", "unit_id: 1-247, count: 1000")
                  .replace("127.0.0.1:5020", "127.0.1.1:5020-5030"))  # fmt: skip
    subscriptions = [house.plant.on_write(f"a-{n}", "level", house.tell) for n in range(1, 1001)]
    house.client_writes("a-777", "06 0000 0064")
    assert [device for device, *_ in house.told] == ["a-777"]
    house.plant.write({"devices": ["a-99?", "b-1"]}, "level", 3)
    assert len(house.told) == 11
    watch = house.plant.values.watch(house.plant.fleets[0], house.plant.fleets[0].profile.points["level"])
    for subscription in subscriptions:
        subscription.cancel()
    assert not watch.touches(0, 1005)
    house.plant.write("a-*", "level", 4)
    assert len(house.told) == 11


def test_a_point_is_watched_through_the_table_that_shares_its_block():
    text = """
profiles:
  io:
    tables: {coil: {share: discrete_input}}
    points:
      lamp: {table: discrete_input, address: 3, data_type: bool}
devices: [{name: d, profile: io, endpoint: "tcp://127.0.0.1:5020"}]
"""
    house = House(text)
    house.plant.on_write("d", "lamp", house.tell)
    assert house.client_writes("d", "05 0003 ff00") == "05 00 03 ff 00"
    assert [(old, new) for _, _, old, new, _ in house.told] == [(False, True)]


def test_compiled_code_leaves_watched_places_to_python_at_once_and_gets_them_back(house):
    gate = house.plant.fleets[0].kind.gates[Table.HOLDING_REGISTER]
    shared = memoryview(gate.open_stops)  # as compiled code has it: the array cannot be another one
    assert gate.is_open(14, 2)
    assert not gate.is_open(1, 1)  # an enum always is ruled
    first = house.plant.on_write("a-1", "total", house.tell)
    second = house.plant.on_write("b-1", "total", house.tell)
    assert shared[14] == shared[15] == 0
    assert not gate.is_open(14, 2)
    first.cancel()
    assert not gate.is_open(15, 1)
    second.cancel()
    assert shared[14] == shared[15] == 16
    assert gate.is_open(14, 2)
    assert not gate.is_open(1, 1)


def test_who_fails_disturbs_neither_the_write_nor_the_others(house):
    def fails(*what: object) -> None:
        raise RuntimeError("no")

    house.plant.on_write("a-1", "mode", fails)
    house.plant.on_write("a-1", "mode", house.tell)
    assert house.client_writes("a-1", "06 0001 0003") == "06 00 01 00 03"
    assert [new for *_, new, _ in house.told] == ["run"]


def test_writes_that_cause_each_other_have_an_end(house):
    house.plant.on_write("a-1", "level", lambda *_: house.plant.write("a-1", "total", len(house.told)))
    house.plant.on_write("a-1", "total", lambda *_: house.plant.write("a-1", "level", len(house.told)))
    house.plant.on_write("a-1", "total", house.tell)
    house.plant.write("a-1", "level", 1)
    assert 4 <= len(house.told) <= 16
    count = len(house.told)
    house.plant.write("a-1", "level", 2)  # the next chain is as long
    assert len(house.told) == 2 * count


def test_many_are_told_of_in_slices():
    house = House(TEXT.replace("unit_id: 1-5, tags: [east]", "unit_id: 1-247, count: 1000")
                  .replace("127.0.0.1:5020", "127.0.1.1:5020-5030"))  # fmt: skip
    house.plant.on_write("a-*", "level", house.tell)
    house.plant.write("a-*", "level", 1)
    house.plant.write("a-1000", "level", 2)
    assert house.plant.read("a-999", "level") == 1
    assert 0 < len(house.told) < 1000
    for _ in range(10):
        house.clock.advance(0)
    assert [(device, new) for device, _, _, new, _ in house.told] == [
        *((f"a-{n}", 1.0) for n in range(1, 1001)),
        ("a-1000", 2.0),
    ]


def test_a_client_is_told_by_address_unit_id_and_transaction(house):
    device = house.plant.device("a-3")
    factory = ModbusServerFactory({7: device})
    protocol = factory.buildProtocol(None)
    transport = StringTransport()
    protocol.makeConnection(transport)
    house.plant.on_write("a-3", "mode", house.tell)
    peer = transport.getPeer()
    data = bytes.fromhex("06 0001 0003")
    protocol.dataReceived(struct.pack(">HHHB", 77, 0, len(data) + 1, 7) + data)
    ((_, _, _, _, origin),) = house.told
    assert origin == Origin("client", f"{peer.host}:{peer.port}", peer.host, peer.port, 7, 77)
    assert str(origin) == f"client {peer.host}:{peer.port} unit id 7 transaction id 77"
    house.client_writes("a-3", "06 0001 0000")
    assert house.told[-1][-1] == Origin("program")  # nobody is being served any more
