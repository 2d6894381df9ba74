"""The shipped plant files: what they promise in their first lines holds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from ipaddress import ip_address
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient, ModbusTcpClient, ModbusUdpClient

from simulator.config.loader import load_plant
from simulator.config.placement import ListenerPlan, Place
from simulator.config.plant import PlantConfig
from simulator.profiles.loader import ProfileLibrary
from simulator.protocol.codes import Table

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
SCHEMA = "modsim.schema.json"
EPHEMERAL = 32768  # the kernel gives ports from here on to clients


def of_the_network(file: Path) -> list[ListenerPlan]:
    """Its listeners but for serial lines."""
    return [plan for plan in load_plant(file, environ={}).listeners if plan.kind.transport != "serial"]


def config(name: str) -> PlantConfig:
    return load_plant(ROOT / "configs" / f"{name}.yaml", environ={})


@pytest.mark.parametrize(
    ("name", "devices", "listeners"),
    [
        ("plant", 61, 31),
        ("port-range-1000", 1000, 1000),
        ("unit-ids-247", 247, 1),
        ("virtual-ips-100k", 100_000, 1),
        ("million", 1_000_000, 1),
        ("transports", 33, 10),
        ("faults", 26, 8),
        ("outage", 220, 201),
    ],
)
def test_a_plant_has_its_devices(name: str, devices: int, listeners: int) -> None:
    found = config(name)
    assert (found.device_count, len(found.listeners)) == (devices, listeners)


def test_there_are_no_other_plants() -> None:
    names = [
        "faults",
        "million",
        "outage",
        "plant",
        "port-range-1000",
        "transports",
        "unit-ids-247",
        "virtual-ips-100k",
    ]
    assert [file.stem for file in CONFIGS] == names


def test_the_plant_has_every_kind_of_device() -> None:
    assert {group.profile.name for group in config("plant").groups} == set(ProfileLibrary().names())


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_a_file_tells_editors_its_schema_and_people_how_to_try_it(file: Path) -> None:
    lines = file.read_text().splitlines()
    assert lines[0] == f"# yaml-language-server: $schema={SCHEMA}"
    head = "\n".join(lines[: lines.index("version: 1")])
    assert f"modsim --config configs/{file.name}" in head
    assert "mbpoll -m tcp -p " in head


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_every_command_to_try_leads_to_a_device(file: Path) -> None:
    """The addresses, ports, unit ids and registers of the mbpoll lines are those of the plan."""
    plant = load_plant(file, environ={})
    commands = re.findall(
        r"mbpoll -m tcp -p (\d+) -a (\d+) -t ([034])\S* .*?-r (\d+).*? (127[\d.]+)", file.read_text()
    )
    assert commands
    tables = {"0": Table.COIL, "3": Table.INPUT_REGISTER, "4": Table.HOLDING_REGISTER}
    for port, unit, table, reference, host in commands:
        groups = [
            group
            for group in plant.groups
            for i in {0, group.count - 1, *range(min(group.count, 300))}
            if _answers(group.place_of(i), host, int(port), int(unit))
        ]
        assert len(groups) == 1, (port, unit, host)
        assert groups[0].profile.tables[tables[table]].contains(int(reference) - 1)


def _answers(place: Place, host: str, port: int, unit: int) -> bool:
    return (place.ip, place.port) == (int(ip_address(host)), port) and place.unit_id in (None, unit)


def test_configs_can_run_side_by_side() -> None:
    """No two plants use one port, and none needs privileges or a port that clients may hold."""
    ports = {file.stem: {plan.port for plan in of_the_network(file)} for file in CONFIGS}
    for one, two in combinations(ports, 2):
        assert not ports[one] & ports[two], (one, two)
    assert all(1024 <= port < EPHEMERAL for used in ports.values() for port in used)


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_configs_stay_on_this_machine(file: Path) -> None:
    for plan in of_the_network(file):
        for span in plan.spans:
            assert ip_address(span.first_ip).is_loopback
            assert ip_address(span.last_ip).is_loopback


def test_the_million_has_a_hundred_registers_each_and_ten_moving_points() -> None:
    (group,) = config("million").groups
    profile = group.profile
    assert {table.table.label: table.size for table in profile.tables.values()} == {
        "input_register": 100,
        "holding_register": 100,
    }
    moving = [point.generator for point in profile.points.values() if point.generator is not None]
    assert [generator.interval for generator in moving] == [1.0] * 10
    assert len({generator.type_name for generator in moving}) >= 6
    assert profile.tables[Table.HOLDING_REGISTER].values[98] == 0xCAFE


def test_the_schema_beside_the_configs_is_up_to_date() -> None:
    """When it is not: ``modsim schema > configs/modsim.schema.json``."""
    command = [sys.executable, "-m", "simulator", "schema"]  # a process without the plugins of other tests
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    assert (ROOT / "configs" / SCHEMA).read_text() == printed


def test_every_transport_of_the_shipped_plant_answers(start: Any, tmp_path: Path) -> None:
    """As it is shipped but for its address and the folder of its links, which another test may use."""
    host = f"127.{os.getpid() // 200 % 100 + 100}.{os.getpid() % 200 + 1}.0"
    file = tmp_path / "transports.yaml"
    file.write_text((ROOT / "configs" / "transports.yaml").read_text().replace("127.0.0.1", host))
    plant = start("--config", str(file), env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)})
    plant.wait_ready()
    options: dict[str, Any] = {"retries": 0, "timeout": 10}
    clients: dict[int, Any] = {
        1: ModbusTcpClient(host, port=15101, **options),
        2: ModbusUdpClient(host, port=15102, **options),
        4: ModbusTcpClient(host, port=15104, framer=FramerType.RTU, **options),
        14: ModbusTcpClient(host, port=15105, framer=FramerType.ASCII, **options),
        24: ModbusUdpClient(host, port=15106, framer=FramerType.RTU, **options),
        34: ModbusSerialClient(f"{tmp_path}/modsim-rtu", baudrate=9600, **options),
        44: ModbusSerialClient(f"{tmp_path}/modsim-ascii", framer=FramerType.ASCII, baudrate=9600, **options),
        8: ModbusTcpClient(host, port=15110, **options),
        11: ModbusTcpClient(host, port=15111, **options),
        21: ModbusTcpClient(host, port=15112, **options),
    }
    for number, client in clients.items():
        assert client.connect()
        assert client.read_holding_registers(0, count=2, device_id=number % 10).registers, number
    assert clients[11].read_input_registers(0, count=60).exception_code == 3
    for client in clients.values():
        client.close()
    code, log = plant.stop()
    assert code == 0
    assert '"level": "error"' not in log
    assert list(tmp_path.glob("modsim-*")) == [], "the links of the pseudo-terminals are gone"
