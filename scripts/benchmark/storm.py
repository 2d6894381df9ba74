"""Scenario: a thousand devices go offline under a thousand connected clients, and come back.

Every client polls its device, finds its connection gone, and tries again every 200 ms until it is answered.
The plant plays that by a scenario of its own; its log says when the devices go and when they are back.
"""

from __future__ import annotations

import json
import selectors
import socket
import struct
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from .bars import STORM, Outcome, Row, Table
from .comparing import Pace, progress
from .ours import start_plant
from .plants import FILL, Plant, crowd
from .processes import StartError
from .workshop import Workshop

CLIENTS = 1000
FIRST_PORT = 19000
WILDCARD_PORT = 18991
RETRY_S = 0.2
POLL_S = 0.05
AWAY_AT_S, AWAY_FOR_S = 4, 3
PATIENCE_S = 60.0
REQUEST = struct.pack(">HHHBBHH", 7, 0, 6, 1, 3, 0, 1)
ANSWER = struct.pack(">HHHBBBH", 7, 0, 5, 1, 3, 2, FILL)
EXTRA = f"""\
scenarios:
  storm:
    steps:
      - {{at: {AWAY_AT_S}s, offline: 'device-*', for: {AWAY_FOR_S}s}}
    start: true
"""
PLACES = {
    "1 000 listeners": f"127.0.0.1:{FIRST_PORT}-{FIRST_PORT + CLIENTS - 1}",
    "1 000 virtual IPs, one listener": f"127.64.1.1-127.64.4.232:{WILDCARD_PORT}",
}


class Storm:
    """All clients, in one loop of one thread."""

    def __init__(self, places: list[tuple[str, int]]) -> None:
        self._selector = selectors.DefaultSelector()
        self.clients = [Client(self._selector, place) for place in places]

    def until(self, done: str) -> float:
        """Go on until every client is in a state; when the last of them was, in Unix seconds."""
        deadline = time.time() + PATIENCE_S
        while any(client.state != done for client in self.clients):
            now = time.time()
            if now > deadline:
                others = sum(client.state != done for client in self.clients)
                raise StartError(f"{others} of {len(self.clients)} clients are not {done}, {PATIENCE_S:g} s")
            for client in self.clients:
                client.due(now)
            for key, _ in self._selector.select(0.01):
                key.data.ready(time.time())
        return max(client.since for client in self.clients)

    def close(self) -> None:
        for client in self.clients:
            client.close()
        self._selector.close()


class Client:
    """One client: ``state`` is waiting, connecting, asking or answered, ``since`` when."""

    def __init__(self, selector: selectors.BaseSelector, place: tuple[str, int]) -> None:
        self._selector, self._place = selector, place
        self._socket: socket.socket | None = None
        self._next = 0.0
        self.wrong = 0
        self.lost = 0.0  # when it was lost last
        self._turn("waiting", 0.0)

    def due(self, now: float) -> None:
        """Connect or ask when it is time."""
        if now < self._next:
            return
        if self.state == "waiting":
            self._connect(now)
        elif self.state == "answered":
            self._ask(now)

    def ready(self, now: float) -> None:
        """The socket has something to say."""
        if self._socket is None:
            return
        if self.state == "connecting":
            if self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._lost(now)
            else:
                self._selector.modify(self._socket, selectors.EVENT_READ, self)
                self._ask(now)
            return
        try:
            data = self._socket.recv(4096)
        except OSError:
            data = b""
        if not data:
            self._lost(now)
            return
        self.wrong += data != ANSWER
        if self.state == "asking":
            self._turn("answered", now)
        self._next = now + POLL_S

    def close(self) -> None:
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def _connect(self, now: float) -> None:
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.connect_ex(self._place)
        self._selector.register(self._socket, selectors.EVENT_WRITE, self)
        self._turn("connecting", now)

    def _ask(self, now: float) -> None:
        assert self._socket is not None
        self._next = float("inf")
        if self.state != "answered":
            self._turn("asking", now)
        try:
            self._socket.send(REQUEST)
        except OSError:
            self._lost(now)

    def _lost(self, now: float) -> None:
        self.close()
        self.lost = now if self.state == "answered" else self.lost
        self._next = now + RETRY_S
        self._turn("waiting", now)

    def _turn(self, state: str, now: float) -> None:
        self.state = state
        self.since = now


def storm(shop: Workshop, pace: Pace) -> Outcome:
    table = Table(
        "1 000 devices with 1 000 connected clients go offline for 3 s; clients try again every 200 ms",
        [
            "devices",
            "all clients lost s",
            "all answered again s",
            "CPU of the server s",
            "wrong answers",
        ],
    )
    outcome = Outcome([Row(bar) for bar in STORM], [table])
    for row, (name, endpoint) in zip(outcome.rows, PLACES.items(), strict=True):
        for _ in range(max(1, pace.rounds // 3)):
            try:
                _play(shop, name, endpoint, row, table)
            except StartError as error:
                row.complaint = str(error)
    return outcome


def _play(shop: Workshop, name: str, endpoint: str, row: Row, table: Table) -> None:
    """One storm: adds a value to the row and a line to the table."""
    with ExitStack() as stack:
        began = time.time()
        server = start_plant(shop, stack, Plant("storm", f"tcp://{endpoint}", CLIENTS, crowd(), EXTRA))
        progress(f"a storm on {name}")
        clients = Storm(_places(endpoint))
        stack.callback(clients.close)
        clients.until("answered")
        clients.until("waiting")
        used = server.cpu_s()
        answered = clients.until("answered")
        used = server.cpu_s() - used
        gone, back = _told(shop.folder / "logs" / "modsim.log", began)
    lost = max(client.lost for client in clients.clients)
    wrong = sum(client.wrong for client in clients.clients)
    row.values.append(answered - back)
    row.complaint = row.complaint or (f"{wrong} wrong answers" if wrong else "")
    figures = [lost - gone, answered - back, used]
    table.lines.append([name, *(f"{figure:.2f}" for figure in figures), str(wrong or "none")])


def _places(endpoint: str) -> list[tuple[str, int]]:
    """Where the thousand devices are."""
    host, _, port = endpoint.rpartition(":")
    if "-" not in host:
        return [(host, FIRST_PORT + number) for number in range(CLIENTS)]
    first = struct.unpack(">I", socket.inet_aton(host.partition("-")[0]))[0]
    return [(socket.inet_ntoa(struct.pack(">I", first + number)), int(port)) for number in range(CLIENTS)]


def _told(log: Path, began: float) -> tuple[float, float]:
    """When the devices went and came back, in Unix seconds, as the server's log has it."""
    times = {}
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith("{") and (entry := json.loads(line)).get("source") == "scenarios":
            what = entry["message"].partition(": ")[2]
            times[what.partition(" ")[0]] = datetime.fromisoformat(entry["time"])
    if f"{AWAY_AT_S}s:" not in times or "take" not in times:
        raise StartError(f"the scenario of the storm is not in {log}")
    gone, back = times[f"{AWAY_AT_S}s:"].timestamp(), times["take"].timestamp()
    assert began < gone < back
    return gone, back
