"""The numbers of Modbus: tables, function codes, limits; each with its clause.

"V1.1b3" is MODBUS Application Protocol Specification V1.1b3, "TCP V1.0b" is MODBUS Messaging on
TCP/IP Implementation Guide V1.0b.
"""

from __future__ import annotations

import enum


class Table(enum.IntEnum):
    """The four primary tables (V1.1b3 §4.3), numbered as they stand in a device."""

    COIL = 0
    DISCRETE_INPUT = 1
    INPUT_REGISTER = 2
    HOLDING_REGISTER = 3

    @property
    def label(self) -> str:
        """The table's name in files: ``coil``, ``discrete_input``, …"""
        return self.name.lower()

    @property
    def is_bits(self) -> bool:
        """True for the two tables of single bits."""
        return self <= Table.DISCRETE_INPUT

    @property
    def is_writable(self) -> bool:
        """True for the tables that clients may write."""
        return self in (Table.COIL, Table.HOLDING_REGISTER)

    @property
    def reference_digit(self) -> int:
        """The leading digit of a Modicon reference: 0, 1, 3 or 4."""
        return (0, 1, 3, 4)[self]


ADDRESSES = 0x10000  # every table has protocol addresses 0 to 65535, V1.1b3 §4.4

READ_COILS = 0x01
READ_DISCRETE_INPUTS = 0x02
READ_HOLDING_REGISTERS = 0x03
READ_INPUT_REGISTERS = 0x04
WRITE_SINGLE_COIL = 0x05
WRITE_SINGLE_REGISTER = 0x06
READ_EXCEPTION_STATUS = 0x07
DIAGNOSTICS = 0x08
GET_COMM_EVENT_COUNTER = 0x0B
GET_COMM_EVENT_LOG = 0x0C
WRITE_MULTIPLE_COILS = 0x0F
WRITE_MULTIPLE_REGISTERS = 0x10
REPORT_SERVER_ID = 0x11
READ_FILE_RECORD = 0x14
WRITE_FILE_RECORD = 0x15
MASK_WRITE_REGISTER = 0x16
READ_WRITE_MULTIPLE_REGISTERS = 0x17
READ_FIFO_QUEUE = 0x18
ENCAPSULATED_INTERFACE_TRANSPORT = 0x2B

MEI_READ_DEVICE_IDENTIFICATION = 0x0E  # V1.1b3 §6.21

EXCEPTION_BIT = 0x80  # V1.1b3 §7

MAX_PDU = 253  # V1.1b3 §4.1
MAX_READ_BITS = 2000  # V1.1b3 §6.1, §6.2
MAX_READ_REGISTERS = 125  # V1.1b3 §6.3, §6.4
MAX_WRITE_BITS = 1968  # V1.1b3 §6.11
MAX_WRITE_REGISTERS = 123  # V1.1b3 §6.12
MAX_READ_WRITE_READ = 125  # V1.1b3 §6.17
MAX_READ_WRITE_WRITE = 121  # V1.1b3 §6.17

COIL_ON = 0xFF00  # V1.1b3 §6.5
COIL_OFF = 0x0000

TCP_PORT = 502  # TCP V1.0b §4.3.1.1
TLS_PORT = 802  # MODBUS/TCP Security V2.1 §6
