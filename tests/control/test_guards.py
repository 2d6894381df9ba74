"""Who may ask."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from simulator.control.guards import Guard
from simulator.control.refusals import Refusal, TooMany


def asked(token=None, **headers):
    """The status a request with these headers is refused with; None when it is let in."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        Guard(token, Clock().seconds).check(given.get)
    except Refusal as refusal:
        return int(refusal.status)
    return None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "127.0.0.1:8080"}, None), ({"host": "[::1]:8080"}, None), ({"host": "localhost"}, None),
        ({}, 400), ({"host": ""}, 400), ({"host": "evil.example:8080"}, 403), ({"host": "[x"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"host": "127.0.0.1:1", "origin": "http://127.0.0.1:1"}, None),
        ({"host": "127.0.0.1:1", "origin": "http://127.0.0.1:2"}, 403),
        ({"host": "127.0.0.1:1", "origin": "http://evil.example"}, 403),
        ({"host": "127.0.0.1:1", "origin": "https://127.0.0.1:1"}, 403),
        ({"host": "127.0.0.1:1", "origin": "null"}, 403),
        ({"host": "127.0.0.1:1", "sec_fetch_site": "cross-site"}, 403),
        ({"host": "127.0.0.1:1", "sec_fetch_site": "same-site"}, 403),
        ({"host": "127.0.0.1:1", "sec_fetch_site": "same-origin"}, None),
        ({"host": "127.0.0.1:1", "sec_fetch_site": "none"}, None),
    ],
)  # fmt: skip
def test_hosts_and_origins(headers, status):
    assert asked(**headers) == status


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401), ("", 401), ("Bearer", 401), ("Bearer wrong", 401), ("Basic secret-token", 401),
        ("Bearer secret-tokem", 401), ("Bearer sécret", 401), ("Bearer secret-token", None),
        ("bearer secret-token", None),
    ],
)  # fmt: skip
def test_tokens(authorization, status):
    headers = {} if authorization is None else {"authorization": authorization}
    assert asked("secret-token", host="plant.example:8080", **headers) == status


def test_each_address_has_its_rate():
    clock = Clock()
    guard = Guard(None, clock.seconds, rate=10, burst=3)
    for _ in range(3):
        guard.count("a")
    with pytest.raises(TooMany):
        guard.count("a")
    guard.count("b")
    clock.advance(0.2)
    guard.count("a")
    guard.count("a")
    with pytest.raises(TooMany) as refused:
        guard.count("a")
    assert refused.value.headers == {"Retry-After": "1"}


def test_addresses_are_forgotten():
    guard = Guard(None, Clock().seconds)
    for number in range(3000):
        guard.count(str(number))
    assert len(guard._buckets) <= 1024
