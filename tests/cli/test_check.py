"""``modsim check``: problems of the file, then of the machine; text, JSON and annotations."""

from __future__ import annotations

import json
import os
import re
import resource
import socket

import pytest

from simulator.server import lanes

PLANT = """\
devices:
  - {{name: "d-{{n}}", profile: box, endpoint: "{endpoint}"{more}}}
profiles:
  box:
    tables: {{holding_register: {{block: sequential, address: 0, count: 100}}, coil: {{ranges: 0-15}}}}
"""


@pytest.fixture
def plant(tmp_path):
    """A plant file with one group at an endpoint."""

    def write(endpoint: str, more: str = "") -> str:
        (tmp_path / "plant.yaml").write_text(PLANT.format(endpoint=endpoint, more=more))
        return "plant.yaml"

    return write


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_good_plant_is_ready_to_run(modsim, plant):
    result = modsim("check", plant("tcp://127.0.0.1:0", ", count: 3"))
    assert (result.returncode, result.stderr) == (0, "")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    lines = result.stdout.splitlines()
    assert lines[:3] == [
        "devices      3",
        "listeners    3",
        f"descriptors  19 and one for each connection, of {limit}",
    ]
    assert lines[3].startswith("memory       about ")
    assert lines[4].startswith("compiled     yes" if lanes.COMPILED else "compiled     no (")
    assert lines[5:] == ["plant.yaml: ready to run"]


def test_whether_and_why_there_is_no_compiled_code_is_told(modsim, plant, monkeypatch):
    monkeypatch.setenv("MODSIM_PURE", "1")
    file = plant("tcp://127.0.0.1:0")
    expected = "MODSIM_PURE is 1" if lanes.BUILT else "not built: that needs gcc and Python.h"
    assert f"compiled     no ({expected})" in modsim("check", file).stdout.splitlines()
    assert json.loads(modsim("check", file, "--format", "json").stdout)["preflight"]["compiled"] is False


def test_memory_grows_with_the_tables_of_the_devices(modsim, plant):
    def needed(count: int) -> int:
        result = modsim(
            "check", plant("tcp://127.0.0.1:0", f", count: {count}, unit_id: 1-200"), "--format", "json"
        )
        return json.loads(result.stdout)["preflight"]["memory_bytes"]

    assert needed(200) - needed(100) == 100 * (2 * 100 + 2)


def test_a_plant_larger_than_the_machine_is_told(modsim, plant, tmp_path):
    file = plant("tcp://127.64.0.0/10:1502", ", count: 4000000")
    text = (tmp_path / file).read_text().replace("count: 100}", "count: 65536}")
    (tmp_path / file).write_text(text)
    result = modsim("check", file)
    assert result.returncode == 1
    assert "the devices need about 500" in result.stderr
    assert "MiB of memory, this machine has" in result.stderr


def test_problems_of_the_file_are_told_with_their_places(modsim, plant):
    result = modsim("check", plant("tcp://127.0.0.1:99999", ", conut: 3"))
    assert (result.returncode, result.stdout) == (78, "")
    first, second, last = result.stderr.splitlines()
    assert first.startswith("plant.yaml:2:")
    assert "devices.0.endpoint: port is 99999, expected 0 to 65535" in first
    assert "devices.0.conut: unknown key 'conut', expected" in second
    assert second.endswith("did you mean 'count'?")
    assert last == "plant.yaml: 2 problems"


def test_a_taken_port_is_told_with_its_holder(modsim, plant, taken):
    result = modsim("check", plant(f"tcp://127.0.0.1:{taken}"))
    assert result.returncode == 69
    assert f"plant.yaml: tcp://127.0.0.1:{taken}: address already in use\n" in result.stderr
    assert f"held by pid {os.getpid()} (" in result.stderr
    assert result.stdout.endswith("plant.yaml: valid, but it will not run here\n")


def test_many_taken_ports_are_counted_after_the_first_few(modsim, plant):
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        result = modsim("check", plant(f"tcp://127.0.0.1-127.0.0.9:{port}", ", bind: each"))
    assert result.returncode == 69
    assert result.stderr.count(": address already in use") == 5
    assert "and 4 more ports that cannot be bound" in result.stderr


def test_addresses_that_are_not_local_come_with_the_commands_that_make_them_so(modsim, plant):
    result = modsim("check", plant("tcp://198.51.100.64/26:1502", ", count: 62"))
    assert result.returncode == 69
    assert "198.51.100.65 to 198.51.100.126: not addresses of this machine" in result.stderr
    assert "  ip route add local 198.51.100.64/26 dev lo\n" in result.stderr


def test_ipv6_addresses_have_their_own_command(modsim, plant):
    result = modsim("check", plant("tcp://[2001:db8::8-2001:db8::f]:1502"))
    assert result.returncode == 69
    assert "  ip -6 route add local 2001:db8::8/125 dev lo\n" in result.stderr


def test_a_port_below_1024_without_permission_is_77(modsim_unprivileged, plant):
    result = modsim_unprivileged("check", plant("tcp://127.0.0.1:502"))
    assert result.returncode == 77
    assert "tcp://127.0.0.1:502: permission denied" in result.stderr
    assert "such as 5020" in result.stderr


def test_too_few_descriptors_are_told_with_the_number_needed(modsim, plant):
    through = ["bash", "-c", 'ulimit -n 64; exec "$@"', "bash"]
    result = modsim("check", plant("tcp://127.0.0.1:30001-30100"), through=through)
    assert result.returncode == 69
    assert "100 listeners need 116 descriptors, this process may open 64" in result.stderr
    assert "ulimit -n 1116" in result.stderr


def test_other_transports_are_looked_at_in_their_own_way(modsim, plant):
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        result = modsim("check", plant(f"udp://127.0.0.1:{port}"))
        assert result.returncode == 69
        assert (
            f"udp://127.0.0.1:{port}: address already in use\nit is held by pid {os.getpid()} ("
            in result.stderr
        )
        assert modsim("check", plant(f"tcp://127.0.0.1:{port}")).returncode == 0
    missing = modsim("check", plant("rtu:/dev/no-such-port?baudrate=9600"))
    assert missing.returncode == 69
    assert "rtu:/dev/no-such-port?baudrate=9600: no such file or directory" in missing.stderr
    assert modsim("check", plant("rtu:pty")).returncode == 0


def test_the_link_of_a_pseudo_terminal_is_looked_at(modsim, plant, tmp_path):
    file = plant(f"rtu:pty?link={tmp_path}/line")
    assert modsim("check", file).returncode == 0
    (tmp_path / "line").write_text("precious")
    taken = modsim("check", file)
    assert taken.returncode == 69
    assert f"rtu:{tmp_path}/line: file exists" in taken.stderr
    (tmp_path / "line").unlink()
    (tmp_path / "line").symlink_to(tmp_path / "nowhere")
    assert modsim("check", file).returncode == 0
    missing = modsim("check", plant(f"rtu:pty?link={tmp_path}/no/line"))
    assert missing.returncode == 69
    assert f"rtu:{tmp_path}/no/line: no such file or directory" in missing.stderr


def test_a_pseudo_terminal_takes_two_descriptors(modsim, plant):
    one, line = (modsim("check", plant(endpoint)) for endpoint in ("tcp://127.0.0.1:0", "rtu:pty"))
    taken = [int(re.search(r"descriptors +(\d+)", result.stdout)[1]) for result in (one, line)]
    assert taken[1] == taken[0] + 1


def test_check_leaves_every_port_free(modsim, plant):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for _ in range(2):
        assert modsim("check", plant(f"tcp://127.0.0.1:{port}")).returncode == 0


def test_json_has_problems_or_a_preflight(modsim, plant, taken):
    wrong = json.loads(modsim("check", plant("tcp://nowhere:1"), "--format", "json").stdout)
    assert wrong["ok"] is False
    assert wrong["preflight"] is None
    (problem,) = wrong["problems"]
    assert (problem["file"], problem["line"], problem["path"]) == ("plant.yaml", 2, "devices.0.endpoint")
    assert problem["message"].startswith("address is 'nowhere'")

    blocked = json.loads(modsim("check", plant(f"tcp://127.0.0.1:{taken}"), "--format", "json").stdout)
    assert (blocked["ok"], blocked["problems"]) == (False, [])
    (finding,) = blocked["preflight"]["findings"]
    assert finding["exit_code"] == 69
    assert finding["advice"].startswith("it is held by pid ")

    good = json.loads(modsim("check", plant("tcp://127.0.0.1:0"), "--format", "json").stdout)
    assert (good["ok"], good["preflight"]["devices"], good["preflight"]["findings"]) == (True, 1, [])


def test_github_gets_annotations_at_the_lines(modsim, plant, taken):
    result = modsim("check", plant("tcp://127.0.0.1:1,2,2"), "--format", "github")
    assert result.returncode == 78
    assert result.stdout.startswith("::error file=plant.yaml,line=2,col=")
    assert ",title=devices.0.endpoint::port 2 is listed twice" in result.stdout

    result = modsim("check", plant(f"tcp://127.0.0.1:{taken}"), "--format", "github")
    assert result.returncode == 69
    assert result.stdout.startswith(
        f"::warning file=plant.yaml::tcp://127.0.0.1:{taken}: address already in use%0A"
    )
    assert result.stdout.count("\n") == 1
