"""Addresses as SunSpec keeps them in registers: ``ipaddr``, ``ipv6addr``, ``eui48`` (SunSpec Information
Model Specification 1.9, data types).

An IPv4 address takes two registers, an IPv6 address eight, an EUI-48 four of which the first is unused.
"""

from __future__ import annotations

import re

SIZES = {"ipaddr": 4, "ipv6addr": 16, "eui48": 8}  # bytes
_EXAMPLES = {"ipaddr": "192.0.2.10", "ipv6addr": "2001:db8::1", "eui48": "00:11:22:33:44:55"}
_EUI48 = re.compile(r"[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}", re.ASCII)


def pack(kind: str, text: object) -> bytes:
    """The wire bytes of an address; ``ValueError`` when the text is none."""
    from ipaddress import IPv4Address, IPv6Address  # here: few need addresses

    try:
        if not isinstance(text, str):
            raise ValueError
        if kind == "eui48":
            if not _EUI48.fullmatch(text):
                raise ValueError
            return b"\0\0" + bytes.fromhex(text.replace("-", ":").replace(":", ""))
        return (IPv4Address if kind == "ipaddr" else IPv6Address)(text).packed
    except ValueError:
        expected = f"expected one such as {_EXAMPLES[kind]}"
        raise ValueError(f"{kind} is given no address, got {text!r}, {expected}") from None


def unpack(kind: str, data: bytes) -> str:
    """The text of an address."""
    if kind == "eui48":
        return data[2:].hex(":")
    from ipaddress import IPv4Address, IPv6Address

    return str(IPv4Address(data) if kind == "ipaddr" else IPv6Address(data))
