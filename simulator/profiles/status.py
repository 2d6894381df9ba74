"""What a profile says of the functions 07 and 17: ``exception_status`` and ``server_id``.

One rule: a name in the exception status is a boolean point, or else a bit that one point of type bits
names; and a server id fits one response.
"""

from __future__ import annotations

import re

from simulator.documents.problems import show, unknown
from simulator.documents.yaml import Path
from simulator.points import Point
from simulator.profiles.layers import LayeredDocument
from simulator.profiles.profile import ServerIdLayout, StatusBit
from simulator.profiles.resolving import Setting
from simulator.profiles.schema import ServerIdFile
from simulator.profiles.validating import Checked
from simulator.protocol.status import MAX_SERVER_ID

STATUS_BITS = 8  # V1.1b3 §6.7
_HEX = re.compile(r"0[xX]((?:[0-9a-fA-F]{2})+)", re.ASCII)


def resolve_server_id(
    file: ServerIdFile | None, setting: Setting, document: LayeredDocument
) -> ServerIdLayout | None:
    """What function 17 tells; None when the profile does not say."""
    if file is None:
        return None
    number = _id_bytes(file.id, document)
    additional: str | bytes = file.additional
    example = b""
    try:
        if file.additional[:2] in ("0x", "0X"):
            example = additional = _hex(file.additional, "additional")
        else:
            example = setting.example(file.additional).encode()
    except ValueError as error:
        document.report(("server_id", "additional"), str(error))
    size = len(number) + 1 + len(example)
    if size > MAX_SERVER_ID:
        message = f"server id has {size} bytes with its run indicator, expected at most {MAX_SERVER_ID}"
        document.report(("server_id",), message, key=True)
    return ServerIdLayout(number, file.running, additional)


def _id_bytes(written: int | str, document: LayeredDocument) -> bytes:
    path: Path = ("server_id", "id")
    try:
        if isinstance(written, str):
            return _hex(written, "id")
        if written < 0:
            raise ValueError(f"id is {written}, expected 0 or more")
        return written.to_bytes(max(1, (written.bit_length() + 7) // 8), "big")
    except ValueError as error:
        document.report(path, str(error))
        return b"\0"


def _hex(written: str, what: str) -> bytes:
    match = _HEX.fullmatch(written)
    if match is None:
        raise ValueError(f"{what} is {show(written)}, expected pairs of hex digits after 0x")
    return bytes.fromhex(match[1])


def resolve_exception_status(
    checked: Checked, points: dict[str, Point], document: LayeredDocument
) -> tuple[StatusBit, ...] | int | None:
    """The eight bits of function 07, or their number; None when the profile does not say."""
    written = checked.file.exception_status
    if not isinstance(written, list):
        if written is not None and not 0 <= written <= 0xFF:
            document.report(("exception_status",), f"exception status is {written}, expected 0 to 255")
        return written
    if len(written) > STATUS_BITS:
        message = f"exception status has {len(written)} entries, expected at most {STATUS_BITS}"
        document.report(("exception_status",), message)
    found = []
    for place, name in enumerate(written):
        try:
            bit = _status_bit(name, checked, points)
        except ValueError as error:
            document.report(("exception_status", place), str(error))
        else:
            found += [] if bit is None else [bit]
    return tuple(found)


def _status_bit(name: str, checked: Checked, points: dict[str, Point]) -> StatusBit | None:
    """The bit called ``name``; None for a point that has a problem of its own."""
    point = points.get(name)
    if point is not None:
        if point.data_type.family != "bool" or point.count > 1:
            raise ValueError(f"point {name} is {point.data_type.name}, expected a single bool")
        return StatusBit(point)
    if name in checked.file.points:
        return None
    owners = [each for each in points.values() if each.count == 1 and name in (each.bits or {}).values()]
    if len(owners) > 1:
        listed = " and ".join(owner.name for owner in owners)
        raise ValueError(f"bit {name} is in {listed}, expected a name that only one point has")
    if owners:
        return StatusBit(owners[0], name)
    if len(points) < len(checked.file.points):
        return None  # one of the points with problems may have it
    legal = [each.name for each in points.values() if each.data_type.family == "bool" and each.count == 1]
    legal += [bit for each in points.values() for bit in (each.bits or {}).values()]
    raise ValueError(unknown("point or bit", name, legal))
