"""Datagrams: each framed on its own, answered from the address that was asked."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.protocol.ascii import AsciiFramer
from simulator.protocol.binary import BinaryFramer
from simulator.protocol.checksums import with_crc
from simulator.protocol.mbap import MbapFramer
from simulator.protocol.rtu import RtuFramer

READ = bytes.fromhex("03 0000 0001")
PATIENCE_S = 30
SILENCE_S = 0.2  # long enough for an answer that must not come to come

PLANT = """
name: datagrams
devices:
  - {name: "unit-{n}", profile: box, endpoint: "udp://127.0.0.1:0", unit_id: "1-3"}
  - {name: "rtu-{n}", profile: box, endpoint: "rtu+udp://127.0.0.1:0", unit_id: "1-3"}
  - {name: ascii, profile: box, endpoint: "ascii+udp://127.0.0.1:0"}
  - {name: binary, profile: box, endpoint: "binary+udp://127.0.0.1:0"}
  - {name: six, profile: box, endpoint: "udp://[::1]:0"}
  - {name: "virtual-{n}", profile: box, endpoint: "udp://127.0.77.1-127.0.77.9:0", unit_id: 1-2, count: 17}
  - {name: "line-{n}", profile: box, endpoint: "rtu+udp://127.0.77.1-127.0.77.9:0", unit_id: 1-2}
  - {name: everywhere, profile: box, endpoint: "udp://0.0.0.0:0"}
  - {name: everywhere-six, profile: box, endpoint: "udp://[::]:0"}
"""
LISTENERS = ["unit", "rtu", "ascii", "binary", "six", "virtual", "line", "everywhere", "everywhere-six"]


class Peer:
    """A connected datagram socket: the kernel hands over nothing that comes from elsewhere."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.socket(
            socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM
        )
        self.socket.connect(address)

    def send(self, data: bytes) -> None:
        self.socket.send(data)

    def receive(self, timeout: float = PATIENCE_S) -> bytes:
        self.socket.settimeout(timeout)
        return self.socket.recv(65536)

    def ask(self, data: bytes) -> bytes:
        self.send(data)
        return self.receive()


@pytest.fixture(scope="module")
def plant(serve_for_all: Any) -> Any:
    return serve_for_all(PLANT)


@pytest.fixture
def peer(plant: Any) -> Iterator[Any]:
    peers: list[Peer] = []

    def connect(listener: str, host: str = "127.0.0.1") -> Peer:
        peers.append(Peer((host, plant.ports[LISTENERS.index(listener)])))
        return peers[-1]

    yield connect
    for one in peers:
        one.socket.close()


def adu(pdu: bytes, unit: int = 1, transaction: int = 7) -> bytes:
    return MbapFramer().build(transaction, unit, pdu)


def value(number: int) -> bytes:
    return b"\x03\x02" + struct.pack(">H", number)


def test_the_endpoints_of_the_ready_line_are_those_of_the_plant_file(plant: Any) -> None:
    schemes = [endpoint.partition("://")[0] for endpoint in plant.endpoints]
    assert schemes == ["udp", "rtu+udp", "ascii+udp", "binary+udp", "udp", "udp", "rtu+udp", "udp", "udp"]
    assert plant.endpoints[0] == f"udp://127.0.0.1:{plant.ports[0]}"
    assert plant.endpoints[4] == f"udp://[::1]:{plant.ports[4]}"


def test_a_request_is_answered(peer: Any) -> None:
    assert peer("unit").ask(adu(READ, 2)) == adu(value(2), 2)


def test_an_unknown_unit_is_told_of_over_mbap_and_left_alone_in_line_framings(peer: Any) -> None:
    assert peer("unit").ask(adu(READ, 9)) == adu(b"\x83\x0b", 9)
    one = peer("rtu")
    one.send(with_crc(b"\x09" + READ))
    assert one.ask(with_crc(b"\x01" + READ)) == with_crc(b"\x01" + value(1))


@pytest.mark.parametrize(("listener", "framer"), [("ascii", AsciiFramer), ("binary", BinaryFramer)])
def test_line_framings_over_datagrams(peer: Any, listener: str, framer: Any) -> None:
    build = framer().build
    assert peer(listener).ask(build(0, 1, READ)) == build(0, 1, value(1))


def test_several_requests_in_one_datagram_are_answered_in_one(peer: Any) -> None:
    one = peer("unit")
    assert one.ask(adu(READ, 1, 1) + adu(READ, 3, 2)) == adu(value(1), 1, 1) + adu(value(3), 3, 2)
    rtu = peer("rtu")
    both = with_crc(b"\x01" + READ) + with_crc(b"\x02" + READ)
    assert rtu.ask(both) == with_crc(b"\x01" + value(1)) + with_crc(b"\x02" + value(2))


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\x00", b"\xff" * 1400, adu(READ)[:-1], bytes.fromhex("0001 0001 0006 01 03 0000 0001")],
    ids=["empty", "short", "long", "cut off", "another protocol"],
)
def test_a_damaged_datagram_does_not_touch_the_next_one(peer: Any, garbage: bytes) -> None:
    stranger, one = peer("unit"), peer("unit")
    stranger.send(garbage)
    assert one.ask(adu(READ)) == adu(value(1))
    stranger.send(adu(READ)[:6])
    stranger.send(adu(READ)[6:])  # two datagrams are never one request
    assert stranger.ask(adu(READ, 2, 9)) == adu(value(2), 2, 9)


def test_what_hangs_on_a_whole_request_is_dropped(peer: Any) -> None:
    one = peer("unit")
    assert one.ask(adu(READ) + b"\x01") == adu(value(1))
    assert one.ask(adu(READ, 2, 9)) == adu(value(2), 2, 9)


@pytest.mark.parametrize("listener", ["rtu", "ascii", "binary"])
def test_noise_in_line_framings_does_not_touch_the_next_datagram(peer: Any, listener: str) -> None:
    build = {"rtu": lambda *frame: with_crc(bytes((frame[1],)) + frame[2]),
             "ascii": AsciiFramer().build, "binary": BinaryFramer().build}[listener]  # fmt: skip
    one = peer(listener)
    request = build(0, 1, READ)
    for noise in (b"\x00", request[:-2], request[:3], b"\xff" * 1400):
        one.send(noise)
        assert one.ask(request) == build(0, 1, value(1))


def test_over_rtu_a_byte_count_that_lies_is_answered_with_exception_3(peer: Any) -> None:
    """The datagram ends the frame, as silence does on a line."""
    assert peer("rtu").ask(with_crc(bytes.fromhex("01 10 0000 0001 09 1234"))) == with_crc(b"\x01\x90\x03")


def test_a_broadcast_is_executed_by_all_and_answered_by_none(peer: Any) -> None:
    one = peer("rtu")
    one.send(with_crc(bytes.fromhex("00 06 0020 1234")))
    for unit in (1, 2, 3):
        answer = one.ask(with_crc(bytes((unit,)) + bytes.fromhex("03 0020 0001")))
        assert answer == with_crc(bytes((unit,)) + value(0x1234))


def test_over_ipv6(peer: Any) -> None:
    assert peer("six", "::1").ask(adu(READ)) == adu(value(1))


def test_devices_are_told_apart_by_the_address_that_was_asked_and_answer_from_it(peer: Any) -> None:
    for last in (1, 5, 8):
        for unit in (1, 2):
            assert peer("virtual", f"127.0.77.{last}").ask(adu(READ, unit)) == adu(
                value(2 * last - 2 + unit), unit
            )
    assert peer("virtual", "127.0.77.9").ask(adu(READ, 2)) == adu(b"\x83\x0b", 2)  # half used


def test_a_broadcast_stays_at_its_address(peer: Any) -> None:
    first, second = peer("line", "127.0.77.1"), peer("line", "127.0.77.2")
    first.send(with_crc(bytes.fromhex("00 06 0020 4321")))
    read = bytes.fromhex("03 0020 0001")
    for unit in (1, 2):
        answer = with_crc(bytes((unit,)) + value(0x4321))
        assert first.ask(with_crc(bytes((unit,)) + read)) == answer
        assert second.ask(with_crc(bytes((unit,)) + read)) == with_crc(bytes((unit,)) + value(0))


def test_an_address_without_a_device_is_silent(peer: Any) -> None:
    stranger = peer("virtual", "127.0.77.10")
    stranger.send(adu(READ))
    with pytest.raises(TimeoutError):
        stranger.receive(SILENCE_S)
    assert peer("virtual", "127.0.77.1").ask(adu(READ)) == adu(value(1))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.99.7"])
def test_listening_everywhere_answers_from_the_address_that_was_asked(peer: Any, host: str) -> None:
    assert peer("everywhere", host).ask(adu(READ)) == adu(value(1))


def test_listening_everywhere_over_ipv6(peer: Any) -> None:
    assert peer("everywhere-six", "::1").ask(adu(READ)) == adu(value(1))


def test_many_at_once_are_all_answered(peer: Any) -> None:
    peers = [peer("unit") for _ in range(50)]
    for round_ in range(20):
        for number, one in enumerate(peers):
            one.send(adu(READ, 1 + number % 3, round_))
        for number, one in enumerate(peers):
            assert one.receive() == adu(value(1 + number % 3), 1 + number % 3, round_)


def test_the_longest_requests_and_answers_fit(peer: Any) -> None:
    one = peer("unit")
    answer = one.ask(adu(bytes.fromhex("03 0064 007D")))
    assert answer[7:9] == b"\x03\xfa"
    write = bytes.fromhex("10 0064 007B F6") + bytes(range(246))
    assert one.ask(adu(write)) == adu(write[:5])
    longest = b":" + (b"01" + write.hex().upper().encode())
    checksum = -sum(b"\x01" + write) & 0xFF
    assert peer("ascii").ask(longest + b"%02X\r\n" % checksum)[:13] == b":01100064007B"


@given(
    garbage=st.lists(st.binary(max_size=600) | st.just(adu(READ)[:9]), min_size=1, max_size=5),
    listener=st.sampled_from(["unit", "rtu", "ascii", "binary", "virtual"]),
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_any_garbage_a_request_is_answered(peer: Any, garbage: list[bytes], listener: str) -> None:
    one = peer(listener, "127.0.77.1" if listener == "virtual" else "127.0.0.1")
    for datagram in garbage:
        one.send(datagram)
    if listener in ("unit", "virtual"):
        request, answer = adu(READ, 1, 0xBEEF), adu(value(1), 1, 0xBEEF)
    else:
        build = {"rtu": RtuFramer, "ascii": AsciiFramer, "binary": BinaryFramer}[listener]().build
        request, answer = build(0, 1, READ), build(0, 1, value(1))
    one.send(request)
    while one.receive() != answer:  # garbage that was a request by chance has its answer, too
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_strangers_are_not_answered(serve: Any, host: str) -> None:
    server = serve(
        f"""limits: {{allow: [127.0.50.0/24]}}
devices: [{{name: box, profile: box, endpoint: "udp://{host}:0"}}]
"""
    )
    one, stranger = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    one.bind(("127.0.50.1", 0))
    stranger.bind(("127.0.51.1", 0))
    for client in (stranger, one):
        client.settimeout(PATIENCE_S)
        client.sendto(adu(READ), ("127.0.0.1", server.ports[0]))
    assert one.recv(100) == adu(value(1))
    stranger.settimeout(SILENCE_S)
    with pytest.raises(TimeoutError):
        stranger.recv(100)
    one.close()
    stranger.close()


def test_tcp_and_udp_share_a_port(serve: Any) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = serve(
        f"""devices:
  - {{name: stream, profile: box, endpoint: "tcp://127.0.0.1:{port}"}}
  - {{name: datagram, profile: box, endpoint: "udp://127.0.0.1:{port}", unit_id: 2}}
"""
    )
    assert server.client(0).ask("03 0000 0001") == "03 02 00 01"
    one = Peer(("127.0.0.1", port))
    assert one.ask(adu(READ, 2)) == adu(value(1), 2)
    one.socket.close()
    assert server.stop() == 0


def test_a_port_that_is_taken_is_told_by_its_endpoint(modsim: Any, tmp_path: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        (tmp_path / "plant.yaml").write_text(
            f'devices: [{{name: x, profile: generic, endpoint: "udp://127.0.0.1:{port}"}}]\n'
        )
        ended = modsim("--config", "plant.yaml")
        checked = modsim("check", "plant.yaml")
    assert ended.returncode == checked.returncode == 69
    assert f"cannot listen on udp://127.0.0.1:{port}: Address already in use" in ended.stderr
    assert f"udp://127.0.0.1:{port}: address already in use" in checked.stderr
