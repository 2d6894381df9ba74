"""The messages of the file functions: 20 and 21 (V1.1b3 §6.14, 6.15).

A request names several stretches of records, in one file or in many; each has a group of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct
from typing import Self

from simulator.protocol import codes
from simulator.protocol.contract import (
    Counted,
    Message,
    MessageError,
    Request,
    Response,
    check,
    pack_words,
    settle,
    unpack_words,
    words,
)

REFERENCE_TYPE = 6  # V1.1b3 §6.14: the only one
MAX_RECORD = 0x270F  # V1.1b3 §6.14: records 0 to 9999
MAX_READ_BYTES = 0xF5  # byte count of a read request and of its response, V1.1b3 §6.14
MAX_WRITE_BYTES = 0xFB  # byte count of a write request, V1.1b3 §6.15
MAX_READ_RECORDS = (MAX_READ_BYTES - 2) // 2  # registers in the only group of a response
MAX_WRITE_RECORDS = (MAX_WRITE_BYTES - 7) // 2  # registers in the only group of a request

_ILLEGAL_DATA_ADDRESS = 0x02  # what a group is refused with, V1.1b3 §6.14 figure 24

_GROUP = Struct(">BHHH")  # reference type, file number, record number, record length


@dataclass(frozen=True, slots=True)
class FileRange:
    """Records to read: ``length`` registers from ``record`` (0 to 9999) of ``file`` (1 to 65535) on."""

    file: int
    record: int
    length: int

    def __post_init__(self) -> None:
        _check_place(self.file, self.record)
        check("record length", self.length, 1, MAX_READ_RECORDS, code=_ILLEGAL_DATA_ADDRESS)


@dataclass(frozen=True, slots=True)
class FileRecords:
    """Records to write: ``registers`` from ``record`` (0 to 9999) of ``file`` (1 to 65535) on."""

    file: int
    record: int
    registers: tuple[int, ...]

    def __post_init__(self) -> None:
        _check_place(self.file, self.record)
        settle(self, "registers", words(self.registers, 1, MAX_WRITE_RECORDS))


@dataclass(frozen=True, slots=True)
class ReadFileRecordRequest(Request):
    """20 (V1.1b3 §6.14): read up to 35 stretches of records whose response fits into one PDU."""

    function = codes.READ_FILE_RECORD
    length = Counted(1)
    ranges: tuple[FileRange, ...]

    def __post_init__(self) -> None:
        settle(self, "ranges", tuple(self.ranges))
        check("byte count", _GROUP.size * len(self.ranges), _GROUP.size, MAX_READ_BYTES)
        _check_read(sum(2 + 2 * wanted.length for wanted in self.ranges))

    def encode(self) -> bytes:
        """The PDU: byte count and a group for each stretch."""
        groups = (_GROUP.pack(REFERENCE_TYPE, part.file, part.record, part.length) for part in self.ranges)
        return bytes((self.function, _GROUP.size * len(self.ranges))) + b"".join(groups)

    @classmethod
    def decode(cls, pdu: bytes) -> Self:
        """The stretches of a PDU."""
        _, data = cls.counted(pdu)
        if not data or len(data) > MAX_READ_BYTES or len(data) % _GROUP.size:
            raise MessageError(
                f"byte count is {len(data)}, expected a multiple of 7 from 7 to {MAX_READ_BYTES}"
            )
        ranges = []
        for kind, *place in _GROUP.iter_unpack(data):
            _check_reference_type(kind)
            ranges.append(FileRange(*place))
        return cls(tuple(ranges))


@dataclass(frozen=True, slots=True)
class ReadFileRecordResponse(Response):
    """20 (V1.1b3 §6.14): the registers of each stretch, in the order of the request."""

    function = codes.READ_FILE_RECORD
    length = Counted(1)
    records: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        records = tuple(words(group, 1, MAX_READ_RECORDS) for group in self.records)
        settle(self, "records", records)
        check("number of groups", len(records), 1, MAX_READ_BYTES // 4)
        _check_read(sum(2 + 2 * len(group) for group in records))

    def encode(self) -> bytes:
        """The PDU: byte count and a group for each stretch."""
        groups = [bytes((1 + 2 * len(group), REFERENCE_TYPE)) + pack_words(group) for group in self.records]
        data = b"".join(groups)
        return bytes((self.function, len(data))) + data

    @classmethod
    def decode(cls, pdu: bytes) -> Self:
        """The groups of a PDU."""
        _, data = cls.counted(pdu)
        records = []
        offset = 0
        while offset < len(data):
            stop = offset + 1 + data[offset]
            if stop - offset < 2 or stop > len(data):
                raise MessageError(f"group is {stop - offset} bytes, expected 2 to {len(data) - offset}")
            _check_reference_type(data[offset + 1])
            records.append(unpack_words(data[offset + 2 : stop]))
            offset = stop
        return cls(tuple(records))


@dataclass(frozen=True, slots=True)
class _WriteFileRecord(Message):
    function = codes.WRITE_FILE_RECORD
    length = Counted(1)
    records: tuple[FileRecords, ...]

    def __post_init__(self) -> None:
        settle(self, "records", tuple(self.records))
        size = sum(_GROUP.size + 2 * len(part.registers) for part in self.records)
        check("byte count", size, _GROUP.size + 2, MAX_WRITE_BYTES)

    def encode(self) -> bytes:
        """The PDU: byte count and a group for each stretch."""
        data = b"".join(_group(part) for part in self.records)
        return bytes((self.function, len(data))) + data

    @classmethod
    def decode(cls, pdu: bytes) -> Self:
        """The groups of a PDU."""
        _, data = cls.counted(pdu)
        return cls(tuple(_groups(data)))


class WriteFileRecordRequest(_WriteFileRecord, Request):
    """21 (V1.1b3 §6.15): write stretches of records that fit into one PDU."""

    __slots__ = ()


class WriteFileRecordResponse(_WriteFileRecord, Response):
    """21 (V1.1b3 §6.15): the request again."""

    __slots__ = ()


def _group(part: FileRecords) -> bytes:
    head = _GROUP.pack(REFERENCE_TYPE, part.file, part.record, len(part.registers))
    return head + pack_words(part.registers)


def _groups(data: bytes) -> Iterable[FileRecords]:
    offset = 0
    while offset < len(data):
        start = offset + _GROUP.size
        if start > len(data):
            raise MessageError(f"group is {len(data) - offset} bytes, expected at least {_GROUP.size + 2}")
        kind, file, record, length = _GROUP.unpack_from(data, offset)
        _check_reference_type(kind)
        offset = start + 2 * length
        if offset > len(data):
            raise MessageError(f"record length is {length}, expected {(len(data) - start) // 2} or less")
        yield FileRecords(file, record, unpack_words(data[start:offset]))


def _check_reference_type(kind: int) -> None:
    if kind != REFERENCE_TYPE:
        raise MessageError(f"reference type is {kind}, expected {REFERENCE_TYPE}", code=_ILLEGAL_DATA_ADDRESS)


def _check_place(file: int, record: int) -> None:
    check("file number", file, 1, 0xFFFF, code=_ILLEGAL_DATA_ADDRESS)
    check("record number", record, 0, MAX_RECORD, code=_ILLEGAL_DATA_ADDRESS)


def _check_read(size: int) -> None:
    if size > MAX_READ_BYTES:
        raise MessageError(f"response has {size} bytes of groups, expected {MAX_READ_BYTES} or less")
