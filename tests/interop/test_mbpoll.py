"""mbpoll (Debian package of that name; libmodbus inside), as people use it in a terminal."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

MBPOLL = shutil.which("mbpoll")
pytestmark = pytest.mark.skipif(MBPOLL is None, reason="mbpoll is not installed")


@pytest.fixture(params=["tcp", "rtu"])
def mbpoll(request, listening):
    """Run it once; its exit code and what it says."""
    if request.param == "tcp":
        way, place = ["-m", "tcp", "-p", str(listening.port("tcp"))], "127.0.0.1"
    else:
        way, place = ["-m", "rtu", "-b", "115200", "-P", "none"], listening.path("rtu")

    def run(*words: str, values: tuple[str, ...] = ()) -> tuple[int, str]:
        result = subprocess.run(
            [str(MBPOLL), *way, "-o", "5", "-0", "-1", *words, place, *values],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return result.returncode, result.stdout + result.stderr

    return run


def values(text: str) -> list[str]:
    """What stands behind each reference, as in ``[0]: 231.5``."""
    return re.findall(r"^\[\d+\]:\s+(\S+)", text, re.MULTILINE)


def test_it_reads_holding_registers(mbpoll):
    code, text = mbpoll("-t", "4", "-r", "0", "-c", "1", "-a", "2")
    assert (code, values(text)) == (0, ["2"])


def test_it_reads_input_registers_as_float_and_as_int(mbpoll):
    assert values(mbpoll("-t", "3:float", "-B", "-r", "0")[1]) == ["231.5"]
    assert values(mbpoll("-t", "3:int", "-r", "2")[1]) == ["123456"]


def test_it_reads_discrete_inputs(mbpoll):
    assert values(mbpoll("-t", "1", "-r", "0", "-c", "5")[1]) == ["1", "0", "0", "1", "1"]


def test_it_writes_one_register_and_several(mbpoll):
    code, text = mbpoll("-t", "4", "-r", "900", values=("4242",))
    assert code == 0, text
    code, text = mbpoll("-t", "4", "-r", "901", values=("1", "2", "65535"))
    assert code == 0, text
    assert values(mbpoll("-t", "4:hex", "-r", "900", "-c", "4")[1]) == [
        "0x1092",
        "0x0001",
        "0x0002",
        "0xFFFF",
    ]


def test_it_writes_a_float_that_reads_back(mbpoll):
    code, text = mbpoll("-t", "4:float", "-B", "-r", "910", values=("3.5",))
    assert code == 0, text
    assert values(mbpoll("-t", "4:hex", "-r", "910", "-c", "2")[1]) == ["0x4060", "0x0000"]
    assert values(mbpoll("-t", "4:float", "-B", "-r", "910")[1]) == ["3.5"]


def test_it_writes_one_coil_and_several(mbpoll):
    code, text = mbpoll("-t", "0", "-r", "3980", values=("1",))
    assert code == 0, text
    code, text = mbpoll("-t", "0", "-r", "3981", values=("0", "1", "1"))
    assert code == 0, text
    assert values(mbpoll("-t", "0", "-r", "3980", "-c", "4")[1]) == ["1", "0", "1", "1"]


def test_it_polls_several_units(mbpoll):
    code, text = mbpoll("-t", "4", "-r", "0", "-a", "1,2")
    assert (code, values(text)) == (0, ["1", "2"])


@pytest.mark.parametrize(
    ("words", "values_", "reason"),
    [
        (("-t", "4", "-r", "2000"), (), "Illegal data address"),
        (("-t", "4", "-r", "120"), ("11",), "Illegal data value"),
    ],
)
def test_it_understands_why_it_is_refused(mbpoll, words, values_, reason):
    _, text = mbpoll(*words, values=values_)
    assert reason in text


@pytest.mark.parametrize(
    ("mbpoll", "reason"),
    [("tcp", "Target device failed to respond"), ("rtu", "Connection timed out")],
    indirect=["mbpoll"],
)
def test_it_is_told_of_an_unknown_unit_over_tcp_and_hears_nothing_on_a_line(mbpoll, reason):
    _, text = mbpoll("-t", "4", "-r", "0", "-a", "77", "-o", "0.5")
    assert reason in text
