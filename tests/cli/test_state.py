"""The state of a plant as a user meets it: over restarts, kills, damage and a second plant."""

from __future__ import annotations

import signal
import time

import pytest

from tests.conftest import PATIENCE_S

PLANT = """\
state: {file: kept/state.json, every: 1s}
devices:
  - {name: "a-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-3}
profiles:
  box:
    points:
      level: {table: hr, address: 0, data_type: uint16, value: 3}
      count: {table: hr, address: 1, data_type: uint16,
              generator: {type: increment, min: 100, max: 9999, step: 1}}
      total: {table: ir, address: 0, data_type: uint32,
              generator: {type: integrate, of: 1000, interval: 100ms}}
"""
READ, WRITE = "03 00 00 00 01", "06 00 00 12 34"
HOLD = "06 00 01 00 05"


@pytest.fixture
def plant(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "plant.yaml").write_text(PLANT)
    return "plant.yaml"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "kept" / "state.json"


def total(ask, port: int) -> int:
    return int.from_bytes(bytes.fromhex(ask(port, "04 00 00 00 02"))[2:], "big")


def test_what_clients_wrote_is_there_after_a_restart(start, plant, ask, file):
    running = start("run", plant).wait_ready()
    port = running.ports[0]
    ask(port, WRITE, unit=2)
    ask(port, HOLD, unit=3)
    time.sleep(0.3)
    counted = total(ask, port)
    assert counted > 0
    assert running.stop()[0] == 0
    assert file.exists()
    again = start("run", plant).wait_ready().ports[0]
    assert [ask(again, READ, unit=unit) for unit in (1, 2, 3)] == [
        "03 02 00 03",
        "03 02 12 34",
        "03 02 00 03",
    ]
    assert ask(again, "03 00 01 00 01", unit=3) == "03 02 00 05"
    assert ask(again, "03 00 01 00 01", unit=1) != "03 02 00 05"
    assert total(ask, again) >= counted


def test_a_plant_that_was_killed_has_what_was_written_before(start, plant, ask, file):
    running = start("run", plant).wait_ready()
    ask(running.ports[0], WRITE)
    until = time.monotonic() + PATIENCE_S
    while not (file.exists() and b'"level"' in file.read_bytes()) and time.monotonic() < until:
        time.sleep(0.05)
    running.process.send_signal(signal.SIGKILL)
    running.process.wait()
    assert ask(start("run", plant).wait_ready().ports[0], READ) == "03 02 12 34"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content[:-20], "state is corrupt: "),
        (lambda content: content.replace(b"a-{n}", b"b-{n}"), "state is corrupt: its checksum differs"),
        (
            lambda content: content.replace(b'_state": 1', b'_state": 7'),
            "state has version 7, expected at most 1",
        ),
        (lambda content: b"", "file is no state"),
    ],
)
def test_a_file_that_is_not_right_keeps_the_plant_from_starting_and_stays(
    start, modsim, plant, file, change, said
):
    assert start("run", plant).wait_ready().stop()[0] == 0
    file.write_bytes(wrong := change(file.read_bytes()))
    for verb in ("run", "check"):
        result = modsim(verb, plant)
        assert (result.returncode, result.stdout) == (78, "")
        assert said in result.stderr
        assert "kept/state.json" in result.stderr
    assert file.read_bytes() == wrong
    file.rename(file.with_suffix(".bad"))
    assert start("run", plant).wait_ready().stop()[0] == 0


def test_two_plants_on_one_file(start, modsim, plant):
    first = start("run", plant).wait_ready()
    for verb in ("run", "check"):
        result = modsim(verb, plant)
        assert result.returncode == 78
        assert (
            f"state is of another plant, process {first.process.pid}, expected a file of its own"
            in result.stderr
        )
    assert first.stop()[0] == 0
    assert modsim("check", plant).returncode == 0


def test_a_folder_that_is_not_there(modsim, tmp_path):
    (tmp_path / "plant.yaml").write_text(PLANT)
    result = modsim("run", "plant.yaml")
    assert (result.returncode, result.stdout) == (78, "")
    assert "kept/state.json: state cannot be written: no such file or directory" in result.stderr
    checked = modsim("check", "plant.yaml")
    assert checked.returncode == 78
    assert "kept/state.json: its folder does not exist" in checked.stdout + checked.stderr


def test_a_plant_that_cannot_open_gives_the_file_back(modsim, plant, tmp_path, file):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        text = PLANT.replace(':0"', f':{taken.getsockname()[1]}"')
        (tmp_path / "plant.yaml").write_text(text)
        assert modsim("run", plant).returncode == 69
    assert not file.exists()
    (tmp_path / "plant.yaml").write_text(PLANT)
    assert modsim("run", plant, "--duration", "100ms").returncode == 0
    assert file.exists()
