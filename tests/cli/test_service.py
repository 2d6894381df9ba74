"""A plant as a service: signals that tell, a log file that is rotated, an end in time, standard input, health."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.conftest import MODSIM, PATIENCE_S, environment

PLANT = """\
devices:
  - {name: "a-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-3}
profiles:
  box:
    points:
      dice: {table: input_register, address: 0, data_type: uint16,
             generator: {type: random, min: 0, max: 65535, interval: 100ms}}
faults:
  - {name: quiet, when: {function: 6}, then: {drop: true}}
scenarios:
  endless: {start: true, steps: [{at: 10h, fault: quiet, enabled: false}]}
"""
READ = "04 00 00 00 01"


@pytest.fixture(autouse=True)
def _hung_up_as_usual() -> Iterator[None]:
    """What is started here hears SIGHUP, also when the tests themselves run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def plant(tmp_path):
    (tmp_path / "plant.yaml").write_text(PLANT)
    return "plant.yaml"


def messages(file) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def wait_for(found, what: str):
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if result := found():
            return result
        time.sleep(0.02)
    raise AssertionError(f"never seen: {what}")


def logged(file, beginning: str) -> dict[str, object]:
    """The first line of the log whose message begins so."""

    def look():
        lines = messages(file) if file.exists() else []
        return next((line for line in lines if str(line["message"]).startswith(beginning)), None)

    return wait_for(look, beginning)


def test_sigusr1_logs_how_the_plant_is_doing(start, plant, ask, tmp_path):
    running = start("run", plant, "--log-file", "log").wait_ready()
    for unit in (1, 2, 3):
        ask(running.ports[0], READ, unit=unit)
    ask(running.ports[0], "04 00 09 00 01")
    time.sleep(0.3)
    running.process.send_signal(signal.SIGUSR1)
    status = logged(tmp_path / "log", "status: ")
    assert (status["devices"], status["endpoints"], status["requests"]) == (3, 1, 4)
    assert (status["accepted"], status["exceptions"], status["missed"]) == (4, 1, 0)
    assert status["ticks"] >= 2
    assert status["virtual_time"] > 0
    assert (status["faults_active"], status["scenarios_running"]) == ("quiet", "endless")
    assert "requests 4, exceptions 1" in status["message"]
    assert running.stop()[0] == 0


def test_sighup_is_told_and_survived(start, plant, ask, tmp_path):
    running = start("run", plant, "--log-file", "log").wait_ready()
    running.process.send_signal(signal.SIGHUP)
    assert "does not reload" in logged(tmp_path / "log", "SIGHUP")["message"]
    assert ask(running.ports[0], READ).startswith("04 02")
    assert running.stop()[0] == 0


def test_a_plant_whose_terminal_has_gone_stops(plant, tmp_path):
    """Nobody is left to stop a plant that was started by hand."""
    mine, its = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "-c", *MODSIM, "run", plant, "--log-file", "log", "--ready-file", "ready"],
        cwd=tmp_path,
        env=environment(),
        stdin=its,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    try:
        wait_for((tmp_path / "ready").exists, "the ready file")
        os.close(mine)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
    assert logged(tmp_path / "log", "SIGHUP: the terminal has gone")


def test_a_plant_that_was_told_to_ignore_sighup_does(start, plant, ask, tmp_path):
    """As nohup has it: not even the end of the terminal is the end of the plant."""
    ignoring = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
    running = start("run", plant, "--log-file", "log", **ignoring).wait_ready()
    running.process.send_signal(signal.SIGHUP)
    running.process.send_signal(signal.SIGUSR1)
    logged(tmp_path / "log", "status")
    assert [line for line in messages(tmp_path / "log") if "SIGHUP" in str(line["message"])] == []
    assert running.stop()[0] == 0


def test_a_rotated_log_goes_on_in_a_new_file(start, plant, tmp_path):
    log, old = tmp_path / "log", tmp_path / "log.1"
    running = start("run", plant, "--log-file", "log").wait_ready()
    running.process.send_signal(signal.SIGHUP)
    logged(log, "SIGHUP")
    logged(log, "scenario endless starts")
    log.rename(old)
    running.process.send_signal(signal.SIGUSR2)
    assert logged(log, "SIGUSR2")["message"] == "SIGUSR2: log was opened anew"
    running.process.send_signal(signal.SIGUSR1)
    logged(log, "status")
    assert [line for line in messages(old) if "SIGUSR" in str(line["message"])] == []
    code, errors = running.stop()
    assert (code, errors) == (0, "")
    assert messages(log)[-1]["message"].startswith("SIGTERM: stopping")


def test_a_log_that_cannot_be_opened_anew_goes_on_where_it_was(start, plant, tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    running = start("run", plant, "--log-file", "logs/log").wait_ready()
    folder.rename(tmp_path / "old")
    running.process.send_signal(signal.SIGUSR2)
    assert "No such file" in logged(tmp_path / "old" / "log", "SIGUSR2")["message"]
    assert running.stop()[0] == 0


def test_sigusr2_without_a_file_is_told(start, plant):
    running = start("run", plant).wait_ready()
    running.process.send_signal(signal.SIGUSR2)
    code, errors = running.stop()
    assert code == 0
    assert "there is no file to open anew" in errors


def test_a_log_file_that_cannot_be_written_ends_with_its_name(modsim, plant):
    result = modsim("run", plant, "--log-file", "missing/log")
    assert (result.returncode, result.stdout) == (1, "")
    assert "missing/log: No such file or directory" in result.stderr


@pytest.mark.parametrize("words", [["run", "plant.yaml"], ["serve", "127.0.0.1:0"]])
def test_a_plant_ends_by_itself(modsim, plant, words):
    began = time.monotonic()
    result = modsim(*words, "--duration", "300ms")
    assert result.returncode == 0
    assert result.stdout.startswith("ready: ")
    assert time.monotonic() - began >= 0.3
    assert "--duration: 0.3 s are over: stopping" in result.stderr


def test_the_duration_is_real_time(modsim, plant):
    began = time.monotonic()
    assert modsim("run", plant, "--duration", "700ms", "--time-scale", "10000").returncode == 0
    assert time.monotonic() - began >= 0.7


def test_a_forwarder_ends_by_itself_too(modsim):
    result = modsim("forward", "tcp://127.0.0.1:0", "tcp://127.0.0.1:1", "--duration", "100ms")
    assert result.returncode == 0
    assert "ready: forwarding" in result.stdout


@pytest.mark.parametrize("words", [["-c", "-"], ["--config", "-"], ["run", "-"]])
def test_a_plant_comes_from_standard_input(start, plant, ask, tmp_path, words):
    with open(tmp_path / plant) as file:
        running = start(*words, stdin=file).wait_ready()
    assert ask(running.ports[0], READ).startswith("04 02")
    assert running.stop()[0] == 0


def test_what_is_wrong_with_standard_input_is_told_like_a_file(tmp_path):
    for text, said in (
        (PLANT.replace("profile: box", "profile: bax").encode(), "<stdin>:2:30: devices.0.profile: unknown"),
        (b"", "<stdin>: file is empty, expected a plant"),
        (b"name: \xff", "<stdin>:1:7: file holds the byte 0xFF, expected UTF-8"),
    ):
        for words in (["-c", "-"], ["check", "-"]):
            result = subprocess.run(
                [*MODSIM, *words],
                cwd=tmp_path,
                env=environment(),
                input=text,
                capture_output=True,
                timeout=60,
            )
            assert result.returncode == 78
            assert said in result.stderr.decode()


def test_folders_of_a_plant_from_standard_input_are_those_of_the_working_directory(tmp_path, modsim):
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "mine.yaml").write_text("points: {p: {table: coil, address: 0}}\n")
    text = 'profiles: [kinds]\ndevices: [{name: a, profile: mine, endpoint: "tcp://127.0.0.1:0"}]\n'
    result = subprocess.run(
        [*MODSIM, "run", "-", "--duration", "0s"],
        cwd=tmp_path,
        env=environment(),
        input=text.encode(),
        capture_output=True,
        timeout=60,
    )
    assert (result.returncode, result.stdout[:8]) == (0, b"ready: 1")


def test_health_asks_the_plant_that_the_ready_file_names(start, plant, modsim, monkeypatch):
    running = start("run", plant, "--ready-file", "ready.json").wait_ready()
    url = f"tcp://127.0.0.1:{running.ports[0]}"
    refused = modsim("health", "ready.json")  # it has no holding registers: that is an answer, too
    assert refused.returncode == 0
    assert refused.stdout.startswith(f"healthy: {url} answers")
    assert modsim("health", url, "--unit", "3").returncode == 0
    monkeypatch.setenv("MODSIM_READY_FILE", "ready.json")
    assert modsim("health").returncode == 0
    os.kill(running.process.pid, signal.SIGSTOP)  # it hangs
    try:
        hung = modsim("health", "--timeout", "200ms")
    finally:
        os.kill(running.process.pid, signal.SIGCONT)
    assert (hung.returncode, hung.stdout) == (1, "")
    running.stop()
    gone = modsim("health")
    assert gone.returncode == 1
    assert "ready.json: not ready" in gone.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no ready file"),
        ('{"endpoints": ["rtu:/dev/pts/3", "tls://127.0.0.1:802"]}', "names no endpoint over TCP or UDP"),
    ],
)
def test_health_says_what_is_wrong_with_a_ready_file(modsim, tmp_path, text, said):
    (tmp_path / "ready.json").write_text(text)
    result = modsim("health", "ready.json")
    assert result.returncode == 1
    assert said in result.stderr


def test_health_wants_to_know_where(modsim, monkeypatch):
    monkeypatch.delenv("MODSIM_READY_FILE", raising=False)
    assert modsim("health").returncode == 2
