"""What foreign clients feel: pymodbus over TCP, TLS and UDP, against a plant in a process of its own."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import ModbusTcpClient, ModbusTlsClient, ModbusUdpClient
from pymodbus.exceptions import ModbusException

ROOT = Path(__file__).resolve().parent.parent.parent
PLANT = """
tls: {certificate: certs/server.pem, key: certs/server.key, ca: certs/ca.pem}
profiles:
  box: {points: {level: {table: holding_register, address: 0, value: 7}, flow: {table: hr, address: 1, value: 8}}}
devices:
  - {name: "tcp-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-10}
  - {name: "tls-{n}", profile: box, endpoint: "tls://127.0.0.1:0", unit_id: 1-10}
  - {name: "udp-{n}", profile: box, endpoint: "udp://127.0.0.1:0", unit_id: 1-10}
faults:
  - {name: late, when: {unit_id: 2}, then: {delay: 300ms}}
  - {name: busy, when: {unit_id: 3}, then: {exception: server_device_busy}}
  - {name: lost, when: {unit_id: 4}, then: {drop: true}}
  - {name: short, when: {unit_id: 5}, then: {wrong_quantity: true}}
  - {name: strange, when: {unit_id: 6}, then: {wrong_transaction_id: true}}
  - {name: slow, when: {unit_id: 7, transport: [tcp, tls]}, then: {slow_bytes: 10ms}}
  - {name: gone, when: {unit_id: 8, transport: [tcp, tls]}, then: {reset: true}}
  - {name: twice, when: {unit_id: 9}, then: {duplicate: true}}
"""


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plant")
    modsim = [sys.executable, "-m", "simulator"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [*modsim, "certs", "certs", "--role", "operator"],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    (folder / "plant.yaml").write_text(PLANT)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*modsim, "--config", "plant.yaml"],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        ready = process.stdout.readline()
        assert "ready" in ready, (folder / "log").read_text()
        yield folder, [int(word.rpartition(":")[2].rstrip(",")) for word in ready.split() if "://" in word]
        process.terminate()
        assert process.wait(30) == 0
    assert '"level": "error"' not in (folder / "log").read_text()


def context_of(folder: Path) -> ssl.SSLContext:
    certificates = folder / "certs"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certificates / "ca.pem")
    context.load_cert_chain(certificates / "client-operator.pem", certificates / "client-operator.key")
    context.check_hostname = False
    return context


@pytest.fixture(params=["tcp", "tls", "udp"])
def client(plant, request):
    folder, ports = plant
    options: dict[str, Any] = {"timeout": 1, "retries": 0}
    if request.param == "tls":
        made: Any = ModbusTlsClient("127.0.0.1", port=ports[1], sslctx=context_of(folder), **options)
    else:
        kind = ModbusTcpClient if request.param == "tcp" else ModbusUdpClient
        made = kind("127.0.0.1", port=ports[0 if request.param == "tcp" else 2], **options)
    assert made.connect()
    made.kind = request.param
    yield made
    made.close()


def read(client, unit):
    began = time.monotonic()
    try:
        found = client.read_holding_registers(0, count=2, device_id=unit)
    except (ModbusException, ConnectionError) as error:
        return type(error).__name__, time.monotonic() - began
    said = found.exception_code if found.isError() else found.registers
    return said, time.monotonic() - began


def test_what_is_not_meant_is_as_ever(client):
    assert read(client, 1)[0] == [7, 8]


def test_a_late_answer_comes(client):
    said, seconds = read(client, 2)
    assert said == [7, 8]
    assert 0.29 < seconds < 1


def test_a_refusal(client):
    assert read(client, 3)[0] == 6


def test_no_answer_is_a_timeout(client):
    said, seconds = read(client, 4)
    assert said == "ModbusIOException"
    assert seconds >= 1


def test_another_quantity_is_what_it_is(client):
    assert read(client, 5)[0] == [7]


def test_an_answer_to_something_else_is_none(client):
    if client.kind == "tls":
        assert read(client, 6)[0] in ("ModbusIOException", [7, 8]), (
            "pymodbus frames TLS without transaction ids"
        )
    else:
        assert read(client, 6)[0] == "ModbusIOException"


def test_bytes_one_by_one_are_put_together(plant, client):
    if client.kind == "tls":  # pymodbus gives up when a record holds less than an answer
        folder, ports = plant
        with context_of(folder).wrap_socket(socket.create_connection(("127.0.0.1", ports[1]), 10)) as raw:
            raw.sendall(bytes.fromhex("0007 0000 0006 07 03 0000 0002"))
            pieces = [raw.recv(100) for _ in range(13)]
        assert b"".join(pieces) == bytes.fromhex("0007 0000 0007 07 03 04 0007 0008")
    else:
        assert read(client, 7)[0] == [7, 8]


def test_a_reset_is_noticed(client):
    said, _ = read(client, 8)
    assert said == ([7, 8] if client.kind == "udp" else said)
    if client.kind != "udp":
        assert said in ("ConnectionResetError", "ConnectionException", "ModbusIOException")
        client.close()
        assert client.connect()
    assert read(client, 1)[0] == [7, 8]


def test_a_copy_is_taken_once(client):
    assert read(client, 9)[0] == [7, 8]
