"""Requests as they arrive over TCP: split, joined, pipelined, and ended by what is no Modbus."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXCHANGES = [
    # unit id, request, response: plain ones, those with rules, exceptions, strangers
    (1, "03 0000 0004", "03 08 00 01 11 11 22 22 33 33"),
    (2, "03 0000 0001", "03 02 00 02"),
    (1, "04 0000 0002", "04 04 44 44 44 44"),
    (1, "01 0000 0004", "01 01 0d"),
    (1, "02 0000 0009", "02 02 ff 01"),
    (1, "03 01f4 0001", "83 02"),
    (1, "03 0000 0000", "83 03"),
    (99, "03 0000 0001", "83 0b"),
    (1, "06 000a 0065", "86 03"),
    (1, "06 0000 0001", "86 02"),
    (1, "41 0000", "c1 01"),
    (3, "03 0001 0001", "03 02 11 11"),
    (1, "03 00", "83 03"),
    (10, "2b 0e 04 06", "2b 0e 04 82 00 00 01 06 06 75 6e 69 74 2d 34"),
    (1, "16 0004 ffff 0000", "16 00 04 ff ff 00 00"),
    (1, "17 0001 0002 0004 0001 02 0000", "17 04 11 11 22 22"),
    (1, "10 0005 0001 02 0000", "10 00 05 00 01"),
    (1, "0f 0010 0008 01 00", "0f 00 10 00 08"),
    (1, "05 0010 0000", "05 00 10 00 00"),
    (1, "06 0005 0000", "06 00 05 00 00"),
    (1, "04 0000 007d", "04 fa" + " 44 44" * 125),
]


@pytest.fixture(scope="module")
def conversation(adu):
    """All exchanges, pipelined: what is sent and what must come back."""
    sent = b"".join(adu(pdu, unit=unit, transaction=i) for i, (unit, pdu, _) in enumerate(EXCHANGES))
    expected = b"".join(adu(pdu, unit=unit, transaction=i) for i, (unit, _, pdu) in enumerate(EXCHANGES))
    return sent, expected


@pytest.mark.parametrize(("unit", "request_", "response"), EXCHANGES)
def test_one_request_at_a_time(shared, unit, request_, response):
    assert shared.client().ask(request_, unit=unit) == response


def test_a_request_that_comes_byte_by_byte_is_answered_with_its_last_byte(shared, adu):
    client = shared.client()
    for unit, request, response in EXCHANGES[:6]:
        whole = adu(request, unit=unit)
        for place in range(len(whole)):
            client.send(whole[place : place + 1])
        assert client.response()[1:] == (unit, response)
    client.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        client.socket.recv(1)


def test_pipelined_requests_are_all_answered_in_their_order(shared, conversation):
    sent, expected = conversation
    client = shared.client()
    client.send(sent)
    assert client.receive(len(expected)) == expected


def test_thousands_of_pipelined_requests_are_answered_in_their_order(shared, conversation):
    """Far more than one read of the server takes, and more than the kernel holds."""
    sent, expected = conversation
    client = shared.client()
    client.socket.setblocking(False)
    outgoing, received = memoryview(sent * 250), bytearray()
    client.socket.settimeout(30)
    while len(received) < 250 * len(expected):
        if outgoing:
            client.socket.setblocking(False)
            with suppress(BlockingIOError):
                outgoing = outgoing[client.socket.send(outgoing) :]
            client.socket.settimeout(30)
        received += client.socket.recv(65536)
    assert received == expected * 250


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_chopping_of_a_stream_gives_the_same_answers(shared, conversation, data):
    sent, expected = conversation
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=12)))
    client = shared.client()
    for start, stop in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        client.send(sent[start:stop])
    assert client.receive(len(expected)) == expected
    client.close()


def test_a_write_is_seen_by_the_read_behind_it_and_not_by_the_one_before(shared, adu):
    client = shared.client()
    read = adu("03 0064 0001")
    for value in ("1234", "5678"):
        client.send(adu("06 0064 0000") + read + adu(f"06 0064 {value}") + read)
        responses = [client.response()[2] for _ in range(4)]
        assert responses[1] == "03 02 00 00"
        assert responses[3] == f"03 02 {value[:2]} {value[2:]}"


def test_what_one_client_writes_another_reads(shared):
    writer, reader = shared.client(), shared.client()
    assert writer.ask("10 0078 0002 04 dead beef") == "10 00 78 00 02"
    assert reader.ask("03 0078 0002") == "03 04 de ad be ef"


def test_the_transaction_id_of_each_request_comes_back(shared):
    client = shared.client()
    for transaction in (0, 1, 0x00FF, 0xFF00, 0xFFFF, 0xFFFF, 0):
        assert client.ask("03 0000 0001", transaction=transaction) == "03 02 00 01"
        assert client.ask("03 ffff 0001", transaction=transaction) == "83 02"


BAD_HEADERS = {
    "protocol id 1": "0001 0001 0006 01 03 0000 0001",
    "protocol id 65535": "0001 ffff 0006 01 03 0000 0001",
    "length 0": "0001 0000 0000 01 03",
    "length 1": "0001 0000 0001 01",
    "length 255": "0001 0000 00ff 01 03",
    "length 65535": "0001 0000 ffff 01 03",
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".hex(),
    "TLS": "1603 0102 0001 0001 fc03 03",
}


@pytest.mark.parametrize("bad", BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_a_bad_header_closes_its_connection_alone(shared, bad):
    """What came before it is answered, what comes after it is not carried out."""
    from_others = shared.client()
    client = shared.client()
    good = bytes.fromhex("0007 0000 0006 01 06 0082 0001")
    late = bytes.fromhex("0008 0000 0006 01 06 0083 0001")
    client.send(good + good + bytes.fromhex(bad) + late)
    assert client.rest() == good + good
    assert from_others.ask("03 0082 0002") == "03 04 00 01 00 00"


@pytest.mark.parametrize("length", [2, 254])
def test_the_shortest_and_the_longest_length_are_answered(shared, adu, length):
    """A function code alone, and a PDU of 253 bytes."""
    client = shared.client()
    client.send(adu(b"\x03" + bytes(length - 2)))
    assert client.response()[2] == "83 03"
    assert client.ask("10 012c 007b f6" + "abcd" * 123) == "10 01 2c 00 7b"
    assert client.ask("03 012c 007b") == "03 f6" + " ab cd" * 123


def test_a_client_that_stops_sending_still_gets_its_answers(shared, adu):
    """As when a file of requests is piped through netcat."""
    client = shared.client()
    client.send(adu("03 0000 0001") * 3)
    client.socket.shutdown(socket.SHUT_WR)
    assert client.rest() == adu("03 02 0001") * 3


def test_a_client_that_leaves_in_the_middle_of_a_request_disturbs_nobody(shared, adu):
    for size in range(1, 12):
        client = shared.client()
        client.send(adu("06 008c 0001")[:size])
        client.close(reset=size % 2 == 0)
    assert shared.client().ask("03 008c 0001") == "03 02 00 00"
