"""``--trace``: the bytes of a conversation as they go out and come in, on stderr."""

from __future__ import annotations

import time
from typing import Any

from simulator.cli.streams import STDERR
from simulator.client import Client
from simulator.client.asks import Ask
from simulator.client.session import Session


class TracingSession(Session):
    """A session that tells what is sent and what has come."""

    began = 0.0

    def begin(self, ask: Ask[Any]) -> bytes:
        """Tell the bytes of a request."""
        adu = super().begin(ask)
        self._tell("->", adu)
        return adu

    def receive(self, data: bytes) -> list[Ask[Any]]:
        """Tell the bytes that have come."""
        self._tell("<-", data)
        return super().receive(data)

    def _tell(self, arrow: str, data: bytes) -> None:
        self.began = self.began or time.monotonic()
        STDERR.write(f"{time.monotonic() - self.began:9.6f} {arrow} {data.hex(' ').upper()}\n")


class TracingClient(Client):
    """A client with such a session."""

    def _new_session(self) -> Session:
        return TracingSession(self.target.framing, self.target.text, datagrams=self.datagrams)
