"""What programs and people of other stacks may count on of their tools, each shown as a command."""

from __future__ import annotations

import json

import pytest

from simulator.explanation.catalogue import examples
from simulator.protocol.messages import REQUESTS


def ready(running) -> str:
    return running.wait_ready().ready.strip().rpartition(": ")[2]


def plant(start, tmp_path, endpoint: str) -> str:
    (tmp_path / "plant.yaml").write_text(
        f"devices: [{{name: d, profile: energy-meter, endpoint: '{endpoint}', unit_id: 1}}]\n"
    )
    return ready(start("run", "plant.yaml"))


def test_e14_message_parser_any_hex_frame_is_decoded(modsim):
    wires = [example.wire for example in examples(directions=["request"], framings=["mbap"])]
    result = modsim("decode", "--json", *(wire.hex(" ") for wire in wires))
    assert result.returncode == 0
    assert [bytes.fromhex(frame["raw"]) for frame in json.loads(result.stdout)] == wires


def test_e14_message_generator_every_message_of_every_framer(modsim):
    found = json.loads(modsim("frames", "--json", "--direction", "request").stdout)
    made = {(frame["framing"], frame["function"]) for frame in found}
    assert made == {(framing, code) for framing in ("mbap", "rtu", "ascii", "binary") for code in REQUESTS}


def test_e14_e8_serial_forwarder(start, modsim, tmp_path):
    url = ready(start("forward", "tcp://127.0.0.1:0", plant(start, tmp_path, "rtu:pty")))
    found = json.loads(modsim("identify", url, "--json").stdout)
    assert found["identification"]["vendor_name"] == "Acme Metering"


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:0", "udp://127.0.0.1:0", "rtu:pty", "ascii:pty"])
def test_e15_repl_over_tcp_udp_and_serial_lines(start, modsim, tmp_path, endpoint):
    url = plant(start, tmp_path, endpoint)
    commands = (
        "write_single_register 2 30",
        "read_holding_registers 2 2",
        "format binary",
        "result",
        "read_coils 0 2",
    )
    result = modsim("repl", url, *(word for each in commands for word in ("-e", each)))
    assert (result.returncode, result.stderr) == (0, "")
    assert "2  30   0x001E" in result.stdout
    assert "0000000000011110 0000000001100100" in result.stdout


def test_e19_hex_traces_of_traffic_on_demand(start, modsim, tmp_path):
    url = plant(start, tmp_path, "tcp://127.0.0.1:0")
    result = modsim("read", url, "400003", "--trace")
    out, back = result.stderr.splitlines()
    assert out.endswith("-> 00 01 00 00 00 06 01 03 00 02 00 01")
    assert back.endswith("<- 00 01 00 00 00 05 01 03 02 00 0F")
