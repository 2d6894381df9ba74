"""The verbs that only print or write files: ``init``, ``schema``, ``profiles``; and ``serve``."""

from __future__ import annotations

import json

import pytest

PROFILE = "name: mine\ndescription: my own\npoints: {level: {table: holding_register, address: 3}}\n"


def test_init_writes_a_plant_that_runs_and_a_schema_that_its_first_line_names(modsim, tmp_path):
    result = modsim("init")
    assert (result.returncode, result.stderr) == (0, "")
    first = (tmp_path / "plant.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=modsim.schema.json"
    assert "devices" in json.loads((tmp_path / "modsim.schema.json").read_text())["properties"]
    checked = json.loads(modsim("check", "plant.yaml", "--format", "json").stdout)
    assert checked["problems"] == []
    assert checked["preflight"]["devices"] == 8


def test_init_never_replaces_a_file(modsim, tmp_path):
    (tmp_path / "plant.yaml").write_text("mine")
    (tmp_path / "modsim.schema.json").write_text("mine too")
    result = modsim("init")
    assert result.returncode == 1
    assert "plant.yaml exists and is kept" in result.stderr
    assert modsim("init", "other.yaml").returncode == 0
    assert (tmp_path / "plant.yaml").read_text() == "mine"
    assert (tmp_path / "modsim.schema.json").read_text() == "mine too"


def test_init_into_a_folder_that_is_not_there_says_so(modsim):
    result = modsim("init", "nowhere/plant.yaml")
    assert result.returncode == 1
    assert "nowhere/plant.yaml: No such file or directory" in result.stderr


@pytest.mark.parametrize(("words", "key"), [([], "devices"), (["plant"], "devices"), (["profile"], "points")])
def test_schema_is_a_json_schema(modsim, words, key):
    result = modsim("schema", *words)
    assert result.returncode == 0
    schema = json.loads(result.stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert key in schema["properties"]
    assert schema["additionalProperties"] is False


def test_profiles_list_names_every_shipped_profile(modsim):
    names = modsim("profiles", "list", "--names").stdout.split()
    assert {"energy-meter", "vfd", "generic"} <= set(names)
    lines = modsim("profiles", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == names


def test_profiles_of_a_folder_are_listed_and_shown(modsim, tmp_path):
    (tmp_path / "mine.yaml").write_text(PROFILE)
    assert "mine" in modsim("profiles", "list", "--names", "--folder", ".").stdout.split()
    shown = modsim("profiles", "show", "mine", "--folder", ".").stdout
    assert shown.startswith("mine: my own\nfrom mine.yaml\n")
    assert "level  holding_register  3        400004     uint16" in shown
    assert modsim("profiles", "show", "mine", "--folder", ".", "--source").stdout == PROFILE


def test_a_broken_profile_does_not_hide_the_others(modsim, tmp_path):
    (tmp_path / "mine.yaml").write_text(PROFILE.replace("address: 3", "adress: 3"))
    result = modsim("profiles", "list", "--folder", ".")
    assert result.returncode == 78
    assert "energy-meter" in result.stdout
    assert "mine.yaml:3:" in result.stderr


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["show"], 2, "modsim profiles show: expected NAME behind it"),
        (["list", "vfd"], 2, "modsim profiles list: expected no NAME"),
        (["show", "energy-metre"], 78, "did you mean 'energy-meter'?"),
        (["list", "--folder", "nowhere"], 78, "nowhere"),
    ],
)
def test_profiles_says_what_is_wrong(modsim, words, code, text):
    result = modsim("profiles", *words)
    assert (result.returncode, result.stdout) == (code, "")
    assert text in result.stderr


@pytest.mark.parametrize(("address", "host"), [("127.0.0.1:0", "127.0.0.1"), ("[::1]:0", "::1")])
def test_serve_answers_every_address_of_every_table_and_unit_id(start, ask, address, host):
    running = start("serve", address).wait_ready()
    (port,) = running.ports
    assert running.ready.startswith("ready: 1 device on 1 listener in ")
    for function in ("01", "02", "03", "04"):
        assert ask(port, f"{function} ff ff 00 01", host=host).startswith(function)
    assert ask(port, "06 ff ff 12 34", unit=200, host=host) == "06 ff ff 12 34"
    assert ask(port, "03 ff ff 00 01", unit=7, host=host) == "03 02 12 34"
    assert running.stop()[0] == 0


def test_serve_without_a_port_needs_permission_and_says_how_to_do_without(modsim_unprivileged):
    result = modsim_unprivileged("serve", "127.0.0.1")
    assert result.returncode == 77
    assert "cannot listen on tcp://127.0.0.1:502: Permission denied" in result.stderr
    assert "choose another port, such as 5020" in result.stderr


@pytest.mark.parametrize("address", ["127.0.0.1:x", "nowhere:5020", "127.0.0.1:5020-5030", "10.0.0.0/8"])
def test_serve_refuses_what_is_not_one_address_and_port(modsim, address):
    result = modsim("serve", address)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("modsim serve: ")
    assert "expected" in result.stderr
