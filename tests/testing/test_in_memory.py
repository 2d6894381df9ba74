"""Plants in memory: the ordinary client, the ordinary server, no sockets, and time that is told to pass."""

from __future__ import annotations

import socket
import time

import pytest

from simulator.errors import (
    ConfigError,
    ConnectionClosed,
    ConnectionRefused,
    GatewayTargetFailed,
    IllegalDataAddress,
    PointError,
    ProtocolError,
    ServerDeviceBusy,
    TimedOut,
)
from simulator.testing import InMemoryPlant, Unmet

METERS = """
seed: 7
devices:
  - {name: "meter-{n:04}", profile: energy-meter, count: 3, endpoint: "tcp://127.0.0.1:502", unit_id: 1-3}
"""
TANK = """
profiles:
  tank:
    points:
      level: {table: holding_register, address: 0, data_type: float32, value: 1.5}
      ticks: {table: input_register, address: 0, data_type: uint32, generator: {type: counter, rate: 1, interval: 1s}}
      pump: {table: coil, address: 0}
devices:
  - {name: tank, profile: tank, endpoint: "%s", unit_id: 5}
scenarios:
  drain: [{at: 10s, set: {point: level, value: 0}}]
"""


@pytest.fixture
def plant():
    with InMemoryPlant.from_yaml(METERS) as plant:
        yield plant


@pytest.fixture
def tank():
    with InMemoryPlant.from_yaml(TANK % "tcp://127.0.0.1:0") as tank:
        yield tank


def test_a_client_reads_what_the_plant_has(plant) -> None:
    assert plant.device("meter-0002")["serial_number"] == "EM3-00000002"
    assert plant.client("meter-0003").unit == 3
    assert plant.url("meter-0001") == "tcp://127.0.0.1:502"


def test_no_socket_and_no_thread_is_needed(monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket is made")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    with InMemoryPlant.from_profile("generic") as plant:
        plant.client().write_single_register(3, 4)
        assert plant.client().read_holding_registers(3, 1) == [4]


def test_time_passes_when_it_is_told_to(tank) -> None:
    assert tank.now == 0
    assert tank.device()["ticks"] == 0
    began = time.monotonic()
    assert tank.advance(3600) == 3600
    assert tank.device()["ticks"] == 3600
    assert time.monotonic() - began < 60
    with pytest.raises(ValueError, match="seconds is -1, expected 0 or more"):
        tank.advance(-1)


def test_two_runs_are_the_same_to_the_last_bit() -> None:
    seen = []
    for _ in range(2):
        with InMemoryPlant.from_yaml(METERS) as plant:
            device = plant.device("meter-0001")
            plant.advance(100.5)
            with plant.inject(when={"devices": "meter-0001"}, then={"delay": "700ms", "jitter": "200ms"}):
                found = device.read("voltage_l1", "power", "energy")
            seen.append((found, plant.now, [str(each) for each in plant.journal()]))
    assert seen[0] == seen[1]
    assert 100.5 + 3 * 0.5 <= seen[0][1] < 100.5 + 3 * 0.9


def test_a_late_answer_is_a_timeout_in_virtual_time(plant) -> None:
    client = plant.client("meter-0001", timeout=3)
    began = time.monotonic()
    with plant.inject(when={"devices": "meter-0001"}, then={"delay": "5s"}) as fault:
        with pytest.raises(TimedOut, match="did not answer function 3 within 3 s"):
            client.read_holding_registers(0, 1)
        assert plant.now == 3
        assert (fault.matched, fault.applied) == (1, 1)
        assert plant.client("meter-0001", timeout=6).read_holding_registers(0, 1) == [1]
        assert plant.now == 8
    assert client.read_holding_registers(0, 1) == [1]  # the late answer is not taken for it
    assert client.session.late == 1
    assert plant.now == 8
    assert time.monotonic() - began < 3


def test_an_answer_in_pieces_takes_its_time(tank) -> None:
    with tank.inject(then={"slow_bytes": "100ms"}):
        assert tank.device()["level"] == 1.5
        assert tank.now == pytest.approx(1.2)  # 13 bytes
        with pytest.raises(ProtocolError, match="answer is 10 bytes, expected 13"):
            tank.client(timeout=1).read_holding_registers(0, 2)
        assert tank.now == pytest.approx(2.2)


def test_refusals_and_closed_connections_are_those_of_sockets(plant) -> None:
    client = plant.client("meter-0001")
    with pytest.raises(IllegalDataAddress):
        client.read_holding_registers(60000, 1)
    with pytest.raises(GatewayTargetFailed):
        client.read_holding_registers(0, 1, unit=77)
    with plant.inject(then={"exception": 6}), pytest.raises(ServerDeviceBusy):
        client.read_holding_registers(0, 1)
    with plant.inject(then={"close": True}), pytest.raises(ConnectionClosed):
        client.read_holding_registers(0, 1)
    with (
        plant.inject(then={"reset": True}),
        pytest.raises(ConnectionClosed, match="connection reset by peer"),
    ):
        client.read_holding_registers(0, 1)
    with plant.offline("meter-*"), pytest.raises(ConnectionRefused):
        client.read_holding_registers(0, 1)
    with plant.offline("meter-*", "drop"), pytest.raises(TimedOut):
        client.read_holding_registers(0, 1)
    assert client.read_holding_registers(0, 1) == [1]


@pytest.mark.parametrize(
    "endpoint",
    [
        "rtu+tcp://127.0.0.1:0",
        "ascii+tcp://127.0.0.1:0",
        "udp://127.0.0.1:0",
        "rtu:/dev/ttyUSB7",
        "ascii:pty",
    ],
)
def test_every_framing_is_a_stream_here(endpoint: str) -> None:
    with InMemoryPlant.from_yaml(TANK % endpoint) as tank:
        device = tank.device()
        device["level"] = 2.5
        assert device["level"] == 2.5
        with tank.inject(then={"exception": 4}), pytest.raises(Exception, match="exception 0x04"):
            device.read("level")
        with tank.offline("tank", "drop"), pytest.raises(TimedOut):
            device.read("level")


def test_values_are_set_held_and_released(tank) -> None:
    assert tank.set("tank", "ticks", 500) == 1
    tank.advance(10)
    assert tank.get("tank", "ticks") == 500
    tank.release("tank")
    tank.advance(1)
    assert tank.get("tank", "ticks") == 11
    with pytest.raises(PointError, match="did you mean 'level'"):
        tank.set("tank", "levle", 1)
    with pytest.raises(PointError, match="unknown device 'tnak'"):
        tank.get("tnak", "level")


def test_a_scenario_plays_in_virtual_time(tank) -> None:
    with tank.scenario("drain"):
        tank.advance(9)
        assert tank.get("tank", "level") == 1.5
        tank.advance(1)
        assert tank.get("tank", "level") == 0
    assert tank.get("tank", "level") == 1.5
    with pytest.raises(KeyError, match="did you mean 'drain'"):
        tank.scenario("drian")


def test_time_stands_still_while_it_is_paused(tank) -> None:
    with tank.pause():
        tank.advance(5)
        assert (tank.now, tank.device()["ticks"]) == (0, 0)
        assert tank.step(3) == 3
    tank.advance(2)
    assert tank.device()["ticks"] == 5


def test_what_clients_ask_is_verified(tank) -> None:
    device = tank.device()
    for _ in range(5):
        device.read("level")
        tank.advance(2)
    device.write("level", 7.5)
    assert tank.verify(read="level", every=2)
    assert tank.verify(write="level", value=7.5, times=1)
    assert tank.verify(write="pump", never=True)
    with pytest.raises(Unmet) as caught:
        tank.verify(write="level", value=8)
    assert "function 16: write holding_register 0-1 = 16624, 0" in str(caught.value)
    assert not tank.check(read="pump")
    with pytest.raises(ValueError, match="unknown point 'levle'"):
        tank.verify(read="levle")


def test_everything_can_be_put_back(tank) -> None:
    baseline = tank.baseline()
    tank.device().write("level", 9)
    tank.set("tank", "ticks", 1000)
    tank.inject(then={"exception": 1})
    tank.scenario("drain")
    tank.offline("tank")
    tank.pause()
    tank.client(timeout=1)
    assert tank.restore(baseline) == []
    assert tank.get("tank", "level") == 1.5
    assert tank.device()["ticks"] == 0
    tank.advance(2)
    assert tank.device()["ticks"] == 2
    tank.advance(20)
    assert tank.get("tank", "level") == 1.5
    assert not tank.plant.scenarios["drain"].is_running


def test_an_idle_connection_ends(tmp_path) -> None:
    text = "limits: {idle_timeout: 10s}\n" + TANK % "tcp://127.0.0.1:0"
    with InMemoryPlant.from_yaml(text) as tank:
        tank.client().read_holding_registers(0, 1)
        assert len(tank.plant.hub.connections) == 1
        tank.advance(12)
        assert len(tank.plant.hub.connections) == 0


def test_a_client_comes_from_where_it_says() -> None:
    text = "limits: {allow: [10.0.0.0/8]}\n" + TANK % "tcp://127.0.0.1:0"
    with InMemoryPlant.from_yaml(text) as tank:
        with pytest.raises(ConnectionClosed):
            tank.client().read_holding_registers(0, 1)
        tank.client(source="10.1.2.3").read_holding_registers(0, 1)
        assert tank.journal()[0].client.startswith("10.1.2.3:")


def test_many_addresses_behind_one_port() -> None:
    text = 'devices: [{name: "d-{i}", profile: generic, count: 4, endpoint: "tcp://10.9.0.0-10.9.0.3:502"}]'
    with InMemoryPlant.from_yaml(text) as plant:
        plant.client("d-2").write_single_register(0, 2)
        assert plant.url("d-2") == "tcp://10.9.0.2:502"
        assert [plant.client(name).read_holding_registers(0, 1)[0] for name in plant.names] == [0, 0, 2, 0]


def test_what_cannot_be_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigError):
        InMemoryPlant.from_yaml("devices: []\n")
    with pytest.raises(ValueError, match="unknown profile 'energy-metre'"):
        InMemoryPlant.from_profile("energy-metre")
    with pytest.raises(ValueError, match="expected either a plant"):
        InMemoryPlant.of()
    (tmp_path / "p.yaml").write_text(METERS)
    with InMemoryPlant.from_file(tmp_path / "p.yaml") as plant, pytest.raises(PointError, match="3 devices"):
        plant.client()
