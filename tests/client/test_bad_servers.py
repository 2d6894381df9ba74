"""Servers that are not there, are silent, or answer nonsense: each a distinct error, nothing hangs, nothing is left.

Leaks are looked for by the fixture of the clients.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.client import AsyncClient, Client
from simulator.errors import (
    ConnectionClosed,
    ConnectionFailed,
    ConnectionRefused,
    HostUnknown,
    ModbusException,
    ModsimError,
    NetworkError,
    ProtocolError,
    TimedOut,
)
from simulator.protocol.checksums import with_crc

Make = Callable[..., Any]
ANSWER = "03 04 00 0a 00 0b"  # to read_holding_registers(0, 2)
WORDS = [10, 11]


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def mbap(request: bytes, pdu: str, *, transaction: int = 0, unit: int | None = None) -> bytes:
    """The answer to a request, with what is wrong about it."""
    body = bytes((request[6] if unit is None else unit,)) + bytes.fromhex(pdu)
    number = (int.from_bytes(request[:2], "big") + transaction) & 0xFFFF
    return number.to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(2, "big") + body


def answering(*answers: Callable[[bytes], bytes]) -> Callable[[socket.socket], None]:
    """Answer the requests of a connection one after the other, then be silent."""

    def work(connection: socket.socket) -> None:
        for answer in answers:
            request = connection.recv(600)
            if not request:
                return
            connection.sendall(answer(request))

    return work


def test_a_host_that_is_unknown(make: Make) -> None:
    with pytest.raises(HostUnknown, match=r"^tcp://no-such-host\.invalid:502: host is unknown: "):
        make("tcp://no-such-host.invalid:502").read_coils(0)


@pytest.mark.parametrize("scheme", ["tcp", "rtu+tcp"])
def test_a_port_where_nobody_listens(make: Make, scheme: str) -> None:
    client = make(f"{scheme}://127.0.0.1:{free_port()}", retries=3)
    for _ in range(2):
        with pytest.raises(ConnectionRefused, match=r": connection refused: nobody listens there$"):
            client.read_coils(0)


def test_a_datagram_to_a_port_where_nobody_listens(make: Make) -> None:
    with pytest.raises(ConnectionRefused):
        make(f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}").read_coils(0)


def test_a_host_that_cannot_be_reached_in_time(make: Make) -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    for _ in range(3):  # fill the queue: further connections are not taken
        waiting.append(socket.socket())
        waiting[-1].setblocking(False)
        waiting[-1].connect_ex(listener.getsockname())
    began = time.monotonic()
    with pytest.raises(ConnectionFailed, match=r": no connection within 0\.2 s$"):
        make(f"tcp://127.0.0.1:{listener.getsockname()[1]}", connect_timeout=0.2).read_coils(0)
    assert time.monotonic() - began < 5
    for each in (listener, *waiting):
        each.close()


@pytest.mark.parametrize("scheme", ["tcp", "rtu+tcp", "ascii+tcp", "binary+tcp"])
def test_a_server_that_is_silent(make: Make, bad_server: Make, scheme: str) -> None:
    server = bad_server(lambda connection: None)
    client = make(f"{scheme}://127.0.0.1:{server.port}", timeout=0.1)
    with pytest.raises(TimedOut, match=r": unit 1 did not answer function 3 within 0\.1 s$"):
        client.read_holding_registers(0, 2)


@pytest.mark.parametrize("scheme", ["udp", "rtu+udp"])
def test_a_server_that_is_silent_over_datagrams(make: Make, bad_server: Make, scheme: str) -> None:
    server = bad_server(lambda connection: connection.recv(600) and None, socket.SOCK_DGRAM)
    with pytest.raises(TimedOut):
        make(f"{scheme}://127.0.0.1:{server.port}", timeout=0.1).read_holding_registers(0, 2)


def test_a_server_that_closes_at_once(make: Make, bad_server: Make) -> None:
    server = bad_server(lambda connection: connection.close())
    client = make(f"tcp://127.0.0.1:{server.port}")
    for _ in range(3):
        with pytest.raises(ConnectionClosed):
            client.read_holding_registers(0, 2)


def test_a_server_that_closes_in_the_middle_of_an_answer(make: Make, bad_server: Make) -> None:
    def work(connection: socket.socket) -> None:
        connection.sendall(mbap(connection.recv(600), ANSWER)[:9])
        connection.close()

    server = bad_server(work)
    with pytest.raises(
        ConnectionClosed, match=r"the server closed the connection after 9 bytes of an answer$"
    ):
        make(f"tcp://127.0.0.1:{server.port}").read_holding_registers(0, 2)


BAD_ANSWERS: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "a foreign transaction id": (
        "transaction",
        lambda request: mbap(request, ANSWER, transaction=6),
        "answer has transaction id 7, expected 1",
    ),
    "a foreign unit": (
        "unit",
        lambda request: mbap(request, ANSWER, unit=9),
        "answer is from unit 9, expected unit 1",
    ),
    "another function": (
        "function",
        lambda request: mbap(request, "04 04 00 0a 00 0b"),
        "answer has function 4, expected 3",
    ),
    "half an answer": (
        "half",
        lambda request: mbap(request, ANSWER)[:8],
        "answer is 8 bytes, expected 13: 00 01 00 00 00 07 01 03",
    ),
    "garbage": (
        "garbage",
        lambda request: b"GET / HTTP/1.1\r\n\r\n",
        "garbage came: protocol id is 21536, expected 0",
    ),
    "a header without a frame": (
        "garbage",
        lambda request: request[:2] + bytes(4),
        "length is 0, expected 2 to 254: 00 01 00 00 00 00",
    ),
    "too many registers": (
        "answer",
        lambda request: mbap(request, "03 06 00 0a 00 0b 00 0c"),
        "answer to function 3: answer has 3 registers, expected 2",
    ),
    "a byte count that is wrong": (
        "answer",
        lambda request: mbap(request, "03 05 00 0a 00 0b"),
        "answer to function 3: byte count is 5, expected 4 as bytes follow",
    ),
    "a refusal without a code": (
        "answer",
        lambda request: mbap(request, "83"),
        "answer to function 3: exception response is 1 bytes, expected 2",
    ),
}


@pytest.mark.parametrize("what", BAD_ANSWERS)
def test_an_answer_that_is_nonsense(make: Make, bad_server: Make, what: str) -> None:
    fault, answer, text = BAD_ANSWERS[what]
    server = bad_server(answering(answer))
    client = make(f"tcp://127.0.0.1:{server.port}", timeout=0.2)
    with pytest.raises(ProtocolError) as caught:
        client.read_holding_registers(0, 2)
    assert (caught.value.fault, caught.value.reason) == (fault, text)
    assert str(caught.value) == f"tcp://127.0.0.1:{server.port}: {text}"


RTU = with_crc(bytes.fromhex("01" + ANSWER))
BAD_FRAMES = {
    "rtu+tcp half": ("rtu", RTU[:6], "half", "answer is 6 bytes, expected 9: 01 03 04 00 0a 00"),
    "rtu+tcp checksum": (
        "rtu",
        RTU[:-1] + b"\x00",
        "checksum",
        f"CRC of the answer is {RTU[-2]:02x} 00, expected {RTU[-2]:02x} {RTU[-1]:02x}",
    ),
    "rtu+tcp garbage": (
        "rtu",
        b"\xff\xfe\xfd\xfc",
        "garbage",
        "4 bytes came that hold no answer: ff fe fd fc",
    ),
    "rtu+tcp unit": (
        "rtu",
        with_crc(bytes.fromhex("09" + ANSWER)),
        "unit",
        "answer is from unit 9, expected unit 1",
    ),
    "rtu+tcp function": (
        "rtu",
        with_crc(bytes.fromhex("01 04 04 00 0a 00 0b")),
        "function",
        "answer has function 4, expected 3",
    ),
    "rtu+tcp answer": (
        "rtu",
        with_crc(bytes.fromhex("01 03 02 00 0a")),
        "answer",
        "answer to function 3: answer has 1 registers, expected 2",
    ),
    "ascii+tcp half": (
        "ascii",
        b":010304000A",
        "half",
        "answer is 11 characters without an end: ':010304000A'",
    ),
    "ascii+tcp checksum": (
        "ascii",
        b":010304000A000B00\r\n",
        "checksum",
        "LRC of the answer is 00, expected e3",
    ),
    "ascii+tcp garbage": (
        "ascii",
        b"hello\r\n",
        "garbage",
        "7 bytes came that hold no answer: 68 65 6c 6c 6f 0d 0a",
    ),
    "rtu+tcp too long": (
        "rtu",
        with_crc(bytes.fromhex("01 03 fe") + bytes(254)),
        "garbage",
        "answer is a frame of 259 bytes, expected a PDU of 1 to 253 bytes in it",
    ),
    "ascii+tcp too long": (
        "ascii",
        b":" + (bytes.fromhex("01 03 fe") + bytes(254)).hex().upper().encode() + b"FE\r\n",
        "garbage",
        "answer is a frame of 258 bytes, expected a PDU of 1 to 253 bytes in it",
    ),
    "binary+tcp half": ("binary", b"{\x01\x03", "half", "answer is 3 bytes without an end: 7b 01 03"),
    "binary+tcp checksum": (
        "binary",
        b"{\x01\x03\x02\x00\x0a\x00\x00}",
        "checksum",
        "CRC of the answer is wrong: 7b 01 03 02 00 0a 00 00 7d",
    ),
}


@pytest.mark.parametrize("what", BAD_FRAMES)
def test_a_frame_that_is_nonsense_on_a_line(make: Make, bad_server: Make, what: str) -> None:
    framing, data, fault, text = BAD_FRAMES[what]
    server = bad_server(answering(lambda request: data))
    client = make(f"{framing}+tcp://127.0.0.1:{server.port}", timeout=0.2)
    with pytest.raises(ProtocolError) as caught:
        client.read_holding_registers(0, 2)
    assert (caught.value.fault, caught.value.reason) == (fault, text)


def test_an_exception_code_that_the_specification_does_not_know(make: Make, bad_server: Make) -> None:
    server = bad_server(answering(lambda request: mbap(request, "83 42")))
    with pytest.raises(ModbusException) as caught:
        make(f"tcp://127.0.0.1:{server.port}").read_holding_registers(0, 2)
    assert (caught.value.function, caught.value.code) == (3, 0x42)
    assert str(caught.value) == "unit 1 refused function 3: exception 0x42, not in the specification"


def test_answers_that_are_foreign_or_late_are_passed_over(make: Make, bad_server: Make) -> None:
    server = bad_server(
        answering(
            lambda request: b"",
            lambda request: (
                mbap(request, "03 04 00 01 00 02", transaction=-1)  # late
                + mbap(request, ANSWER, transaction=77)
                + mbap(request, ANSWER)
            ),
        )
    )
    client = make(f"tcp://127.0.0.1:{server.port}", timeout=0.3)
    with pytest.raises(TimedOut):
        client.read_holding_registers(0, 2)
    assert client.read_holding_registers(0, 2) == WORDS


def test_a_late_answer_on_a_line_is_not_taken_for_the_next_one(make: Make, bad_server: Make) -> None:
    def work(connection: socket.socket) -> None:
        connection.recv(600)
        time.sleep(0.3)
        connection.sendall(with_crc(bytes.fromhex("01 03 04 00 01 00 02")))
        connection.recv(600)
        connection.sendall(RTU)

    server = bad_server(work)
    client = make(f"rtu+tcp://127.0.0.1:{server.port}", timeout=0.15)
    with pytest.raises(TimedOut):
        client.read_holding_registers(0, 2)
    with pytest.raises(ModsimError):
        client.read_holding_registers(
            0, 3
        )  # the late answer comes while this one is awaited: it does not fit


@pytest.mark.parametrize("framing", ["rtu", "ascii"])
def test_an_answer_that_comes_twice_is_not_taken_for_the_next_one(
    make: Make, bad_server: Make, framing: str
) -> None:
    def work(connection: socket.socket) -> None:
        while request := connection.recv(600):
            if framing == "rtu":
                answer = with_crc(b"\x01\x03\x02" + request[2:4])
            else:
                body = bytes((1, 3, 2)) + bytes.fromhex(request[5:9].decode())
                answer = b":" + (body + bytes((-sum(body) & 0xFF,))).hex().upper().encode() + b"\r\n"
            connection.sendall(answer)
            time.sleep(0.02)
            connection.sendall(answer)

    server = bad_server(work)
    client = make(f"{framing}+tcp://127.0.0.1:{server.port}", timeout=2)
    for address in range(4):
        assert client.read_holding_registers(address) == [address]
        until = time.monotonic() + 0.1
        while time.monotonic() < until:
            client.face.breathe()


@pytest.mark.parametrize("scheme", ["tcp", "rtu+tcp"])
def test_answers_for_others_that_never_end_do_not_stop_the_clock(scheme: str) -> None:
    until = time.monotonic() + 5

    class Flood:
        chunk = 600

        def send(self, data: bytes) -> None:
            pass

        def drain(self) -> bytes:
            return b""

        def close(self) -> None:
            pass

        def wait(self, seconds: float) -> bool:
            return True  # there is always something

        def receive(self, size: int) -> bytes:
            assert time.monotonic() < until, "still receiving"
            rtu = with_crc(bytes.fromhex("09" + ANSWER))
            return mbap(bytes(7), ANSWER, transaction=900) if scheme == "tcp" else rtu

    client = Client(f"{scheme}://127.0.0.1:1", timeout=0.1)
    client._link = Flood()  # type: ignore[assignment]
    with pytest.raises(ProtocolError) as caught:
        client.read_holding_registers(0, 2)
    assert caught.value.fault in ("transaction", "unit")


@pytest.mark.parametrize("bad", [b"GET / HTTP/1.1\r\n\r\n", bytes.fromhex("0001 0000 0007 01")])
def test_after_nonsense_the_next_request_has_a_connection_of_its_own(
    make: Make, bad_server: Make, bad: bytes
) -> None:
    def work(connection: socket.socket) -> None:
        request = connection.recv(600)
        connection.sendall(bad if server.connections == 1 else mbap(request, ANSWER))

    server = bad_server(work)
    client = make(f"tcp://127.0.0.1:{server.port}", timeout=0.3)
    with pytest.raises(ProtocolError):
        client.read_holding_registers(0, 2)
    assert client.read_holding_registers(0, 2) == WORDS


def test_who_is_told_of_nonsense_may_ask_again_at_once(bad_server: Make) -> None:
    def work(connection: socket.socket) -> None:
        request = connection.recv(600)
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n" if server.connections == 1 else mbap(request, ANSWER))

    async def ask() -> Any:
        async with AsyncClient(f"tcp://127.0.0.1:{server.port}", timeout=5) as client:
            with pytest.raises(ProtocolError):
                await client.read_holding_registers(0, 2)
            return await client.read_holding_registers(0, 2)

    server = bad_server(work)
    assert asyncio.run(ask()) == WORDS


def test_a_request_is_repeated(make: Make, bad_server: Make) -> None:
    damaged = RTU[:-1] + b"\x00"
    server = bad_server(answering(lambda request: b"", lambda request: damaged, lambda request: RTU))
    client = make(f"rtu+tcp://127.0.0.1:{server.port}", timeout=0.1, retries=2)
    assert client.read_holding_registers(0, 2) == WORDS


def test_a_request_is_repeated_no_more_often_than_wanted(make: Make, bad_server: Make) -> None:
    asked: list[bytes] = []

    def silent(connection: socket.socket) -> None:
        while data := connection.recv(600):
            asked.append(data)

    server = bad_server(silent)
    client = make(f"tcp://127.0.0.1:{server.port}", timeout=0.1, retries=2)
    with pytest.raises(TimedOut):
        client.read_holding_registers(0, 2)
    assert len(b"".join(asked)) == 3 * 12
    client.close()


def test_silence_is_not_asked_again_when_only_damaged_answers_are(make: Make, bad_server: Make) -> None:
    asked: list[bytes] = []

    def silent(connection: socket.socket) -> None:
        while data := connection.recv(600):
            asked.append(data)

    server = bad_server(silent)
    client = make(f"tcp://127.0.0.1:{server.port}", timeout=0.1, retries=5, retry_on_empty=False)
    with pytest.raises(TimedOut):
        client.read_holding_registers(0, 2)
    assert len(b"".join(asked)) == 12
    client.close()


def test_a_connection_that_was_closed_meanwhile_is_opened_anew(make: Make, bad_server: Make) -> None:
    def once(connection: socket.socket) -> None:
        connection.sendall(mbap(connection.recv(600), ANSWER))
        connection.close()

    server = bad_server(once)
    client = make(f"tcp://127.0.0.1:{server.port}")
    for _ in range(2):
        assert client.read_holding_registers(0, 2) == WORDS
        deadline = time.monotonic() + 0.55  # long enough that a client looks first
        while time.monotonic() < deadline:
            client.face.breathe()
    assert server.connections >= 2


def test_connecting_is_tried_again_with_pauses(make: Make, bad_server: Make) -> None:
    began = time.monotonic()
    client = make(
        f"tcp://127.0.0.1:{free_port()}", reconnect=3, reconnect_delay=0.1, reconnect_delay_max=0.15
    )
    with pytest.raises(ConnectionRefused):
        client.read_coils(0)
    assert 0.05 + 0.075 + 0.075 <= time.monotonic() - began < 5


def test_answers_that_dribble_are_not_waited_for_for_ever(make: Make, bad_server: Make) -> None:
    def dribble(connection: socket.socket) -> None:
        for byte in mbap(connection.recv(600), "03 04 00 0a 00 0b"):
            time.sleep(0.05)
            connection.sendall(bytes((byte,)))

    server = bad_server(dribble)
    began = time.monotonic()
    with pytest.raises(ProtocolError, match=r"expected"):
        make(f"tcp://127.0.0.1:{server.port}", timeout=0.3).read_holding_registers(0, 2)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("face", ["blocking", "asyncio", "twisted"], indirect=True)  # a pool ends for good
def test_a_client_that_is_closed_can_be_used_again(make: Make, bad_server: Make) -> None:
    server = bad_server(answering(lambda request: mbap(request, ANSWER)))
    client = make(f"tcp://127.0.0.1:{server.port}")
    assert client.read_holding_registers(0, 2) == WORDS
    client.close()
    assert client.read_holding_registers(0, 2) == WORDS


@pytest.fixture
def line() -> Iterator[tuple[int, str]]:
    """A pseudo-terminal: our end, and the path for clients."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    path = os.ttyname(theirs)
    yield ours, path
    os.close(ours)
    os.close(theirs)


def test_a_serial_line_of_garbage(make: Make, line: tuple[int, str]) -> None:
    ours, path = line
    client = make(f"rtu:{path}?baudrate=115200", timeout=0.3)
    promise = None
    os.write(ours, b"\x55\xaa\x00" * 5)  # before the request: it is no answer
    if client.face.begins_at_once:
        promise = client.begin("read_holding_registers", 0, 2)
        client.face.breathe()
        os.write(ours, b"\xff\xff\xff")
        with pytest.raises((ProtocolError, TimedOut)):
            client.face.wait(promise)
    else:
        with pytest.raises(TimedOut):
            client.read_holding_registers(0, 2)
    client.close()


def test_a_serial_port_that_is_pulled_out(make: Make) -> None:
    import pty
    import threading

    ours, theirs = pty.openpty()
    tty.setraw(theirs)

    def work() -> None:
        os.read(ours, 99)
        os.close(ours)

    thread = threading.Thread(target=work)
    thread.start()
    with pytest.raises(ConnectionClosed, match=r": the serial port is gone"):
        make(f"rtu:{os.ttyname(theirs)}?baudrate=115200", timeout=5).read_coils(0)
    thread.join()
    os.close(theirs)


def test_a_serial_port_that_does_not_exist(make: Make, tmp_path: Path) -> None:
    with pytest.raises(ConnectionFailed, match=r"there is no such serial port$"):
        make(f"rtu:{tmp_path}/nothing").read_coils(0)


def test_a_serial_port_that_somebody_has(make: Make, line: tuple[int, str]) -> None:
    with (
        Client(f"rtu:{line[1]}") as other,
        pytest.raises(ConnectionFailed, match=r"another process has the serial port$"),
    ):
        make(f"rtu:{line[1]}").read_coils(0)
    assert not other.connected


@pytest.mark.parametrize("wrong", ["ca", "server_name", "no certificate"])
def test_a_certificate_that_is_not_accepted(make: Make, listening: Any, wrong: str) -> None:
    options = listening.options("tls")
    if wrong == "ca":
        del options["ca"]
    elif wrong == "server_name":
        options["server_name"] = "somewhere.else"
    else:
        del options["certificate"], options["key"]
    with pytest.raises(NetworkError) as caught:
        make(listening.url("tls"), **options).read_coils(0)
    if wrong != "no certificate":  # a server may tell with the first answer only
        assert isinstance(caught.value, ConnectionFailed)
        assert "TLS handshake failed: certificate of the server: " in str(caught.value)
    assert len(str(caught.value)) < 250


def test_a_tls_client_at_a_server_without_tls(make: Make, listening: Any) -> None:
    url = f"tls://127.0.0.1:{listening.port('tcp')}"
    with pytest.raises(NetworkError):
        make(url, connect_timeout=2, **listening.options("tls")).read_coils(0)
