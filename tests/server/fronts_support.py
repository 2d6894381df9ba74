"""A factory with quirks or a gateway in memory, a clock in hand, and its clients."""

from __future__ import annotations

import struct

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from simulator.blocks.memory import sequential_registers
from simulator.device import Device, DeviceKind
from simulator.functions.standard import function_table
from simulator.quirks import ConnectionQuirks
from simulator.server.quirky_factory import Front, QuirkyServerFactory


class Transport(StringTransport):
    """Tells when it is closed, as a connection does."""

    protocol = None

    def loseConnection(self):
        super().loseConnection()
        self.gone()

    def abortConnection(self):
        self.loseConnection()

    def gone(self):
        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            protocol.connectionLost(Failure(ConnectionDone()))


def device(value=0x1234, functions=None):
    return Device(
        DeviceKind(functions or function_table()), holding_registers=sequential_registers(0, [value, 0])
    )


def adu(pdu, unit=1, transaction=7):
    data = bytes.fromhex(pdu)
    return struct.pack(">HHHB", transaction, 0, len(data) + 1, unit) + data


class Fronted:
    """A listener with one front.  ``pass_`` is how its time passes."""

    def __init__(self, line=None, units=None, quirks=ConnectionQuirks(), unknown_unit=None):  # noqa: B008
        front = Front(quirks, line)
        self.clock = Clock()
        self.units = units or {1: device(1), 2: device(2)}
        self.factory = QuirkyServerFactory(
            self.units, unknown_unit=unknown_unit, front_at=lambda place: front, fronts=[front]
        )
        self.factory.clock = self.clock

    def connect(self):
        protocol = self.factory.buildProtocol(IPv4Address("TCP", "192.0.2.1", 4000))
        protocol.wire = Transport()
        protocol.wire.protocol = protocol
        protocol.makeConnection(protocol.wire)
        return protocol

    def said(self, client):
        """What was said since the last time."""
        said = client.wire.value()
        client.wire.clear()
        return said

    def after(self, seconds, client):
        self.pass_(seconds)
        return self.said(client)

    def pass_(self, seconds):
        """Let time pass; what is due happens at its time, and what it begins counts from there."""
        end = self.clock.seconds() + seconds
        while (calls := self.clock.getDelayedCalls()) and (
            due := min(call.getTime() for call in calls)
        ) <= end:
            self.clock.advance(max(due - self.clock.seconds(), 0.0))
        self.clock.advance(max(end - self.clock.seconds(), 0.0))
