"""Places in a device as people write them, and what stands there: values of a type or points.

A place is a reference (``40001``, ``400001``, ``30001``, ``10001``, ``00001``), a table and a 0-based address
(``holding_register:0``, ``hr:0``), a 0-based address alone with ``--table``, or with a profile the name of
a point.
"""

from __future__ import annotations

import argparse
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.cli.columns import aligned

if TYPE_CHECKING:
    from simulator.client import Client
    from simulator.datatypes import DataType
    from simulator.points import Point
    from simulator.profiles.profile import Profile
    from simulator.protocol.codes import Table

HELP = """\
A place is a reference (40001 or 400001 is the first holding register, 30001 an input register, 10001
a discrete input, 00001 a coil), a table with an address as on the wire (hr:0, ir:0, di:0, co:0, or
holding_register:0), a bare address with --table, or with --profile the name of a point."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: ``point`` is its point, when it was named by a profile."""

    written: str
    table: Table
    address: int
    kind: DataType
    count: int
    point: Point | None = None

    @property
    def size(self) -> int:
        """Registers or bits of one element."""
        return 1 if self.table.is_bits else self.kind.registers or 1


@dataclass(frozen=True, slots=True)
class Reading:
    """A place and what was read there; ``raw`` are registers or bits."""

    place: Place
    raw: tuple[int, ...]
    value: Any


def add_places(parser: argparse.ArgumentParser, *, several: bool = True) -> None:
    """``PLACE``, what stands there, and how to print."""
    if several:
        parser.add_argument("places", metavar="PLACE", nargs="*", help="40001, hr:0, or the name of a point")
    else:
        parser.add_argument("place", metavar="PLACE", help="40001, hr:0, or the name of a point")
    what = parser.add_argument_group("what stands there")
    what.add_argument(
        "--type", "-t", metavar="TYPE", help="data type, such as uint16, int32, float32, string"
    )
    what.add_argument(
        "--table", metavar="TABLE", help="of bare addresses: coil, discrete_input, input_register, ..."
    )
    what.add_argument(
        "--byte-order", default="ABCD", metavar="ORDER", help="ABCD (default), CDAB, BADC or DCBA"
    )
    what.add_argument("--length", type=int, metavar="N", help="registers of a string, bits or raw")
    what.add_argument("--profile", metavar="NAME", help="places are points of this profile")
    what.add_argument(
        "--folder", metavar="DIR", action="append", default=[], help="look for profiles here first"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def places_of(arguments: argparse.Namespace, written: Sequence[str], count: int = 1) -> list[Place]:
    """The places that the command line names; every readable point of a profile when it names none."""
    if arguments.profile is not None:
        from simulator.profiles.loader import ProfileLibrary

        profile = ProfileLibrary(arguments.folder).get(arguments.profile)
        names = written or [name for name, point in profile.points.items() if point.access != "wo"]
        return [_point(profile, name) for name in names]
    if not written:
        raise ValueError("no place is given, expected one such as 40001, hr:0, or --profile")
    if count < 1:
        raise ValueError(f"count is {count}, expected 1 or more")
    return [_place(arguments, text, count) for text in written]


def read(client: Client, place: Place) -> Reading:
    """What stands at a place; no element is torn between two requests."""
    raw: list[int] = []
    most = 2000 if place.table.is_bits else 125 // place.size * place.size
    left, address = place.count * place.size, place.address
    asks: dict[int, Callable[[int, int], Sequence[int]]] = {
        0: client.read_coils,
        1: client.read_discrete_inputs,
        2: client.read_input_registers,
        3: client.read_holding_registers,
    }
    ask = asks[place.table]
    while left:
        taken = min(left, most)
        raw += [int(each) for each in ask(address, taken)]
        address, left = address + taken, left - taken
    return Reading(place, tuple(raw), _value(place, raw))


def table_of(readings: Sequence[Reading]) -> str:
    """Readings in columns; an element of an array in a line of its own."""
    named = any(reading.place.point is not None for reading in readings)
    rows: list[tuple[str, ...]] = [
        (*(("point",) if named else ()), "reference", "address", "type", "value", "raw")
    ]
    for reading in readings:
        rows += _rows(reading, named)
    return aligned(rows)


def as_data(reading: Reading) -> dict[str, Any]:
    """A reading as JSON has it."""
    from simulator.explanation.names import reference

    place = reading.place
    found: dict[str, Any] = {
        "table": place.table.label,
        "address": place.address,
        "reference": reference(place.table, place.address),
        "type": place.kind.name,
        "raw": list(reading.raw),
        "value": plain(reading.value),
    }
    if place.point is not None:
        found |= {"name": place.point.name, "unit_of_measurement": place.point.unit_of_measurement}
    return found


def held(place: Place, values: Sequence[Any]) -> Any:
    """What a place holds once ``values`` were written: as far as its data type can hold them."""
    if place.point is not None:
        return place.point.decode(place.point.encode(values if len(values) > 1 else values[0]))
    kind = place.kind
    kept = [bool(v) if kind.family == "bool" else kind.decode(kind.encode_fitting(v)) for v in values]
    return kept if len(kept) > 1 else kept[0]


def plain(value: Any) -> Any:
    """A value that JSON can hold: not a number becomes text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


def shown(value: Any, unit: str = "") -> str:
    """A value for people."""
    if isinstance(value, bool):
        text = "on" if value else "off"
    elif isinstance(value, float):
        text = _digits(value)
    elif isinstance(value, (list, tuple)):
        text = " ".join(shown(each) for each in value)
    else:
        text = str(value)
    return f"{text} {unit}".rstrip()


def _digits(value: float) -> str:
    """As few digits as tell a number from its neighbours; a 32-bit one from those of 32 bits."""
    try:
        single = struct.pack("f", value)
    except OverflowError:
        single = b""
    if single and struct.unpack("f", single)[0] == value:
        for digits in (7, 8):
            text = f"{value:.{digits}g}"
            if struct.pack("f", float(text)) == single:
                return text
        return f"{value:.9g}"
    text = f"{value:.15g}"
    return text if float(text) == value else repr(value)


def raw_text(place: Place, raw: Sequence[int]) -> str:
    """Bits as digits, registers in hexadecimal."""
    if place.table.is_bits:
        return "".join(map(str, raw))
    listed = [f"0x{word:04X}" for word in raw]
    return " ".join(listed[:8]) + (f" … ({len(listed)} in all)" if len(listed) > 8 else "")


def _rows(reading: Reading, named: bool) -> list[tuple[str, ...]]:
    from simulator.explanation.names import reference

    place, point = reading.place, reading.place.point
    several = place.count > 1 and point is None
    values = reading.value if several else [reading.value]
    rows: list[tuple[str, ...]] = []
    for index, value in enumerate(values):
        address = place.address + index * place.size
        raw = reading.raw[index * place.size : (index + 1) * place.size] if several else reading.raw
        text = shown(value, point.unit_of_measurement if point is not None else "")
        row = (reference(place.table, address), str(address), place.kind.name, text, raw_text(place, raw))
        rows.append((point.name if point is not None else "", *row) if named else row)
    return rows


def _value(place: Place, raw: Sequence[int]) -> Any:
    from simulator.protocol.bits import pack_bits
    from simulator.protocol.contract import pack_words

    if place.point is not None:
        is_bits = place.table.is_bits
        return place.point.decode(pack_bits(list(map(bool, raw))) if is_bits else pack_words(raw))
    size = place.size
    parts = [raw[start : start + size] for start in range(0, len(raw), size)]
    values = [
        any(part) if place.kind.family == "bool" else place.kind.decode(pack_words(part)) for part in parts
    ]
    return values if place.count > 1 else values[0]


def _point(profile: Profile, name: str) -> Place:
    from simulator.documents.wording import unknown

    point = profile.points.get(name)
    if point is None:
        raise ValueError(unknown("point", name, profile.points))
    size = 1 if point.table.is_bits else point.data_type.registers or 1
    return Place(name, point.table, point.address, point.data_type, max(point.quantity // size, 1), point)


def _place(arguments: argparse.Namespace, text: str, count: int) -> Place:
    from simulator.datatypes import ByteOrder, data_type
    from simulator.documents.wording import unknown
    from simulator.protocol import codes

    table, address = _where(text, arguments.table)
    most = codes.MAX_READ_REGISTERS
    if arguments.length is not None and arguments.length > most:
        raise ValueError(f"length is {arguments.length}, expected at most {most} registers")
    order = arguments.byte_order.upper()
    if order not in ByteOrder.__members__:
        raise ValueError(unknown("byte order", arguments.byte_order, ByteOrder.__members__))
    name = arguments.type or ("bool" if table.is_bits else "uint16")
    kind = data_type(name, order=order, length=arguments.length)
    if table.is_bits and kind.family != "bool":
        raise ValueError(f"data type is {name} in table {table.label}, expected bool")
    size = 1 if table.is_bits else kind.registers or 1
    if address + count * size > 0x10000:
        raise ValueError(
            f"{text} and {count * size - 1} behind it end at {address + count * size - 1}, expected 65535"
        )
    return Place(text, table, address, kind, count)


def _where(text: str, table: str | None) -> tuple[Table, int]:
    from simulator.documents.wording import unknown
    from simulator.profiles.addresses import TABLE_NAMES, parse_address
    from simulator.protocol.codes import Table

    names = [each.label for each in Table]
    before, colon, behind = text.partition(":")
    if colon:
        if before not in TABLE_NAMES:
            raise ValueError(unknown("table", before, names))
        return TABLE_NAMES[before], parse_address(behind, 0)[1]
    if table is not None:
        if table not in TABLE_NAMES:
            raise ValueError(unknown("table", table, names))
        return TABLE_NAMES[table], parse_address(text, 0)[1]
    if not text.isdigit():
        raise ValueError(f"place is {text!r}, expected such as 40001 or hr:0; names of points need --profile")
    if len(text) < 5:
        raise ValueError(f"place is {text!r}, expected a reference such as 40001, hr:{text}, or --table")
    found, address = parse_address(text, "modicon")
    assert found is not None
    return found, address
