"""``forward`` as users run it: TCP in front of a serial line, a serial line in front of TCP, datagrams."""

from __future__ import annotations

import shutil
import subprocess

import pytest


def ready(running) -> str:
    return running.wait_ready().ready.strip().rpartition(": ")[2]


def serve(start, tmp_path, endpoint: str) -> str:
    (tmp_path / "plant.yaml").write_text(
        f"devices: [{{name: 'd-{{n}}', profile: generic, endpoint: '{endpoint}', unit_id: 1-3, count: 3}}]\n"
    )
    return ready(start("run", "plant.yaml"))


def test_tcp_to_a_serial_line_with_many_units_behind(start, modsim, tmp_path):
    line = serve(start, tmp_path, "rtu:pty")
    front = start("forward", "tcp://127.0.0.1:0", line)
    url = ready(front)
    for unit in ("1", "2", "3"):
        assert modsim("write", url, "hr:5", f"{unit}00", "--unit", unit, "--verify").returncode == 0
    for unit in ("1", "2", "3"):
        assert f" {unit}00 " in modsim("read", url, "hr:5", "--unit", unit).stdout
    absent = modsim("read", url, "hr:0", "--unit", "9", "--timeout", "5s")
    assert "refused with exception 11" in absent.stderr
    if shutil.which("mbpoll"):
        host, port = url.removeprefix("tcp://").split(":")
        command = ["mbpoll", "-m", "tcp", "-p", port, "-a", "2", "-0", "-r", "5", "-c", "1", "-1", host]
        polled = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert "[5]: \t200" in polled.stdout
    assert front.stop()[0] == 0


def test_a_serial_line_to_tcp(start, modsim, tmp_path):
    url = serve(start, tmp_path, "tcp://127.0.0.1:0")
    line = ready(start("forward", "rtu:pty", url))
    assert modsim("write", line, "hr:7", "4711", "--unit", "2").returncode == 0
    assert " 4711 " in modsim("read", url, "hr:7", "--unit", "2").stdout
    assert " 4711 " in modsim("read", line, "hr:7", "--unit", "2").stdout


@pytest.mark.parametrize(("source", "target"), [("udp", "tcp"), ("rtu+tcp", "udp"), ("ascii+udp", "rtu+tcp")])
def test_any_pair(start, modsim, tmp_path, source, target):
    url = serve(start, tmp_path, f"{target}://127.0.0.1:0")
    front = ready(start("forward", f"{source}://127.0.0.1:0", url))
    assert modsim("write", front, "hr:1", "12", "13", "--unit", "3", "--verify").returncode == 0
    assert modsim("load", front, "--duration", "200ms", "--clients", "3", "--unit", "1-3").returncode == 0


def test_a_target_that_is_not_there_is_told_to_clients(start, modsim):
    url = ready(start("forward", "tcp://127.0.0.1:0", "tcp://127.0.0.1:1"))
    assert "refused with exception 10, gateway path unavailable" in modsim("read", url, "hr:0").stderr


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["tcp://127.0.0.1:1-2", "tcp://127.0.0.1:1"], 2, "expected one address and one port"),
        (["tpc://127.0.0.1:1", "tcp://127.0.0.1:1"], 2, "did you mean 'tcp'?"),
        (["tcp://127.0.0.1:0", "tcp://127.0.0.1:x"], 2, "port is 'x'"),
        (["tcp://127.0.0.1:0", "tcp://127.0.0.1:1", "--unit", "300"], 2, "unit id is 300, expected 0 to 255"),
        (["tcp://192.0.2.1:5020", "tcp://127.0.0.1:1"], 69, "cannot listen on tcp://192.0.2.1:5020"),
    ],
)
def test_what_is_wrong_is_told(modsim, words, code, text):
    result = modsim("forward", *words)
    assert (result.returncode, result.stdout) == (code, "")
    assert text in result.stderr
