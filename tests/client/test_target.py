"""URLs of servers and options: what is understood, and what is told about the rest."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.client import AsyncClient, Client, ClientPool, TwistedClient
from simulator.client.target import parse_url


@pytest.mark.parametrize(
    ("url", "framing", "transport", "host", "port"),
    [
        ("tcp://plc.example", "mbap", "tcp", "plc.example", 502),
        ("tcp://127.0.0.1:5020", "mbap", "tcp", "127.0.0.1", 5020),
        ("TLS://[::1]", "mbap", "tls", "::1", 802),
        ("udp://[fd00::5]:7", "mbap", "udp", "fd00::5", 7),
        ("rtu+tcp://gateway:4001", "rtu", "tcp", "gateway", 4001),
        ("ascii+udp://10.0.0.1", "ascii", "udp", "10.0.0.1", 502),
    ],
)
def test_urls(url: str, framing: str, transport: str, host: str, port: int) -> None:
    target = parse_url(url)
    assert (target.framing, target.transport, target.host, target.port) == (framing, transport, host, port)
    assert target.is_line == (framing != "mbap")


def test_serial_urls() -> None:
    line = parse_url("rtu:/dev/ttyUSB0?baudrate=9600&parity=N&stopbits=2").line
    assert line is not None
    assert (line.path, line.baudrate, line.parity, line.stopbits, line.bytesize) == (
        "/dev/ttyUSB0",
        9600,
        "N",
        2,
        8,
    )
    assert parse_url("ascii:/dev/ttyS1").line.bytesize == 7  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("127.0.0.1", "URL is '127.0.0.1', expected one such as tcp://127.0.0.1:502"),
        ("tpc://a", "unknown scheme 'tpc', expected tcp, udp, .* did you mean 'tcp'?"),
        ("tcp:/a", "URL is 'tcp:/a', expected // behind tcp:"),
        ("tcp://", "host is '' in 'tcp://', expected a name or an address such as 127.0.0.1"),
        ("tcp://a:0", "port is '0' in 'tcp://a:0', expected 1 to 65535"),
        ("tcp://a:65536", "port is '65536' in 'tcp://a:65536', expected 1 to 65535"),
        ("tcp://a:1-3", "port is '1-3' in 'tcp://a:1-3', expected 1 to 65535"),
        (
            "tcp://127.0.0.0/8",
            "host is '127.0.0.0/8' in 'tcp://127.0.0.0/8', expected a name or an address such as 127.0.0.1",
        ),
        (
            "tcp://::1:502",
            r"URL is 'tcp://::1:502', expected an IPv6 address in brackets, such as tcp://\[::1\]:502",
        ),
        ("tcp://[::1:502", r"URL is 'tcp://\[::1:502', expected an IPv6 address in brackets and a port"),
        ("rtu://gateway", r"URL is 'rtu://gateway', expected rtu\+tcp:// or rtu\+udp:// for an address, .*"),
        (
            "rtu:pty",
            "serial port is 'pty' in 'rtu:pty', expected the path that the server's ready line shows",
        ),
        (
            "rtu:/dev/ttyS0?baudrat=9600",
            "unknown option 'baudrat', expected baudrate, .* did you mean 'baudrate'?",
        ),
    ],
)
def test_urls_that_make_no_sense(url: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text.replace('?', '[?]')}$"):
        Client(url)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"timout": 1}, "unknown option 'timout', expected timeout, .*; did you mean 'timeout'."),
        ({"timeout": 0}, "timeout is 0, expected more than 0 seconds"),
        ({"connect_timeout": -1}, "connect_timeout is -1, expected more than 0 seconds"),
        ({"retries": -1}, "retries is -1, expected 0 or more"),
        ({"reconnect": -1}, "reconnect is -1, expected 0 or more"),
        ({"in_flight": 0}, "in_flight is 0, expected 1 or more"),
        ({"unit": 256}, "unit id is 256, expected 0 to 255"),
        ({"address_base": 2}, "address_base is 2, expected 0 or 1"),
        ({"ca": "ca.pem"}, "ca is given, expected none: only tls:// has certificates"),
    ],
)
@pytest.mark.parametrize("kind", [Client, AsyncClient, TwistedClient, ClientPool])
def test_options_that_make_no_sense(kind: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}$"):
        kind("tcp://127.0.0.1", **options)


def test_certificates_that_cannot_be_used(tmp_path: Any) -> None:
    (tmp_path / "empty.pem").write_text("")
    with pytest.raises(ValueError, match=r"^ca '.*empty\.pem' cannot be used: "):
        Client("tls://127.0.0.1", ca=str(tmp_path / "empty.pem")).connect()
    with pytest.raises(
        ValueError, match=r"^size is 2 with 'rtu:/dev/ttyS0', expected 1: a serial port is opened once$"
    ):
        ClientPool("rtu:/dev/ttyS0", size=2)


def test_pauses_before_connecting_again_grow_and_vary() -> None:
    options = Client("tcp://a", reconnect_delay=1, reconnect_delay_max=5).options
    for attempt, longest in ((1, 1), (2, 2), (3, 4), (4, 5), (500, 5)):
        delays = {options.delay(attempt) for _ in range(50)}
        assert all(longest / 2 <= delay <= longest for delay in delays)
        assert len(delays) > 1
