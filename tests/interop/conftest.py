"""One plant of every transport, run as a user runs it, for clients written by others.

``pymodbus_client`` is parametrised over the transports: each test that takes it runs over all of them.
"""

from __future__ import annotations

import json
import os
import select
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient, ModbusTcpClient, ModbusTlsClient, ModbusUdpClient

from simulator.cli.app import main

ROOT = Path(__file__).resolve().parent.parent.parent
PLANT = (
    """
tls: {certificate: certs/server.pem, key: certs/server.key, ca: certs/ca.pem, roles: {operator: {}}}
devices:
  - {name: "box-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-2}
  - {name: "udp-{n}", profile: box, endpoint: "udp://127.0.0.1:0", unit_id: 1-2}
  - {name: "tls-{n}", profile: box, endpoint: "tls://127.0.0.1:0", unit_id: 1-2}
  - {name: "rtu-tcp-{n}", profile: box, endpoint: "rtu+tcp://127.0.0.1:0", unit_id: 1-2}
  - {name: "ascii-tcp-{n}", profile: box, endpoint: "ascii+tcp://127.0.0.1:0", unit_id: 1-2}
  - {name: "rtu-udp-{n}", profile: box, endpoint: "rtu+udp://127.0.0.1:0", unit_id: 1-2}
  - {name: "rtu-{n}", profile: box, endpoint: "rtu:pty?link=FOLDER/rtu&baudrate=115200", unit_id: 1-2}
  - {name: "ascii-{n}", profile: box, endpoint: "ascii:pty?link=FOLDER/ascii&baudrate=115200", unit_id: 1-2}
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


LISTENERS = ["tcp", "udp", "tls", "rtu+tcp", "ascii+tcp", "rtu+udp", "rtu", "ascii"]
PATIENCE_S = 30
PYMODBUS = {
    "tcp": (ModbusTcpClient, FramerType.SOCKET),
    "udp": (ModbusUdpClient, FramerType.SOCKET),
    "tls": (ModbusTlsClient, FramerType.TLS),
    "rtu+tcp": (ModbusTcpClient, FramerType.RTU),
    "ascii+tcp": (ModbusTcpClient, FramerType.ASCII),
    "rtu+udp": (ModbusUdpClient, FramerType.RTU),
    "rtu": (ModbusSerialClient, FramerType.RTU),
    "ascii": (ModbusSerialClient, FramerType.ASCII),
}


class Listening:
    """Where the boxes are reached: ``port("udp")``, ``path("rtu")``; each listener has unit ids 1 and 2."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        endpoints = json.loads((folder / "ready.json").read_text())["endpoints"]
        self._endpoints: dict[str, str] = dict(zip(LISTENERS, endpoints, strict=True))

    def port(self, listener: str) -> int:
        return int(self._endpoints[listener].rpartition(":")[2])

    def path(self, listener: str) -> str:
        return self._endpoints[listener].partition(":")[2].partition("?")[0]

    def tls_context(self) -> ssl.SSLContext:
        """A client whose certificate says that it is an operator."""
        certificates = self.folder / "certs"
        context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
        context.load_cert_chain(certificates / "client-operator.pem", certificates / "client-operator.key")
        context.check_hostname = False  # pymodbus does not say whom it wants to reach
        return context

    def pymodbus(self, listener: str) -> Any:
        """A blocking client of pymodbus, connected."""
        make, framer = PYMODBUS[listener]
        options: dict[str, Any] = {"retries": 0, "timeout": 10}
        if make is ModbusSerialClient:
            client: Any = make(self.path(listener), framer=framer, baudrate=115200, **options)
        elif make is ModbusTlsClient:
            client = make("127.0.0.1", port=self.port(listener), sslctx=self.tls_context(), **options)
        else:
            client = make("127.0.0.1", port=self.port(listener), framer=framer, **options)
        assert client.connect()
        return client


@pytest.fixture(scope="session")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listening]:
    """The listeners of the plant, by scheme."""
    folder = tmp_path_factory.mktemp("interop")
    assert main(["certs", str(folder / "certs")]) == 0
    (folder / "plant.yaml").write_text(PLANT.replace("FOLDER", str(folder)))
    words = [sys.executable, "-m", "simulator", "--config", "plant.yaml", "--ready-file", "ready.json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (
        (folder / "log").open("w+") as log,
        subprocess.Popen(
            words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
        if not (readable and process.stdout.readline()):
            process.kill()
            raise AssertionError((folder / "log").read_text())
        yield Listening(folder)
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
        said = (folder / "log").read_text()
        assert "Traceback" not in said, said
        assert '"level": "error"' not in said, said


@pytest.fixture(scope="session")
def port(listening: Listening) -> int:
    """The TCP port of a listener with two boxes, unit ids 1 and 2."""
    return listening.port("tcp")


@pytest.fixture(params=PYMODBUS)
def pymodbus_client(request: pytest.FixtureRequest, listening: Listening) -> Iterator[Any]:
    """pymodbus's blocking client, over every transport it has."""
    client = listening.pymodbus(request.param)
    yield client
    client.close()


@pytest.fixture
def wire(listening: Listening) -> Iterator[Callable[[str], Any]]:
    """A pyserial port on a line of the plant: ``wire("rtu")``."""
    import serial

    opened: list[Any] = []

    def connect(listener: str) -> Any:
        opened.append(serial.Serial(listening.path(listener), 115200, timeout=10))  # ptys have no parity
        return opened[-1]

    yield connect
    for each in opened:
        each.close()
