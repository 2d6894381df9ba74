"""What the rarer functions find in the devices of a fleet: the profile's words filled in for each device.

Identification (43/14), server id (17), exception status (07), files (20, 21) and queues (24).  Texts are
filled in when somebody asks, files and queues are those of the profile until a device has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.blocks.fleet import FleetTable
from simulator.device import Device, ServerId
from simulator.documents.templates import Template
from simulator.fifos import Counts, FifoStore, PushedQueue, SampledQueue
from simulator.files import FileStore
from simulator.protocol.codes import Table
from simulator.protocol.contract import pack_words

if TYPE_CHECKING:
    from simulator.profiles.profile import FifoLayout, Profile, StatusBit
    from simulator.tracks import Track

Facts = Callable[[int], tuple[int, Mapping[str, Any]]]  # row -> index in its group, what templates may use

_PRODUCT_CODE = 0x01  # of the identification objects, V1.1b3 §6.21


class FleetFunctions:
    """The answers of one fleet; ``facts`` tells of a row what its texts are filled in with."""

    def __init__(
        self, profile: Profile, tables: Mapping[Table, FleetTable], tracks: Iterable[Track], facts: Facts
    ) -> None:
        self.profile = profile
        self.files = FileStore(profile.files) if profile.files else None
        self.fifos = _fifos(profile.fifos, tables, tracks) if profile.fifos else None
        self._facts = facts

    @property
    def exception_status(self) -> Callable[[Device], int] | None:
        """Function 07, None when the profile does not say."""
        status = self.profile.exception_status
        if isinstance(status, int):
            number = status
            return lambda device: number
        return None if status is None else lambda device: _status(device, status)

    @property
    def server_id(self) -> Callable[[int], ServerId] | None:
        """Function 17: the server id, else the product code of the identification; None without both."""
        if self.profile.server_id is None and _PRODUCT_CODE not in self.profile.identity:
            return None
        return self._server_id

    def identity(self, row: int) -> Mapping[int, bytes]:
        """The identification objects of a device."""
        return {number: self._filled(text, row) for number, text in self.profile.identity.items()}

    def _server_id(self, row: int) -> ServerId:
        told = self.profile.server_id
        if told is None:
            return ServerId(self._filled(self.profile.identity[_PRODUCT_CODE], row))
        return ServerId(told.id, told.running, self._filled(told.additional, row))

    def _filled(self, text: str | bytes, row: int) -> bytes:
        if isinstance(text, bytes):
            return text
        index, facts = self._facts(row)
        return Template(text).render(index, **facts).encode()


def _status(device: Device, bits: tuple[StatusBit, ...]) -> int:
    status = 0
    for place, bit in enumerate(bits):
        point = bit.point
        value: Any = point.decode(device.block(point.table).read(point.address, point.quantity))
        is_set = bool(value) if bit.label is None else bit.label in value
        status |= is_set << place
    return status


def _fifos(
    layouts: Mapping[int, FifoLayout], tables: Mapping[Table, FleetTable], tracks: Iterable[Track]
) -> FifoStore:
    by_point = {track.point.name: track for track in tracks}
    queues: dict[int, PushedQueue | SampledQueue] = {}
    for address, layout in layouts.items():
        counts = _counts(tables.get(Table.HOLDING_REGISTER), address)
        if layout.source is None:
            queues[address] = PushedQueue(pack_words(layout.values), layout.depth, counts)
            continue
        point = layout.source
        kept = tables[point.table]
        start = 2 * kept.map.columns[point.address]
        sampled = SampledQueue(kept.cells, start, 2 * point.quantity, layout.depth, counts)
        by_point[point.name].queues.append(sampled)
        queues[address] = sampled
    return FifoStore(queues)


def _counts(registers: FleetTable | None, address: int) -> Counts | None:
    """The register at a pointer address in every row, None when there is none."""
    if registers is None or address >= len(registers.map.stops) or not registers.map.stops[address]:
        return None
    place = 2 * registers.map.columns[address]
    return np.ndarray((registers.rows,), ">u2", registers.buffer, place, (registers.stride,))
