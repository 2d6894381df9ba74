"""Nothing that happens to stdout or stderr stops or blocks the program."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import pytest

from simulator.cli.streams import Stream


@pytest.fixture
def pipe():
    ends = list(os.pipe())
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)


def test_lines_arrive_whole(pipe):
    assert Stream(pipe[1]).write("grüße\n")
    assert os.read(pipe[0], 100) == "grüße\n".encode()


def test_a_full_disk_loses_lines_and_counts_them():
    with open("/dev/full", "w") as full:
        stream = Stream(full.fileno())
        assert not stream.write("a\n")
        assert not stream.write("b\n")
        assert stream.lost == 2


def test_a_reader_that_died_loses_lines(pipe):
    os.close(pipe[0])
    stream = Stream(pipe[1])
    assert not stream.write("a\n")
    assert stream.lost == 1


def test_a_reader_that_stopped_reading_never_blocks(pipe):
    stream = Stream(pipe[1])
    line = "x" * 1000 + "\n"
    for _ in range(1000):  # far more than a pipe holds
        stream.write(line)
    assert stream.lost > 0
    os.read(pipe[0], 1 << 20)
    assert stream.write("again\n")


def test_text_that_is_no_unicode_is_written_escaped(pipe):
    assert Stream(pipe[1]).write("\udcff\n")
    assert os.read(pipe[0], 100) == b"\\udcff\n"


def test_a_closed_stderr_is_never_the_number_of_a_socket():
    code = (
        "import socket, os\n"
        "from simulator.cli import streams\n"
        "streams.open_standard_descriptors()\n"
        "made = socket.socket()\n"
        "os.write(1, str(made.fileno()).encode())\n"
    )
    result = subprocess.run(
        ["bash", "-c", f"{sys.executable} -c '{code}' 2>&-"], capture_output=True, text=True, check=True
    )
    assert int(result.stdout) > 2
