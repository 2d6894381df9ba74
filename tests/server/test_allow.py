"""Allow lists: clients from elsewhere are closed at once, or their datagrams dropped; both are counted."""

from __future__ import annotations

import socket

import pytest
from twisted.internet.address import IPv4Address, IPv6Address

from simulator.config.allow import AllowList, parse_network
from simulator.server.factory import ModbusServerFactory

READ = "03 0000 0001"
ONE = "03 02 00 01"
ASK_S = 0.2  # how long nothing is waited for


def admits(networks: str, host: str) -> bool:
    return AllowList(map(parse_network, networks.split())).admits(host)


@pytest.mark.parametrize(
    ("networks", "host", "admitted"),
    [
        ("127.0.0.0/8", "127.0.0.1", True),
        ("127.0.0.0/8", "128.0.0.1", False),
        ("192.0.2.17", "192.0.2.17", True),
        ("192.0.2.17", "192.0.2.18", False),
        ("10.0.0.0/8 192.0.2.0/24", "192.0.2.255", True),
        ("fd00::/8", "fd12::1", True),
        ("fd00::/8", "fe80::1%eth0", False),
        ("fe80::/10", "fe80::1%eth0", True),
        ("fd00::/8", "127.0.0.1", False),
        ("127.0.0.0/8", "::1", False),
        ("127.0.0.0/8", "::ffff:127.0.0.1", True),  # an IPv4 client on an IPv6 socket
        ("0.0.0.0/0", "203.0.113.9", True),
        ("127.0.0.0/8", "", False),
    ],
)
def test_who_is_in_the_networks(networks, host, admitted):
    assert admits(networks, host) is admitted
    both = AllowList(map(parse_network, networks.split()))
    assert [both.admits(host), both.admits(host)] == [admitted] * 2


def test_lists_with_the_same_networks_are_equal():
    one, other = parse_network("10.0.0.0/8"), parse_network("fd00::/8")
    assert AllowList([one, other]) == AllowList([other, one])
    assert hash(AllowList([one, other])) == hash(AllowList([other, one]))
    assert AllowList([one]) != AllowList([one, other])


def test_a_factory_refuses_strangers_and_counts_them():
    factory = ModbusServerFactory({}, allow=AllowList([parse_network("192.0.2.0/24")]))
    assert factory.buildProtocol(IPv4Address("TCP", "192.0.2.1", 4000)) is not None
    assert factory.buildProtocol(IPv4Address("TCP", "198.51.100.1", 4000)) is None
    assert factory.buildProtocol(IPv6Address("TCP", "::1", 4000)) is None
    assert factory.refused == 2


PLANT = """
limits: {allow: [127.0.0.1, "::1"]}
devices:
  - {name: plant, profile: box, endpoint: "tcp://127.0.0.1:0"}
  - {name: own, profile: box, endpoint: "tcp://127.0.0.1:0", allow: [127.0.0.9/32, 10.0.0.0/8]}
  - {name: six, profile: box, endpoint: "tcp://[::1]:0"}
  - {name: four-only, profile: box, endpoint: "tcp://[::1]:0", allow: [127.0.0.0/8]}
  - {name: udp, profile: box, endpoint: "udp://127.0.0.1:0"}
  - {name: "virtual-{n}", profile: box, endpoint: "udp://127.0.77.1-127.0.77.3:0"}
  - {name: rtu, profile: box, endpoint: "rtu+tcp://127.0.0.1:0"}
"""


@pytest.fixture(scope="module")
def guarded(serve_for_all):
    return serve_for_all(PLANT)


STRANGER = ("127.0.0.9", 0)


def test_the_list_of_the_plant(guarded):
    assert guarded.client(0).ask(READ) == ONE
    stranger = guarded.client(0, source_address=STRANGER)
    assert stranger.rest() == b""
    assert guarded.client(0).ask(READ) == ONE


def test_the_list_of_a_group_stands_in_place_of_the_plants(guarded):
    assert guarded.client(1, source_address=STRANGER).ask(READ) == ONE
    assert guarded.turns_away(1)


def test_networks_of_ipv6(guarded):
    assert guarded.client(2, "::1").ask(READ) == ONE
    assert guarded.turns_away(3, "::1")


def test_line_framings_over_tcp(guarded):
    assert guarded.client(6, source_address=STRANGER).rest() == b""


@pytest.mark.parametrize(("listener", "host"), [(4, "127.0.0.1"), (5, "127.0.77.2")])
def test_datagrams_of_strangers_are_dropped(guarded, adu, listener, host):
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as friend,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
    ):
        stranger.bind(STRANGER)
        for each in (stranger, friend):
            each.settimeout(30)
            for _ in range(3):
                each.sendto(adu("03 0001 0001"), (host, guarded.ports[listener]))
        assert [friend.recv(300) for _ in range(3)] == [adu("03 02 1111")] * 3
        stranger.settimeout(ASK_S)
        with pytest.raises(TimeoutError):
            stranger.recv(300)


def test_the_list_holds_behind_a_gateway_and_with_quirks(serve):
    server = serve(
        'devices: [{name: a, profile: box, endpoint: "tcp://127.0.0.1:0", allow: [127.0.0.1], '
        "quirks: {close_after: 9}, gateway: {baudrate: 115200}}]\n"
    )
    assert server.client().ask(READ) == ONE
    assert server.client(source_address=STRANGER).rest() == b""
