"""What holds a port, and the advice for each reason an address cannot be bound."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from simulator.cli import exits
from simulator.cli.sockets import bind_advice, holder_of, local_route
from simulator.errors import BindError, ConfigError, Problem


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_the_holder_of_a_port_is_named_with_its_command(taken, host):
    assert holder_of(host, taken).startswith(f"pid {os.getpid()} (")


def test_another_address_is_not_in_the_way(taken):
    assert holder_of("127.0.0.2", taken) == ""


def test_a_listener_everywhere_is_in_the_way_of_every_address():
    with socket.create_server(("0.0.0.0", 0)) as server:
        assert holder_of("127.0.0.9", server.getsockname()[1]).startswith("pid ")


def test_ipv6_holders_are_found():
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        assert holder_of("::1", server.getsockname()[1]).startswith("pid ")


def test_holders_of_datagram_ports_are_found():
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        endpoint = f"rtu+udp://127.0.0.1:{server.getsockname()[1]}"
        assert f"held by pid {os.getpid()} (" in bind_advice(endpoint, errno.EADDRINUSE)
        assert bind_advice(endpoint.replace("udp", "tcp"), errno.EADDRINUSE) == ""


def test_a_serial_line_has_no_advice():
    assert bind_advice("rtu:/dev/ttyUSB0?baudrate=9600", errno.ENOENT) == ""


def test_a_free_port_has_no_holder(taken):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening
        assert holder_of("127.0.0.1", unused.getsockname()[1]) == ""


def test_a_forbidden_port_brings_a_port_to_choose_instead():
    text = bind_advice("tcp://127.0.0.1:502", errno.EACCES)
    assert "need permission: choose another port, such as 5020" in text


def test_a_strange_address_brings_the_command_that_makes_it_local():
    assert "ip route add local 198.51.100.7/32 dev lo" in bind_advice(
        "tcp://198.51.100.7:502", errno.EADDRNOTAVAIL
    )
    assert local_route("fd00::/112") == "ip -6 route add local fd00::/112 dev lo"


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (BindError("tcp://127.0.0.1:502", errno.EACCES, "permission denied"), 77, "such as 5020"),
        (
            BindError("tcp://[::1]:1", errno.EADDRINUSE, "address in use"),
            69,
            "cannot listen on tcp://[::1]:1",
        ),
        (BindError("somewhere", errno.EIO, "broken"), 69, "cannot listen on somewhere: broken"),
        (
            ConfigError([Problem("a.yaml", 1, 2, "b", "wrong")]),
            78,
            "a.yaml:1:2: b: wrong\n1 problem",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "r.json"), 77, "r.json: Permission denied"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "No space left"),
        (KeyError("x"), 1, "KeyError: 'x'"),
    ],
)
def test_every_exception_has_its_exit_code_and_its_text(error, code, words):
    number, text = exits.explain(error)
    assert number == code
    assert words in text
