"""A plant with faults in memory: its clock is turned by hand, its sockets and pseudo-terminals are real."""

from __future__ import annotations

import select
import socket
import struct
from typing import Any

from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogLevel, globalLogPublisher

from simulator.config.loader import parse_plant
from simulator.plant import Plant
from simulator.server.hub import Hub

PROFILE = """
profiles:
  box:
    tables:
      holding_register: {block: sequential, count: 20, values: {0: [0x1111, 0x2222, 0x3333, 0x4444]}}
      input_register: {block: sequential, count: 20, fill: 7}
      coil: {block: sequential, count: 20, values: {0: [1, 0, 1, 1]}}
      discrete_input: {block: sequential, count: 20, fill: 1}
    points:
      level: {table: holding_register, address: 10, data_type: int16, scale: 0.1, value: 20.0}
      flow: {table: holding_register, address: 12, data_type: float32, value: 1.5}
      name: {table: holding_register, address: 14, data_type: string, length: 2, value: "ABCD"}
      lamp: {table: coil, address: 10, data_type: bool, value: true}
"""
READ = "03 0000 0002"
ANSWER = "03 04 11 11 22 22"
CUT_SHORT = 0.02  # seconds without a byte: nothing comes


def adu(pdu: str, unit: int = 1, transaction: int = 7) -> bytes:
    data = bytes.fromhex(pdu)
    return struct.pack(">HHHB", transaction, 0, len(data) + 1, unit) + data


class Yard:
    """A plant, the clock it lives by, and its clients."""

    def __init__(self, text: str, *, compiled: bool = True) -> None:
        self.reactor = MemoryReactorClock()
        config = parse_plant(text if "profiles:" in text else text + PROFILE)
        self.plant = Plant(config, self.reactor)
        self.plant.hub = Hub(self.reactor, config.limits.max_connections or 0, compiled=compiled)
        self.plant.faults.hub = self.plant.hub
        self.clients: list[socket.socket] = []
        self.log: list[Any] = []  # errors
        globalLogPublisher.addObserver(self._observe)
        done: list[Any] = []
        self.plant.open().addBoth(done.append)
        while not done:
            self.reactor.advance(0)
        assert done == [None], done
        self.plant.startService()
        self.reactor.advance(0)

    def _observe(self, event: Any) -> None:
        if event["log_level"] in (LogLevel.error, LogLevel.critical):
            self.log.append(event)

    def turn(self) -> None:
        """What a reactor does: look at whatever has something to say, and at the clock."""
        quiet = 0
        while quiet < 2:
            readers = {reader.fileno(): reader for reader in self.reactor.getReaders()}
            ready, _, _ = select.select(list(readers), [], [], 0.003)
            for number in ready:
                readers[number].doRead()
            self.reactor.advance(0)
            quiet = 0 if ready else quiet + 1

    def wait(self, seconds: float) -> None:
        self.reactor.advance(seconds)
        self.turn()

    def connect(self, listener: int = 0, host: str = "127.0.0.1") -> socket.socket:
        endpoint = self.plant.endpoints[listener]
        kind = socket.SOCK_DGRAM if "udp:" in endpoint else socket.SOCK_STREAM
        client = socket.socket(socket.AF_INET, kind)
        client.settimeout(10)
        if kind == socket.SOCK_STREAM:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.connect((host, int(endpoint.rpartition(":")[2])))
        self.clients.append(client)
        self.turn()
        return client

    def take(self, client: socket.socket) -> bytes | None:
        """What has come; None when the connection has ended."""
        got = b""
        while select.select([client], [], [], CUT_SHORT)[0]:
            try:
                piece = client.recv(65536)
            except ConnectionError:
                return got or None
            if not piece:
                return got or None
            got += piece
        return got

    def ask(
        self, client: socket.socket, pdu: str = READ, unit: int = 1, transaction: int = 7
    ) -> bytes | None:
        client.sendall(adu(pdu, unit, transaction))
        self.turn()
        return self.take(client)

    def stop(self) -> None:
        done: list[Any] = []
        self.plant.stopService().addBoth(done.append)
        for _ in range(50):
            if done:
                break
            self.turn()
            self.reactor.advance(0.1)
        self.plant.hub.close()
        globalLogPublisher.removeObserver(self._observe)
        for client in self.clients:
            client.close()
        assert done == [None], done
        assert [call for call in self.reactor.getDelayedCalls() if call.active()] == []


def answer(pdu: str = ANSWER, unit: int = 1, transaction: int = 7) -> bytes:
    return adu(pdu, unit, transaction)


ONE = 'devices: [{name: box, profile: box, endpoint: "tcp://127.0.0.1:0"}]\n'


def with_rule(then: str, when: str = "{}", devices: str = ONE, name: str = "bad", more: str = "") -> str:
    return f"{devices}faults:\n  - {{name: {name}, when: {when}, then: {then}{more}}}\n"
