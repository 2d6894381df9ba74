"""The files in ``docs/deploy`` name what exists: files, verbs, variables, folders they may write to."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from simulator.cli.app import parser_of
from simulator.cli.environment import variable_of
from simulator.cli.verbs import VERBS

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "docs" / "deploy"
UNIT = DEPLOY / "modsim.service"
VARIABLES = {variable_of(action) for action in parser_of(VERBS["run"])._actions} - {None}


@pytest.mark.parametrize("file", sorted(DEPLOY.iterdir()), ids=lambda file: file.name)
def test_every_variable_is_one_of_an_option(file):
    named = set(re.findall(r"\b(MODSIM_[A-Z_]+)\b", file.read_text()))
    assert named
    assert named <= VARIABLES


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def of(name: str) -> list[str]:
    return [rest.strip() for word, rest in instructions() if word == name]


def test_the_image_is_built_from_files_that_exist():
    local = [rest for rest in of("COPY") if not rest.startswith("--from")]
    sources = [source for rest in local for source in rest.split()[:-1]]
    assert len(sources) >= 5
    assert [source for source in sources if not (ROOT / source).exists()] == []
    needed = set(re.findall(r"file: (\S+)|license_files = (\S+)", (ROOT / "setup.cfg").read_text()))
    assert {name for pair in needed for name in pair if name} <= set(sources)


def test_the_image_installs_an_extra_that_exists():
    (extra,) = re.findall(r"'\.\[(\w+)\]'", (DEPLOY / "Dockerfile").read_text())
    assert f"\n{extra} =" in (ROOT / "setup.cfg").read_text().partition("extras_require")[2]


def test_the_container_is_not_root_and_may_write_where_it_does():
    words = [word for word, _ in instructions()]
    assert of("USER") == ["modsim"]
    last = len(words) - 1 - words[::-1].index("USER")
    assert not {"RUN", "COPY", "ADD"} & set(words[last:])  # nothing is done as another user afterwards
    owned = next(rest for rest in of("RUN") if "install -d -o modsim" in rest)
    folders = re.findall(r"/[a-z/]+", owned.partition("install -d")[2])
    ready = re.search(r"MODSIM_READY_FILE=(\S+)", " ".join(of("ENV")))
    assert ready is not None
    assert str(Path(ready[1]).parent) in folders
    assert of("WORKDIR")[-1] in folders


def test_the_container_runs_verbs_that_exist():
    (entry,), (command,), (health,) = of("ENTRYPOINT"), of("CMD"), of("HEALTHCHECK")
    assert json.loads(entry) == ["modsim"]
    parser_of(VERBS[json.loads(command)[0]])
    program, verb = json.loads(health.partition("CMD ")[2])
    assert (program, verb) == ("modsim", "health")
    assert parser_of(VERBS[verb]).parse_args([]).where is None


def test_the_health_check_finds_the_plant_by_the_same_variable(start, modsim, monkeypatch, tmp_path):
    """What the image does, with its variables, in a folder of its own."""
    (tmp_path / "plant.yaml").write_text('devices: [{name: a, profile: pdu, endpoint: "tcp://0.0.0.0:0"}]\n')
    monkeypatch.setenv("MODSIM_CONFIG", "plant.yaml")
    monkeypatch.setenv("MODSIM_READY_FILE", "ready.json")
    assert modsim("health").returncode == 1
    running = start("run").wait_ready()
    assert modsim("health").returncode == 0
    assert running.stop()[0] == 0


def test_the_composition_builds_that_image_and_mounts_the_plant():
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["modsim"]
    context = (DEPLOY / service["build"]["context"]).resolve()
    assert context == ROOT
    assert (context / service["build"]["dockerfile"]).is_file()
    config = re.search(r"MODSIM_CONFIG=(\S+)", " ".join(of("ENV")))
    assert config is not None
    targets = {volume.split(":")[1] for volume in service["volumes"]}
    assert targets == {config[1], of("VOLUME")[0]}
    uid = re.search(r"--uid (\d+)", " ".join(of("RUN")))
    assert uid is not None
    assert f"uid={uid[1]}" in service["tmpfs"][0]


def settings() -> list[tuple[str, str]]:
    lines = [line for line in UNIT.read_text().splitlines() if "=" in line and not line.startswith("#")]
    return [(key, value) for key, _, value in (line.partition("=") for line in lines)]


def test_the_unit_starts_a_plant():
    found = dict(settings())
    assert found["Type"] == "notify"
    _, verb, *words = shlex.split(found["ExecStart"])
    assert parser_of(VERBS[verb]).parse_args(words).file == "/etc/modsim/plant.yaml"
    folder = "/run/" + found["RuntimeDirectory"]
    assert f"MODSIM_READY_FILE={folder}/ready.json" in found["Environment"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_unit_and_calls_it_well_protected(tmp_path):
    program = tmp_path / "modsim"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "modsim.service"
    unit.write_text(UNIT.read_text().replace("/opt/modsim/bin/modsim", str(program)))
    verified = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=25", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert rated.returncode == 0, rated.stdout[-200:]
