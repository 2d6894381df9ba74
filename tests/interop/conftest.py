"""One plant, run as a user runs it, for clients written by others."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PLANT = (
    """
devices:
  - {name: "box-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-2}
profiles:
  box:
    identity: {vendor_name: Acme, product_code: BOX, revision: "1.0", vendor_url: "https://example.com",
               product_name: Box, model_name: B-1, user_application_name: "{name}",
               objects: {0x80: "private", 0x81: "0x00FF", 0x90: "LONG-X", 0x91: "LONG-Y"}}
    tables:
      holding_register: {block: sequential, count: 2000}
      input_register: {block: sequential, count: 2000}
      coil: {block: sequential, count: 4000}
      discrete_input: {block: sequential, count: 4000, values: {0: [1, 0, 0, 1, 1]}}
    points:
      number: {table: holding_register, address: 0, data_type: uint16, value: "{n}", access: ro}
      voltage: {table: input_register, address: 0, data_type: float32, value: 231.5}
      energy: {table: input_register, address: 2, data_type: uint32, byte_order: CDAB, value: 123456}
      serial: {table: holding_register, address: 100, data_type: string, length: 4, value: "SN000042"}
      level: {table: holding_register, address: 120, data_type: uint16, value: 5, max: 10}
      alarms: {table: holding_register, address: 130, data_type: bits, bits: {0: hot, 1: wet}, value: [wet]}
    server_id: {id: 0x1122, running: true}
    exception_status: [hot, wet]
    files: {4: {records: 100, values: {1: [0x0DFE, 0x0020]}}, 3: {records: 20, fill: 7}}
    fifos: {3000: {values: [0x01B8, 0x1284]}, 3001: {values: [LONG-Q]}}
""".replace("LONG-X", "x" * 200)
    .replace("LONG-Y", "y" * 200)
    .replace("LONG-Q", "1, " * 31 + "1")
)


@pytest.fixture(scope="session")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The TCP port of a listener with two boxes, unit ids 1 and 2."""
    folder = tmp_path_factory.mktemp("interop")
    (folder / "plant.yaml").write_text(PLANT)
    words = [sys.executable, "-m", "simulator", "--config", "plant.yaml", "--ready-file", "ready.json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (
        (folder / "log").open("w+") as log,
        subprocess.Popen(
            words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], 30)
        if not (readable and process.stdout.readline()):
            process.kill()
            raise AssertionError((folder / "log").read_text())
        yield int(json.loads((folder / "ready.json").read_text())["endpoints"][0].rpartition(":")[2])
        process.terminate()
        assert process.wait(30) == 0
