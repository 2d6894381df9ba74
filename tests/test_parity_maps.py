"""Register maps, as other stacks had them: read into a decoder and a device, saved from a server, scraped off a device.

Named as the tests of ``test_parity`` are.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from simulator.cli.app import main
from simulator.client import Client
from simulator.embed import Area, ModbusServer
from simulator.maps import Decoder, load, read, save

ROWS = [
    {"address": "1", "size": "2", "function": "hr", "name": "flow", "type": "float32", "value": "22.5"},
    {"address": "3", "size": "1", "function": "hr", "name": "level", "type": "int16", "value": "-3"},
    {"address": "4", "size": "4", "function": "ir", "name": "tag", "type": "string", "value": "PUMP-7"},
    {"address": "9", "size": "1", "function": "co", "name": "relay", "type": "bits", "value": "1"},
]
VALUES = {"flow": 22.5, "level": -3}


def as_csv(path: Path) -> None:
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, ROWS[0])
        writer.writeheader()
        writer.writerows(ROWS)


def as_json(path: Path) -> None:
    by_address = {row["address"]: {key: row[key] for key in row if key != "address"} for row in ROWS}
    path.write_text(json.dumps({"1": by_address}))


def as_xml(path: Path) -> None:
    root = ElementTree.Element("map")
    for row in ROWS:
        ElementTree.SubElement(root, "entry", row)
    ElementTree.ElementTree(root).write(path)


WRITERS = {"csv": as_csv, "json": as_json, "xml": as_xml}


@pytest.fixture(params=WRITERS)
def map_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"map.{request.param}"
    WRITERS[request.param](path)
    return path


def test_e14_a_register_map_yields_a_populated_device(map_file: Path) -> None:
    with ModbusServer("127.0.0.1", 0, profile=read(map_file)) as server, Client(server.url) as client:
        assert client.read("float32", 1) == 22.5
        assert client.read("int16", 3) == -3
        assert client.read("string", 4, table="input_register", length=4) == "PUMP-7"
        assert client.read_coils(9, 1) == [True]
        assert client.device(load(map_file)).read("flow", "relay") == {"flow": 22.5, "relay": True}


def test_e14_a_register_map_yields_a_decoder(map_file: Path) -> None:
    with ModbusServer("127.0.0.1", 0, profile=read(map_file)) as server, Client(server.url) as client:
        registers = client.read_holding_registers(1, 3)
    assert Decoder(map_file).decode(registers, address=1) == VALUES


def test_e14_a_register_map_serves_from_a_plant_file(map_file: Path) -> None:
    plant = map_file.parent / "plant.yaml"
    plant.write_text(
        'profiles: [.]\ndevices: [{name: d, profile: map, endpoint: "tcp://127.0.0.1:0", unit_id: 5}]\n'
    )
    with ModbusServer.from_plant(plant) as server, Client(server.url, unit=5) as client:
        assert client.read("float32", 1) == 22.5


@pytest.mark.parametrize("format", ["csv", "json", "xml"])
def test_e14_a_running_server_is_saved_and_read_again(tmp_path: Path, format: str) -> None:
    with ModbusServer("127.0.0.1", 0, holding_registers=20, coils=20, units=[1, 2]) as server:
        with Client(server.url, unit=2) as client:
            client.write_multiple_registers(3, [10, 20, 30])
            client.write_single_coil(7, True)
        path = tmp_path / f"saved.{format}"
        assert server.call(save, server.plant, path) == 4
    assert {name: point.value for name, point in load(path, device="device-2").points.items()} == {
        "coil_7": True,
        "holding_register_3": 10,
        "holding_register_4": 20,
        "holding_register_5": 30,
    }


def test_e14_a_live_device_is_scraped_into_a_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    area = Area(ranges=["0-9", "40-49"])
    with ModbusServer(
        "127.0.0.1", 0, units=[4], holding_registers=area, coils=8, discrete_inputs=0, input_registers=0
    ) as server:
        server.set_holding_registers(0, range(10))
        server.set_coil(2, True)
        words = ["scrape", server.url, "--unit", "4", "--addresses", "0-99", "--timeout", "5s"]
        assert main([*words, "--name", "copy", "--output", "copy.yaml"]) == 0
    Path("plant.yaml").write_text(
        'profiles: [.]\ndevices: [{name: d, profile: copy, endpoint: "tcp://127.0.0.1:0"}]\n'
    )
    with ModbusServer.from_plant("plant.yaml") as again, Client(again.url) as client:
        assert client.read_holding_registers(0, 10) == list(range(10))
        assert client.read_holding_registers(40, 10) == [0] * 10
        assert client.read_coils(0, 8) == [False, False, True, *[False] * 5]
