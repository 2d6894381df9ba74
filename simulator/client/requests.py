"""The verbs of the function codes, each written once for every client.

Names and order of parameters are those of the specification.  Addresses count from ``address_base``; reads
give lists exactly as long as asked for; writes give nothing: an answer that does not confirm them is an
error.  Where a client has a ``unit`` of its own, a request may name another.  What cannot be sent is a
ValueError.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from simulator.client.asks import (
    Ask,
    ask,
    ask_pdu,
    read_bits,
    read_registers,
    write_coil,
    write_register,
    write_registers,
)
from simulator.client.plans import Plan, verb
from simulator.protocol import codes
from simulator.protocol.contract import Request, Response


class Addressed:
    """What every verb knows of its client."""

    unit: int
    address_base: int

    def _unit(self, unit: int | None) -> int:
        return self.unit if unit is None else unit


class RequestVerbs(Addressed):
    """One verb for each function code but 08; ``execute`` is for messages of your own."""

    @verb
    def read_coils(self, address: int, quantity: int = 1, *, unit: int | None = None) -> Ask[list[bool]]:
        """01 (V1.1b3 §6.1): 1 to 2000 coils from ``address`` on."""
        place, to = address - self.address_base, self.unit if unit is None else unit
        return read_bits(codes.READ_COILS, place, quantity, to)

    @verb
    def read_discrete_inputs(
        self, address: int, quantity: int = 1, *, unit: int | None = None
    ) -> Ask[list[bool]]:
        """02 (V1.1b3 §6.2): 1 to 2000 discrete inputs from ``address`` on."""
        place, to = address - self.address_base, self.unit if unit is None else unit
        return read_bits(codes.READ_DISCRETE_INPUTS, place, quantity, to)

    @verb
    def read_holding_registers(
        self, address: int, quantity: int = 1, *, unit: int | None = None
    ) -> Ask[list[int]]:
        """03 (V1.1b3 §6.3): 1 to 125 holding registers from ``address`` on, each 0 to 65535."""
        place, to = address - self.address_base, self.unit if unit is None else unit
        return read_registers(codes.READ_HOLDING_REGISTERS, place, quantity, to)

    @verb
    def read_input_registers(
        self, address: int, quantity: int = 1, *, unit: int | None = None
    ) -> Ask[list[int]]:
        """04 (V1.1b3 §6.4): 1 to 125 input registers from ``address`` on, each 0 to 65535."""
        place, to = address - self.address_base, self.unit if unit is None else unit
        return read_registers(codes.READ_INPUT_REGISTERS, place, quantity, to)

    @verb
    def write_single_coil(self, address: int, value: bool, *, unit: int | None = None) -> Ask[None]:
        """05 (V1.1b3 §6.5): set one coil."""
        return write_coil(address - self.address_base, value, self._unit(unit))

    @verb
    def write_single_register(self, address: int, value: int, *, unit: int | None = None) -> Ask[None]:
        """06 (V1.1b3 §6.6): set one holding register to 0 to 65535."""
        return write_register(address - self.address_base, value, self._unit(unit))

    @verb
    def read_exception_status(self, *, unit: int | None = None) -> Plan[int]:
        """07 (V1.1b3 §6.7): the eight exception status outputs, the first in the least significant bit."""
        from simulator.protocol.status import ReadExceptionStatusRequest

        answer = yield ask(ReadExceptionStatusRequest(), self._unit(unit))
        return int(answer.status)

    @verb
    def get_comm_event_counter(self, *, unit: int | None = None) -> Plan[Any]:
        """11 (V1.1b3 §6.9): an object with ``busy`` and ``event_count``."""
        from simulator.protocol.status import GetCommEventCounterRequest

        return (yield ask(GetCommEventCounterRequest(), self._unit(unit)))

    @verb
    def get_comm_event_log(self, *, unit: int | None = None) -> Plan[Any]:
        """12 (V1.1b3 §6.10): an object with ``busy``, ``event_count``, ``message_count``, ``events``."""
        from simulator.protocol.status import GetCommEventLogRequest

        return (yield ask(GetCommEventLogRequest(), self._unit(unit)))

    @verb
    def write_multiple_coils(
        self, address: int, values: Sequence[bool], *, unit: int | None = None
    ) -> Plan[None]:
        """15 (V1.1b3 §6.11): set 1 to 1968 coils from ``address`` on."""
        from simulator.protocol.bits import WriteMultipleCoilsRequest

        request = WriteMultipleCoilsRequest(address - self.address_base, tuple(values))
        yield ask(request, self._unit(unit))

    @verb
    def write_multiple_registers(
        self, address: int, values: Sequence[int], *, unit: int | None = None
    ) -> Ask[None]:
        """16 (V1.1b3 §6.12): set 1 to 123 holding registers from ``address`` on, each to 0 to 65535."""
        return write_registers(address - self.address_base, values, self._unit(unit))

    @verb
    def report_server_id(self, *, unit: int | None = None) -> Plan[Any]:
        """17 (V1.1b3 §6.13): an object with ``data``; ``split(id_length)`` parts id, running and the rest."""
        from simulator.protocol.status import ReportServerIdRequest

        return (yield ask(ReportServerIdRequest(), self._unit(unit)))

    @verb
    def read_file_record(
        self, *ranges: tuple[int, int, int], unit: int | None = None
    ) -> Plan[list[list[int]]]:
        """20 (V1.1b3 §6.14): the registers of each ``(file, record, length)``."""
        from simulator.protocol.files import FileRange, ReadFileRecordRequest

        request = ReadFileRecordRequest(tuple(FileRange(*part) for part in ranges))
        answer = yield ask(request, self._unit(unit))
        return [list(group) for group in answer.records]

    @verb
    def write_file_record(
        self, *records: tuple[int, int, Iterable[int]], unit: int | None = None
    ) -> Plan[None]:
        """21 (V1.1b3 §6.15): write each ``(file, record, registers)``."""
        from simulator.protocol.files import FileRecords, WriteFileRecordRequest

        parts = tuple(FileRecords(file, record, tuple(words)) for file, record, words in records)
        yield ask(WriteFileRecordRequest(parts), self._unit(unit))

    @verb
    def mask_write_register(
        self, address: int, and_mask: int, or_mask: int, *, unit: int | None = None
    ) -> Plan[None]:
        """22 (V1.1b3 §6.16): keep a register's bits of ``and_mask``, take the others from ``or_mask``."""
        from simulator.protocol import registers

        request = registers.MaskWriteRegisterRequest(address - self.address_base, and_mask, or_mask)
        yield ask(request, self._unit(unit))

    @verb
    def read_write_multiple_registers(
        self,
        read_address: int,
        read_quantity: int,
        write_address: int,
        values: Sequence[int],
        *,
        unit: int | None = None,
    ) -> Plan[list[int]]:
        """23 (V1.1b3 §6.17): set 1 to 121 holding registers, then read 1 to 125."""
        from simulator.protocol import registers

        base = self.address_base
        request = registers.ReadWriteMultipleRegistersRequest(
            read_address - base, read_quantity, write_address - base, tuple(values)
        )
        answer = yield ask(request, self._unit(unit))
        return list(answer.registers)

    @verb
    def read_fifo_queue(self, address: int, *, unit: int | None = None) -> Plan[list[int]]:
        """24 (V1.1b3 §6.18): up to 31 registers of the queue at a pointer address, the oldest first."""
        from simulator.protocol.fifo import ReadFifoQueueRequest

        answer = yield ask(ReadFifoQueueRequest(address - self.address_base), self._unit(unit))
        return list(answer.registers)

    @verb
    def read_device_identification(
        self, read_code: int = 1, object_id: int = 0, *, unit: int | None = None
    ) -> Plan[dict[int, bytes]]:
        """43/14 (V1.1b3 §6.21): objects by id: basic (code 1), regular (2), extended (3), or one of them (4).

        Asks again where more follows.
        """
        from simulator.protocol.identification import INDIVIDUAL, ReadDeviceIdentificationRequest

        found: dict[int, bytes] = {}
        following: int | None = object_id
        while following is not None and following not in found:
            answer = yield ask(ReadDeviceIdentificationRequest(read_code, following), self._unit(unit))
            found.update(answer.objects)
            following = None if read_code == INDIVIDUAL or not answer.objects else answer.next_object
        return found

    @verb
    def execute(self, request: Request, *, unit: int | None = None) -> Plan[Response | None]:
        """The response to any request, those of function codes of your own among them."""
        answer: Response | None = yield ask(request, self._unit(unit))
        return answer

    @verb
    def execute_pdu(self, pdu: bytes, *, unit: int | None = None) -> Plan[bytes]:
        """The bytes of the response PDU to those of a request PDU; a refusal is raised all the same."""
        answer: bytes = yield ask_pdu(pdu, self._unit(unit))
        return answer
