"""Listen-only mode over a socket, whoever answers plain requests: silent at once, everywhere, until it is restarted."""

from __future__ import annotations

import pytest

LISTEN, RESTART, EVENTS = "08 0004 0000", "08 0001 0000", "0c"
READ, WRITE = "03 0000 0001", "06 0064 0777"


@pytest.fixture
def plant(serve):
    """Two boxes behind one listener, unit ids 1 and 2, of one fleet."""
    return serve('devices: [{name: "box-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-2}]\n')


def test_a_device_told_to_listen_answers_nothing_and_does_nothing(plant, adu):
    client = plant.client()
    assert client.ask(READ) == "03 02 00 01"
    for request in (LISTEN, READ, WRITE, EVENTS, "2b 0e 01 00", "63"):
        client.send(adu(request))
    assert client.ask(READ, unit=2, transaction=9) == "03 02 00 02"
    client.send(adu(RESTART))  # no response to this either
    assert client.ask("03 0064 0001", transaction=10) == "03 02 00 00"


def test_connections_that_were_served_before_fall_silent_at_once(plant, adu):
    one, other = plant.client(), plant.client()
    for client in (one, other):
        for unit in (1, 2, 1):
            assert client.ask(READ, unit=unit) == f"03 02 00 {unit:02x}"
    one.send(adu(LISTEN))
    assert one.ask(READ, unit=2) == "03 02 00 02"  # so the mode is entered
    other.send(adu(READ, transaction=1) + adu(WRITE, transaction=2) + adu(READ, unit=2, transaction=3))
    assert other.response() == (3, 2, "03 02 00 02")
    plant.client().send(adu(READ))
    one.send(adu(RESTART))
    assert one.ask("03 0064 0001", transaction=4) == "03 02 00 00"
    assert other.ask(READ, transaction=5) == "03 02 00 01"


def test_pipelined_with_others_only_what_comes_behind_it_is_silent(plant, adu):
    client = plant.client()
    client.send(
        b"".join(adu(pdu, transaction=place) for place, pdu in enumerate([READ, LISTEN, READ, RESTART, READ]))
    )
    assert client.response() == (0, 1, "03 02 00 01")
    assert client.response() == (4, 1, "03 02 00 01")


def test_plain_requests_stand_in_log_and_counters_whoever_answered_them(plant, adu):
    client, other = plant.client(), plant.client()
    for _ in range(2):
        assert client.ask(READ) == "03 02 00 01"
    assert other.ask("03 ffff 0001") == "83 02"
    assert client.ask(READ) == "03 02 00 01"
    client.ask(READ, unit=2)
    #  head                                   event count
    #                                         |     message count
    assert client.ask(EVENTS) == "0c 0f 00 00 00 03 00 05 80 40 80 41 80 40 80 40 80"
    assert client.ask("0b") == "0b 00 00 00 03"
    assert client.ask("08 000b 0000") == "08 00 0b 00 07"
    assert client.ask("08 000d 0000") == "08 00 0d 00 01"
    assert client.ask(EVENTS, unit=2) == "0c 09 00 00 00 01 00 02 80 40 80"


def test_a_silent_device_goes_on_counting(plant, adu):
    client = plant.client()
    client.ask(READ)
    client.send(adu(LISTEN) + adu(READ) + adu(READ))
    client.send(adu("08 0001 0000"))
    #                              restarted
    #                              |  three and the read, which got no response
    assert client.ask(EVENTS) == "0c 13 00 00 00 00 00 01 80 00 60 a0 60 a0 60 a0 60 04 80 40 80"
