"""What every client is made of: a URL and options, checked when it is made; what follows from them."""

from __future__ import annotations

from typing import Any

from simulator.client.options import Options, checked
from simulator.client.session import Session
from simulator.client.target import parse_url
from simulator.documents.wording import unknown

TURNAROUND_S = 0.1  # after a broadcast on a serial line, V1.02 §2.4.1: 100 to 200 ms


class Configured:
    """``url`` says where the server is and how it speaks, ``options`` are those of :class:`Options`.

    Raises ValueError for a URL or an option that makes no sense.
    """

    def __init__(self, url: str, **options: Any) -> None:
        strangers = options.keys() - set(Options._fields)
        if strangers:
            raise ValueError(unknown("option", min(strangers), Options._fields))
        self.target = parse_url(url)
        self.options = checked(Options(**options), self.target.transport)
        self.unit = self.options.unit
        self.address_base = self.options.address_base
        self.datagrams = self.target.transport == "udp"
        line = self.target.line
        self.turnaround_s = TURNAROUND_S if line is not None else 0.0
        self.gap_s = _frame_gap(self.target.framing, line) if line is not None else 0.0

    @property
    def url(self) -> str:
        """The URL as it was given."""
        return self.target.text

    def _new_session(self) -> Session:
        return Session(self.target.framing, self.target.text, datagrams=self.datagrams)


def _frame_gap(framing: str, line: Any) -> float:
    """The silence before a frame on a serial line, in seconds; only RTU needs one."""
    if framing != "rtu":
        return 0.0
    from simulator.protocol.line import RtuLine

    return RtuLine(line.baudrate, line.character_bits).frame_gap_s
