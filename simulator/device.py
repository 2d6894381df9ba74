"""A device: four tables, an identity and the functions it has.

A :class:`Device` is a flyweight: it holds what a request needs and nothing else.  What all devices of a kind
have in common is in its :class:`DeviceKind`, and what one device counts stands in columns of the kind, in the
device's row; so a device may be made when it is asked for and dropped when nobody looks.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from simulator.blocks.base import AddressMap, Block
from simulator.blocks.memory import RegisterBlock, new_buffer
from simulator.protocol.codes import Table

if TYPE_CHECKING:
    from simulator.access import Gate

Function = Callable[["Device", bytes], bytes]

NOWHERE = RegisterBlock(AddressMap(()), new_buffer(1))  # a table without addresses


class DeviceKind:
    """What devices with the same tables share.

    ``functions`` are the 256 behaviours by code.  ``gates`` hold, by table, what checks a client's writes, or
    None where every write is taken as it is.  ``identity`` returns the identification objects of a row.
    """

    def __init__(
        self,
        functions: Sequence[Function],
        *,
        rows: int = 1,
        gates: Sequence[Gate | None] = (None, None, None, None),
        identity: Callable[[int], Mapping[int, bytes]] | None = None,
    ) -> None:
        self.functions = functions
        self.gates = gates
        self.identity = identity
        self.requests = array("Q", bytes(8 * rows))  # answered, by row


class Device:
    """One device.  A table is None or absent when the device does not have it: every address answers 02."""

    __slots__ = (
        "__weakref__",
        "coils",
        "discrete_inputs",
        "functions",
        "holding_registers",
        "input_registers",
        "kind",
        "row",
    )

    def __init__(
        self,
        kind: DeviceKind,
        row: int = 0,
        *,
        coils: Block = NOWHERE,
        discrete_inputs: Block = NOWHERE,
        input_registers: Block = NOWHERE,
        holding_registers: Block = NOWHERE,
    ) -> None:
        self.kind = kind
        self.row = row
        self.functions = kind.functions
        self.coils = coils
        self.discrete_inputs = discrete_inputs
        self.input_registers = input_registers
        self.holding_registers = holding_registers

    def block(self, table: Table) -> Block:
        """The block of a table."""
        blocks: tuple[Block, ...] = (
            self.coils,
            self.discrete_inputs,
            self.input_registers,
            self.holding_registers,
        )
        return blocks[table]

    def write(self, table: Table, address: int, quantity: int, data: bytes) -> None:
        """Carry out a client's write; raises what the table's gate or block has against it."""
        gate = self.kind.gates[table]
        block = self.holding_registers if table == Table.HOLDING_REGISTER else self.coils
        if gate is None or gate.is_open(address, quantity):
            block.write(address, quantity, data)
        else:
            gate.write(self.row, block, address, quantity, data)

    def identity(self) -> Mapping[int, bytes]:
        """The identification objects by id; empty when the device has none."""
        return self.kind.identity(self.row) if self.kind.identity is not None else {}

    def count(self, requests: int) -> None:
        """Add to the requests this device has answered."""
        self.kind.requests[self.row] += requests
