"""The blocking client: a loop over a link.

It loads neither Twisted nor asyncio, starts no thread, and keeps the connection open between requests; one
that the server closed meanwhile is opened anew.  Threads may share a client: they take turns.  Processes do
not share a connection: a child opens its own.  The one rule: what fails is released at once; after an error
the client can be used on.
"""

from __future__ import annotations

from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Self, TypeVar

from simulator.client.asks import Ask
from simulator.client.base import Configured
from simulator.client.forks import after_fork
from simulator.client.links import Link, open_link
from simulator.client.plans import BlockingFace, Plan
from simulator.client.session import Session
from simulator.client.trying import worth_another_try
from simulator.client.verbs import Verbs
from simulator.errors import ConnectionClosed, ModbusException, ModsimError, NetworkError, TimedOut
from simulator.protocol.contract import MessageError

if TYPE_CHECKING:
    from simulator.client.devices import Device
    from simulator.profiles.profile import Profile

T = TypeVar("T")

IDLE_S = 0.5  # after a longer pause the server may have closed: look before sending


class Client(Configured, BlockingFace, Verbs):
    """``with Client("tcp://127.0.0.1:502") as client: client.read_holding_registers(0, 10)``.

    It connects with the first request, or with ``connect``.  Every verb returns its value or raises:
    :class:`~simulator.errors.ModbusException` when the server refuses, ``NetworkError`` when it cannot be
    reached or is silent, ``ProtocolError`` when it answers nonsense, ValueError for what cannot be sent.
    """

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(url, **options)
        self._link: Link | None = None
        self._began = 0.0  # when the last request was sent
        self._used = 0.0  # when something last came
        self._free = 0.0  # when a serial line may be used again
        self._fresh()
        after_fork(self)

    def _fresh(self) -> None:
        """Nothing is under way, and no connection is open."""
        from threading import RLock

        self.session = self._new_session()
        self._link = None
        self._lock = RLock()

    def forked(self) -> None:
        """In a child process: the connection, and what is under way, belong to the parent."""
        if self._link is not None:
            self._link.close()  # the copy of it
        self._fresh()

    @property
    def connected(self) -> bool:
        """True while a connection is open, as far as this side knows."""
        return self._link is not None

    def connect(self) -> Self:
        """Connect now; nothing when connected already.  Raises NetworkError."""
        with self._lock:
            if self._link is None:
                self._open()
        return self

    def close(self) -> None:
        """Close the connection; another request would open it again."""
        with self._lock:
            link, self._link = self._link, None
            if link is not None:
                link.close()
                self.session.closed("this client closed the connection")

    def __enter__(self) -> Self:
        return self.connect()

    def __exit__(self, *_: object) -> None:
        self.close()

    def device(self, profile: Profile | str, *, unit: int | None = None) -> Device:
        """A device with the names of a profile: one that is shipped, by its name, or a profile object."""
        from simulator.client.devices import Device

        return Device(self, profile, unit)

    def _run(self, plan: Plan[T] | Ask[T]) -> T:
        if isinstance(plan, Ask):
            return self._answer(plan)
        try:
            ask = plan.send(None)
            while True:
                try:
                    answer = self._answer(ask)
                except ModbusException as refusal:
                    ask = plan.throw(refusal)  # the plan may know another way
                else:
                    ask = plan.send(answer)
        except StopIteration as done:
            value: T = done.value
            return value
        except MessageError as error:
            raise ValueError(str(error)) from None

    def _answer(self, ask: Ask[T]) -> T:
        """The answer to a request, which is sent as often as the options have it."""
        tried = 0
        while True:
            try:
                with self._lock:
                    return self._once(ask)
            except ModsimError as error:
                tried += 1
                if not worth_another_try(error, tried, self.options):
                    raise

    def _once(self, ask: Ask[T]) -> T:
        link, session = self._link, self.session
        self._began = now = monotonic()
        if (
            link is None
            or now - self._used > IDLE_S
            or now < self._free
            or session.given_up
            or not session.matches  # what came meanwhile could be mistaken for the answer
        ):
            link = self._ready()
        adu, sent = session.begin(ask), False
        try:
            link.send(adu)
            sent = True
            if not ask.answered:
                self._free = monotonic() + self.turnaround_s
                nothing: T = ask.answer
                return nothing
            data = link.receive(link.chunk)
            self._used = monotonic()
            if not data or ask not in session.receive(data):
                self._wait(link, session, ask, data)
        except (TimeoutError, BlockingIOError):
            if not sent:
                self.close()
                text = f"request could not be sent within {self.options.timeout:g} s"
                raise TimedOut(self.url, text) from None
            ask.error = session.expire(ask, self.options.timeout)
        except OSError as error:
            self.close()
            raise link.ended(error) from None
        except BaseException:
            self.close()  # Ctrl-C, perhaps in the middle of a request
            raise
        if self.gap_s:
            self._free = monotonic() + self.gap_s
        if ask.error is None:
            value: T = ask.answer
            return value
        if session.lost or session.broken or isinstance(ask.error, ConnectionClosed):
            self.close()
        raise ask.error

    def _wait(self, link: Link, session: Session, ask: Ask[Any], data: bytes) -> None:
        """Receive on until a request is finished; TimeoutError when its time is over."""
        until = self._began + self.options.timeout
        while True:
            if not data and not self.datagrams:
                session.closed("the serial port is gone" if self.target.line is not None else "")
                return
            left = until - monotonic()
            if left <= 0 or not link.wait(left):  # also while other bytes keep coming
                raise TimeoutError
            data = link.receive(link.chunk)
            self._used = monotonic()
            if data and ask in session.receive(data):
                return

    def _ready(self) -> Link:
        """A link on which nothing is left of earlier requests."""
        link = self._link
        if link is None:
            return self._open()
        data = link.drain()
        if data:
            self.session.receive(data)
        if data is None or self.session.lost:
            self.close()
            return self._open()
        sleep(max(0.0, self._free - monotonic()))
        self._began = monotonic()
        return link

    def _open(self) -> Link:
        """Connect as often as the options have it."""
        tried = 0
        while True:
            tried += 1
            try:
                self._link = link = open_link(self.target, self.options)
            except NetworkError:
                if tried > self.options.reconnect:
                    raise
                sleep(self.options.delay(tried))
            else:
                self._began = self._used = monotonic()
                return link
