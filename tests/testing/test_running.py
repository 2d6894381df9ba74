"""Plants in a thread and in a process, over real sockets."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from simulator.errors import (
    BindError,
    ConfigError,
    ConnectionRefused,
    PointError,
    ServerDeviceBusy,
    TimedOut,
)
from simulator.testing import PlantProcess, RunningPlant, Unmet

ROOT = Path(__file__).resolve().parent.parent.parent
PORTS = """
seed: 3
devices:
  - {name: "meter-{n}", profile: energy-meter, count: 3, endpoint: "tcp://127.0.0.1:1-3"}
"""


@pytest.fixture(scope="module")
def plant():
    with RunningPlant.of(PORTS) as plant:
        yield plant


@pytest.fixture(autouse=True)
def _put_back(plant):
    baseline = plant.baseline()
    yield
    plant.restore(baseline)


def test_every_device_has_a_port_that_was_free(plant) -> None:
    ports = {plant.address(name)[1] for name in plant.names}
    assert len(ports) == 3
    assert min(ports) > 3
    assert [plant.device(name)["serial_number"][-1] for name in plant.names] == ["1", "2", "3"]


def test_verbs_reach_the_plant_in_its_thread(plant) -> None:
    assert plant.call(threading.current_thread) is not threading.current_thread()
    plant.set("meter-*", "voltage_l1", 111)
    assert plant.device("meter-2")["voltage_l1"] == 111
    before = plant.now
    assert plant.advance(100) >= before + 100
    with plant.inject(when={"devices": "meter-1"}, then={"exception": 6}) as fault:
        with pytest.raises(ServerDeviceBusy):
            plant.client("meter-1").read_holding_registers(0, 1)
        plant.client("meter-2").read_holding_registers(0, 1)
        assert fault.applied == 1
        plant.verify(device="meter-1", exception=6, times=1)
    plant.client("meter-1").read_holding_registers(0, 1)
    with plant.offline("meter-3"), pytest.raises(ConnectionRefused):
        plant.client("meter-3").read_holding_registers(0, 1)
    plant.client("meter-3").read_holding_registers(0, 1)
    plant.verify(device="meter-3", read=True, times=1)


def test_compiled_code_leaves_recorded_devices_to_the_journal(plant) -> None:
    client = plant.client("meter-1")
    for _ in range(3):
        client.read_holding_registers(0, 1)
    assert [entry.function for entry in plant.journal(device="meter-1")] == [3, 3, 3]


def test_what_is_left_behind_is_told_and_ended(plant) -> None:
    baseline = plant.baseline()
    with socket.create_connection(plant.address("meter-1")) as left:
        left.sendall(bytes.fromhex("000100000006 01 03 0000 0001"))
        assert left.recv(100)
        host, port = left.getsockname()
        assert plant.restore(baseline) == [f"{host}:{port}"]
        left.settimeout(10)
        with pytest.raises(ConnectionResetError):
            left.recv(100)
    assert plant.restore(baseline) == []


def test_ports_stay_as_they_are_when_that_is_wanted() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        url = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        text = f'devices: [{{name: d, profile: generic, endpoint: "{url}"}}]'
        with pytest.raises(BindError):
            RunningPlant.of(text, free_ports=False)
        with RunningPlant.of(text) as plant:
            assert plant.url() != url


def test_a_plant_without_a_journal_says_so() -> None:
    with RunningPlant.of(profile="generic", journal=False) as plant:
        plant.client().read_holding_registers(0, 1)
        assert plant.journal() == []
        with pytest.raises(ValueError, match="generic is not recorded"):
            plant.verify(read=True)
        with plant.record():
            plant.client().read_holding_registers(0, 1)
            plant.verify(read=True, times=1)


def test_a_program_ends_while_a_plant_runs() -> None:
    program = "from simulator.testing import RunningPlant; print(RunningPlant.of(profile='generic').url())"
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("tcp://127.0.0.1:")


def test_a_process_of_its_own(tmp_path) -> None:
    (tmp_path / "plant.yaml").write_text(PORTS)
    with PlantProcess.of("plant.yaml", folder=tmp_path) as plant:
        assert plant.device("meter-3")["serial_number"].endswith("3")
        with pytest.raises(RuntimeError, match="expected a plant in memory or in a thread for its objects"):
            plant.call(print)
        url = plant.url("meter-1")
        pid = plant.pid
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=5)
    assert not Path(f"/proc/{pid}").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["plant.yaml"]


def test_the_verbs_reach_into_a_process() -> None:
    with PlantProcess.of(profile="temperature-loop", count=3, name="loop-{n}") as plant:
        client = plant.client("loop-2", timeout=0.3)
        assert plant.set("loop-2", "setpoint", 60) == 1
        assert plant.get("loop-2", "setpoint") == plant.device("loop-2")["setpoint"] == 60
        assert plant.set({"devices": "loop-[13]"}, "setpoint", 70) == 2
        with plant.inject(then={"exception": "server_device_busy"}, when={"devices": "loop-2"}) as fault:
            with pytest.raises(ServerDeviceBusy):
                client.read_holding_registers(1, 1)
            assert (fault.name, fault.applied) == ("injected-1", 1)
        client.write_single_register(1, 500)
        plant.verify(write="setpoint", device="loop-2", value=50, times=1)
        with pytest.raises(Unmet, match="never"):
            plant.verify(read="setpoint", device="loop-2", never=True)
        assert plant.journal(device="loop-2")[-1].pdu == bytes.fromhex("06 0001 01f4")
        plant.forget()
        plant.verify(device="loop-2", never=True)
        with plant.pause():
            now = plant.now
            assert plant.advance(3600) == pytest.approx(now + 3600)
        with plant.offline("loop-*", how="drop"), pytest.raises(TimedOut):
            client.read_holding_registers(1, 1)
        assert client.read_holding_registers(1, 1)
        with pytest.raises(PointError, match="setpiont"):
            plant.get("loop-1", "setpiont")
        with pytest.raises(ConfigError, match="dealy"):
            plant.inject(then={"dealy": "1s"})


def test_a_process_that_cannot_start_says_why(tmp_path) -> None:
    text = 'devices: [{name: d, profile: generic, endpoint: "tcp://192.0.2.1:0"}]'
    with pytest.raises(RuntimeError, match=r"it said: modsim: cannot listen on tcp://192\.0\.2\.1:0"):
        PlantProcess.of(text, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
