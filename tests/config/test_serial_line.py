"""Serial endpoints: a device path or a pseudo-terminal, and the settings of the port."""

from __future__ import annotations

import re

import pytest

from simulator.config.endpoint import parse_endpoint
from simulator.config.serial_line import SerialLine
from simulator.documents.yaml import read_text


def line(text: str) -> SerialLine:
    parsed = parse_endpoint(text).line
    assert parsed is not None
    return parsed


@pytest.mark.parametrize(
    ("text", "settings"),
    [  # baud rate, parity, stop bits, bits of a character, bits of it on the line
        ("rtu:/dev/ttyUSB0", (19200, "E", 1, 8, 11)),
        ("binary:/dev/ttyUSB0", (19200, "E", 1, 8, 11)),
        ("ascii:/dev/ttyUSB0", (19200, "E", 1, 7, 10)),
        ("rtu:/dev/ttyUSB0?baudrate=9600&parity=N", (9600, "N", 1, 8, 10)),
        ("rtu:/dev/ttyUSB0?parity=odd&stopbits=2", (19200, "O", 2, 8, 12)),
        ("ascii:/dev/ttyUSB0?bytesize=8&parity=none", (19200, "N", 1, 8, 10)),
        ("rtu:pty?baudrate=115200", (115200, "E", 1, 8, 11)),
    ],
)
def test_settings_and_their_defaults(text: str, settings: tuple[object, ...]) -> None:
    found = line(text)
    assert (
        found.baudrate,
        found.parity,
        found.stopbits,
        found.bytesize,
        found.character_bits,
    ) == settings


def test_a_device_path() -> None:
    endpoint = parse_endpoint("RTU:/dev/serial/by-id/usb-FTDI_A+B-if00?baudrate=9600")
    assert (endpoint.scheme, endpoint.addresses, endpoint.port_count) == ("rtu", 1, 1)
    assert not endpoint.everywhere
    assert not endpoint.free_port
    assert line(endpoint.text).path == "/dev/serial/by-id/usb-FTDI_A+B-if00"
    assert line("rtu:///dev/ttyUSB0") == line("rtu:/dev/ttyUSB0")


def test_a_pseudo_terminal_is_made_for_each_device_that_needs_one_unless_it_has_a_name() -> None:
    assert parse_endpoint("rtu:pty").free_port
    assert line("rtu:pty").is_pty
    named = parse_endpoint("rtu:pty?link=/tmp/a%20line&baudrate=9600")
    assert not named.free_port
    assert line(named.text).link == "/tmp/a line"
    assert line(named.text).text() == "/tmp/a line?baudrate=9600"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "rtu:ttyUSB0",
            "serial port is 'ttyUSB0' in 'rtu:ttyUSB0', expected the path of a device such as /dev/ttyUSB0, or pty",
        ),
        (
            "rtu:/dev/",
            "serial port is '/dev/' in 'rtu:/dev/', expected the path of a device such as /dev/ttyUSB0, or pty",
        ),
        (
            "rtu://10.0.0.1:502",
            "endpoint is 'rtu://10.0.0.1:502', expected rtu+tcp:// or rtu+udp:// for an address, "
            "or a serial port such as rtu:/dev/ttyUSB0",
        ),
        (
            "rtu:/dev/ttyS0?baud=9600",
            "unknown option 'baud', expected baudrate, parity, stopbits, bytesize or strict_gap; did you mean 'baudrate'?",
        ),
        (
            "rtu:/dev/ttyS0?link=/tmp/x",
            "unknown option 'link', expected baudrate, parity, stopbits, bytesize or strict_gap",
        ),
        ("rtu:/dev/ttyS0?baudrate=fast", "baudrate is fast, expected 50 to 4000000"),
        ("rtu:/dev/ttyS0?baudrate=49", "baudrate is 49, expected 50 to 4000000"),
        ("rtu:/dev/ttyS0?parity=X", "parity is X, expected N, E or O"),
        ("rtu:/dev/ttyS0?stopbits=1.5", "stopbits is 1.5, expected 1 or 2"),
        ("rtu:/dev/ttyS0?strict_gap=yes", "strict_gap is yes, expected true or false"),
        (
            "ascii:/dev/ttyS0?strict_gap=true",
            "strict_gap is true in 'ascii:/dev/ttyS0?strict_gap=true', expected rtu: only its frames end with a silence",
        ),
        ("ascii:/dev/ttyS0?bytesize=9", "bytesize is 9, expected 7 or 8"),
        (
            "rtu:/dev/ttyS0?bytesize=7",
            "bytesize is 7 in 'rtu:/dev/ttyS0?bytesize=7', expected 8: only ascii: fits into 7 bits",
        ),
        ("rtu:pty?link=x", "link is 'x', expected an absolute path such as /tmp/line-1"),
        ("rtu:/dev/ttyS0?", "option is '' in 'rtu:/dev/ttyS0?', expected NAME=VALUE such as baudrate=9600"),
        (
            "rtu:pty?baudrate=9600&baudrate=1200",
            "option 'baudrate' is given twice in 'rtu:pty?baudrate=9600&baudrate=1200', expected it once",
        ),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        parse_endpoint(text)
    assert str(caught.value) == message


def problems(*devices: str) -> list[str]:
    from simulator.config.loader import parse_plant
    from simulator.errors import ConfigError

    text = "devices:\n" + "".join(f"  - {{profile: generic, {device}}}\n" for device in devices)
    assert not read_text(text, file="plant.yaml").problems
    try:
        parse_plant(text, file="plant.yaml")
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []


def test_a_device_cannot_have_the_unit_id_of_everybody_on_a_line() -> None:
    assert problems(
        'name: x, endpoint: "rtu:pty", unit_id: 0', 'name: y, endpoint: "tcp://127.0.0.1:501", unit_id: 0'
    ) == ["plant.yaml:2:63: devices.0.unit_id: unit_id 0 speaks to every device of a line, expected 1 to 255"]


def test_one_port_is_one_line_with_one_kind_of_settings() -> None:
    assert problems(
        'name: a, endpoint: "rtu:/dev/ttyS0?baudrate=9600"',
        'name: b, endpoint: "rtu:/dev/ttyS0?baudrate=9600", unit_id: 2',
        'name: c, endpoint: "rtu:/dev/ttyS0", unit_id: 3',
        'name: d, endpoint: "ascii:/dev/ttyS0?baudrate=9600", unit_id: 4',
        'name: e, endpoint: "rtu:/dev/ttyS1"',
    ) == [
        "plant.yaml:4:43: devices.2.endpoint: endpoint is rtu:/dev/ttyS0 beside rtu:/dev/ttyS0?baudrate=9600 "
        "of devices.0 (plant.yaml:2:5), expected the same scheme and settings",
        "plant.yaml:5:43: devices.3.endpoint: endpoint is ascii:/dev/ttyS0?baudrate=9600 beside "
        "rtu:/dev/ttyS0?baudrate=9600 of devices.0 (plant.yaml:2:5), expected the same scheme and settings",
    ]


def test_two_devices_on_one_place_of_a_line() -> None:
    assert problems(
        'name: "a{n}", endpoint: "rtu:/dev/ttyS0", unit_id: 1-5',
        'name: b, endpoint: "rtu:/dev/ttyS0", unit_id: 3',
    ) == [
        "plant.yaml:3:43: devices.1.endpoint: 'b' is at rtu:/dev/ttyS0 unit id 3, the place of 'a3' "
        "(plant.yaml:2:5), expected a place of its own"
    ]
