"""Modbus/TCP Security over real sockets: who is let in, what a role may do, and what happens to the others."""

from __future__ import annotations

import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import ModbusTlsClient
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import formatEvent, globalLogPublisher

from simulator.cli.app import main
from simulator.config.security import TlsSettings
from simulator.server.factory import ModbusServerFactory
from simulator.server.hub import Hub
from simulator.server.lanes import COMPILED
from simulator.server.tls import LOG_WINDOW_S, LOGGED, TURN_STEPS, TlsListener, tls_context
from simulator.server.tls_connection import LINGER_S

PATIENCE_S = 30
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
PLANT = """
tls:
  certificate: {folder}/server.pem
  key: {folder}/server.key
  ca: {folder}/ca.pem
  handshake_timeout: 5s
  roles:
    viewer: {{functions: 1-4}}
    operator:
      - {{functions: 1-4}}
      - {{functions: [6, 16, 23, 43], tables: [holding_register], addresses: "10-19,30"}}
    night: {{unit_ids: 2, functions: [3, 17]}}
    engineer: {{}}
devices:
  - {{name: "box-{{n}}", profile: box, endpoint: "tls://127.0.0.1:0", unit_id: 1-2}}
  - {{name: polite, profile: box, endpoint: "tls://127.0.0.1:0", tls: {{no_role: {{functions: 3}}}}}}
  - {{name: "virtual-{{n}}", profile: box, endpoint: "tls://127.0.78.1-127.0.78.4:0", unit_id: 1}}
  - {{name: old, profile: box, endpoint: "tls://127.0.0.1:0", tls: {{maximum_version: 1.2}}}}
  - {{name: new, profile: box, endpoint: "tls://127.0.0.1:0", tls: {{minimum_version: 1.3}}}}
  - {{name: late, profile: box, endpoint: "tls://127.0.0.1:0", tls: {{certificate: {folder}/bad/server-expired.pem}}}}
  - {{name: early, profile: box, endpoint: "tls://127.0.0.1:0",
      tls: {{certificate: {folder}/bad/server-not-yet-valid.pem}}}}
  - {{name: foreign, profile: box, endpoint: "tls://127.0.0.1:0",
      tls: {{certificate: {folder}/bad/server-wrong-ca.pem}}}}
  - {{name: elsewhere, profile: box, endpoint: "tls://127.0.0.1:0",
      tls: {{certificate: {folder}/bad/server-wrong-host.pem}}}}
  - {{name: six, profile: box, endpoint: "tls://[::1]:0"}}
  - {{name: plain, profile: box, endpoint: "tcp://127.0.0.1:0"}}
"""
LISTENERS = [
    "box",
    "polite",
    "virtual",
    "old",
    "new",
    "late",
    "early",
    "foreign",
    "elsewhere",
    "six",
    "plain",
]


@pytest.fixture(scope="session")
def compiled() -> bool:
    """Compiled code reads no TLS: once is enough."""
    return COMPILED


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates as ``modsim certs`` makes them."""
    made = tmp_path_factory.mktemp("certs")
    words = [
        word for role in ("viewer", "operator", "engineer", "night", "nobody") for word in ("--role", role)
    ]
    assert main(["certs", str(made), *words]) == 0
    return made


class Listening:
    """A server and a way to connect to it."""

    def __init__(self, server: Any, folder: Path, listeners: list[str]) -> None:
        self.server = server
        self.folder = folder
        self._listeners = listeners
        self._open: list[socket.socket] = []

    def port(self, listener: str) -> int:
        return self.server.ports[self._listeners.index(listener)]

    def plain(self, listener: str = "box", host: str = "127.0.0.1") -> socket.socket:
        """A socket without TLS."""
        self._open.append(socket.create_connection((host, self.port(listener)), timeout=PATIENCE_S))
        self._open[-1].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._open[-1]

    def context(self, who: str | None, **versions: ssl.TLSVersion) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        if who is not None:
            context.load_cert_chain(self.folder / f"{who}.pem", self.folder / f"{who}.key")
        for name, version in versions.items():
            setattr(context, name, version)
        return context

    def connect(
        self,
        who: str | None = "client-engineer",
        listener: str = "box",
        host: str = "127.0.0.1",
        **versions: Any,
    ) -> ssl.SSLSocket:
        """A socket after its handshake."""
        session = versions.pop("session", None)
        context = versions.pop("context", None) or self.context(who, **versions)
        wrapped = context.wrap_socket(
            self.plain(listener, host), server_hostname=host, session=session, suppress_ragged_eofs=False
        )
        self._open.append(wrapped)
        return wrapped

    def logs(self, text: str) -> bool:
        """True as soon as the log has this text."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.server.log:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def close(self) -> None:
        for each in self._open:
            each.close()


@pytest.fixture(scope="module")
def listening(serve_for_all: Callable[..., Any], folder: Path) -> Listening:
    return Listening(serve_for_all(PLANT.format(folder=folder)), folder, LISTENERS)


@pytest.fixture
def tls(listening: Listening) -> Iterator[Listening]:
    """A plant of TLS listeners that all tests share; its clients are closed at the end."""
    yield listening
    listening.close()
    assert '"level": "error"' not in listening.server.log, "nothing that clients did is an error of ours"


@pytest.fixture
def start(serve: Callable[..., Any], folder: Path) -> Iterator[Callable[..., Listening]]:
    """``start("handshake_timeout: 300ms", "limits: {max_connections: 2}")``: a plant of one TLS listener."""
    started: list[Listening] = []

    def begin(keys: str = "", plant: str = "") -> Listening:
        files = f"certificate: {folder}/server.pem, key: {folder}/server.key, ca: {folder}/ca.pem"
        devices = "devices: [{name: box, profile: box, endpoint: 'tls://127.0.0.1:0'}]"
        text = f"tls: {{{files}{keys and ', '}{keys}}}\n{devices}\n{plant}\n"
        started.append(Listening(serve(text), folder, ["box"]))
        return started[-1]

    yield begin
    for each in started:
        each.close()


def receive(connection: socket.socket, size: int) -> bytes:
    """This many bytes, fewer when the connection ends before."""
    received = bytearray()
    while len(received) < size:
        piece = connection.recv(min(size - len(received), 65536))
        if not piece:
            break
        received += piece
    return bytes(received)


def response(connection: socket.socket) -> str:
    """The PDU of the next response, in hex."""
    header = receive(connection, 7)
    assert len(header) == 7, f"connection closed after {header!r}"
    return receive(connection, int.from_bytes(header[4:6], "big") - 1).hex(" ")


@pytest.fixture
def ask(adu: Callable[..., bytes]) -> Callable[..., str]:
    """Send a PDU, return the PDU of the response, both in hex."""

    def ask(connection: socket.socket, pdu: str, *, unit: int = 1) -> str:
        connection.sendall(adu(pdu, unit=unit))
        return response(connection)

    return ask


# ---- who is let in ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_with_a_certificate_is_served(tls, ask, version):
    client = tls.connect(minimum_version=VERSIONS[version], maximum_version=VERSIONS[version])
    assert client.version() == f"TLSv{version}"
    assert ask(client, "03 0001 0003") == "03 06 11 11 22 22 33 33"
    assert ask(client, "06 000A 0032") == "06 00 0a 00 32"
    assert ask(client, "03 0001 0003", unit=9) == "83 0b"


@pytest.mark.parametrize(
    ("who", "alert", "reason"),
    [
        ("bad/client-expired", "certificate expired", "certificate has expired"),
        ("bad/client-not-yet-valid", "bad certificate", "certificate is not yet valid"),
        ("bad/client-wrong-ca", "unknown ca", "unable to get local issuer certificate"),
        (None, "(certificate required|handshake failure)", "client sent no certificate"),
    ],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_wrong_certificate_gets_an_alert_and_is_logged(tls, ask, who, alert, reason, version):
    with pytest.raises(ssl.SSLError, match=alert):
        ask(tls.connect(who, maximum_version=VERSIONS[version]), "03 0001 0003")
    assert tls.logs(reason)
    assert ask(tls.connect(), "03 0001 0001") == "03 02 11 11"


def test_a_client_that_speaks_no_tls_is_closed_and_logged(tls, adu):
    client = tls.plain()
    client.sendall(adu("03 0001 0003"))
    assert receive(client, 100) == b""
    assert tls.logs("client does not speak TLS")


def test_garbage_that_looks_like_tls_is_closed(tls, ask):
    for garbage in (
        b"\x16" * 600,
        b"\x16\x03\x01\x00\x05hello",
        bytes.fromhex("16 03 03 ff ff") + bytes(20000),
    ):
        client = tls.plain()
        client.sendall(garbage)
        client.shutdown(socket.SHUT_WR)
        left = receive(client, 1000)
        assert left == b"" or left[0] == 0x15, "nothing, or an alert"
    assert ask(tls.connect(), "03 0001 0001") == "03 02 11 11"


def test_tls_1_1_is_refused(tls):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context = tls.context("client-engineer")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
        tls.connect(context=context)
    assert tls.logs("no TLS version that is allowed here")


def test_versions_can_be_limited(tls, ask):
    assert tls.connect(listener="old").version() == "TLSv1.2"
    assert tls.connect(listener="new").version() == "TLSv1.3"
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
        tls.connect(listener="new", maximum_version=ssl.TLSVersion.TLSv1_2)


@pytest.mark.parametrize(
    ("listener", "reason"),
    [
        ("late", "certificate has expired"),
        ("early", "certificate is not yet valid"),
        ("foreign", "unable to get local issuer certificate"),
        ("elsewhere", "IP address mismatch"),
    ],
)
def test_servers_with_bad_certificates_are_there_to_test_clients_with(tls, ask, listener, reason):
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        tls.connect(listener=listener)
    assert tls.logs("client refused: alert") or tls.logs("client hung up")
    careless = tls.context("client-engineer")
    careless.check_hostname = False
    careless.verify_mode = ssl.CERT_NONE
    assert ask(tls.connect(listener=listener, context=careless), "03 0001 0001") == "03 02 11 11"


def test_virtual_addresses_share_a_listener(tls, ask):
    for last in (1, 4):
        context = tls.context("client-engineer")
        context.check_hostname = False
        client = tls.connect(listener="virtual", host=f"127.0.78.{last}", context=context)
        assert ask(client, "03 0000 0001") == f"03 02 00 {last:02x}"
    stranger = tls.plain("virtual", "127.0.78.9")
    with suppress(ConnectionResetError):
        assert receive(stranger, 1) == b""


def test_ipv6(tls, ask):
    assert ask(tls.connect(listener="six", host="::1"), "03 0001 0001") == "03 02 11 11"


def test_listeners_without_tls_are_as_ever(tls, ask):
    assert ask(tls.plain("plain"), "03 0001 0001") == "03 02 11 11"


# ---- roles --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("who", "unit", "pdu", "expected"),
    [
        ("client-viewer", 1, "03 0001 0001", "03 02 11 11"),
        ("client-viewer", 1, "01 0000 0004", "01 01 0d"),
        ("client-viewer", 1, "06 000A 0001", "86 01"),
        ("client-viewer", 1, "2B 0E 01 00", "ab 01"),
        ("client-viewer", 1, "03 FFFF 0001", "83 02"),  # allowed, and not there
        ("client-viewer", 1, "03 0001 0000", "83 03"),  # allowed, and nonsense
        ("client-viewer", 1, "03 00", "83 03"),
        ("client-operator", 1, "06 000A 0001", "06 00 0a 00 01"),
        ("client-operator", 1, "06 001E 0001", "06 00 1e 00 01"),
        ("client-operator", 1, "06 0014 0001", "86 01"),
        ("client-operator", 1, "10 0012 0002 04 00010002", "10 00 12 00 02"),
        ("client-operator", 1, "10 0012 0003 06 000100020003", "90 01"),
        ("client-operator", 1, "17 0001 0001 000B 0001 02 0005", "97 01"),
        ("client-operator", 1, "17 000B 0001 000B 0001 02 0005", "17 02 00 05"),
        ("client-operator", 1, "05 000A FF00", "85 01"),
        ("client-operator", 1, "2B 0E 01 00", "2b 0e 01 82 00 00 03"),
        ("client-night", 1, "03 0001 0001", "83 01"),
        ("client-night", 2, "03 0001 0001", "03 02 11 11"),
        ("client-night", 2, "06 000A 0001", "86 01"),
        ("client-night", 9, "03 0001 0001", "83 0b"),  # nobody there to protect
        ("client-nobody", 1, "03 0001 0001", "83 01"),  # a role nobody gave a right
        ("bad/client-no-role", 1, "03 0001 0001", "83 01"),
        ("client-engineer", 2, "10 0012 0003 06 000100020003", "10 00 12 00 03"),
        ("client-engineer", 1, "41 00", "c1 01"),
    ],
)
def test_a_role_may_do_what_the_plant_file_says(tls, ask, who, unit, pdu, expected, version):
    client = tls.connect(who, maximum_version=VERSIONS[version])
    assert ask(client, pdu, unit=unit)[: len(expected)] == expected
    assert ask(client, pdu, unit=unit)[: len(expected)] == expected


def test_a_certificate_without_a_role_may_do_what_no_role_says(tls, ask):
    client = tls.connect("bad/client-no-role", "polite")
    assert ask(client, "03 0001 0001") == "03 02 11 11"
    assert ask(client, "04 0001 0001") == "84 01"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_certificate_with_two_roles_is_not_served(tls, adu, version):
    client = tls.connect("bad/client-two-roles", maximum_version=VERSIONS[version])
    client.sendall(adu("03 0001 0001"))
    assert receive(client, 100) == b"", "an orderly end without an answer"
    assert tls.logs("client certificate has two roles, expected one")


def test_without_roles_everybody_may_do_everything(start, ask):
    tls = start()
    for who in ("client-nobody", "bad/client-no-role", "bad/client-two-roles"):
        assert ask(tls.connect(who), "06 000A 0001") == "06 00 0a 00 01"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_resumed_session_keeps_its_role(tls, ask, version):
    context = tls.context("client-viewer", maximum_version=VERSIONS[version])
    client = tls.connect(context=context)
    assert ask(client, "06 000A 0001") == "86 01"
    session = client.session
    client.close()
    again = tls.connect(context=context, session=session)
    assert again.session_reused
    assert ask(again, "06 000A 0001") == "86 01"
    assert ask(again, "03 0001 0001") == "03 02 11 11"


def test_pipelined_requests_of_several_kinds_are_answered_in_order(tls, adu):
    client = tls.connect("client-viewer")
    client.sendall(
        adu("03 0001 0001") + adu("06 000A 0001") + adu("04 0000 0001", unit=2) + adu("03 0002 0001")
    )
    assert [response(client) for _ in range(4)] == ["03 02 11 11", "86 01", "04 02 44 44", "03 02 22 22"]


def test_quirks_gateways_and_allow_lists_go_with_tls(serve, ask, folder):
    plant = f"""\
tls: {{certificate: {folder}/server.pem, key: {folder}/server.key, ca: {folder}/ca.pem, roles: {{viewer: {{functions: 3}}}}}}
devices:
  - {{name: quirky, profile: box, endpoint: "tls://127.0.0.1:0", quirks: {{close_after: 3, min_reply_delay: 20ms}}}}
  - {{name: far, profile: box, endpoint: "tls://127.0.0.1:0", gateway: {{baudrate: 9600}}}}
  - {{name: closed, profile: box, endpoint: "tls://127.0.0.1:0", allow: [192.0.2.0/24]}}
"""
    tls = Listening(serve(plant), folder, ["quirky", "far", "closed"])
    client = tls.connect("client-viewer", "quirky")
    begun = time.monotonic()
    assert [ask(client, pdu) for pdu in ("03 0001 0001", "06 000A 0001", "03 0002 0001")] == [
        "03 02 11 11",
        "86 01",
        "03 02 22 22",
    ]
    assert time.monotonic() - begun >= 3 * 0.02
    assert receive(client, 1) == b"", "closed in order after three requests"
    client = tls.connect("client-viewer", "far")
    assert ask(client, "03 0001 0001") == "03 02 11 11"
    assert ask(client, "06 000A 0001") == "86 01"
    with suppress(ConnectionError):
        assert receive(tls.plain("closed"), 1) == b"", "a stranger gets no handshake"
    tls.close()


# ---- streams ------------------------------------------------------------------------------------------------


def test_a_thousand_requests_on_one_connection(tls, ask):
    client = tls.connect()
    for number in range(1000):
        assert ask(client, f"06 000B {number:04x}") == f"06 00 0b {number >> 8:02x} {number & 255:02x}"
    assert ask(client, "03 000B 0001") == "03 02 03 e7"


@pytest.mark.parametrize("records", [1, 40, 400])
def test_many_requests_at_once_in_few_records_or_many(tls, adu, records):
    client = tls.connect()
    requests = [adu(f"03 {number % 100:04x} 0001", transaction=number) for number in range(400)]
    for start in range(0, 400, 400 // records):
        client.sendall(b"".join(requests[start : start + 400 // records]))
    answers = receive(client, 400 * 11)
    assert [int.from_bytes(answers[place : place + 2], "big") for place in range(0, 4400, 11)] == list(
        range(400)
    )


class Sealed:
    """A client whose bytes on the wire can be had before they are sent."""

    def __init__(self, tls: Listening, who: str = "client-engineer") -> None:
        self.socket = tls.plain()
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = tls.context(who).wrap_bio(self.incoming, self.outgoing, server_hostname="127.0.0.1")

    def step(self, do: Callable[[], Any], send: Callable[[bytes], Any]) -> Any:
        while True:
            try:
                result = do()
            except ssl.SSLWantReadError:
                result = None
            if self.outgoing.pending:
                send(self.outgoing.read())
            if result is not None or (
                do == self.session.do_handshake and self.session.version() and self.done()
            ):
                return result
            received = self.socket.recv(65536)
            assert received, "the server has closed"
            self.incoming.write(received)

    def done(self) -> bool:
        try:
            self.session.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True


def byte_by_byte(connection: socket.socket) -> Callable[[bytes], None]:
    def send(data: bytes) -> None:
        for byte in data:
            connection.sendall(bytes((byte,)))

    return send


def test_everything_may_come_byte_by_byte(tls, adu):
    client = Sealed(tls)
    send = byte_by_byte(client.socket)
    client.step(client.session.do_handshake, send)
    client.session.write(adu("03 0001 0002"))
    assert client.step(lambda: client.session.read(100), send)[7:].hex(" ") == "03 04 11 11 22 22"


def test_requests_may_come_together_with_the_end_of_the_handshake(tls, adu):
    """TLS 1.3: the client's certificate, its Finished and its first requests in one segment."""
    client = Sealed(tls)
    kept: list[bytes] = []
    with pytest.raises(ssl.SSLWantReadError):
        client.session.do_handshake()
    client.socket.sendall(client.outgoing.read())
    while not client.done():
        client.incoming.write(client.socket.recv(65536))
    kept.append(client.outgoing.read())
    client.session.write(adu("03 0001 0001"))
    client.session.write(adu("03 0002 0001"))
    kept.append(client.outgoing.read())
    client.socket.sendall(b"".join(kept))
    answers = b""
    while len(answers) < 22:
        answers += client.step(lambda: client.session.read(100), client.socket.sendall)
    assert answers[7:11].hex() + answers[18:].hex() == "03021111" + "03022222"


def test_a_damaged_record_ends_its_connection_only(tls, ask, adu):
    other = tls.connect()
    client = Sealed(tls)
    client.step(client.session.do_handshake, client.socket.sendall)
    client.session.write(adu("03 0001 0001"))
    sealed = client.outgoing.read()
    client.socket.sendall(sealed[:-1] + bytes((sealed[-1] ^ 1,)))
    with pytest.raises(ssl.SSLError, match=r"(?i)bad.record.mac"):
        client.step(lambda: client.session.read(100), client.socket.sendall)
    assert ask(other, "03 0001 0001") == "03 02 11 11"


def test_bytes_that_are_no_modbus_end_the_connection(tls):
    client = tls.connect()
    client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert receive(client, 100) == b"", "with a close_notify"


def test_a_client_that_closes_in_order_gets_its_answers_and_is_answered_in_order(tls, adu):
    client = Sealed(tls)
    client.step(client.session.do_handshake, client.socket.sendall)
    client.session.write(adu("03 0001 0001"))
    with pytest.raises(ssl.SSLWantReadError):
        client.session.unwrap()
    client.socket.sendall(client.outgoing.read())
    while piece := client.socket.recv(65536):
        client.incoming.write(piece)
    assert client.session.read(100)[7:].hex() == "03021111"
    client.session.unwrap()  # the close_notify of the server was there, or this would want more


def test_clients_that_go_without_a_word_hurt_nobody(tls, ask, wait_until):
    other = tls.connect()
    before = tls.server.descriptors
    for number in range(20):
        client = tls.connect()
        client.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0" if number % 2 else bytes(8)
        )
        client.sendall(b"\0\1\0\0\0")
        socket.socket(fileno=client.detach()).close()
    wait_until(lambda: tls.server.descriptors <= before, "the descriptors are given back")
    assert ask(other, "03 0001 0001") == "03 02 11 11"


def test_a_client_that_never_reads_is_waited_for_with_little_memory(tls, ask, adu):
    client = tls.connect()
    client.setblocking(False)
    before, sent = tls.server.memory, 0
    chunk = b"".join(adu("03 0000 007D", transaction=number) for number in range(256))
    rest = b""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if not select.select([], [client], [], 0.3)[1]:
            break
        try:
            rest = rest or chunk
            sent += client.send(rest)  # an SSL socket takes all of it or nothing
            rest = b""
        except ssl.SSLWantWriteError:
            if not select.select([], [client], [], 0.3)[1]:
                break
    assert sent, "the server took nothing"
    assert sent < 32 << 20, "the server takes requests without an end"
    assert tls.server.memory - before < 4 << 20
    assert ask(tls.connect(), "03 0001 0001") == "03 02 11 11"
    client.settimeout(PATIENCE_S)
    answers = receive(client, sent // 12 * 259)
    assert len(answers) == sent // 12 * 259, "all answers are there when it reads after all"


def test_a_stop_answers_what_has_arrived_and_says_goodbye(start, adu):
    tls = start()
    client = tls.connect()
    tls.server.process.send_signal(signal.SIGSTOP)
    client.sendall(adu("03 0001 0001"))
    tls.server.process.send_signal(signal.SIGTERM)
    tls.server.process.send_signal(signal.SIGCONT)
    assert response(client) == "03 02 11 11"
    assert receive(client, 1) == b"", "a close_notify: a ragged end would be an error"
    assert tls.server.process.wait(PATIENCE_S) == 0


# ---- handshakes that take long ------------------------------------------------------------------------------


def test_slow_handshakes_time_out(start, ask):
    tls = start("handshake_timeout: 300ms")
    silent, half = tls.plain(), tls.plain()
    half.sendall(bytes.fromhex("16 03 01 02 00 01 00 01 fc"))
    begun = time.monotonic()
    for client in (silent, half):
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""
    assert time.monotonic() - begun < 10
    assert tls.logs("handshake took too long")
    quick = tls.connect()
    time.sleep(0.5)
    assert ask(quick, "03 0001 0001") == "03 02 11 11", "the time is for the handshake only"


def test_half_open_connections_count_as_connections(start, ask):
    tls = start("handshake_timeout: 1s", "limits: {max_connections_per_host: 3}")
    half_open = [tls.plain() for _ in range(3)]
    with pytest.raises((ConnectionError, ssl.SSLError)):
        ask(tls.connect(), "03 0001 0001")
    for client in half_open:
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""
    assert ask(tls.connect(), "03 0001 0001") == "03 02 11 11"


class Inside:
    """A TLS listener in this process, with a clock of its own."""

    def __init__(self, folder: Path, **keys: Any) -> None:
        files = {name: str(folder / f"server.{name}") for name in ("pem", "key")}
        settings = TlsSettings(files["pem"], files["key"], str(folder / "ca.pem"), **keys)
        self.clock = MemoryReactorClock()
        self.hub = Hub(self.clock)
        self.factory = ModbusServerFactory({})
        self.factory.tls = self.listener = TlsListener(settings, tls_context(settings), self.clock)
        self.port = self.factory.port = self.hub.listen(
            "127.0.0.1", 0, self.factory, scheme="tls", connection=self.listener.connection
        )
        self.clients: list[socket.socket] = []

    def connect(self) -> socket.socket:
        self.clients.append(
            socket.create_connection(("127.0.0.1", self.port.getHost().port), timeout=PATIENCE_S)
        )
        self.hub.ports.doRead()
        return self.clients[-1]

    def turn(self, wanted: int) -> None:
        """One turn of the reactor, once this many connections have something."""
        poll = select.poll()
        poll.register(self.hub.connections.fileno(), select.POLLIN)
        assert poll.poll(PATIENCE_S * 1000)
        time.sleep(0.01 * (wanted > 1))
        self.clock.advance(0.001)
        self.hub.connections.doRead()


@pytest.fixture
def inside(folder: Path) -> Iterator[Callable[..., Inside]]:
    made: list[Inside] = []

    def make(**keys: Any) -> Inside:
        made.append(Inside(folder, **keys))
        return made[-1]

    yield make
    for each in made:
        each.hub.close()
        for client in each.clients:
            client.close()
        assert not each.clock.getDelayedCalls(), "nothing is left behind"


def test_refused_handshakes_are_counted_by_reason(inside, adu):
    here = inside()
    for _ in range(3):
        here.connect().sendall(adu("03 0001 0001"))
        here.turn(1)
    here.connect().close()
    here.turn(1)
    assert here.listener.refused == {"client does not speak TLS": 3, "client hung up": 1}
    assert here.factory.refused == 4
    assert here.listener.handshakes == 0


def test_a_refused_client_that_does_not_go_is_closed(inside, adu):
    here = inside()
    client = here.connect()
    client.sendall(adu("03 0001 0001"))
    here.turn(1)
    assert client.recv(1) == b""
    assert here.factory.connections == 1
    client.sendall(b"more")
    here.turn(1)
    here.clock.advance(LINGER_S)
    assert here.factory.connections == 0


def test_a_handshake_has_its_time_and_no_more(inside):
    here = inside(handshake_timeout=10)
    first = here.connect()
    here.clock.advance(6)
    here.connect()
    here.clock.advance(3.9)
    assert here.factory.connections == 2
    here.clock.advance(0.2)
    assert here.factory.connections == 1
    with pytest.raises(ConnectionResetError):
        first.recv(1)
    here.clock.advance(6)
    assert here.factory.connections == 0
    assert here.listener.refused == {"handshake took too long": 2}


def test_the_oldest_half_open_connection_makes_room(inside, monkeypatch):
    monkeypatch.setattr("simulator.server.tls.MAX_HALF_OPEN", 3)
    here = inside()
    clients = [here.connect() for _ in range(5)]
    assert here.factory.connections == 3
    assert here.listener.refused == {"too many handshakes at once": 2}
    for client in clients[:2]:
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_a_turn_does_a_few_steps_of_handshakes_and_the_next_goes_on(inside, folder):
    """A thousand clients that come back at once do not keep the others waiting."""
    here = inside()
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    for _ in range(TURN_STEPS + 3):
        outgoing = ssl.MemoryBIO()
        session = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="127.0.0.1")
        with pytest.raises(ssl.SSLWantReadError):
            session.do_handshake()
        here.connect().sendall(outgoing.read())

    def answered() -> int:
        return len(select.select(here.clients, [], [], 0.1)[0])

    here.turn(2)
    assert answered() == TURN_STEPS
    here.turn(2)
    assert answered() == TURN_STEPS + 3


def test_a_flood_of_refused_handshakes_is_logged_a_few_times(inside, adu):
    here = inside()
    lines: list[str] = []

    def observe(event: Any) -> None:
        if event.get("log_namespace", "").startswith("simulator.server.tls"):
            lines.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    try:
        for _ in range(LOGGED + 5):
            here.connect().sendall(adu("03 0001 0001"))
            here.turn(1)
        here.connect().close()
        here.turn(1)
        assert len(lines) == LOGGED + 1, "another reason is another matter"
        here.clock.advance(LOG_WINDOW_S)
        here.connect().sendall(adu("03 0001 0001"))
        here.turn(1)
    finally:
        globalLogPublisher.removeObserver(observe)
    head = f"TLS handshake refused at {here.port.endpoint}: client does not speak TLS (client 127.0.0.1)"
    assert lines[0] == head
    assert lines[-1] == f"{head}; 5 more for this reason were not logged"
    assert here.listener.refused["client does not speak TLS"] == LOGGED + 6


# ---- other programs -----------------------------------------------------------------------------------------


def test_pymodbus_is_served(tls):
    context = tls.context("client-operator")
    context.check_hostname = False
    with ModbusTlsClient("127.0.0.1", port=tls.port("box"), sslctx=context, timeout=PATIENCE_S) as client:
        assert client.read_holding_registers(1, count=3).registers == [0x1111, 0x2222, 0x3333]
        assert client.read_coils(0, count=4).bits[:4] == [True, False, True, True]
        assert not client.write_registers(12, [7, 8]).isError()
        assert client.read_holding_registers(12, count=2).registers == [7, 8]
        refused = client.write_register(200, 1)
        assert refused.isError() and refused.exception_code == 1
        refused = client.write_coil(0, True)
        assert refused.isError() and refused.exception_code == 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")
@pytest.mark.parametrize("version", ["tls1_2", "tls1_3"])
def test_openssl_is_served(tls, adu, version):
    words = ["openssl", "s_client", "-quiet", f"-{version}", "-verify_return_error", "-CAfile", "ca.pem"]
    words += [
        "-cert",
        "client-viewer.pem",
        "-key",
        "client-viewer.key",
        "-connect",
        f"127.0.0.1:{tls.port('box')}",
    ]
    client = subprocess.Popen(
        words, cwd=tls.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        client.stdin.write(adu("03 0001 0001"))
        client.stdin.flush()
        assert client.stdout.read(11)[7:].hex(" ") == "03 02 11 11"
    finally:
        client.kill()
        client.communicate()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")
def test_renegotiation_is_refused(tls, ask):
    words = ["openssl", "s_client", "-tls1_2", "-CAfile", "ca.pem", "-cert", "client-viewer.pem"]
    words += ["-key", "client-viewer.key", "-connect", f"127.0.0.1:{tls.port('box')}"]
    client = subprocess.Popen(
        words,
        cwd=tls.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    time.sleep(0.5)  # s_client takes R as a command once it is connected
    printed, _ = client.communicate("R\n", timeout=PATIENCE_S)
    assert "RENEGOTIATING" in printed
    assert "no renegotiation" in printed or "handshake failure" in printed, printed[-500:]
    assert ask(tls.connect(), "03 0001 0001") == "03 02 11 11"


# ---- files that do not fit ----------------------------------------------------------------------------------


def check(plant: str, at: Path, capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code of ``modsim check``, and what it says is wrong."""
    file = at / "plant.yaml"
    file.write_text(plant)
    code = main(["check", str(file)])
    return code, capfd.readouterr().err.replace(f"{at}/", "")


def test_a_key_of_another_certificate_is_told_at_its_place(folder, tmp_path, capfd):
    for name in ("server.pem", "ca.pem", "client-viewer.key"):
        shutil.copy(folder / name, tmp_path)
    plant = """\
tls: {certificate: server.pem, key: client-viewer.key, ca: ca.pem}
devices: [{name: box, profile: generic, endpoint: "tls://127.0.0.1:0"}]
"""
    code, errors = check(plant, tmp_path, capfd)
    assert code == 78
    assert errors.splitlines()[0] == (
        "plant.yaml:1:37: tls.key: key 'client-viewer.key' does not belong to the certificate 'server.pem', "
        "expected the one it was made with"
    )


def test_files_that_are_damaged_are_told_at_their_place(folder, tmp_path, capfd):
    for name in ("server.pem", "server.key", "ca.pem"):
        shutil.copy(folder / name, tmp_path)
    lines = (tmp_path / "ca.pem").read_text().splitlines()
    (tmp_path / "ca.pem").write_text("\n".join([lines[0], *lines[2:]]))
    (tmp_path / "server.pem").write_text(
        "-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n"
    )
    plant = """\
tls:
  certificate: server.pem
  key: server.key
  ca: ca.pem
devices: [{name: box, profile: generic, endpoint: "tls://127.0.0.1:0"}]
"""
    code, errors = check(plant, tmp_path, capfd)
    assert code == 78
    assert (
        "plant.yaml:2:16: tls.certificate: certificate 'server.pem' with key 'server.key' cannot be used"
        in errors
    )
    assert "plant.yaml:4:7: tls.ca: file 'ca.pem' cannot be used" in errors


def test_a_plant_does_not_start_with_files_that_do_not_fit(folder, tmp_path):
    plant = f"""\
tls: {{certificate: {folder}/server.pem, key: {folder}/ca.key, ca: {folder}/ca.pem}}
devices: [{{name: box, profile: generic, endpoint: "tls://127.0.0.1:0"}}]
"""
    (tmp_path / "plant.yaml").write_text(plant)
    words = [sys.executable, "-m", "simulator", "--config", "plant.yaml"]
    done = subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        env={"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )  # fmt: skip
    assert done.returncode == 78
    assert "tls.key: key" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_chain_and_its_key_may_be_in_one_file(start, serve, ask, folder, tmp_path):
    (tmp_path / "both.pem").write_bytes(
        (folder / "server.pem").read_bytes() + (folder / "server.key").read_bytes()
    )
    plant = f"""\
tls: {{certificate: {tmp_path}/both.pem, ca: {folder}/ca.pem}}
devices: [{{name: box, profile: box, endpoint: "tls://127.0.0.1:0"}}]
"""
    tls = Listening(serve(plant), folder, ["box"])
    assert ask(tls.connect(), "03 0001 0001") == "03 02 11 11"
    tls.close()


def test_rsa_certificates_serve_as_well(serve, ask, tmp_path):
    assert main(["certs", str(tmp_path / "rsa"), "--key-type", "rsa", "--role", "engineer"]) == 0
    folder = tmp_path / "rsa"
    plant = f"""\
tls: {{certificate: {folder}/server.pem, key: {folder}/server.key, ca: {folder}/ca.pem, roles: {{engineer: {{}}}}}}
devices: [{{name: box, profile: box, endpoint: "tls://127.0.0.1:0"}}]
"""
    tls = Listening(serve(plant), folder, ["box"])
    assert ask(tls.connect(), "06 000A 0001") == "06 00 0a 00 01"
    with pytest.raises(ssl.SSLError, match="certificate expired"):
        ask(tls.connect("bad/client-expired"), "03 0001 0001")
    tls.close()
