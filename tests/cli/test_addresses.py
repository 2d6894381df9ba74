"""Which addresses are local, and the networks that describe those that are not."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from simulator.cli.addresses import local_ranges, networks, not_local


def number(text: str) -> int:
    return int(ip_address(text))


def span(first: str, last: str) -> tuple[int, int]:
    return number(first), number(last) + 1


def test_the_whole_loopback_network_is_local():
    assert not_local([span("127.0.0.1", "127.255.255.254")], ipv6=False) == ()
    assert not_local([span("::1", "::1")], ipv6=True) == ()


def test_addresses_for_documentation_are_not_local():
    wanted = [span("198.51.100.10", "198.51.100.20"), span("198.51.100.21", "198.51.100.30")]
    assert not_local(wanted, ipv6=False) == (span("198.51.100.10", "198.51.100.30"),)
    assert not_local([span("2001:db8::1", "2001:db8::f")], ipv6=True) == (span("2001:db8::1", "2001:db8::f"),)


def test_only_the_part_that_is_not_local_is_missing():
    wanted = [span("126.255.255.0", "128.0.0.9")]
    assert not_local(wanted, ipv6=False) == (
        span("126.255.255.0", "126.255.255.255"),
        span("128.0.0.0", "128.0.0.9"),
    )


def test_local_ranges_are_sorted_and_disjoint():
    for ipv6 in (False, True):
        ranges = local_ranges(ipv6=ipv6)
        ends = [end for pair in ranges for end in pair]
        assert ends == sorted(set(ends))


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("10.0.0.1", "10.0.0.254", ["10.0.0.0/24"]),  # the hosts of a network
        ("10.64.0.1", "10.79.255.254", ["10.64.0.0/12"]),
        ("10.0.0.5", "10.0.0.5", ["10.0.0.5/32"]),
        ("10.0.0.4", "10.0.0.7", ["10.0.0.4/30"]),
        ("10.0.0.4", "10.0.0.8", ["10.0.0.4/30", "10.0.0.8/32"]),
        ("fd00::", "fd00::ff", ["fd00::/120"]),
        ("fd00::1", "fd00::1", ["fd00::1/128"]),
    ],
)
def test_a_range_as_networks(first, last, expected):
    start, stop = span(first, last)
    assert networks(start, stop, ipv6=":" in first) == expected
