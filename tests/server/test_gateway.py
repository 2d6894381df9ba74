"""A gateway: many clients in front of one serial line, seen with a clock in hand and over real sockets."""

from __future__ import annotations

import select
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from simulator.config.gateway import GatewayLine
from simulator.quirks import ConnectionQuirks

sys.path.insert(0, str(Path(__file__).parent))

from fronts_support import Fronted, adu, device

READ = "03 0000 0001"
LINE = GatewayLine(baudrate=9600, timeout=1.0, turnaround=0.005, queue=4)
CHARACTER_S = 11 / 9600
# 8 characters of request, 7 of response, 3.5 of silence behind each, and the device's thinking
ROUND_S = (8 + 3.5) * CHARACTER_S + 0.005 + (7 + 3.5) * CHARACTER_S
TICK_S = 1e-6


def test_an_answer_takes_the_time_of_its_characters():
    served = Fronted(LINE)
    client = served.connect()
    client.dataReceived(adu(READ, transaction=0x4711))
    assert served.after(ROUND_S - TICK_S, client) == b""
    assert served.after(2 * TICK_S, client) == adu("03 02 0001", transaction=0x4711)


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        (GatewayLine(baudrate=9600, turnaround=0), 22 * CHARACTER_S),
        (GatewayLine(baudrate=9600, parity="N", turnaround=0), 22 * 10 / 9600),
        (GatewayLine(baudrate=9600, parity="N", stopbits=2, turnaround=0), 22 * 11 / 9600),
        (GatewayLine(baudrate=115200, turnaround=0), 15 * 11 / 115200 + 2 * 0.00175),  # the silence is fixed
        (GatewayLine(baudrate=9600, turnaround=0.25), 22 * CHARACTER_S + 0.25),
    ],
)
def test_the_speed_of_the_line(line, seconds):
    served = Fronted(line)
    client = served.connect()
    client.dataReceived(adu(READ))
    assert served.after(seconds - TICK_S, client) == b""
    assert served.after(2 * TICK_S, client) == adu("03 02 0001")


def test_one_request_is_on_the_line_at_a_time_whoever_asks():
    served = Fronted(LINE)
    first, second = served.connect(), served.connect()
    first.dataReceived(adu(READ, transaction=1) + adu(READ, 2, transaction=2))
    second.dataReceived(adu(READ, 2, transaction=1))
    assert served.after(ROUND_S + TICK_S, first) == adu("03 02 0001", transaction=1)
    assert served.said(second) == b""
    assert served.after(ROUND_S, second) == adu("03 02 0002", 2, transaction=1)  # in turn
    assert served.said(first) == b""
    assert served.after(ROUND_S, first) == adu("03 02 0002", 2, transaction=2)


def test_a_write_is_carried_out_when_its_last_character_has_arrived():
    served = Fronted(LINE)
    client = served.connect()
    client.dataReceived(adu("06 0001 0063"))
    request_s = (8 + 3.5) * CHARACTER_S
    served.pass_(request_s - TICK_S)
    assert served.units[1].holding_registers.read(1, 1) == b"\0\0"
    served.pass_(2 * TICK_S)
    assert served.units[1].holding_registers.read(1, 1) == b"\0\x63"
    assert served.said(client) == b""


def test_a_unit_that_does_not_exist_answers_0b_after_the_timeout_and_holds_the_line():
    served = Fronted(LINE)
    client, other = served.connect(), served.connect()
    client.dataReceived(adu(READ, 9))
    other.dataReceived(adu(READ))
    assert served.after(1.0, client) == b""
    assert served.after((8 + 3.5) * CHARACTER_S + TICK_S, client) == adu("83 0b", 9)
    assert served.said(other) == b""
    assert served.after(ROUND_S, other) == adu("03 02 0001")


def test_a_device_that_thinks_too_long_has_done_what_it_was_told_and_answers_0b():
    served = Fronted(GatewayLine(timeout=0.1, turnaround=0.2))
    client = served.connect()
    client.dataReceived(adu("06 0001 0063"))
    assert served.after(0.3, client) == adu("86 0b")
    assert served.units[1].holding_registers.read(1, 1) == b"\0\x63"


def test_a_silent_device_answers_0b_after_the_timeout():
    served = Fronted(LINE, units={1: device(functions=[lambda device, pdu: b""] * 256)})
    client = served.connect()
    client.dataReceived(adu(READ))
    assert served.after(1.1, client) == adu("83 0b")
    assert served.factory.exceptions == 1


def test_unknown_units_as_the_listener_says():
    silent = Fronted(LINE, unknown_unit="ignore")
    client = silent.connect()
    client.dataReceived(adu(READ, 9) + adu(READ, transaction=2))
    assert silent.after(1.02, client) == b""
    assert silent.after(ROUND_S, client) == adu("03 02 0001", transaction=2)
    knowing = Fronted(LINE, unknown_unit="gateway_path_unavailable")
    client = knowing.connect()
    client.dataReceived(adu(READ, 9))
    assert knowing.said(client) == adu("83 0a", 9)  # at once: it knows its units


def test_a_dead_line_answers_0a_at_once():
    served = Fronted(GatewayLine(alive=False))
    client = served.connect()
    client.dataReceived(adu(READ, transaction=1) + adu(READ, 9, transaction=2))
    assert served.said(client) == adu("83 0a", transaction=1) + adu("83 0a", 9, transaction=2)
    assert (served.factory.requests, served.factory.exceptions) == (2, 2)


def test_unit_0_is_everybody():
    served = Fronted(LINE)
    client = served.connect()
    client.dataReceived(adu("06 0001 0063", 0) + adu(READ, transaction=2))
    assert served.after(0.1, client) == adu("03 02 0001", transaction=2)
    for unit in (1, 2):
        assert served.units[unit].holding_registers.read(1, 1) == b"\0\x63"


def test_requests_beyond_the_queue_are_answered_06_each_with_its_transaction_id():
    served = Fronted(LINE)  # one on the line, four in the queue
    client = served.connect()
    client.dataReceived(b"".join(adu(READ, transaction=number) for number in range(1, 8)))
    assert served.said(client) == adu("83 06", transaction=6) + adu("83 06", transaction=7)
    for number in range(1, 6):
        assert served.after(ROUND_S + TICK_S, client) == adu("03 02 0001", transaction=number)
    client.dataReceived(adu(READ, transaction=8))
    assert served.after(ROUND_S + TICK_S, client) == adu("03 02 0001", transaction=8)


def test_a_full_queue_makes_room_for_who_has_less_in_it():
    served = Fronted(LINE)
    greedy, modest = served.connect(), served.connect()
    greedy.dataReceived(b"".join(adu(READ, transaction=number) for number in range(1, 6)))
    modest.dataReceived(adu(READ, 2, transaction=1))
    assert served.said(greedy) == adu("83 06", transaction=5)  # the newest of the longest list
    assert served.after(ROUND_S + TICK_S, greedy) == adu("03 02 0001", transaction=1)
    assert served.after(ROUND_S, modest) == adu("03 02 0002", 2, transaction=1)
    assert served.said(greedy) == b""
    assert served.after(ROUND_S, greedy) == adu("03 02 0001", transaction=2)
    assert served.factory.gateways[0].busy == 1


def test_two_clients_with_as_much_in_the_queue_take_nothing_from_each_other():
    fronted = Fronted(GatewayLine(queue=3))
    one, other = fronted.connect(), fronted.connect()
    one.dataReceived(adu(READ) * 3)
    other.dataReceived(adu(READ, transaction=1) + adu(READ, transaction=2))
    assert fronted.said(other) == adu("83 06", transaction=2)
    assert fronted.said(one) == b""


def test_who_leaves_the_queue_leaves_no_gap():
    fronted = Fronted(LINE)
    first, leaving, last = fronted.connect(), fronted.connect(), fronted.connect()
    for client in (first, leaving, last):
        client.dataReceived(adu(READ))
    leaving.wire.loseConnection()
    assert fronted.after(ROUND_S + TICK_S, first) == adu("03 02 0001")
    assert fronted.after(ROUND_S, last) == adu("03 02 0001")
    assert not fronted.clock.getDelayedCalls()


def test_every_device_hears_every_message_of_the_line():
    fronted = Fronted(LINE)
    client = fronted.connect()
    client.dataReceived(adu(READ, 2) + adu(READ, 9) + adu("08 000b 0000", transaction=8))
    fronted.pass_(2)
    assert fronted.said(client).endswith(adu("08 000b 0003", transaction=8))


def test_a_client_that_goes_takes_its_requests_along():
    served = Fronted(LINE)
    leaving, staying = served.connect(), served.connect()
    leaving.dataReceived(adu(READ) * 4)
    staying.dataReceived(adu(READ, 2))
    leaving.wire.loseConnection()
    assert served.after(ROUND_S + TICK_S, staying) == b""  # the request on the line runs to its end
    assert served.after(ROUND_S, staying) == adu("03 02 0002", 2)
    assert served.factory.gateways[0].waiting == 0
    assert not served.clock.getDelayedCalls()


def test_a_gateway_that_stops_leaves_no_timer():
    served = Fronted(LINE)
    client = served.connect()
    client.dataReceived(adu(READ) * 3)
    served.factory.stopFactory()
    assert not served.clock.getDelayedCalls()


def test_the_line_shares_its_time_between_a_flood_and_clients_that_ask_one_by_one():
    """Of a line with room for one request, a flooding client gets no more than its share."""
    served = Fronted(GatewayLine(baudrate=9600, queue=8))
    flood, *modest = (served.connect() for _ in range(5))
    answers = Counter()
    flooding = adu(READ, 2) * 100
    for client in modest:
        client.dataReceived(adu(READ))
    for _ in range(2000):
        flood.dataReceived(flooding)
        served.pass_(ROUND_S / 4)
        answers["flood"] += served.said(flood).count(adu("03 02 0002", 2))
        for number, client in enumerate(modest):
            if served.said(client):
                answers[number] += 1
                client.dataReceived(adu(READ))
    total = sum(answers.values())
    assert total > 300
    assert min(answers.values()) > 0.9 * total / 5
    assert max(answers.values()) < 1.1 * total / 5


def test_quirks_of_the_connection_hold_before_a_gateway():
    served = Fronted(
        LINE, quirks=ConnectionQuirks(when_in_flight="ignore", min_reply_delay=0.5, close_after=2)
    )
    client = served.connect()
    client.dataReceived(adu(READ, transaction=1) + adu(READ, transaction=2))
    assert served.after(ROUND_S + TICK_S, client) == b""
    client.dataReceived(adu(READ, transaction=3))  # the answer is on its way: still in flight
    assert served.after(0.5, client) == adu("03 02 0001", transaction=1)
    client.dataReceived(adu(READ, transaction=4))
    served.pass_(ROUND_S + TICK_S)
    assert served.after(0.5, client) == adu("03 02 0001", transaction=4)
    assert client.wire.disconnecting
    assert served.factory.discarded == 2
    assert not served.clock.getDelayedCalls()


# ---- over sockets

GATEWAY = """
devices:
  - {name: "unit-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-3,
     gateway: {baudrate: 19200, parity: N, stopbits: 1, turnaround: 2ms, timeout: 150ms, queue: 8}}
  - {name: dead, profile: box, endpoint: "tcp://127.0.0.1:0", gateway: {line: dead}}
  - {name: plain, profile: box, endpoint: "tcp://127.0.0.1:0"}
  - {name: "far-{n}", profile: box, endpoint: "tcp://127.0.77.1-127.0.77.2:0", gateway: {baudrate: 1200}}
"""
WIRE_S = 22 * 10 / 19200 + 0.002


@pytest.fixture(scope="module")
def gateway(serve_for_all):
    server = serve_for_all(GATEWAY)
    yield server
    assert '"level": "error"' not in server.log
    assert "Traceback" not in server.log, server.log[server.log.index("Traceback") :][:3000]


def test_over_a_socket_a_request_takes_the_time_of_the_line(gateway):
    client = gateway.client(0)
    began = time.monotonic()
    for unit in (1, 2, 3):
        assert client.ask(READ, unit=unit) == f"03 02 00 0{unit}"
    assert 3 * WIRE_S <= time.monotonic() - began < 30 * WIRE_S
    began = time.monotonic()
    assert client.ask(READ, unit=9) == "83 0b"
    assert time.monotonic() - began >= 0.15


def test_over_a_socket_a_dead_line_and_a_listener_without_a_gateway(gateway, adu):
    assert gateway.client(1).ask(READ) == "83 0a"
    plain = gateway.client(2)
    plain.send(adu(READ) * 500)
    assert plain.receive(11 * 500) == adu("03 02 0001") * 500


def test_a_line_for_each_address(gateway, adu):
    """At 1200 baud one request takes over 0.2 s; two lines take no longer than one."""
    began = time.monotonic()
    clients = [gateway.client(3, f"127.0.77.{number}") for number in (1, 2)]
    for client in clients:
        client.send(adu(READ))
    assert [client.response()[2] for client in clients] == ["03 02 00 01", "03 02 00 02"]
    wire_s = 22 * 11 / 1200 + 0.005
    assert wire_s <= time.monotonic() - began < 1.9 * wire_s


def test_over_sockets_a_flood_starves_nobody(gateway, adu):
    """Four clients that ask one by one beside one that floods: each gets its fifth of the line."""
    stop = threading.Event()
    counts = Counter()
    flood = gateway.client(0)
    flood.socket.setblocking(False)

    def drain() -> None:
        batch, got = adu(READ, unit=3) * 20, b""
        while not stop.is_set():
            readable, writable, _ = select.select([flood.socket], [flood.socket], [], 0.01)
            if writable:
                with suppress(BlockingIOError):
                    flood.socket.send(batch)
            if readable:
                got += flood.socket.recv(1 << 16)
                counts["flood"] += got.count(adu("03 02 0003", unit=3))
                got = got[-10:]
            time.sleep(0.001)

    thread = threading.Thread(target=drain)
    thread.start()
    modest = [gateway.client(0) for _ in range(4)]
    try:
        for client in modest:
            client.send(adu(READ))
        deadline = time.monotonic() + 2.0
        while time.monotonic() < deadline:
            ready, _, _ = select.select([client.socket for client in modest], [], [], 0.05)
            for number, client in enumerate(modest):
                if client.socket in ready:
                    assert client.response()[2] == "03 02 00 01"
                    counts[number] += 1
                    client.send(adu(READ))
    finally:
        stop.set()
        thread.join()
    shares = [counts[number] for number in range(4)]
    assert sum(shares) > 20
    assert max(shares) - min(shares) <= 3
    assert min(shares) > 0.6 * (sum(shares) + counts["flood"]) / 5  # who is late leaves its turn to others
