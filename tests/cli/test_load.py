"""``load`` as users run it, against a plant of ours."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time

import pytest

from simulator.cli.load import targets_of


@pytest.fixture
def port(start) -> int:
    return start("serve", "127.0.0.1:0").wait_ready().ports[0]


def test_it_reports_answers_latencies_and_itself(modsim, port):
    result = modsim("load", f"tcp://127.0.0.1:{port}", "--duration", "300ms", "--depth", "2")
    assert (result.returncode, result.stderr) == (0, "")
    for part in ("answers      ", "errors       0\n", "  99.9 %", "generator    busy ", "closed loop"):
        assert part in result.stdout


def test_json_of_an_open_load_with_every_function(modsim, port):
    mix = "1x20,2x20,3x10,4x10,5,6,7,8,11,12,15x9,16x5,17,22,23x3,43"
    words = ("--mix", mix, "--total-rate", "400", "--clients", "4", "--duration", "500ms", "--json")
    result = modsim(
        "load", f"tcp://127.0.0.1:{port}", *words, "--addresses", "0-99,1000-1099", "--unit", "1-3"
    )
    data = json.loads(result.stdout)
    assert data["errors"] == {}
    assert (data["loop"], data["rate_per_client"]) == ("open", 100)
    assert data["answered"] == data["sent"] == sum(count for _, _, count in data["histogram_ms"])
    assert data["latency_ms"]["p50"] <= data["latency_ms"]["p99.9"] <= data["latency_ms"]["max"]


@pytest.mark.parametrize("scheme", ["udp", "rtu+tcp", "ascii+tcp", "binary+udp"])
def test_every_framing_and_transport(modsim, start, tmp_path, scheme):
    (tmp_path / "plant.yaml").write_text(
        f"devices: [{{name: d, profile: generic, endpoint: '{scheme}://127.0.0.1:0', unit_id: 1}}]\n"
    )
    port = start("run", "plant.yaml").wait_ready().ports[0]
    result = modsim("load", f"{scheme}://127.0.0.1:{port}", "--duration", "200ms", "--clients", "2", "--json")
    data = json.loads(result.stdout)
    assert data["errors"] == {}
    assert data["answered"] > 10


def test_tls_with_certificates(modsim, start, tmp_path):
    assert modsim("certs", "certs").returncode == 0
    (tmp_path / "plant.yaml").write_text(
        "tls: {certificate: certs/server.pem, key: certs/server.key, ca: certs/ca.pem, roles: {engineer: {}}}\n"
        "devices: [{name: d, profile: generic, endpoint: 'tls://127.0.0.1:0', unit_id: 1}]\n"
    )
    url = f"tls://127.0.0.1:{start('run', 'plant.yaml').wait_ready().ports[0]}"
    short = ("--duration", "300ms", "--clients", "3", "--depth", "4", "--json", "--timeout", "10s")
    client = ("--certificate", "certs/client-engineer.pem", "--key", "certs/client-engineer.key")
    data = json.loads(modsim("load", url, *short, "--ca", "certs/ca.pem", *client).stdout)
    assert data["errors"] == {}
    assert data["answered"] > 10
    strange = modsim("load", url, *short, "--ca", "certs/bad/another-ca.pem", *client)
    assert strange.returncode == 1
    assert "TLS: certificate of the server: " in strange.stderr
    missing = modsim("load", url, "--ca", "nowhere.pem")
    assert missing.returncode == 2
    assert "ca 'nowhere.pem' cannot be used" in missing.stderr


def test_thresholds_decide_about_the_exit_code(modsim, port):
    url = f"tcp://127.0.0.1:{port}"
    late = modsim("load", url, "--duration", "100ms", "--max-p99", "0.000001")
    assert late.returncode == 1
    assert "99th percentile is" in late.stderr
    fine = modsim("load", url, "--duration", "100ms", "--mix", "3x10", "--addresses", "65530-65535,0-9")
    assert fine.returncode == 0


def test_nobody_there(modsim):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        free = gone.getsockname()[1]
    result = modsim("load", f"tcp://127.0.0.1:{free}")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"modsim load: tcp://127.0.0.1:{free}: connection refused\n"


def test_a_host_that_is_unknown(modsim):
    result = modsim("load", "tcp://no-such-host.invalid:502")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("modsim load: no-such-host.invalid: host is unknown: ")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["tcp://127.0.0.1:0"], "expected the address and port of a server"),
        (["127.0.0.1:502"], "URL is '127.0.0.1:502', expected such as tcp://127.0.0.1:5020"),
        (["tpc://127.0.0.1:502"], "did you mean 'tcp'?"),
        (["rtu://127.0.0.1:502"], "scheme is 'rtu', expected tcp, udp, tls, or a framing such as rtu+tcp"),
        (["tcp://127.0.0.1", "--mix", "3x1000"], "quantity of function 3 is 1000, expected 1 to 125"),
        (["tcp://127.0.0.1", "--addresses", "0-70000"], "address is 70000, expected 0 to 65535"),
        (["tcp://127.0.0.1", "--rate", "1", "--total-rate", "1"], "not allowed with argument"),
        (["tcp://127.0.0.1", "--duration", "5x"], "duration is '5x', expected such as 500ms, 10s, 1m or 1h"),
        (["tcp://127.0.0.1", "--clients", "999999"], "999999 clients need 1000015 descriptors"),
    ],
)
def test_what_is_wrong_with_the_command_is_told(modsim, words, text):
    result = modsim("load", *words)
    assert (result.returncode, result.stdout) == (2, "")
    assert text in result.stderr


def test_an_interrupt_ends_it_with_the_result_so_far(port):
    command = [sys.executable, "-m", "simulator", "load", f"tcp://127.0.0.1:{port}", "--duration", "60s"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "interrupted" in output


def test_a_terminal_sees_a_live_line(port):
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "simulator", "load", f"tcp://127.0.0.1:{port}", "--duration", "1500ms"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=terminal)
    os.close(terminal)
    seen = b""
    while True:
        try:
            data = os.read(controller, 4096)
        except OSError:
            break
        seen += data
        if not data:
            break
    os.close(controller)
    assert process.wait(timeout=30) == 0
    assert b"answers/s" in seen
    assert b"10 connected" in seen


def test_targets_are_every_address_and_port():
    assert [str(target) for target in targets_of("tcp://10.0.0.1-10.0.0.2:502-503")] == [
        "tcp://10.0.0.1:502",
        "tcp://10.0.0.1:503",
        "tcp://10.0.0.2:502",
        "tcp://10.0.0.2:503",
    ]
    assert [str(target) for target in targets_of("rtu+udp://[::1]:5020")] == ["rtu+udp://[::1]:5020"]
    assert str(targets_of("tcp://localhost")[0]) == "tcp://127.0.0.1:502"
