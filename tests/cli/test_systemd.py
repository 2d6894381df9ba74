"""Notices to systemd, received on a real socket as systemd has one."""

from __future__ import annotations

import json
import os
import signal
import socket

import pytest

from simulator.cli.systemd import Notices
from tests.conftest import PATIENCE_S, environment

PLANT = 'devices: [{name: a, profile: generic, endpoint: "tcp://127.0.0.1:0"}]\n'


@pytest.fixture
def systemd(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(PATIENCE_S)
        receiver.bind(str(tmp_path / "notify"))
        yield receiver


def fields(receiver) -> dict[str, str]:
    return dict(line.split("=", 1) for line in receiver.recv(4096).decode().splitlines())


def until(receiver, key: str) -> dict[str, str]:
    """The next notice that has this field."""
    while key not in (found := fields(receiver)):
        pass
    return found


def test_a_service_says_when_it_is_ready_lives_and_stops(start, ask, systemd, tmp_path):
    (tmp_path / "plant.yaml").write_text(PLANT)
    service = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
    running = start("run", "plant.yaml", env={**environment(), **service}).wait_ready()
    ready = until(systemd, "READY")
    assert ready["READY"] == "1"
    assert ready["MAINPID"] == str(running.process.pid)
    assert ready["STATUS"] == "1 devices at 1 endpoints, 0 connections, 0 requests"
    ask(running.ports[0], "03 00 00 00 01")
    assert until(systemd, "WATCHDOG")["WATCHDOG"] == "1"
    while "1 requests" not in (alive := until(systemd, "WATCHDOG"))["STATUS"]:
        pass
    assert alive["STATUS"].startswith("1 devices at 1 endpoints")
    running.process.send_signal(signal.SIGTERM)
    assert until(systemd, "STOPPING")["STOPPING"] == "1"
    assert running.process.wait(PATIENCE_S) == 0


def test_it_is_not_ready_before_everything_answers(modsim, systemd, tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "plant.yaml").write_text(PLANT.replace(":0", f":{port}"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        assert modsim("run", "plant.yaml").returncode == 69
    systemd.settimeout(0.1)
    found = []
    try:
        while True:
            found.append(fields(systemd))
    except TimeoutError:
        pass
    assert [each for each in found if "READY" in each] == []


def test_an_abstract_socket_is_reached():
    name = f"modsim-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"\0{name}")
        assert Notices({"NOTIFY_SOCKET": f"@{name}"}).send(STATUS="two\nlines", READY=1)
        assert receiver.recv(100) == b"STATUS=two lines\nREADY=1"


def test_nobody_who_listens_is_no_error(tmp_path):
    assert not Notices({"NOTIFY_SOCKET": str(tmp_path / "gone")}).send(READY=1)
    assert not Notices({}).send(READY=1)
    assert not Notices({})


def test_a_full_socket_does_not_hold_the_plant(systemd, tmp_path):
    notices = Notices({"NOTIFY_SOCKET": str(tmp_path / "notify")})
    assert not all(notices.send(STATUS="x" * 1000) for _ in range(100_000))


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, 0.0),  # it is meant for another process
        ({"WATCHDOG_USEC": "often"}, 0.0),
        ({}, 0.0),
    ],
)
def test_signs_of_life_are_given_as_often_as_is_asked(variables, seconds):
    assert Notices({"NOTIFY_SOCKET": "/nowhere", **variables}).watchdog_s == seconds


def test_without_systemd_the_log_has_nothing_of_it(start, tmp_path):
    (tmp_path / "plant.yaml").write_text(PLANT)
    code, errors = start("run", "plant.yaml").wait_ready().stop()
    assert code == 0
    assert [json.loads(line)["source"] for line in errors.splitlines()] == ["cli"]
