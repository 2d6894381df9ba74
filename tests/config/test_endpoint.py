"""Endpoints: addresses and ports as numbers; what cannot be listened on is refused."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from simulator.config.endpoint import format_endpoint, format_host, parse_endpoint


@pytest.mark.parametrize(
    ("text", "first", "last", "ports"),
    [
        ("tcp://127.0.0.1:5020", "127.0.0.1", "127.0.0.1", ((5020, 5020),)),
        ("tcp://127.0.0.1", "127.0.0.1", "127.0.0.1", ((502, 502),)),
        ("tcp://localhost:1", "127.0.0.1", "127.0.0.1", ((1, 1),)),
        ("TCP://127.0.0.1:5020", "127.0.0.1", "127.0.0.1", ((5020, 5020),)),
        ("tcp://127.0.0.1:20001-21000", "127.0.0.1", "127.0.0.1", ((20001, 21000),)),
        ("tcp://127.0.0.1:1-3,7", "127.0.0.1", "127.0.0.1", ((1, 3), (7, 7))),
        ("tcp://127.64.0.0/12:502", "127.64.0.1", "127.79.255.254", ((502, 502),)),
        ("tcp://10.0.0.0/30:502", "10.0.0.1", "10.0.0.2", ((502, 502),)),
        ("tcp://10.0.0.0/31:502", "10.0.0.0", "10.0.0.1", ((502, 502),)),
        ("tcp://10.0.0.7/32:502", "10.0.0.7", "10.0.0.7", ((502, 502),)),
        ("tcp://127.0.1.250-127.0.2.5:502", "127.0.1.250", "127.0.2.5", ((502, 502),)),
        ("tcp://[::1]:5020", "::1", "::1", ((5020, 5020),)),
        ("tcp://[::1]", "::1", "::1", ((502, 502),)),
        ("tcp://[fd00::/126]:502", "fd00::", "fd00::3", ((502, 502),)),
        ("tcp://[fd00::1-fd00::ff]:502", "fd00::1", "fd00::ff", ((502, 502),)),
    ],
)
def test_addresses_and_ports(text: str, first: str, last: str, ports: object) -> None:
    endpoint = parse_endpoint(text)
    assert endpoint.first_ip == int(ip_address(first))
    assert endpoint.last_ip == int(ip_address(last))
    assert endpoint.ipv6 == (":" in first)
    assert endpoint.ports == ports
    assert endpoint.addresses == int(ip_address(last)) - int(ip_address(first)) + 1
    assert not endpoint.everywhere
    assert not endpoint.free_port


@pytest.mark.parametrize("text", ["tcp://0.0.0.0:502", "tcp://[::]:502"])
def test_the_unspecified_address_is_one_place_that_listens_everywhere(text: str) -> None:
    endpoint = parse_endpoint(text)
    assert endpoint.everywhere
    assert endpoint.addresses == 1


def test_port_0_is_a_free_port() -> None:
    endpoint = parse_endpoint("tcp://127.0.0.1:0")
    assert endpoint.free_port
    assert endpoint.port_count == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("127.0.0.1:502", "endpoint is '127.0.0.1:502', expected an endpoint such as tcp://127.0.0.1:5020"),
        ("", "endpoint is '', expected an endpoint such as tcp://127.0.0.1:5020"),
        (
            "tpc://127.0.0.1:502",
            "unknown scheme 'tpc', expected tcp, udp, tls, rtu+tcp, ascii+tcp, binary+tcp, rtu+udp, ascii+udp, binary+udp, rtu, ascii or binary; did you mean 'tcp'?",
        ),
        ("tcp:127.0.0.1:502", "endpoint is 'tcp:127.0.0.1:502', expected // behind tcp:"),
        (
            "tcp://127.0.0.1:502?x=1",
            "endpoint 'tcp://127.0.0.1:502?x=1' has options behind ?, expected none for tcp://",
        ),
        (
            "tcp://plc.example:502",
            "address is 'plc.example' in 'tcp://plc.example:502', expected an IPv4 address such as 127.0.0.1",
        ),
        (
            "tcp://127.0.0.256:502",
            "address is '127.0.0.256' in 'tcp://127.0.0.256:502', expected an IPv4 address such as 127.0.0.1",
        ),
        (
            "tcp://127.0.0.1-9:502",
            "address is '9' in 'tcp://127.0.0.1-9:502', expected an IPv4 address such as 127.0.0.1",
        ),
        (
            "tcp://127.0.0.9-127.0.0.1:502",
            "address range 127.0.0.9-127.0.0.1 runs backwards, expected the lower address first",
        ),
        (
            "tcp://0.0.0.0-0.0.0.9:502",
            "address range 0.0.0.0-0.0.0.9 begins at the unspecified address, expected another one",
        ),
        (
            "tcp://127.0.0.0/33:502",
            "network is '127.0.0.0/33' in 'tcp://127.0.0.0/33:502', expected one such as 127.64.0.0/12",
        ),
        (
            "tcp://127.0.0.1/24:502",
            "network 127.0.0.1/24 has bits set behind its prefix, expected 127.0.0.0/24",
        ),
        (
            "tcp://[fd00::/200]:502",
            "network is 'fd00::/200' in 'tcp://[fd00::/200]:502', expected one such as fd00::/112",
        ),
        (
            "tcp://::1:502",
            "endpoint is 'tcp://::1:502', expected an IPv6 address in brackets, such as tcp://[::1]:5020",
        ),
        ("tcp://[::1:502", "endpoint is 'tcp://[::1:502', expected an IPv6 address in brackets and a port"),
        ("tcp://[::1]502", "endpoint is 'tcp://[::1]502', expected an IPv6 address in brackets and a port"),
        (
            "tcp://[127.0.0.1]:502",
            "address is '127.0.0.1' in 'tcp://[127.0.0.1]:502', expected an IPv6 address such as ::1",
        ),
        (
            "tcp://[fe80::1%eth0]:502",
            "address is 'fe80::1%eth0' in 'tcp://[fe80::1%eth0]:502', expected an IPv6 address such as ::1",
        ),
        ("tcp://127.0.0.1:", "port is '', expected a number or a range such as 1-3,5"),
        ("tcp://127.0.0.1:http", "port is 'http', expected a number or a range such as 1-3,5"),
        ("tcp://127.0.0.1:65536", "port is 65536, expected 0 to 65535"),
        ("tcp://127.0.0.1:65530-65540", "port is 65540, expected 0 to 65535"),
        ("tcp://127.0.0.1:21000-20001", "port 21000-20001 runs backwards, expected 20001-21000"),
        ("tcp://127.0.0.1:0-5", "port is 0-5, expected 0 alone or 1 to 65535"),
        (
            "tcp://224.0.0.1:502",
            "address 224.0.0.1 is one of many receivers, expected one of a single machine",
        ),
        (
            "udp://255.255.255.255:502",
            "address 255.255.255.255 is one of many receivers, expected one of a single machine",
        ),
        (
            "tcp://[ff02::1-ff02::5]:502",
            "address ff02::1 is one of many receivers, expected one of a single machine",
        ),
        ("tcp://127.0.0.1:1-5,3", "port 3 is listed twice in 1-5,3, expected it once"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        parse_endpoint(text)
    assert str(caught.value) == message


def test_numbers_are_written_as_addresses() -> None:
    assert format_endpoint(int(IPv4Address("127.0.0.1")), False, 5020) == "tcp://127.0.0.1:5020"
    assert format_endpoint(int(IPv6Address("::1")), True, 5020) == "tcp://[::1]:5020"
    assert format_host(0, True) == "::"
    assert format_host(0, False) == "0.0.0.0"
