"""How many clients a plant takes, and how long it waits for the silent ones."""

from __future__ import annotations

import select
import time

import pytest

READ = "03 0000 0001"
ONE = "03 02 00 01"
MEASURED_S = 0.3  # how long processor time is watched


def is_served(client) -> bool:
    """True when an answer, or an end, has come."""
    readable, _, _ = select.select([client.socket], [], [], 0)
    return bool(readable)


def test_at_the_cap_of_the_plant_the_next_client_waits_and_is_served_when_one_leaves(serve, adu, wait_until):
    server = serve("limits: {max_connections: 3}\n")
    inside = [server.client() for _ in range(3)]
    for client in inside:
        assert client.ask(READ) == ONE
    waiting = [server.client(), server.client()]
    for client in waiting:
        client.send(adu(READ))
    for _ in range(20):
        assert [client.ask(READ) for client in inside] == [ONE] * 3
    assert not any(is_served(client) for client in waiting)
    inside.pop().close()
    assert waiting[0].response()[2] == ONE  # the one that came first
    assert inside[0].ask(READ) == ONE
    assert not is_served(waiting[1])
    waiting[0].close()
    assert waiting[1].response()[2] == ONE


def test_the_cap_of_the_plant_counts_over_all_its_listeners(serve, adu):
    devices = 'devices: [{name: "box-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", count: 3}]\n'
    server = serve(devices + "limits: {max_connections: 2}\n")
    first, second = server.client(0), server.client(1)
    assert first.ask(READ) == "03 02 00 01"
    assert second.ask(READ) == "03 02 00 02"
    third = server.client(2)
    third.send(adu(READ))
    for _ in range(20):
        first.ask(READ)
    assert not is_served(third)
    second.close()
    assert third.response()[2] == "03 02 00 03"


def test_waiting_clients_cost_no_processor_time(serve, adu):
    """The listener rests at the cap: a client in the backlog is not looked at again and again."""
    server = serve("limits: {max_connections: 1}\n")
    inside = server.client()
    assert inside.ask(READ) == ONE
    waiting = [server.client() for _ in range(5)]
    for client in waiting:
        client.send(adu(READ))
    assert inside.ask(READ) == ONE
    before = server.cpu_s
    time.sleep(MEASURED_S)
    assert server.cpu_s - before < 0.2 * MEASURED_S
    inside.close()
    assert waiting[0].response()[2] == ONE


def test_the_cap_of_a_device_leaves_other_devices_alone(serve, adu):
    devices = 'devices: [{name: "box-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", count: 2}]\n'
    server = serve(devices + "limits: {max_connections_per_device: 2}\n")
    inside = [server.client(0), server.client(0)]
    for client in inside:
        assert client.ask(READ) == "03 02 00 01"
    waiting = server.client(0)
    waiting.send(adu(READ))
    others = [server.client(1), server.client(1)]
    for _ in range(20):
        assert [client.ask(READ) for client in others] == ["03 02 00 02"] * 2
    assert not is_served(waiting)
    before = server.cpu_s
    time.sleep(MEASURED_S)
    assert server.cpu_s - before < 0.2 * MEASURED_S
    inside[0].close()
    assert waiting.response()[2] == "03 02 00 01"


def test_the_cap_of_a_device_at_a_virtual_address_closes_the_client_over_it(serve, wait_until):
    devices = 'devices: [{name: "box-{n}", profile: box, endpoint: "tcp://127.0.77.1-127.0.77.3:0"}]\n'
    server = serve(devices + "limits: {max_connections_per_device: 1}\n")
    first = server.client(0, "127.0.77.1")
    assert first.ask(READ) == "03 02 00 01"
    assert server.turns_away(0, "127.0.77.1")
    assert server.client(0, "127.0.77.2").ask(READ) == "03 02 00 02"
    assert first.ask(READ) == "03 02 00 01"
    first.close()
    wait_until(lambda: not server.turns_away_now(0, "127.0.77.1", READ), "room for the next client")


def test_the_cap_of_a_host_closes_its_client_over_it_and_lets_other_hosts_in(serve, wait_until):
    devices = 'devices: [{name: "box-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", count: 2}]\n'
    server = serve(devices + "limits: {max_connections_per_host: 2}\n")
    first, second = server.client(0), server.client(1)  # over all listeners
    assert first.ask(READ) == "03 02 00 01"
    assert second.ask(READ) == "03 02 00 02"
    for listener in (0, 1):
        assert server.turns_away(listener)
    other = server.client(0, source_address=("127.0.0.9", 0))
    assert other.ask(READ) == "03 02 00 01"
    second.close()
    wait_until(lambda: not server.turns_away_now(0, "127.0.0.1", READ), "room for the next client")
    assert first.ask(READ) == "03 02 00 01"


IDLE_S = 0.4


@pytest.fixture(scope="module")
def impatient(serve_for_all):
    return serve_for_all(f"limits: {{idle_timeout: {round(IDLE_S * 1000)}ms}}\n")


def test_a_silent_client_is_closed_after_the_idle_timeout_and_not_before(impatient):
    client = impatient.client()
    began = time.monotonic()
    assert client.rest() == b""
    assert time.monotonic() - began >= IDLE_S


def test_every_request_starts_the_idle_timeout_anew(impatient, adu):
    silent, busy = impatient.client(), impatient.client()
    for _ in range(2):  # twice as long as a silent client would live
        deadline = time.monotonic() + IDLE_S
        while time.monotonic() < deadline:
            assert busy.ask(READ) == ONE
            time.sleep(IDLE_S / 20)
    assert silent.rest() == b""
    began = time.monotonic()
    assert busy.rest() == b""
    assert time.monotonic() - began >= IDLE_S * 0.8


def test_half_a_request_does_not_keep_a_connection(impatient, adu):
    client = impatient.client()
    client.send(adu(READ)[:9])
    assert client.rest() == b""


def test_a_client_that_never_reads_its_answers_falls_to_the_idle_timeout(impatient, wait_until, adu):
    """Its answers fill the kernel's buffers, then it is as silent as any other."""
    impatient.hang_up()
    assert impatient.client().rest() == b""  # and everybody else has gone as well
    before = impatient.descriptors
    client = impatient.client()
    assert client.ask(READ) == ONE
    assert impatient.descriptors == before + 1
    client.flood(adu("03 0000 007d") * 1000)
    wait_until(lambda: impatient.descriptors == before, "the connection is closed")
    assert impatient.client().ask(READ) == ONE


def test_without_limits_clients_stay(shared):
    clients = [shared.client() for _ in range(200)]
    for _ in range(2):
        assert {client.ask(READ) for client in clients} == {ONE}
