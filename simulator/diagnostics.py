"""What one device remembers of its communication: counters, event log, listen-only mode (V1.1b3 §6.8–6.10).

A plain request costs nothing here: it is counted, in the column ``requests`` of the device's kind, before it
is carried out.  What is not plain (an exception, a silence, a broadcast, an error on the line) is told to
the state, which then knows that every request since the one it was told of before was plain.  Counters are
what came since the last clear, 16 bits wide; the request that asks for a counter is one of those it counts.

All of it belongs to one device.  What the devices of one serial line have in common is its :class:`Bus`.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any

MAX_EVENTS = 64  # V1.1b3 §6.10
STATISTICS_WORDS = 54  # Modbus Plus, PI-MBUS-300 function 08/21
LINE_FEED = 0x0A  # the delimiter of ASCII frames unless it is changed, V1.02 §2.5.2.1

# event bytes, V1.1b3 §6.10
RECEIVED = 0x80
RECEIVED_ERROR = 0x02
RECEIVED_OVERRUN = 0x10
RECEIVED_BROADCAST = 0x40
SENT = 0x40
LISTENING = 0x20  # in both: currently in listen-only mode
ENTERED_LISTEN_ONLY = 0x04
RESTARTED = 0x00
_SENT_EXCEPTION = {1: 0x01, 2: 0x01, 3: 0x01, 4: 0x02, 5: 0x04, 6: 0x04, 7: 0x08}

_PLAIN = bytes((RECEIVED, SENT))
_MASK = 0xFFFF
_GOOD_PACKETS = 2 * 20 + 1  # the byte of the packets received well: word 20, low byte
_BUSY, _NAK = 0x06, 0x07  # exception codes that have a counter of their own

Functions = Sequence[Callable[[Any, bytes], bytes]]


class Bus:
    """What all devices of one serial line hear and share.

    ``heard`` is a column of one: the frames with a good checksum, whomever they are for.  ``delimiter`` ends
    ASCII frames on this line; the framing of the line looks it up.
    """

    __slots__ = ("delimiter", "heard")

    def __init__(self) -> None:
        self.heard = array("Q", (0,))  # compiled code counts here, too
        self.delimiter = LINE_FEED

    @property
    def messages(self) -> int:
        """How many frames were heard."""
        return self.heard[0]

    @messages.setter
    def messages(self, number: int) -> None:
        self.heard[0] = number


class DeviceState:
    """The communication state of the device in row ``row`` of the column ``requests``.

    ``functions`` are the behaviours of the mode the device is in, None for the usual ones.  ``broadcast`` is
    true while a request to everybody is carried out; ``silent`` is to be called behind it.
    """

    exceptions: int
    no_responses: int
    naks: int
    busies: int
    bus_errors: int
    overruns: int

    __slots__ = (
        "_events",
        "_logged",
        "_requests",
        "_row",
        "_since",
        "_since_bus",
        "_since_statistics",
        "_statistics",
        "_uncounted",
        "broadcast",
        "bus",
        "bus_errors",
        "busies",
        "delimiter",
        "diagnostic_register",
        "exceptions",
        "functions",
        "in_progress",
        "naks",
        "no_responses",
        "overruns",
    )

    def __init__(self, requests: array[int], row: int, bus: Bus | None = None) -> None:
        self._requests = requests
        self._row = row
        self._events = b""  # the oldest first
        self._logged = 0  # requests whose events are written
        self._statistics = bytes(2 * STATISTICS_WORDS)
        self._since_statistics = 0
        self.bus = bus
        self.functions: Functions | None = None
        self.broadcast = False
        self.in_progress = False  # a program command; the status word of functions 11 and 12
        self.diagnostic_register = 0
        self.delimiter = LINE_FEED if bus is None else bus.delimiter
        self._count_from(0, 0)

    @property
    def listen_only(self) -> bool:
        """True until a restart when the device was told to be silent."""
        return self.functions is not None

    @property
    def messages(self) -> int:
        """Messages to this device, broadcasts among them: the server message count."""
        return self._received - self._since & _MASK

    @property
    def bus_messages(self) -> int:
        """Messages it has heard, on a line also those to others: the bus message count."""
        if self.bus is None:
            return self.messages
        return self.bus.messages - self._since_bus & _MASK

    @property
    def events(self) -> int:
        """Messages completed well: neither refused nor silent, nor asking for events (V1.1b3 §6.9)."""
        return self._received - self._since - self._uncounted & _MASK

    @property
    def statistics(self) -> bytes:
        """The words of Modbus Plus as they stand on the wire; the good packets among them are counted."""
        good = self._received - self._since_statistics & 0xFF
        return self._statistics[:_GOOD_PACKETS] + bytes((good,)) + self._statistics[_GOOD_PACKETS + 1 :]

    @statistics.setter
    def statistics(self, words: bytes) -> None:
        if len(words) != 2 * STATISTICS_WORDS:
            raise ValueError(f"statistics have {len(words)} bytes, expected {2 * STATISTICS_WORDS}")
        self._statistics = words
        self._since_statistics = self._received - words[_GOOD_PACKETS]

    def log(self, *, asking: bool = False) -> bytes:
        """The events, the newest first; with ``asking``, that is the receipt of the request that asks."""
        log = self._with_plain(asking=asking)
        if asking:
            log += bytes((RECEIVED,))
        return log[: -MAX_EVENTS - 1 : -1]

    def asked_for_events(self) -> None:
        """The present request asks for the event counter or log, and so is no event itself."""
        self._uncounted += 1

    def refused(self, code: int) -> None:
        """The present request is answered with an exception."""
        self.exceptions = self.exceptions + 1 & _MASK
        self.busies = self.busies + (code == _BUSY) & _MASK
        self.naks = self.naks + (code == _NAK) & _MASK
        self._uncounted += 1
        self._write(bytes((RECEIVED, SENT | _SENT_EXCEPTION.get(code, 0))))

    def silent(self) -> None:
        """The present request gets no response: the device only listens, or everybody was meant.

        Does nothing when the request has been told of already.
        """
        if self._logged == self._received:
            return
        self.no_responses = self.no_responses + 1 & _MASK
        self._uncounted += self.listen_only
        self._write(bytes((self._receipt, SENT | self._listening)))

    def heard_error(self, *, overrun: bool = False) -> None:
        """A wrong checksum was heard, or more characters than could be taken; it is nobody's request."""
        self.bus_errors = self.bus_errors + 1 & _MASK
        self.overruns = self.overruns + overrun & _MASK
        event = RECEIVED | RECEIVED_ERROR | self._listening | (RECEIVED_OVERRUN if overrun else 0)
        self._write(bytes((event,)), of_request=False)

    def listen(self, functions: Functions) -> None:
        """Enter listen-only mode, as the present request, which gets no response, wants it."""
        receipt = self._receipt
        self.functions = functions
        self.no_responses = self.no_responses + 1 & _MASK
        self._uncounted += 1
        self._write(bytes((receipt, ENTERED_LISTEN_ONLY, SENT | LISTENING)))

    def restart(self, *, clear_log: bool) -> None:
        """Start communication anew, once the present request is answered; ends listen-only mode."""
        self._write(bytes((self._receipt, SENT | self._listening, RESTARTED)))
        self.functions = None
        if clear_log:
            self._events = bytes((RESTARTED,))
        self._zero()

    def clear_counters(self) -> None:
        """Set every counter and the diagnostic register to zero; the present request is not counted."""
        self._zero()
        self.diagnostic_register = 0

    def clear_overruns(self) -> None:
        """Set the overrun counter to zero, and with it its error flag."""
        self.overruns = 0

    def change_delimiter(self, character: int) -> None:
        """End ASCII frames with another character from now on; on a line, for everybody."""
        self.delimiter = character
        if self.bus is not None:
            self.bus.delimiter = character

    def clear_statistics(self) -> None:
        """Set the words of Modbus Plus to zero."""
        self.statistics = bytes(2 * STATISTICS_WORDS)

    @property
    def _listening(self) -> int:
        return LISTENING if self.listen_only else 0

    @property
    def _receipt(self) -> int:
        """The event of receiving the present request."""
        return RECEIVED | self._listening | (RECEIVED_BROADCAST if self.broadcast else 0)

    @property
    def _received(self) -> int:
        return self._requests[self._row]

    def _zero(self) -> None:
        self._count_from(self._received, 0 if self.bus is None else self.bus.messages)

    def _count_from(self, received: int, bus_messages: int) -> None:
        self._since, self._since_bus, self._uncounted = received, bus_messages, 0
        self.bus_errors = self.exceptions = self.no_responses = self.naks = self.busies = self.overruns = 0

    def _with_plain(self, *, asking: bool) -> bytes:
        """The events with those of the plain requests behind them; ``asking``: but for the present one."""
        plain = self._received - self._logged - asking
        return self._events + _PLAIN * min(plain, MAX_EVENTS // 2)

    def _write(self, events: bytes, *, of_request: bool = True) -> None:
        self._events = (self._with_plain(asking=of_request) + events)[-MAX_EVENTS:]
        self._logged = self._received
