"""What quirks do, as a client on a real socket sees it; compiled and in Python alone."""

from __future__ import annotations

import itertools
import select
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.protocol.checksums import with_crc
from simulator.quirks import ConnectionQuirks

sys.path.insert(0, str(Path(__file__).parent))

from fronts_support import Fronted
from fronts_support import adu as fronted_adu

READ = "03 0000 0001"
ONE = "03 02 00 01"
DELAY_S = 0.15
TICK_S = 1e-6
ONE_OF_MEMORY = "03 02 0001"  # what READ gets without a socket


def plant(quirks: str, **more: str) -> str:
    keys = "".join(f", {key}: {value}" for key, value in more.items())
    endpoint = "" if "endpoint" in more else ', endpoint: "tcp://127.0.0.1:0"'
    return f"devices:\n  - {{name: box, profile: box, quirks: {quirks}{endpoint}{keys}}}\n"


@pytest.fixture(scope="module")
def quirky(serve_for_all):
    """Clients of boxes with these quirks; one plant for the same text."""
    servers = {}

    def client(quirks: str, **options):
        if quirks not in servers:
            servers[quirks] = serve_for_all(plant(quirks))
        return servers[quirks].client(**options)

    yield client
    for server in servers.values():
        assert '"level": "error"' not in server.log
        assert "Traceback" not in server.log


LIMITS = "{max_registers: 40, max_bits: 16}"


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        ("03 0000 0029", "83 03"),
        ("04 0000 0029", "84 03"),
        ("10 0064 0029 52" + "0000" * 41, "90 03"),
        ("17 0000 0029 0064 0001 02 0000", "97 03"),
        ("17 0000 0001 0064 0029 52" + "0000" * 41, "97 03"),
        ("01 0000 0011", "81 03"),
        ("02 0000 0011", "82 03"),
        ("0f 0000 0011 03 000000", "8f 03"),
        ("10 0064 0028 50" + "0000" * 40, "10 00 64 00 28"),
        ("0f 0000 0010 02 0d00", "0f 00 00 00 10"),
        ("01 0000 0010", "01 02 0d 00"),
        ("06 0064 0007", "06 00 64 00 07"),
    ],
)
def test_more_than_the_limit_answers_exception_3(quirky, request_, response):
    assert quirky(LIMITS).ask(request_) == response


def test_up_to_the_limit_everything_is_answered(quirky):
    client = quirky(LIMITS)
    assert client.ask("03 0001 0028").startswith("03 50 11 11 22 22 33 33")
    assert client.ask("17 0001 0002 0064 0001 02 0009") == "17 04 11 11 22 22"
    assert client.ask("03 0064 0001") == "03 02 00 09"


def test_a_device_may_answer_exception_2_for_too_many(quirky):
    client = quirky("address-exceptions")
    assert client.ask("03 0000 0079") == "83 02"
    assert client.ask("03 0000 0078").startswith("03 f0")
    assert client.ask("03 0000 007e") == "83 03"  # nobody takes that
    assert client.ask("03 0000 0000") == "83 03"


def test_unsupported_functions_answer_exception_1(quirky):
    client = quirky("{unsupported_functions: [22, 23, 5-6]}")
    assert client.ask("16 0064 0000 0001") == "96 01"
    assert client.ask("17 0000 0001 0064 0001 02 0000") == "97 01"
    assert client.ask("05 0000 ff00") == "85 01"
    assert client.ask("06 0064 0001") == "86 01"
    assert client.ask(READ) == ONE
    assert client.ask("10 0064 0001 02 0001") == "10 00 64 00 01"


def test_holes_may_read_zero_and_take_any_write(quirky):
    client = quirky("{holes: zero}")
    assert client.ask("03 01f3 0002") == "03 04 00 00 00 00"  # the last register and the one behind it
    assert client.ask("03 ea60 0001") == "03 02 00 00"
    assert client.ask("06 ea60 0001") == "06 ea 60 00 01"
    assert client.ask("03 ea60 0001") == "03 02 00 00"
    assert client.ask("10 01f3 0002 04 1234 5678") == "10 01 f3 00 02"
    assert client.ask("03 01f3 0002") == "03 04 12 34 00 00"
    assert client.ask("03 01f3 0001") == "03 02 12 34"
    assert client.ask("02 0063 0003") == "02 01 01"  # the last input is 1, behind it is none
    assert client.ask("0f 0832 0004 01 0f") == "0f 08 32 00 04"
    assert client.ask("01 0832 0004") == "01 01 03"
    assert client.ask("03 ffff 0002") == "83 02"  # beyond the last address there is nothing at all
    assert client.ask("03 0000 0003") == "03 06 00 01 11 11 22 22"


def test_without_the_quirk_holes_answer_exception_2(quirky):
    assert quirky("none").ask("03 01f3 0002") == "83 02"
    assert quirky("none").ask("06 ea60 0001") == "86 02"


def test_a_refused_write_may_have_stored_what_stands_before_the_refused_register(quirky):
    """Register 10 takes at most 100."""
    client = quirky("{partial_writes: true}")
    assert client.ask("10 0008 0004 08 0001 0002 0065 0004") == "90 03"
    assert client.ask("03 0008 0004") == "03 08 00 01 00 02 00 14 00 00"
    assert client.ask("10 01f2 0003 06 0007 0008 0009") == "90 02"
    assert client.ask("03 01f2 0002") == "03 04 00 07 00 08"
    assert client.ask("0f 0832 0004 01 0f") == "8f 02"
    assert client.ask("01 0832 0002") == "01 01 03"
    plain = quirky("none")
    assert plain.ask("10 0008 0004 08 0001 0002 0065 0004") == "90 03"
    assert plain.ask("03 0008 0004") == "03 08 00 00 00 00 00 14 00 00"


TAKER = """
profiles:
  taker:
    read_only: {read_only}
    points:
      low: {{table: hr, address: 0}}
      kept: {{table: hr, address: 1, value: 5, max: 10, on_invalid: ignore}}
      cut: {{table: hr, address: 2, max: 10, on_invalid: clamp}}
      fixed: {{table: hr, address: 3, value: 9, access: ro}}
      high: {{table: hr, address: 4}}
      one: {{table: co, address: 0}}
      stays: {{table: co, address: 1, max: 0, on_invalid: ignore}}
      locked: {{table: co, address: 2, value: true, access: ro}}
      two: {{table: co, address: 3}}
devices: [{{name: box, profile: taker, endpoint: "tcp://127.0.0.1:0"}}]
"""


def test_a_write_of_several_is_taken_in_part_where_points_say_so(serve):
    client = serve(TAKER.format(read_only="ignore")).client()
    assert client.ask("10 0000 0005 0a 0063 0063 0063 0063 0063") == "10 00 00 00 05"
    assert client.ask("03 0000 0005") == "03 0a 00 63 00 05 00 0a 00 09 00 63"
    assert client.ask("06 0001 0063") == "06 00 01 00 63"
    assert client.ask("06 0002 0063") == "06 00 02 00 63"
    assert client.ask("06 0003 0063") == "06 00 03 00 63"
    assert client.ask("03 0000 0005") == "03 0a 00 63 00 05 00 0a 00 09 00 63"
    assert client.ask("0f 0000 0004 01 0b") == "0f 00 00 00 04"
    assert client.ask("01 0000 0004") == "01 01 0d"
    assert client.ask("05 0001 ff00") == "05 00 01 ff 00"
    assert client.ask("05 0002 0000") == "05 00 02 00 00"
    assert client.ask("01 0000 0004") == "01 01 0d"


@pytest.mark.parametrize(("read_only", "code"), [("illegal_data_address", "02"), ("illegal_function", "01")])
def test_a_read_only_point_refuses_as_the_profile_says(serve, read_only, code):
    client = serve(TAKER.format(read_only=read_only)).client()
    assert client.ask("06 0003 0063") == f"86 {code}"
    assert client.ask("10 0003 0002 04 0063 0063") == f"90 {code}"
    assert client.ask("05 0002 0000") == f"85 {code}"
    assert client.ask("0f 0002 0002 01 00") == f"8f {code}"
    assert client.ask("03 0003 0002") == "03 04 00 09 00 00"


SIGNED = """
profiles:
  signed:
    signed: true
    tables:
      hr: {ranges: 0-9, fill: -1, values: {1: -2, 2: 0x8000}}
      ir: {ranges: 0-9, signed: false}
    points:
      cold: {table: hr, address: 5, value: -40, min: -50}
      plain: {table: ir, address: 5, value: 65535}
      text: {table: hr, address: 6, data_type: string, length: 2, string_order: BA, value: "ABCD"}
      usual: {table: hr, address: 8, data_type: string, length: 2, padding: space, value: "AB"}
devices: [{name: box, profile: signed, endpoint: "tcp://127.0.0.1:0"}]
"""


def test_signed_defaults_and_string_orders(serve):
    client = serve(SIGNED).client()
    assert client.ask("03 0000 0003") == "03 06 ff ff ff fe 80 00"
    assert client.ask("03 0005 0005") == "03 0a ff d8 42 41 44 43 41 42 20 20"
    assert client.ask("04 0005 0001") == "04 02 ff ff"
    assert client.ask("06 0005 ffce") == "06 00 05 ff ce"
    assert client.ask("06 0005 ffcd") == "86 03"  # -51


# ---- connections


def answered_within(client, seconds: float) -> bool:
    return bool(select.select([client.socket], [], [], seconds)[0])


def test_an_answer_leaves_after_the_delay_and_other_clients_do_not_wait_for_it(serve, adu):
    text = plant(f"{{min_reply_delay: {round(DELAY_S * 1000)}ms}}")
    server = serve(text + '  - {name: quick, profile: box, endpoint: "tcp://127.0.0.1:0"}\n')
    slow, other, quick = server.client(0), server.client(0), server.client(1)
    for client in (slow, other, quick):
        client.ask(READ)
    began = time.monotonic()
    slow.send(adu(READ, transaction=1) + adu("03 0001 0001", transaction=2))
    other.send(adu(READ))
    asked = 0
    while not answered_within(slow, 0):
        assert quick.ask(READ) == ONE
        asked += 1
    assert DELAY_S <= time.monotonic() - began < 3 * DELAY_S
    assert asked > 20
    assert slow.response() == (1, 1, ONE)
    assert slow.response() == (2, 1, "03 02 11 11")  # in order
    assert other.response()[2] == ONE
    assert time.monotonic() - began < 3 * DELAY_S  # side by side, not one after the other


def test_delayed_answers_to_many_requests_keep_their_order(quirky, adu):
    client = quirky("{min_reply_delay: 30ms}")
    for transaction in range(50):
        client.send(adu(READ, transaction=transaction))
    assert [client.response()[0] for _ in range(50)] == list(range(50))


def test_a_client_that_floods_a_slow_device_gets_every_answer(quirky, adu):
    """The answers that wait are bounded: nothing more is read meanwhile."""
    client = quirky("{min_reply_delay: 30ms}")
    request = adu("03 0000 007d")
    many = 2000
    sender = threading.Thread(target=client.send, args=(request * many,))
    sender.start()
    size = 9 + 250
    assert len(client.receive(size * many)) == size * many
    sender.join()


@pytest.mark.parametrize("quirk", ["true", "ignore"])
def test_a_request_before_the_answer_to_the_one_before_is_ignored(quirky, adu, quirk):
    client = quirky(f"{{one_request_in_flight: {quirk}}}")
    client.send(adu(READ, transaction=1) + adu(READ, transaction=2) + adu(READ, transaction=3))
    assert client.response()[0] == 1
    assert not answered_within(client, 0.05)
    assert client.ask(READ, transaction=4) == ONE


def test_with_a_delay_the_request_is_in_flight_for_all_of_it(quirky, adu):
    client = quirky("{one_request_in_flight: true, min_reply_delay: 100ms}")
    client.send(adu(READ, transaction=1))
    time.sleep(0.03)
    client.send(adu(READ, transaction=2))
    assert client.response()[0] == 1
    assert not answered_within(client, 0.15)
    assert client.ask(READ, transaction=3) == ONE


def test_a_busy_device_says_so(quirky, adu):
    client = quirky("{one_request_in_flight: busy}")
    client.send(
        adu(READ, transaction=1) + adu("06 0064 0001", transaction=2) + adu(READ, unit=9, transaction=3)
    )
    assert client.response() == (1, 1, ONE)
    assert client.response() == (2, 1, "86 06")
    assert client.response() == (3, 9, "83 0b")  # nobody is no device that could be busy
    assert client.ask("03 0064 0001") == "03 02 00 00"


def test_a_device_may_hang_up_on_the_second_request(quirky, adu):
    client = quirky("{one_request_in_flight: close}")
    assert client.ask(READ) == ONE
    client.send(adu(READ, transaction=1) + adu(READ, transaction=2))
    assert client.rest() == adu(ONE, transaction=1)


def test_the_connection_ends_after_so_many_requests(quirky, adu):
    client = quirky("{close_after: 3}")
    assert client.ask(READ) == ONE
    client.send(b"".join(adu(READ, transaction=number) for number in range(1, 5)))
    assert client.rest() == adu(ONE, transaction=1) + adu(ONE, transaction=2)


def test_the_last_answer_is_not_lost_when_it_is_delayed(quirky, adu):
    client = quirky("{close_after: 2, min_reply_delay: 40ms}")
    client.send(adu(READ, transaction=1) + adu("83 00", transaction=2) + adu(READ, transaction=3))
    assert client.rest() == adu(ONE, transaction=1) + adu("83 01", transaction=2)


def test_a_plant_stops_while_answers_wait(serve, adu):
    text = plant("{min_reply_delay: 20s}")
    server = serve(
        text + '  - {name: slow, profile: box, endpoint: "tcp://127.0.0.1:0", gateway: {baudrate: 50}}\n'
    )
    for listener in (0, 1):
        client = server.client(listener)
        client.send(adu(READ) * 3)
    time.sleep(0.1)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 10
    assert "Traceback" not in server.log


def test_a_lost_stream_still_gets_its_delayed_answers(quirky, adu):
    client = quirky("{min_reply_delay: 40ms}")
    client.send(adu(READ) + b"\0\1\7\7\0\2\1\3")
    assert client.rest() == adu(ONE)


def test_a_silent_connection_is_closed_after_the_idle_timeout_of_the_device(serve):
    text = plant("{idle_timeout: 300ms}")
    server = serve(text + '  - {name: patient, profile: box, endpoint: "tcp://127.0.0.1:0"}\n')
    client, patient = server.client(0), server.client(1)
    assert client.ask(READ) == patient.ask(READ) == ONE
    began = time.monotonic()
    assert client.rest() == b""
    assert 0.29 <= time.monotonic() - began < 5
    assert patient.ask(READ) == ONE


def test_a_client_over_the_limit_of_connections_is_closed_at_once(serve, wait_until):
    server = serve(plant("{max_connections: 2}"))
    first, second = server.client(), server.client()
    assert first.ask(READ) == second.ask(READ) == ONE
    assert server.turns_away()
    assert first.ask(READ) == second.ask(READ) == ONE
    first.close()
    wait_until(lambda: not server.turns_away_now(0, "127.0.0.1", READ), "room for the next client")


def test_a_client_may_take_the_place_of_the_oldest_connection(serve):
    server = serve(plant("{max_connections: 2, when_full: close_oldest}"))
    first, second = server.client(), server.client()
    assert first.ask(READ) == second.ask(READ) == ONE
    third = server.client()
    assert third.ask(READ) == ONE
    assert first.rest() == b""
    assert second.ask(READ) == third.ask(READ) == ONE


def test_the_limit_of_connections_of_a_host(serve):
    server = serve(plant("{max_connections_per_host: 1}"))
    first = server.client()
    assert first.ask(READ) == ONE
    assert server.turns_away()
    assert server.client(source_address=("127.0.0.9", 0)).ask(READ) == ONE
    assert first.ask(READ) == ONE


def test_limits_belong_to_the_address_where_one_listener_has_many(serve):
    text = """
devices:
  - {name: "box-{n}", profile: box, endpoint: "tcp://127.0.77.1-127.0.77.2:0", quirks: {max_connections: 1}}
"""
    server = serve(text)
    first, second = server.client(0, "127.0.77.1"), server.client(0, "127.0.77.2")
    assert (first.ask(READ), second.ask(READ)) == ("03 02 00 01", "03 02 00 02")
    assert server.turns_away(0, "127.0.77.1")
    assert server.turns_away(0, "127.0.77.2")
    assert (first.ask(READ), second.ask(READ)) == ("03 02 00 01", "03 02 00 02")


def test_quirks_of_one_address_leave_another_of_the_same_listener_alone(serve, adu):
    text = """
devices:
  - {name: slow, profile: box, endpoint: "tcp://127.0.77.1:15020", quirks: {close_after: 1}}
  - {name: plain, profile: box, endpoint: "tcp://127.0.77.2:15020"}
  - {name: strange, profile: box, endpoint: "tcp://127.0.77.3:15020", quirks: {one_request_in_flight: true}}
"""
    server = serve(text)
    assert len(server.endpoints) == 1
    slow = server.client(0, "127.0.77.1")
    slow.send(adu(READ))
    assert slow.rest() == adu(ONE)
    plain, strange = server.client(0, "127.0.77.2"), server.client(0, "127.0.77.3")
    for client, answers in ((plain, 3), (strange, 1)):
        client.send(adu(READ) * 3)
        assert client.receive(11 * answers) == adu("03 02 0001") * answers
    assert not answered_within(strange, 0.05)
    assert plain.ask("03 0001 0001") == "03 02 11 11"


def rtu(frame: str) -> bytes:
    return with_crc(bytes.fromhex(frame))


def test_quirks_of_the_connection_hold_for_line_framings_over_tcp(serve):
    quirks = "{one_request_in_flight: busy, close_after: 3, min_reply_delay: 40ms}"
    server = serve(plant(quirks, endpoint='"rtu+tcp://127.0.0.1:0"'))
    client = server.client()
    began = time.monotonic()
    client.send(rtu("01 03 0000 0001") + rtu("01 03 0001 0001"))
    expected = rtu("01 03 02 0001") + rtu("01 83 06")
    assert client.receive(len(expected)) == expected
    assert time.monotonic() - began >= 0.04
    client.send(rtu("01 03 0001 0001"))
    assert client.receive(7) == rtu("01 03 02 1111")
    client.send(rtu("01 03 0002 0001"))
    assert client.rest() == rtu("01 03 02 2222")


def test_bundles_work_by_name_with_keys_beside_them(quirky):
    client = quirky("{bundle: small-energy-meter, max_connections_per_host: null, min_reply_delay: null}")
    assert client.ask("03 0000 0029") == "83 03"
    assert client.ask("01 0000 0001") == "81 01"
    assert client.ask("03 0000 0028").startswith("03 50")


def test_a_small_energy_meter_has_one_connection_for_a_host(serve):
    server = serve(plant("small-energy-meter"))
    began = time.monotonic()
    assert server.client().ask(READ) == ONE
    assert time.monotonic() - began >= 0.01
    assert server.turns_away()


# ---- with a clock in hand


def late(**quirks):
    return Fronted(quirks=ConnectionQuirks(min_reply_delay=0.5, **quirks))


def test_an_answer_leaves_when_its_time_has_come_and_not_before():
    fronted = late()
    client = fronted.connect()
    client.dataReceived(fronted_adu(READ, transaction=1))
    fronted.pass_(0.25)
    client.dataReceived(fronted_adu(READ, transaction=2))
    assert fronted.after(0.25 - TICK_S, client) == b""
    assert fronted.after(2 * TICK_S, client) == fronted_adu(ONE_OF_MEMORY, transaction=1)
    assert fronted.after(0.25, client) == fronted_adu(ONE_OF_MEMORY, transaction=2)
    assert not fronted.clock.getDelayedCalls()


def test_nothing_more_is_read_while_many_answers_wait():
    fronted = late()
    client = fronted.connect()
    while client.wire.producerState == "producing":
        client.dataReceived(fronted_adu(READ) * 100)
        assert len(fronted.clock.getDelayedCalls()) == 1  # one timer, whatever waits
    waiting = (1 << 16) + 100 * 11
    said = len(fronted.after(0.5 + TICK_S, client))
    assert 1 << 16 <= said <= waiting
    assert client.wire.producerState == "producing"


def test_a_client_that_goes_leaves_no_timer():
    fronted = late(close_after=5)
    client = fronted.connect()
    client.dataReceived(fronted_adu(READ) * 3)
    client.wire.loseConnection()
    assert not fronted.clock.getDelayedCalls()
    assert fronted.factory.connections == 0


def test_what_comes_after_the_last_request_is_counted_and_not_answered():
    fronted = late(close_after=2)
    client = fronted.connect()
    client.dataReceived(fronted_adu(READ) * 2)
    client.dataReceived(fronted_adu(READ) * 3)
    assert fronted.after(0.6, client) == fronted_adu(ONE_OF_MEMORY) * 2
    assert client.wire.disconnecting
    assert fronted.factory.discarded == 3


def test_a_request_that_gets_no_answer_is_not_in_flight():
    fronted = Fronted(quirks=ConnectionQuirks(when_in_flight="ignore"), unknown_unit="ignore")
    client = fronted.connect()
    client.dataReceived(fronted_adu(READ, 9) * 3 + fronted_adu(READ))
    assert fronted.said(client) == fronted_adu(ONE_OF_MEMORY)
    assert fronted.factory.discarded == 0


def test_a_busy_device_counts_that_it_was():
    fronted = Fronted(quirks=ConnectionQuirks(when_in_flight="busy"))
    client = fronted.connect()
    client.dataReceived(fronted_adu(READ) * 3)
    assert fronted.said(client) == fronted_adu(ONE_OF_MEMORY) + fronted_adu("83 06") * 2
    state = fronted.units[1].state
    assert (state.busies, state.exceptions, state.messages) == (2, 2, 3)


@given(cuts=st.lists(st.integers(0, 60), max_size=8))
def test_however_the_stream_is_cut_the_connection_ends_after_the_same_request(cuts):
    fronted = Fronted(quirks=ConnectionQuirks(close_after=3))
    client = fronted.connect()
    stream = b"".join(fronted_adu(READ, transaction=number) for number in range(5))
    places = sorted({0, len(stream), *cuts})
    for start, stop in itertools.pairwise(places):
        if client.wire.protocol is not None:
            client.dataReceived(stream[start:stop])
    expected = b"".join(fronted_adu(ONE_OF_MEMORY, transaction=number) for number in range(3))
    assert fronted.said(client) == expected
    assert client.wire.disconnecting
