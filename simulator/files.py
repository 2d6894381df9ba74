"""The files of devices: numbered, each a run of records of one register (V1.1b3 §6.14, §6.15).

All devices of a kind begin with the same files, so a file is stored once and a device gets a copy of its own
when it is first written.  Records that do not exist are refused with 02, whatever else is right.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulator.errors import IllegalDataAddress

MAX_RECORDS = 10_000  # records 0 to 9999, V1.1b3 §6.14


class FileStore:
    """Files by number; ``templates`` are what they hold at first, a big-endian word for each record."""

    def __init__(self, templates: Mapping[int, bytes]) -> None:
        for number, content in templates.items():
            if len(content) & 1 or not 2 <= len(content) <= 2 * MAX_RECORDS:
                expected = f"expected words for 1 to {MAX_RECORDS} records"
                raise ValueError(f"file {number} has {len(content)} bytes, {expected}")
        self.templates = dict(templates)
        self._written: dict[tuple[int, int], bytearray] = {}  # by row and number

    def check(self, file: int, record: int, length: int) -> None:
        """Raise IllegalDataAddress unless ``length`` records from ``record`` on exist."""
        content = self.templates.get(file)
        if content is None:
            raise IllegalDataAddress(f"file {file} does not exist")
        records = len(content) // 2
        if record + length > records:
            raise IllegalDataAddress(
                f"file {file} has records 0 to {records - 1}, asked for {record} to {record + length - 1}"
            )

    def read(self, row: int, file: int, record: int, length: int) -> bytes:
        """The records as words on the wire."""
        self.check(file, record, length)
        content = self._written.get((row, file), self.templates[file])
        return bytes(content[2 * record : 2 * (record + length)])

    def write(self, row: int, file: int, record: int, data: bytes) -> None:
        """Store words on the wire from a record on."""
        self.check(file, record, len(data) // 2)
        content = self._written.get((row, file))
        if content is None:
            content = self._written[row, file] = bytearray(self.templates[file])
        content[2 * record : 2 * record + len(data)] = data

    @property
    def copies(self) -> int:
        """How many files devices have written, and so have for themselves."""
        return len(self._written)
