"""A device: four tables, an identity and the functions it has.

A :class:`Device` is a flyweight: it holds what a request needs and nothing else.  What all devices of a kind
have in common is in its :class:`DeviceKind`, and what one device counts stands in columns of the kind, in the
device's row; so a device may be made when it is asked for and dropped when nobody looks.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.blocks.base import AddressMap, Block
from simulator.blocks.memory import RegisterBlock, new_buffer
from simulator.diagnostics import Bus, DeviceState
from simulator.errors import GatewayPathUnavailable, GatewayTargetFailed
from simulator.protocol.codes import EXCEPTION_BIT, Table
from simulator.protocol.identification import MAX_OBJECT

if TYPE_CHECKING:
    from simulator.access import Gate
    from simulator.fifos import FifoStore
    from simulator.files import FileStore

Function = Callable[["Device", bytes], bytes]


@dataclass(frozen=True, slots=True)
class ServerId:
    """What function 17 tells: the id, whether the device runs, what the vendor adds."""

    id: bytes
    running: bool = True
    additional: bytes = b""


# What ``DeviceKind.aside`` says of a row, one bit each; any of them keeps compiled code from answering.
LISTEN_ONLY = 0x01  # the device was told to be silent, function 08/04
FAULTY = 0x02  # a fault is active that may concern it
OFFLINE = 0x0C  # not 0: the device is not there, and this is how that is told
SILENT, NO_PATH, NO_TARGET = 0x04, 0x08, 0x0C  # nothing comes back, 0x0A, 0x0B
RECORDED = 0x20  # somebody keeps a journal of its requests
OVERRIDDEN = 0x10  # a program answers some of its requests in its own way

NOWHERE = RegisterBlock(AddressMap(()), new_buffer(1))  # a table without addresses


class DeviceKind:
    """What devices with the same tables share.

    ``functions`` are the 256 behaviours by code.  ``gates`` hold, by table, what checks a client's writes, or
    None where every write is taken as it is.  ``identity`` returns the identification objects of a row,
    ``server_id`` what function 17 tells of it, ``exception_status`` the eight bits of function 07.  A device
    without one of these, or without files or queues, does not have the function either: it answers 01.

    ``states`` are made when a device has something to remember that is not plain.  ``aside`` is not 0 in rows
    that compiled code leaves alone: ``LISTEN_ONLY``, ``FAULTY``, ``OFFLINE``, ``OVERRIDDEN``, ``RECORDED``.
    ``overrides`` are the functions of rows that a program answers for, ``recorded`` is what stands before the
    functions of a row that a journal is kept of.
    """

    def __init__(
        self,
        functions: Sequence[Function],
        *,
        rows: int = 1,
        gates: Sequence[Gate | None] = (None, None, None, None),
        identity: Callable[[int], Mapping[int, bytes]] | None = None,
        server_id: Callable[[int], ServerId] | None = None,
        exception_status: Callable[[Device], int] | None = None,
        files: FileStore | None = None,
        fifos: FifoStore | None = None,
    ) -> None:
        self.functions = functions
        self.gates = gates
        self.identity = identity
        self.server_id = server_id
        self.exception_status = exception_status
        self.files = files
        self.fifos = fifos
        self.requests = array("Q", bytes(8 * rows))  # received and carried out or refused, by row
        self.aside = bytearray(rows)
        self.states: dict[int, DeviceState] = {}  # by row
        self.identities: dict[int, dict[int, bytes | None]] = {}  # what was edited, by row and object id
        self.overrides: dict[int, Sequence[Function]] = {}  # by row, in place of ``functions``
        self.buses: dict[int, Bus] = {}  # the serial line of a row, where it has one
        self.recorded: Callable[[Sequence[Function]], Sequence[Function]] | None = None

    def state(self, row: int) -> DeviceState:
        """What the device in a row remembers of its communication."""
        found = self.states.get(row)
        if found is None:
            found = self.states[row] = DeviceState(self.requests, row, self.buses.get(row))
        return found


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
        if kind.aside[row]:
            self.refresh()
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

    @property
    def state(self) -> DeviceState:
        """Its counters, event log and mode."""
        return self.kind.state(self.row)

    def listen(self, functions: Sequence[Function]) -> None:
        """Only listen from now on: ``functions`` are what is left to do."""
        self.state.listen(functions)
        self.kind.aside[self.row] |= LISTEN_ONLY
        self.refresh()

    def restart(self, *, clear_log: bool) -> None:
        """Start communication anew, in listen-only mode or not."""
        self.state.restart(clear_log=clear_log)
        self.kind.aside[self.row] &= ~LISTEN_ONLY
        self.refresh()

    def override(self, functions: Sequence[Function] | None) -> None:
        """Behave by these functions from now on, by those of the kind for None."""
        if functions is None:
            self.kind.overrides.pop(self.row, None)
            self.kind.aside[self.row] &= ~OVERRIDDEN
        else:
            self.kind.overrides[self.row] = functions
            self.kind.aside[self.row] |= OVERRIDDEN
        self.refresh()

    def refresh(self) -> None:
        """Do what the mode of the device has it do: it may listen only, or not be there at all."""
        kind, row = self.kind, self.row
        gone = kind.aside[row] & OFFLINE
        state = kind.states.get(row)
        if gone:
            self.functions = _GONE[gone]
        elif state is not None and state.functions is not None:
            self.functions = state.functions
        else:
            self.functions = kind.overrides.get(row, kind.functions)
        self.functions = self.recorded(self.functions)

    def recorded(self, functions: Sequence[Function]) -> Sequence[Function]:
        """The same functions, behind what writes requests down where that is wanted."""
        record = self.kind.recorded
        return functions if record is None or not self.kind.aside[self.row] & RECORDED else record(functions)

    def identity(self) -> Mapping[int, bytes]:
        """The identification objects by id; empty when the device has none."""
        told = self.kind.identity(self.row) if self.kind.identity is not None else {}
        edited = self.kind.identities.get(self.row)
        if not edited:
            return told
        every = {**told, **edited}
        return {number: value for number, value in every.items() if value is not None}

    def set_identity(self, object_id: int, value: bytes | None) -> None:
        """Let an identification object say something else from now on, while the plant runs.

        ``object_id`` is 0x00 to 0x06 or 0x80 to 0xFF (V1.1b3 §6.21), ``value`` as long as a response carries,
        None to take the object away; ``ValueError`` for others.
        """
        if not (0 <= object_id <= 0x06 or 0x80 <= object_id <= 0xFF):
            raise ValueError(f"object id is {object_id:#04x}, expected 0x00 to 0x06 or 0x80 to 0xff")
        if value is not None and len(value) > MAX_OBJECT:
            raise ValueError(f"object has {len(value)} bytes, expected at most {MAX_OBJECT}")
        self.kind.identities.setdefault(self.row, {})[object_id] = value


def _gone(code: int) -> Sequence[Function]:
    """What a device does that is not there: it hears nothing, and somebody else says so or nobody does."""

    def behave(device: Device, pdu: bytes) -> bytes:
        device.kind.requests[device.row] -= 1
        return bytes((pdu[0] | EXCEPTION_BIT, code)) if code else b""

    return (behave,) * 256


_GONE = {
    SILENT: _gone(0),
    NO_PATH: _gone(GatewayPathUnavailable.code),
    NO_TARGET: _gone(GatewayTargetFailed.code),
}
