"""``modsim import``, ``export`` and ``scrape`` as users call them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.cli.app import main
from simulator.client import Client
from simulator.documents.yaml import read_text
from simulator.embed import Area, ModbusServer
from simulator.maps import load
from simulator.profiles.loader import profile_in

MAP = """\
Register;Name;Type;Scale;Unit;Value;Colour
40001;Voltage L1;float32;;V;230,5;red
40003;Limit;int16;0,1;A;1,5;
00001;Relay;bool;;;1;
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "map.csv").write_text(MAP)
    return tmp_path


@pytest.fixture
def server() -> Iterator[ModbusServer]:
    server = ModbusServer(
        "127.0.0.1",
        0,
        units=[3],
        coils=16,
        discrete_inputs=0,
        input_registers=0,
        holding_registers=Area(ranges=["0-149", "4000-4009"]),
        identity={
            "vendor_name": "Acme {{1}}",
            "product_code": "P",
            "revision": "1",
            "product_name": "Pump No. 7",
        },
    )
    server.start()
    server.set_holding_registers(2, [1, 2, 3])
    server.set_holding_register(4009, 65535)
    server.set_coil(15, True)
    yield server
    server.stop()


def test_import_prints_a_profile_file(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "map.csv", "--name", "my-meter"]) == 0
    printed = capfd.readouterr()
    assert printed.out == (
        "name: my-meter\n"
        "points:\n"
        "  voltage_l1: {table: holding_register, address: 0, data_type: float32, unit_of_measurement: V, value: 230.5, "
        "description: Voltage L1}\n"
        "  limit:      {table: holding_register, address: 2, data_type: int16, scale: 0.1, unit_of_measurement: A, value: 1.5}\n"
        "  relay:      {table: coil, address: 0, data_type: bool, value: true}\n"
    )
    assert printed.err == (
        "modsim import: 3 points, addresses taken as references (40001 is holding register 0); columns not used: Colour\n"
    )


@pytest.mark.parametrize("format", ["csv", "json", "xml"])
def test_import_turns_one_format_into_another(
    folder: Path, capfd: pytest.CaptureFixture[str], format: str
) -> None:
    assert main(["import", "map.csv", "--to", format, "--quiet"]) == 0
    printed = capfd.readouterr()
    assert printed.err == ""
    (folder / f"other.{format}").write_text(printed.out)
    assert load(folder / f"other.{format}").points == load("map.csv").points


def test_import_tells_all_problems_and_prints_nothing(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.csv").write_text("name,table,address,scale\na,hr,x,1\nb,hr,2,y\n")
    assert main(["import", "bad.csv"]) == 78
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err == (
        "bad.csv:2:6: points.a.address: address is 'x', expected a number such as 40 or 0x28\n"
        "bad.csv:3:8: points.b.scale: scale is 'y', expected a number such as 0.1\n"
        "2 problems\n"
    )


def test_import_of_a_file_that_is_not_there_or_no_map(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", "none.csv"]) == 78
    assert main(["import", "map.txt"]) == 78
    (folder / "latin.csv").write_bytes("name,table,address,unit\na,hr,1,°C\n".encode("cp1252"))
    assert main(["import", "latin.csv"]) == 78
    assert capfd.readouterr().err == (
        "none.csv: file cannot be read: no such file or directory\n1 problem\n"
        "map.txt: file is called 'map.txt', expected .csv, .json or .xml\n1 problem\n"
        "latin.csv:2:8: file holds the byte 0xB0, expected UTF-8, or another encoding such as cp1252 to be named\n1 problem\n"
    )
    assert main(["import", "latin.csv", "--encoding", "cp1252", "-q"]) == 0
    assert 'unit_of_measurement: "°C"' in capfd.readouterr().out


def test_an_xml_file_says_its_encoding(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<map><p name="a" table="hr" address="1" unit="°C"/></map>'
    (folder / "latin.xml").write_bytes(text.encode("latin-1"))
    assert main(["import", "latin.xml", "-q"]) == 0
    assert 'unit_of_measurement: "°C"' in capfd.readouterr().out


def test_export_of_a_live_device(
    folder: Path, server: ModbusServer, capfd: pytest.CaptureFixture[str]
) -> None:
    words = [server.url, "--unit", "3", "--profile", "map.csv"]
    with Client(server.url, unit=3) as client:
        client.write("float32", 0, 12.5)
    assert main(["export", *words]) == 0
    (folder / "now.csv").write_text(capfd.readouterr().out)
    assert main(["export", *words, "--output", "now.json"]) == 0
    for name in ("now.csv", "now.json"):
        assert {key: point.value for key, point in load(name).points.items()} == {
            "voltage_l1": 12.5, "limit": 0.1, "relay": False,
        }  # fmt: skip


def test_scrape_makes_a_profile_that_answers_as_the_device(
    folder: Path, server: ModbusServer, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["scrape", server.url, "--unit", "3", "--addresses", "0-4999", "--timeout", "5s"]) == 0
    text = capfd.readouterr().out
    assert text == (
        "name: pump-no-7\n"
        f'description: "read from {server.url}, unit id 3"\n'
        'identity: {vendor_name: "Acme {{1}}", product_code: P, revision: "1", product_name: Pump No. 7}\n'
        "tables:\n"
        '  coil: {ranges: ["0-15"], values: {15: true}}\n'
        '  holding_register: {ranges: ["0-149", "4000-4009"], values: {2: [1, 2, 3], 4009: 65535}}\n'
    )
    profile_in(read_text(text, file="pump.yaml"), "pump")
    (folder / "pump.yaml").write_text(text)
    plant = 'profiles: [.]\ndevices: [{name: d, profile: pump-no-7, endpoint: "tcp://127.0.0.1:0"}]\n'
    (folder / "plant.yaml").write_text(plant)
    with ModbusServer.from_plant(folder / "plant.yaml") as again, Client(again.url) as client:
        assert client.read_holding_registers(0, 6) == [0, 0, 1, 2, 3, 0]
        assert client.read_device_identification(1)[0] == b"Acme {1}"


def test_scrape_as_a_map(server: ModbusServer, capfd: pytest.CaptureFixture[str]) -> None:
    words = [
        "scrape",
        server.url,
        "--unit",
        "3",
        "--addresses",
        "0-99",
        "--table",
        "holding_register",
        "--timeout",
        "5s",
    ]
    assert main([*words, "--format", "json"]) == 0
    rows = json.loads(capfd.readouterr().out)["points"]
    assert [(row["reference"], row["value"]) for row in rows] == [("400003", 1), ("400004", 2), ("400005", 3)]


def test_scrape_where_nobody_is(server: ModbusServer, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["scrape", server.url, "--unit", "9", "--addresses", "0-99"]) == 1
    assert "modsim scrape: no address can be read" in capfd.readouterr().err
