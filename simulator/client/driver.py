"""Requests by events: what the clients for Twisted and for asyncio share.

A driver holds one connection, sends the requests of plans as there is room for them, and goes on with each
plan when its answer comes.  What differs between event loops is behind :class:`Loop`: time, timers, how a
connection is made, what a verb returns.  A driver can therefore be tested with a loop of one's own.

The one rule: every request that is taken ends, with a value or an error, and nothing of it is left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from simulator.client.plans import Plan
from simulator.client.trying import worth_another_try
from simulator.errors import ConnectionClosed, ModbusException, ModsimError, NetworkError
from simulator.protocol.contract import MessageError

if TYPE_CHECKING:
    from simulator.client.asks import Ask
    from simulator.client.base import Configured

CLOSED_HERE = "this client closed the connection"


class Handle(Protocol):
    """Something that has been started and can be called off."""

    def cancel(self) -> Any:
        """Call it off; nothing when it is over."""
        ...


class Wire(Protocol):
    """A connection.  What it receives goes to ``Driver.received``, its end to ``Driver.lost``."""

    def write(self, data: bytes) -> None:
        """Send bytes; over datagrams, as one."""
        ...

    def close(self) -> None:
        """Close at once; ``Driver.lost`` is called afterwards."""
        ...


class Loop(Protocol):
    """An event loop, as a driver sees it."""

    def seconds(self) -> float:
        """The time of a clock that never goes back."""
        ...

    def call_later(self, seconds: float, function: Callable[[], object]) -> Handle:
        """Call a function in a while."""
        ...

    def soon(self, function: Callable[[], object]) -> object:
        """Call a function when the events of this turn have been seen."""
        ...

    def open(self, driver: Driver) -> Handle:
        """Begin to connect; call ``opened`` or ``failed`` of the driver later, unless called off."""
        ...

    def promise(self) -> Any:
        """What a verb returns."""
        ...

    def keep(self, promise: Any, value: Any, error: BaseException | None) -> None:
        """Let a promise have its value, or its error; nothing when nobody waits for it any more."""
        ...

    def dropped(self, promise: Any) -> bool:
        """True when nobody waits for a promise any more."""
        ...


class Job:
    """A plan under way."""

    __slots__ = ("ask", "plan", "promise", "tried")

    def __init__(self, plan: Plan[Any], ask: Ask[Any], promise: Any) -> None:
        self.plan = plan
        self.ask = ask
        self.promise = promise
        self.tried = 0  # how often the present request was sent
        ask.owner = self


class Driver:
    """One connection and the plans that are run over it."""

    def __init__(self, client: Configured, loop: Loop) -> None:
        self.client = client
        self.session = client._new_session()
        self.options = client.options
        self._loop = loop
        self._room = self.options.in_flight if self.session.matches else 1
        self._queue: deque[Job] = deque()
        self._flying: dict[Job, float] = {}  # and when their time is over, the earliest first
        self._wire: Wire | None = None
        self._opening: Handle | None = None
        self._tries = 0  # to connect, in vain
        self._out: list[bytes] = []
        self._timer: Handle | None = None  # for the earliest deadline
        self._pause: Handle | None = None  # until the line is free
        self._free = 0.0  # when it is
        self._openers: list[Any] = []  # promises of connect()
        self._closers: list[Any] = []  # promises of close()
        self._ending: set[Wire] = set()  # closed here, but not gone yet

    @property
    def connected(self) -> bool:
        """True while a connection is open."""
        return self._wire is not None

    @property
    def pending(self) -> int:
        """How many plans are under way."""
        return len(self._queue) + len(self._flying)

    def run(self, work: Plan[Any] | Ask[Any]) -> Any:
        """Run a plan; the promise of its value."""
        promise, plan = self._loop.promise(), iter(work)
        try:
            job = Job(plan, plan.send(None), promise)
        except StopIteration as done:
            self._loop.keep(promise, done.value, None)
        except Exception as error:
            self._loop.keep(promise, None, _told(error))
        else:
            self._queue.append(job)
            self._pump()
        return promise

    def connect(self) -> Any:
        """Connect now; a promise."""
        promise = self._loop.promise()
        if self._wire is not None:
            self._loop.keep(promise, None, None)
        else:
            self._openers.append(promise)
            self._connect()
        return promise

    def close(self) -> Any:
        """End the connection and every request; a promise that is kept when it has ended."""
        promise = self._loop.promise()
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.cancel()
        self._end_wire()
        self._fail_waiting(ConnectionClosed(self.client.url, CLOSED_HERE))
        for ask in self.session.closed(CLOSED_HERE):
            self._over(ask.owner, ask.error, final=True)
        if self._ending:
            self._closers.append(promise)
        else:
            self._loop.keep(promise, None, None)
        return promise

    # what a loop tells

    def opened(self, wire: Wire) -> None:
        """A connection stands."""
        self._opening, self._wire, self._tries = None, wire, 0
        openers, self._openers = self._openers, []
        for promise in openers:
            self._loop.keep(promise, None, None)
        self._pump()

    def failed(self, error: NetworkError) -> None:
        """A connection could not be made."""
        self._opening = None
        self._tries += 1
        self._queue = deque(job for job in self._queue if not self._forgotten(job))
        if self._tries <= self.options.reconnect and (self._queue or self._openers):
            self._opening = self._loop.call_later(self.options.delay(self._tries), self._reconnect)
            return
        self._tries = 0
        self._fail_waiting(error)

    def received(self, data: bytes) -> None:
        """Bytes have come, as they came."""
        done = self.session.receive(data)
        if self.session.lost:  # before anybody is told, who may ask again at once
            done += self._abort(f"garbage came: {self.session.lost}")
        for ask in done:
            self._over(ask.owner, ask.error)
        if self.client.gap_s:
            self._free = self._loop.seconds() + self.client.gap_s
        self._pump()

    def refused(self, error: NetworkError) -> None:
        """What is in flight cannot be answered: the network says so of a datagram."""
        for job in list(self._flying):
            self.session.cancel(job.ask)
            self._over(job, error)
        self._pump()

    def lost(self, wire: Wire, reason: str = "") -> None:
        """A connection has ended; nothing when it was not the one that is open."""
        if wire is self._wire:
            self._wire = None
            self._quieten()
            for ask in self.session.closed(reason):
                self._over(ask.owner, ask.error)
        elif wire not in self._ending:
            return
        self._ending.discard(wire)
        closers: list[Any] = []
        if not self._ending:
            closers, self._closers = self._closers, closers
        for promise in closers:
            self._loop.keep(promise, None, None)
        if self._openers and self._wire is None:
            self._connect()
        self._pump()

    # what follows

    def _pump(self) -> None:
        """Send what there is room for."""
        if not self._queue:
            return
        wire = self._wire
        if wire is None:
            self._connect()
            return
        now = self._loop.seconds()
        while self._queue and len(self._flying) < self._room:
            if self._free > now:
                self._wait(self._free - now)
                return
            job = self._queue.popleft()
            if not self._forgotten(job):
                self._send(job, wire, now)

    def _send(self, job: Job, wire: Wire, now: float) -> None:
        ask = job.ask
        try:
            data = self.session.begin(ask)
        except ValueError as error:
            self._end(job, None, error)
            return
        job.tried += 1
        if ask.answered:
            self._flying[job] = now + self.options.timeout
            if self._timer is None:
                self._timer = self._loop.call_later(self.options.timeout, self._expire)
        if len(self._flying) <= 1 or self.client.datagrams:
            wire.write(data)
        else:  # together with the others of this turn
            if not self._out:
                self._loop.soon(self._flush)
            self._out.append(data)
        if not ask.answered:
            self._free = now + self.client.turnaround_s
            self._step(job, job.plan.send, None)

    def _flush(self) -> None:
        data, self._out = b"".join(self._out), []
        if self._wire is not None and data:
            self._wire.write(data)

    def _over(self, job: Job, error: ModsimError | None, *, final: bool = False) -> None:
        """A request is finished: on with its plan, or once more, or an end with an error."""
        self._flying.pop(job, None)
        if error is None:
            self._step(job, job.plan.send, job.ask.answer)
        elif not final and worth_another_try(error, job.tried, self.options):
            self._queue.appendleft(job)
        elif isinstance(error, ModbusException):
            self._step(job, job.plan.throw, error)
        else:
            self._end(job, None, error)

    def _step(self, job: Job, go_on: Callable[[Any], Ask[Any]], given: Any) -> None:
        """Give a plan an answer or a refusal; its next request goes behind those of the others."""
        try:
            ask = go_on(given)
        except StopIteration as done:
            self._loop.keep(job.promise, done.value, None)
        except Exception as error:
            self._end(job, None, _told(error))
        else:
            job.ask, job.tried, ask.owner = ask, 0, job
            self._queue.append(job)

    def _end(self, job: Job, value: Any, error: BaseException | None) -> None:
        job.plan.close()
        self._loop.keep(job.promise, value, error)

    def _forgotten(self, job: Job) -> bool:
        """True for a job that nobody waits for; its plan is closed."""
        if not self._loop.dropped(job.promise):
            return False
        job.plan.close()
        return True

    def _expire(self) -> None:
        """The time of some requests is over."""
        self._timer = None
        now = self._loop.seconds()
        done = []
        for job, until in self._flying.items():
            if until > now:
                self._timer = self._loop.call_later(until - now, self._expire)
                break
            job.ask.error = self.session.expire(job.ask, self.options.timeout)
            done.append(job.ask)
        if self.session.broken:
            done += self._abort("an answer before it never ended")
        for ask in done:
            self._over(ask.owner, ask.error)
        self._pump()

    def _wait(self, seconds: float) -> None:
        if self._pause is None:
            self._pause = self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        self._pause = None
        self._pump()

    def _connect(self) -> None:
        if self._opening is None and not self._ending:
            self._opening = self._loop.open(self)

    def _reconnect(self) -> None:
        self._opening = self._loop.open(self)

    def _abort(self, reason: str) -> list[Ask[Any]]:
        """Nothing can follow on this connection; the requests that end with it."""
        self._end_wire()
        return self.session.closed(reason)

    def _end_wire(self) -> None:
        """Close the connection: what is asked from now on waits until it is gone, and for another one."""
        self._quieten()
        wire, self._wire = self._wire, None
        if wire is not None:
            self._ending.add(wire)
            wire.close()

    def _quieten(self) -> None:
        """No timer is left."""
        self._out.clear()
        for handle in (self._timer, self._pause):
            if handle is not None:
                handle.cancel()
        self._timer = self._pause = None

    def _fail_waiting(self, error: ModsimError) -> None:
        queue, self._queue = self._queue, deque()
        openers, self._openers = self._openers, []
        for job in queue:
            self._end(job, None, error)
        for promise in openers:
            self._loop.keep(promise, None, error)


def _told(error: Exception) -> Exception:
    """What a caller is told of an error of a plan: a message that cannot exist is a wrong argument."""
    return ValueError(str(error)) if isinstance(error, MessageError) else error
