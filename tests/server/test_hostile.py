"""Clients that do harm, on purpose or not: their own connection suffers, nobody else's."""

from __future__ import annotations

import re
import resource
import select
import socket
import time
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

READ = "03 0000 0001"
ONE = "03 02 00 01"
LONGEST = "04 0000 007d"  # the longest response to the shortest request


def test_a_client_that_never_reads_is_not_listened_to_any_more(shared, adu):
    """Its answers wait in the kernel; the server holds no more than those to one read."""
    before = shared.memory
    request = adu(LONGEST)
    greedy = [shared.client() for _ in range(3)]
    sent = [client.flood(request * 500) for client in greedy]
    assert shared.memory - before < 6 << 20
    assert shared.client().ask(READ) == ONE
    for client, size in zip(greedy, sent, strict=True):  # and when it reads at last, nothing is missing
        whole = size // len(request)
        response = adu("04 fa" + "4444" * 125)
        assert client.receive(whole * len(response)) == response * whole
        client.send(request[size % len(request) :] if size % len(request) else request)
        assert client.receive(len(response)) == response


def test_while_a_client_does_not_read_others_are_served_promptly(shared, adu):
    shared.client().flood(adu(LONGEST) * 500)
    other = shared.client()
    other.ask(READ)
    began = time.monotonic()
    for _ in range(50):
        assert other.ask(READ) == ONE
    assert time.monotonic() - began < 1


def test_a_client_that_does_not_read_costs_no_processor_time(shared, adu):
    shared.client().flood(adu(LONGEST) * 500)
    before = shared.cpu_s
    time.sleep(0.3)
    assert shared.cpu_s - before < 0.06


def test_a_flood_of_requests_does_not_starve_the_others(shared, adu):
    floods = [shared.client() for _ in range(4)]
    block = adu(READ) * 600
    other = shared.client()
    received = 0
    for client in floods:
        client.socket.setblocking(False)
    for _ in range(50):
        for client in floods:
            with suppress(BlockingIOError):
                client.socket.send(block)
            with suppress(BlockingIOError):
                received += len(client.socket.recv(1 << 20))
        began = time.monotonic()
        assert other.ask(READ) == ONE
        assert time.monotonic() - began < 1
    assert received > 100_000


def test_thousands_of_half_requests_cost_little_memory(serve, adu):
    server = serve()
    assert server.client().ask(READ) == ONE
    before = server.memory
    halves = [server.client() for _ in range(1000)]
    for client in halves:
        client.send(adu("10 0000 007b f6" + "00" * 246)[:250])
    assert server.client().ask(READ) == ONE
    assert server.memory - before < 1000 * 8192
    for client in halves[::100]:
        client.send(bytes(9))
        assert client.response()[2] in ("90 02", "90 03")


def test_connections_that_come_and_go_leave_nothing_behind(shared, adu, wait_until):
    shared.hang_up()
    assert shared.client().ask(READ) == ONE
    wait_until(lambda: shared.descriptors, "settled")
    before = shared.descriptors
    for turn in range(200):
        client = shared.client()
        if turn % 4:
            client.send(adu(READ)[: turn % 13] * (turn % 3))
        client.close(reset=bool(turn % 2))
    wait_until(lambda: shared.descriptors == before, "all of them are closed")
    assert shared.client().ask(READ) == ONE


def test_a_reset_with_answers_on_their_way_disturbs_nobody(shared, adu):
    for _ in range(20):
        client = shared.client()
        client.send(adu(LONGEST) * 300)
        client.close(reset=True)
    assert shared.client().ask(READ) == ONE


requests = st.one_of(
    st.binary(min_size=1, max_size=60),  # no Modbus at all
    st.builds(  # a header as it should be, or nearly, and anything behind it
        lambda protocol, length, unit, pdu: (
            protocol.to_bytes(2, "big") * 2 + length.to_bytes(2, "big") + bytes((unit,)) + pdu
        ),
        st.sampled_from([0, 0, 0, 1]),
        st.integers(0, 300),
        st.integers(0, 255),
        st.binary(max_size=80),
    ),
    st.builds(  # a frame as it should be with any PDU that changes no register
        lambda unit, code, rest: bytes((0, 1, 0, 0, 0, 2 + len(rest), unit, code)) + rest,
        st.integers(0, 255),
        st.integers(0, 255).filter(lambda code: code not in (5, 6, 15, 16, 22, 23)),
        st.binary(max_size=40),
    ),
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks=st.lists(requests, min_size=1, max_size=6), reset=st.booleans())
def test_whatever_a_client_sends_the_server_goes_on_answering(shared, chunks, reset):
    client = shared.client("any")
    try:
        for chunk in chunks:
            client.send(chunk)
        if not reset:
            client.socket.shutdown(socket.SHUT_WR)
            received = client.rest()
            while received:  # what it says is Modbus to the last byte
                length = int.from_bytes(received[4:6], "big")
                assert received[2:4] == b"\x00\x00"
                assert 3 <= length <= 254
                assert len(received) >= 6 + length
                received = received[6 + length :]
    except OSError:  # it has been closed meanwhile
        pass
    client.close(reset=reset)
    other = shared.client("any")
    assert other.ask(READ) == ONE
    other.close()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(code=st.integers(0, 255), rest=st.binary(max_size=252), unit=st.integers(0, 255))
def test_every_pdu_is_answered_over_tcp_and_the_connection_lives(shared, adu, code, rest, unit):
    """Never silence, never a dead connection, whatever the bytes behind a good header."""
    client = shared.client("any")
    _, answered, response = (client.send(adu(bytes((code,)) + rest, unit=unit)), *client.response()[1:])
    assert answered == unit
    first = int(response[:2], 16)
    assert first == code or (first == code | 0x80 and response[3:] in ("01", "02", "03"))
    assert client.ask("03 ffff 0002", unit=unit) == "83 02"
    client.close()


def test_out_of_descriptors_accepting_rests_and_recovers(serve, adu, wait_until):
    server = serve()
    inside = [server.client() for _ in range(5)]
    assert [client.ask(READ) for client in inside] == [ONE] * 5
    limit = server.descriptors + 3
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
    more = [server.client() for _ in range(10)]
    for client in more:
        client.send(adu(READ))
    wait_until(lambda: re.search("file descriptors", server.log), "the log tells")
    assert [client.ask(READ) for client in inside] == [ONE] * 5
    before = server.cpu_s
    time.sleep(0.3)
    assert server.cpu_s - before < 0.06
    answered = [client for client in more if select.select([client.socket], [], [], 0)[0]]
    assert 0 < len(answered) < 10
    assert [client.response()[2] for client in answered] == [ONE] * len(answered)
    for client in inside + answered:
        client.close()
    for client in more:
        if client not in answered:
            assert client.response()[2] == ONE
    assert server.log.count("file descriptors") < 5
