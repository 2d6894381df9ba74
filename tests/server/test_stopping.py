"""A plant that is stopped: what was asked is answered, what listens is released."""

from __future__ import annotations

import signal
import socket

import pytest

READ = "03 0000 0001"
ONE = "03 02 00 01"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_already_sent_are_answered_before_the_end(serve, adu, number):
    """The process is held still meanwhile, so that signal and requests are there at the same time."""
    server = serve()
    clients = [server.client() for _ in range(20)]
    for client in clients:
        assert client.ask(READ) == ONE
    server.process.send_signal(signal.SIGSTOP)
    for client in clients:
        client.send(adu(READ) * 5 + adu("2b 0e 04 00"))
    server.process.send_signal(number)
    server.process.send_signal(signal.SIGCONT)
    expected = adu(ONE) * 5 + adu("2b 0e 04 82 00 00 01 00 04 41 63 6d 65")
    assert [client.rest() for client in clients] == [expected] * 20
    assert server.process.wait(30) == 0


def test_a_client_that_has_just_connected_is_answered_as_well(serve, adu):
    server = serve()
    server.process.send_signal(signal.SIGSTOP)
    client = server.client()
    client.send(adu(READ))
    server.process.send_signal(signal.SIGTERM)
    server.process.send_signal(signal.SIGCONT)
    assert client.rest() == adu(ONE)
    assert server.process.wait(30) == 0


def test_answers_longer_than_the_kernel_takes_at_once_are_sent_to_their_end(serve, adu):
    server = serve()
    server.process.send_signal(signal.SIGSTOP)
    clients = [server.client() for _ in range(3)]
    for client in clients:
        client.send(adu("04 0000 007d") * 600)
    server.process.send_signal(signal.SIGTERM)
    server.process.send_signal(signal.SIGCONT)
    response = adu("04 fa" + "4444" * 125)
    for client in clients:
        assert client.rest() == response * 600
    assert server.process.wait(30) == 0


def test_a_client_that_never_reads_does_not_keep_the_plant_from_ending(serve, adu):
    server = serve()
    client = server.client()
    client.flood(adu("04 0000 007d") * 600)
    assert server.stop() == 0


def test_silent_and_half_served_clients_are_closed_and_the_port_is_free(serve, adu):
    server = serve()
    silent, half = server.client(), server.client()
    half.send(adu(READ)[:7])
    assert silent.ask(READ) == ONE
    assert server.stop() == 0
    assert silent.rest() == half.rest() == b""
    with pytest.raises(ConnectionRefusedError):
        server.client()
    with socket.create_server(("127.0.0.1", server.ports[0])):
        pass
