"""``modsim --config FILE`` as a user meets it: ready line, stopping, exit codes, logs."""

from __future__ import annotations

import json
import os
import pty
import resource
import signal
import socket
import struct
import time
from importlib.metadata import entry_points

import pytest

PLANT = """\
name: test
seed: 7
devices:
  - {name: "a-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-3, values: {level: 12.5}}
  - {name: b, profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: any}
profiles:
  box:
    points:
      level: {table: holding_register, address: 0, data_type: int16, scale: 0.1, value: 3}
      dice:  {table: input_register, address: 0, data_type: uint16,
              generator: {type: random, min: 0, max: 65535, interval: 1h}}
"""
READ_LEVEL = "03 00 00 00 01"
LEVEL_12_5 = "03 02 00 7d"


@pytest.fixture
def plant(tmp_path):
    (tmp_path / "plant.yaml").write_text(PLANT)
    return "plant.yaml"


@pytest.fixture
def on_port(tmp_path):
    """A plant file of one device at an endpoint."""

    def write(endpoint: str) -> str:
        text = [
            *PLANT.splitlines()[:2],
            f"devices: [{{name: 'a-{{n}}', profile: box, endpoint: '{endpoint}'}}]",
        ]
        (tmp_path / "port.yaml").write_text("\n".join([*text, *PLANT.splitlines()[5:]]) + "\n")
        return "port.yaml"

    return write


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("words", [["--config"], ["-c"], ["run"], ["run", "--config"]])
def test_the_ready_line_says_devices_listeners_seconds_and_endpoints(start, plant, words, ask):
    running = start(*words, plant).wait_ready()
    first, second = running.ports
    assert running.ready.startswith("ready: 4 devices on 2 listeners in ")
    assert running.ready.endswith(f" s: tcp://127.0.0.1:{first}, tcp://127.0.0.1:{second}\n")
    assert ask(first, READ_LEVEL) == LEVEL_12_5
    assert ask(first, READ_LEVEL, unit=9) == "83 0b"  # gateway target failed to respond
    assert ask(second, READ_LEVEL, unit=9) == "03 02 00 1e"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_with_exit_code_0(start, plant, number):
    code, errors = start("--config", plant).wait_ready().stop(number)
    assert code == 0
    messages = [json.loads(line)["message"] for line in errors.splitlines()]
    assert messages == [f"{number.name}: stopping, open requests are answered first"]


def test_a_request_that_has_arrived_is_answered_before_it_stops(start, plant):
    running = start("--config", plant).wait_ready()
    with socket.create_connection(("127.0.0.1", running.ports[0])) as client:
        client.sendall(struct.pack(">HHHB", 1, 0, 6, 1) + bytes.fromhex(READ_LEVEL))
        code, _ = running.stop()
        assert code == 0
        assert client.makefile("rb").read() == bytes.fromhex("00 01 00 00 00 05 01" + LEVEL_12_5)


def test_a_second_signal_stops_at_once():
    calls: list[str] = []
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    from simulator.cli.process import on_stop_signal

    try:
        on_stop_signal(lambda name: calls.append(f"first {name}"), lambda name: calls.append(f"later {name}"))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), number)
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), handlers, strict=True):
            signal.signal(number, handler)
    assert calls == ["first SIGTERM", "later SIGINT", "later SIGTERM"]


def test_the_ready_file_appears_with_every_endpoint_and_goes_with_the_program(start, plant, tmp_path):
    running = start("--config", plant, "--ready-file", "ready.json").wait_ready()
    facts = json.loads((tmp_path / "ready.json").read_text())
    assert facts["pid"] == running.process.pid
    assert facts["endpoints"] == [f"tcp://127.0.0.1:{port}" for port in running.ports]
    assert (facts["devices"], facts["listeners"]) == (4, 2)
    running.stop()
    assert not (tmp_path / "ready.json").exists()


def test_a_ready_file_that_cannot_be_written_ends_with_its_name(modsim, plant):
    result = modsim("--config", plant, "--ready-file", "missing/ready.json")
    assert result.returncode == 1
    assert "missing/ready.json" in result.stderr
    assert "No such file or directory" in result.stderr
    assert result.stdout == ""


def test_the_time_scale_of_the_command_line_wins(start, plant, ask, tmp_path):
    """The dice are thrown once an hour: at 100 000 a second is more than a day of them."""
    text = (tmp_path / plant).read_text()
    (tmp_path / plant).write_text(text.replace("seed: 7", "seed: 7\nclock: {time_scale: 0.001}"))
    port = start("run", plant, "--time-scale", "100000").wait_ready().ports[0]
    until = time.monotonic() + 30
    seen: set[str] = set()
    while len(seen) < 3 and time.monotonic() < until:
        seen.add(ask(port, "04 00 00 00 01"))
    assert len(seen) >= 3


def test_the_seed_of_the_command_line_wins(start, plant, ask):
    values = {
        seed: ask(start("run", plant, "--seed", seed).wait_ready().ports[0], "04 00 00 00 01")
        for seed in ("7", "8")
    }
    again = ask(start("run", plant).wait_ready().ports[0], "04 00 00 00 01")
    assert values["7"] == again  # the file says 7
    assert values["8"] != again


def test_a_taken_port_ends_with_69_and_says_who_holds_it(modsim, on_port, taken):
    result = modsim("--config", on_port(f"tcp://127.0.0.1:{taken}"))
    assert result.returncode == 69
    assert result.stdout == ""
    first, second = result.stderr.splitlines()
    assert first == f"modsim: cannot listen on tcp://127.0.0.1:{taken}: Address already in use"
    assert second.startswith(f"it is held by pid {os.getpid()} (")


def test_an_address_of_another_machine_ends_with_69_and_the_command_that_makes_it_local(modsim, on_port):
    result = modsim("--config", on_port("tcp://198.51.100.7:5020"))
    assert result.returncode == 69
    assert "cannot listen on tcp://198.51.100.7:5020" in result.stderr
    assert "ip route add local 198.51.100.7/32 dev lo" in result.stderr


def test_a_port_below_1024_without_permission_ends_with_77(modsim_unprivileged, on_port):
    result = modsim_unprivileged("--config", on_port("tcp://127.0.0.1:502"))
    assert result.returncode == 77
    assert "cannot listen on tcp://127.0.0.1:502: Permission denied" in result.stderr
    assert "choose another port, such as 5020" in result.stderr


def test_more_listeners_than_descriptors_end_with_69_before_anything_listens(start, on_port):
    limit = (100, 100)
    running = start(
        "--config",
        on_port("tcp://127.0.0.1:30001-30200"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit),
    )
    out, errors = running.process.communicate(timeout=60)
    assert (running.process.returncode, out) == (69, "")
    assert "200 listeners need 216 descriptors, this process may open 100" in errors
    assert "ulimit -n" in errors


def test_a_bad_file_ends_with_78_and_every_problem_with_its_place(modsim, tmp_path):
    (tmp_path / "bad.yaml").write_text(
        PLANT.replace("seed: 7", "sede: 7").replace("unit_id: any", "unit_id: 300")
    )
    result = modsim("--config", "bad.yaml")
    assert result.returncode == 78
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0].startswith("bad.yaml:2:1: sede: unknown key 'sede', expected ")
    assert lines[0].endswith("did you mean 'seed'?")
    assert lines[1].startswith("bad.yaml:5:")
    assert "300" in lines[1]
    assert lines[2:] == ["2 problems"]


def test_a_missing_file_ends_with_78(modsim):
    result = modsim("--config", "nowhere.yaml")
    assert result.returncode == 78
    assert result.stderr.splitlines()[0] == "nowhere.yaml: file cannot be read: no such file or directory"


def test_logs_are_text_on_a_terminal(start, plant):
    ours, theirs = pty.openpty()
    running = start("--config", plant, stderr=theirs).wait_ready()
    running.stop()
    os.close(theirs)
    assert b" info     cli: SIGTERM: stopping" in os.read(ours, 10000)
    os.close(ours)


def test_the_log_format_and_level_can_be_chosen(start, plant):
    running = start("--config", plant, "--log-format", "text").wait_ready()
    assert " info     cli: SIGTERM: stopping" in running.stop()[1]
    running = start("--config", plant, "--log-level", "warning").wait_ready()
    assert running.stop() == (0, "")


@pytest.mark.parametrize("where", ["2>/dev/full", "2>&-", "2> >(exit)", "</dev/null 2>&- 0<&-"])
def test_a_log_that_cannot_be_written_never_stops_it(start, plant, ask, tmp_path, where):
    script = f'exec "$@" --log-level debug {where}'
    running = start("--config", plant, through=["bash", "-c", script, "bash"]).wait_ready()
    assert ask(running.ports[0], READ_LEVEL) == LEVEL_12_5
    assert running.stop()[0] == 0


@pytest.mark.parametrize("where", [">/dev/full", ">&-"])
def test_a_ready_line_that_cannot_be_written_never_stops_it(start, plant, ask, tmp_path, where):
    running = start(
        "--config", plant, "--ready-file", "r.json", through=["bash", "-c", f'exec "$@" {where}', "bash"]
    )
    ready = tmp_path / "r.json"
    while not ready.exists():
        assert running.process.poll() is None
    port = json.loads(ready.read_text())["endpoints"][0].rpartition(":")[2]
    assert ask(int(port), READ_LEVEL) == LEVEL_12_5
    assert running.stop()[0] == 0


def test_two_plants_cannot_share_a_port_and_the_first_lives_on(start, modsim, on_port, ask):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file = on_port(f"tcp://127.0.0.1:{port}")
    running = start("--config", file).wait_ready()
    second = modsim("--config", file)
    assert second.returncode == 69
    assert f"held by pid {running.process.pid} (" in second.stderr
    assert ask(port, READ_LEVEL) == "03 02 00 1e"


def test_the_modsim_command_is_python_m_simulator(plant, tmp_path):
    (script,) = [entry for entry in entry_points(group="console_scripts") if entry.name == "modsim"]
    assert script.value == "simulator.cli.app:main"


def test_scenarios_are_started_by_name(start, plant, tmp_path):
    text = (tmp_path / plant).read_text()
    (tmp_path / plant).write_text(
        f"{text}\nscenarios:\n"
        "  first: [{offline: {}, for: 1h}]\n  second: [{at: 1s, release: {}}]\n  third: [{clear: all}]\n"
    )
    running = start("run", plant, "--scenario", "first", "--scenario", "second")
    running.wait_ready()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", running.ports[0]), timeout=5).close()
        except ConnectionRefusedError:
            break
    else:
        raise AssertionError("the scenario never took the devices away")
    code, errors = running.stop()
    assert code == 0
    assert "scenario first: 0s: close" in errors
    assert "scenario third" not in errors


def test_an_unknown_scenario_is_told_with_a_near_one(modsim, plant, tmp_path):
    text = (tmp_path / plant).read_text()
    (tmp_path / plant).write_text(f"{text}\nscenarios: {{switch-loss: [{{clear: all}}]}}\n")
    done = modsim("run", plant, "--scenario", "switch-los")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "modsim run: unknown scenario 'switch-los', expected switch-loss; did you mean 'switch-loss'?\n"
    )
