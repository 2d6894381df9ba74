"""``modsim ctl`` against a plant that runs: tables, JSON, exit codes, how it finds the plant."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.conftest import MODSIM, environment

PLANT = """
name: hall
control: {http: "127.0.0.1:0", token: "${SECRET:-hush-hush}"}
profiles:
  box:
    points:
      level: {table: hr, address: 0, data_type: int16, scale: 0.1, value: 12.5, max: 50,
              unit_of_measurement: m}
      label: {table: hr, address: 4, data_type: string, length: 4}
      power: {table: ir, address: 0, data_type: float32, generator: {type: constant, value: 7}}
devices:
  - {name: "box-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-3}
"""


class Operator:
    """A person at the command line of the machine that the plant runs on."""

    def __init__(self, folder, start) -> None:
        (folder / "plant.yaml").write_text(PLANT)
        self.folder = folder
        self.environment = {**environment(), "XDG_RUNTIME_DIR": str(folder)}
        self.plant = start(
            "run", "plant.yaml", "--ready-file", "ready.json", env=self.environment
        ).wait_ready()

    def __call__(self, *words, code=0, **more):
        done = subprocess.run(
            [*MODSIM, "ctl", *words], cwd=self.folder, env={**self.environment, **more},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done.stdout if code in (0, 99) else done.stderr


@pytest.fixture
def ctl(tmp_path, start):
    return Operator(tmp_path, start)


def test_a_session(ctl, ask):
    url = ctl.plant.ready.rstrip().rpartition("; API at ")[2]
    facts = json.loads((ctl.folder / "ready.json").read_text())
    assert facts["api"] == url
    port = int(facts["endpoints"][0].rpartition(":")[2])
    assert "devices      3" in ctl("status")
    assert ctl("devices").splitlines()[-1] == "1 to 3 of 3"
    assert ctl("write", "box-[12]", "level=20.5", "label=hi") == "level  2 devices\nlabel  2 devices\n"
    assert ask(port, "03 00 00 00 01", unit=2) == "03 02 00 cd"
    assert ctl("read", "box-?", "level") == "box-1  level  20.5\nbox-2  level  20.5\nbox-3  level  12.5\n"
    assert json.loads(ctl("--json", "read", "box-1", "level"))["devices"][0]["values"] == {"level": 20.5}
    assert "level  20.5   m     holding_register  0        205" in ctl("show", "box-1")
    assert ctl("write-table", "box-3", "holding_register", "0", "0x10", "--help").startswith("usage")
    assert ctl("write-table", "box-3", "holding_register", "0", "0x10") == "0  16  0x0010\n"
    assert ctl("pause").splitlines()[3] == "paused   yes"
    assert ctl("record", "box-1") == "devices  1\n"
    ask(port, "03 00 00 00 01", unit=1)
    assert "read holding_register 0" in ctl("journal")
    assert ctl("verify", "device=box-1", "read=level").startswith("as expected")
    assert "came not once" in ctl("verify", "device=box-1", "write=level", code=99)
    assert ctl("add-fault", '{"name": "mute", "when": {"devices": "box-3"}, "then": {"drop": true}}')
    assert "mute" in ctl("faults")
    assert ctl("remove-fault", "mute") == "done\n"
    assert "value is out of range, got 51" in ctl("write", "*", "level=51", code=1)
    assert "did you mean 'box-1'" in ctl("show", "bx-1", code=1)
    assert "is no NAME=VALUE" in ctl("write", "box-1", "level", code=2)
    assert "--limit" in ctl("devices", "--limit", "x", code=2)
    assert "the token is wrong" in ctl("status", code=1, MODSIM_TOKEN="wrong-one")
    assert "devices" in ctl("--url", url, "status", MODSIM_TOKEN="hush-hush")
    assert ctl("stop") == "done\n"
    assert ctl.plant.process.wait(timeout=60) == 0
    assert "no plant with an API runs here" in ctl("status", code=1)
    assert "cannot be reached: Connection refused" in ctl("--url", url, "status", code=1)
    assert os.listdir(ctl.folder / "modsim") == []


def test_an_address_that_is_taken_ends_the_start(tmp_path, start, modsim):
    import socket

    (tmp_path / "plant.yaml").write_text(PLANT)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = modsim("run", "plant.yaml", "--http", address)
    assert done.returncode == 69
    assert f"cannot listen on http://{address}" in done.stderr


def test_others_need_a_token_and_what_is_no_address_is_told(tmp_path, modsim):
    (tmp_path / "plant.yaml").write_text(PLANT.replace('"${SECRET:-hush-hush}"', "null"))
    open_to_all = modsim("run", "plant.yaml", "--http", "0.0.0.0:0")
    assert (open_to_all.returncode, "expected a token" in open_to_all.stderr) == (2, True)
    wrong = modsim("serve", "127.0.0.1:0", "--http", "localhost:80")
    assert (wrong.returncode, "expected an IP address and a port" in wrong.stderr) == (2, True)
