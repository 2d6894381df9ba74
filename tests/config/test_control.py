"""``control`` of a plant file: addresses, tokens, what is refused."""

from __future__ import annotations

import pytest

from simulator.cli.api import settings_of
from simulator.config.control import ControlSettings, parse_address
from simulator.config.loader import parse_plant
from simulator.errors import ConfigError

DEVICES = '\ndevices: [{name: d, profile: generic, endpoint: "tcp://127.0.0.1:5020"}]\n'


def control(text, **environ):
    return parse_plant(f"control: {text}{DEVICES}", environ=environ).control


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{http: 127.0.0.1:8080}", ControlSettings("127.0.0.1", 8080)),
        ("{http: 127.8.0.1:0}", ControlSettings("127.8.0.1", 0)),
        ('{http: "[::1]:80"}', ControlSettings("::1", 80)),
        ("{http: 0.0.0.0:80, token: long-enough}", ControlSettings("0.0.0.0", 80, "long-enough")),
        ('{http: 127.0.0.1:80, token: "${MODSIM_TOKEN:-}"}', ControlSettings("127.0.0.1", 80)),
    ],
)
def test_where_the_api_is(text, expected):
    assert control(text) == expected


def test_without_control_there_is_no_api():
    assert parse_plant(DEVICES).control is None


def test_a_token_may_come_from_the_environment():
    assert control('{http: 127.0.0.1:80, token: "${T}"}', T="from-outside").token == "from-outside"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "http is missing"),
        ("5", "control is 5, expected"),
        ("{http: 8080}", "http is 8080, expected an IP address and a port"),
        ("{http: localhost:8080}", "http is 'localhost:8080', expected an IP address and a port"),
        ("{http: 127.0.0.1}", "http is '127.0.0.1', expected an IP address and a port"),
        ("{http: 127.0.0.1:65536}", "expected a port from 0 to 65535"),
        ("{http: 127.0.0.1:-1}", "expected a port from 0 to 65535"),
        ("{http: 0.0.0.0:80}", "http is 0.0.0.0, which others can reach, expected a token"),
        ('{http: "[::]:80", token: ""}', "http is ::, which others can reach, expected a token"),
        ("{http: 192.0.2.1:80}", "http is 192.0.2.1, which others can reach, expected a token"),
        ("{http: 127.0.0.1:80, token: short}", "expected 8 printable ASCII characters or more"),
        ("{http: 127.0.0.1:80, token: 12345678}", "token is 12345678, expected 8 printable"),
        ("{http: 127.0.0.1:80, htpp: 1}", "unknown key 'htpp'"),
        ("{http: 127.0.0.1:80, console: 127.0.0.1:8022}", "control.console: not supported by this version"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(ConfigError) as caught:
        control(text)
    assert message in str(caught.value)
    assert "short" not in str(caught.value).replace("shorter", "")


def test_the_flag_goes_before_the_file_and_needs_a_token_too():
    config = parse_plant(f"control: {{http: 127.0.0.1:80, token: of-the-file}}{DEVICES}")
    bare = parse_plant(DEVICES)
    here = parse_address("127.0.0.1:0")
    assert settings_of(config, None, {}) == config.control
    assert settings_of(config, here, {"MODSIM_TOKEN": "other-token"}).token == "of-the-file"
    assert settings_of(bare, here, {"MODSIM_TOKEN": "other-token"}).token == "other-token"
    assert settings_of(bare, here, {}) == ControlSettings("127.0.0.1", 0)
    assert settings_of(bare, None, {"MODSIM_TOKEN": "other-token"}) is None
    with pytest.raises(ValueError, match="which others can reach"):
        settings_of(bare, parse_address("0.0.0.0:80"), {})
    with pytest.raises(ValueError, match="MODSIM_TOKEN: token is a text"):
        settings_of(bare, here, {"MODSIM_TOKEN": "short"})
