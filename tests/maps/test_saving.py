"""What a running plant holds, as files."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from simulator.client import Client
from simulator.embed import ModbusServer
from simulator.errors import PointError
from simulator.maps import load, read, save, saving

MAP = """\
name,table,address,data_type,scale,unit,value
voltage,ir,0,float32,,V,230.5
limit,hr,4,int16,0.1,A,1.5
mode,hr,5,uint16,,,2
relay,co,0,bool,,,true
"""


@pytest.fixture
def map_file(tmp_path: Path) -> Path:
    (tmp_path / "meter.csv").write_text(MAP)
    return tmp_path / "meter.csv"


@pytest.fixture
def server(map_file: Path) -> Iterator[ModbusServer]:
    server = ModbusServer("127.0.0.1", 0, profile=read(map_file), units=[1, 2])
    server.start()
    yield server
    server.stop()


def saved(server: ModbusServer, path: Path, **options: object) -> Path:
    server.call(lambda: save(server.plant, path, **options))  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("format", ["csv", "json", "xml"])
def test_a_saved_device_is_a_map_with_the_values_of_the_moment(
    server: ModbusServer, tmp_path: Path, format: str
) -> None:
    with Client(server.url, unit=1) as client:
        client.write("int16", 4, 33)
    path = saved(server, tmp_path / f"now.{format}")
    first, second = (load(path, device=name).points for name in ("device-1", "device-2"))
    assert {name: point.value for name, point in first.items()} == {
        "voltage": 230.5, "limit": 3.3, "mode": 2, "relay": True,
    }  # fmt: skip
    assert second["limit"].value == 1.5
    assert (first["limit"].scale, first["limit"].unit_of_measurement) == (0.1, "A")


def test_a_device_chosen_by_name(server: ModbusServer, tmp_path: Path) -> None:
    path = saved(server, tmp_path / "one.csv", devices="device-2")
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["device"], row["name"], row["value"]) for row in rows] == [
        ("device-2", "voltage", "230.5"),
        ("device-2", "limit", "1.5"),
        ("device-2", "mode", "2"),
        ("device-2", "relay", "true"),
    ]
    assert load(path).points["limit"].value == 1.5


def test_every_register_as_it_is(server: ModbusServer, tmp_path: Path) -> None:
    path = saved(server, tmp_path / "raw.json", devices="device-1", registers=True)
    rows = json.loads(path.read_text())["points"]
    assert [(row["table"], row["address"], row["value"]) for row in rows] == [
        ("coil", 0, 1),
        ("input_register", 0, 0x4366),
        ("input_register", 1, 0x8000),
        ("holding_register", 4, 15),
        ("holding_register", 5, 2),
    ]


def test_a_device_without_points_is_saved_where_it_is_not_zero(tmp_path: Path) -> None:
    with ModbusServer("127.0.0.1", 0) as server:
        server.set_holding_register(1000, 7)
        server.set_coil(3, True)
        path = saved(server, tmp_path / "plain.xml")
    found = [dict(point.attrib) for point in ElementTree.parse(path).getroot()]
    assert found == [
        {"device": "device", "table": "coil", "reference": "000004", "address": "3", "value": "1"},
        {
            "device": "device",
            "table": "holding_register",
            "reference": "401001",
            "address": "1000",
            "value": "7",
        },
    ]
    assert load(path).points["holding_register_1000"].value == 7


def test_a_saved_file_serves_again(server: ModbusServer, tmp_path: Path) -> None:
    path = saved(server, tmp_path / "again.csv", devices="device-1")
    with ModbusServer("127.0.0.1", 0, profile=read(path)) as again, Client(again.url) as client:
        assert client.read("float32", 0, table="input_register") == 230.5


def test_saving_goes_step_by_step(server: ModbusServer, tmp_path: Path) -> None:
    path = tmp_path / "steps.csv"

    def some_steps() -> list[int]:
        return list(saving(server.plant, path))

    assert server.call(some_steps)[-1] == 8
    assert list(tmp_path.glob("*.part")) == []


def test_a_file_that_is_there_stays_when_saving_fails(server: ModbusServer, tmp_path: Path) -> None:
    path = tmp_path / "kept.csv"
    path.write_text("old")
    with pytest.raises(PointError, match="unknown device 'device-9'"):
        saved(server, path, devices="device-9")
    with pytest.raises(ValueError, match="unknown format 'yaml', expected csv, json or xml"):
        saved(server, path, format="yaml")
    steps = saving(server.plant, path)
    server.call(next, steps, None)
    steps.close()  # type: ignore[attr-defined]
    assert path.read_text() == "old" or load(path, device="device-1")
