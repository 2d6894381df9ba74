"""A device whose data is another Modbus device, reached by a client: a gateway of your own.

Requests go on as they are, whatever their function code; several devices may share one client, each with a
unit id of its own.  What the other device does not answer a gateway does: 0x0A when there is no way there,
0x0B when it is silent; its exceptions are passed on.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from simulator.client.tx import TwistedClient
from simulator.embed.threads import the_reactor
from simulator.forwarding import Upstream


class Remote:
    """``Remote("rtu:/dev/ttyUSB0?baudrate=19200", timeout=1)``: the way to devices at one URL.

    ``options`` are those of every client; ``in_flight=16`` lets a unit that is silent hold nobody up, where
    the other side takes several requests at once.  It connects with the first request and is closed with the
    servers that use it.  Raises ValueError for a URL or an option that makes no sense.
    """

    def __init__(self, url: str, **options: Any) -> None:
        self.url = url
        self.upstream = Upstream(TwistedClient(url, reactor=the_reactor(), **options))

    def ask(self, unit: int, pdu: bytes) -> Deferred[bytes]:
        """The response PDU of a unit id, empty for none; in the thread of the reactor only."""
        answer: Deferred[bytes] = Deferred()
        answer_once = [answer]

        def answered(response: bytes) -> None:
            if answer_once and not answer_once.pop().called:
                answer.callback(response)

        self.upstream.ask(unit, pdu, answered)
        return answer

    def close(self) -> Deferred[None]:
        """Close the connection; another request opens it again."""
        return self.upstream.close()

    def __repr__(self) -> str:
        return f"<remote {self.url}>"
