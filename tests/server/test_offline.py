"""Devices that go offline and come back: what their clients see, for every kind of listener."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from time import thread_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.device import OFFLINE
from simulator.errors import BindError
from simulator.protocol.checksums import with_crc
from simulator.server import absences
from simulator.server.hub import Hub
from simulator.server.lanes import BUILT
from simulator.slices import Slices

sys.path.insert(0, str(Path(__file__).parent))

from offline_support import READ, Yard, received, send

PLANT = """
devices:
  - {name: "solo-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", count: 3, tags: [solo]}
  - {name: "unit-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-3}
  - {name: "virtual-{n}", profile: box, endpoint: "tcp://127.0.77.1-127.0.77.9:0", unit_id: 1-2, count: 17}
"""
SOLO, UNITS, VIRTUAL = 0, 3, 4

Begin = Callable[[str], Yard]


@pytest.fixture(params=["compiled", "pure"])
def begin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Open a plant; its plain requests are answered by compiled code, or by Python."""
    if request.param == "compiled" and not BUILT:
        pytest.skip("there is no compiled code here")
    monkeypatch.setattr("simulator.plant.Hub", partial(Hub, compiled=request.param == "compiled"))
    yards: list[Yard] = []

    def open_yard(text: str) -> Yard:
        yards.append(Yard(text))
        return yards[-1]

    yield open_yard
    for yard in yards:
        yard.close()


@pytest.fixture
def yard(begin: Begin) -> Yard:
    """The plant of all kinds of TCP listeners."""
    return begin(PLANT)


def test_clients_of_a_device_that_closes_are_reset_and_refused(yard: Yard) -> None:
    client, other = yard.connect(SOLO), yard.connect(SOLO + 1)
    assert yard.ask(client) == "03 02 00 01"
    outage = yard.wait(yard.plant.offline("solo-1"))
    assert yard.plant.outages.devices == 1
    with pytest.raises(ConnectionResetError):
        received(client)
    with pytest.raises(ConnectionRefusedError):
        yard.connect(SOLO)
    assert yard.ask(other) == "03 02 00 02", "others go on"
    yard.wait(yard.plant.outages.end(outage))
    assert yard.plant.outages.devices == 0
    assert yard.ask(yard.connect(SOLO)) == "03 02 00 01", "on the port it had"


def test_while_it_is_away_nobody_else_gets_its_port(yard: Yard) -> None:
    port = yard.port(SOLO)
    yard.wait(yard.plant.offline("solo-1"))
    with socket.socket() as thief, pytest.raises(OSError, match="in use"):
        thief.bind(("127.0.0.1", port))
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(("127.0.0.1", port))  # 200 times out of 28 000 this would connect to itself
    yard.wait(yard.plant.online("*"))
    assert yard.port(SOLO) == port


def test_a_port_that_is_lost_all_the_same_is_asked_for_until_it_is_free(yard: Yard) -> None:
    port = yard.port(SOLO)
    yard.wait(yard.plant.offline(["solo-1", "solo-2"]))
    yard.plant.factories[SOLO].port.reserved.close()
    yard.plant.factories[SOLO].port.reserved = None
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", port))
        thief.listen()
        with pytest.raises(BindError, match=str(port)):
            yard.wait(yard.plant.online("solo-*"))
        assert yard.ask(yard.connect(SOLO + 1)) == "03 02 00 02", "the others are back"
    yard.reactor.advance(1.1)
    yard.turn()
    assert yard.ask(yard.connect(SOLO)) == "03 02 00 01"


def test_a_dropped_device_is_silent_and_its_connections_stay(yard: Yard) -> None:
    client = yard.connect(SOLO)
    assert yard.ask(client) == "03 02 00 01"
    yard.wait(yard.plant.offline("solo-1", "drop"))
    assert yard.ask(client) == "", "nor does a gateway speak for it"
    assert yard.ask(client, unit=9) == "", "not even for units it never had"
    assert yard.ask(yard.connect(SOLO)) == "", "new connections are taken, and get nothing"
    assert yard.ask(client, "06 00 00 00 05") == "", "and nothing is written"
    yard.wait(yard.plant.online("solo-1"))
    assert yard.ask(client) == "03 02 00 01"
    assert yard.ask(client, unit=9) == "83 0b"


def test_a_unit_behind_a_listener_with_others_is_one_that_nobody_has(yard: Yard) -> None:
    client = yard.connect(UNITS)
    assert yard.ask(client, unit=2) == "03 02 00 02"
    yard.wait(yard.plant.offline("unit-2"))
    assert yard.ask(client, unit=2) == "83 0b"
    assert yard.ask(client, unit=1) == "03 02 00 01"
    assert yard.ask(yard.connect(UNITS), unit=2) == "83 0b", "for new clients, too"
    yard.wait(yard.plant.offline(["unit-1", "unit-3"]))
    with pytest.raises(ConnectionRefusedError):
        yard.connect(UNITS)
    yard.wait(yard.plant.online("unit-1"))
    client = yard.connect(UNITS)
    assert [yard.ask(client, unit=unit) for unit in (1, 2, 3, 9)] == [
        "03 02 00 01", "83 0b", "83 0b", "83 0b",
    ]  # fmt: skip
    yard.wait(yard.plant.online("*"))
    assert yard.ask(client, unit=2) == "03 02 00 02"


@pytest.mark.parametrize(
    ("policy", "answer"),
    [("ignore", ""), ("gateway_path_unavailable", "83 0a"), ("gateway_target_failed", "83 0b")],
)
def test_a_unit_that_is_gone_is_told_as_unknown_ones_are(begin: Begin, policy: str, answer: str) -> None:
    yard = begin(
        f'devices: [{{name: "unit-{{n}}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-2,'
        f" unknown_unit: {policy}}}]"
    )
    client = yard.connect()
    yard.ask(client)
    yard.wait(yard.plant.offline("unit-1"))
    assert yard.ask(client) == answer == yard.ask(client, unit=7)
    assert yard.ask(client, unit=2) == "03 02 00 02"


def test_requests_to_a_unit_that_is_gone_are_not_counted(yard: Yard) -> None:
    client = yard.connect(UNITS)
    assert yard.ask(client, "08 00 0b 00 00", unit=2) == "08 00 0b 00 01"
    yard.wait(yard.plant.offline("unit-2"))
    yard.ask(client, unit=2)
    yard.wait(yard.plant.online("unit-2"))
    assert yard.ask(client, "08 00 0b 00 00", unit=2) == "08 00 0b 00 02"


def test_a_silent_unit_leaves_the_others_of_its_connection_alone(yard: Yard) -> None:
    client = yard.connect(UNITS)
    yard.wait(yard.plant.offline("unit-2", "drop"))
    send(client, unit=2)
    send(client, unit=3)
    yard.turn()
    assert received(client) == "03 02 00 03"


def test_an_address_of_a_wildcard_listener_is_reset_at_once(yard: Yard) -> None:
    gone, stays = yard.connect(VIRTUAL, "127.0.77.1"), yard.connect(VIRTUAL, "127.0.77.2")
    assert (yard.ask(gone), yard.ask(stays)) == ("03 02 00 01", "03 02 00 03")
    yard.wait(yard.plant.offline("virtual-1"))
    assert yard.ask(gone) == "83 0b", "the other unit id of the address is there"
    yard.wait(yard.plant.offline("virtual-2"))
    with pytest.raises(ConnectionResetError):
        received(gone)
    with pytest.raises(ConnectionResetError):
        received(yard.connect(VIRTUAL, "127.0.77.1"))
    assert yard.ask(stays) == "03 02 00 03"
    yard.wait(yard.plant.offline("virtual-17"))
    with pytest.raises(ConnectionResetError):
        received(yard.connect(VIRTUAL, "127.0.77.9"))  # the last address has one device only
    yard.wait(yard.plant.offline({"group": "virtual-*"}))
    with pytest.raises(ConnectionRefusedError):
        yard.connect(VIRTUAL, "127.0.77.2")
    yard.wait(yard.plant.online("virtual-*"))
    for host, number in (("127.0.77.1", 1), ("127.0.77.2", 3), ("127.0.77.9", 17)):
        assert yard.ask(yard.connect(VIRTUAL, host)) == f"03 02 00 {number:02x}"


def test_addresses_on_several_ports_each_know_their_devices(begin: Begin) -> None:
    """Device i is on port i mod 2 of address i div 2: what a listener has is every other device."""
    base = _free_ports(2)
    yard = begin(
        f'devices: [{{name: "d-{{n}}", profile: box, endpoint: "tcp://127.0.78.1-127.0.78.3:{base}-{base + 1}"}}]'
    )
    yard.wait(yard.plant.offline(["d-1", "d-3", "d-5", "d-4"]))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.78.1", base), timeout=5)
    client = socket.create_connection(("127.0.78.2", base + 1), timeout=5)
    yard.turn()
    with pytest.raises(ConnectionError):
        received(client)
    other = socket.create_connection(("127.0.78.1", base + 1), timeout=5)
    yard.turn()
    assert yard.ask(other) == "03 02 00 02"
    yard.wait(yard.plant.online("d-*"))
    again = socket.create_connection(("127.0.78.1", base), timeout=5)
    yard.turn()
    assert yard.ask(again) == "03 02 00 01"
    for each in (client, other, again):
        each.close()


def test_outages_that_overlap_end_when_the_last_does(yard: Yard) -> None:
    first = yard.wait(yard.plant.offline({"tags": "solo"}))
    second = yard.wait(yard.plant.offline(["solo-1", "solo-2"], "drop"))
    assert yard.plant.outages.devices == 3
    yard.wait(yard.plant.outages.end(first))
    assert yard.plant.outages.devices == 2
    assert yard.ask(yard.connect(SOLO)) == "", "only dropped now"
    yard.wait(yard.plant.outages.end(first))
    assert yard.plant.outages.devices == 2, "an outage ends once"
    yard.wait(yard.plant.online("solo-1"))
    assert yard.plant.outages.devices == 1
    yard.wait(yard.plant.outages.end(second))
    assert (yard.plant.outages.devices, yard.plant.outages.outages) == (0, ())
    assert yard.ask(yard.connect(SOLO)) == "03 02 00 01"


def test_the_last_wish_counts(yard: Yard) -> None:
    """Nobody waits in between: away, back and away again in one breath."""
    done = [yard.plant.offline("solo-1"), yard.plant.online("solo-1"), yard.plant.offline("solo-1")]
    for each in done:
        yard.wait(each)
    with pytest.raises(ConnectionRefusedError):
        yard.connect(SOLO)
    assert yard.plant.outages.devices == 1


def test_datagrams_are_not_answered(begin: Begin) -> None:
    yard = begin("""
devices:
  - {name: "u-{n}", profile: box, endpoint: "udp://127.0.0.1:0", unit_id: 1-2}
  - {name: "v-{n}", profile: box, endpoint: "udp://127.0.79.1-127.0.79.2:0"}
""")
    for listener, host, name, answer in ((0, "127.0.0.1", "u-*", "01"), (1, "127.0.79.2", "v-2", "02")):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect((host, yard.port(listener)))
            assert yard.ask(client) == f"03 02 00 {answer}"
            yard.wait(yard.plant.offline(name))
            assert yard.ask(client) == ""
            assert yard.ask(client, unit=9) == ("" if listener == 0 else "83 0b")
            yard.wait(yard.plant.online(name))
            assert yard.ask(client) == f"03 02 00 {answer}"


def test_a_device_on_a_line_is_silent_and_does_not_hear_broadcasts(begin: Begin, tmp_path: object) -> None:
    link = f"{tmp_path}/line"
    yard = begin(f"""
devices:
  - {{name: "r-{{n}}", profile: box, endpoint: "rtu:pty?link={link}&baudrate=115200", unit_id: 1-2}}
""")
    line = os.open(link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        assert _ask_line(yard, line, 1) == "0103020001"
        yard.wait(yard.plant.offline("r-1"))
        assert _ask_line(yard, line, 1) == ""
        assert _ask_line(yard, line, 0, "060000002a") == ""
        assert _ask_line(yard, line, 2) == "020302002a"
        yard.wait(yard.plant.online("r-1"))
        assert _ask_line(yard, line, 1) == "0103020001", "it has not heard what was said to all"
    finally:
        os.close(line)


def test_behind_a_gateway_a_unit_is_told_as_the_gateway_does(begin: Begin) -> None:
    yard = begin("""
devices:
  - {name: "g-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-2,
     gateway: {baudrate: 19200, timeout: 300ms}}
""")
    client = yard.connect()
    yard.wait(yard.plant.offline("g-1"))
    send(client)
    yard.turn()
    assert received(client) == "", "the gateway waits for the unit"
    for _ in range(2):  # the request on the line, then the wait for the unit
        yard.reactor.advance(0.5)
        yard.turn()
    assert received(client) == "83 0b"


def test_thousands_go_and_come_in_slices(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reactor is never held for 10 ms, however many devices there are."""
    yard = begin("""
devices:
  - {name: "p-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", count: 1000}
  - {name: "m-{n}", profile: box, endpoint: "tcp://127.80.0.0/16:0", count: 60000}
""")
    slices: list[float] = []
    proceed = Slices._proceed

    def timed(self: Slices) -> None:
        began = thread_time()
        proceed(self)
        slices.append(thread_time() - began)

    monkeypatch.setattr(Slices, "_proceed", timed)
    for how in ("close", "drop"):
        yard.wait(yard.plant.offline({"devices": ["p-*", "m-*"]}, how))
        assert yard.plant.outages.devices == 61_000
        yard.wait(yard.plant.online("*"))
        assert yard.plant.outages.devices == 0
    assert len(slices) > 4
    assert max(slices) < 0.010
    assert yard.ask(yard.connect(999)) == "03 02 03 e8"
    monkeypatch.setattr(absences, "MOST", 1)
    yard.wait(yard.plant.offline("p-1"))
    with pytest.raises(OverflowError, match="1 outages are under way"):
        yard.wait(yard.plant.offline("p-2"))


@pytest.mark.parametrize("virtual", [False, True], ids=["ports", "virtual IPs"])
def test_two_hundred_clients_survive_the_storm(begin: Begin, virtual: bool) -> None:
    """All lose their connection, all come back at once, all are answered."""
    place = "127.0.80.1-127.0.80.200:0" if virtual else "127.0.0.1:0"
    yard = begin(f'devices: [{{name: "d-{{n}}", profile: box, endpoint: "tcp://{place}", count: 200}}]')

    def connect(number: int) -> socket.socket:
        host, listener = (f"127.0.80.{number + 1}", 0) if virtual else ("127.0.0.1", number)
        client = socket.create_connection((host, yard.port(listener)), timeout=30)
        yard.clients.append(client)
        return client

    for _ in range(2):
        clients = [connect(number) for number in range(200)]
        for client in clients:
            send(client)
        yard.turn()
        answers = [received(client) for client in clients]
        assert answers == [f"03 02 00 {n:02x}" for n in range(1, 201)]
        yard.wait(yard.plant.offline("*"))
        for client in clients:
            with pytest.raises(ConnectionError):
                received(client)
            client.close()
        with pytest.raises(ConnectionRefusedError):
            connect(17)
        yard.wait(yard.plant.online("*"))
    assert len(yard.plant.hub.connections) == 0


def test_a_plant_can_be_stopped_while_devices_are_away(yard: Yard) -> None:
    port = yard.port(SOLO)
    yard.wait(yard.plant.offline("*"))
    yard.plant.offline("*", "drop")
    yard.plant.stopService()
    yard.reactor.advance(10)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()


def test_before_it_is_open_nothing_can_be_taken_away(begin: Begin) -> None:
    yard = begin(PLANT)
    yard.plant.factories.pop()
    with pytest.raises(RuntimeError, match="the plant is not open"):
        yard.plant.offline("*")
    with pytest.raises(ValueError, match="no device is named 'sole-1'"):
        yard.plant.online("sole-1")


@pytest.mark.parametrize("kind", ["faults", "quirks", "rtu"])
def test_what_else_stands_between_makes_no_difference(begin: Begin, kind: str) -> None:
    extra = {
        "faults": 'faults: [{name: late, when: {devices: "*"}, then: {corrupt_values: stuck}, enabled: true}]',
        "quirks": "",
        "rtu": "",
    }[kind]
    scheme = "rtu+tcp" if kind == "rtu" else "tcp"
    quirks = ", quirks: {max_connections: 3, one_request_in_flight: true}" if kind == "quirks" else ""
    yard = begin(
        f'devices: [{{name: "unit-{{n}}", profile: box, endpoint: "{scheme}://127.0.0.1:0",'
        f" unit_id: 1-2{quirks}}}]\n{extra}"
    )

    def ask(unit: int) -> str:
        if kind != "rtu":
            return yard.ask(client, unit=unit)
        client.sendall(_rtu(unit))
        yard.turn()
        client.setblocking(False)
        try:
            return client.recv(256)[1:-2].hex(" ")
        except BlockingIOError:
            return ""

    client = yard.connect()
    assert (ask(1), ask(2)) == ("03 02 00 01", "03 02 00 02")
    yard.wait(yard.plant.offline("unit-1"))
    assert (ask(1), ask(2)) == ("" if kind == "rtu" else "83 0b", "03 02 00 02")
    yard.wait(yard.plant.online("unit-1"))
    yard.wait(yard.plant.offline("unit-1", "drop"))
    assert (ask(1), ask(2)) == ("", "03 02 00 02")
    yard.wait(yard.plant.online("unit-1"))
    assert (ask(1), ask(2)) == ("03 02 00 01", "03 02 00 02")


def test_a_port_is_withdrawn_until_every_reason_is_gone(yard: Yard) -> None:
    port = yard.plant.factories[SOLO].port
    yard.wait(yard.plant.offline("solo-1"))
    port.withdraw("a fault")
    yard.wait(yard.plant.online("solo-1"))
    with pytest.raises(ConnectionRefusedError):
        yard.connect(SOLO)
    port.restore("another")
    assert not port.is_listening
    port.restore("a fault")
    port.restore("a fault")
    assert port.is_listening
    assert yard.ask(yard.connect(SOLO)) == "03 02 00 01"


NAMES = (
    [f"solo-{n}" for n in (1, 2, 3)]
    + [f"unit-{n}" for n in (1, 2, 3)]
    + [f"virtual-{n}" for n in range(1, 18)]
)
WISHES = st.lists(
    st.tuples(
        st.sampled_from(["close", "drop", "end", "online"]),
        st.sampled_from(
            ["*", "solo-*", "unit-*", "unit-[12]", "virtual-*", "virtual-1*", "virtual-[12]", "*-3"]
        ),
        st.integers(0, 9),
    ),
    max_size=8,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WISHES)
def test_whatever_is_wished_every_device_is_as_the_outages_say(
    yard: Yard, wishes: list[tuple[str, str, int]]
) -> None:
    """Compared with a list of outages and their devices, one by one."""
    plant = yard.plant
    yard.wait(plant.online("*"))
    outages: list[tuple[object, str, set[str]]] = []
    for wish, pattern, number in wishes:
        names = {name for name in NAMES if fnmatchcase(name, pattern)}
        if wish == "online":
            yard.wait(plant.online(pattern))
            outages = [(outage, how, held - names) for outage, how, held in outages]
        elif wish == "end" and outages:
            outage, _, _ = outages.pop(number % len(outages))
            yard.wait(plant.outages.end(outage))
        elif wish != "end":
            outages.append((yard.wait(plant.offline(pattern, wish)), wish, names))
    closed = {name for _, how, held in outages if how == "close" for name in held}
    gone = {name for _, _, held in outages for name in held}
    assert plant.outages.devices == len(gone)
    for name in NAMES:
        device = plant.device(name)
        assert bool(device.kind.aside[device.row] & OFFLINE) == (name in gone), name
        assert (device.functions is not device.kind.functions) == (name in gone), name
    listening = [factory.port.is_listening for factory in plant.factories]
    places = [{f"solo-{n}"} for n in (1, 2, 3)] + [{name for name in NAMES if name.startswith(f"{kind}-")}
                                                   for kind in ("unit", "virtual")]  # fmt: skip
    assert listening == [not place <= closed for place in places]
    route = plant.factories[VIRTUAL].route
    for n in range(1, 10):
        here = {f"virtual-{2 * n - 1}", f"virtual-{2 * n}"} & set(NAMES)
        assert (route(f"127.0.77.{n}") is None) == (here <= closed)


def _free_ports(count: int) -> int:
    """The first of some free ports in a row."""
    for base in range(23000, 30000, count):
        sockets = [socket.socket() for _ in range(count)]
        try:
            for offset, each in enumerate(sockets):
                each.bind(("127.0.78.1", base + offset))
            return base
        except OSError:
            continue
        finally:
            for each in sockets:
                each.close()
    raise AssertionError("no free ports")


def _rtu(unit: int, pdu: str = "") -> bytes:
    return with_crc(bytes((unit,)) + bytes.fromhex(pdu or READ))


def _ask_line(yard: Yard, line: int, unit: int, pdu: str = "") -> str:
    """The answer on a line without its checksum, "" when none comes."""
    os.write(line, _rtu(unit, pdu))
    yard.turn()
    yard.reactor.advance(0.01)
    yard.turn()
    try:
        return os.read(line, 256)[:-2].hex()
    except BlockingIOError:
        return ""
