"""How clients on this machine find a plant."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys

import pytest

from simulator.control import runtime
from simulator.remote import NoPlant, Remote


@pytest.fixture
def environ(tmp_path):
    return {"XDG_RUNTIME_DIR": str(tmp_path)}


def plant(port=8080, pid=None, token="hush-hush"):
    return runtime.Running(f"http://127.0.0.1:{port}", "plant", pid or os.getpid(), token)


def test_what_is_left_is_for_this_user_only(environ, tmp_path):
    file = runtime.leave(plant(), environ)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "modsim").stat().st_mode) == 0o700
    assert runtime.running(environ) == [plant()]
    assert Remote.find(environ=environ).url == "http://127.0.0.1:8080"


def test_plants_that_have_ended_are_forgotten(environ):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    file = runtime.leave(plant(pid=ended.pid), environ)
    assert runtime.running(environ) == []
    assert not file.exists()


@pytest.mark.parametrize("mode", [0o755, 0o770])
def test_a_folder_that_others_may_look_into_is_not_used(environ, tmp_path, mode):
    (tmp_path / "modsim").mkdir()
    (tmp_path / "modsim").chmod(mode)
    with pytest.raises(PermissionError, match="0700"):
        runtime.leave(plant(), environ)
    (tmp_path / "modsim" / "1.json").write_text(json.dumps(plant()._asdict()))
    assert runtime.running(environ) == []


def test_a_folder_that_is_a_link_is_not_used(environ, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "modsim").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError):
        runtime.leave(plant(), environ)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"url": 1}', "null"])
def test_files_that_are_damaged_are_passed_over(environ, text):
    file = runtime.leave(plant(), environ)
    file.with_name("0.json").write_text(text)
    assert runtime.running(environ) == [plant()]


def test_the_order_in_which_a_plant_is_looked_for(environ):
    with pytest.raises(NoPlant, match="expected --url"):
        Remote.find(environ=environ)
    runtime.leave(plant(), environ)
    assert Remote.find(environ=environ)._token == "hush-hush"
    named = {**environ, "MODSIM_URL": "http://127.0.0.1:9", "MODSIM_TOKEN": "of-another"}
    assert (Remote.find(environ=named).url, Remote.find(environ=named)._token) == (
        "http://127.0.0.1:9",
        "of-another",
    )
    assert Remote.find("http://127.0.0.1:7", environ=named).url == "http://127.0.0.1:7"
    assert Remote.find("http://127.0.0.1:7", environ=environ)._token is None
    assert Remote.find("http://127.0.0.1:8080/", environ=environ)._token == "hush-hush"
    runtime.leave(plant(8081, os.getppid()), environ)
    with pytest.raises(NoPlant, match="several plants run: http://"):
        Remote.find(environ=environ)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8080", "https://127.0.0.1", "http://", "http://h/path", "tcp://h:1"]
)
def test_urls_that_are_none_are_refused(url):
    with pytest.raises(ValueError, match="expected one such as http://"):
        Remote(url)
