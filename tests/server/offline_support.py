"""A plant in memory with real sockets: its reactor turns when a test says so."""

from __future__ import annotations

import select
import socket
import struct
import time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock

from simulator.config.loader import parse_plant
from simulator.plant import Plant

PATIENCE_S = 30  # for a loaded machine; nothing waits this long when things are well
READ = "03 00 00 00 01"

BOX = """
profiles:
  box:
    points:
      number: {table: hr, address: 0, data_type: uint16, value: "{n}"}
      level: {table: hr, address: 1, data_type: uint16, value: 20, max: 100}
      count: {table: hr, address: 2, data_type: uint16,
              generator: {type: increment, min: 100, max: 9999, step: 1}}
"""


class Yard:
    """A plant, the reactor it lives by, and clients of it."""

    def __init__(self, text: str, *, with_box: bool = True) -> None:
        self.reactor: Any = MemoryReactorClock()
        self.plant = Plant(parse_plant(BOX + text if with_box else text), self.reactor)
        self.wait(self.plant.open())
        self.plant.startService()
        self.clients: list[socket.socket] = []

    def wait(self, deferred: Deferred[Any]) -> Any:
        """Turn until it has fired; its result, or what it failed with."""
        results: list[Any] = []
        deferred.addCallbacks(results.append, lambda failure: results.append(failure))
        deadline = time.monotonic() + PATIENCE_S
        while not results:
            assert time.monotonic() < deadline, "never fired"
            self.reactor.advance(0)
        if hasattr(results[0], "raiseException"):
            results[0].raiseException()
        return results[0]

    def turn(self) -> None:
        """What a reactor does: look at whatever has something to say, until nobody has."""
        quiet = 0
        while quiet < 2:
            self.reactor.advance(0)
            readers = {reader.fileno(): reader for reader in self.reactor.getReaders()}
            ready, _, _ = select.select(list(readers), [], [], 0.01)
            for number in ready:
                readers[number].doRead()
            quiet = 0 if ready else quiet + 1

    def port(self, listener: int = 0) -> int:
        """The port of a listener."""
        return int(self.plant.endpoints[listener].rpartition(":")[2])

    def connect(self, listener: int = 0, host: str = "127.0.0.1") -> socket.socket:
        """A client that is connected; raises ConnectionRefusedError."""
        client = socket.create_connection((host, self.port(listener)), timeout=PATIENCE_S)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # not to wait for who is silent
        self.clients.append(client)
        self.turn()
        return client

    def ask(self, client: socket.socket, pdu: str = READ, unit: int = 1) -> str:
        """The response PDU in hex, "" when none comes."""
        send(client, pdu, unit)
        self.turn()
        return received(client)

    def close(self) -> None:
        """End everything."""
        for client in self.clients:
            client.close()
        self.plant.stopService()
        self.reactor.advance(10)
        self.plant.hub.close()


def send(client: socket.socket, pdu: str = READ, unit: int = 1) -> None:
    """Ask without waiting."""
    data = bytes.fromhex(pdu)
    client.sendall(struct.pack(">HHHB", 7, 0, len(data) + 1, unit) + data)


def received(client: socket.socket) -> str:
    """What has come, a response PDU in hex; "" for nothing.  Raises ConnectionError after the end."""
    client.setblocking(False)
    try:
        data = client.recv(4096)
    except BlockingIOError:
        return ""
    finally:
        client.settimeout(PATIENCE_S)
    if not data:
        raise ConnectionError("closed without a reset")
    return data[7:].hex(" ")
