"""The load generator against the least that a server in C can be, as fast as both can."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.load.plan import Plan, Target
from simulator.load.swarm import Swarm

SOURCE = Path(__file__).resolve().parents[2] / "scripts" / "benchmark" / "floor_server.c"


@pytest.fixture
def floor(tmp_path) -> Iterator[Target]:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    program = tmp_path / "floor_server"
    subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, SOURCE], check=True)
    server = subprocess.Popen([program, "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    port = int(server.stdout.readline().rpartition(":")[2])
    yield Target("127.0.0.1", port, "tcp", "mbap", False)
    server.kill()
    server.communicate()


def test_every_request_of_a_closed_load_is_answered_and_counted_once(floor):
    outcome = Swarm(Plan((floor,), clients=50, depth=4, duration_s=0.3)).run()
    tally = outcome.tally
    assert (tally.failed, tally.errors, outcome.connected) == (0, {}, 50)
    assert tally.sent == tally.answered == tally.response.total == tally.service.total
    assert 50 * 4 <= outcome.answered <= tally.answered <= outcome.answered + 50 * 4  # in flight at the end


@pytest.mark.parametrize("mix", ["1x2000", "2x7", "3x125", "4x1", "5", "6", "15x100", "16x123"])
def test_the_floor_answers_rightly(floor, mix):
    from simulator.load.plan import parse_mix

    plan = Plan((floor,), clients=2, depth=3, duration_s=0.05, mix=parse_mix(mix), addresses=((0, 65535),))
    assert Swarm(plan).run().tally.errors == {}
