"""Registers, bits or bytes -> values by name, without a device and without a connection.

One rule: a value is decoded when all of it is there; what is cut off at either end is left out.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.documents.wording import unknown
from simulator.maps.reading import load
from simulator.points import Point
from simulator.profiles.addresses import TABLE_NAMES
from simulator.profiles.loader import ProfileLibrary
from simulator.profiles.maps.document import SUFFIXES
from simulator.profiles.profile import Profile
from simulator.protocol.bits import pack_bits, unpack_bits
from simulator.protocol.codes import Table
from simulator.protocol.contract import pack_words

Answer = Sequence[int] | Sequence[bool] | bytes


class Decoder:
    """``Decoder("meter.csv").decode(registers, address=0)`` gives ``{"voltage": 230.1, …}``.

    ``source`` is a register map (a path that ends in .csv, .json or .xml), the name of a profile, or a
    profile; ``options`` are those of :func:`simulator.maps.load`.  Values are as points have them: scaled,
    labelled, in lists.  Raises :class:`~simulator.errors.ConfigError`.
    """

    def __init__(self, source: str | os.PathLike[str] | Profile, **options: Any) -> None:
        self.profile = source if isinstance(source, Profile) else _profile(source, options)
        self._points = {table: self.profile.points_of(table) for table in Table}
        self._addresses = {table: [each.address for each in points] for table, points in self._points.items()}

    @property
    def points(self) -> Mapping[str, Point]:
        """All points by name."""
        return self.profile.points

    def decode(self, data: Answer, *, address: int = 0, table: str = "holding_register") -> dict[str, object]:
        """The values of all points that lie in ``data`` as a whole, by address.

        ``data`` are registers, truth values for tables of bits, or bytes as they stand in a response: two for
        each register, eight bits in each byte.  ``address`` is that of the first, as on the wire.  Raises
        ValueError for an unknown table, and for a pattern that is no value, such as BCD that is not decimal.
        """
        where = _table(table)
        content, stop = _content(data, where, address)
        points, found = self._points[where], {}
        for point in points[bisect_left(self._addresses[where], address) :]:
            if point.address >= stop:
                break
            if point.stop <= stop and point.access != "wo":
                found[point.name] = point.decode(_piece(point, content, address))
        return found

    def decode_point(self, name: str, data: Answer) -> object:
        """The value of one point, of exactly its registers, bits or bytes.

        Raises KeyError for a name that the map does not have, ValueError for another length.
        """
        point = self.points.get(name)
        if point is None:
            raise KeyError(unknown("point", name, self.points))
        content, _ = _content(data, point.table, point.address)
        return point.decode(pack_bits(content) if isinstance(content, list) else content)

    def encode(self, name: str, value: object) -> list[int] | list[bool]:
        """The registers, or truth values, that stand for a value of a point.

        Raises KeyError for a name that the map does not have, ValueError for a value that does not fit.
        """
        point = self.points.get(name)
        if point is None:
            raise KeyError(unknown("point", name, self.points))
        data = point.encode(value)
        if point.table.is_bits:
            return list(unpack_bits(data)[: point.quantity])
        return [int.from_bytes(data[place : place + 2], "big") for place in range(0, len(data), 2)]


def _profile(source: str | os.PathLike[str], options: Mapping[str, Any]) -> Profile:
    if Path(source).suffix.lower() in SUFFIXES:
        return load(source, **options)
    return ProfileLibrary().get(os.fspath(source))


def _table(name: str) -> Table:
    if name not in TABLE_NAMES:
        raise ValueError(unknown("table", name, [table.label for table in Table]))
    return TABLE_NAMES[name]


def _content(data: Answer, table: Table, address: int) -> tuple[bytes | list[bool], int]:
    """Registers as bytes or bits as truth values, and the address behind the last."""
    if table.is_bits:
        bits = list(unpack_bits(bytes(data)) if isinstance(data, bytes | bytearray) else map(bool, data))
        return bits, address + len(bits)
    content = bytes(data) if isinstance(data, bytes | bytearray) else pack_words([int(word) for word in data])
    if len(content) % 2:
        raise ValueError(f"data has {len(content)} bytes, expected two for each register")
    return content, address + len(content) // 2


def _piece(point: Point, content: bytes | list[bool], address: int) -> bytes:
    start, stop = point.address - address, point.stop - address
    if isinstance(content, list):
        return pack_bits(content[start:stop])
    return content[2 * start : 2 * stop]
