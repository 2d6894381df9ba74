"""The ready line and the ready file."""

from __future__ import annotations

import json
import os

import pytest

from simulator.cli.ready import ready_line, remove_ready_file, write_ready_file

ENDPOINTS = [f"tcp://127.0.0.1:{port}" for port in range(5020, 5025)]


def test_the_line_begins_with_ready_and_names_the_first_endpoints():
    assert ready_line(5, ENDPOINTS, 0.3149) == (
        "ready: 5 devices on 5 listeners in 0.31 s: "
        "tcp://127.0.0.1:5020, tcp://127.0.0.1:5021, tcp://127.0.0.1:5022, and 2 more\n"
    )


def test_one_of_each_is_singular():
    assert (
        ready_line(1, ENDPOINTS[:1], 1) == "ready: 1 device on 1 listener in 1.00 s: tcp://127.0.0.1:5020\n"
    )


def test_the_file_has_every_endpoint_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "ready.json"
    write_ready_file(str(path), 5, ENDPOINTS, 0.31)
    assert os.listdir(tmp_path) == ["ready.json"]
    facts = json.loads(path.read_text())
    assert facts["pid"] == os.getpid()
    assert facts["endpoints"] == ENDPOINTS
    assert (facts["devices"], facts["listeners"]) == (5, 5)
    remove_ready_file(str(path))
    remove_ready_file(str(path))
    assert os.listdir(tmp_path) == []


def test_a_file_that_cannot_be_written_is_named_as_it_was_given(tmp_path):
    path = str(tmp_path / "missing" / "ready.json")
    with pytest.raises(FileNotFoundError) as caught:
        write_ready_file(path, 5, ENDPOINTS, 0.31)
    assert caught.value.filename == path
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        write_ready_file(str(tmp_path / "folder"), 5, ENDPOINTS, 0.31)
    assert os.listdir(tmp_path) == ["folder"]
