"""``decode`` and ``frames`` as users run them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

REQUEST = "00 01 00 00 00 06 01 03 00 6B 00 03"
HERE = Path(__file__).resolve().parent


def piped(*words: str, text: bytes) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "simulator", "decode", *words]
    return subprocess.run(command, input=text, capture_output=True, timeout=60, check=False)


def captures():
    spec = importlib.util.spec_from_file_location(
        "captures", HERE.parent / "explanation" / "test_captures.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.FILES


@pytest.mark.parametrize(
    "words",
    [
        REQUEST.split(),
        [REQUEST],
        [REQUEST.replace(" ", "")],
        [REQUEST.replace(" ", ":")],
        ["".join(f"0x{byte}," for byte in REQUEST.split())],
    ],
)
def test_every_way_of_writing_it(modsim, words):
    result = modsim("decode", *words)
    assert (result.returncode, result.stderr) == (0, "")
    assert "  00 6B  address         107 (reference 400108)     V1.1b3 §6.3\n" in result.stdout


def test_frames_come_from_stdin_one_a_line():
    result = piped("--brief", text=f"# log\n{REQUEST}\n\n:010300000001FB\n".encode())
    assert result.returncode == 0
    assert [line.split("  ")[0] for line in result.stdout.decode().splitlines()] == ["1", "2"]


def test_json_has_every_field(modsim):
    (frame,) = json.loads(modsim("decode", "--json", REQUEST).stdout)
    assert frame["framing"] == "mbap"
    assert (frame["unit_id"], frame["function"], frame["problems"]) == (1, 3, [])
    assert "".join(field["raw"] for field in frame["fields"]) == REQUEST.replace(" ", "").lower()
    assert frame["fields"][5] == {
        "start": 8,
        "raw": "006b",
        "name": "address",
        "value": 107,
        "text": "107 (reference 400108)",
        "clause": "V1.1b3 §6.3",
        "problem": "",
    }


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["0103zz"], 2, "'z' in '0103zz' is no hexadecimal digit"),
        (["--framing", "rtuu", "00"], 2, "did you mean 'rtu'?"),
        (["--framng", "rtu", "00"], 2, "did you mean '--framing'?"),
        (["--file", "nowhere.pcap"], 1, "nowhere.pcap: No such file or directory"),
        (["--file", "x.pcap", "00"], 2, "got HEX and --file, expected one of them"),
    ],
)
def test_what_is_wrong_with_the_command_is_told(modsim, words, code, text):
    result = modsim("decode", *words)
    assert (result.returncode, result.stdout) == (code, "")
    assert text in result.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["01030000000AC5CE"], "! CRC is C5 CE, expected C5 CD"),
        ([REQUEST + "99"], "1 byte at 12 belong to no frame: 99"),
        (["--framing", "mbap", "0103"], "belong to no frame"),
    ],
)
def test_what_is_wrong_with_a_frame_is_told_and_ends_with_1(modsim, words, text):
    result = modsim("decode", *words)
    assert result.returncode == 1
    assert text in result.stdout


def test_nothing_to_decode_is_told():
    result = piped(text=b"")
    assert (result.returncode, result.stdout) == (1, b"")
    assert b"no frame found" in result.stderr


@pytest.mark.parametrize("name", ["pcap", "pcapng"])
def test_a_capture_from_a_file_and_from_stdin(modsim, tmp_path, name):
    data = captures()[name]
    (tmp_path / f"plant.{name}").write_bytes(data)
    by_file = modsim("decode", "--file", f"plant.{name}", "--brief")
    assert by_file.returncode == 0
    first, second = by_file.stdout.splitlines()
    assert first.startswith("#1  0.000000 s  10.0.0.1:40000 -> 10.0.0.2:502  read holding registers request:")
    assert second.endswith("registers 555 0 100, after 1.000 ms")
    assert piped("--brief", text=data).stdout.decode() == by_file.stdout
    answers = json.loads(modsim("decode", f"plant.{name}", "--json", "--direction", "response").stdout)
    assert [(frame["packet"], frame["direction"]) for frame in answers] == [(2, "response")]


def test_frames_prints_each_message_of_each_framing_and_decode_reads_them_back(modsim):
    found = json.loads(modsim("frames", "--json").stdout)
    assert {frame["framing"] for frame in found} == {"mbap", "rtu", "ascii", "binary"}
    assert {frame["direction"] for frame in found} == {"request", "response"}
    assert all(frame["problems"] == [] for frame in found)
    mbap = [frame for frame in found if frame["framing"] == "mbap"]
    result = piped("--json", text="\n".join(frame["raw"] for frame in mbap).encode())
    again = json.loads(result.stdout)
    assert {frame["raw"] for frame in again} == {frame["raw"] for frame in mbap}


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["--function", "3", "--framing", "mbap", "--direction", "request", "--unit", "17"], 2),
        (["--function", "read_coils", "--framing", "pdu", "--direction", "request"], 2),
        (["--function", "1", "--function", "2", "--framing", "rtu", "--direction", "request"], 4),
    ],
)
def test_frames_are_filtered(modsim, words, lines):
    result = modsim("frames", *words)
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) == lines


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--function", "read_coil"], "unknown function 'read_coil', did you mean 'read_coils'?"),
        (["--function", "200"], "function is '200', expected 1 to 127"),
        (["--unit", "256"], "unit id is 256, expected 0 to 255"),
    ],
)
def test_frames_refuses_what_it_cannot_show(modsim, words, text):
    result = modsim("frames", *words)
    assert (result.returncode, result.stdout) == (2, "")
    assert text in result.stderr
