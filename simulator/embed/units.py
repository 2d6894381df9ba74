"""One device of an embedded server: its tables, its points by name, its identification, its overrides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.embed import threads
from simulator.embed.access import Tables
from simulator.embed.identities import Identity
from simulator.embed.overrides import Overrides
from simulator.embed.registering import Registering
from simulator.protocol.codes import Table

if TYPE_CHECKING:
    from simulator.device import Device
    from simulator.embed.remotes import Remote
    from simulator.embed.server import ModbusServer


class Unit(Tables, Registering):
    """A device by its ``name``; ``server.unit(5)`` or ``server.device("pump-1")`` gives it."""

    def __init__(self, server: ModbusServer, name: str, group: int, index: int) -> None:
        self.name = name
        self.group = group
        self.index = index
        self._server = server
        self._overrides = Overrides()
        self.signed = server.signed

    def __repr__(self) -> str:
        return f"<unit {self.name}>"

    def read(self, point: str) -> Any:
        """The value of a point by its name.  Raises :class:`~simulator.errors.PointError`."""
        return threads.run(lambda: self._server.plant.read(self.name, point))

    def write(self, point: str, value: object, *, hold: float | None = None) -> None:
        """Write a point by its name; its generator rests as after a client's write, or ``hold`` seconds."""
        threads.run(lambda: self._server.plant.write(self.name, point, value, hold=hold))

    @property
    def identity(self) -> Identity:
        """What function 43/14 tells, to be read and edited."""
        return Identity(
            lambda: threads.run(lambda: dict(self._device.identity())),
            lambda number, value: threads.run(lambda: self._device.set_identity(number, value)),
        )

    @property
    def _device(self) -> Device:
        return self._server.plant.device_of(self.group, self.index)

    def _read(self, table: Table, address: int, quantity: int) -> bytes:
        data: bytes = threads.run(lambda: self._device.block(table).read(address, quantity))
        return data

    def _write(self, table: Table, address: int, quantity: int, data: bytes) -> None:
        def write() -> None:
            values = self._server.plant.values
            values.write_wire(values.one(self.name), table, address, quantity, data)

        threads.run(write)

    def _changed(self) -> None:
        self._server._apply(self)

    def _uses(self, remote: Remote) -> None:
        self._server._uses(remote)
