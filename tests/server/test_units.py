"""Which device answers: by unit id, by the address that was called, and what strangers hear."""

from __future__ import annotations

import pytest

NUMBER = "03 0000 0001"  # the device's number in its group, from 1


def number(n: int) -> str:
    return f"03 02 00 {n:02x}"


def test_several_unit_ids_behind_one_listener_are_several_devices(shared):
    client = shared.client("units")
    for n, unit in enumerate((1, 2, 3, 10), 1):
        assert client.ask(NUMBER, unit=unit) == number(n)
    client.ask("06 0096 0777", unit=2)
    assert client.ask("03 0096 0001", unit=2) == "03 02 07 77"
    assert client.ask("03 0096 0001", unit=3) == "03 02 00 00"


@pytest.mark.parametrize("unit", [0, 4, 9, 11, 247, 255])
def test_a_unit_id_nobody_has_answers_0b_by_default(shared, unit):
    client = shared.client("units")
    assert client.ask(NUMBER, unit=unit) == "83 0b"
    assert client.ask("06 0000 0001", unit=unit) == "86 0b"
    assert client.ask("63 00", unit=unit) == "e3 0b"
    assert client.ask(NUMBER, unit=1) == number(1)


@pytest.mark.parametrize("unit", [0, 1, 17, 255])
def test_unit_id_any_answers_every_unit_id_with_the_id_that_was_asked(shared, unit):
    client = shared.client("any")
    assert client.ask(NUMBER, unit=unit) == number(1)
    assert client.ask("2b 0e 04 06", unit=unit).endswith(b"any".hex(" "))


def test_unit_id_any_is_one_device_whatever_it_is_called(shared):
    client = shared.client("any")
    client.ask("06 0064 0123", unit=5)
    assert client.ask("03 0064 0001", unit=200) == "03 02 01 23"


@pytest.mark.parametrize(("listener", "code"), [("pathless", "0a"), ("lost", "0b")])
def test_what_an_unknown_unit_answers_can_be_chosen(shared, listener, code):
    client = shared.client(listener)
    assert client.ask(NUMBER, unit=6) == f"83 {code}"
    assert client.ask(NUMBER, unit=5) == number(1)


def test_unknown_unit_ignore_is_silence_and_the_next_request_is_answered(shared, adu):
    client = shared.client("quiet")
    client.send(adu(NUMBER, unit=6, transaction=1) + adu("06 0064 0001", unit=7, transaction=2))
    client.send(adu(NUMBER, unit=5, transaction=3) + adu(NUMBER, unit=0, transaction=4))
    assert client.response() == (3, 5, number(1))
    assert client.ask("03 0064 0001", unit=5, transaction=5) == "03 02 00 00"


def test_ipv6(shared):
    client = shared.client("six", "::1")
    assert shared.endpoints[5].startswith("tcp://[::1]:")
    assert client.ask(NUMBER) == number(1)
    assert client.ask("06 0064 0006") == "06 00 64 00 06"


def test_each_virtual_address_is_a_device_of_its_own(shared):
    """Nine addresses with two unit ids each, on one listener."""
    clients = {place: shared.client("virtual", f"127.0.77.{place}") for place in range(1, 10)}
    for place, client in clients.items():
        assert client.ask(NUMBER, unit=1) == number(2 * place - 1)
        if place < 9:
            assert client.ask(NUMBER, unit=2) == number(2 * place)
    assert clients[9].ask(NUMBER, unit=2) == "83 0b"  # 17 devices: the last address has only one
    clients[4].ask("06 0064 0abc", unit=1)
    assert [client.ask("03 0064 0001", unit=1) for client in clients.values()] == [
        f"03 02 {'0a bc' if place == 4 else '00 00'}" for place in clients
    ]


def test_a_device_at_a_virtual_address_knows_its_name(shared):
    client = shared.client("virtual", "127.0.77.6")
    assert client.ask("2b 0e 04 06", unit=2).endswith(b"virtual-12".hex(" "))


@pytest.mark.parametrize("address", ["127.0.77.10", "127.0.77.0", "127.0.0.1", "127.1.77.1"])
def test_an_address_that_is_not_in_the_plan_is_closed_at_once(shared, address):
    assert shared.turns_away("virtual", address)
    assert shared.client("virtual", "127.0.77.1").ask(NUMBER) == number(1)


def test_listening_everywhere_is_the_same_devices_on_every_address(shared):
    for address in ("127.0.0.1", "127.9.8.7"):
        client = shared.client("everywhere", address)
        assert [client.ask(NUMBER, unit=unit) for unit in (1, 2, 3)] == [number(1), number(2), "83 0b"]
