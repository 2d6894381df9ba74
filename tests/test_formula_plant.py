"""Coupled points as the clients of a whole plant see them."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import ModbusTcpClient
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import globalLogPublisher

from simulator.config.loader import parse_plant
from simulator.plant import Plant

PLANT = """\
clock: {time_scale: 50}
signals:
  irradiance: {type: constant, value: 800}
devices:
  - {name: "pv-{n}", profile: pv, endpoint: "tcp://127.0.0.1:0", unit_id: 1-3, parameters: {rated_power: 1000}}
profiles:
  pv:
    parameters: {rated_power: 5000}
    points:
      energy: {table: hr, address: 0, data_type: uint32, unit_of_measurement: Wh, hold: none,
               generator: {type: integrate, of: power, per: 10s, interval: 500ms}}
      power: {table: ir, address: 0, data_type: float32, unit_of_measurement: W,
              generator: {type: formula, formula: "rated_power * signal.irradiance / 1000 * available", interval: 250ms}}
      available: {table: hr, address: 2, data_type: uint16, enum: {0: "no", 1: "yes"}, value: "yes"}
      current: {table: ir, address: 2, data_type: float32,
                generator: {type: formula, formula: "power / voltage"}}
      voltage: {table: hr, address: 3, data_type: uint16, value: 400}
"""


class Site:
    """The plant without its listeners; time is moved by hand."""

    def __init__(self) -> None:
        self.reactor = MemoryReactorClock()
        self.plant = Plant(parse_plant(PLANT), self.reactor)
        for _ in self.plant.ticker.prime():
            pass
        self.plant.startService()

    def advance(self, seconds: float) -> None:
        advanced = self.plant.time.advance(seconds)
        self.reactor.advance(0)
        assert advanced.called

    def read(self, *points: str, device: str = "pv-2") -> list[Any]:
        return [self.plant.read(device, point) for point in points]


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    found: list[str] = []

    def observe(event: Any) -> None:
        if event["log_namespace"] == "simulator.plant":
            found.append(event["log_format"].format(**event))

    globalLogPublisher.addObserver(observe)
    yield found
    globalLogPublisher.removeObserver(observe)


def test_inputs_and_outputs_are_of_one_instant_at_different_intervals() -> None:
    site = Site()
    assert site.read("power", "current", "energy") == [800, 2, 0]
    site.advance(10)
    assert site.read("energy") == [800]
    site.plant.write("pv-2", "available", "no")
    site.advance(1)
    assert site.read("power", "current", "energy") == [0, 0, 800]
    assert site.read("power", device="pv-1") == [800]


def test_a_counter_set_from_inside_counts_on(complaints: list[str]) -> None:
    site = Site()
    site.advance(10)
    site.plant.write("pv-2", "energy", 0)
    site.advance(5)
    assert site.read("energy") == [400]
    site.plant.write("pv-2", "energy", 7, hold=3)
    site.advance(2.9)
    assert site.read("energy") == [7]
    site.advance(1.1)  # ticks at 18, 18.5 and 19 s
    assert site.read("energy") == [7 + 3 * 40]
    assert complaints == []


def test_a_held_signal_moves_all_who_follow_it() -> None:
    site = Site()
    site.plant.signals.hold("irradiance", 100)
    site.advance(1)
    assert site.read("power", "current") == [100, 0.25]


def test_what_cannot_be_computed_is_logged_once(complaints: list[str]) -> None:
    site = Site()
    site.plant.write("pv-3", "voltage", 0)
    site.advance(5)
    assert complaints == [
        "pv: current of pv-3 cannot be computed at 1 s and keeps its value; more of it is only counted"
    ]
    assert site.read("current", device="pv-3") == [2]
    (track,) = (each for each in site.plant.fleets[0].tracks if each.point.name == "current")
    assert track.errors == 5


def test_a_client_resets_a_counter_of_a_running_plant(start, tmp_path: Path) -> None:
    (tmp_path / "plant.yaml").write_text(PLANT)
    start("run", "plant.yaml", "--ready-file", "ready.json").wait_ready()
    endpoint = json.loads((tmp_path / "ready.json").read_text())["endpoints"][0]
    client = ModbusTcpClient("127.0.0.1", port=int(endpoint.rpartition(":")[2]))
    assert client.connect()

    def number(address: int, form: str = ">I") -> Any:
        read = client.read_holding_registers if form == ">I" else client.read_input_registers
        return struct.unpack(form, struct.pack(">2H", *read(address, count=2, device_id=2).registers))[0]

    def reaches(least: int) -> int:
        for _ in range(200):
            if (found := number(0)) >= least:
                return int(found)
            time.sleep(0.02)
        raise AssertionError(f"energy is {number(0)}, expected {least}")

    reaches(2000)
    assert number(0, ">f") == 800.0
    assert not client.write_registers(0, [0, 0], device_id=2).isError()
    assert number(0) < 2000
    reaches(400)
    client.close()
