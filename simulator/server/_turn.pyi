"""What the compiled turn offers; its strategy stands at the head of ``_turn.c``."""

from array import array
from mmap import mmap
from typing import final

# columns, stops, open stops or None, buffer
_Table = tuple[array[int], array[int], array[int] | None, mmap]

@final
class Layout:
    """What devices of a kind share: address maps, buffers, requests by row, codes answered, who is muted."""

    def __new__(
        cls,
        tables: tuple[_Table | None, ...],
        requests: array[int],
        codes: bytes,
        muted: bytearray | None = None,
        /,
    ) -> Layout: ...

@final
class Station:
    """Which device stands behind a unit id."""

    def __new__(cls) -> Station: ...
    @property
    def answered(self) -> int: ...
    def put(self, unit: int, layout: Layout, row: int, bases: tuple[int, ...], /) -> None: ...
    def clear(self) -> None: ...

@final
class Lanes:
    """The connections of an epoll that are served by compiled code."""

    def __new__(cls, epoll_fd: int, /) -> Lanes: ...
    def arm(self, fd: int, station: Station, /) -> None: ...
    def disarm(self, fd: int, /) -> bytes: ...
    def seen(self, fd: int, /) -> float: ...
    def turn(
        self, max_events: int, now: float, /
    ) -> list[tuple[int, int, bytes, bytes] | tuple[int, int, None, None]]: ...
