"""Recording: which rows are written down, by whom they are asked, and what it leaves alone."""

from __future__ import annotations

import pytest

from simulator.device import RECORDED
from simulator.errors import ModbusException, TimedOut
from simulator.server.lanes import COMPILED
from simulator.testing import InMemoryPlant, RunningPlant

PLANT = """
devices:
  - {name: "d-{n}", profile: generic, count: 4, endpoint: "%s", unit_id: 1-4}
"""


@pytest.fixture
def plant():
    with InMemoryPlant.from_yaml(PLANT % "tcp://127.0.0.1:0") as plant:
        yield plant


@pytest.fixture
def running():
    with RunningPlant.of(PLANT % "tcp://127.0.0.1:0", journal=False) as plant:
        yield plant


def flags(plant) -> list[int]:
    return [flag & RECORDED for flag in plant.plant.fleets[0].kind.aside]


def test_only_what_is_recorded_is_written_down(running) -> None:
    with running.record(["d-2", "d-3"]):
        for name in running.names:
            running.client(name).write_single_register(5, 6)
        assert [entry.device for entry in running.journal()] == ["d-2", "d-3"]
        assert [bool(flag) for flag in flags(running)] == [False, True, True, False]
    assert flags(running) == [0, 0, 0, 0]


def test_recordings_overlap(running) -> None:
    first, second = running.record(["d-1", "d-2"]), running.record(["d-2", "d-3"])
    first.stop()
    first.stop()
    assert [bool(flag) for flag in flags(running)] == [False, True, True, False]
    second.stop()
    assert flags(running) == [0, 0, 0, 0]


@pytest.mark.skipif(not COMPILED, reason="no compiled code here")
def test_compiled_code_answers_what_nobody_records(running) -> None:
    client, factory = running.client("d-1"), running.plant.factories[0]

    def python_answers() -> int:
        before = factory.served
        for _ in range(5):
            client.read_holding_registers(0, 1)
        return factory.served - before

    client.read_holding_registers(0, 1)
    assert python_answers() == 0
    with running.record("d-1"):
        assert python_answers() == 5
        assert len(running.journal()) == 5
    assert python_answers() == 0
    with running.record("d-2"):
        assert python_answers() == 0


def test_what_is_written_down(plant) -> None:
    plant.advance(2.5)
    plant.client("d-3").write_single_register(9, 7)
    with pytest.raises(ModbusException):
        plant.client("d-3").write_single_register(9, 7, unit=9)  # nobody
    first, *others = plant.journal()
    assert others == []
    assert (first.number, first.at, first.device, first.unit, first.function) == (1, 2.5, "d-3", 3, 6)
    assert (first.address, first.quantity, first.exception) == (9, 1, 0)
    assert first.client.startswith("127.0.0.1:")
    assert first.writes is not None and first.writes.values == (7,)


def test_refusals_of_devices_and_of_faults_are_told_with_their_code(plant) -> None:
    client = plant.client("d-1")
    with pytest.raises(ModbusException):
        client.read_holding_registers(65535, 2)
    with plant.inject(then={"exception": 6}), pytest.raises(ModbusException):
        client.read_holding_registers(0, 1)
    with plant.offline({"devices": "d-1"}), pytest.raises(ModbusException):
        client.read_holding_registers(0, 1)
    with plant.inject(then={"drop": True}), pytest.raises(TimedOut):
        client.read_holding_registers(0, 1)
    assert [entry.exception for entry in plant.journal()] == [2, 6, 11, 0]
    plant.verify(exception=6, times=1)


def test_a_broadcast_is_a_request_to_each() -> None:
    with InMemoryPlant.from_yaml(PLANT % "rtu+tcp://127.0.0.1:0") as plant:
        plant.client("d-1", unit=0).write_single_register(5, 6)
        assert [entry.device for entry in plant.journal()] == plant.names
        assert {entry.unit for entry in plant.journal()} == {0}
        plant.verify(write={"address": 5}, value=6, times=1, each=True)


def test_a_device_that_only_listens_is_recorded_and_comes_back(plant) -> None:
    client = plant.client("d-1", timeout=1)
    client.force_listen_only_mode()
    with pytest.raises(TimedOut):
        client.read_holding_registers(0, 1)
    assert [entry.function for entry in plant.journal()] == [8, 3]


def test_what_is_not_recorded_cannot_be_expected(running) -> None:
    with running.record("d-1"), pytest.raises(ValueError, match="d-2 is not recorded"):
        running.verify(device="d-[12]", never=True)


def test_time_begins_with_the_recording(plant) -> None:
    plant.advance(10)
    with plant.record("d-1"):
        plant.client("d-1").read_holding_registers(0, 1)
        assert plant.check(device="d-1", read=True, every=10)
    plant.forget()
    plant.advance(1)
    assert plant.verify(never=True, last=100)
    assert "from 10.000 s to 11.000 s" in plant.check(read=True).text


def test_a_question_is_answered_as_it_was_asked(plant) -> None:
    client = plant.client("d-1")
    client.read_holding_registers(0, 1)
    answer = plant.plant.recorder.question({"read": True, "times": 1})
    client.read_holding_registers(0, 1)
    assert answer()
    assert not plant.check(read=True, times=1)


def test_rows_far_apart_are_told_apart(plant) -> None:
    for name in plant.names:
        plant.client(name).read_holding_registers(0, 1)
    assert plant.verify(device=["d-1", "d-4"], read=True, times=2)
    assert plant.verify(device=["d-2"], read=True, times=1)
