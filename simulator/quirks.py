"""How a kind of device departs from the specification: its limits, its habits, its moods.

What concerns requests is carried out in the function table and the blocks of the kind, made once with the
fleet; what concerns the connection (:class:`ConnectionQuirks`) by the listener.  A kind without a quirk has
the stock functions and blocks, a listener without one the stock factory: neither pays for this module.

One rule: a quirk never invents an answer that a real device could not give.  Bundles are quirks under a
name.  They model habits that are well known, each under a neutral name where no vendor's manual vouches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

TooMany = Literal["illegal_data_value", "illegal_data_address"]
Holes = Literal["exception", "zero"]
WhenFull = Literal["refuse", "close_oldest"]
WhenInFlight = Literal["ignore", "busy", "close"]


@dataclass(frozen=True, slots=True)
class ConnectionQuirks:
    """What the devices behind one address and port do with connections.

    ``max_connections`` and ``max_connections_per_host`` are counted at that address and port; who is over
    them is refused, or the oldest connection has to go (``when_full``).  ``when_in_flight`` says what happens
    to a request that arrives before the one before it is answered, None: it waits its turn.  ``close_after``
    is a number of requests.
    """

    max_connections: int | None = None
    max_connections_per_host: int | None = None
    when_full: WhenFull = "refuse"
    idle_timeout: float | None = None  # seconds
    when_in_flight: WhenInFlight | None = None
    min_reply_delay: float = 0.0  # seconds
    close_after: int | None = None

    @property
    def concern_requests(self) -> bool:
        """True when every request of a connection has to be looked at."""
        return bool(self.when_in_flight or self.min_reply_delay or self.close_after)


NO_CONNECTION_QUIRKS = ConnectionQuirks()


@dataclass(frozen=True, slots=True)
class Quirks:
    """What one kind of device does otherwise; the default is a device without quirks.

    ``max_registers`` and ``max_bits`` bound the quantity of one request; more answers ``too_many``, except
    quantities that the specification refuses, which stay exception 03.  With ``partial_writes`` a refused
    write of several registers or bits has stored what stands before the first that is refused.
    """

    max_registers: int | None = None
    max_bits: int | None = None
    too_many: TooMany = "illegal_data_value"
    unsupported_functions: tuple[int, ...] = ()
    holes: Holes = "exception"
    partial_writes: bool = False
    connection: ConnectionQuirks = NO_CONNECTION_QUIRKS


NO_QUIRKS = Quirks()


@dataclass(frozen=True, slots=True)
class Bundle:
    """Quirks under a name; ``settings`` as a profile would write them."""

    description: str
    settings: Mapping[str, Any]


BUNDLES: Mapping[str, Bundle] = MappingProxyType(
    {
        "none": Bundle("a device without quirks: takes away what the profile has", {}),
        "moxa-gateway": Bundle(
            "an Ethernet gateway for sixteen clients that takes a moment to pass an answer on",
            {"max_connections": 16, "min_reply_delay": "2ms"},
        ),
        "slow-serial-gateway": Bundle(
            "a small gateway on a slow line: four clients, one request at a time, 50 ms each",
            {
                "max_connections": 4,
                "one_request_in_flight": True,
                "min_reply_delay": "50ms",
                "idle_timeout": "60s",
            },
        ),
        "old-plc-one-connection": Bundle(
            "an old controller: a single client, one request at a time, the basic functions only",
            {
                "max_connections": 1,
                "one_request_in_flight": True,
                "min_reply_delay": "20ms",
                "idle_timeout": "30s",
                "max_registers": 100,
                "max_bits": 800,
                "unsupported_functions": "7-8,11-12,17,20-24,43",
            },
        ),
        "small-energy-meter": Bundle(
            "a meter with a small buffer: 40 registers a request, no coils, two clients",
            {
                "max_registers": 40,
                "max_connections": 2,
                "max_connections_per_host": 1,
                "one_request_in_flight": True,
                "min_reply_delay": "10ms",
                "unsupported_functions": "1-2,5,7-8,11-12,15,20-24",
            },
        ),
        "address-exceptions": Bundle(
            "a controller that answers exception 2 for every range it does not like, its length included",
            {"max_registers": 120, "max_bits": 1920, "too_many": "illegal_data_address"},
        ),
        "zero-filled-map": Bundle(
            "a device whose map has no holes: reserved registers read zero and take any write",
            {"holes": "zero"},
        ),
        "oldest-makes-room": Bundle(
            "a server with eight connections that closes the oldest for a new one (TCP V1.0b §4.2.1)",
            {"max_connections": 8, "when_full": "close_oldest"},
        ),
        "one-request-per-connection": Bundle(
            "a device that hangs up after every answer",
            {"close_after": 1},
        ),
        "writes-until-refused": Bundle(
            "a device that writes registers one by one and stops, with an exception, at the first it refuses",
            {"partial_writes": True},
        ),
    }
)
