"""Listeners: one wildcard for many addresses on a port; two devices on one place are found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.config.endpoint import Endpoint, parse_endpoint
from simulator.config.listening import Listening, Wanted, plan_listening
from simulator.config.placement import Places


def wanted(endpoint: str, units: tuple[int, ...] | None = (1,), count: int = 0, **keys: object) -> Wanted:
    parsed = parse_endpoint(endpoint)
    width = 1 if units is None else len(units)
    return Wanted(Places(parsed, units, count or parsed.addresses * parsed.port_count * width), **keys)  # type: ignore[arg-type]


def shape(listening: Listening) -> list[tuple[str, bool, list[int]]]:
    return [
        (listener.endpoint, listener.wildcard, [span.group for span in listener.spans])
        for listener in listening.listeners
    ]


def test_a_port_range_is_a_listener_for_each_port() -> None:
    assert shape(plan_listening([wanted("tcp://127.0.0.1:601-603")])) == [
        ("tcp://127.0.0.1:601", False, [0]),
        ("tcp://127.0.0.1:602", False, [0]),
        ("tcp://127.0.0.1:603", False, [0]),
    ]


def test_groups_with_other_unit_ids_share_a_listener() -> None:
    groups = [wanted("tcp://127.0.0.1:502", (1, 2)), wanted("tcp://127.0.0.1:502", (3,))]
    listening = plan_listening(groups)
    assert shape(listening) == [("tcp://127.0.0.1:502", False, [0, 1])]
    ip = 0x7F000001
    assert [listening.listeners[0].device_at(ip, unit) for unit in (1, 2, 3, 4)] == [
        (0, 0),
        (0, 1),
        (1, 0),
        None,
    ]


def test_tcp_and_udp_on_one_port_do_not_meet() -> None:
    groups = [wanted("tcp://127.0.0.1:502"), wanted("udp://127.0.0.1:502"), wanted("udp://127.0.0.2:502")]
    listening = plan_listening(groups)
    assert shape(listening) == [("tcp://127.0.0.1:502", False, [0]), ("udp://0.0.0.0:502", True, [1, 2])]
    assert (listening.collisions, listening.clashes) == ((), ())


def test_two_framings_on_one_port_need_an_address_each() -> None:
    beside = plan_listening([wanted("tcp://127.0.0.1:502"), wanted("rtu+tcp://127.0.0.2:502")])
    assert shape(beside) == [("tcp://127.0.0.1:502", False, [0]), ("rtu+tcp://127.0.0.2:502", False, [1])]
    assert beside.clashes == ()
    same = plan_listening([wanted("tcp://127.0.0.1:502"), wanted("rtu+tcp://127.0.0.1:502", (2,))])
    assert same.clashes == ((1, 0, "rtu+tcp://127.0.0.1:502", "tcp://127.0.0.1:502"),)
    assert same.collisions == ()
    for groups in (
        [wanted("tcp://127.0.0.0/28:502"), wanted("tls://127.0.1.1:502")],
        [wanted("tls://127.0.1.1:502"), wanted("tcp://127.0.0.0/28:502")],
    ):
        assert [clash[:2] for clash in plan_listening(groups).clashes] == [(1, 0)]
    each = [wanted("tcp://127.0.0.0/28:502", bind_each=True), wanted("ascii+tcp://127.0.1.1:502")]
    assert plan_listening(each).clashes == ()


def test_on_a_line_and_in_its_framings_unknown_units_are_silent_unless_a_group_says_otherwise() -> None:
    texts = [
        "tcp://127.0.0.1:1",
        "udp://127.0.0.1:1",
        "rtu+tcp://127.0.0.1:2",
        "ascii+udp://127.0.0.1:2",
        "rtu:pty",
    ]
    listeners = plan_listening([wanted(text) for text in texts]).listeners
    assert [plan.unknown_unit for plan in listeners] == ["gateway_target_failed"] * 2 + ["ignore"] * 3
    (plan,) = plan_listening([wanted("rtu:pty", unknown_unit="gateway_path_unavailable")]).listeners
    assert plan.unknown_unit == "gateway_path_unavailable"


def test_a_line_is_one_listener_and_a_nameless_pseudo_terminal_one_for_each_device() -> None:
    groups = [
        wanted("rtu:/dev/ttyS0?baudrate=9600", (1, 2)),
        wanted("rtu:/dev/ttyS0?baudrate=9600", (3,)),
        wanted("rtu:pty", (1,), 2),
        wanted("rtu:pty", (1,)),
        wanted("ascii:pty?link=/tmp/line", (1,)),
    ]
    listening = plan_listening(groups)
    assert shape(listening) == [
        ("rtu:/dev/ttyS0?baudrate=9600", False, [0, 1]),
        ("rtu:pty", False, [2]),
        ("rtu:pty", False, [2]),
        ("rtu:pty", False, [3]),
        ("ascii:/tmp/line", False, [4]),
    ]
    line = listening.listeners[0]
    assert [line.device_at(0, unit) for unit in (1, 2, 3, 4)] == [(0, 0), (0, 1), (1, 0), None]
    assert str(groups[1].places.place_of(0)) == "rtu:/dev/ttyS0?baudrate=9600 unit id 3"


def test_many_addresses_on_a_port_share_one_wildcard() -> None:
    groups = [wanted("tcp://127.0.0.5:502"), wanted("tcp://127.0.1.0/28:502"), wanted("tcp://127.0.0.1:503")]
    assert shape(plan_listening(groups)) == [
        ("tcp://0.0.0.0:502", True, [0, 1]),
        ("tcp://127.0.0.1:503", False, [2]),
    ]


def test_single_addresses_of_several_groups_share_one_wildcard_too() -> None:
    groups = [wanted("tcp://127.0.0.5:502"), wanted("tcp://127.0.0.6:502")]
    assert shape(plan_listening(groups)) == [("tcp://0.0.0.0:502", True, [0, 1])]


def test_bind_each_is_a_listener_for_each_address() -> None:
    groups = [
        wanted("tcp://127.0.0.1-127.0.0.2:502", (1, 2, 3), 5, bind_each=True),
        wanted("tcp://127.0.0.2:502", (3,)),
    ]
    listening = plan_listening(groups)
    assert shape(listening) == [("tcp://127.0.0.1:502", False, [0]), ("tcp://127.0.0.2:502", False, [0, 1])]
    assert [listener.device_count for listener in listening.listeners] == [3, 3]
    assert listening.collisions == ()


def test_a_wildcard_takes_everything_on_its_port() -> None:
    groups = [wanted("tcp://127.0.0.1:502", bind_each=True), wanted("tcp://127.0.1.1-127.0.1.9:502")]
    assert shape(plan_listening(groups)) == [("tcp://0.0.0.0:502", True, [0, 1])]


def test_listening_everywhere_takes_everything_on_its_port() -> None:
    groups = [wanted("tcp://0.0.0.0:502", (1,)), wanted("tcp://127.0.0.2:502", (2,), bind_each=True)]
    listening = plan_listening(groups)
    assert shape(listening) == [("tcp://0.0.0.0:502", True, [0, 1])]
    (listener,) = listening.listeners
    assert listener.device_at(0x7F000002, 1) == (0, 0)
    assert listener.device_at(0x7F000002, 2) == (1, 0)
    assert listener.device_at(0x7F000003, 2) is None


def test_ipv4_and_ipv6_have_listeners_of_their_own() -> None:
    groups = [wanted("tcp://127.0.0.1:502"), wanted("tcp://[::1]:502"), wanted("tcp://[fd00::/126]:503")]
    assert shape(plan_listening(groups)) == [
        ("tcp://127.0.0.1:502", False, [0]),
        ("tcp://[::1]:502", False, [1]),
        ("tcp://[::]:503", True, [2]),
    ]


def test_free_ports_are_never_shared() -> None:
    groups = [wanted("tcp://127.0.0.1:0"), wanted("tcp://127.0.0.1:0", count=2)]
    listening = plan_listening(groups)
    assert shape(listening) == [("tcp://127.0.0.1:0", False, [group]) for group in (0, 1, 1)]
    assert listening.collisions == ()


def test_unknown_units_are_answered_as_the_groups_agree() -> None:
    groups = [wanted("tcp://127.0.0.1:502", (1,)), wanted("tcp://127.0.0.1:502", (2,), unknown_unit="ignore")]
    assert [listener.unknown_unit for listener in plan_listening(groups).listeners] == ["ignore"]
    assert plan_listening(groups[:1]).listeners[0].unknown_unit == "gateway_target_failed"  # exception 0x0B
    groups.append(wanted("tcp://127.0.0.1:502", (3,), unknown_unit="gateway_path_unavailable"))
    assert plan_listening(groups).disagreements == ((2, 1, "tcp://127.0.0.1:502"),)


@pytest.mark.parametrize(
    ("one", "other", "collision"),
    [
        (
            wanted("tcp://127.0.0.1:502"),
            wanted("tcp://127.0.0.1:502"),
            (1, 0, 0, 0, "tcp://127.0.0.1:502 unit id 1"),
        ),
        (
            wanted("tcp://127.0.0.1:502", None),
            wanted("tcp://127.0.0.1:502", (7,)),
            (1, 0, 0, 0, "tcp://127.0.0.1:502 unit id 7"),
        ),
        (
            wanted("tcp://127.0.0.1:502", None),
            wanted("tcp://127.0.0.1:502", None),
            (1, 0, 0, 0, "tcp://127.0.0.1:502 any unit id"),
        ),
        (
            wanted("tcp://127.0.0.9:500-510"),
            wanted("tcp://127.0.0.0/28:505"),
            (1, 8, 0, 5, "tcp://127.0.0.9:505 unit id 1"),
        ),
        (
            wanted("tcp://127.0.0.1:502"),
            wanted("tcp://0.0.0.0:502"),
            (1, 0, 0, 0, "tcp://127.0.0.1:502 unit id 1"),
        ),
        (wanted("tcp://[::1]:502"), wanted("tcp://[::]:502"), (1, 0, 0, 0, "tcp://[::1]:502 unit id 1")),
    ],
)
def test_two_devices_on_one_place(one: Wanted, other: Wanted, collision: tuple[object, ...]) -> None:
    (found,) = plan_listening([one, other]).collisions
    assert (*found[:4], str(found.place)) == collision


def test_the_unused_rest_of_an_address_collides_with_nobody() -> None:
    group = wanted("tcp://127.0.0.1-127.0.0.9:502", (1, 2, 3), 5)
    assert plan_listening([group, wanted("tcp://127.0.0.2:502", (3,))]).collisions == ()
    assert len(plan_listening([group, wanted("tcp://127.0.0.2:502", (2,))]).collisions) == 1


@st.composite
def asked_groups(draw: st.DrawFn) -> list[Wanted]:
    groups = []
    for _ in range(draw(st.integers(2, 5))):
        first, port = draw(st.integers(1, 6)), draw(st.integers(600, 602))
        everywhere = draw(st.integers(0, 9)) == 0
        endpoint = Endpoint(
            "",
            "tcp",
            0 if everywhere else first,
            0 if everywhere else first + draw(st.integers(0, 4)),
            False,
            ((port, port + draw(st.integers(0, 2))),),
        )
        units = draw(
            st.one_of(st.none(), st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True).map(tuple))
        )
        capacity = endpoint.addresses * endpoint.port_count * (len(units) if units else 1)
        count = draw(st.integers(1, capacity))
        groups.append(Wanted(Places(endpoint, units, count), draw(st.booleans())))
    return groups


def _claimed(group: Wanted) -> dict[tuple[int, int, int], int]:
    """Every (address, port, unit id) a group answers, with its device: the slow and obvious way."""
    claimed = {}
    for i in range(group.places.count):
        place = group.places.place_of(i)
        for ip in range(1, 12) if group.places.endpoint.everywhere else (place.ip,):
            for unit_id in range(6) if place.unit_id is None else (place.unit_id,):
                claimed[ip, place.port, unit_id] = i
    return claimed


@given(asked_groups())
def test_collisions_are_those_that_listing_all_places_finds(groups: list[Wanted]) -> None:
    claims = [_claimed(group) for group in groups]
    listening = plan_listening(groups)
    for hit in listening.collisions:
        assert hit.group > hit.other
        unit_id = 5 if hit.place.unit_id is None else hit.place.unit_id
        if hit.place.ip:  # two groups that listen everywhere collide at the unspecified address
            key = (hit.place.ip, hit.place.port, unit_id)
            assert claims[hit.group][key] == hit.device
            assert claims[hit.other][key] == hit.other_device
    clashes = [(g, h) for g in range(len(groups)) for h in range(g) if claims[g].keys() & claims[h].keys()]
    assert {(hit.group, hit.other) for hit in listening.collisions} == set(clashes)


@given(asked_groups())
def test_every_claim_is_answered_by_a_listener(groups: list[Wanted]) -> None:
    listening = plan_listening(groups)
    if listening.collisions:
        return
    by_port: dict[int, list[object]] = {}
    for listener in listening.listeners:
        by_port.setdefault(listener.port, []).append(listener)
    for index, group in enumerate(groups):
        for (ip, port, unit_id), device in _claimed(group).items():
            found = [listener.device_at(ip, unit_id) for listener in by_port[port]]  # type: ignore[attr-defined]
            assert [hit for hit in found if hit] == [(index, device)]


def test_a_million_devices_are_compared_at_once() -> None:
    groups = [wanted("tcp://127.64.0.0/12:502", (unit,), 1_000_000) for unit in (1, 2, 3, 2)]
    (found,) = plan_listening(groups).collisions
    assert (found.group, found.other) == (3, 1)


def test_many_groups_on_one_place_are_told_in_linear_time() -> None:
    groups = [wanted("tcp://127.0.0.1:502") for _ in range(3000)]
    assert {hit.group for hit in plan_listening(groups).collisions} == set(range(1, 3000))
