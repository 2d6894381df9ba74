"""Placement: unit ids turn fastest, then ports, then addresses; arithmetic instead of lists."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.config.endpoint import Endpoint, parse_endpoint
from simulator.config.listening import Wanted, plan_listening
from simulator.config.placement import ListenerPlan, Places, Span, unit_mask


def places(endpoint: str, units: tuple[int, ...] | None, count: int) -> Places:
    return Places(parse_endpoint(endpoint), units, count)


def texts(asked: Places) -> list[str]:
    return [str(asked.place_of(i)) for i in range(asked.count)]


def test_unit_ids_turn_fastest_then_ports_then_addresses() -> None:
    asked = places("tcp://127.0.0.1-127.0.0.2:601-602", (1, 5), 7)
    assert texts(asked) == [
        "tcp://127.0.0.1:601 unit id 1",
        "tcp://127.0.0.1:601 unit id 5",
        "tcp://127.0.0.1:602 unit id 1",
        "tcp://127.0.0.1:602 unit id 5",
        "tcp://127.0.0.2:601 unit id 1",
        "tcp://127.0.0.2:601 unit id 5",
        "tcp://127.0.0.2:602 unit id 1",
    ]


def test_ports_keep_the_order_of_the_file() -> None:
    asked = places("tcp://127.0.0.1:30,10-11", (1,), 3)
    assert texts(asked) == [
        "tcp://127.0.0.1:30 unit id 1",
        "tcp://127.0.0.1:10 unit id 1",
        "tcp://127.0.0.1:11 unit id 1",
    ]


def test_any_unit_id_is_one_device() -> None:
    assert texts(places("tcp://[::1]:502", None, 1)) == ["tcp://[::1]:502 any unit id"]


def test_every_device_at_port_0_gets_a_port_of_its_own() -> None:
    asked = places("tcp://127.0.0.1:0", (1, 2), 5)
    assert [place.port for place in map(asked.place_of, range(5))] == [0] * 5
    assert list(asked.ports()) == [(0, 0), (1, 0), (2, 0)]
    assert [asked.span(0, slot).count for slot in range(3)] == [2, 2, 1]


def test_a_million_devices_are_one_span() -> None:
    asked = places("tcp://127.64.0.0/12:502", (126,), 1_000_000)
    (listener,) = plan_listening([Wanted(asked)]).listeners
    assert (listener.host, listener.port, listener.wildcard) == ("0.0.0.0", 502, True)
    assert len(listener.spans) == 1
    assert listener.device_count == 1_000_000
    last = int(IPv4Address("127.64.0.1")) + 999_999
    assert listener.device_at(last, 126) == (0, 999_999)
    assert listener.device_at(last + 1, 126) is None
    assert listener.device_at(last, 125) is None


@pytest.mark.parametrize("i", [-1, 3])
def test_a_device_that_does_not_exist_has_no_place(i: int) -> None:
    with pytest.raises(IndexError, match=f"device is {i}, expected 0 to 2"):
        places("tcp://127.0.0.1:1-9", (1,), 3).place_of(i)


def test_listening_everywhere_answers_at_every_address() -> None:
    (listener,) = plan_listening([Wanted(places("tcp://0.0.0.0:502", (1, 2), 2))]).listeners
    assert not listener.wildcard
    for address in ("127.0.0.1", "10.1.2.3", "255.255.255.255"):
        assert listener.device_at(int(IPv4Address(address)), 2) == (0, 1)
        assert list(listener.spans[0].devices_at(int(IPv4Address(address)))) == [(1, 0), (2, 1)]


def test_the_last_address_may_be_partly_used() -> None:
    span = places("tcp://10.0.0.1-10.0.0.9:502", (1, 2, 3), 5).span(0, 0)
    first = int(IPv4Address("10.0.0.1"))
    assert (span.first_ip, span.last_ip, span.count) == (first, first + 1, 5)
    assert list(span.devices_at(first)) == [(1, 0), (2, 1), (3, 2)]
    assert list(span.devices_at(first + 1)) == [(1, 3), (2, 4)]
    assert list(span.devices_at(first + 2)) == []
    assert span.device_at(first + 1, 3) is None


def test_unit_ids_as_bits() -> None:
    assert unit_mask((0, 1, 255)) == 1 | 2 | 1 << 255
    assert unit_mask(None) == (1 << 256) - 1


UNITS = st.one_of(st.none(), st.lists(st.integers(0, 255), min_size=1, max_size=5, unique=True).map(tuple))


@st.composite
def asked_places(draw: st.DrawFn) -> Places:
    first = draw(st.integers(1, 2**32 - 40))
    ranges = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    ports = tuple((600 + 10 * index, 600 + 10 * index + extra) for index, extra in enumerate(ranges))
    if draw(st.booleans()) and draw(st.booleans()):
        ports = ((0, 0),)
    endpoint = Endpoint("", "tcp", first, first + draw(st.integers(0, 6)), False, ports)
    units = draw(UNITS)
    capacity = endpoint.addresses * endpoint.port_count * (len(units) if units else 1)
    limit = 3 * capacity if endpoint.free_port else capacity
    return Places(endpoint, units, draw(st.integers(1, limit)))


@given(asked_places(), st.booleans())
def test_the_device_at_a_place_is_the_device_of_that_place(asked: Places, bind_each: bool) -> None:
    """``device_at`` is the inverse of ``place_of``, behind one wildcard or many listeners."""
    listeners = plan_listening([Wanted(asked, bind_each)]).listeners
    assert sum(listener.device_count for listener in listeners) == asked.count
    seen = set()
    for listener in listeners:
        for span in listener.spans:
            for ip in range(span.first_ip, span.last_ip + 1):
                for unit_id, device in span.devices_at(ip):
                    asked_unit = 77 if unit_id is None else unit_id
                    assert listener.device_at(ip, asked_unit) == (0, device)
                    place = asked.place_of(device)
                    assert (place.ip, place.port, place.unit_id) == (ip, listener.port, unit_id)
                    seen.add(device)
    assert seen == set(range(asked.count))


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), min_size=1, max_size=8))
def test_addresses_are_looked_up_among_overlapping_spans(runs: list[tuple[int, int]]) -> None:
    spans = tuple(
        Span(first, first + extra, group, 0, 1, (group,), extra + 1)
        for group, (first, extra) in enumerate(runs)
    )
    listener = ListenerPlan("tcp", "0.0.0.0", 502, True, spans, "ignore")
    for ip in range(75):
        expected = {span.group for span in spans if span.first_ip <= ip <= span.last_ip}
        assert {span.group for span in listener.spans_at(ip)} == expected
        for group in range(len(runs)):
            found = (group, ip - runs[group][0]) if group in expected else None
            assert listener.device_at(ip, group) == found
