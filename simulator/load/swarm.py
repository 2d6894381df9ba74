"""The loop of a swarm: one epoll, a schedule, timeouts, a ramp.

Everything runs in one thread on own sockets; the time the loop spends waiting is what it has to spare, and is
measured.  Clients begin one after the other over the ramp, and measuring begins behind it.  A client whose
connection is lost comes back after a second, as long as the plan lasts.
"""

from __future__ import annotations

import heapq
import random
import resource
import select
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING

from simulator.load.clients import TIMEOUT, Client, LineClient
from simulator.load.plan import Plan
from simulator.load.shots import Shot, shots
from simulator.load.sockets import CONNECT_TIMEOUT, kind_of, kind_of_error, open_socket
from simulator.load.tally import Pace, Snapshot, Tally

if TYPE_CHECKING:
    import ssl

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
LEAST_WAIT = 20_000  # nanoseconds; for less it is not worth asking the kernel
COME_BACK = SECOND  # until a lost connection is tried again
LOOK = SECOND  # between two live lines
SWEEP = SECOND // 20  # at most, between two looks for timeouts
EVENTS = 1024
NOT_CONNECTED, NOT_SENT = "not connected", "not sent: no room in flight"
_BEGINS_AT_ONCE = 200  # connections begun in one round of the loop


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a swarm measured.

    ``answered`` came within the ``elapsed_s``; the tally has also those in flight at the end.  ``busy`` is
    the share of time the loop did not wait, ``cpu`` its share of one core, ``starved`` the share of time in
    which it could have run and got no core.
    """

    plan: Plan
    tally: Tally
    answered: int
    elapsed_s: float
    connected: int
    busy: float
    cpu: float
    starved: float
    interrupted: bool
    failure: str = ""  # why nobody could connect at all


class Swarm:
    """Carries a plan out once.  ``stop()`` ends it early, from a signal for example."""

    def __init__(self, plan: Plan, *, live: Callable[[Snapshot], None] | None = None) -> None:
        self.plan = plan
        self._live = live
        self._tally = Tally()
        ring = shots(plan)
        chance = random.Random(plan.seed)
        self._chance = chance
        self._context = _tls_context(plan)
        self._clients = [
            self._client(index, ring, chance.randrange(len(ring))) for index in range(plan.clients)
        ]
        self._by_fd: dict[int, Client] = {}
        self._due: list[tuple[int, int]] = []  # when, which client
        self._coming: list[tuple[int, int]] = []  # connections to begin: when, which client
        self._poll = select.epoll()
        self._waited = 0
        self._stopped = False
        self._interval = round(SECOND / plan.rate) if plan.rate else 0
        self._failure = ""
        self._refused = 0  # clients that never could connect

    def _client(self, index: int, ring: tuple[Shot, ...], place: int) -> Client:
        target = self.plan.targets[index % len(self.plan.targets)]
        if target.transport == "tls":
            from simulator.load.secured import TlsClient

            assert self._context is not None
            secured = TlsClient(index, target, ring, place, self._tally)
            secured.context, secured.server_name = self._context, self.plan.server_name or target.host
            made: Client = secured
        else:
            kind = Client if target.framing == "mbap" else LineClient
            made = kind(index, target, ring, place, self._tally)
        made.depth = self.plan.depth
        made.eager = not self.plan.is_open
        return made

    def stop(self) -> None:
        """End soon; what is in flight is still waited for."""
        self._stopped = True

    def run(self) -> Outcome:
        """Connect, fire, measure, close."""
        try:
            return self._run()
        finally:
            for client in self._clients:
                client.drop(0)
            self._poll.close()

    def _run(self) -> Outcome:
        plan = self.plan
        began = perf_counter_ns()
        ramp = round(plan.ramp_s * SECOND)
        step = ramp / plan.clients
        self._coming = [(began + round(step * index), index) for index in range(plan.clients)]
        measured_from, stop = began, began + ramp + round(plan.duration_s * SECOND)
        now = self._until(began + ramp, began) if ramp else began
        if ramp and not self._stopped:
            self._begin_measuring()
            measured_from = now
        self._waited = 0
        spent, starved = _cpu(), _starved()
        now = self._until(stop, began)
        busy = 1 - self._waited / max(now - measured_from, 1)
        cpu = (_cpu() - spent) / max((now - measured_from) / SECOND, 1e-9)
        elapsed = (now - measured_from) / SECOND
        hungry = (_starved() - starved) / max(elapsed, 1e-9)
        connected = sum(client.connected for client in self._clients)
        answered = self._tally.answered
        if not self._failure:
            self._drain()
        return Outcome(
            plan, self._tally, answered, elapsed, connected, busy, cpu, hungry, self._stopped, self._failure
        )

    def _begin_measuring(self) -> None:
        """Forget what was counted so far; requests in flight count when they are answered."""
        self._tally = Tally()
        for client in self._clients:
            client.tally = self._tally

    def _until(self, stop: int, began: int) -> int:
        """Work until ``stop``, or until there is no reason to go on; the time then."""
        pace, look = Pace(), perf_counter_ns() + LOOK
        pace.since(self._tally, perf_counter_ns() / SECOND)
        sweep_every = min(SWEEP, round(self.plan.timeout_s * SECOND / 4))
        sweep = 0
        while not self._stopped and not self._failure:
            now = perf_counter_ns()
            if now >= stop:
                break
            if self._coming and self._coming[0][0] <= now:
                self._connect_due(now)
            if self._due and self._due[0][0] <= now:
                self._fire_due(now)
            if now >= sweep:
                self._sweep(now, refill=True)
                sweep = now + sweep_every
            if now >= look and self._live is not None:
                look += LOOK
                self._live(self._snapshot(pace, now, began))
            self._wait(min(stop, sweep, *(heap[0][0] for heap in (self._coming, self._due) if heap)))
        return perf_counter_ns()

    def _wait(self, until: int) -> None:
        """Wait for the next thing to do, but not beyond ``until``."""
        before = perf_counter_ns()
        left = until - before
        if LEAST_WAIT < left < MILLISECOND:  # epoll counts whole milliseconds, select does not
            select.select((self._poll,), (), (), left / SECOND)
            left = 0
        events = self._poll.poll(max(left, 0) // MILLISECOND / 1000, EVENTS)
        self._waited += perf_counter_ns() - before
        by_fd = self._by_fd
        for fd, event in events:
            client = by_fd.get(fd)
            if client is None:
                continue
            if event == select.EPOLLIN and client.connected:  # nearly always
                lost = client.readable()
                if lost:
                    self._lose(client, lost)
                elif client.backlog or client.wants_write:
                    self._after(client)
            else:
                self._serve(client, event)

    def _serve(self, client: Client, event: int) -> None:
        if not client.connected:
            self._arrived(client)
            return
        lost = client.flush() if event & select.EPOLLOUT else ""
        if not lost and event & ~select.EPOLLOUT:
            lost = client.readable()
        if lost:
            self._lose(client, lost)
        else:
            self._after(client)

    def _after(self, client: Client) -> None:
        """Something has been read or written: look for what else there is to do."""
        self._watch(client)
        if client.room:
            self._refill(client, perf_counter_ns())

    def _refill(self, client: Client, now: int) -> None:
        """Use the room there is: what was due before, or without a schedule the next requests."""
        room = client.room
        if self._interval:
            backlog = client.backlog
            due = [backlog.popleft() for _ in range(min(room, len(backlog)))]
        else:
            due = [now] * room if client.eager else []
        if due:
            self._fire(client, due, now)

    def _fire(self, client: Client, due: list[int], now: int) -> None:
        lost = client.fire(due, now)
        if lost:
            self._lose(client, lost)
        elif client.wants_write:
            self._watch(client)

    def _fire_due(self, now: int) -> None:
        """Send what is due; what there is no room for waits, and its latency counts already."""
        heap, lag = self._due, self._tally.lag
        poisson = self.plan.arrivals == "poisson"
        while heap and heap[0][0] <= now:
            when, index = heap[0]
            client = self._clients[index]
            pause = round(self._chance.expovariate(1) * self._interval) if poisson else self._interval
            heapq.heapreplace(heap, (when + pause, index))
            if not client.connected:
                self._tally.errors[NOT_CONNECTED] += 1
            elif client.room:
                lag.record(now - when)
                self._fire(client, [when], now)
            else:
                client.backlog.append(when)

    def _connect_due(self, now: int) -> None:
        for _ in range(_BEGINS_AT_ONCE):
            if not self._coming or self._coming[0][0] > now:
                return
            _, index = heapq.heappop(self._coming)
            self._begin(self._clients[index], now)

    def _begin(self, client: Client, now: int) -> None:
        try:
            client.begin(open_socket(client.target), now)
        except OSError as error:
            self._lose(client, kind_of_error(error))
            return
        self._by_fd[client.fd] = client
        self._poll.register(client.fd, select.EPOLLIN | select.EPOLLOUT)

    def _arrived(self, client: Client) -> None:
        """A connection stands, or does not."""
        assert client.sock is not None
        number = client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            self._lose(client, kind_of(number))
            return
        try:
            ready = client.arrived()
        except OSError as error:
            self._lose(client, kind_of_error(error))
            return
        if not ready:
            self._watch(client)
            return
        client.connected, client.wants_write = True, False
        if client.failed:
            client.failed = False
            self._refused -= 1
        self._watch(client)
        now = perf_counter_ns()
        if self._interval:
            self._schedule(client, now)
        else:
            self._refill(client, now)

    def _schedule(self, client: Client, now: int) -> None:
        """The first request is due somewhere in the first interval, so that clients do not march in step."""
        if not client.scheduled:
            client.scheduled = True
            heapq.heappush(self._due, (now + self._chance.randrange(self._interval), client.index))

    def _watch(self, client: Client) -> None:
        if client.fd >= 0:
            write = select.EPOLLOUT if client.wants_write else 0
            self._poll.modify(client.fd, select.EPOLLIN | write)

    def _lose(self, client: Client, kind: str) -> None:
        """A connection is gone: requests in flight failed with it; without any the loss itself is counted."""
        now = perf_counter_ns()
        self._by_fd.pop(client.fd, None)
        never = not client.connected and not client.pending
        lost = client.drop(now)
        self._tally.errors[kind] += max(len(lost), 1)
        heapq.heappush(self._coming, (now + COME_BACK, client.index))
        if never and not client.failed and not self._tally.sent:
            client.failed = True
            self._refused += 1
            if self._refused == len(self._clients):
                self._failure = kind

    def _sweep(self, now: int, *, refill: bool) -> None:
        before = now - round(self.plan.timeout_s * SECOND)
        for client in self._clients:
            if client.pending:
                oldest = next(iter(client.pending.values()))
                if oldest[1] < before and client.give_up(before, now):
                    if client.closes_after_timeout:
                        self._renew(client, now)
                    elif refill and client.room:
                        self._refill(client, now)
            elif client.fd >= 0 and not client.connected and client.since < before:
                self._lose(client, CONNECT_TIMEOUT)

    def _renew(self, client: Client, now: int) -> None:
        """A new connection at once, so that a late answer cannot be taken for another."""
        self._by_fd.pop(client.fd, None)
        client.drop(now)
        heapq.heappush(self._coming, (now, client.index))

    def _drain(self) -> None:
        """Wait for what is in flight, and for what was due and had no room, up to the timeout."""
        for client in self._clients:
            client.eager = False
        self._due.clear()
        stop = perf_counter_ns() + round(self.plan.timeout_s * SECOND)
        while any(client.pending or (client.connected and client.backlog) for client in self._clients):
            now = perf_counter_ns()
            if now >= stop:
                break
            self._wait(min(stop, now + SWEEP))
        left = {TIMEOUT: sum(len(client.pending) for client in self._clients)}
        left[NOT_SENT] = sum(len(client.backlog) for client in self._clients)
        self._tally.errors += Counter(left)  # which leaves out kinds that nothing was counted for

    def _snapshot(self, pace: Pace, now: int, began: int) -> Snapshot:
        rate, median, high = pace.since(self._tally, now / SECOND)
        return Snapshot(
            elapsed_s=(now - began) / SECOND,
            duration_s=self.plan.ramp_s + self.plan.duration_s,
            connected=sum(client.connected for client in self._clients),
            in_flight=sum(len(client.pending) for client in self._clients),
            rate=rate,
            p50_ms=median,
            p99_ms=high,
            failed=self._tally.failed,
            ramping=now < began + self.plan.ramp_s * SECOND,
        )


def _tls_context(plan: Plan) -> ssl.SSLContext | None:
    """The context of all clients; ValueError for certificates that cannot be used."""
    if not any(target.transport == "tls" for target in plan.targets):
        return None
    from simulator.client.options import Options
    from simulator.client.tls import client_context

    return client_context(Options(ca=plan.ca, certificate=plan.certificate, key=plan.key))


def _starved() -> float:
    """Seconds this process could have run and did not get a core; 0 where the kernel does not tell."""
    try:
        with open("/proc/self/schedstat", encoding="ascii") as file:
            return int(file.read().split()[1]) / SECOND
    except (OSError, ValueError, IndexError):
        return 0.0


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
