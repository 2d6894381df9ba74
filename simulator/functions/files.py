"""Functions 20 and 21: records of files (V1.1b3 §6.14, §6.15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import IllegalFunction
from simulator.functions.table import function
from simulator.protocol import codes
from simulator.protocol.contract import pack_words, unpack_words
from simulator.protocol.files import (
    ReadFileRecordRequest,
    ReadFileRecordResponse,
    WriteFileRecordRequest,
)

if TYPE_CHECKING:
    from simulator.device import Device
    from simulator.files import FileStore


@function(codes.READ_FILE_RECORD)
def read_file_record(device: Device, pdu: bytes) -> bytes:
    """20: stretches of records, of one file or of many; records that do not exist answer 02."""
    files = _files(device)
    request = ReadFileRecordRequest.decode(pdu)
    found = [files.read(device.row, wanted.file, wanted.record, wanted.length) for wanted in request.ranges]
    return ReadFileRecordResponse(tuple(unpack_words(words) for words in found)).encode()


@function(codes.WRITE_FILE_RECORD)
def write_file_record(device: Device, pdu: bytes) -> bytes:
    """21: every stretch or none is written; the response is the request."""
    files = _files(device)
    request = WriteFileRecordRequest.decode(pdu)
    for part in request.records:
        files.check(part.file, part.record, len(part.registers))
    for part in request.records:
        files.write(device.row, part.file, part.record, pack_words(part.registers))
    return pdu


def _files(device: Device) -> FileStore:
    if device.kind.files is None:
        raise IllegalFunction("the device has no files")
    return device.kind.files
