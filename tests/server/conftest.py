"""Plants that run in a process of their own, and clients that count bytes.

Everything here runs twice: with compiled code answering plain requests, and with Python answering all.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from simulator.server.lanes import COMPILED

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 30  # for a loaded machine; nothing waits this long when things are well

PROFILE = """
profiles:
  box:
    identity: {vendor_name: Acme, product_code: BOX, revision: "1.0", user_application_name: "{name}"}
    tables:
      holding_register: {block: sequential, count: 500, fill: 0, values: {1: [0x1111, 0x2222, 0x3333]}}
      input_register: {block: sequential, count: 200, fill: 0x4444}
      coil: {block: sequential, count: 2100, fill: 0, values: {0: [1, 0, 1, 1]}}
      discrete_input: {block: sequential, count: 100, fill: 1}
    points:
      number: {table: holding_register, address: 0, data_type: uint16, value: "{n}", access: ro}
      level: {table: holding_register, address: 10, data_type: uint16, value: 20, max: 100}
"""
SHARED = """
name: shared
devices:
  - {name: "unit-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: "1-3,10"}
  - {name: any, profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: any}
  - {name: quiet, profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 5, unknown_unit: ignore}
  - {name: pathless, profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 5,
     unknown_unit: gateway_path_unavailable}
  - {name: lost, profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 5, unknown_unit: gateway_target_failed}
  - {name: six, profile: box, endpoint: "tcp://[::1]:0"}
  - {name: "virtual-{n}", profile: box, endpoint: "tcp://127.0.77.1-127.0.77.9:0", unit_id: 1-2, count: 17}
  - {name: "everywhere-{n}", profile: box, endpoint: "tcp://0.0.0.0:0", unit_id: 1-2}
"""
LISTENERS = ["units", "any", "quiet", "pathless", "lost", "six", "virtual", "everywhere"]


class Client:
    """A socket and the little of Modbus TCP that tests need: ``ask("03 0000 0001")`` is ``"03 02 00 01"``."""

    def __init__(self, address: tuple[str, int], **options: Any) -> None:
        self.socket = socket.create_connection(address, timeout=PATIENCE_S, **options)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self, size: int) -> bytes:
        """This many bytes, fewer when the connection ends before."""
        received = bytearray()
        while len(received) < size:
            piece = self.socket.recv(size - len(received))
            if not piece:
                break
            received += piece
        return bytes(received)

    def response(self) -> tuple[int, int, str]:
        """The next response: transaction id, unit id, PDU in hex."""
        header = self.receive(7)
        assert len(header) == 7, f"connection closed after {header!r}"
        transaction, protocol_id, length, unit = struct.unpack(">HHHB", header)
        assert protocol_id == 0
        return transaction, unit, self.receive(length - 1).hex(" ")

    def ask(self, pdu: str, *, unit: int = 1, transaction: int = 0x4711) -> str:
        """The response PDU; transaction and unit id must be those of the request."""
        self.send(adu(pdu, unit=unit, transaction=transaction))
        got_transaction, got_unit, response = self.response()
        assert (got_transaction, got_unit) == (transaction, unit)
        return response

    def rest(self) -> bytes:
        """Everything until the server closes; a reset is an end as well."""
        received = bytearray()
        try:
            while piece := self.socket.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
        return bytes(received)

    def flood(self, data: bytes) -> int:
        """Send the same again and again, read nothing, until neither side takes more; how many bytes went."""
        self.socket.setblocking(False)
        sent, place = 0, 0
        while select.select([], [self.socket], [], 0.2)[1]:
            try:
                went = self.socket.send(memoryview(data)[place:])
            except BlockingIOError:
                continue
            sent, place = sent + went, (place + went) % len(data)
            assert sent < 64 << 20, "the server takes requests without an end"
        self.socket.settimeout(PATIENCE_S)
        return sent

    def close(self, *, reset: bool = False) -> None:
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def adu(pdu: str | bytes, *, unit: int = 1, transaction: int = 0x4711) -> bytes:
    """A request on the wire."""
    request = bytes.fromhex(pdu) if isinstance(pdu, str) else pdu
    return struct.pack(">HHHB", transaction, 0, len(request) + 1, unit) + request


class Server:
    """``modsim --config`` in a process of its own, from its ready line to its end."""

    def __init__(self, plant: str, folder: Path, *, compiled: bool) -> None:
        (folder / "plant.yaml").write_text(plant if "profiles:" in plant else plant + PROFILE)
        self._log = (folder / "log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "--config", "plant.yaml", "--ready-file", "ready.json"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "MODSIM_PURE": str(int(not compiled))},
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], PATIENCE_S)
        ready = self.process.stdout.readline() if readable else ""
        if not ready:
            self.kill()
            raise AssertionError(f"no ready line; the log: {self.log}")
        self.endpoints: list[str] = json.loads((folder / "ready.json").read_text())["endpoints"]
        ends = [endpoint.rpartition(":")[2] for endpoint in self.endpoints]
        self.ports = [int(end) if end.isdigit() else 0 for end in ends]  # a serial line has none
        self._clients: list[Client] = []

    def client(self, listener: str | int = 0, host: str = "127.0.0.1", **options: Any) -> Client:
        """A client connected to a listener, by number or by the name of its devices in the shared plant."""
        place = listener if isinstance(listener, int) else LISTENERS.index(listener)
        client = Client((host, self.ports[place]), **options)
        self._clients.append(client)
        return client

    def turns_away(self, listener: str | int = 0, host: str = "127.0.0.1") -> bool:
        """True when a client is closed without a word, be it while it still connects."""
        try:
            client = self.client(listener, host)
        except ConnectionResetError:
            return True
        return client.rest() == b""

    def turns_away_now(self, listener: int, host: str, pdu: str) -> bool:
        """True when a client that connects now, and leaves again, is not answered."""
        try:
            client = self.client(listener, host)
            client.send(adu(pdu))
            return len(client.receive(9)) < 9
        except ConnectionError:
            return True
        finally:
            self._clients.pop().close()

    def hang_up(self) -> None:
        """Close every client."""
        for client in self._clients:
            client.close()
        self._clients.clear()

    @property
    def log(self) -> str:
        """What it said on stderr until now."""
        self._log.seek(0)
        return self._log.read()

    @property
    def cpu_s(self) -> float:
        """The processor time it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime, proc(5)

    @property
    def memory(self) -> int:
        """The bytes it holds in memory of its own."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("RssAnon:"))
        return 1024 * int(line.split()[1])

    @property
    def descriptors(self) -> int:
        """How many files and sockets it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        """End it whatever its state."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self._log.close()


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Look again and again until it is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.002)


@pytest.fixture(name="adu", scope="session")
def adu_fixture() -> Callable[..., bytes]:
    """``adu("03 0000 0001", unit=1, transaction=7)``: a request on the wire."""
    return adu


@pytest.fixture(name="wait_until", scope="session")
def wait_until_fixture() -> Callable[..., None]:
    """Wait for a condition, patiently."""
    return wait_until


@pytest.fixture(scope="session", params=["compiled", "pure"])
def compiled(request: pytest.FixtureRequest) -> bool:
    """Who answers plain requests."""
    if request.param == "compiled" and not COMPILED:
        pytest.skip("there is no compiled code here")
    return bool(request.param == "compiled")


@pytest.fixture(scope="session")
def _shared(compiled: bool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(SHARED, tmp_path_factory.mktemp("shared"), compiled=compiled)
    yield server
    try:
        assert server.stop() == 0
        assert '"level": "error"' not in server.log, "nothing that clients did is an error of ours"
        assert "Traceback" not in server.log
    finally:
        server.kill()


@pytest.fixture
def shared(_shared: Server) -> Iterator[Server]:
    """A plant of many listeners for tests that need nothing special; their clients are closed at the end."""
    yield _shared
    _shared.hang_up()


DEVICES = 'devices: [{name: box, profile: box, endpoint: "tcp://127.0.0.1:0"}]\n'
Serve = Callable[..., Server]


@contextmanager
def serving(compiled: bool, folders: pytest.TempPathFactory) -> Iterator[Serve]:
    """``serve("limits: {max_connections: 3}")``: a plant of one box, or of the devices of the text."""
    servers: list[Server] = []

    def begin(plant: str = "") -> Server:
        devices = "" if "devices:" in plant else DEVICES
        servers.append(Server(f"{devices}{plant}", folders.mktemp("plant"), compiled=compiled))
        return servers[-1]

    yield begin
    for server in servers:
        server.hang_up()
        server.kill()


@pytest.fixture
def serve(compiled: bool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start a plant that lives as long as the test."""
    with serving(compiled, tmp_path_factory) as serve:
        yield serve


@pytest.fixture(scope="module")
def serve_for_all(compiled: bool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start a plant that lives as long as the tests of a module."""
    with serving(compiled, tmp_path_factory) as serve:
        yield serve
