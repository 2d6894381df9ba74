"""What the compiled turn offers; its strategy stands in ``compiled/turn.h``."""

from array import array
from mmap import mmap
from typing import final

# columns, stops, open stops or None, buffer
_Table = tuple[array[int], array[int], array[int] | None, mmap]
# the address of a peer, and the local one it asked
_Sender = tuple[tuple[str, int] | tuple[str, int, int, int], bytes]

@final
class Layout:
    """What devices of a kind share: maps, buffers, requests by row, codes answered, rows set aside."""

    def __new__(
        cls,
        tables: tuple[_Table | None, ...],
        requests: array[int],
        codes: bytes,
        aside: bytearray | None = None,
        /,
    ) -> Layout: ...

@final
class Station:
    """Which device stands behind a unit id, how requests are framed, and what a bus hears of them."""

    def __new__(cls, rtu: bool = False, heard: array[int] | None = None, /) -> Station: ...
    @property
    def answered(self) -> int: ...
    @property
    def lost(self) -> int: ...
    def put(self, unit: int, layout: Layout, row: int, bases: tuple[int, ...], /) -> None: ...
    def clear(self) -> None: ...

@final
class Lanes:
    """The sockets of an epoll that are served by compiled code."""

    def __new__(cls, epoll_fd: int, /) -> Lanes: ...
    def arm(
        self,
        fd: int,
        station: Station,
        datagrams: bool = False,
        places: dict[bytes, Station] | None = None,
        /,
    ) -> None: ...
    def release(self, fd: int, /) -> None: ...
    def disarm(self, fd: int, /) -> bytes: ...
    def seen(self, fd: int, /) -> float: ...
    def turn(
        self, max_events: int, now: float, /
    ) -> list[tuple[int, int, bytes, bytes, _Sender | None] | tuple[int, int, None, None, None]]: ...
