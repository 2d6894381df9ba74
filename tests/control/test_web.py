"""The API as clients meet it, above all those that mean no good: each gets a clear 4xx, the plant is untouched."""

from __future__ import annotations

import http.client
import json
import socket

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.testing import StringTransport

from simulator.control.context import Control
from simulator.control.guards import Guard
from simulator.control.web import MAX_BODY, MAX_CLIENTS, PATIENCE_S, ApiSite
from simulator.remote import RemoteError

JSON = {"Content-Type": "application/json"}
WRITE = "/api/v1/points/write"


def ask(live, method, path, body=None, headers=None):
    """(status, headers, JSON) of one request on a connection of its own."""
    host = live.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=20)
    try:
        content = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        connection.request(method, path, content, {**(JSON if body is not None else {}), **(headers or {})})
        response = connection.getresponse()
        return response.status, response.headers, json.loads(response.read())
    finally:
        connection.close()


def test_a_value_written_over_the_api_is_read_over_modbus(live, ask_modbus):
    live.remote.write("a-2", {"level": 33.3})
    port = int(live.remote.show("a-2")["device"]["endpoint"].rpartition(":")[2])
    assert ask_modbus(port, "03 00 00 00 01", unit=2) == "03 02 01 4d"
    ask_modbus(port, "06 00 00 00 7B", unit=2)
    assert live.remote.read("a-2", "level")["devices"] == [{"device": "a-2", "values": {"level": 12.3}}]


@pytest.fixture(name="ask_modbus")
def ask_modbus_fixture(request):
    return request.getfixturevalue("ask")


def test_an_outage_is_felt_and_over(live, ask_modbus):
    port = int(live.remote.show("b-3")["device"]["endpoint"].rpartition(":")[2])
    assert live.remote.offline("b-3") == {"devices": 1}
    with pytest.raises(ConnectionRefusedError):
        ask_modbus(port, "03 00 00 00 01")
    assert not live.remote.show("b-3")["device"]["online"]
    assert live.remote.status()["offline"] == 1
    live.remote.online("b-3")
    assert ask_modbus(port, "03 00 00 00 01").startswith("03 02")


def test_the_program_says_that_it_lives_and_is_ready(live):
    assert ask(live, "GET", "/healthz")[2] == {"status": "ok"}
    assert ask(live, "GET", "/readyz")[2] == {"status": "ready"}


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", WRITE, b"{", {}, 400),
        ("POST", WRITE, b"[]", {}, 400),
        ("POST", WRITE, b"\xff\xfe", {}, 400),
        ("POST", WRITE, b'{"device": NaN}', {}, 400),
        ("POST", WRITE, b"[" * 100_000, {}, 400),
        ("POST", WRITE, {"device": "nobody", "values": {"level": 1}}, {}, 404),
        ("POST", WRITE, {"device": "a-1", "values": {"nothing": 1}}, {}, 404),
        ("POST", WRITE, {"device": "a-1", "values": {"level": 51}}, {}, 422),
        ("POST", WRITE, {"device": "a-1", "values": {"level": "much"}}, {}, 422),
        ("POST", WRITE, {"device": "a-1", "values": {"level": 10**400}}, {}, 400),
        ("POST", WRITE, {"device": 1, "values": {"level": 1}}, {}, 422),
        ("POST", WRITE, {"device": "a-1", "values": {"level": 1}, "hold": -1}, {}, 422),
        ("POST", WRITE, {"device": "a-1", "values": {"level": 1}, "hlod": 1}, {}, 422),
        ("POST", WRITE, {"device": "a-1"}, {}, 422),
        ("POST", WRITE, {}, {}, 422),
        ("POST", WRITE, {"device": "a-1", "values": {"level": 1}}, {"Content-Type": "text/plain"}, 415),
        (
            "POST", WRITE, b"device=a-1", {"Content-Type": "application/x-www-form-urlencoded"}, 415,
        ),
        ("POST", WRITE, {"device": "a-1", "values": {"level": 1}}, {"Origin": "http://evil.example"}, 403),
        ("POST", WRITE, {"device": "a-1", "values": {"level": 1}}, {"Host": "evil.example"}, 403),
        ("POST", WRITE, {"device": "a-1", "values": {"level": 1}}, {"Sec-Fetch-Site": "cross-site"}, 403),
        ("POST", WRITE, b'"' + b"x" * (MAX_BODY + 1), {}, 413),
        ("GET", "/api/v1/devices?limit=501", None, {}, 422),
        ("GET", "/api/v1/devices?limit=x", None, {}, 422),
        ("GET", "/api/v1/devices?limit=1&limit=2", None, {}, 422),
        ("GET", "/api/v1/devices?nmae=x", None, {}, 422),
        ("GET", "/api/v1/devices?name=%FF", None, {}, 422),
        ("GET", "/api/v1/devices/%FF", None, {}, 400),
        ("GET", "/api/v1/devices/nobody", None, {}, 404),
        ("GET", "/api/v1/../../etc/passwd", None, {}, 404),
        ("GET", "/api/v1/devices/..%2F..%2Fetc%2Fpasswd", None, {}, 404),
        ("GET", "//etc/passwd", None, {}, 404),
        ("GET", "/", None, {}, 404),
        ("GET", "/api/v1/devices/a-1/tables/coils?address=0", None, {}, 422),
        ("GET", WRITE, None, {}, 405),
        ("DELETE", "/api/v1/plant", None, {}, 405),
        ("TRACE", "/healthz", None, {}, 405),
        ("POST", "/api/v1/time/advance", {"seconds": -1}, {}, 422),
        ("PUT", "/api/v1/time/scale", {"scale": True}, {}, 422),
    ],
)  # fmt: skip
def test_bad_input_is_refused_and_changes_nothing(live, method, path, body, headers, status):
    live.remote.write("a-1", {"level": 12.5})
    got, told, problem = ask(live, method, path, body, headers)
    assert got == status, problem
    assert told["Content-Type"] == "application/problem+json"
    assert problem["status"] == status
    assert "expected" in problem["detail"]
    if status == 405:
        assert told["Allow"]
    assert live.remote.read("a-1", "level")["devices"][0]["values"] == {"level": 12.5}


def test_a_body_in_pieces_is_bounded_too(live):
    host, _, port = live.url.removeprefix("http://").partition(":")
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    head = b"POST " + WRITE.encode() + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(head + piece * 17 + b"0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "data", [b"\x00\x01\x00\x00\x00\x06\x01\x03", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n" * 2]
)
def test_what_is_no_http_ends_its_connection_only(live, data):
    host, _, port = live.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    assert live.remote.status()["devices"] == 11


def test_the_client_raises_what_is_refused_and_goes_on(live):
    with pytest.raises(RemoteError, match="no device is named 'nobody'") as caught:
        live.remote.show("nobody")
    assert caught.value.status == 404
    with pytest.raises(TypeError):
        live.remote.show()
    with pytest.raises(AttributeError, match="no operation 'shwo'"):
        live.remote.shwo("a-1")
    assert live.remote.devices(name="c")["total"] == 1
    name = "a/b ?#%ü"
    with pytest.raises(RemoteError, match="no device is named 'a/b"):
        live.remote.show(name)


class Transport(StringTransport):
    """Knows whether it was aborted."""

    aborted = False

    def abortConnection(self):
        self.aborted = True


def connect(site):
    transport = Transport(peerAddress=IPv4Address("TCP", "127.0.0.1", 1234))
    channel = site.buildProtocol(transport.getPeer())
    if channel is not None:
        channel.makeConnection(transport)
    return channel, transport


@pytest.fixture
def site(hands):
    return ApiSite(Control(hands.plant), Guard(None, hands.clock.seconds), hands.clock)


GET = b"GET /api/v1/plant HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def test_slow_clients_are_cut_off_however_they_trickle(hands, site):
    channel, transport = connect(site)
    for byte in (GET * 10)[: int(PATIENCE_S) - 1]:
        channel.dataReceived(bytes((byte,)))
        hands.clock.advance(1)
    assert not transport.aborted
    hands.clock.advance(1)
    assert transport.aborted
    assert site.dropped == 1


def test_who_asks_in_time_stays_and_who_falls_silent_goes(hands, site):
    channel, transport = connect(site)
    for _ in range(3):
        hands.clock.advance(PATIENCE_S - 1)
        channel.dataReceived(GET)
    assert transport.value().count(b"HTTP/1.1 200 OK") == 3
    assert not transport.aborted
    hands.clock.advance(PATIENCE_S)
    assert transport.aborted


def test_there_is_an_end_to_clients(hands, site):
    channels = [connect(site)[0] for _ in range(MAX_CLIENTS)]
    assert connect(site)[0] is None
    from twisted.internet.error import ConnectionDone
    from twisted.python.failure import Failure

    channels[0].connectionLost(Failure(ConnectionDone()))
    assert connect(site)[0] is not None


def test_who_hangs_up_stops_waiting_for_virtual_time(hands, site):
    channel, _ = connect(site)
    body = b'{"seconds": 1000000}'
    channel.dataReceived(
        b"POST /api/v1/time/advance HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    hands.clock.advance(PATIENCE_S * 2)  # waiting for an answer is not being slow
    assert hands.plant.time._goals
    from twisted.internet.error import ConnectionDone
    from twisted.python.failure import Failure

    channel.connectionLost(Failure(ConnectionDone()))
    assert not hands.plant.time._goals


def test_a_plant_that_is_not_open_is_not_ready(site):
    channel, transport = connect(site)
    channel.dataReceived(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert transport.value().startswith(b"HTTP/1.1 503 ")


def test_too_many_requests_are_refused(hands):
    site = ApiSite(Control(hands.plant), Guard(None, hands.clock.seconds, rate=1, burst=2), hands.clock)
    channel, transport = connect(site)
    channel.dataReceived(GET)
    channel.dataReceived(GET)
    channel.dataReceived(GET)
    assert transport.value().count(b"HTTP/1.1 200 OK") == 2
    assert b"HTTP/1.1 429 " in transport.value()
    assert b"Retry-After: 1" in transport.value()
