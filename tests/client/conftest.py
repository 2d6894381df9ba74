"""One plant with every transport and framing, and every client in one shape, so that each test runs on all.

``face`` is a kind of client, ``scheme`` a listener of the plant; ``make(...)`` gives a client whose verbs return
their value whatever the face, ``ask`` one that is connected to ``scheme``.  What a test leaves open fails it.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from simulator.cli.app import main
from simulator.client import AsyncClient, Client, ClientPool, TwistedClient

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 30
PLANT = """
tls: {certificate: certs/server.pem, key: certs/server.key, ca: certs/ca.pem}
devices:
  - {name: "tcp-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-2}
  - {name: "six-{n}", profile: box, endpoint: "tcp://[::1]:0", unit_id: 1-2}
  - {name: "tls-{n}", profile: box, endpoint: "tls://127.0.0.1:0", unit_id: 1-2}
  - {name: "udp-{n}", profile: box, endpoint: "udp://127.0.0.1:0", unit_id: 1-2}
  - {name: "rtu-tcp-{n}", profile: box, endpoint: "rtu+tcp://127.0.0.1:0", unit_id: 1-2}
  - {name: "ascii-tcp-{n}", profile: box, endpoint: "ascii+tcp://127.0.0.1:0", unit_id: 1-2}
  - {name: "binary-tcp-{n}", profile: box, endpoint: "binary+tcp://127.0.0.1:0", unit_id: 1-2}
  - {name: "rtu-udp-{n}", profile: box, endpoint: "rtu+udp://127.0.0.1:0", unit_id: 1-2}
  - {name: "ascii-udp-{n}", profile: box, endpoint: "ascii+udp://127.0.0.1:0", unit_id: 1-2}
  - {name: "binary-udp-{n}", profile: box, endpoint: "binary+udp://127.0.0.1:0", unit_id: 1-2}
  - {name: "rtu-{n}", profile: box, endpoint: "rtu:pty?link=FOLDER/rtu&baudrate=115200", unit_id: 1-2}
  - {name: "ascii-{n}", profile: box, endpoint: "ascii:pty?link=FOLDER/ascii&baudrate=115200", unit_id: 1-2}
  - {name: "binary-{n}", profile: box, endpoint: "binary:pty?link=FOLDER/binary&baudrate=115200", unit_id: 1-2}
profiles:
  box:
    identity: {vendor_name: Acme, product_code: BOX, revision: "1.0", vendor_url: "https://example.com",
               product_name: Box, objects: {0x80: "private", 0x90: "LONG-X", 0x91: "LONG-Y"}}
    tables:
      holding_register: {block: sequential, count: 2000}
      input_register: {block: sequential, count: 2000}
      coil: {block: sequential, count: 4000}
      discrete_input: {block: sequential, count: 4000, values: {0: [1, 0, 0, 1, 1]}}
    points:
      number: {table: holding_register, address: 0, data_type: uint16, value: "{n}", access: ro}
      voltage: {table: input_register, address: 0, data_type: float32, value: 231.5}
      energy: {table: input_register, address: 2, data_type: uint32, byte_order: CDAB, value: 123456}
      current: {table: input_register, address: 10, data_type: int16, scale: 0.1, value: -1.5}
      serial: {table: holding_register, address: 100, data_type: string, length: 4, value: "SN000042"}
      level: {table: holding_register, address: 120, data_type: uint16, value: 5, max: 10}
      alarms: {table: holding_register, address: 130, data_type: bits, bits: {0: hot, 1: wet}, value: [wet]}
      mode: {table: holding_register, address: 131, data_type: uint16, enum: {0: off, 1: heat, 2: cool}, value: heat}
      flag: {table: holding_register, address: 132, data_type: bool, bit: 3, value: true}
      curve: {table: holding_register, address: 140, data_type: uint16, count: 3, value: [1, 2, 3]}
      relay: {table: coil, address: 7, data_type: bool, value: true}
      doors: {table: discrete_input, address: 20, data_type: bool, count: 3, value: [true, false, true]}
    server_id: {id: 0x1122, running: true}
    exception_status: [hot, wet]
    files: {4: {records: 100, values: {1: [0x0DFE, 0x0020]}}, 3: {records: 20, fill: 7}}
    fifos: {3000: {values: [0x01B8, 0x1284]}}
""".replace("LONG-X", "x" * 200).replace("LONG-Y", "y" * 200)
SCHEMES = [
    "tcp",
    "six",
    "tls",
    "udp",
    "rtu+tcp",
    "ascii+tcp",
    "binary+tcp",
    "rtu+udp",
    "ascii+udp",
    "binary+udp",
    "rtu",
    "ascii",
    "binary",
]
FACES = ["blocking", "asyncio", "twisted", "pool"]


class Listening:
    """Where the boxes are reached: ``url("udp")``; each listener has unit ids 1 and 2."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        endpoints = json.loads((folder / "ready.json").read_text())["endpoints"]
        self._endpoints: dict[str, str] = dict(zip(SCHEMES, endpoints, strict=True))

    def url(self, scheme: str) -> str:
        return self._endpoints[scheme]

    def port(self, scheme: str) -> int:
        return int(self._endpoints[scheme].rpartition(":")[2])

    def options(self, scheme: str) -> dict[str, Any]:
        certificates = self.folder / "certs"
        if scheme != "tls":
            return {}
        return {
            "ca": str(certificates / "ca.pem"),
            "certificate": str(certificates / "client-operator.pem"),
            "key": str(certificates / "client-operator.key"),
        }


@pytest.fixture(scope="session")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listening]:
    folder = tmp_path_factory.mktemp("client")
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


class Blocking:
    """How the blocking client is used."""

    kind: Any = Client
    begins_at_once = False  # calling a verb is enough for its request to be sent

    def make(self, url: str, **options: Any) -> Any:
        return self.kind(url, **options)

    def wait(self, promise: Any) -> Any:
        return promise

    def start(self, function: Callable[[], Any]) -> Any:
        """Call a verb; its promise."""
        return function()

    def close(self, client: Any) -> None:
        client.close()

    def breathe(self) -> None:
        """Let what goes on beside the test go on for a moment."""
        time.sleep(0.01)

    def end(self) -> None:
        pass


class Pooled(Blocking):
    kind = ClientPool
    begins_at_once = True

    def make(self, url: str, **options: Any) -> Any:
        return ClientPool(url, **{"size": 1, **options})

    def wait(self, promise: Any) -> Any:
        return promise.result(PATIENCE_S)


class Asyncio(Blocking):
    kind = AsyncClient
    begins_at_once = True

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()

    def start(self, function: Callable[[], Any]) -> Any:
        async def call() -> Any:
            return function()

        return self.loop.run_until_complete(call())

    def wait(self, promise: Any) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(promise, PATIENCE_S))

    def breathe(self) -> None:
        self.loop.run_until_complete(asyncio.sleep(0.01))

    def close(self, client: Any) -> None:
        self.loop.run_until_complete(client.close())
        self.loop.run_until_complete(asyncio.sleep(0))

    def end(self) -> None:
        assert not asyncio.all_tasks(self.loop)
        self.loop.close()


class Twisted(Blocking):
    kind = TwistedClient
    begins_at_once = True

    def __init__(self) -> None:
        from twisted.internet import reactor  # noqa: F401  # endpoints would install it: that is no leak
        from twisted.internet.selectreactor import SelectReactor

        self.reactor: Any = SelectReactor()
        self.reactor.startRunning(installSignalHandlers=False)

    def make(self, url: str, **options: Any) -> Any:
        return TwistedClient(url, reactor=self.reactor, **options)

    def wait(self, promise: Any) -> Any:
        result: list[Any] = []
        promise.addBoth(result.append)
        until = time.monotonic() + PATIENCE_S
        while not result:
            assert time.monotonic() < until, "no result"
            self.reactor.iterate(0.01)
        if hasattr(result[0], "raiseException"):
            result[0].raiseException()
        return result[0]

    def breathe(self) -> None:
        self.reactor.iterate(0.01)

    def close(self, client: Any) -> None:
        self.wait(client.close())
        self.reactor.iterate(0)

    def end(self) -> None:
        self.reactor.fireSystemEvent("shutdown")
        self.reactor.iterate(0)
        assert [call for call in self.reactor.getDelayedCalls() if call.active()] == []
        left = {
            reader for reader in self.reactor.getReaders() if type(reader).__module__.startswith("simulator")
        }
        assert left == set()


KINDS: dict[str, Callable[[], Blocking]] = {
    "blocking": Blocking,
    "asyncio": Asyncio,
    "twisted": Twisted,
    "pool": Pooled,
}


class Asking:
    """A client whose verbs return their value: ``ask.read_coils(0, 3)``; ``ask.later.read_coils(0, 3)`` a promise."""

    def __init__(self, face: Blocking, client: Any) -> None:
        self.face = face
        self.client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **keywords: Any) -> Any:
            promise = self.face.start(lambda: getattr(self.client, name)(*args, **keywords))
            return self.face.wait(promise)

        return call

    def begin(self, name: str, *args: Any, **keywords: Any) -> Any:
        return self.face.start(lambda: getattr(self.client, name)(*args, **keywords))

    def close(self) -> None:
        self.face.close(self.client)


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> Iterator[Blocking]:
    """A kind of client; afterwards no socket, thread or timer of it is left."""
    made = KINDS[request.param]()
    before = open_descriptors()
    yield made
    made.end()
    until = time.monotonic() + 5
    while time.monotonic() < until and (open_descriptors() - before or client_threads()):
        time.sleep(0.01)
    assert open_descriptors() - before == set()
    assert client_threads() == []


def open_descriptors() -> set[str]:
    """What is open in this process, but for files and pipes."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            leads_to = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue
        if leads_to.startswith(("socket:", "/dev/pts", "/dev/tty", "anon_inode")):
            found.add(f"{number} {leads_to}")
    return found


def client_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("modsim-client")]


@pytest.fixture
def make(face: Blocking) -> Iterator[Callable[..., Asking]]:
    """Make a client of the face under test; it is closed at the end."""
    made: list[Asking] = []

    def client(url: str, **options: Any) -> Asking:
        made.append(Asking(face, face.make(url, **{"timeout": 10, **options})))
        return made[-1]

    yield client
    for each in made:
        each.close()


@pytest.fixture(params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ask(make: Callable[..., Asking], listening: Listening, scheme: str) -> Asking:
    """A client of every face on every listener."""
    return make(listening.url(scheme), **listening.options(scheme))


class BadServer:
    """A server that does to each connection what it is told, one after the other."""

    def __init__(self, answer: Callable[[socket.socket], None], kind: int = socket.SOCK_STREAM) -> None:
        self.connections = 0
        self._answer = answer
        self._kind = kind
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.bind(("127.0.0.1", 0))
        self._ended = threading.Event()
        self._held: list[socket.socket] = []
        if kind == socket.SOCK_STREAM:
            self._socket.listen(8)
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        self._socket.settimeout(0.05)
        while not self._ended.is_set():
            try:
                if self._kind == socket.SOCK_DGRAM:
                    self._answer(self._socket)
                    continue
                connection, _ = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.connections += 1
            self._held.append(connection)
            connection.settimeout(5)
            with suppress(OSError):
                self._answer(connection)

    def close(self) -> None:
        self._ended.set()
        for each in (*self._held, self._socket):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)  # wakes who reads
            each.close()
        self._thread.join(10)


@pytest.fixture
def bad_server() -> Iterator[Callable[..., BadServer]]:
    """Start a server that answers badly."""
    made: list[BadServer] = []

    def start(answer: Callable[[socket.socket], None], kind: int = socket.SOCK_STREAM) -> BadServer:
        made.append(BadServer(answer, kind))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def box() -> Any:
    """The profile of the boxes."""
    from simulator.documents.yaml import read_text
    from simulator.profiles.loader import ProfileLibrary

    data = read_text(PLANT, file="plant.yaml").data
    return ProfileLibrary(inline=data["profiles"]).get("box")
