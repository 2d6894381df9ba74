"""The ``files`` and ``fifos`` of a profile: what functions 20, 21 and 24 find.

One rule: everything is raw words here, and all of it is there before the first request: a file has all its
records, a queue knows where its values come from.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulator.documents.problems import show, unknown
from simulator.documents.yaml import Path
from simulator.points import Point
from simulator.profiles.addresses import AddressBase, parse_address
from simulator.profiles.layers import LayeredDocument
from simulator.profiles.profile import FifoLayout
from simulator.profiles.schema import FifoFile, FileFile
from simulator.profiles.validating import Checked
from simulator.protocol.codes import Table

LAST_FILE = 0xFFFF  # V1.1b3 §6.14
DEFAULT_DEPTH = 31  # registers that a response can carry, V1.1b3 §6.18


def resolve_files(files: Mapping[int, FileFile], document: LayeredDocument) -> dict[int, bytes]:
    """What each file holds at first: the words of all its records."""
    found = {}
    for number, file in files.items():
        if not 1 <= number <= LAST_FILE:
            message = f"file number is {number}, expected 1 to {LAST_FILE}"
            document.report(("files", number), message, key=True)
            continue
        found[number] = _content(file, ("files", number), document)
    return found


def _content(file: FileFile, path: Path, document: LayeredDocument) -> bytes:
    words = [_word(file.fill, (*path, "fill"), document)] * file.records
    for record, written in file.values.items():
        content = written if isinstance(written, list) else [written]
        if not 0 <= record <= file.records - len(content):
            last = record + len(content) - 1
            there = f"record {record} does" if last <= record else f"records {record} to {last} do"
            message = f"{there} not exist, expected records 0 to {file.records - 1}"
            document.report((*path, "values", record), message, key=True)
            continue
        here = (*path, "values", record)
        for place, word in enumerate(content):
            at = (*here, place) if isinstance(written, list) else here
            words[record + place] = _word(word, at, document)
    return b"".join(word.to_bytes(2, "big") for word in words)


def resolve_fifos(
    checked: Checked, base: AddressBase, points: Mapping[str, Point], document: LayeredDocument
) -> dict[int, FifoLayout]:
    """The queue behind each pointer address."""
    found: dict[int, FifoLayout] = {}
    for written, file in checked.file.fifos.items():
        path: Path = ("fifos", written)
        try:
            address = parse_address(written, base, Table.HOLDING_REGISTER)[1]
        except ValueError as error:
            document.report(path, str(error), key=True)
            continue
        if address in found:
            document.report(path, f"address {address} has two queues, expected one", key=True)
        found[address] = _queue(file, path, checked, points, document)
    return found


def _queue(
    file: FifoFile, path: Path, checked: Checked, points: Mapping[str, Point], document: LayeredDocument
) -> FifoLayout:
    words = [_word(word, (*path, "values", place), document) for place, word in enumerate(file.values or ())]
    depth = file.depth or max(DEFAULT_DEPTH, len(words))
    point = None
    if len(words) > depth:
        document.report((*path, "depth"), f"depth is {depth}, expected {len(words)} or more for the values")
    if file.from_ is not None and file.values is not None:
        message = "values are given beside from, expected one of the two"
        document.report((*path, "values"), message, key=True)
    elif file.from_ is not None:
        try:
            point = _source(file.from_, checked, points)
        except ValueError as error:
            document.report((*path, "from"), str(error))
    if point is not None and depth < point.quantity:
        message = f"depth is {depth}, expected {point.quantity} or more: so many registers has {point.name}"
        document.report((*path, "depth"), message)
    return FifoLayout(depth, tuple(words), point)


def _source(name: str, checked: Checked, points: Mapping[str, Point]) -> Point | None:
    """The point that fills a queue; None for one that has a problem of its own."""
    point = points.get(name)
    if point is None:
        if name in checked.file.points:
            return None
        moving = [each for each in points.values() if each.generator is not None and not each.table.is_bits]
        raise ValueError(unknown("point", name, [each.name for each in moving]))
    if point.table.is_bits:
        raise ValueError(f"point {name} is in {point.table.label}, expected one in registers")
    if point.generator is None:
        raise ValueError(f"point {name} has no generator, expected a point that moves")
    return point


def _word(word: int, path: Path, document: LayeredDocument) -> int:
    if not 0 <= word <= 0xFFFF:
        document.report(path, f"word is {show(word)}, expected 0 to 65535")
        return 0
    return word
