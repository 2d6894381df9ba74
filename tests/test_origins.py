"""Who wrote is told over every transport, on connections that compiled code has served before."""

from __future__ import annotations

import os
import select
import socket
import struct

import pytest
from twisted.internet.testing import MemoryReactorClock

from simulator.config.loader import parse_plant
from simulator.origins import PROGRAM, SERVING, Origin
from simulator.plant import Plant
from simulator.protocol.rtu import RtuFramer
from simulator.server.lanes import COMPILED

PLANT = """
devices:
  - {name: tcp, profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 5}
  - {name: six, profile: box, endpoint: "tcp://[::1]:0", unit_id: 5}
  - {name: udp, profile: box, endpoint: "udp://127.0.0.1:0", unit_id: 5}
  - {name: wild, profile: box, endpoint: "udp://0.0.0.0:0", unit_id: 5}
  - {name: rtu, profile: box, endpoint: "rtu+tcp://127.0.0.1:0", unit_id: 5}
  - {name: slow, profile: slow, endpoint: "tcp://127.0.0.1:0", unit_id: 5}
  - {name: behind, profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 5, gateway: {baudrate: 115200}}
  - {name: line, profile: box, endpoint: "rtu:pty", unit_id: 5}
profiles:
  box: {points: {level: {table: hr, address: 0, data_type: uint16}}}
  slow: {quirks: {one_request_in_flight: true}, points: {level: {table: hr, address: 0, data_type: uint16}}}
"""


class Yard:
    """An open plant, the clock it lives by."""

    def __init__(self) -> None:
        self.reactor = MemoryReactorClock()
        self.plant = Plant(parse_plant(PLANT), self.reactor)
        self.told: list[tuple[object, ...]] = []
        done: list[object] = []
        self.plant.open().addBoth(done.append)
        while not done:
            self.reactor.advance(0)
        assert done == [None]
        names = [group.device_name(0) for group in self.plant.config.groups]
        self.endpoints = dict(zip(names, self.plant.endpoints, strict=True))

    def tell(self, *what: object) -> None:
        self.told.append(what)

    def turn(self) -> None:
        quiet = 0
        while quiet < 3:
            readers = {reader.fileno(): reader for reader in self.reactor.getReaders()}
            ready, _, _ = select.select(list(readers), [], [], 0.01)
            for number in ready:
                readers[number].doRead()
            self.reactor.advance(0.02)
            quiet = 0 if ready else quiet + 1

    def connect(self, device: str) -> socket.socket:
        host, _, port = self.endpoints[device].partition("://")[2].rpartition(":")
        kind = socket.SOCK_DGRAM if self.endpoints[device].startswith("udp") else socket.SOCK_STREAM
        family = socket.AF_INET6 if "[" in host else socket.AF_INET
        client = socket.socket(family, kind)
        client.settimeout(20)
        client.connect((host.strip("[]").replace("0.0.0.0", "127.0.0.1"), int(port)))
        return client

    def writes(self, client: socket.socket, value: int, transaction: int = 0, unit: int = 5) -> bytes:
        pdu = struct.pack(">BHH", 6, 0, value)
        if transaction:
            client.send(struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu)
        else:
            client.send(RtuFramer().build(0, unit, pdu))
        self.turn()
        return client.recv(100) if unit else b""


@pytest.fixture
def yard():
    made = Yard()
    yield made
    made.plant.hub.close()


@pytest.mark.parametrize("device", ["tcp", "six", "udp", "wild", "rtu", "slow", "behind"])
def test_d3_a_client_is_known_by_address_unit_id_and_transaction(yard, device):
    with yard.connect(device) as client:
        host, port, *_ = client.getsockname()
        first, second = (0, 0) if device == "rtu" else (7, 8)
        assert yard.writes(client, 1, first)
        assert yard.told == []
        subscription = yard.plant.on_write(device, "level", yard.tell)
        assert yard.writes(client, 2, second)
        name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        assert yard.told == [(device, "level", 1, 2, Origin("client", name, host, port, 5, second))]
        subscription.cancel()
        assert yard.writes(client, 3, second)
        assert len(yard.told) == 1
        assert yard.plant.read(device, "level") == 3


@pytest.mark.skipif(not COMPILED, reason="there is no compiled code here")
def test_compiled_code_answers_before_and_after_and_for_other_points_of_the_kind(yard):
    factory = next(each for each in yard.plant.factories if each.port.endpoint == yard.endpoints["tcp"])
    with yard.connect("tcp") as client:
        assert yard.writes(client, 1, 1)  # makes the device known to compiled code
        before = factory.served
        assert yard.writes(client, 2, 2)
        assert factory.served == before
        subscription = yard.plant.on_write("tcp", "level", yard.tell)
        assert yard.writes(client, 3, 3)
        assert factory.served == before + 1
        subscription.cancel()
        assert yard.writes(client, 4, 4)
        assert factory.served == before + 1
    assert [new for *_, new, _ in yard.told] == [3]


def test_two_clients_of_one_datagram_socket_are_told_apart(yard):
    yard.plant.on_write("udp", "level", yard.tell)
    with yard.connect("udp") as one, yard.connect("udp") as other:
        yard.writes(one, 1, 1)
        yard.writes(other, 2, 2)
        yard.writes(one, 3, 3)
        ports = [client.getsockname()[1] for client in (one, other, one)]
    assert [origin.port for *_, origin in yard.told] == ports


def test_a_broadcast_tells_of_every_device(yard):
    yard.plant.on_write("rtu", "level", yard.tell)
    with yard.connect("rtu") as client:
        yard.writes(client, 9, unit=0)
    ((device, _, _, new, origin),) = yard.told
    assert (device, new, origin.unit, origin.kind) == ("rtu", 9, 0, "client")


def test_a_serial_line_is_known_by_its_name(yard):
    yard.plant.on_write("line", "level", yard.tell)
    path = yard.endpoints["line"].partition(":")[2].partition("?")[0]
    line = os.open(path, os.O_RDWR | os.O_NOCTTY)
    os.write(line, RtuFramer().build(0, 5, struct.pack(">BHH", 6, 0, 77)))
    for _ in range(10):
        yard.turn()
    os.close(line)
    ((*_, new, origin),) = yard.told
    assert (new, origin.port, origin.unit) == (77, 0, 5)
    assert origin.name == origin.host == yard.endpoints["line"]


def test_nobody_is_served_between_requests(yard):
    with yard.connect("tcp") as client:
        yard.writes(client, 1, 1)
    assert SERVING.exchange is None
    assert SERVING.origin() == PROGRAM
