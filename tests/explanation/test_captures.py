"""Capture files: formats, link types, TCP put together, responses paired with requests."""

from __future__ import annotations

import contextlib
import ipaddress
import struct

import pytest

from simulator.explanation.captures import Address, Packet, is_capture, read_capture
from simulator.explanation.conversations import Conversations
from simulator.explanation.guessing import Noise

REQUEST = bytes.fromhex("00010000000601030 06b0003".replace(" ", ""))
RESPONSE = bytes.fromhex("000100000009010306022b00000064")
CLIENT, SERVER = Address("10.0.0.1", 40000), Address("10.0.0.2", 502)


def ip_packet(
    source: Address,
    target: Address,
    payload: bytes,
    *,
    sequence: int = 0,
    syn: bool = False,
    udp: bool = False,
) -> bytes:
    if udp:
        body = struct.pack(">HHHH", source.port, target.port, 8 + len(payload), 0) + payload
    else:
        flags = 0x02 if syn else 0x18
        body = (
            struct.pack(">HHIIBBHHH", source.port, target.port, sequence, 0, 0x50, flags, 1024, 0, 0)
            + payload
        )
    ends = [ipaddress.ip_address(source.host), ipaddress.ip_address(target.host)]
    kind = 17 if udp else 6
    if ends[0].version == 6:
        return struct.pack(">IHBB", 6 << 28, len(body), kind, 64) + ends[0].packed + ends[1].packed + body
    return (
        struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, kind, 0)
        + ends[0].packed
        + ends[1].packed
        + body
    )


def ethernet(packet: bytes, vlan: bool = False) -> bytes:
    kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
    return bytes(12) + (b"\x81\x00\x00\x05" if vlan else b"") + kind + packet + bytes(4)


def pcap(frames: list[bytes], *, link: int = 1, order: str = "<", nano: bool = False) -> bytes:
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    part = 1_000_000 if nano else 1000
    records = (struct.pack(order + "IIII", 100, part * i, len(f), len(f)) + f for i, f in enumerate(frames))
    return head + b"".join(records)


def pcapng(frames: list[bytes], *, link: int = 1, order: str = "<") -> bytes:
    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        size = struct.pack(order + "I", 12 + len(body))
        return struct.pack(order + "I", kind) + size + body + size

    section = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    resolution = struct.pack(order + "HHB3x", 9, 1, 9) + bytes(4)
    interface = block(1, struct.pack(order + "HHI", link, 0, 65535) + resolution)
    packets = b""
    for index, frame in enumerate(frames):
        time = 100_000_000_000 + 1_000_000 * index
        packets += block(
            6, struct.pack(order + "IIIII", 0, time >> 32, time & 0xFFFFFFFF, len(frame), len(frame)) + frame
        )
    return section + interface + block(5, bytes(12)) + packets


CONVERSATION = [
    ip_packet(CLIENT, SERVER, REQUEST, sequence=7),
    ip_packet(SERVER, CLIENT, RESPONSE, sequence=9),
]
FILES = {
    "pcap": pcap([ethernet(each) for each in CONVERSATION]),
    "pcap big-endian": pcap([ethernet(each) for each in CONVERSATION], order=">"),
    "pcap nanoseconds": pcap([ethernet(each) for each in CONVERSATION], nano=True),
    "pcap vlan": pcap([ethernet(each, vlan=True) for each in CONVERSATION]),
    "pcap raw": pcap(CONVERSATION, link=101),
    "pcap cooked": pcap([bytes(14) + b"\x08\x00" + each for each in CONVERSATION], link=113),
    "pcap loopback": pcap([struct.pack("<I", 2) + each for each in CONVERSATION], link=0),
    "pcapng": pcapng([ethernet(each) for each in CONVERSATION]),
    "pcapng big-endian": pcapng([ethernet(each) for each in CONVERSATION], order=">"),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_conversation(name):
    assert is_capture(FILES[name])
    capture = read_capture(FILES[name])
    asked, answered = Conversations().read(capture.packets)
    assert (asked.what.direction, answered.what.direction) == ("request", "response")
    assert answered.what.fields[-1].name == "holding register 109"
    assert answered.delay == pytest.approx(0.001, abs=1e-5)
    assert (asked.packet.source, asked.packet.target) == (CLIENT, SERVER)


def test_ipv6_and_udp():
    client, server = Address("fd00::1", 40000), Address("fd00::2", 502)
    data = pcap(
        [
            ethernet(ip_packet(client, server, REQUEST, udp=True)),
            ethernet(ip_packet(server, client, RESPONSE, udp=True)),
        ]
    )
    asked, answered = Conversations().read(read_capture(data).packets)
    assert str(asked.packet.target) == "[fd00::2]:502"
    assert answered.what.problems == ()


def packets(*segments: tuple[Address, int, bytes]) -> list[Packet]:
    return [
        Packet(
            number,
            float(number),
            "tcp",
            source,
            SERVER if source is CLIENT else CLIENT,
            sequence,
            False,
            data,
        )
        for number, (source, sequence, data) in enumerate(segments, 1)
    ]


@pytest.mark.parametrize(
    "segments",
    [
        [(CLIENT, 0, REQUEST[:5]), (CLIENT, 5, REQUEST[5:])],  # cut
        [(CLIENT, 0, REQUEST[:5]), (CLIENT, 8, REQUEST[8:]), (CLIENT, 5, REQUEST[5:8])],  # out of order
        [(CLIENT, 0, REQUEST), (CLIENT, 0, REQUEST)],  # sent twice
        [(CLIENT, 0, REQUEST[:6]), (CLIENT, 2, REQUEST[2:])],  # overlapping
        [(CLIENT, (1 << 32) - 4, REQUEST[:4]), (CLIENT, 0, REQUEST[4:])],  # the sequence number wraps
    ],
)
def test_tcp_is_put_together(segments):
    (seen,) = Conversations().read(packets(*segments))
    assert seen.what.adu.raw == REQUEST


def test_bytes_that_were_not_captured_lose_one_frame_only():
    found = list(Conversations().read(packets((CLIENT, 0, REQUEST[:5]), (CLIENT, 12, REQUEST))))
    assert type(found[0].what) is Noise
    assert found[1].what.adu.raw == REQUEST


def test_a_port_named_is_the_servers_and_leaves_others_out():
    other = Address("10.0.0.2", 60000)
    found = [Packet(1, 0.0, "tcp", CLIENT, other, 0, False, REQUEST), *packets((CLIENT, 0, REQUEST))]
    (seen,) = Conversations([60000]).read(found)
    assert seen.what.direction == "request"
    assert seen.packet.target == other


def test_rtu_over_tcp_is_found():
    rtu = bytes.fromhex("01030000000AC5CD")
    (seen,) = Conversations().read(packets((CLIENT, 0, rtu)))
    assert seen.what.adu.framing == "rtu"


def test_what_is_no_capture_is_refused():
    with pytest.raises(ValueError) as caught:
        read_capture(b"GIF89a")
    assert str(caught.value) == "file begins with 47 49 46 38, expected a pcap or pcapng capture"


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_anywhere_is_no_crash(name):
    data = FILES[name]
    for stop in range(4, len(data)):
        with contextlib.suppress(ValueError):
            assert len(list(Conversations().read(read_capture(data[:stop]).packets))) <= 2


def test_others_are_counted():
    arp = bytes(12) + b"\x08\x06" + bytes(28)
    assert read_capture(pcap([arp, ethernet(CONVERSATION[0])])).others == 1
