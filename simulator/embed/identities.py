"""Identification objects of a device (function 43/14), edited while it runs.

A mapping of the seven standard objects by name or number, and of the private ones, 0x80 to 0xFF, by number;
texts or bytes go in, texts come out where they are some.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from simulator.documents.wording import unknown
from simulator.protocol.identification import OBJECT_IDS

Key = str | int
Change = Callable[[int, bytes | None], object]  # object id, None to take it away


class Identity(MutableMapping[Key, Any]):
    """``server.identity["vendor_name"] = "Acme"``; every device of a server has its own."""

    def __init__(self, objects: Callable[[], Mapping[int, bytes]], change: Change) -> None:
        self._objects = objects
        self._change = change

    def __getitem__(self, key: Key) -> str | bytes:
        return _shown(self._objects()[_number(key)])

    def __setitem__(self, key: Key, value: str | bytes) -> None:
        self._change(_number(key), value.encode() if isinstance(value, str) else bytes(value))

    def __delitem__(self, key: Key) -> None:
        if _number(key) not in self._objects():
            raise KeyError(key)
        self._change(_number(key), None)

    def __iter__(self) -> Iterator[Key]:
        return iter([_NAMES.get(number, number) for number in sorted(self._objects())])

    def __len__(self) -> int:
        return len(self._objects())

    def __repr__(self) -> str:
        return f"<identity {dict(self)}>"


_NAMES = {number: name for name, number in OBJECT_IDS.items()}


def _number(key: Key) -> int:
    if isinstance(key, str):
        if key not in OBJECT_IDS:
            raise KeyError(unknown("identification object", key, OBJECT_IDS))
        return OBJECT_IDS[key]
    return key


def _shown(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
