"""A plant in memory: opened, running, stopped; its clock is advanced by hand, its sockets are real."""

from __future__ import annotations

import os
import select
import socket
import struct

import pytest
from twisted.internet.testing import MemoryReactorClock

from simulator.config.loader import parse_plant
from simulator.errors import BindError
from simulator.plant import Plant

PROFILES = """
profiles:
  box:
    points:
      number: {table: hr, address: 0, data_type: uint16, value: "{n}"}
      count: {table: ir, address: 0, data_type: uint16,
              generator: {type: increment, min: 100, max: 9999, step: 1}}
      slow: {table: ir, address: 1, data_type: uint16,
             generator: {type: increment, min: 5, max: 9999, step: 1, interval: 10s}}
      held: {table: hr, address: 1, data_type: uint16, hold: 5s,
             generator: {type: increment, min: 0, max: 9999, step: 1}}
  other:
    points:
      number: {table: hr, address: 0, data_type: uint16, value: "{n}00"}
"""
DEVICES = """
name: yard
devices:
  - {name: "a-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-3}
  - {name: "b-{n}", profile: other, endpoint: "tcp://127.0.0.1:0", count: 2}
  - {name: c, profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: any}
"""


class Yard:
    """A plant, the clock it lives by, and one way to ask it."""

    def __init__(self, text: str) -> None:
        self.reactor = MemoryReactorClock()
        self.plant = Plant(parse_plant(text), self.reactor)
        self.failure = None
        self.progress: list[tuple[int, int]] = []

    def open(self) -> Yard:
        opened = self.plant.open(lambda done, total: self.progress.append((done, total)))
        done: list[object] = []
        opened.addBoth(done.append)
        for _ in range(1000):
            if done:
                break
            self.reactor.advance(0)
        assert done, "the plant never opened"
        self.failure = done[0]
        return self

    def connect(self, listener: int = 0, host: str = "127.0.0.1") -> socket.socket:
        port = int(self.plant.endpoints[listener].rpartition(":")[2])
        return socket.create_connection((host, port), timeout=30)

    def turn(self) -> None:
        """What a reactor does: look at whatever has something to say."""
        quiet = 0
        while quiet < 2:
            readers = {reader.fileno(): reader for reader in self.reactor.getReaders()}
            ready, _, _ = select.select(list(readers), [], [], 0.01)
            for number in ready:
                readers[number].doRead()
            quiet = 0 if ready else quiet + 1

    def ask(self, pdu: str, *, listener: int = 0, unit: int = 1) -> str:
        data = bytes.fromhex(pdu)
        with self.connect(listener) as client:
            client.sendall(struct.pack(">HHHB", 1, 0, len(data) + 1, unit) + data)
            self.turn()
            return client.recv(300)[7:].hex(" ")


@pytest.fixture
def make():
    made: list[Yard] = []

    def make(text: str = DEVICES + PROFILES) -> Yard:
        made.append(Yard(text))
        return made[-1]

    yield make
    for yard in made:
        if not yard.plant.hub.connections.fileno() < 0:
            yard.plant.hub.close()


@pytest.fixture
def yard(make):
    yard = make().open()
    assert yard.failure is None
    return yard


def test_an_open_plant_tells_its_endpoints_in_the_order_of_the_file(yard):
    assert yard.plant.devices == 6
    assert len(yard.plant.endpoints) == 4  # two ports for b
    assert all(endpoint.startswith("tcp://127.0.0.1:") for endpoint in yard.plant.endpoints)
    assert [yard.ask("03 0000 0001", listener=place) for place in range(4)] == [
        "03 02 00 01",
        "03 02 00 64",
        "03 02 00 c8",
        "03 02 00 01",
    ]


def test_opening_tells_how_far_it_is(yard):
    assert yard.progress == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_the_first_client_finds_the_values_of_time_0(yard):
    assert yard.ask("04 0000 0002", unit=3) == "04 04 00 64 00 05"
    assert yard.plant.now() == 0.0


def test_values_move_when_the_plant_runs_each_at_its_interval(yard):
    yard.reactor.advance(5)
    assert yard.ask("04 0000 0002") == "04 04 00 64 00 05"  # not yet
    yard.plant.startService()
    for _ in range(25):
        yard.reactor.advance(1)
    assert yard.plant.now() == 25.0
    assert yard.ask("04 0000 0002") == "04 04 00 7d 00 07"
    assert yard.ask("04 0000 0002", listener=3, unit=9) == "04 04 00 7d 00 07"


def test_a_written_value_is_held_in_virtual_time(yard):
    yard.plant.startService()
    yard.reactor.advance(10)
    assert yard.ask("06 0001 0fff") == "06 00 01 0f ff"
    seen = []
    for _ in range(8):
        yard.reactor.advance(1)
        seen.append(yard.ask("03 0001 0001"))
    assert seen[:4] == ["03 02 0f ff"] * 4
    assert seen[5:] == ["03 02 00 10", "03 02 00 11", "03 02 00 12"]


def test_devices_are_found_by_name(yard):
    device = yard.plant.device("b-2")
    assert device.holding_registers.read(0, 1) == b"\x00\xc8"
    assert yard.plant.device("a-3").row == 2
    assert yard.plant.device("c").holding_registers.read(0, 1) == b"\x00\x01"
    for name in ("a-4", "a-0", "a", "b", "", "nobody"):
        assert yard.plant.device(name) is None


def test_groups_of_one_profile_share_a_fleet(yard):
    assert [(fleet.name, fleet.count) for fleet in yard.plant.fleets] == [("box", 4), ("other", 2)]


def test_what_devices_answer_is_counted(yard):
    for unit in (1, 1, 3):
        yard.ask("03 0000 0001", unit=unit)
    assert list(yard.plant.fleets[0].kind.requests) == [2, 0, 1, 0]
    yard.ask("03 0000 0001", unit=9)
    yard.turn()
    assert yard.plant.factories[0].requests == 4
    assert yard.plant.factories[0].connections == 0


def test_a_taken_port_opens_nothing(make):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        devices = f'  - {{name: last, profile: other, endpoint: "tcp://127.0.0.1:{port}"}}\n'
        yard = make(DEVICES + devices + PROFILES)
        before = set(os.listdir("/proc/self/fd"))
        yard.open()
        assert yard.failure.check(BindError)
        stopped: list[object] = []
        yard.plant.stopService().addBoth(stopped.append)
        assert stopped == [None]  # nothing is left to stop
        assert f"tcp://127.0.0.1:{port}: Address already in use" in str(yard.failure.value)
        assert len(os.listdir("/proc/self/fd")) <= len(before)
        assert yard.plant.endpoints == []
        assert yard.reactor.getReaders() == []


@pytest.mark.parametrize("is_known", [True, False], ids=["a client", "a client that has just connected"])
def test_stopping_answers_what_has_arrived_and_leaves_nothing_open(make, is_known):
    before = len(os.listdir("/proc/self/fd"))
    yard = make().open()
    yard.plant.startService()
    client = yard.connect()
    if is_known:
        yard.turn()
    client.sendall(bytes.fromhex("0001 0000 0006 01 03 0000 0001") * 3)
    stopped: list[object] = []
    yard.plant.stopService().addCallback(stopped.append)
    assert client.recv(300) == bytes.fromhex("0001 0000 0005 01 03 02 0001") * 3
    assert client.recv(1) == b""
    client.close()
    yard.reactor.advance(0)
    assert stopped == [None]
    assert yard.reactor.getDelayedCalls() == []
    assert yard.reactor.getReaders() == []
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_plant_that_was_never_opened_can_be_stopped(make):
    yard = make()
    stopped: list[object] = []
    yard.plant.stopService().addCallback(stopped.append)
    yard.reactor.advance(0)
    assert stopped == [None]


def test_the_limits_of_the_file_bind_every_listener(make):
    yard = make(
        DEVICES
        + "limits: {max_connections: 9, max_connections_per_device: 1,\n"
        + "         max_connections_per_host: 2, idle_timeout: 7s}\n"
        + PROFILES
    ).open()
    yard.plant.startService()
    first, second = yard.connect(0), yard.connect(1)
    third = yard.connect(3)
    yard.turn()
    assert third.recv(1) == b""  # the third of one host
    assert yard.plant.hub.max_connections == 9
    yard.reactor.advance(8)
    assert first.recv(1) == b""
    assert second.recv(1) == b""
    for client in (first, second, third):
        client.close()
