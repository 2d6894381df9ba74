"""``ModbusServerFactory`` over any Twisted transport: who may connect, who answers, what is counted."""

from __future__ import annotations

import struct

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure

from simulator.blocks.memory import sequential_registers
from simulator.device import Device, DeviceKind
from simulator.functions.standard import function_table
from simulator.server.factory import HostLimit, ModbusServerFactory
from simulator.server.stations import AnyUnit

HOME = IPv4Address("TCP", "127.0.0.1", 5020)


class Transport(StringTransport):
    """Tells when it is closed, as a connection does."""

    protocol = None

    def loseConnection(self):
        super().loseConnection()
        self.gone()

    def abortConnection(self):
        super().abortConnection()
        self.gone()

    def gone(self):
        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            protocol.connectionLost(Failure(ConnectionDone()))


def connect(factory, peer="192.0.2.1", host="127.0.0.1"):
    """A connected protocol, or None when the client was refused."""
    protocol = factory.buildProtocol(IPv4Address("TCP", peer, 40000))
    if protocol is not None:
        protocol.transport_ = Transport(IPv4Address("TCP", host, 5020), IPv4Address("TCP", peer, 40000))
        protocol.transport_.protocol = protocol
        protocol.makeConnection(protocol.transport_)
    return protocol


def adu(pdu, unit=1, transaction=7):
    data = bytes.fromhex(pdu)
    return struct.pack(">HHHB", transaction, 0, len(data) + 1, unit) + data


def device(value=0x1234, functions=None):
    kind = DeviceKind(functions or function_table())
    return Device(kind, holding_registers=sequential_registers(0, [value]))


def said(protocol):
    return protocol.transport_.value()


def test_a_factory_takes_either_a_station_or_a_route():
    for arguments in ({}, {"station": {}, "route": lambda address: {}}):
        with pytest.raises(ValueError, match="either a station or a route"):
            ModbusServerFactory(**arguments)


def test_a_dictionary_of_unit_ids_is_a_station():
    protocol = connect(ModbusServerFactory({1: device(1), 9: device(9)}))
    protocol.dataReceived(adu("03 0000 0001", 9) + adu("03 0000 0001", 1) + adu("03 0000 0001", 2))
    assert said(protocol) == adu("03 02 0009", 9) + adu("03 02 0001", 1) + adu("83 0b", 2)


def test_one_chunk_of_requests_is_one_write():
    protocol = connect(ModbusServerFactory(AnyUnit(device())))
    writes = []
    protocol.transport_.write = writes.append
    protocol.dataReceived(adu("03 0000 0001") * 8)
    assert writes == [adu("03 02 1234") * 8]
    protocol.dataReceived(adu("03 0000 0001")[:5])
    assert len(writes) == 1


def test_requests_exceptions_and_lost_streams_are_counted():
    factory = ModbusServerFactory({1: device()})
    first, second = connect(factory), connect(factory)
    assert factory.connections == 2
    first.dataReceived(adu("03 0000 0001") * 3 + adu("03 0001 0001") + adu("03 0000 0001", 2))
    second.dataReceived(adu("03 0000 0001") + b"\0\1\0\1\0\2\1\3")
    first.transport_.loseConnection()
    assert factory.connections == 0
    assert factory.requests == 6
    assert factory.exceptions == 2
    assert factory.lost_streams == 1


def test_requests_are_counted_for_the_device_that_answered():
    one, two = device(), device()
    protocol = connect(ModbusServerFactory({1: one, 2: two}))
    protocol.dataReceived(adu("03 0000 0001", 1) * 2 + adu("03 0000 0001", 2) + adu("03 0000 0001", 1))
    protocol.transport_.loseConnection()
    assert (one.kind.requests[0], two.kind.requests[0]) == (3, 1)


def test_an_empty_response_is_silence():
    functions = [lambda device, pdu: b""] * 256
    protocol = connect(ModbusServerFactory({1: device(functions=functions), 2: device(2)}))
    protocol.dataReceived(adu("03 0000 0001") + adu("03 0000 0001", 2))
    assert said(protocol) == adu("03 02 0002", 2)


def test_a_fault_of_ours_answers_04_and_is_logged_once():
    def broken(device, pdu):
        raise ZeroDivisionError("division by zero")

    events = []
    globalLogPublisher.addObserver(events.append)
    try:
        protocol = connect(ModbusServerFactory({1: device(functions=[broken] * 256)}))
        protocol.dataReceived(adu("03 0000 0001") * 3)
    finally:
        globalLogPublisher.removeObserver(events.append)
    assert said(protocol) == adu("83 04") * 3
    texts = [event["kind"] for event in events if event["log_level"].name == "error"]
    assert texts == ["ZeroDivisionError: division by zero"]


@pytest.mark.parametrize("request_", ["03", "03 0000", "10 0000 0001 02", "16 0000", "03 0000 0000", "63"])
def test_a_fault_of_the_client_is_not_logged(request_):
    events = []
    globalLogPublisher.addObserver(events.append)
    try:
        protocol = connect(ModbusServerFactory({1: device()}))
        protocol.dataReceived(adu(request_))
    finally:
        globalLogPublisher.removeObserver(events.append)
    assert said(protocol)[7] == int(request_[:2], 16) | 0x80
    assert events == []


def test_a_bad_header_closes_after_the_answers_before_it():
    protocol = connect(ModbusServerFactory({1: device()}))
    protocol.dataReceived(adu("03 0000 0001") + b"\0\1\0\1\0\2\1\3" + adu("03 0000 0001"))
    assert said(protocol) == adu("03 02 1234")
    assert protocol.transport_.disconnecting


def test_a_route_gives_each_local_address_its_station():
    stations = {"127.0.0.1": {1: device(1)}, "127.0.0.2": {1: device(2)}}
    factory = ModbusServerFactory(route=stations.get)
    for place, host in enumerate(stations, 1):
        protocol = connect(factory, host=host)
        protocol.dataReceived(adu("03 0000 0001"))
        assert said(protocol) == adu(f"03 02 000{place}")
    assert factory.refused == 0


def test_an_address_without_a_station_is_closed_at_once():
    factory = ModbusServerFactory(route={"127.0.0.1": {}}.get)
    protocol = connect(factory, host="127.0.0.2")
    assert protocol.transport_.disconnecting
    assert (factory.connections, factory.refused) == (0, 1)


def test_a_host_has_its_share_over_all_factories():
    limit = HostLimit(2)
    factories = [ModbusServerFactory({}, host_limit=limit) for _ in range(2)]
    first = connect(factories[0], "192.0.2.1")
    second = connect(factories[1], "192.0.2.1")
    assert connect(factories[0], "192.0.2.1") is None
    assert connect(factories[0], "192.0.2.2") is not None
    assert factories[0].refused == 1
    second.transport_.loseConnection()
    assert connect(factories[0], "192.0.2.1") is not None
    first.transport_.loseConnection()


def test_hosts_that_are_gone_are_forgotten():
    limit = HostLimit(1)
    factory = ModbusServerFactory({}, host_limit=limit)
    for number in range(100):
        connect(factory, f"192.0.2.{number}").transport_.loseConnection()
    assert not limit.held


def test_behind_a_route_each_address_has_its_cap():
    factory = ModbusServerFactory(route=lambda address: {}, max_connections=1)
    first = connect(factory, host="127.0.0.1")
    assert connect(factory, host="127.0.0.1").transport_.disconnecting
    assert not connect(factory, host="127.0.0.2").transport_.disconnecting
    first.transport_.loseConnection()
    assert not connect(factory, host="127.0.0.1").transport_.disconnecting
