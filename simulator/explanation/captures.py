"""Packets of capture files: pcap (all four byte orders and resolutions) and pcapng.

Takes Ethernet (VLAN tags too), raw IP, BSD loopback and Linux "cooked" captures apart down to the payload of
TCP and UDP, over IPv4 and IPv6.  Fragments and all that is no TCP or UDP are left out and counted.
Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng; link types of tcpdump.org.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import Struct, error
from typing import Literal, NamedTuple

_MAGIC = {  # byte order and fractions of a second
    b"\xa1\xb2\xc3\xd4": (">", 1e6),
    b"\xd4\xc3\xb2\xa1": ("<", 1e6),
    b"\xa1\xb2\x3c\x4d": (">", 1e9),
    b"\x4d\x3c\xb2\xa1": ("<", 1e9),
}
_SECTION = b"\x0a\x0d\x0d\x0a"
_INTERFACE, _SIMPLE, _ENHANCED = 1, 3, 6
_VLAN = (0x8100, 0x88A8, 0x9100)
_IPV4, _IPV6, _TCP, _UDP = 0x0800, 0x86DD, 6, 17
_EXTENSIONS = (0, 43, 60)  # IPv6 headers that may stand before TCP: hop by hop, routing, destination
_MAX_BLOCK = 1 << 24


class Address(NamedTuple):
    """One end of a conversation."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Packet:
    """A TCP segment or UDP datagram.  ``number`` counts all packets of the file from 1, as other tools do."""

    number: int
    time: float  # seconds since 1970; 0 where the file has no times
    transport: Literal["tcp", "udp"]
    source: Address
    target: Address
    sequence: int  # TCP sequence number of the first byte; 0 for UDP
    syn: bool
    payload: bytes


@dataclass(slots=True)
class Capture:
    """A capture file: its packets of TCP and UDP, and how many others it has."""

    packets: list[Packet]
    others: int = 0


def is_capture(data: bytes) -> bool:
    """True for what begins as a pcap or pcapng file does."""
    return data[:4] in _MAGIC or data[:4] == _SECTION


def read_capture(data: bytes) -> Capture:
    """The packets of a file; ValueError when it is no capture or of a kind that is not understood."""
    if data[:4] in _MAGIC:
        records = _pcap(data)
    elif data[:4] == _SECTION:
        records = _pcapng(data)
    else:
        raise ValueError(f"file begins with {data[:4].hex(' ')}, expected a pcap or pcapng capture")
    capture = Capture([])
    for number, (link, time, frame) in enumerate(records, 1):
        packet = _packet(number, time, link, frame)
        if packet is None:
            capture.others += 1
        else:
            capture.packets.append(packet)
    return capture


def _pcap(data: bytes) -> Iterator[tuple[int, float, bytes]]:
    order, fraction = _MAGIC[data[:4]]
    if len(data) < 24:
        raise ValueError(f"header is {len(data)} bytes, expected 24")
    link = Struct(order + "I").unpack_from(data, 20)[0] & 0xFFFF
    record = Struct(order + "IIII")
    offset = 24
    while offset + record.size <= len(data):
        seconds, part, size, _ = record.unpack_from(data, offset)
        offset += record.size
        yield link, seconds + part / fraction, data[offset : offset + size]
        offset += size


def _pcapng(data: bytes) -> Iterator[tuple[int, float, bytes]]:
    order = "<"
    links: list[tuple[int, float]] = []
    offset = 0
    while offset + 12 <= len(data):
        if data[offset : offset + 4] == _SECTION:
            order = ">" if data[offset + 8 : offset + 12] == b"\x1a\x2b\x3c\x4d" else "<"
            links = []
        kind, size = Struct(order + "II").unpack_from(data, offset)
        if not 12 <= size <= _MAX_BLOCK:
            raise ValueError(f"block at byte {offset} is {size} bytes, expected 12 to {_MAX_BLOCK}")
        body = data[offset + 8 : offset + size - 4]
        if kind == _INTERFACE and len(body) >= 8:
            links.append((Struct(order + "H").unpack_from(body)[0], _resolution(order, body[8:])))
        elif kind == _ENHANCED and len(body) >= 20:
            number, high, low, taken, _ = Struct(order + "IIIII").unpack_from(body)
            link, unit = links[number] if number < len(links) else (1, 1e-6)
            yield link, (high << 32 | low) * unit, body[20 : 20 + taken]
        elif kind == _SIMPLE and len(body) >= 4:
            yield links[0][0] if links else 1, 0.0, body[4:]
        offset += size


def _resolution(order: str, options: bytes) -> float:
    """Seconds in a unit of time: option ``if_tsresol``, microseconds without."""
    head = Struct(order + "HH")
    offset = 0
    while offset + 4 <= len(options):
        code, size = head.unpack_from(options, offset)
        if code == 0:
            break
        if code == 9 and size == 1 and offset + 4 < len(options):
            value = options[offset + 4]
            return float(2.0 ** -(value & 0x7F)) if value & 0x80 else float(10.0**-value)
        offset += 4 + (size + 3 & ~3)
    return 1e-6


def _packet(number: int, time: float, link: int, frame: bytes) -> Packet | None:
    try:
        internet = _LINKS[link](frame) if link in _LINKS else b""
        return _internet(number, time, internet)
    except (error, IndexError):  # cut short when it was captured
        return None


def _ethernet(frame: bytes) -> bytes:
    kind, offset = int.from_bytes(frame[12:14], "big"), 14
    while kind in _VLAN:
        kind, offset = int.from_bytes(frame[offset + 2 : offset + 4], "big"), offset + 4
    return frame[offset:] if kind in (_IPV4, _IPV6) else b""


_LINKS: dict[int, Callable[[bytes], bytes]] = {
    0: lambda frame: frame[4:],  # BSD loopback
    1: _ethernet,
    12: lambda frame: frame,  # raw IP, and its other numbers
    14: lambda frame: frame,
    101: lambda frame: frame,
    108: lambda frame: frame[4:],
    113: lambda frame: frame[16:],  # Linux cooked
    228: lambda frame: frame,
    229: lambda frame: frame,
    276: lambda frame: frame[20:],  # Linux cooked, version 2
}


def _internet(number: int, time: float, data: bytes) -> Packet | None:
    if not data:
        return None
    if data[0] >> 4 == 4:
        size, total, fragment, kind = data[0] % 16 * 4, data[2:4], data[6:8], data[9]
        if int.from_bytes(fragment, "big") & 0x3FFF:
            return None
        ends = str(ipaddress.IPv4Address(data[12:16])), str(ipaddress.IPv4Address(data[16:20]))
        stop = int.from_bytes(total, "big") or len(data)
        return _transport(number, time, kind, ends, data[size:stop])
    if data[0] >> 4 == 6 and len(data) >= 40:
        kind, offset, stop = data[6], 40, 40 + int.from_bytes(data[4:6], "big")
        ends = str(ipaddress.IPv6Address(data[8:24])), str(ipaddress.IPv6Address(data[24:40]))
        while kind in _EXTENSIONS:
            kind, offset = data[offset], offset + 8 + 8 * data[offset + 1]
        return _transport(number, time, kind, ends, data[offset : stop if stop > 40 else None])
    return None


def _transport(number: int, time: float, kind: int, ends: tuple[str, str], data: bytes) -> Packet | None:
    if kind not in (_TCP, _UDP):
        return None
    ports = Struct(">HH").unpack_from(data)
    source, target = Address(ends[0], ports[0]), Address(ends[1], ports[1])
    if kind == _UDP:
        stop = int.from_bytes(data[4:6], "big") or len(data)
        return Packet(number, time, "udp", source, target, 0, False, data[8:stop])
    sequence = int.from_bytes(data[4:8], "big")
    return Packet(
        number, time, "tcp", source, target, sequence, bool(data[13] & 0x02), data[(data[12] >> 4) * 4 :]
    )
